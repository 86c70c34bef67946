// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Family files
 *
 * From a file's text to the compiled family. Everything is checked here, once, so that whoever uses a family
 * need not; a file is taken as a whole or not at all. A key that nobody knows is an error: more likely than
 * not it is a known one with a typo, and the rule would not say what its author meant.
 */

#include "family-file.h"

#include <string.h>

#include "family-code.h"
#include "named.h"

#define SUFFIX ".family"

/* Most rules, or fields, of one family. */
#define MAX_ROWS 128

/* Longest match data, in bytes; what is known has 40. */
#define MAX_MATCH_SIZE 4096
#define MAX_STREAM_MIN (G_GUINT64_CONSTANT (1) << 40)

/* ---- what the compilers share ---- */

char **
family_split_words (const char *text)
{
  g_auto (GStrv) parts = g_strsplit_set (text, " \t", -1);
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

  for (char **part = parts; *part != NULL; part++)
    if (**part != '\0')
      g_strv_builder_add (builder, *part);
  return g_strv_builder_end (builder);
}

gboolean
family_name_is_valid (const char *name, const char *more)
{
  if (*name == '\0' || strlen (name) > 64)
    return FALSE;
  for (; *name != '\0'; name++)
    if (!g_ascii_islower (*name) && !g_ascii_isdigit (*name) && strchr (more, *name) == NULL)
      return FALSE;
  return TRUE;
}

gboolean
family_group_check_keys (const FamilyGroup *group, const char *const *names, gsize n_names, GError **error)
{
  for (guint i = 0; i < group->keys->len; i++)
    {
      const FamilyKey *key = g_ptr_array_index (group->keys, i);
      guint index;

      if (!named_find (names, n_names, key->name, &index))
        return fail_at (error, key, "[%s] has no key %s", group->name, key->name);
    }
  return TRUE;
}

const FamilyKey *
family_group_require (const FamilyGroup *group, const char *name, GError **error)
{
  const FamilyKey *key = family_group_find (group, name);

  if (key == NULL)
    (void)fail_at (error, group, "[%s] needs the key %s", group->name, name);
  return key;
}

gboolean
family_group_get_named (const FamilyGroup *group, const char *name, const char *const *names, gsize n_names,
                        guint *ret_value, GError **error)
{
  const FamilyKey *key = family_group_find (group, name);
  g_autoptr (GString) list = NULL;

  if (key == NULL || named_find (names, n_names, key->value, ret_value))
    return TRUE;
  list = g_string_new (names[0]);
  for (gsize i = 1; i < n_names; i++)
    g_string_append_printf (list, ", %s", names[i]);
  return fail_at (error, key, "%s is “%s”, wanted is one of %s", name, key->value, list->str);
}

gboolean
family_parse_word (const FamilyKey *key, char *const *words, gsize match_size, MatchWord *ret_word,
                   GError **error)
{
  static const struct
  {
    const char *name;
    guint width;
  } types[] = { { "u8", 1 }, { "u16", 2 }, { "u32", 4 }, { "u64", 8 } };
  guint64 offset = 0;
  guint width = 0;

  for (gsize i = 0; i < G_N_ELEMENTS (types); i++)
    if (g_strcmp0 (types[i].name, words[0]) == 0)
      width = types[i].width;
  if (width == 0)
    return fail_at (error, key, "%s has “%s” for the type of a word, wanted is u8, u16, u32 or u64",
                    key->name, words[0] != NULL ? words[0] : "");
  if (words[1] == NULL || !value_parse_number (words[1], &offset))
    return fail_at (error, key, "%s has “%s” for the offset of a word, a number is wanted", key->name,
                    words[1] != NULL ? words[1] : "");
  if (offset > match_size || width > match_size - offset)
    return fail_at (error, key, "%s has a word that ends beyond the %" G_GSIZE_FORMAT " bytes of match-size",
                    key->name, match_size);
  *ret_word = (MatchWord){ width, offset };
  return TRUE;
}

/* ---- [family] ---- */

static gboolean
is_id (const char *text)
{
  static const char pattern[] = "hhhh:hhhh";

  if (strlen (text) != strlen (pattern))
    return FALSE;
  for (gsize i = 0; pattern[i] != '\0'; i++)
    if (pattern[i] == 'h' ? strchr ("0123456789abcdef", text[i]) == NULL : text[i] != pattern[i])
      return FALSE;
  return TRUE;
}

static gboolean
is_driver (const char *text)
{
  return family_name_is_valid (text, "-_ABCDEFGHIJKLMNOPQRSTUVWXYZ");
}

static gboolean
is_glob (const char *text)
{
  return strpbrk (text, " \t/") == NULL;
}

