/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <accmig/families.h>

#include "compat-private.h"
#include "value.h"

/*
 * A family as its file says it, compiled: names looked up, numbers read, fields and rules numbered.
 */

/* The family whose rules hold for every device. */
#define GENERIC_FAMILY "generic"

/* ---- what is read from match data ---- */

/* An unsigned word, little endian. */
typedef struct
{
  guint width; /* bytes: 1, 2, 4, 8; 0 for no word */
  gsize offset;
} MatchWord;

/* The word is one of the values, or none. */
typedef struct
{
  MatchWord word;
  gboolean wanted;
  GArray *values; /* of guint64 */
} MatchCondition;

/* ---- fields ---- */

typedef enum
{
  SOURCE_MATCH,
  SOURCE_SYSFS,
  SOURCE_PARAMETER,
  SOURCE_UACCE,
  SOURCE_MDEV_TYPE,
  SOURCE_CODE,
} FieldSourceKind;

typedef struct _FieldReader FieldReader;

/* Where a field may be read. */
typedef struct
{
  FieldSourceKind kind;
  MatchWord word; /* MATCH */
  char *text;     /* SYSFS, PARAMETER: a path below sysfs; UACCE: an attribute; MDEV_TYPE: a prefix */
  const FieldReader *reader; /* CODE */
} FieldSource;

/* The text that stands for a number. */
typedef struct
{
  guint64 number;
  char *text;
} FieldName;

typedef struct
{
  char *name;
  char *what;
  char *from; /* as in the file */
  ValueType type;
  guint digits;       /* of a number that is kept as text; 0: as many as it takes */
  GArray *sources;    /* of FieldSource, tried in order */
  GArray *names;      /* of FieldName */
  GArray *conditions; /* of MatchCondition; all have to hold */
  AccmigFamilyField row;
} FamilyField;

/* Returns: (transfer full): a field that is read from nowhere yet */
FamilyField *family_field_new (const char *name);
void family_field_free (FamilyField *field);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FamilyField, family_field_free)

/* ---- the family ---- */

typedef struct _FamilyCode FamilyCode;

struct _AccmigFamily
{
  const char *name; /* static: it outlives the family */
  char *title;
  char *path;
  char **drivers;
  char **ids; /* "19e5:a256" */
  char **mdev_types;
  gsize match_size;
  gsize stream_min;
  gboolean trial;
  MatchWord match_vendor;
  MatchWord match_device;
  GPtrArray *fields;      /* of FamilyField */
  GPtrArray *rules;       /* of CompatRule, in the order of the file */
  GPtrArray *all_rules;   /* of CompatRule, borrowed: with those of every family, in the order of findings */
  const FamilyCode *code; /* (nullable) */
};

/* Returns: (transfer full): a family without anything */
AccmigFamily *family_new (const char *name, const char *path);
void family_free (AccmigFamily *family);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (AccmigFamily, family_free)

/* @family: (nullable). Returns: the number of values in a profile of it */
guint family_count_slots (const AccmigFamily *family);

/* A member of a profile, as a rule names it. */
typedef struct
{
  guint slot;
  ValueType type;
  const char *what; /* lives as long as the family */
} FamilyMember;

/* @ret_index: untouched when @family has no such field */
gboolean family_find_field (const AccmigFamily *family, const char *name, guint *ret_index);

/*
 * @name: a field of @family; a member that every profile has, "host.kernel"
 * Returns: whether there is one
 */
gboolean family_find_member (const AccmigFamily *family, const char *name, FamilyMember *ret_member);

/* Returns: (transfer full): path of that member in a profile: "hisi_acc.qp-num" */
char *family_member_path (const AccmigFamily *family, const char *name);

/* ---- a set ---- */

struct _AccmigFamilies
{
  gatomicrefcount references;
  GPtrArray *families;         /* of AccmigFamily, by name once the set is complete */
  const AccmigFamily *generic; /* (nullable): NULL when its file is missing, or wrong */
  GPtrArray *warnings;         /* of char *, with a NULL at the end once the set is complete */
};

/*
 * One file alone. @error: see accmig_family_check_file()
 * Returns: (transfer full) (nullable)
 */
AccmigFamily *family_read (const char *path, GError **error);

/* ---- which family, by the default set ---- */

/* The driver for every PCI function, which offers no migration. */
#define PLAIN_DRIVER "vfio-pci"

/*
 * A family is known by its PCI ids where these say it, since the ids are there whatever is bound; otherwise
 * by the VFIO driver that is bound, or would be.
 *
 * @driver: (nullable): the bound driver
 * @variant: (nullable): the best VFIO variant driver
 * Returns: the family's name, "generic" when none is known; static
 */
const char *family_of_pci (guint vendor, guint device, const char *driver, const char *variant);

/* @type: (nullable): type id, "mtty-1". Returns: as family_of_pci() */
const char *family_of_mdev (const char *type);

/* Whether two names mean the same driver: modules are named with underscores where drivers may have dashes.
 */
gboolean driver_names_equal (const char *a, const char *b);

/*
 * @module: name of a VFIO driver's module
 * Returns: (transfer none): the driver in it, as sysfs spells it; @module itself for one that is not known
 */
const char *driver_of_module (const char *module);
