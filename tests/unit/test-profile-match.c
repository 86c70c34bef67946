// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Match data in a profile: carried as it came, and hostile until it is read.
 */

#include <accmig/families.h>
#include <accmig/fsm.h>
#include <accmig/profile.h>

#include <glib/gstdio.h>
#include <string.h>

#include "inventory-private.h"
#include "mock-sysfs.h"
#include "profile-assert.h"
#include "profile-private.h"

#define PF   "0000:75:00.0"
#define VF   "0000:75:00.1"
#define SIZE 40 /* of hisi_acc's */

/* The profile of a VF that was opened, and told @length bytes of match data, @first and up. */
static AccmigProfile *
profile_with (guint8 first, gsize length)
{
  g_autoptr (MockSysfs) mock = mock_sysfs_new ();
  g_autoptr (AccmigInventory) inventory = NULL;
  guint8 match[2 * PROFILE_MAX_MATCH];
  const AccmigProbe probe = { .known = TRUE,
                              .flags = ACCMIG_FLAG_STOP_COPY | ACCMIG_FLAG_PRE_COPY,
                              .match = length > 0 ? match : NULL,
                              .match_length = length };
  g_autoptr (GError) error = NULL;
  AccmigProfile *profile;

  for (gsize i = 0; i < sizeof match; i++)
    match[i] = (guint8)(first + i);
  mock_sysfs_add_pf (mock, PF, 0x19e5, 0xa255, 0x30);
  mock_sysfs_add_vf (mock, PF, 0, VF, 0xa256);
  mock_sysfs_bind (mock, VF, "hisi_acc_vfio_pci", TRUE);
  inventory = inventory_read (mock_sysfs_get_fd (mock), mock_sysfs_get_aliases (mock), &error);
  g_assert_no_error (error);
  profile = accmig_profile_new_from_device (mock_sysfs_get_fd (mock), accmig_inventory_lookup (inventory, VF),
                                            &probe, NULL, &error);
  g_assert_no_error (error);
  return profile;
}

static void
assert_carries (const AccmigProfile *profile, guint8 first, gsize length)
{
  g_autoptr (GString) hex = g_string_new (NULL);

  for (gsize i = 0; i < length; i++)
    g_string_append_printf (hex, "%02x", (guint8)(first + i));
  g_assert_cmpstr (accmig_profile_get_string (profile, "device.match"), ==, hex->str);
}

/* As much as the family has, all of it or nothing. */
static void
test_carried (void)
{
  g_autoptr (AccmigProfile) exact = profile_with (0xf0, SIZE);
  g_autoptr (AccmigProfile) longer = profile_with (0xf0, SIZE + 1);
  g_autoptr (AccmigProfile) shorter = profile_with (0xf0, SIZE - 1);
  g_autoptr (AccmigProfile) none = profile_with (0xf0, 0);

  assert_carries (exact, 0xf0, SIZE);
  assert_carries (longer, 0xf0, SIZE);
  assert_missing (shorter, "device.match");
  assert_missing (none, "device.match");
  assert_survives_text (exact);
}

/* The profile made of a stream's start carries that start, not the target's. */
static void
test_replaced (void)
{
  g_autoptr (AccmigProfile) target = profile_with (0x10, SIZE);
  g_autoptr (GError) error = NULL;
  g_autoptr (AccmigProfile) source = NULL;
  guint8 match[SIZE];

  for (gsize i = 0; i < SIZE; i++)
    match[i] = (guint8)(0x80 + i);
  source = accmig_profile_new_from_match (target, match, SIZE, &error);
  g_assert_no_error (error);
  assert_carries (source, 0x80, SIZE);
}

/* A family whose match data no profile may carry has a profile all the same. */
static void
test_too_long (void)
{
  static const struct
  {
    guint size;
    gboolean carried;
  } rows[] = { { PROFILE_MAX_MATCH, TRUE }, { PROFILE_MAX_MATCH + 1, FALSE } };
  g_autofree char *dir = g_dir_make_tmp ("families-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (dir, "hisi_acc.family", NULL);
  const char *const dirs[] = { dir, NULL };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *text = g_strdup_printf (
          "[family]\nname=hisi_acc\ntitle=T\ndrivers=hisi_acc_vfio_pci\nids=19e5:a256\nmatch-size=%u\n",
          rows[i].size);
      g_autoptr (AccmigProfile) profile = NULL;

      g_assert_true (g_file_set_contents (path, text, -1, NULL));
      accmig_families_set_default (accmig_families_load (dirs));
      g_assert_cmpuint (accmig_profile_match_size ("hisi_acc"), ==, rows[i].size);
      profile = profile_with (0, 2 * PROFILE_MAX_MATCH);
      if (rows[i].carried)
        assert_carries (profile, 0, rows[i].size);
      else
        assert_missing (profile, "device.match");
    }
  g_assert_cmpint (g_remove (path), ==, 0);
  g_assert_cmpint (g_rmdir (dir), ==, 0);
}

static AccmigProfile *
profile_saying (const char *match, GError **error)
{
  g_autofree char *text =
      g_strdup_printf ("{\"format\":\"accmig-profile/1\",\"host\":{},\"device\":{\"address\":"
                       "\"" VF "\",\"kind\":\"pci\",\"family\":\"hisi_acc\",\"match\":%s}}",
                       match);

  return accmig_profile_new_from_json (text, -1, error);
}

static void
test_hostile (void)
{
  g_autofree char *most = g_strnfill (2 * PROFILE_MAX_MATCH, 'a');
  g_autofree char *longest = g_strdup_printf ("\"%s\"", most);
  g_autofree char *too_long = g_strdup_printf ("\"%saa\"", most);
  const char *const good[] = { "\"00\"", "\"0123456789abcdef\"", longest };
  const char *const bad[] = { "\"\"",    "\"0\"",    "\"0g\"", "\"AB\"",        "\" 00\"",
                              "\"00 \"", "\"0x00\"", "\"-1\"", "\"00\\u0000\"", "0",
                              "null",    "[\"00\"]", "{}",     too_long };

  for (gsize i = 0; i < G_N_ELEMENTS (good); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (AccmigProfile) profile = profile_saying (good[i], &error);

      g_assert_no_error (error);
      g_assert_nonnull (accmig_profile_get_string (profile, "device.match"));
    }
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GError) error = NULL;

      g_test_message ("%.40s", bad[i]);
      g_assert_null (profile_saying (bad[i], &error));
      g_assert_error (error, ACCMIG_ERROR, ACCMIG_ERROR_INVALID);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/profile-match/carried", test_carried);
  g_test_add_func ("/profile-match/replaced", test_replaced);
  g_test_add_func ("/profile-match/hostile", test_hostile);
  g_test_add_func ("/profile-match/too-long", test_too_long); /* the last: it changes the families */
  return g_test_run ();
}
