// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * [rule NAME] of a family file, compiled
 *
 * A second word in the group's name tells the cases of one rule apart. The keys of a rule depend on its
 * relation: one table says which may be there, and which have to.
 */

#include "family-file.h"

#include <string.h>

#include "family-code.h"
#include "named.h"

static const char *const relation_names[] = {
  [RELATION_CHECK] = "check", /* never written: there is a key of that name */
  [RELATION_EQUAL] = "equal",       [RELATION_SUPERSET] = "superset",   [RELATION_SUBSET] = "subset",
  [RELATION_AT_LEAST] = "at-least", [RELATION_AT_MOST] = "at-most",     [RELATION_IN] = "in",
  [RELATION_NOT_IN] = "not-in",     [RELATION_SAME_SIDE] = "same-side", [RELATION_FIXED] = "fixed",
  [RELATION_NEVER] = "never",
};

static const char *const rank_names[] = {
  [RANK_IDENTITY] = "identity", [RANK_HOST] = "host",     [RANK_CAPABILITY] = "capability",
  [RANK_QUANTITY] = "quantity", [RANK_REMARK] = "remark",
};

static const char *const severity_names[] = {
  [ACCMIG_SEVERITY_NOTE] = "note",
  [ACCMIG_SEVERITY_WARN] = "warn",
  [ACCMIG_SEVERITY_UNKNOWN] = "unknown",
  [ACCMIG_SEVERITY_REFUSE] = "refuse",
};

static const char *const missing_names[] = {
  [MISSING_UNKNOWN] = "unknown",
  [MISSING_BOTH_OK] = "both-ok",
  [MISSING_OK] = "ok",
};

/* ---- which keys ---- */

#define BIT(relation) (1u << RELATION_##relation)
#define ANY           G_MAXUINT
#define SETS          (BIT (IN) | BIT (NOT_IN))
#define SIDED         (SETS | BIT (FIXED))
#define BITS          (BIT (SUPERSET) | BIT (SUBSET))
#define NUMBERS       (BITS | BIT (AT_LEAST) | BIT (AT_MOST))
#define RELEASES      (BIT (SAME_SIDE) | BIT (FIXED))

/* Relations with which a key may stand, and those that need it. */
static const struct
{
  const char *key;
  guint allowed, needed;
} keys[] = {
  { "field", ANY, ANY },
  { "what", ANY, 0 },
  { "relation", ANY, 0 },
  { "check", BIT (CHECK), BIT (CHECK) },
  { "rank", ANY, 0 },
  { "severity", ANY, 0 },
  { "missing", ~(BIT (CHECK) | BIT (NEVER)), 0 },
  { "side", SIDED, 0 },
  { "mask", BITS, 0 },
  { "values", SETS, SETS },
  { "split", BIT (SAME_SIDE), BIT (SAME_SIDE) },
  { "since", BIT (FIXED), 0 },
  { "fixed", BIT (FIXED), 0 },
  { "until", BIT (FIXED), 0 },
  { "when", ANY, BIT (NEVER) },
  { "sentence", ANY, BIT (FIXED) | BIT (NEVER) },
  { "remedy", ANY, 0 },
  { "reference", ANY, BIT (FIXED) },
};

static gboolean
check_keys (const FamilyGroup *group, CompatRelation relation, GError **error)
{
  const char *names[G_N_ELEMENTS (keys)];

  for (gsize i = 0; i < G_N_ELEMENTS (keys); i++)
    names[i] = keys[i].key;
  if (!family_group_check_keys (group, names, G_N_ELEMENTS (names), error))
    return FALSE;
  for (gsize i = 0; i < G_N_ELEMENTS (keys); i++)
    {
      const FamilyKey *key = family_group_find (group, keys[i].key);

      if (key != NULL && (keys[i].allowed & 1u << relation) == 0)
        return fail_at (error, key, "%s says nothing where the relation is %s", key->name,
                        relation_names[relation]);
      if (key == NULL && (keys[i].needed & 1u << relation) != 0)
        return fail_at (error, group, "[%s] needs the key %s", group->name, keys[i].key);
    }
  return TRUE;
}

