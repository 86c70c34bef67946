// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Compatibility
 *
 * The engine: walks the generic rules and those of the family, rank by rank, holds each against a pair of
 * profiles and collects what did not simply hold. It knows no driver. A rule that refuses does not keep the
 * later ones from being tried: the operator gets the whole list at once.
 *
 * Both profiles may come from elsewhere and lie; all that can do is to make the verdict as wrong as they are.
 */

#include "compat-private.h"

#include <accmig/fsm.h>

#include <string.h>

#include "profile-private.h"
#include "strict-json.h"

struct _AccmigVerdict
{
  GArray *findings;      /* of AccmigFinding */
  GStringChunk *strings; /* what they borrow */
  AccmigOutcome outcome;
  char *source_digest;
  char *target_digest;
};

static const struct
{
  const char *family;
  const CompatRule *rules;
} families[] = {
  { "hisi_acc", compat_hisi_acc_rules },
  { "migsim", compat_migsim_rules },
  { "mtty", compat_mtty_rules },
};

/* What the worst finding makes of the verdict. */
static const AccmigOutcome outcomes[] = {
  [ACCMIG_SEVERITY_NOTE] = ACCMIG_OUTCOME_COMPATIBLE,
  [ACCMIG_SEVERITY_WARN] = ACCMIG_OUTCOME_DEGRADED,
  [ACCMIG_SEVERITY_UNKNOWN] = ACCMIG_OUTCOME_UNKNOWN,
  [ACCMIG_SEVERITY_REFUSE] = ACCMIG_OUTCOME_INCOMPATIBLE,
};

static const char *const outcome_names[] = {
  [ACCMIG_OUTCOME_COMPATIBLE] = "compatible",
  [ACCMIG_OUTCOME_DEGRADED] = "degraded",
  [ACCMIG_OUTCOME_UNKNOWN] = "unknown",
  [ACCMIG_OUTCOME_INCOMPATIBLE] = "incompatible",
};

static const char *const severity_names[] = {
  [ACCMIG_SEVERITY_NOTE] = "note",
  [ACCMIG_SEVERITY_WARN] = "warn",
  [ACCMIG_SEVERITY_UNKNOWN] = "unknown",
  [ACCMIG_SEVERITY_REFUSE] = "refuse",
};

/* ---- findings ---- */

/* @name: not NUL-terminated, @length bytes. */
static const char *
find_word (const char *const *words, const char *name, gsize length)
{
  for (; words[0] != NULL; words += 2)
    if (strlen (words[0]) == length && strncmp (words[0], name, length) == 0)
      return words[1] != NULL ? words[1] : "-";
  return NULL;
}

/* One pass, so that braces within a word stay what they are. */
static char *
expand (const char *template, const char *const *words)
{
  GString *out = g_string_new (NULL);

  while (*template != '\0')
    {
      const char *end = *template == '{' ? strchr (template, '}') : NULL;
      const char *word = end != NULL ? find_word (words, template + 1, (gsize)(end - template - 1)) : NULL;

      if (word != NULL)
        g_string_append (out, word);
      else
        g_string_append_c (out, *template);
      template = word != NULL ? end + 1 : template + 1;
    }
  return g_string_free (out, FALSE);
}

static const char *
keep (AccmigVerdict *self, const char *text)
{
  return g_string_chunk_insert_const (self->strings, text != NULL ? text : "-");
}

void
compat_add (AccmigVerdict *self, const CompatRule *rule, AccmigSeverity severity, const char *source_value,
            const char *target_value, const char *sentence, const char *remedy, const char *const *words)
{
  g_autofree char *sentence_text = expand (sentence, words);
  g_autofree char *remedy_text = expand (remedy != NULL ? remedy : "", words);
  const AccmigFinding finding = {
    .rule = rule->rule,
    .severity = severity,
    .field = rule->field,
    .source_value = keep (self, source_value),
    .target_value = keep (self, target_value),
    .sentence = keep (self, sentence_text),
    .remedy = keep (self, remedy_text),
  };

  g_array_append_val (self->findings, finding);
  self->outcome = MAX (self->outcome, outcomes[severity]);
}

/* ---- rows ---- */

