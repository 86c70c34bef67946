/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <accmig/families.h>

#include "value.h"

/*
 * Rules, compiled, and what is needed to hold them against a pair of profiles.
 *
 * Most rules hold one value of the source's profile against the same value of the target's. A rule whose
 * answer needs more than that is a function.
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
  RELATION_CHECK,     /* the rule's function decides */
  RELATION_EQUAL,     /* the same on both sides */
  RELATION_SUPERSET,  /* the target has all bits of the source (within the mask) */
  RELATION_SUBSET,    /* the target has no bit that the source lacks (within the mask) */
  RELATION_AT_LEAST,  /* the target has as much as the source, or more */
  RELATION_AT_MOST,   /* the target has as much as the source, or less */
  RELATION_IN,        /* one of the values */
  RELATION_NOT_IN,    /* none of the values */
  RELATION_SAME_SIDE, /* both releases before the split, or none */
  RELATION_FIXED,     /* a release without a certain defect */
  RELATION_NEVER,     /* what its conditions describe must not be */
} CompatRelation;

/* What it means when a side does not say. */
typedef enum
{
  MISSING_UNKNOWN, /* the rule decides, so the verdict cannot be told */
  MISSING_BOTH_OK, /* fine where none of the sides has it, as above where one has */
  MISSING_OK,      /* another rule speaks up, or nothing hangs on it */
} CompatMissing;

/* Whose value is looked at. */
typedef enum
{
  SIDE_TARGET = 1 << 0,
  SIDE_SOURCE = 1 << 1,
  SIDE_EITHER = SIDE_TARGET | SIDE_SOURCE,
} CompatSide;

typedef enum
{
  OP_IN,
  OP_NOT_IN,
  OP_FROM,   /* the release or a later one */
  OP_BEFORE, /* an earlier release */
  OP_KNOWN,
  OP_UNKNOWN,
} CompatOp;

/* Whether a rule applies at all. Where the value is missing, only OP_UNKNOWN holds. */
typedef struct
{
  CompatSide side; /* one */
  CompatOp op;
  guint slot;
  GArray *values;  /* of Value; IN, NOT_IN */
  Release release; /* FROM, BEFORE */
} CompatCondition;

typedef struct
{
  const AccmigProfile *source;
  const AccmigProfile *target;
  AccmigCompatOptions options;
} CompatPair;

typedef struct _CompatRule CompatRule;

/* Adds what it finds to @verdict. */
typedef void (*CompatCheck) (const CompatRule *rule, const CompatPair *pair, AccmigVerdict *verdict);

struct _CompatRule
{
  const char *id; /* interned: rows of one id have one pointer */
  char *name;     /* of the row, as in its group */
  CompatRank rank;
  CompatRelation relation;
  AccmigSeverity severity; /* of a relation that does not hold */
  CompatMissing missing;
  CompatSide side; /* EITHER for relations between both */
  guint slot;      /* of the value, in both profiles */
  ValueType type;
  guint64 mask;       /* SUPERSET, SUBSET */
  GArray *values;     /* of Value; IN, NOT_IN */
  GArray *fixed;      /* of Release, the first good one of each series; FIXED */
  Release split;      /* SAME_SIDE */
  Release since;      /* FIXED: before it nothing is affected */
  Release until;      /* FIXED: after it nothing is affected; 0 where @fixed says it */
  Release mainline;   /* FIXED: the newest of @fixed, from which on nothing is affected */
  GArray *conditions; /* of CompatCondition; all have to hold */
  CompatCheck check;
  char *field;            /* path of the value */
  char *what;             /* its name in a sentence: "queue count" */
  const char *depends_on; /* what the value is by itself, where @what is something that follows from it */
  char *sentence;         /* template; NULL: the relation's own, or the check's */
  char *remedy;           /* template; NULL: there is none */
  char *relation_text;    /* for people */
  char *when;             /* for people */
  char *reference;        /* for people */
  AccmigFamilyRule row;   /* borrows all of it */
};

/* Returns: (transfer full): a rule that compares nothing yet */
CompatRule *compat_rule_new (void);
void compat_rule_free (CompatRule *rule);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CompatRule, compat_rule_free)

/* Returns: (transfer none): one more condition of @rule, to be filled in before the next */
CompatCondition *compat_rule_add_condition (CompatRule *rule);

/* Whether a relation is about one side's value, and not about both. */
gboolean compat_relation_is_sided (CompatRelation relation);

/* @value: of the condition's side. Returns: whether it holds */
gboolean compat_condition_holds (const CompatCondition *condition, const Value *value);

/* Whether the value says what the relation asks for. */
gboolean compat_rule_is_readable (const CompatRule *rule, const Value *value);

/* Whether one side's value, a readable one, breaks a relation that is about one side. */
gboolean compat_rule_is_bad (const CompatRule *rule, const Value *value);

/* Returns: (nullable): the template for a rule that has none of its own; static */
const char *compat_relation_sentence (CompatRelation relation);

/*
 * Holds @rule against @pair and adds what is to say.
 * Returns: whether anything was
 */
gboolean compat_rule_apply (const CompatRule *rule, const CompatPair *pair, AccmigVerdict *verdict);

/*
 * Returns: whether the verdict on a pair is compatible or degraded. Stops at the first rule that says no, and
 * makes no sentences
 */
gboolean compat_can_send (const AccmigProfile *source, const AccmigProfile *target,
                          AccmigCompatOptions options);

/* ---- findings ---- */

/* Returns: (transfer full): a verdict about something else than a pair of profiles, compatible so far */
AccmigVerdict *verdict_new (void);

/* @finding: copied, with its strings; its rule is static */
void verdict_add (AccmigVerdict *verdict, const AccmigFinding *finding);

/*
 * Adds a finding. @source_value and @target_value may be NULL: that side does not say. @sentence and @remedy
 * (nullable) are templates, @words their words: {name} becomes the text that follows "name". The array ends
 * with NULL; a word that is NULL becomes "-". A word that is not there is the target's value of the family's
 * field of that name.
 */
void compat_add (AccmigVerdict *verdict, const CompatRule *rule, const CompatPair *pair,
                 AccmigSeverity severity, const char *source_value, const char *target_value,
                 const char *sentence, const char *remedy, const char *const *words);

/* Adds the finding that a side, or both, does not say what the rule needs. */
void compat_add_missing (AccmigVerdict *verdict, const CompatRule *rule, const CompatPair *pair,
                         const char *source_value, const char *target_value);
