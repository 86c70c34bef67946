// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Signatures
 *
 * What a rule can see of one profile, rule by rule. Whether a kernel release has a defect is one bit, however
 * many releases there are; so hosts that differ only in what no rule minds have one signature, and keep it
 * over an update that crosses no rule's border.
 *
 * A rule that cannot refuse still may find that a value is missing, which makes a verdict unknown; of such a
 * one only that is looked at.
 */

#include "compat-signature.h"

#include <string.h>

#include "family.h"
#include "profile-private.h"

/*
 * The members that the functions of rules look at, by their names in a family file; of some it only counts
 * whether they are known. A function that is not listed is taken to look at everything.
 */
static const struct
{
  const char *check;
  ProfileMember members[6]; /* both end with MEMBER_FORMAT, which no function needs */
  ProfileMember known[2];
} inputs[] = {
  { "source-migration", { MEMBER_MIGRATION } },
  { "target-migration", { MEMBER_MIGRATION, MEMBER_VFIO, MEMBER_DRIVER, MEMBER_VARIANT, MEMBER_KIND } },
  { "flags-known", { MEMBER_MIGRATION }, { MEMBER_FLAGS } },
  { "family-rules", { MEMBER_FAMILY } },
  { "pf-driver", { MEMBER_DEVICE, MEMBER_PF_DRIVER }, { MEMBER_PF } },
};

/* ---- one value ---- */

static void
append_value (GString *out, const Value *value)
{
  if (!value->known)
    g_string_append_c (out, '-');
  else if (value->text != NULL)
    g_string_append_printf (out, "“%s”", value->text);
  else
    g_string_append_printf (out, "%" G_GINT64_MODIFIER "x", value->number);
  g_string_append_c (out, ' ');
}

/* What @rule's relation makes of @value, which it can read. */
static void
append_view (GString *out, const CompatRule *rule, const Value *value)
{
  guint64 mask = rule->mask != 0 ? rule->mask : G_MAXUINT64;

  switch (rule->relation)
    {
    case RELATION_IN:
    case RELATION_NOT_IN:
    case RELATION_FIXED:
      g_string_append (out, compat_rule_is_bad (rule, value) ? "bad" : "good");
      break;
    case RELATION_SAME_SIDE:
      g_string_append (out, value->number >= rule->split ? "after" : "before");
      break;
    case RELATION_SUPERSET:
    case RELATION_SUBSET:
      g_string_append_printf (out, "%" G_GINT64_MODIFIER "x", value->number & mask);
      break;
    default:
      append_value (out, value);
      break;
    }
}

/* ---- one rule ---- */

static void
append_known (GString *out, const Value *value)
{
  g_string_append (out, value->known ? "+ " : "- ");
}

/* Of the function that @rule is: all that it may look at. */
static void
append_inputs (GString *out, const CompatRule *rule, const AccmigProfile *profile)
{
  for (gsize i = 0; i < G_N_ELEMENTS (inputs); i++)
    if (g_str_has_prefix (rule->relation_text, "check ")
        && strcmp (rule->relation_text + strlen ("check "), inputs[i].check) == 0)
      {
        for (const ProfileMember *member = inputs[i].members; *member != MEMBER_FORMAT; member++)
          append_value (out, &profile->values[*member]);
        for (const ProfileMember *member = inputs[i].known; *member != MEMBER_FORMAT; member++)
          append_known (out, &profile->values[*member]);
        return;
      }
  for (guint slot = 0; slot < profile->n_values; slot++)
    append_value (out, &profile->values[slot]);
}

/* Whether the conditions on @side hold. */
static gboolean
side_applies (const CompatRule *rule, CompatSide side, const AccmigProfile *profile)
{
  for (guint i = 0; i < rule->conditions->len; i++)
    {
      const CompatCondition *condition = &g_array_index (rule->conditions, CompatCondition, i);

      if (condition->side == side && !compat_condition_holds (condition, &profile->values[condition->slot]))
        return FALSE;
    }
  return TRUE;
}

/* @whole: whether more counts than if there is a value */
static void
append_rule (GString *out, const CompatRule *rule, const AccmigProfile *profile, gboolean whole)
{
  const Value *value = &profile->values[rule->slot];

  g_string_append_printf (out, "%s: %s%s", rule->name, side_applies (rule, SIDE_SOURCE, profile) ? "s" : "",
                          side_applies (rule, SIDE_TARGET, profile) ? "t " : " ");
  if (rule->relation == RELATION_CHECK)
    append_inputs (out, rule, profile);
  else if (rule->relation == RELATION_NEVER)
    g_string_append (out, rule->name);
  else if (rule->missing == MISSING_OK && compat_relation_is_sided (rule->relation)
           && !compat_rule_is_readable (rule, value))
    g_string_append (out, "good"); /* nobody minds that it is not there */
  else if (!value->known)
    g_string_append_c (out, '-');
  else if (!compat_rule_is_readable (rule, value))
    g_string_append_c (out, '?');
  else if (whole)
    append_view (out, rule, value);
  g_string_append_c (out, '\n');
}

/* ---- all rules ---- */

/*
 * Of the cases of one rule, which have one id, the first that has something to say silences the rest. So what
 * one of them sees counts whole where any of them can refuse, and where one that warns may silence one that
 * would have missed a value.
 */
static gboolean
counts_whole (const GPtrArray *rules, const CompatRule *rule)
{
  guint n_cases = 0;
  gboolean refuses = FALSE;
  gboolean misses = FALSE;

  for (guint i = 0; i < rules->len; i++)
    {
      const CompatRule *other = rules->pdata[i];

      if (other->id != rule->id)
        continue;
      n_cases++;
      refuses = refuses || other->severity >= ACCMIG_SEVERITY_UNKNOWN || other->relation == RELATION_CHECK;
      misses = misses || other->missing != MISSING_OK;
    }
  return refuses || (misses && n_cases > 1);
}

char *
compat_signature (const AccmigProfile *profile)
{
  const AccmigFamily *family = profile->family != NULL ? profile->family : profile->families->generic;
  g_autoptr (GString) out = g_string_sized_new (4096);

  for (guint i = 0; family != NULL && i < family->all_rules->len; i++)
    {
      const CompatRule *rule = family->all_rules->pdata[i];
      gboolean whole = counts_whole (family->all_rules, rule);

      if (whole || rule->missing != MISSING_OK)
        append_rule (out, rule, profile, whole);
    }
  return g_compute_checksum_for_data (G_CHECKSUM_SHA256, (const guint8 *)out->str, out->len);
}
