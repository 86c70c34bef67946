// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Every row of every family file, held and broken
 *
 * A family has a fixture of its name in tests/data/rules: two profiles that fit, and for each row of the
 * family's rules a small change after which that row speaks, and besides it only what the fixture names. A
 * row without a fixture fails, so does a fixture without a row; and each row is once taken out of its file,
 * to see that its fixture notices.
 *
 *   [source]                     the source's profile: member=JSON value
 *   [target]                     the members in which the target's differs
 *   [always]                     (optional) what the two that fit are told all the same
 *   findings=note:mlx5.decides
 *   [qp-num]                     the row [rule qp-num]
 *   target=hisi_acc.qp-num=4     changes, ";" between them, a member without a value is removed;
 *                                source= and both= likewise
 *   findings=refuse:hisi_acc.qp-num
 *   sentence=…                   (optional) of the rule's finding, where the row is told from others by that
 * alone fires=target host.kernel 6.17.0;6.18.3     (optional) the row speaks with each of these texts there
 * as well silent=target host.kernel 6.18.4           (optional) and with none of these
 */

#include <accmig/families.h>

#include <glib/gstdio.h>
#include <json-glib/json-glib.h>
#include <string.h>

/* A family's fixture, and one of its rows. */
typedef struct
{
  char *family;
  char *row; /* (nullable) */
} Case;

/* ---- the two directories of meson's making ---- */

static char **
family_directories (void)
{
  return g_strsplit (g_getenv ("ACCMIG_FAMILIES_PATH"), ":", -1);
}

static GKeyFile *
read_fixture (const char *family)
{
  g_autofree char *name = g_strconcat (family, ".rules", NULL);
  g_autofree char *path = g_build_filename (g_getenv ("ACCMIG_RULES_DIR"), name, NULL);
  g_autoptr (GKeyFile) fixture = g_key_file_new ();
  g_autoptr (GError) error = NULL;

  g_key_file_load_from_file (fixture, path, G_KEY_FILE_NONE, &error);
  g_assert_no_error (error);
  return g_steal_pointer (&fixture);
}

/* Every set is made anew, since profiles of two sets must not be mixed. @last: (nullable): a directory that
 * wins */
static void
use_families (const char *last)
{
  g_auto (GStrv) directories = family_directories ();
  g_autoptr (GPtrArray) path = g_ptr_array_new ();
  AccmigFamilies *families;

  for (char **directory = directories; *directory != NULL; directory++)
    g_ptr_array_add (path, *directory);
  g_ptr_array_add (path, (char *)last);
  g_ptr_array_add (path, NULL);
  families = accmig_families_load ((const char *const *)path->pdata);
  g_assert_cmpstr (accmig_families_get_warnings (families)[0], ==, NULL);
  accmig_families_set_default (families);
}

/* ---- profiles ---- */

static void
set_member (JsonObject *root, const char *path, const char *value)
{
  g_auto (GStrv) names = g_strsplit (path, ".", 2);
  const char *member = names[1] != NULL ? names[1] : names[0];
  JsonObject *object = root;

  if (names[1] != NULL && !json_object_has_member (root, names[0]))
    json_object_set_object_member (root, names[0], json_object_new ());
  if (names[1] != NULL)
    object = json_object_get_object_member (root, names[0]);
  if (value != NULL)
    {
      g_autoptr (GError) error = NULL;
      JsonNode *node = json_from_string (value, &error);

      g_assert_no_error (error);
      json_object_set_member (object, member, node);
      return;
    }
  if (!json_object_has_member (object, member))
    g_error ("%s is not there to be removed", path);
  json_object_remove_member (object, member);
}

/* All of the fixture's group @name, if it is there. */
static void
set_group (JsonObject *root, GKeyFile *fixture, const char *name)
{
  g_auto (GStrv) keys = g_key_file_get_keys (fixture, name, NULL, NULL);

  for (char **key = keys; key != NULL && *key != NULL; key++)
    {
      g_autofree char *value = g_key_file_get_value (fixture, name, *key, NULL);

      set_member (root, *key, value);
    }
}