/* ---- what it compares ---- */

static gboolean
compile_relation (CompatRule *rule, const FamilyGroup *group, GError **error)
{
  const FamilyKey *relation = family_group_find (group, "relation");
  const FamilyKey *check = family_group_find (group, "check");
  guint value = RELATION_CHECK;

  if ((relation != NULL) == (check != NULL))
    return fail_at (error, group, "[%s] needs one of the keys relation and check", group->name);
  /* The first name stands for the key. */
  if (!family_group_get_named (group, "relation", relation_names + 1, G_N_ELEMENTS (relation_names) - 1,
                               &value, error))
    return FALSE;
  rule->relation = relation != NULL ? value + 1 : RELATION_CHECK;
  rule->relation_text =
      check != NULL ? g_strconcat ("check ", check->value, NULL) : g_strdup (relation->value);
  return TRUE;
}

static gboolean
compile_check (CompatRule *rule, const AccmigFamily *family, const FamilyGroup *group,
               const FamilyCheck **ret_check, GError **error)
{
  const FamilyKey *key = family_group_find (group, "check");
  const FamilyCheck *check = key != NULL ? family_code_find_check (family->code, key->value) : NULL;

  if (key != NULL && check == NULL)
    return fail_at (error, key, "there is no check “%s” for the family %s", key->value, family->name);
  rule->check = check != NULL ? check->check : NULL;
  *ret_check = check;
  return TRUE;
}

static gboolean
compile_field (CompatRule *rule, const AccmigFamily *family, const FamilyGroup *group, GError **error)
{
  const FamilyKey *key = family_group_find (group, "field");
  const char *what = family_group_get (group, "what");
  FamilyMember member;

  if (!family_find_member (family, key->value, &member))
    return fail_at (error, key, "no field “%s” in the family %s, nor in every profile", key->value,
                    family->name);
  if ((NUMBERS & 1u << rule->relation) != 0 && !value_type_is_number (member.type))
    return fail_at (error, key, "the relation %s needs a number, and %s is a %s", rule->relation_text,
                    key->value, value_type_to_string (member.type));
  if ((RELEASES & 1u << rule->relation) != 0 && member.type != VALUE_TEXT)
    return fail_at (error, key, "the relation %s needs a release, and %s is a %s", rule->relation_text,
                    key->value, value_type_to_string (member.type));
  rule->slot = member.slot;
  rule->type = member.type;
  rule->field = family_member_path (family, key->value);
  rule->what = g_strdup (what != NULL ? what : member.what);
  rule->depends_on = what != NULL && strcmp (what, member.what) != 0 ? member.what : NULL;
  return TRUE;
}

/* ---- values ---- */

static gboolean
add_value (GArray *values, ValueType type, const FamilyKey *key, const char *text, GError **error)
{
  Value value = { 0 };

  if (*text == '\0' || !value_parse (type, text, &value))
    return fail_at (error, key, "%s has “%s”, wanted is a %s", key->name, text, value_type_to_string (type));
  g_array_append_val (values, value);
  return TRUE;
}

static gboolean
compile_values (CompatRule *rule, const FamilyGroup *group, GError **error)
{
  const FamilyKey *key = family_group_find (group, "values");
  g_auto (GStrv) items = key != NULL ? family_key_list (key, error) : NULL;

  if (key == NULL || items == NULL)
    return key == NULL;
  for (char **item = items; *item != NULL; item++)
    if (!add_value (rule->values, rule->type, key, *item, error))
      return FALSE;
  return TRUE;
}

static gboolean
compile_mask (CompatRule *rule, const FamilyGroup *group, GError **error)
{
  const FamilyKey *key = family_group_find (group, "mask");

  if (key != NULL && (!value_parse_number (key->value, &rule->mask) || rule->mask == 0))
    return fail_at (error, key, "mask is “%s”, wanted is a number above 0", key->value);
  return TRUE;
}

/* ---- releases ---- */

