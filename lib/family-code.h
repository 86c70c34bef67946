/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <accmig/profile.h>

#include <json-glib/json-glib.h>

#include "family.h"

/*
 * What no row of a family file can say: functions that the files call by name. One C file for each family
 * that has any, and a table in each.
 */

/* What a field is read from. */
typedef struct
{
  int sysfs_fd;                 /* -1 where there is only match data */
  const AccmigDeviceInfo *info; /* (nullable): NULL where there is only match data */
  const AccmigProbe *probe;
  gsize match_size; /* bytes of match data, 0 when there are none */
} FamilyDevice;

/* What a source gave: a text, or a number where there is none. */
typedef struct
{
  char *text;
  guint64 number;
} FieldValue;

/* @ret_value: (out caller-allocates): set on success */
typedef gboolean (*FieldRead) (const FamilyDevice *device, FieldValue *ret_value);

struct _FieldReader
{
  const char *name;
  gboolean reads_match; /* from match data and nothing else */
  FieldRead read;
};

typedef struct
{
  const char *name;
  CompatCheck check;
  const char *words[5]; /* that a sentence or remedy in the file may have besides the usual ones */
} FamilyCheck;

/* Both tables end with a row without a name. */
struct _FamilyCode
{
  const char *family;
  const FieldReader *readers;
  const FamilyCheck *checks;
};

extern const FamilyCode family_code_generic;
extern const FamilyCode family_code_hisi_acc;
extern const FamilyCode family_code_mlx5;

/* Returns: (nullable): the functions for the family @name */
const FamilyCode *family_code_find (const char *name);
/* @code: (nullable). Returns: (nullable) */
const FieldReader *family_code_find_reader (const FamilyCode *code, const char *name);
/* @code: (nullable). Returns: (nullable): one of its own, or one for every family */
const FamilyCheck *family_code_find_check (const FamilyCode *code, const char *name);

/* ---- reading a device, as the fields of its family say ---- */

/* The little-endian word at @word, which lies within the match data. */
guint64 match_word_read (const MatchWord *word, const guint8 *match);

/* Adds to @object each member that somebody knows. */
void family_read_fields (const AccmigFamily *family, const FamilyDevice *device, JsonObject *object);

/* Replaces in @object each member that match data could tell by what this match data does. */
void family_replace_fields (const AccmigFamily *family, const FamilyDevice *device, JsonObject *object);
