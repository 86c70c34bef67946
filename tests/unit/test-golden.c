// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Golden verdicts
 *
 * Pairs of profiles as hosts have them, each in a folder of tests/data/golden, and what must come out in both
 * directions, byte for byte: order of the findings, sentences, remedies and digests. A change that is meant
 * is written by ACCMIG_GOLDEN_WRITE=1 and then read in the diff.
 */

#include <accmig/families.h>

#include <string.h>

static char *
path_in (const char *folder, const char *name)
{
  return g_build_filename (g_getenv ("ACCMIG_GOLDEN_DIR"), folder, name, NULL);
}

static char *
read_text (const char *folder, const char *name)
{
  g_autofree char *path = path_in (folder, name);
  g_autoptr (GError) error = NULL;
  char *text = NULL;

  g_file_get_contents (path, &text, NULL, &error);
  g_assert_no_error (error);
  return text;
}

static AccmigProfile *
read_profile (const char *folder, const char *name)
{
  g_autofree char *text = read_text (folder, name);
  g_autoptr (GError) error = NULL;
  AccmigProfile *profile = accmig_profile_new_from_json (text, -1, &error);

  g_assert_no_error (error);
  return profile;
}

/* A file ends with a line feed, a verdict does not. */
static void
hold (const AccmigProfile *source, const AccmigProfile *target, const char *folder, const char *name)
{
  g_autoptr (AccmigVerdict) verdict = accmig_compat_check (source, target, ACCMIG_COMPAT_NONE);
  g_autofree char *json = accmig_verdict_to_json (verdict);
  g_autofree char *actual = g_strconcat (json, "\n", NULL);
  g_autofree char *path = path_in (folder, name);
  g_autofree char *wanted = NULL;

  if (g_getenv ("ACCMIG_GOLDEN_WRITE") != NULL)
    g_assert_true (g_file_set_contents (path, actual, -1, NULL));
  wanted = read_text (folder, name);
  g_assert_cmpstr (actual, ==, wanted);
}

static void
test_pair (gconstpointer data)
{
  const char *folder = data;
  g_autoptr (AccmigProfile) a = read_profile (folder, "a.json");
  g_autoptr (AccmigProfile) b = read_profile (folder, "b.json");

  hold (a, b, folder, "a-to-b.json");
  hold (b, a, folder, "b-to-a.json");
}

/* Every family is the family of some pair. */
static void
test_families (gconstpointer data)
{
  const GPtrArray *folders = data;
  const AccmigFamilies *families = accmig_families_get_default ();
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (guint i = 0; i < folders->len; i++)
    {
      g_autoptr (AccmigProfile) profile = read_profile (g_ptr_array_index (folders, i), "a.json");

      g_hash_table_add (seen, g_strdup (accmig_profile_get_family (profile)));
    }
  for (gsize i = 0; i < accmig_families_get_n (families); i++)
    if (!g_hash_table_contains (seen, accmig_family_get_name (accmig_families_get (families, i))))
      g_error ("no golden pair of the family %s", accmig_family_get_name (accmig_families_get (families, i)));
}

static int
compare_texts (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *)a, *(const char *const *)b);
}

int
main (int argc, char **argv)
{
  g_autoptr (GDir) directory = NULL;
  g_autoptr (GPtrArray) folders = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GError) error = NULL;

  g_test_init (&argc, &argv, NULL);
  directory = g_dir_open (g_getenv ("ACCMIG_GOLDEN_DIR"), 0, &error);
  g_assert_no_error (error);
  for (const char *name; (name = g_dir_read_name (directory)) != NULL;)
    {
      g_autofree char *path = path_in (name, NULL);

      if (g_file_test (path, G_FILE_TEST_IS_DIR))
        g_ptr_array_add (folders, g_strdup (name));
    }
  g_ptr_array_sort (folders, compare_texts);
  for (guint i = 0; i < folders->len; i++)
    {
      g_autofree char *path = g_strconcat ("/golden/", g_ptr_array_index (folders, i), NULL);

      g_test_add_data_func (path, g_ptr_array_index (folders, i), test_pair);
    }
  g_test_add_data_func ("/golden/every-family", folders, test_families);
  return g_test_run ();
}
