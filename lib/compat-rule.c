// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * One rule
 *
 * What each relation means. A verdict on two profiles tries some dozens of rules and most of them hold, so
 * the question whether one does is kept apart from the answer why it does not: the first only compares
 * numbers and pointers.
 */

#include "compat-private.h"

#include "profile-private.h"

/* ---- objects ---- */

static void
value_clear_item (gpointer data)
{
  value_clear (data);
}

static void
condition_clear (gpointer data)
{
  CompatCondition *condition = data;

  g_array_unref (condition->values);
}

static GArray *
new_values (void)
{
  GArray *values = g_array_new (FALSE, FALSE, sizeof (Value));

  g_array_set_clear_func (values, value_clear_item);
  return values;
}

CompatRule *
compat_rule_new (void)
{
  CompatRule *self = g_new0 (CompatRule, 1);

  self->values = new_values ();
  self->fixed = g_array_new (FALSE, FALSE, sizeof (Release));
  self->conditions = g_array_new (FALSE, TRUE, sizeof (CompatCondition));
  g_array_set_clear_func (self->conditions, condition_clear);
  return self;
}

void
compat_rule_free (CompatRule *self)
{
  if (self == NULL)
    return;
  g_array_unref (self->values);
  g_array_unref (self->fixed);
  g_array_unref (self->conditions);
  g_free (self->name);
  g_free (self->field);
  g_free (self->what);
  g_free (self->sentence);
  g_free (self->remedy);
  g_free (self->relation_text);
  g_free (self->when);
  g_free (self->reference);
  g_free (self);
}

CompatCondition *
compat_rule_add_condition (CompatRule *self)
{
  const CompatCondition condition = { .values = new_values () };

  g_array_append_val (self->conditions, condition);
  return &g_array_index (self->conditions, CompatCondition, self->conditions->len - 1);
}

gboolean
compat_relation_is_sided (CompatRelation relation)
{
  return relation == RELATION_IN || relation == RELATION_NOT_IN || relation == RELATION_FIXED;
}

/* ---- does it apply? ---- */

static gboolean
is_one_of (const GArray *values, const Value *value)
{
  for (guint i = 0; i < values->len; i++)
    if (value_equal (&g_array_index (values, Value, i), value))
      return TRUE;
  return FALSE;
}

gboolean
compat_condition_holds (const CompatCondition *condition, const Value *value)
{
  if (!value->known)
    return condition->op == OP_UNKNOWN;
  switch (condition->op)
    {
    case OP_IN:
      return is_one_of (condition->values, value);
    case OP_NOT_IN:
      return !is_one_of (condition->values, value);
    case OP_FROM:
      return value->number >= condition->release;
    case OP_BEFORE:
      return value->number != 0 && value->number < condition->release;
    case OP_KNOWN:
      return TRUE;
    case OP_UNKNOWN:
      return FALSE;
    }
  return FALSE;
}

static gboolean
applies (const CompatRule *self, const CompatPair *pair)
{
  for (guint i = 0; i < self->conditions->len; i++)
    {
      const CompatCondition *condition = &g_array_index (self->conditions, CompatCondition, i);
      const AccmigProfile *profile = condition->side == SIDE_SOURCE ? pair->source : pair->target;

      if (!compat_condition_holds (condition, &profile->values[condition->slot]))
        return FALSE;
    }
  return TRUE;
}

/* ---- does it hold? ---- */

typedef enum
{
  ANSWER_HOLDS,
  ANSWER_BROKEN, /* for a relation of one side: by the target */
  ANSWER_BROKEN_BY_SOURCE,
  ANSWER_MISSING, /* a side does not say, or says what this relation cannot read */
} Answer;