/* Returns: (transfer full) (nullable): the member as it is shown, NULL when it is missing. */
static char *
show_member (const AccmigProfile *profile, const CompatRule *rule)
{
  guint64 number;

  if (rule->value == VALUE_TEXT)
    return g_strdup (accmig_profile_get_string (profile, rule->field));
  if (!accmig_profile_get_uint (profile, rule->field, &number))
    return NULL;
  if (rule->value == VALUE_FLAGS)
    return accmig_flags_to_string (number);
  return rule->value == VALUE_HEX ? g_strdup_printf ("0x%" G_GINT64_MODIFIER "x", number)
                                  : g_strdup_printf ("%" G_GUINT64_FORMAT, number);
}

/* Both members are there. */
static gboolean
bits_hold (const CompatRule *rule, const CompatPair *pair)
{
  guint64 mask = rule->mask != 0 ? rule->mask : G_MAXUINT64;
  guint64 source = 0;
  guint64 target = 0;

  (void)accmig_profile_get_uint (pair->source, rule->field, &source);
  (void)accmig_profile_get_uint (pair->target, rule->field, &target);
  if (rule->relation == RELATION_SUPERSET)
    return (source & ~target & mask) == 0;
  return (target & ~source & mask) == 0;
}

void
compat_add_missing (AccmigVerdict *self, const CompatRule *rule, const CompatPair *pair,
                    const char *source_value, const char *target_value)
{
  const char *const words[] = {
    "what",   rule->what,   "source",  source_value,
    "target", target_value, "address", accmig_profile_get_address (pair->target),
    NULL,
  };
  const char *sentence;

  if (source_value == NULL && target_value == NULL)
    sentence = "{what} unknown: neither source nor {address} says";
  else if (source_value == NULL)
    sentence = "{what} unknown: source does not say, {address} has {target}";
  else
    sentence = "{what} unknown: source has {source}, {address} does not say";
  compat_add (self, rule, ACCMIG_SEVERITY_UNKNOWN, source_value, target_value, sentence,
              "read the profile again while the device is free and bound to its migration driver", words);
}

static void
apply_row (const CompatRule *rule, const CompatPair *pair, AccmigVerdict *verdict)
{
  g_autofree char *source_value = show_member (pair->source, rule);
  g_autofree char *target_value = show_member (pair->target, rule);
  const char *const words[] = {
    "what",   rule->what,   "source",  source_value,
    "target", target_value, "address", accmig_profile_get_address (pair->target),
    NULL,
  };
  gboolean equal = g_strcmp0 (source_value, target_value) == 0;
  gboolean neither = source_value == NULL && target_value == NULL;

  if (source_value == NULL || target_value == NULL)
    {
      if (rule->missing == MISSING_UNKNOWN || (rule->missing == MISSING_BOTH_OK && !neither))
        compat_add_missing (verdict, rule, pair, source_value, target_value);
      return;
    }
  if (rule->relation == RELATION_EQUAL ? equal : bits_hold (rule, pair))
    return;
  compat_add (verdict, rule, rule->severity, source_value, target_value,
              rule->sentence != NULL ? rule->sentence
                                     : "{what} differs: source has {source}, {address} has {target}",
              rule->remedy, words);
}

static void
apply_rules (const CompatRule *rules, CompatRank rank, const CompatPair *pair, AccmigVerdict *verdict)
{
  for (const CompatRule *rule = rules; rule->rule != NULL; rule++)
    {
      if (rule->rank != rank)
        continue;
      if (rule->relation == RELATION_CHECK)
        rule->check (rule, pair, verdict);
      else
        apply_row (rule, pair, verdict);
    }
}

static const CompatRule *
find_family_rules (const char *family)
{
  for (gsize i = 0; i < G_N_ELEMENTS (families); i++)
    if (strcmp (families[i].family, family) == 0)
      return families[i].rules;
  return NULL;
}

/* Returns: (nullable): the rules of the family both are of; two families have no rules in common. */
static const CompatRule *
rules_of_pair (const CompatPair *pair)
{
  const char *family = accmig_profile_get_family (pair->source);

  return strcmp (family, accmig_profile_get_family (pair->target)) == 0 ? find_family_rules (family) : NULL;
}

gboolean
compat_has_family_rules (const char *family)
{
  return find_family_rules (family) != NULL;
}

