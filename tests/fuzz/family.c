// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A family file, as an operator or a vendor writes one
 *
 * It is put beside the shipped ones, under the name that it gives itself. What is accepted can be shown, and
 * any two profiles have a verdict by its rules. What is refused is so with the file's name and, where a line
 * is to blame, with one that there is; it leaves the shipped family of its name in force.
 */

#include "fuzz.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include <accmig/families.h>

#include "pair.h"

#define CODES (FUZZ_CODE (ACCMIG_ERROR_INVALID) | FUZZ_CODE (ACCMIG_ERROR_LIMIT))

#define MAX_NAME 64 /* bytes */

/* The others: short, because they are read anew for each input. */
static const struct
{
  const char *name;
  const char *text;
} others[] = {
  { "generic", "[family]\nname=generic\ntitle=Any\n"
               "[rule device.family]\nfield=device.family\nrank=identity\nrelation=equal\n"
               "[rule device.migration]\nfield=device.migration\ncheck=target-migration\n" },
  { "mtty", "[family]\nname=mtty\ntitle=mtty\ndrivers=mtty\nids=1234:9abc\nmdev-types=mtty-*\n"
            "[field ports]\nwhat=port count\ntype=number\nfrom=mdev-type mtty-\n"
            "[rule ports]\nfield=ports\nrelation=equal\n" },
};

/* Ours, with the others in the first and the input in the second; run says where, and cleans up after a
 * crash. */
static char *folder, *folders[3];

static void
remove_folders (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (others); i++)
    {
      g_autofree char *path = g_strdup_printf ("%s/%s.family", folders[0], others[i].name);

      (void)g_unlink (path);
    }
  (void)g_rmdir (folders[0]);
  (void)g_rmdir (folders[1]);
  (void)g_rmdir (folder);
}

static void
write_file (const char *path, const char *data, gsize size)
{
  g_autoptr (GError) error = NULL;

  g_file_set_contents_full (path, data, (gssize)size, G_FILE_SET_CONTENTS_NONE, 0600, &error);
  g_assert_no_error (error);
}

static void
make_folders (void)
{
  if (folder != NULL)
    return;
  folder = g_dir_make_tmp ("fuzz-family-XXXXXX", NULL);
  g_assert_nonnull (folder);
  folders[0] = g_build_filename (folder, "others", NULL);
  folders[1] = g_build_filename (folder, "input", NULL);
  g_assert_cmpint (g_mkdir (folders[0], 0700), ==, 0);
  g_assert_cmpint (g_mkdir (folders[1], 0700), ==, 0);
  for (gsize i = 0; i < G_N_ELEMENTS (others); i++)
    {
      g_autofree char *path = g_strdup_printf ("%s/%s.family", folders[0], others[i].name);

      write_file (path, others[i].text, strlen (others[i].text));
    }
  (void)atexit (remove_folders);
}

/* Returns: (transfer full): from the first key "name" if that can be a file's, else "x". */
static char *
choose_name (const char *text)
{
  const char *key = strstr (text, "name=");
  const char *name = key != NULL ? key + strlen ("name=") : "";
  gsize length = strspn (name, "abcdefghijklmnopqrstuvwxyz0123456789_");

  return length > 0 && length <= MAX_NAME ? g_strndup (name, length) : g_strdup ("x");
}

static gboolean
has_other (const char *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS (others); i++)
    if (g_str_equal (others[i].name, name))
      return TRUE;
  return FALSE;
}

/* ---- refusals ---- */

static void
check_place (const char *message, const char *path, const char *text)
{
  guint64 n_lines = 1, line;
  char *end;

  for (; *text != '\0'; text++)
    n_lines += *text == '\n';
  g_assert_true (g_str_has_prefix (message, path));
  message += strlen (path);
  g_assert_cmpint (message[0], ==, ':');
  if (message[1] == ' ')
    return;
  line = g_ascii_strtoull (message + 1, &end, 10);
  g_assert_true (g_str_has_prefix (end, ": "));
  g_assert_cmpuint (line - 1, <, n_lines);
}

/* ---- what is in a family ---- */

static void
check_lines (const char *const *lines)
{
  for (; *lines != NULL; lines++)
    {
      fuzz_check_line (*lines);
      g_assert_cmpstr (*lines, !=, "");
    }
}

static void
check_fields (const AccmigFamily *family)
{
  static const char *const types[] = { "text", "number", "hex", "flags", "boolean", NULL };

  for (gsize i = 0; i < accmig_family_get_n_fields (family); i++)
    {
      const AccmigFamilyField *field = accmig_family_get_field (family, i);
      const char *const lines[] = { field->name, field->what, field->from, NULL };

      check_lines (lines);
      g_assert_true (g_strv_contains (types, field->type));
    }
}