/* @changes: (nullable): "path=JSON;path" */
static void
apply_changes (JsonObject *root, const char *changes)
{
  g_auto (GStrv) items = g_strsplit (changes != NULL ? changes : "", ";", -1);

  for (char **item = items; *item != NULL && **item != '\0'; item++)
    {
      g_auto (GStrv) parts = g_strsplit (g_strstrip (*item), "=", 2);

      set_member (root, parts[0], parts[1]);
    }
}

/* What a row's fixture makes of one of the two profiles that fit. @row: (nullable): nothing. */
static JsonNode *
make_side (GKeyFile *fixture, const char *row, const char *side)
{
  JsonNode *node = json_node_init_object (json_node_alloc (), json_object_new ());
  JsonObject *root = json_node_get_object (node);
  g_autofree char *both = row != NULL ? g_key_file_get_value (fixture, row, "both", NULL) : NULL;
  g_autofree char *own = row != NULL ? g_key_file_get_value (fixture, row, side, NULL) : NULL;

  json_object_unref (root);
  set_group (root, fixture, "source");
  if (strcmp (side, "target") == 0)
    set_group (root, fixture, "target");
  apply_changes (root, both);
  apply_changes (root, own);
  return node;
}

static AccmigProfile *
profile_of (JsonNode *node)
{
  g_autofree char *text = json_to_string (node, FALSE);
  g_autoptr (GError) error = NULL;
  AccmigProfile *profile = accmig_profile_new_from_json (text, -1, &error);

  g_assert_no_error (error);
  return profile;
}

/* ---- verdicts ---- */

static int
compare_texts (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *)a, *(const char *const *)b);
}

/* @words: (element-type utf8). Returns: (transfer full): sorted, with blanks between */
static char *
join_sorted (GPtrArray *words)
{
  g_ptr_array_sort (words, compare_texts);
  g_ptr_array_add (words, NULL);
  return g_strjoinv (" ", (char **)words->pdata);
}

static AccmigVerdict *
judge (JsonNode *source_node, JsonNode *target_node)
{
  g_autoptr (AccmigProfile) source = profile_of (source_node);
  g_autoptr (AccmigProfile) target = profile_of (target_node);

  return accmig_compat_check (source, target, ACCMIG_COMPAT_NONE);
}

/* What the verdict says of the rule that @row belongs to. */
static const char *
sentence_of (const AccmigVerdict *verdict, const char *family, const char *row)
{
  g_auto (GStrv) words = g_strsplit (row, " ", 2);
  g_autofree char *id =
      strcmp (family, "generic") == 0 ? g_strdup (words[0]) : g_strjoin (".", family, words[0], NULL);

  for (gsize i = 0; i < accmig_verdict_get_n_findings (verdict); i++)
    if (strcmp (accmig_verdict_get_finding (verdict, i)->rule, id) == 0)
      return accmig_verdict_get_finding (verdict, i)->sentence;
  return "";
}

/* Returns: (transfer full): "severity:rule severity:rule", and the sentence if the fixture has one */
static char *
actual_answer (const Case *self, GKeyFile *fixture)
{
  g_autoptr (JsonNode) source = make_side (fixture, self->row, "source");
  g_autoptr (JsonNode) target = make_side (fixture, self->row, "target");
  g_autoptr (AccmigVerdict) verdict = judge (source, target);
  g_autoptr (GPtrArray) words = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *findings = NULL;

  for (gsize i = 0; i < accmig_verdict_get_n_findings (verdict); i++)
    {
      const AccmigFinding *finding = accmig_verdict_get_finding (verdict, i);

      g_ptr_array_add (words, g_strdup_printf ("%s:%s", accmig_severity_to_string (finding->severity),
                                               finding->rule));
    }
  findings = join_sorted (words);
  if (self->row == NULL || !g_key_file_has_key (fixture, self->row, "sentence", NULL))
    return g_steal_pointer (&findings);
  return g_strjoin (": ", findings, sentence_of (verdict, self->family, self->row), NULL);
}