gboolean
compat_will_be_bound (const CompatPair *pair)
{
  const char *driver = accmig_profile_get_string (pair->target, "device.driver");
  const char *variant = accmig_profile_get_string (pair->target, "device.variant");
  gboolean vfio = FALSE;

  (void)profile_get_boolean (pair->target, "device.vfio", &vfio);
  if ((pair->options & ACCMIG_COMPAT_MANAGED) == 0 || variant == NULL || strcmp (variant, "vfio-pci") == 0)
    return FALSE;
  return !vfio || g_strcmp0 (driver, "vfio-pci") == 0;
}

/* ---- the verdict ---- */

AccmigVerdict *
accmig_compat_check (const AccmigProfile *source, const AccmigProfile *target, AccmigCompatOptions options)
{
  const CompatPair pair = { source, target, options };
  const CompatRule *rules = rules_of_pair (&pair);
  AccmigVerdict *self = g_new0 (AccmigVerdict, 1);

  self->findings = g_array_new (FALSE, FALSE, sizeof (AccmigFinding));
  self->strings = g_string_chunk_new (1024);
  self->outcome = ACCMIG_OUTCOME_COMPATIBLE;
  self->source_digest = g_strdup (accmig_profile_get_digest (source));
  self->target_digest = g_strdup (accmig_profile_get_digest (target));
  for (CompatRank rank = 0; rank < N_RANKS; rank++)
    {
      apply_rules (compat_generic_rules, rank, &pair, self);
      if (rules != NULL)
        apply_rules (rules, rank, &pair, self);
    }
  return self;
}

void
accmig_verdict_free (AccmigVerdict *self)
{
  if (self == NULL)
    return;
  g_array_unref (self->findings);
  g_string_chunk_free (self->strings);
  g_free (self->source_digest);
  g_free (self->target_digest);
  g_free (self);
}

AccmigOutcome
accmig_verdict_get_outcome (const AccmigVerdict *self)
{
  return self->outcome;
}

const char *
accmig_outcome_to_string (AccmigOutcome outcome)
{
  return (gsize)outcome < G_N_ELEMENTS (outcome_names) ? outcome_names[outcome] : "unknown";
}

const char *
accmig_severity_to_string (AccmigSeverity severity)
{
  return (gsize)severity < G_N_ELEMENTS (severity_names) ? severity_names[severity] : "unknown";
}

gsize
accmig_verdict_get_n_findings (const AccmigVerdict *self)
{
  return self->findings->len;
}

const AccmigFinding *
accmig_verdict_get_finding (const AccmigVerdict *self, gsize index)
{
  g_return_val_if_fail (index < self->findings->len, NULL);
  return &g_array_index (self->findings, AccmigFinding, index);
}

const AccmigFinding *
accmig_verdict_get_decisive (const AccmigVerdict *self)
{
  if (self->outcome == ACCMIG_OUTCOME_COMPATIBLE)
    return NULL;
  for (gsize i = 0; i < self->findings->len; i++)
    {
      const AccmigFinding *finding = accmig_verdict_get_finding (self, i);

      if (outcomes[finding->severity] == self->outcome)
        return finding;
    }
  return NULL;
}

static JsonObject *
finding_to_json (const AccmigFinding *finding)
{
  JsonObject *object = json_object_new ();

  json_object_set_string_member (object, "rule", finding->rule);
  json_object_set_string_member (object, "severity", accmig_severity_to_string (finding->severity));
  json_object_set_string_member (object, "field", finding->field);
  json_object_set_string_member (object, "source", finding->source_value);
  json_object_set_string_member (object, "target", finding->target_value);
  json_object_set_string_member (object, "sentence", finding->sentence);
  json_object_set_string_member (object, "remedy", finding->remedy);
  return object;
}

char *
accmig_verdict_to_json (const AccmigVerdict *self)
{
  g_autoptr (JsonNode) root = json_node_alloc ();
  JsonObject *object = json_object_new ();
  JsonArray *findings = json_array_new ();

  json_node_init_object (root, object);
  json_object_unref (object); /* the node holds it */
  json_object_set_string_member (object, "outcome", accmig_outcome_to_string (self->outcome));
  json_object_set_string_member (object, "source-digest", self->source_digest);
  json_object_set_string_member (object, "target-digest", self->target_digest);
  for (gsize i = 0; i < self->findings->len; i++)
    json_array_add_object_element (findings, finding_to_json (accmig_verdict_get_finding (self, i)));
  json_object_set_array_member (object, "findings", findings);
  return strict_json_write (root);
}