static const struct
{
  const char *key;
  gsize member; /* of AccmigFamily: a char ** */
  gboolean (*is_valid) (const char *text);
  const char *wanted;
} lists[] = {
  { "drivers", G_STRUCT_OFFSET (AccmigFamily, drivers), is_driver, "a driver's name" },
  { "ids", G_STRUCT_OFFSET (AccmigFamily, ids), is_id, "VENDOR:DEVICE in lower-case hex" },
  { "mdev-types", G_STRUCT_OFFSET (AccmigFamily, mdev_types), is_glob, "the type of an mdev, * for any" },
};

static gboolean
compile_lists (AccmigFamily *self, const FamilyGroup *group, GError **error)
{
  for (gsize i = 0; i < G_N_ELEMENTS (lists); i++)
    {
      const FamilyKey *key = family_group_find (group, lists[i].key);
      g_auto (GStrv) items = key != NULL ? family_key_list (key, error) : NULL;

      if (key == NULL)
        continue;
      if (items == NULL)
        return FALSE;
      for (char **item = items; *item != NULL; item++)
        if (!lists[i].is_valid (*item))
          return fail_at (error, key, "%s has “%s”, wanted is %s", key->name, *item, lists[i].wanted);
      g_strfreev (G_STRUCT_MEMBER (char **, self, lists[i].member));
      G_STRUCT_MEMBER (char **, self, lists[i].member) = g_steal_pointer (&items);
    }
  return TRUE;
}

/* @name: of a key that may be absent. @ret_size: untouched then */
static gboolean
compile_size (const FamilyGroup *group, const char *name, guint64 max, gsize *ret_size, GError **error)
{
  const FamilyKey *key = family_group_find (group, name);
  guint64 size = 0;

  if (key == NULL)
    return TRUE;
  if (!value_parse_number (key->value, &size) || size < 1 || size > max)
    return fail_at (error, key, "%s is “%s”, wanted is a number from 1 to %" G_GUINT64_FORMAT, name,
                    key->value, max);
  *ret_size = size;
  return TRUE;
}

static gboolean
compile_sizes (AccmigFamily *self, const FamilyGroup *group, GError **error)
{
  return compile_size (group, "match-size", MAX_MATCH_SIZE, &self->match_size, error)
         && compile_size (group, "stream-min", MAX_STREAM_MIN, &self->stream_min, error);
}

static gboolean
compile_name (AccmigFamily *self, const FamilyGroup *group, GError **error)
{
  const FamilyKey *name = family_group_require (group, "name", error);
  const FamilyKey *title = name != NULL ? family_group_require (group, "title", error) : NULL;

  if (title == NULL)
    return FALSE;
  if (strcmp (name->value, self->name) != 0)
    return fail_at (error, name, "name is “%s”, but the file is named %s" SUFFIX, name->value, self->name);
  self->title = g_strdup (title->value);
  return TRUE;
}

static gboolean
compile_family (AccmigFamily *self, const FamilyGroup *group, GError **error)
{
  static const char *const keys[] = { "name",       "title",      "drivers",    "ids",
                                      "mdev-types", "match-size", "stream-min", "trial" };
  static const char *const answers[] = { "no", "yes" };
  guint trial = 0;

  if (!family_group_check_keys (group, keys, G_N_ELEMENTS (keys), error) || !compile_name (self, group, error)
      || !compile_lists (self, group, error) || !compile_sizes (self, group, error)
      || !family_group_get_named (group, "trial", answers, G_N_ELEMENTS (answers), &trial, error))
    return FALSE;
  if (trial != 0 && self->match_size == 0)
    return fail_at (error, family_group_find (group, "trial"),
                    "trial needs match data, and match-size is absent");
  self->trial = trial != 0;
  self->code = family_code_find (self->name);
  return TRUE;
}

/* ---- [match] ---- */

static gboolean
compile_match_word (const AccmigFamily *self, const FamilyGroup *group, const char *name, MatchWord *ret_word,
                    GError **error)
{
  const FamilyKey *key = family_group_find (group, name);
  g_auto (GStrv) words = key != NULL ? family_split_words (key->value) : NULL;

  if (key == NULL)
    return TRUE;
  if (g_strv_length (words) != 2)
    return fail_at (error, key, "%s is “%s”, wanted is TYPE OFFSET", name, key->value);
  return family_parse_word (key, words, self->match_size, ret_word, error);
}

static gboolean
compile_match (AccmigFamily *self, const FamilyGroup *group, GError **error)
{
  static const char *const keys[] = { "device", "vendor" };

  return family_group_check_keys (group, keys, G_N_ELEMENTS (keys), error)
         && compile_match_word (self, group, "device", &self->match_device, error)
         && compile_match_word (self, group, "vendor", &self->match_vendor, error);
}

/* ---- [field NAME], [rule NAME] ---- */

static gboolean
compile_field (AccmigFamily *self, const FamilyGroup *group, const char *name, GError **error)
{
  FamilyField *field = family_compile_field (self, group, name, error);

  if (field == NULL)
    return FALSE;
  g_ptr_array_add (self->fields, field);
  return self->fields->len <= MAX_ROWS || fail_at (error, group, "more than %d fields", MAX_ROWS);
}

