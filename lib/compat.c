// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Compatibility
 *
 * The engine: walks the rules of a family, each held against a pair of profiles, and collects what did not
 * simply hold. It knows no driver. A rule that refuses does not keep the later ones from being tried: the
 * operator gets the whole list at once.
 *
 * A fleet asks for many verdicts, nearly all of them without findings: such a one costs no more than the
 * rules.
 *
 * Both profiles may come from elsewhere and lie; all that can do is to make the verdict as wrong as they are.
 */

#include "compat-private.h"

#include <string.h>

#include "family.h"
#include "profile-private.h"
#include "strict-json.h"

struct _AccmigVerdict
{
  AccmigProfile *source; /* (nullable): like the target, where it is not about a pair */
  AccmigProfile *target; /* (nullable) */
  AccmigOutcome outcome;
  GArray *findings;      /* (nullable): of AccmigFinding; NULL when there are none */
  GStringChunk *strings; /* (nullable): what they borrow */
  gboolean brief;        /* nobody will read the findings, so they are only counted */
  guint n_counted;
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

/* Returns: (transfer full) (nullable): the target's value of the family's field of that name */
static char *
show_field (const AccmigProfile *profile, const char *name, gsize length)
{
  g_autofree char *field = g_strndup (name, length);
  FamilyMember member;
  guint index;
  char *text;

  if (profile->family == NULL || !family_find_field (profile->family, field, &index)
      || !family_find_member (profile->family, field, &member))
    return NULL;
  text = value_show (&profile->values[member.slot], member.type);
  return text != NULL ? text : g_strdup ("-");
}

/* One pass, so that braces within a word stay what they are. */
static char *
expand (const char *template, const CompatPair *pair, const char *const *words)
{
  GString *out = g_string_new (NULL);

  while (*template != '\0')
    {
      const char *name = template + 1;
      const char *end = *template == '{' ? strchr (template, '}') : NULL;
      const char *word = end != NULL ? find_word (words, name, (gsize)(end - name)) : NULL;
      g_autofree char *field =
          end != NULL && word == NULL ? show_field (pair->target, name, (gsize)(end - name)) : NULL;

      if (word != NULL || field != NULL)
        g_string_append (out, word != NULL ? word : field);
      else
        g_string_append_c (out, *template);
      template = word != NULL || field != NULL ? end + 1 : template + 1;
    }
  return g_string_free (out, FALSE);
}

static const char *
keep (AccmigVerdict *self, const char *text)
{
  return g_string_chunk_insert_const (self->strings, text != NULL ? text : "-");
}

AccmigVerdict *
verdict_new (void)
{
  AccmigVerdict *self = g_new0 (AccmigVerdict, 1);

  self->outcome = ACCMIG_OUTCOME_COMPATIBLE;
  return self;
}

void
verdict_add (AccmigVerdict *self, const AccmigFinding *finding)
{
  AccmigFinding kept;

  self->outcome = MAX (self->outcome, outcomes[finding->severity]);
  if (self->findings == NULL)
    {
      self->findings = g_array_new (FALSE, FALSE, sizeof (AccmigFinding));
      self->strings = g_string_chunk_new (1024);
    }
  kept = (AccmigFinding){
    .rule = finding->rule,
    .severity = finding->severity,
    .field = keep (self, finding->field),
    .source_value = keep (self, finding->source_value),
    .target_value = keep (self, finding->target_value),
    .sentence = keep (self, finding->sentence),
    .remedy = keep (self, finding->remedy),
  };
  g_array_append_val (self->findings, kept);
}

void
compat_add (AccmigVerdict *self, const CompatRule *rule, const CompatPair *pair, AccmigSeverity severity,
            const char *source_value, const char *target_value, const char *sentence, const char *remedy,
            const char *const *words)
{
  g_autofree char *sentence_text = NULL;
  g_autofree char *remedy_text = NULL;

  if (self->brief)
    {
      self->outcome = MAX (self->outcome, outcomes[severity]);
      self->n_counted++;
      return;
    }
  sentence_text = expand (sentence, pair, words);
  remedy_text = expand (remedy != NULL ? remedy : "", pair, words);
  verdict_add (self, &(AccmigFinding){
                         .rule = rule->id,
                         .severity = severity,
                         .field = rule->field,
                         .source_value = source_value,
                         .target_value = target_value,
                         .sentence = sentence_text,
                         .remedy = remedy_text,
                     });
}

/* ---- rules ---- */

/* Returns: (nullable): the rules that hold for both, in the order of their findings; NULL when there are none
 */
static const GPtrArray *
rules_of_pair (const CompatPair *pair)
{
  const AccmigFamily *family = pair->source->family;

  /* Two families have no rules in common but those of every family. */
  if (family == NULL || family != pair->target->family)
    family = pair->source->families->generic;
  return family != NULL ? family->all_rules : NULL;
}

/* Whether the rules that are left can change nothing that somebody will look at. */
static gboolean
is_settled (const AccmigVerdict *verdict)
{
  return verdict->brief && verdict->outcome > ACCMIG_OUTCOME_DEGRADED;
}

/* Of the cases of one rule the first that has something to say is the one that counts. */
static void
apply_rules (const GPtrArray *rules, const CompatPair *pair, AccmigVerdict *verdict)
{
  const char *settled = NULL;

  for (guint i = 0; i < rules->len && !is_settled (verdict); i++)
    {
      const CompatRule *rule = g_ptr_array_index (rules, i);

      if (rule->id != settled && compat_rule_apply (rule, pair, verdict))
        settled = rule->id;
    }
}

/* Without the rules for every family nothing was really asked. */
static void
add_no_rules (const CompatPair *pair, AccmigVerdict *verdict)
{
  static const CompatRule nothing = { .id = "families", .field = (char *)"device.family" };
  static const char *const no_words[] = { NULL };

  compat_add (
      verdict, &nothing, pair, ACCMIG_SEVERITY_UNKNOWN, accmig_profile_get_family (pair->source),
      accmig_profile_get_family (pair->target),
      "the rules for every family could not be loaded on this host: there is no generic.family that is right",
      "install accmig's family files again, and see what accmigctl family list warns of", no_words);
}

/* ---- the verdict ---- */

AccmigVerdict *
accmig_compat_check (const AccmigProfile *source, const AccmigProfile *target, AccmigCompatOptions options)
{
  const CompatPair pair = { source, target, options };
  const GPtrArray *rules = rules_of_pair (&pair);
  AccmigVerdict *self = verdict_new ();

  g_assert (source->families == target->families);
  self->source = accmig_profile_ref ((AccmigProfile *)source);
  self->target = accmig_profile_ref ((AccmigProfile *)target);
  if (rules != NULL)
    apply_rules (rules, &pair, self);
  if (source->families->generic == NULL)
    add_no_rules (&pair, self);
  return self;
}

gboolean
compat_can_send (const AccmigProfile *source, const AccmigProfile *target, AccmigCompatOptions options)
{
  const CompatPair pair = { source, target, options };
  const GPtrArray *rules = rules_of_pair (&pair);
  AccmigVerdict verdict = { .outcome = ACCMIG_OUTCOME_COMPATIBLE, .brief = TRUE };

  g_assert (source->families == target->families);
  if (rules == NULL || source->families->generic == NULL)
    return FALSE;
  apply_rules (rules, &pair, &verdict);
  return verdict.outcome <= ACCMIG_OUTCOME_DEGRADED;
}

void
accmig_verdict_free (AccmigVerdict *self)
{
  if (self == NULL)
    return;
  g_clear_pointer (&self->findings, g_array_unref);
  g_clear_pointer (&self->strings, g_string_chunk_free);
  accmig_profile_unref (self->source);
  accmig_profile_unref (self->target);
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
  return self->findings != NULL ? self->findings->len : self->n_counted;
}

const AccmigFinding *
accmig_verdict_get_finding (const AccmigVerdict *self, gsize index)
{
  g_return_val_if_fail (index < accmig_verdict_get_n_findings (self), NULL);
  return &g_array_index (self->findings, AccmigFinding, index);
}

const AccmigFinding *
accmig_verdict_get_decisive (const AccmigVerdict *self)
{
  if (self->outcome == ACCMIG_OUTCOME_COMPATIBLE)
    return NULL;
  for (gsize i = 0; i < accmig_verdict_get_n_findings (self); i++)
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
  if (self->source != NULL)
    {
      json_object_set_string_member (object, "source-digest", accmig_profile_get_digest (self->source));
      json_object_set_string_member (object, "target-digest", accmig_profile_get_digest (self->target));
    }
  for (gsize i = 0; i < accmig_verdict_get_n_findings (self); i++)
    json_array_add_object_element (findings, finding_to_json (accmig_verdict_get_finding (self, i)));
  json_object_set_array_member (object, "findings", findings);
  return strict_json_write (root);
}
