/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <accmig/compat.h>

/*
 * Families: which devices belong to a driver family, what a profile says of one, and the rules by which two
 * of them are held against each other. Each is a file, NAME.family; accmig.family(5) has the format.
 *
 * Profiles, inventories and verdicts use the default set, which is loaded when the first of them is made,
 * from the directories in $ACCMIG_FAMILIES_PATH (with ":" between them, later ones win), else from those of
 * the installation. A file that is wrong is left out and the others work; without the family "generic" no
 * verdict is better than unknown.
 */

typedef struct _AccmigFamilies AccmigFamilies;
typedef struct _AccmigFamily AccmigFamily;

/* What a profile's object of a family has in one member. Strings live as long as the family. */
typedef struct
{
  const char *name; /* "qp-num" */
  const char *what; /* "queue count" */
  const char *type; /* "text", "number", "hex", "flags", "boolean" */
  const char *from; /* where it is read, as it stands in the file */
} AccmigFamilyField;

/* One row of a family's rules. Strings live as long as the family, and are "" where the file says nothing. */
typedef struct
{
  const char *id;   /* as in a verdict: "hisi_acc.magic". Rows of one id are cases of one rule */
  const char *name; /* of the row, which no other row of the family has: "magic old-to-new" */
  const char *rank; /* "identity", "host", "capability", "quantity", "remark" */
  AccmigSeverity severity;
  const char *relation; /* "equal", …; "check NAME" for one that is a function */
  const char *field;    /* path in a profile: "hisi_acc.magic" */
  const char *what;
  const char *when;
  const char *sentence; /* template */
  const char *remedy;   /* template */
  const char *reference;
} AccmigFamilyRule;

/* ---- a set ---- */

/**
 * accmig_families_load:
 * @directories: NULL-terminated; a file of a later one replaces that of the same name in an earlier one
 * Returns: (transfer full): never NULL. What was wrong is in its warnings; a directory that is not there is
 * nothing wrong
 */
ACCMIG_API AccmigFamilies *accmig_families_load (const char *const *directories);

ACCMIG_API AccmigFamilies *accmig_families_ref (AccmigFamilies *families);
ACCMIG_API void accmig_families_unref (AccmigFamilies *families);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (AccmigFamilies, accmig_families_unref)

/**
 * accmig_families_get_default:
 * Returns: (transfer none): the default set, loaded by the first call
 */
ACCMIG_API AccmigFamilies *accmig_families_get_default (void);

/**
 * accmig_families_set_default:
 * @families: (transfer full)
 *
 * Replaces the default set, for tests and tools: before there are threads, profiles and inventories. Profiles
 * that were made before must not be compared with those that are made after.
 */
ACCMIG_API void accmig_families_set_default (AccmigFamilies *families);

/**
 * accmig_families_get_warnings:
 * Returns: (transfer none): NULL-terminated: "PATH:LINE: cause" of each file, or part of the set, that is not
 * as it should be
 */
ACCMIG_API const char *const *accmig_families_get_warnings (const AccmigFamilies *families);

/** accmig_families_get_n: Returns: the number of families; they are sorted by name */
ACCMIG_API gsize accmig_families_get_n (const AccmigFamilies *families);
ACCMIG_API const AccmigFamily *accmig_families_get (const AccmigFamilies *families, gsize index);
/** accmig_families_lookup: @name: (nullable). Returns: (transfer none) (nullable) */
ACCMIG_API const AccmigFamily *accmig_families_lookup (const AccmigFamilies *families, const char *name);

/* ---- one family; everything returned lives as long as the set ---- */

ACCMIG_API const char *accmig_family_get_name (const AccmigFamily *family);
ACCMIG_API const char *accmig_family_get_title (const AccmigFamily *family);
/** accmig_family_get_path: Returns: the file that it was read from */
ACCMIG_API const char *accmig_family_get_path (const AccmigFamily *family);
/** accmig_family_get_drivers: Returns: NULL-terminated: VFIO drivers, the one to bind first; may be empty */
ACCMIG_API const char *const *accmig_family_get_drivers (const AccmigFamily *family);
/** accmig_family_get_ids: Returns: NULL-terminated: "19e5:a256" of its VFs; may be empty */
ACCMIG_API const char *const *accmig_family_get_ids (const AccmigFamily *family);
/** accmig_family_get_mdev_types: Returns: NULL-terminated: shell globs of mdev type ids; may be empty */
ACCMIG_API const char *const *accmig_family_get_mdev_types (const AccmigFamily *family);
/** accmig_family_get_match_size: Returns: bytes of match data worth reading from a free device, 0 for none */
ACCMIG_API gsize accmig_family_get_match_size (const AccmigFamily *family);
/** accmig_family_get_stream_min: Returns: bytes that a stream has at least when it carries a device's whole
 * state, 0 when nothing is known */
ACCMIG_API gsize accmig_family_get_stream_min (const AccmigFamily *family);
/** accmig_family_has_trial: Returns: whether match data alone makes the driver say yes or no */
ACCMIG_API gboolean accmig_family_has_trial (const AccmigFamily *family);
ACCMIG_API gsize accmig_family_get_n_fields (const AccmigFamily *family);
ACCMIG_API const AccmigFamilyField *accmig_family_get_field (const AccmigFamily *family, gsize index);
/** accmig_family_get_n_rules: Returns: the number of the family's own rules, in the order of the file */
ACCMIG_API gsize accmig_family_get_n_rules (const AccmigFamily *family);
ACCMIG_API const AccmigFamilyRule *accmig_family_get_rule (const AccmigFamily *family, gsize index);

/**
 * accmig_family_check_file:
 * @path: a family file
 * @error: INVALID, LIMIT or what reading it gave, with "PATH:LINE: cause" where a line is to blame
 * Returns: whether it can be used, as far as one file alone can tell
 */
ACCMIG_API gboolean accmig_family_check_file (const char *path, GError **error);
