/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "error-private.h"

/*
 * The text of a family file: groups of keys, each with its line, so that whatever is wrong with one can be
 * said with the place where it stands.
 */

/* Largest file, in bytes. */
#define FAMILY_TEXT_MAX_SIZE (256 * 1024)

typedef struct
{
  const char *path; /* of the file */
  guint line;
  char *name;
  char *value; /* without the white space around it, never empty */
} FamilyKey;

typedef struct
{
  const char *path;
  guint line;
  char *name;
  GPtrArray *keys; /* of FamilyKey, in the order of the file */
} FamilyGroup;

typedef struct
{
  char *path;
  GPtrArray *groups; /* of FamilyGroup, in the order of the file */
} FamilyText;

/*
 * @error: "PATH:LINE: cause", or "PATH: cause" where there is no line to name
 * Returns: (transfer full) (nullable)
 */
FamilyText *family_text_read (const char *path, GError **error);
void family_text_free (FamilyText *text);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FamilyText, family_text_free)

/* Returns: (transfer none) (nullable) */
const FamilyKey *family_group_find (const FamilyGroup *group, const char *name);

/* Returns: (transfer none) (nullable): its value */
const char *family_group_get (const FamilyGroup *group, const char *name);

/*
 * The items of a list "a;b;c", a ";" at its end allowed.
 * @error: an empty item
 * Returns: (transfer full) (nullable)
 */
char **family_key_list (const FamilyKey *key, GError **error);

/* Sets @error to a cause that stands at the line of a key, or of a group. Is FALSE. */
#define fail_at(error, place, ...)                                                                           \
  ({                                                                                                         \
    family_text_set_error (error, (place)->path, (place)->line, __VA_ARGS__);                                \
    FALSE;                                                                                                   \
  })

void family_text_set_error (GError **error, const char *path, guint line, const char *format, ...)
    G_GNUC_PRINTF (4, 5);