/* The engine relies on it that the cases of one rule follow each other. */
static gboolean
check_siblings (const AccmigFamily *self, const CompatRule *rule, const FamilyGroup *group, GError **error)
{
  guint n = self->rules->len;
  const CompatRule *last = n > 0 ? g_ptr_array_index (self->rules, n - 1) : NULL;

  for (guint i = 0; i < n; i++)
    {
      const CompatRule *sibling = g_ptr_array_index (self->rules, i);

      if (sibling->id == rule->id && sibling->rank != rule->rank)
        return fail_at (error, group, "[%s] has another rank than [rule %s], a case of the same rule",
                        group->name, sibling->name);
      if (sibling->id == rule->id && last->id != rule->id)
        return fail_at (error, group, "[%s] stands apart from [rule %s], a case of the same rule",
                        group->name, sibling->name);
    }
  return TRUE;
}

static gboolean
compile_rule (AccmigFamily *self, const FamilyGroup *group, const char *name, GError **error)
{
  g_autoptr (CompatRule) rule = family_compile_rule (self, group, name, error);

  if (rule == NULL || !check_siblings (self, rule, group, error))
    return FALSE;
  g_ptr_array_add (self->rules, g_steal_pointer (&rule));
  return self->rules->len <= MAX_ROWS || fail_at (error, group, "more than %d rules", MAX_ROWS);
}

/* ---- the file ---- */

typedef gboolean (*CompileNamed) (AccmigFamily *self, const FamilyGroup *group, const char *name,
                                  GError **error);

/* Rules name fields, and fields lie in match data: what is named comes first, wherever it stands. */
static const struct
{
  const char *prefix;
  CompileNamed compile;
} named_groups[] = {
  { "field ", compile_field },
  { "rule ", compile_rule },
};

static gboolean
check_groups (const FamilyText *text, GError **error)
{
  for (guint i = 0; i < text->groups->len; i++)
    {
      const FamilyGroup *group = g_ptr_array_index (text->groups, i);
      gboolean known = strcmp (group->name, "family") == 0 || strcmp (group->name, "match") == 0;

      for (gsize j = 0; j < G_N_ELEMENTS (named_groups); j++)
        known = known || g_str_has_prefix (group->name, named_groups[j].prefix);
      if (!known)
        return fail_at (error, group, "[%s] is none of [family], [match], [field NAME], [rule NAME]",
                        group->name);
    }
  return TRUE;
}

static const FamilyGroup *
find_group (const FamilyText *text, const char *name)
{
  for (guint i = 0; i < text->groups->len; i++)
    {
      const FamilyGroup *group = g_ptr_array_index (text->groups, i);

      if (strcmp (group->name, name) == 0)
        return group;
    }
  return NULL;
}

static gboolean
compile_named (AccmigFamily *self, const FamilyText *text, const char *prefix, CompileNamed compile,
               GError **error)
{
  for (guint i = 0; i < text->groups->len; i++)
    {
      const FamilyGroup *group = g_ptr_array_index (text->groups, i);

      if (g_str_has_prefix (group->name, prefix)
          && !compile (self, group, group->name + strlen (prefix), error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
compile (AccmigFamily *self, const FamilyText *text, GError **error)
{
  const FamilyGroup *family = find_group (text, "family");
  const FamilyGroup *match = find_group (text, "match");

  if (!check_groups (text, error))
    return FALSE;
  if (family == NULL)
    return fail (error, ACCMIG_ERROR_INVALID, "%s: the group [family] is missing", self->path);
  if (!compile_family (self, family, error) || (match != NULL && !compile_match (self, match, error)))
    return FALSE;
  for (gsize i = 0; i < G_N_ELEMENTS (named_groups); i++)
    if (!compile_named (self, text, named_groups[i].prefix, named_groups[i].compile, error))
      return FALSE;
  return TRUE;
}

AccmigFamily *
family_read (const char *path, GError **error)
{
  g_autofree char *name = g_path_get_basename (path);
  g_autoptr (FamilyText) text = NULL;
  g_autoptr (AccmigFamily) self = NULL;

  if (g_str_has_suffix (name, SUFFIX))
    name[strlen (name) - strlen (SUFFIX)] = '\0';
  else
    *name = '\0';
  if (!family_name_is_valid (name, "_"))
    {
      (void)fail (error, ACCMIG_ERROR_INVALID,
                  "%s: the file's name is none of lower-case letters, digits and underscores, with " SUFFIX
                  " at its end",
                  path);
      return NULL;
    }
  text = family_text_read (path, error);
  if (text == NULL)
    return NULL;
  self = family_new (name, path);
  return compile (self, text, error) ? g_steal_pointer (&self) : NULL;
}

gboolean
accmig_family_check_file (const char *path, GError **error)
{
  g_autoptr (AccmigFamily) family = family_read (path, error);

  return family != NULL;
}