static void
add_words (GPtrArray *words, GKeyFile *fixture, const char *group)
{
  g_autofree char *text = g_key_file_get_value (fixture, group, "findings", NULL);
  g_auto (GStrv) split = g_strsplit (text != NULL ? text : "", " ", -1);

  for (char **word = split; *word != NULL; word++)
    if (**word != '\0')
      g_ptr_array_add (words, g_strdup (*word));
}

static char *
wanted_answer (const Case *self, GKeyFile *fixture)
{
  g_autoptr (GPtrArray) words = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *findings = NULL;
  g_autofree char *sentence = NULL;

  add_words (words, fixture, "always");
  if (self->row != NULL)
    {
      add_words (words, fixture, self->row);
      sentence = g_key_file_get_value (fixture, self->row, "sentence", NULL);
    }
  findings = join_sorted (words);
  return sentence != NULL ? g_strjoin (": ", findings, sentence, NULL) : g_steal_pointer (&findings);
}

static const AccmigFamilyRule *
find_row (const char *family, const char *row)
{
  const AccmigFamily *self = accmig_families_lookup (accmig_families_get_default (), family);

  for (gsize i = 0; i < accmig_family_get_n_rules (self); i++)
    if (strcmp (accmig_family_get_rule (self, i)->name, row) == 0)
      return accmig_family_get_rule (self, i);
  return NULL;
}

/* ---- tests ---- */

/* The two that fit do, and each of them fits itself. */
static void
test_base (gconstpointer data)
{
  const Case *self = data;
  g_autoptr (GKeyFile) fixture = read_fixture (self->family);
  g_autofree char *wanted = wanted_answer (self, fixture);
  static const char *const sides[][2] = { { "source", "target" },
                                          { "source", "source" },
                                          { "target", "target" } };
  g_autofree char *actual = NULL;

  use_families (NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (sides); i++)
    {
      g_autoptr (JsonNode) source = make_side (fixture, NULL, sides[i][0]);
      g_autoptr (JsonNode) target = make_side (fixture, NULL, sides[i][1]);
      g_autoptr (AccmigVerdict) verdict = judge (source, target);

      g_assert_cmpint (accmig_verdict_get_outcome (verdict), ==, ACCMIG_OUTCOME_COMPATIBLE);
    }
  actual = actual_answer (self, fixture);
  g_assert_cmpstr (actual, ==, wanted);
}

/* Every group of the fixture that is not one of its own is a row's. */
static void
test_fixtures_have_rows (gconstpointer data)
{
  const Case *self = data;
  g_autoptr (GKeyFile) fixture = read_fixture (self->family);
  g_auto (GStrv) groups = g_key_file_get_groups (fixture, NULL);
  static const char *const own[] = { "source", "target", "always", NULL };

  use_families (NULL);
  for (char **group = groups; *group != NULL; group++)
    if (!g_strv_contains (own, *group) && find_row (self->family, *group) == NULL)
      g_error ("%s.rules has [%s], %s.family has no [rule %s]", self->family, *group, self->family, *group);
}

/* A row speaks, and of the others only those that the fixture names. */
static void
test_row (gconstpointer data)
{
  const Case *self = data;
  g_autoptr (GKeyFile) fixture = read_fixture (self->family);
  g_autofree char *wanted = NULL;
  g_autofree char *actual = NULL;

  use_families (NULL);
  if (!g_key_file_has_group (fixture, self->row))
    g_error ("%s.family has [rule %s], %s.rules has no [%s]", self->family, self->row, self->family,
             self->row);
  wanted = wanted_answer (self, fixture);
  actual = actual_answer (self, fixture);
  g_assert_cmpstr (actual, ==, wanted);
}