/* A good release of each series that has one; all that come after the newest of them. */
static gboolean
is_defective (const CompatRule *self, Release release)
{
  if (release < self->since)
    return FALSE;
  if (self->until != 0)
    return release <= self->until;
  if (release >= self->mainline)
    return FALSE;
  for (guint i = 0; i < self->fixed->len; i++)
    {
      Release fixed = g_array_index (self->fixed, Release, i);

      if (release_series (fixed) == release_series (release) && release >= fixed)
        return FALSE;
    }
  return TRUE;
}

gboolean
compat_rule_is_bad (const CompatRule *self, const Value *value)
{
  if (self->relation == RELATION_FIXED)
    return is_defective (self, value->number);
  return is_one_of (self->values, value) != (self->relation == RELATION_IN);
}

/* Whether the value says what the relation asks for. */
gboolean
compat_rule_is_readable (const CompatRule *self, const Value *value)
{
  gboolean wants_release = self->relation == RELATION_FIXED || self->relation == RELATION_SAME_SIDE;

  return value->known && (!wants_release || value->number != 0);
}

static Answer
ask_sides (const CompatRule *self, const Value *source, const Value *target)
{
  gboolean ask_target = (self->side & SIDE_TARGET) != 0;
  gboolean ask_source = (self->side & SIDE_SOURCE) != 0;

  if (ask_target && compat_rule_is_readable (self, target) && compat_rule_is_bad (self, target))
    return ANSWER_BROKEN;
  if (ask_source && compat_rule_is_readable (self, source) && compat_rule_is_bad (self, source))
    return ANSWER_BROKEN_BY_SOURCE;
  if ((ask_target && !compat_rule_is_readable (self, target))
      || (ask_source && !compat_rule_is_readable (self, source)))
    return ANSWER_MISSING;
  return ANSWER_HOLDS;
}

/* Both values are there. */
static gboolean
relation_holds (const CompatRule *self, const Value *source, const Value *target)
{
  guint64 mask = self->mask != 0 ? self->mask : G_MAXUINT64;

  switch (self->relation)
    {
    case RELATION_EQUAL:
      return value_equal (source, target);
    case RELATION_SUPERSET:
      return (source->number & ~target->number & mask) == 0;
    case RELATION_SUBSET:
      return (target->number & ~source->number & mask) == 0;
    case RELATION_AT_LEAST:
      return target->number >= source->number;
    case RELATION_AT_MOST:
      return target->number <= source->number;
    case RELATION_SAME_SIDE:
      return (source->number >= self->split) == (target->number >= self->split);
    default:
      return FALSE;
    }
}

static Answer
ask (const CompatRule *self, const Value *source, const Value *target)
{
  if (self->relation == RELATION_NEVER)
    return ANSWER_BROKEN;
  if (compat_relation_is_sided (self->relation))
    return ask_sides (self, source, target);
  if (!compat_rule_is_readable (self, source) || !compat_rule_is_readable (self, target))
    return ANSWER_MISSING;
  return relation_holds (self, source, target) ? ANSWER_HOLDS : ANSWER_BROKEN;
}

/* Whether a missing value is something to speak of. */
static gboolean
minds_missing (const CompatRule *self, const Value *source, const Value *target)
{
  gboolean any = ((self->side & SIDE_TARGET) != 0 && target->known)
                 || ((self->side & SIDE_SOURCE) != 0 && source->known);

  return self->missing == MISSING_UNKNOWN || (self->missing == MISSING_BOTH_OK && any);
}

/* ---- what is to say ---- */

const char *
compat_relation_sentence (CompatRelation relation)
{
  static const char *const sentences[] = {
    [RELATION_EQUAL] = "{what} differs: source has {source}, {address} has {target}",
    [RELATION_SUPERSET] = "{what} is missing: source has {source}, {address} has only {target}",
    [RELATION_SUBSET] = "{what} is beyond the source's: source has {source}, {address} has {target}",
    [RELATION_AT_LEAST] = "{what} is too small: source has {source}, {address} has only {target}",
    [RELATION_AT_MOST] = "{what} is too large: source has only {source}, {address} has {target}",
    [RELATION_IN] = "{what} of the {host} is {value}",
    [RELATION_NOT_IN] = "{what} of the {host} is {value}",
    [RELATION_SAME_SIDE] = "{what} differs between {source} of the source and {target} of {address}",
    [RELATION_NEVER] = NULL,
  };

  return sentences[relation];
}