static void
check_rules (const AccmigFamily *family)
{
  static const char *const ranks[] = { "identity", "host", "capability", "quantity", "remark", NULL };

  for (gsize i = 0; i < accmig_family_get_n_rules (family); i++)
    {
      const AccmigFamilyRule *rule = accmig_family_get_rule (family, i);
      const char *const lines[] = { rule->id, rule->name, rule->relation, rule->field, rule->what, NULL };

      check_lines (lines);
      fuzz_check_line (rule->when);
      fuzz_check_line (rule->sentence);
      fuzz_check_line (rule->remedy);
      fuzz_check_line (rule->reference);
      g_assert_true (g_strv_contains (ranks, rule->rank));
      g_assert_cmpuint (rule->severity, <=, ACCMIG_SEVERITY_REFUSE);
      if (g_str_equal (rule->relation, "fixed"))
        g_assert_cmpstr (rule->reference, !=, "");
    }
}

static void
check_family (const AccmigFamily *family)
{
  fuzz_check_line (accmig_family_get_name (family));
  fuzz_check_line (accmig_family_get_title (family));
  check_lines (accmig_family_get_drivers (family));
  check_lines (accmig_family_get_ids (family));
  check_lines (accmig_family_get_mdev_types (family));
  g_assert_true (!accmig_family_has_trial (family) || accmig_family_get_match_size (family) > 0);
  check_fields (family);
  check_rules (family);
}

/* ---- what it does ---- */

/* Its profiles: none where they have a member of another type than its file says. */
static void
check_verdicts (const AccmigFamily *family, GPtrArray *profiles)
{
  for (guint i = 0; i < profiles->len; i++)
    pair_check_self (profiles->pdata[i]);
  for (guint i = 1; i < profiles->len; i++)
    {
      pair_check (profiles->pdata[i - 1], profiles->pdata[i]);
      pair_check (profiles->pdata[i], profiles->pdata[i - 1]);
    }
}

/* Match data is read as the fields say, and what comes out is a profile. */
static void
check_match (const AccmigFamily *family, const AccmigProfile *profile)
{
  gsize size = accmig_family_get_match_size (family);
  g_autofree guint8 *match = g_malloc (size);
  g_autoptr (AccmigProfile) source = NULL;

  for (gsize i = 0; i < size; i++)
    match[i] = (guint8)(i * 37);
  if (size > 0)
    source = accmig_profile_new_from_match (profile, match, size, NULL);
  if (source == NULL)
    return;
  pair_check_text (source);
  pair_check (source, profile);
}

/* Whether some warning of the set begins with @start. */
static gboolean
has_warning (const AccmigFamilies *families, const char *start)
{
  for (const char *const *warning = accmig_families_get_warnings (families); *warning != NULL; warning++)
    if (g_str_has_prefix (*warning, start))
      return TRUE;
  return FALSE;
}

/* @refusal: (nullable): why the file alone cannot be used */
static void
check_set (const AccmigFamilies *families, const char *name, const char *path, const GError *refusal)
{
  const AccmigFamily *family = accmig_families_lookup (families, name);
  gboolean in_force = family != NULL && g_str_equal (accmig_family_get_path (family), path);
  g_autoptr (GPtrArray) profiles = NULL;

  check_lines (accmig_families_get_warnings (families));
  g_assert_nonnull (accmig_families_lookup (families, "generic"));
  g_assert_nonnull (accmig_families_lookup (families, "mtty"));
  if (refusal != NULL)
    {
      g_assert_false (in_force);
      g_assert_true (has_warning (families, refusal->message));
      return;
    }
  /* Its ids and drivers may belong to another family; alone it could not know. */
  g_assert_cmpint (in_force, !=, has_warning (families, path));
  if (!in_force)
    return;
  check_family (family);
  profiles = pair_make_profiles (name);
  check_verdicts (family, profiles);
  for (guint i = 0; i < profiles->len; i++)
    check_match (family, profiles->pdata[i]);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autofree char *text = g_strndup ((const char *)data, size);
  g_autofree char *name = choose_name (text);
  g_autofree char *path = NULL;
  g_autoptr (GError) error = NULL;
  gboolean accepted;

  make_folders ();
  path = g_strdup_printf ("%s/%s.family", folders[1], name);
  write_file (path, (const char *)data, size);
  accepted = accmig_family_check_file (path, &error);
  fuzz_check_outcome (accepted, error, CODES);
  if (!accepted)
    check_place (error->message, path, text);
  if (accepted || has_other (name))
    {
      AccmigFamilies *families = accmig_families_load ((const char *const *)folders);

      accmig_families_set_default (families);
      check_set (families, name, path, error);
    }
  g_assert_cmpint (g_unlink (path), ==, 0);
  return 0;
}
