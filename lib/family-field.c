// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * [field NAME] of a family file, compiled
 */

#include "family-file.h"

#include <string.h>

#include "family-code.h"

/* ---- from ---- */

typedef struct
{
  const AccmigFamily *family;
  const FamilyKey *key;
} Place;

static gboolean
is_plain (const char *text)
{
  return text[strspn (text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")] == '\0';
}

static gboolean
parse_match (const Place *place, char **arguments, FieldSource *source, GError **error)
{
  return family_parse_word (place->key, arguments, place->family->match_size, &source->word, error);
}

/* The path with its words taken out may name anything below sysfs, and nothing else. */
static gboolean
parse_sysfs (const Place *place, char **arguments, FieldSource *source, GError **error)
{
  g_autoptr (GString) rest = g_string_new (arguments[0]);

  g_string_replace (rest, "{address}", "", 0);
  g_string_replace (rest, "{pf}", "", 0);
  if (arguments[0][0] == '/' || strstr (arguments[0], "..") != NULL)
    return fail_at (error, place->key, "the path “%s” leads out of sysfs", arguments[0]);
  if (strpbrk (rest->str, "{}") != NULL)
    return fail_at (error, place->key, "the path “%s” has another word than {address} and {pf}",
                    arguments[0]);
  source->text = g_strdup (arguments[0]);
  return TRUE;
}

static gboolean
parse_parameter (const Place *place, char **arguments, FieldSource *source, GError **error)
{
  if (!is_plain (arguments[0]) || !is_plain (arguments[1]))
    return fail_at (error, place->key, "“%s %s” is no module with a parameter", arguments[0], arguments[1]);
  source->text = g_strdup_printf ("module/%s/parameters/%s", arguments[0], arguments[1]);
  return TRUE;
}

static gboolean
parse_uacce (const Place *place, char **arguments, FieldSource *source, GError **error)
{
  if (!is_plain (arguments[0]))
    return fail_at (error, place->key, "“%s” is no attribute of a uacce device", arguments[0]);
  source->text = g_strdup (arguments[0]);
  return TRUE;
}

static gboolean
parse_mdev_type (const Place *place, char **arguments, FieldSource *source, GError **error)
{
  source->text = g_strdup (arguments[0]);
  return TRUE;
}

static gboolean
parse_code (const Place *place, char **arguments, FieldSource *source, GError **error)
{
  source->reader = family_code_find_reader (place->family->code, arguments[0]);
  return source->reader != NULL
         || fail_at (error, place->key, "there is no code “%s” for the family %s", arguments[0],
                     place->family->name);
}

static const struct
{
  const char *name;
  guint n_arguments;
  gboolean (*parse) (const Place *place, char **arguments, FieldSource *source, GError **error);
} source_kinds[] = {
  [SOURCE_MATCH] = { "match", 2, parse_match },
  [SOURCE_SYSFS] = { "sysfs", 1, parse_sysfs },
  [SOURCE_PARAMETER] = { "parameter", 2, parse_parameter },
  [SOURCE_UACCE] = { "uacce", 1, parse_uacce },
  [SOURCE_MDEV_TYPE] = { "mdev-type", 1, parse_mdev_type },
  [SOURCE_CODE] = { "code", 1, parse_code },
};

static gboolean
add_source (FamilyField *field, const Place *place, const char *text, GError **error)
{
  g_auto (GStrv) words = family_split_words (text);
  FieldSource source = { 0 };
  guint kind = 0;

  while (kind < G_N_ELEMENTS (source_kinds) && strcmp (source_kinds[kind].name, words[0]) != 0)
    kind++;
  if (kind == G_N_ELEMENTS (source_kinds))
    return fail_at (error, place->key,
                    "from has “%s”, wanted is one of match, sysfs, parameter, uacce, mdev-type, code",
                    words[0]);
  if (g_strv_length (words) != source_kinds[kind].n_arguments + 1)
    return fail_at (error, place->key, "from has “%s”; %s is followed by %u words", text, words[0],
                    source_kinds[kind].n_arguments);
  source.kind = kind;
  if (!source_kinds[kind].parse (place, words + 1, &source, error))
    return FALSE;
  g_array_append_val (field->sources, source);
  return TRUE;
}

static gboolean
compile_from (FamilyField *field, const AccmigFamily *family, const FamilyGroup *group, GError **error)
{
  const FamilyKey *key = family_group_require (group, "from", error);
  g_auto (GStrv) items = key != NULL ? family_key_list (key, error) : NULL;

  if (items == NULL)
    return FALSE;
  for (char **item = items; *item != NULL; item++)
    if (!add_source (field, &(Place){ family, key }, *item, error))
      return FALSE;
  field->from = g_strdup (key->value);
  return TRUE;
}

/* ---- map ---- */

static gboolean
add_name (FamilyField *field, const FamilyKey *key, const char *text, GError **error)
{
  const char *colon = strchr (text, ':');
  g_autofree char *number = colon != NULL ? g_strndup (text, (gsize)(colon - text)) : NULL;
  FieldName name = { 0 };

  if (colon == NULL || colon[1] == '\0' || !value_parse_number (number, &name.number))
    return fail_at (error, key, "map has “%s”, wanted is NUMBER:TEXT", text);
  name.text = g_strdup (colon + 1);
  g_array_append_val (field->names, name);
  return TRUE;
}

static gboolean
compile_map (FamilyField *field, const FamilyGroup *group, GError **error)
{
  const FamilyKey *key = family_group_find (group, "map");
  g_auto (GStrv) items = NULL;

  if (key == NULL)
    return TRUE;
  if (field->type != VALUE_TEXT)
    return fail_at (error, key, "map makes texts of numbers, and needs type=text");
  items = family_key_list (key, error);
  if (items == NULL)
    return FALSE;
  for (char **item = items; *item != NULL; item++)
    if (!add_name (field, key, *item, error))
      return FALSE;
  return TRUE;
}

/* ---- when ---- */

static gboolean
add_values (MatchCondition *condition, const FamilyKey *key, const char *text, GError **error)
{
  g_auto (GStrv) values = g_strsplit (text, ",", -1);

  for (char **value = values; *value != NULL; value++)
    {
      guint64 number = 0;

      if (!value_parse_number (*value, &number))
        return fail_at (error, key, "when has “%s”, a number is wanted", *value);
      g_array_append_val (condition->values, number);
    }
  return TRUE;
}

static gboolean
add_condition (FamilyField *field, const Place *place, const char *text, GError **error)
{
  g_auto (GStrv) words = family_split_words (text);
  MatchCondition condition = { .values = g_array_new (FALSE, FALSE, sizeof (guint64)) };

  g_array_append_val (field->conditions, condition);
  if (g_strv_length (words) != 5 || strcmp (words[0], "match") != 0
      || (strcmp (words[3], "in") != 0 && strcmp (words[3], "not-in") != 0))
    return fail_at (error, place->key, "when has “%s”, wanted is match TYPE OFFSET in|not-in VALUE,…", text);
  if (!family_parse_word (place->key, words + 1, place->family->match_size, &condition.word, error)
      || !add_values (&condition, place->key, words[4], error))
    return FALSE;
  condition.wanted = strcmp (words[3], "in") == 0;
  g_array_index (field->conditions, MatchCondition, field->conditions->len - 1) = condition;
  return TRUE;
}

static gboolean
compile_when (FamilyField *field, const AccmigFamily *family, const FamilyGroup *group, GError **error)
{
  const FamilyKey *key = family_group_find (group, "when");
  g_auto (GStrv) items = key != NULL ? family_key_list (key, error) : NULL;

  if (key == NULL || items == NULL)
    return key == NULL;
  for (char **item = items; *item != NULL; item++)
    if (!add_condition (field, &(Place){ family, key }, *item, error))
      return FALSE;
  return TRUE;
}

/* ---- the rest ---- */

static gboolean
compile_type (FamilyField *field, const FamilyGroup *group, GError **error)
{
  const FamilyKey *type = family_group_require (group, "type", error);
  const FamilyKey *digits = family_group_find (group, "digits");
  guint64 number = 0;

  if (type == NULL)
    return FALSE;
  if (!value_type_from_string (type->value, &field->type))
    return fail_at (error, type, "type is “%s”, wanted is one of text, number, hex, flags, boolean",
                    type->value);
  if (digits == NULL)
    return TRUE;
  if (field->type != VALUE_TEXT)
    return fail_at (error, digits, "digits makes texts of numbers, and needs type=text");
  if (!value_parse_number (digits->value, &number) || number < 1 || number > 16)
    return fail_at (error, digits, "digits is “%s”, wanted is a number from 1 to 16", digits->value);
  field->digits = (guint)number;
  return TRUE;
}

static gboolean
compile_what (FamilyField *field, const FamilyGroup *group, GError **error)
{
  const FamilyKey *what = family_group_require (group, "what", error);

  field->what = what != NULL ? g_strdup (what->value) : NULL;
  return what != NULL;
}

FamilyField *
family_compile_field (const AccmigFamily *family, const FamilyGroup *group, const char *name, GError **error)
{
  static const char *const keys[] = { "what", "type", "digits", "from", "map", "when" };
  g_autoptr (FamilyField) field = NULL;

  if (!family_name_is_valid (name, "-"))
    {
      (void)fail_at (error, group,
                     "[%s] is no field: its name has other than lower-case letters, digits, dashes",
                     group->name);
      return NULL;
    }
  field = family_field_new (name);
  if (!family_group_check_keys (group, keys, G_N_ELEMENTS (keys), error)
      || !compile_what (field, group, error) || !compile_type (field, group, error)
      || !compile_from (field, family, group, error) || !compile_map (field, group, error)
      || !compile_when (field, family, group, error))
    return NULL;
  field->row = (AccmigFamilyField){
    .name = field->name,
    .what = field->what,
    .type = value_type_to_string (field->type),
    .from = field->from,
  };
  return g_steal_pointer (&field);
}