/* @text: nothing but a release. @ret_whole_series: (optional): whether it has no third number */
static gboolean
parse_release (const FamilyKey *key, const char *text, Release *ret_release, gboolean *ret_whole_series,
               GError **error)
{
  Release release = release_parse (text);
  gsize n_points = 0;

  for (const char *c = text; *c != '\0'; c++)
    n_points += *c == '.';
  if (release == 0 || text[strspn (text, "0123456789.")] != '\0' || n_points > 2)
    return fail_at (error, key, "%s has “%s”, wanted is a release, 6.18 or 6.12.34", key->name, text);
  *ret_release = release;
  if (ret_whole_series != NULL)
    *ret_whole_series = n_points == 1;
  return TRUE;
}

/* @ret_release: untouched when there is no such key */
static gboolean
get_release (const FamilyGroup *group, const char *name, Release *ret_release, gboolean *ret_whole_series,
             GError **error)
{
  const FamilyKey *key = family_group_find (group, name);

  return key == NULL || parse_release (key, key->value, ret_release, ret_whole_series, error);
}

static gboolean
compile_fixed (CompatRule *rule, const FamilyGroup *group, GError **error)
{
  const FamilyKey *key = family_group_find (group, "fixed");
  g_auto (GStrv) items = key != NULL ? family_key_list (key, error) : NULL;

  if (key == NULL || items == NULL)
    return key == NULL;
  for (char **item = items; *item != NULL; item++)
    {
      Release release;

      if (!parse_release (key, *item, &release, NULL, error))
        return FALSE;
      g_array_append_val (rule->fixed, release);
      rule->mainline = MAX (rule->mainline, release);
    }
  return TRUE;
}

static gboolean
compile_releases (CompatRule *rule, const FamilyGroup *group, GError **error)
{
  gboolean whole_series = FALSE;

  if (!get_release (group, "split", &rule->split, NULL, error)
      || !get_release (group, "since", &rule->since, NULL, error)
      || !get_release (group, "until", &rule->until, &whole_series, error)
      || !compile_fixed (rule, group, error))
    return FALSE;
  if (whole_series)
    rule->until = release_last_of_series (rule->until);
  if (rule->relation == RELATION_FIXED && (rule->until != 0) == (rule->mainline != 0))
    return fail_at (error, group, "[%s] needs one of the keys fixed and until", group->name);
  if (rule->since > MAX (rule->until, rule->mainline))
    return fail_at (error, family_group_find (group, "since"), "since is later than what it is the start of");
  return TRUE;
}

/* ---- sides ---- */

static gboolean
compile_side (CompatRule *rule, const FamilyGroup *group, GError **error)
{
  static const char *const names[] = { "target", "source", "either" };
  static const CompatSide sides[] = { SIDE_TARGET, SIDE_SOURCE, SIDE_EITHER };
  guint side = 0;

  if (!family_group_get_named (group, "side", names, G_N_ELEMENTS (names), &side, error))
    return FALSE;
  rule->side = compat_relation_is_sided (rule->relation) ? sides[side] : SIDE_EITHER;
  return TRUE;
}

/* ---- when ---- */

static const char *const op_names[] = {
  [OP_IN] = "in",         [OP_NOT_IN] = "not-in", [OP_FROM] = "from",
  [OP_BEFORE] = "before", [OP_KNOWN] = "known",   [OP_UNKNOWN] = "unknown",
};

#define IS_SET(op)     ((op) == OP_IN || (op) == OP_NOT_IN)
#define IS_RELEASE(op) ((op) == OP_FROM || (op) == OP_BEFORE)

static gboolean
add_condition_values (CompatCondition *condition, ValueType type, const FamilyKey *key, const char *text,
                      GError **error)
{
  g_auto (GStrv) values = g_strsplit (text, ",", -1);

  for (char **value = values; *value != NULL; value++)
    if (!add_value (condition->values, type, key, g_strstrip (*value), error))
      return FALSE;
  return TRUE;
}

