/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <accmig/compat.h>

/*
 * Rules as rows, and what the files with the tables share.
 *
 * Most rules hold one member of the source's profile against the same member of the target's; these are
 * nothing but a row. A rule whose answer needs more than that has a function in its row.
 */

/*
 * The order in which findings are reported: what a thing is, what the host puts under it, what it can do, how
 * much of it there is, the rest. A cause comes before its effect: a PF without its driver before a VF without
 * migration.
 */
typedef enum
{
  RANK_IDENTITY,
  RANK_HOST,
  RANK_CAPABILITY,
  RANK_QUANTITY,
  RANK_REMARK,
} CompatRank;

#define N_RANKS 5

typedef enum
{
  RELATION_CHECK,    /* the row's function decides */
  RELATION_EQUAL,    /* the same on both sides */
  RELATION_SUPERSET, /* the target has all bits of the source (within the row's mask) */
  RELATION_SUBSET,   /* the target has no bit that the source lacks (within the row's mask) */
} CompatRelation;

/* How a member is read and shown. Bits can be related only where it is a number. */
typedef enum
{
  VALUE_TEXT,
  VALUE_NUMBER,
  VALUE_HEX,
  VALUE_FLAGS, /* migration flags, by name */
} CompatValue;

/* What it means when a side does not say. */
typedef enum
{
  MISSING_UNKNOWN, /* the rule decides, so the verdict cannot be told */
  MISSING_BOTH_OK, /* fine where neither side has it, as above where one has */
  MISSING_OK,      /* another rule speaks up, or nothing hangs on it */
} CompatMissing;

typedef struct
{
  const AccmigProfile *source;
  const AccmigProfile *target;
  AccmigCompatOptions options;
} CompatPair;

typedef struct _CompatRule CompatRule;

typedef void (*CompatCheck) (const CompatRule *rule, const CompatPair *pair, AccmigVerdict *verdict);

/* A table of rules ends with a row without a name. */
struct _CompatRule
{
  const char *rule;
  CompatRank rank;
  const char *field; /* path in both profiles */
  const char *what;  /* its name in a sentence: "queue count" */
  CompatRelation relation;
  CompatValue value;
  guint64 mask; /* 0: every bit */
  CompatMissing missing;
  AccmigSeverity severity; /* of a relation that does not hold */
  const char *sentence;    /* template; NULL: the one every rule has */
  const char *remedy;      /* template; NULL: there is none */
  CompatCheck check;
};

extern const CompatRule compat_generic_rules[];
extern const CompatRule compat_hisi_acc_rules[];
extern const CompatRule compat_migsim_rules[];
extern const CompatRule compat_mtty_rules[];

/*
 * Adds a finding. @source_value and @target_value may be NULL: that side does not say. @sentence and @remedy
 * are templates, @words their words: {name} becomes the text that follows "name". The array ends with NULL; a
 * word that is NULL becomes "-".
 */
void compat_add (AccmigVerdict *verdict, const CompatRule *rule, AccmigSeverity severity,
                 const char *source_value, const char *target_value, const char *sentence, const char *remedy,
                 const char *const *words);

/* Adds the finding that a side, or both, does not say what the rule needs. */
void compat_add_missing (AccmigVerdict *verdict, const CompatRule *rule, const CompatPair *pair,
                         const char *source_value, const char *target_value);

/* Whether there is a table of rules for @family besides the generic one. */
gboolean compat_has_family_rules (const char *family);

/* Whether libvirt will bind the target to a variant driver before the guest is started. */
gboolean compat_will_be_bound (const CompatPair *pair);