static void
report (const CompatRule *self, const CompatPair *pair, Answer answer, AccmigVerdict *verdict)
{
  g_autofree char *source = value_show (&pair->source->values[self->slot], self->type);
  g_autofree char *target = value_show (&pair->target->values[self->slot], self->type);
  gboolean by_source = answer == ANSWER_BROKEN_BY_SOURCE;
  const char *const words[] = {
    "what",    self->what,
    "source",  source,
    "target",  target,
    "address", accmig_profile_get_address (pair->target),
    "host",    by_source ? "source" : "target",
    "value",   by_source ? source : target,
    NULL,
  };

  if (answer == ANSWER_MISSING)
    compat_add_missing (verdict, self, pair, source, target);
  else
    compat_add (verdict, self, pair, self->severity, source, target,
                self->sentence != NULL ? self->sentence : compat_relation_sentence (self->relation),
                self->remedy, words);
}

gboolean
compat_rule_apply (const CompatRule *self, const CompatPair *pair, AccmigVerdict *verdict)
{
  const Value *source = &pair->source->values[self->slot];
  const Value *target = &pair->target->values[self->slot];
  Answer answer;

  if (!applies (self, pair))
    return FALSE;
  if (self->relation == RELATION_CHECK)
    {
      gsize n_before = accmig_verdict_get_n_findings (verdict);

      self->check (self, pair, verdict);
      return accmig_verdict_get_n_findings (verdict) > n_before;
    }
  answer = ask (self, source, target);
  if (answer == ANSWER_HOLDS || (answer == ANSWER_MISSING && !minds_missing (self, source, target)))
    return FALSE;
  report (self, pair, answer, verdict);
  return TRUE;
}

/* ---- a side that does not say ---- */

/* Returns: (nullable): the template for a release that cannot be told; NULL where it can */
static const char *
unreadable_sentence (const CompatRule *self)
{
  if (self->relation != RELATION_FIXED && self->relation != RELATION_SAME_SIDE)
    return NULL;
  return self->depends_on != NULL
             ? "{what} unknown: it depends on the {depends-on}; source has {source}, {address} has {target}"
             : "{what} is no release that could be told: source has {source}, {address} has {target}";
}

static const char *
missing_sentence (const CompatRule *self, const char *source_value, const char *target_value)
{
  if (self->side == SIDE_TARGET)
    return "{what} unknown: {address} does not say";
  if (self->side == SIDE_SOURCE)
    return "{what} unknown: source does not say";
  if (source_value == NULL && target_value == NULL)
    return "{what} unknown: neither source nor {address} says";
  return source_value == NULL ? "{what} unknown: source does not say, {address} has {target}"
                              : "{what} unknown: source has {source}, {address} does not say";
}

void
compat_add_missing (AccmigVerdict *verdict, const CompatRule *self, const CompatPair *pair,
                    const char *source_value, const char *target_value)
{
  const char *unreadable = unreadable_sentence (self);
  const char *const words[] = {
    "what",       self->what,       "source",  source_value,
    "target",     target_value,     "address", accmig_profile_get_address (pair->target),
    "depends-on", self->depends_on, NULL,
  };

  if (unreadable != NULL)
    compat_add (verdict, self, pair, ACCMIG_SEVERITY_UNKNOWN, source_value, target_value, unreadable,
                self->remedy, words);
  else
    compat_add (verdict, self, pair, ACCMIG_SEVERITY_UNKNOWN, source_value, target_value,
                missing_sentence (self, source_value, target_value),
                "read the profile again while the device is free and bound to its migration driver", words);
}