/* @argument: what follows the operator, "" for nothing */
static gboolean
compile_argument (CompatCondition *condition, ValueType type, const FamilyKey *key, const char *argument,
                  GError **error)
{
  gboolean wants = IS_SET (condition->op) || IS_RELEASE (condition->op);

  if (wants != (*argument != '\0'))
    return fail_at (error, key, wants ? "when has “%s” without a value" : "when has “%s” with a value",
                    op_names[condition->op]);
  if (IS_RELEASE (condition->op) && type != VALUE_TEXT)
    return fail_at (error, key, "when has “%s”, which needs a release, of a %s", op_names[condition->op],
                    value_type_to_string (type));
  if (IS_RELEASE (condition->op))
    return parse_release (key, argument, &condition->release, NULL, error);
  return !wants || add_condition_values (condition, type, key, argument, error);
}

static gboolean
compile_condition (CompatCondition *condition, const AccmigFamily *family, const FamilyKey *key,
                   char *const *words, GError **error)
{
  static const char *const sides[] = { "target", "source" };
  g_autofree char *argument = NULL;
  FamilyMember member;
  guint side, op;

  if (g_strv_length ((char **)words) < 3 || !named_find (sides, G_N_ELEMENTS (sides), words[0], &side))
    return fail_at (error, key, "when is “%s”, wanted is source|target FIELD OPERATOR …", key->value);
  if (!family_find_member (family, words[1], &member))
    return fail_at (error, key, "no field “%s” in the family %s, nor in every profile", words[1],
                    family->name);
  if (!named_find (op_names, G_N_ELEMENTS (op_names), words[2], &op))
    return fail_at (error, key, "when has “%s”, wanted is one of in, not-in, from, before, known, unknown",
                    words[2]);
  condition->side = side == 0 ? SIDE_TARGET : SIDE_SOURCE;
  condition->op = op;
  condition->slot = member.slot;
  argument = g_strjoinv (" ", (char **)words + 3);
  return compile_argument (condition, member.type, key, argument, error);
}

static gboolean
compile_when (CompatRule *rule, const AccmigFamily *family, const FamilyGroup *group, GError **error)
{
  const FamilyKey *key = family_group_find (group, "when");
  g_auto (GStrv) items = key != NULL ? family_key_list (key, error) : NULL;

  if (key == NULL || items == NULL)
    return key == NULL;
  for (char **item = items; *item != NULL; item++)
    {
      g_auto (GStrv) words = family_split_words (*item);

      if (!compile_condition (compat_rule_add_condition (rule), family, key, words, error))
        return FALSE;
    }
  rule->when = g_strdup (key->value);
  return TRUE;
}

/* ---- texts ---- */

static const char *const common_words[] = { "what", "source", "target", "address" };
static const char *const sided_words[] = { "host", "value" };

/* Whether {@word} will be something in a sentence of @rule. */
static gboolean
is_word (const CompatRule *rule, const AccmigFamily *family, const FamilyCheck *check, const char *word)
{
  guint index;

  if (named_find (common_words, G_N_ELEMENTS (common_words), word, &index)
      || family_find_field (family, word, &index))
    return TRUE;
  if (compat_relation_is_sided (rule->relation)
      && named_find (sided_words, G_N_ELEMENTS (sided_words), word, &index))
    return TRUE;
  for (gsize i = 0; check != NULL && i < G_N_ELEMENTS (check->words); i++)
    if (g_strcmp0 (check->words[i], word) == 0)
      return TRUE;
  return FALSE;
}

static gboolean
check_template (const CompatRule *rule, const AccmigFamily *family, const FamilyCheck *check,
                const FamilyKey *key, GError **error)
{
  for (const char *start = strchr (key->value, '{'); start != NULL; start = strchr (start + 1, '{'))
    {
      gsize length = strcspn (start + 1, "{}");
      g_autofree char *word = g_strndup (start + 1, length);

      if (start[1 + length] != '}')
        return fail_at (error, key, "%s has a “{” without its “}”", key->name);
      if (!is_word (rule, family, check, word))
        return fail_at (error, key, "%s has {%s}, which is no word here", key->name, word);
    }
  return TRUE;
}