/* @key: "fires" or "silent". Its value: "SIDE PATH TEXT;TEXT", where a side may be both */
static void
check_texts (const Case *self, GKeyFile *fixture, const char *key)
{
  g_autofree char *line = g_key_file_get_value (fixture, self->row, key, NULL);
  g_auto (GStrv) parts = g_strsplit (line != NULL ? line : "", " ", 3);
  g_auto (GStrv) texts = line != NULL ? g_strsplit (parts[2], ";", -1) : NULL;

  for (char **text = texts; text != NULL && *text != NULL; text++)
    {
      g_autoptr (JsonNode) source = make_side (fixture, self->row, "source");
      g_autoptr (JsonNode) target = make_side (fixture, self->row, "target");
      g_autofree char *value = g_strdup_printf ("\"%s\"", *text);
      g_autoptr (AccmigVerdict) verdict = NULL;
      gboolean speaks;

      if (strcmp (parts[0], "target") != 0)
        set_member (json_node_get_object (source), parts[1], value);
      if (strcmp (parts[0], "source") != 0)
        set_member (json_node_get_object (target), parts[1], value);
      verdict = judge (source, target);
      speaks = *sentence_of (verdict, self->family, self->row) != '\0';
      if (speaks != (strcmp (key, "fires") == 0))
        g_error ("%s [%s]: %s is %s, and it %s", self->family, self->row, parts[1], *text,
                 speaks ? "speaks" : "does not speak");
    }
}

static void
test_texts (gconstpointer data)
{
  const Case *self = data;
  g_autoptr (GKeyFile) fixture = read_fixture (self->family);

  use_families (NULL);
  check_texts (self, fixture, "fires");
  check_texts (self, fixture, "silent");
}

/* Writes the family's file without one of its rows. */
static void
write_without (const AccmigFamily *family, const char *row, const char *path)
{
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_autofree char *group = g_strconcat ("rule ", row, NULL);
  g_autoptr (GError) error = NULL;

  g_key_file_load_from_file (file, accmig_family_get_path (family), G_KEY_FILE_NONE, &error);
  g_assert_no_error (error);
  g_key_file_remove_group (file, group, &error);
  g_assert_no_error (error);
  g_key_file_save_to_file (file, path, &error);
  g_assert_no_error (error);
}

/* Without the row, its fixture does not get what it wants. */
static void
test_row_is_needed (gconstpointer data)
{
  const Case *self = data;
  g_autoptr (GKeyFile) fixture = read_fixture (self->family);
  g_autofree char *directory = g_dir_make_tmp ("accmig-rules-XXXXXX", NULL);
  g_autofree char *name = g_strconcat (self->family, ".family", NULL);
  g_autofree char *path = g_build_filename (directory, name, NULL);
  g_autofree char *wanted = wanted_answer (self, fixture);
  g_autofree char *actual = NULL;

  use_families (NULL);
  write_without (accmig_families_lookup (accmig_families_get_default (), self->family), self->row, path);
  use_families (directory);
  g_assert_null (find_row (self->family, self->row));
  actual = actual_answer (self, fixture);
  g_assert_cmpstr (actual, !=, wanted);
  g_unlink (path);
  g_rmdir (directory);
}

/* ---- the list of tests ---- */

static void
case_free (gpointer data)
{
  Case *self = data;

  g_free (self->family);
  g_free (self->row);
  g_free (self);
}

static void
add_test (const char *family, const char *row, const char *what, GTestDataFunc function)
{
  g_autofree char *path = row != NULL ? g_strdup_printf ("/rules/%s/%s/%s", family, row, what)
                                      : g_strdup_printf ("/rules/%s/%s", family, what);
  Case *self = g_new0 (Case, 1);

  self->family = g_strdup (family);
  self->row = g_strdup (row);
  g_test_add_data_func_full (path, self, function, case_free);
}

int
main (int argc, char **argv)
{
  const AccmigFamilies *families;

  g_test_init (&argc, &argv, NULL);
  use_families (NULL);
  families = accmig_families_get_default ();
  for (gsize i = 0; i < accmig_families_get_n (families); i++)
    {
      const AccmigFamily *family = accmig_families_get (families, i);
      const char *name = accmig_family_get_name (family);

      add_test (name, NULL, "fits", test_base);
      add_test (name, NULL, "fixtures-have-rows", test_fixtures_have_rows);
      for (gsize row = 0; row < accmig_family_get_n_rules (family); row++)
        {
          const char *row_name = accmig_family_get_rule (family, row)->name;

          add_test (name, row_name, "speaks", test_row);
          add_test (name, row_name, "texts", test_texts);
          add_test (name, row_name, "is-needed", test_row_is_needed);
        }
    }
  return g_test_run ();
}