static gboolean
compile_texts (CompatRule *rule, const AccmigFamily *family, const FamilyGroup *group,
               const FamilyCheck *check, GError **error)
{
  const FamilyKey *sentence = family_group_find (group, "sentence");
  const FamilyKey *remedy = family_group_find (group, "remedy");

  if ((sentence != NULL && !check_template (rule, family, check, sentence, error))
      || (remedy != NULL && !check_template (rule, family, check, remedy, error)))
    return FALSE;
  rule->sentence = sentence != NULL ? g_strdup (sentence->value) : NULL;
  rule->remedy = remedy != NULL ? g_strdup (remedy->value) : NULL;
  rule->reference = g_strdup (family_group_get (group, "reference"));
  return TRUE;
}

static gboolean
compile_ranks (CompatRule *rule, const FamilyGroup *group, GError **error)
{
  guint rank = RANK_CAPABILITY;
  guint severity = ACCMIG_SEVERITY_REFUSE;
  guint missing = MISSING_UNKNOWN;

  if (!family_group_get_named (group, "rank", rank_names, G_N_ELEMENTS (rank_names), &rank, error)
      || !family_group_get_named (group, "severity", severity_names, G_N_ELEMENTS (severity_names), &severity,
                                  error)
      || !family_group_get_named (group, "missing", missing_names, G_N_ELEMENTS (missing_names), &missing,
                                  error))
    return FALSE;
  rule->rank = rank;
  rule->severity = severity;
  rule->missing = missing;
  return TRUE;
}

/* ---- the rule ---- */

/* @name: "magic" or "magic old-to-new" */
static gboolean
compile_name (CompatRule *rule, const AccmigFamily *family, const FamilyGroup *group, const char *name,
              GError **error)
{
  g_auto (GStrv) words = g_strsplit (name, " ", -1);
  gboolean is_generic = strcmp (family->name, GENERIC_FAMILY) == 0;
  g_autofree char *id = NULL;

  if (words[0] == NULL || !family_name_is_valid (words[0], "-_.")
      || (words[1] != NULL && (words[2] != NULL || !family_name_is_valid (words[1], "-_."))))
    return fail_at (
        error, group,
        "[%s] is no rule: one or two names of lower-case letters, digits, dashes and points wanted",
        group->name);
  id = is_generic ? g_strdup (words[0]) : g_strconcat (family->name, ".", words[0], NULL);
  rule->id = g_intern_string (id);
  rule->name = g_strdup (name);
  return TRUE;
}

static const char *
or_empty (const char *text)
{
  return text != NULL ? text : "";
}

static void
fill_row (CompatRule *rule)
{
  const char *sentence = rule->sentence != NULL ? rule->sentence : compat_relation_sentence (rule->relation);

  rule->row = (AccmigFamilyRule){
    .id = rule->id,
    .name = rule->name,
    .rank = rank_names[rule->rank],
    .severity = rule->severity,
    .relation = rule->relation_text,
    .field = rule->field,
    .what = rule->what,
    .when = or_empty (rule->when),
    .sentence = or_empty (sentence),
    .remedy = or_empty (rule->remedy),
    .reference = or_empty (rule->reference),
  };
}

CompatRule *
family_compile_rule (const AccmigFamily *family, const FamilyGroup *group, const char *name, GError **error)
{
  g_autoptr (CompatRule) rule = compat_rule_new ();
  const FamilyCheck *check = NULL;

  if (!compile_name (rule, family, group, name, error) || !compile_relation (rule, group, error)
      || !check_keys (group, rule->relation, error) || !compile_check (rule, family, group, &check, error)
      || !compile_field (rule, family, group, error) || !compile_ranks (rule, group, error)
      || !compile_side (rule, group, error) || !compile_values (rule, group, error)
      || !compile_mask (rule, group, error) || !compile_releases (rule, group, error)
      || !compile_when (rule, family, group, error) || !compile_texts (rule, family, group, check, error))
    return NULL;
  fill_row (rule);
  return g_steal_pointer (&rule);
}
