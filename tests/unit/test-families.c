// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Sets of families: which files count, which family a device is of, and where its fields are read
 */

#include <accmig/families.h>

#include <json-glib/json-glib.h>
#include <string.h>

#include "family-code.h"
#include "family-dir.h"
#include "inventory-private.h"
#include "mock-sysfs.h"
#include "profile-assert.h"

#define GENERIC "[family]\nname=generic\ntitle=None\n"

#define PF "0000:75:00.0"
#define VF "0000:75:00.1"

/* ---- which files count ---- */

static AccmigFamilies *
load (FamilyDir *first, FamilyDir *second)
{
  return accmig_families_load ((const char *const[]){
      family_dir_get_path (first), second != NULL ? family_dir_get_path (second) : NULL, NULL });
}

static void assert_warnings (const AccmigFamilies *families, const char *format, ...) G_GNUC_PRINTF (2, 3);

/* @format: the warnings, with a line end between them */
static void
assert_warnings (const AccmigFamilies *families, const char *format, ...)
{
  g_autofree char *found = g_strjoinv ("\n", (char **)accmig_families_get_warnings (families));
  g_autofree char *wanted = NULL;
  va_list args;

  va_start (args, format);
  wanted = g_strdup_vprintf (format, args);
  va_end (args);
  g_assert_cmpstr (found, ==, wanted);
}

static void
test_order (void)
{
  g_autoptr (FamilyDir) dir = family_dir_new ();
  g_autoptr (AccmigFamilies) families = NULL;

  family_dir_write (dir, "z.family", "[family]\nname=z\ntitle=Z\n");
  family_dir_write (dir, "a.family", "[family]\nname=a\ntitle=A\nmatch-size=8\ntrial=yes\n");
  family_dir_write (dir, "generic.family", GENERIC);
  family_dir_write (dir, ".hidden.family", "no family");
  family_dir_write (dir, "a.family.bak", "no family");
  families = load (dir, NULL);
  assert_warnings (families, "%s", "");
  g_assert_cmpuint (accmig_families_get_n (families), ==, 3);
  g_assert_cmpstr (accmig_family_get_name (accmig_families_get (families, 0)), ==, "a");
  g_assert_cmpstr (accmig_family_get_name (accmig_families_get (families, 1)), ==, "generic");
  g_assert_cmpstr (accmig_family_get_name (accmig_families_get (families, 2)), ==, "z");
  g_assert_cmpuint (accmig_family_get_match_size (accmig_families_get (families, 0)), ==, 8);
  g_assert_true (accmig_family_has_trial (accmig_families_get (families, 0)));
  g_assert_false (accmig_family_has_trial (accmig_families_get (families, 2)));
  g_assert_null (accmig_families_lookup (families, "b"));
  g_assert_null (accmig_families_lookup (families, NULL));
}

static void
test_override (void)
{
  g_autoptr (FamilyDir) shipped = family_dir_new ();
  g_autoptr (FamilyDir) local = family_dir_new ();
  g_autoptr (AccmigFamilies) families = NULL;
  const AccmigFamily *family;
  const char *path;

  family_dir_write (shipped, "generic.family", GENERIC);
  family_dir_write (shipped, "a.family", "[family]\nname=a\ntitle=Shipped\ndrivers=one\n");
  path = family_dir_write (local, "a.family", "[family]\nname=a\ntitle=Local\ndrivers=one\n");
  families = load (shipped, local);
  assert_warnings (families, "%s", "");
  g_assert_cmpuint (accmig_families_get_n (families), ==, 2);
  family = accmig_families_lookup (families, "a");
  g_assert_cmpstr (accmig_family_get_title (family), ==, "Local");
  g_assert_cmpstr (accmig_family_get_path (family), ==, path);
}

/* A wrong file costs its own family, and not even that where it was to replace a right one. */
static void
test_wrong_files (void)
{
  g_autoptr (FamilyDir) shipped = family_dir_new ();
  g_autoptr (FamilyDir) local = family_dir_new ();
  g_autoptr (AccmigFamilies) families = NULL;
  const char *right, *wrong, *replacing;

  family_dir_write (shipped, "generic.family", GENERIC);
  right = family_dir_write (shipped, "a.family", "[family]\nname=a\ntitle=A\n");
  wrong = family_dir_write (shipped, "b.family", "[family]\nname=b\n");
  replacing = family_dir_write (local, "a.family", "[family]\nname=a\ntitle=A\nx=y\n");
  families = load (shipped, local);
  assert_warnings (families,
                   "%s:1: [family] needs the key title\n%s:4: [family] has no key x\n"
                   "%s: left out; %s stays in force",
                   wrong, replacing, replacing, right);
  g_assert_cmpuint (accmig_families_get_n (families), ==, 2);
  g_assert_cmpstr (accmig_family_get_path (accmig_families_lookup (families, "a")), ==, right);
}

static void
test_claims (void)
{
  g_autoptr (FamilyDir) dir = family_dir_new ();
  g_autoptr (AccmigFamilies) families = NULL;
  const char *first, *by_id, *by_driver;

  family_dir_write (dir, "generic.family", GENERIC);
  first = family_dir_write (dir, "a.family",
                            "[family]\nname=a\ntitle=A\nids=19e5:a256;19e5:a259\ndrivers=x-vfio-pci\n");
  by_id = family_dir_write (dir, "b.family", "[family]\nname=b\ntitle=B\nids=8086:0001;19e5:a259\n");
  by_driver = family_dir_write (dir, "c.family", "[family]\nname=c\ntitle=C\ndrivers=x_vfio_pci\n");
  families = load (dir, NULL);
  assert_warnings (families,
                   "%s: 19e5:a259 belongs to the family a already, by %s\n"
                   "%s: x_vfio_pci belongs to the family a already, by %s",
                   by_id, first, by_driver, first);
  g_assert_cmpuint (accmig_families_get_n (families), ==, 2);
}

static void
test_too_many (void)
{
  g_autoptr (FamilyDir) dir = family_dir_new ();
  g_autoptr (AccmigFamilies) families = NULL;

  family_dir_write (dir, "generic.family", GENERIC);
  for (guint i = 0; i < 64; i++)
    {
      g_autofree char *name = g_strdup_printf ("z%02u.family", i);
      g_autofree char *text = g_strdup_printf ("[family]\nname=z%02u\ntitle=Z\n", i);

      family_dir_write (dir, name, text);
    }
  families = load (dir, NULL);
  assert_warnings (families, "%s: more than 64 family files; “z63.family” and those after it are left out",
                   family_dir_get_path (dir));
  g_assert_cmpuint (accmig_families_get_n (families), ==, 64);
}

/* ---- without the rules for every family ---- */

#define PROFILE                                                                                              \
  "{\"format\":\"accmig-profile/1\",\"host\":{},\"device\":{\"address\":\"0000:75:00.1\",\"kind\":\"pci\","  \
  "\"family\":\"%s\"}}"

static AccmigProfile *
profile_of_family (const char *family)
{
  g_autofree char *text = g_strdup_printf (PROFILE, family);
  g_autoptr (GError) error = NULL;
  AccmigProfile *profile = accmig_profile_new_from_json (text, -1, &error);

  g_assert_no_error (error);
  return profile;
}

/* Nothing was asked, so nothing is known: whatever is compared. */
static void
test_no_generic (void)
{
  static const char *const names[] = { "a", "generic", "nobody" };
  g_autoptr (FamilyDir) dir = family_dir_new ();
  AccmigFamilies *families;

  family_dir_write (dir, "a.family",
                    "[family]\nname=a\ntitle=A\n[rule r]\nfield=device.kind\nrelation=equal\n");
  families = load (dir, NULL);
  assert_warnings (families, "%s", "no generic.family that is right: no verdict will be better than unknown");
  accmig_families_set_default (families);
  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autoptr (AccmigProfile) profile = profile_of_family (names[i]);
      g_autoptr (AccmigVerdict) verdict = accmig_compat_check (profile, profile, ACCMIG_COMPAT_NONE);

      g_assert_cmpint (accmig_verdict_get_outcome (verdict), ==, ACCMIG_OUTCOME_UNKNOWN);
      g_assert_cmpstr (accmig_verdict_get_decisive (verdict)->rule, ==, "families");
    }
}

static void
test_no_directory (void)
{
  g_autoptr (AccmigFamilies) families = accmig_families_load ((const char *const[]){ "/nonexistent", NULL });

  assert_warnings (families, "%s", "no generic.family that is right: no verdict will be better than unknown");
  g_assert_cmpuint (accmig_families_get_n (families), ==, 0);
}

/* ---- which family a device is of ---- */

/* ids, then the driver that is bound, then the one that would be; "*" in the type of an mdev. */
static void
test_recognition (void)
{
  static const struct
  {
    guint vendor, device;
    const char *driver, *variant, *family;
  } functions[] = {
    { 0x19e5, 0xa256, NULL, NULL, "byid" },
    { 0x19e5, 0xa256, "bydriver", "bydriver", "byid" },
    { 0x19e5, 0xa257, "bydriver", "other", "bydriver" },
    { 0x19e5, 0xa257, "other", "bydriver", "bydriver" },
    { 0x19e5, 0xa257, "other", "other", "generic" },
  };
  g_autoptr (FamilyDir) dir = family_dir_new ();

  family_dir_write (dir, "generic.family", GENERIC);
  family_dir_write (dir, "byid.family", "[family]\nname=byid\ntitle=X\nids=19e5:a256\n");
  family_dir_write (dir, "bydriver.family", "[family]\nname=bydriver\ntitle=X\ndrivers=bydriver\n");
  family_dir_write (dir, "bytype.family", "[family]\nname=bytype\ntitle=X\nmdev-types=a-*;b-[12]\n");
  family_dir_use (dir);
  for (gsize i = 0; i < G_N_ELEMENTS (functions); i++)
    g_assert_cmpstr (family_of_pci (functions[i].vendor, functions[i].device, functions[i].driver,
                                    functions[i].variant),
                     ==, functions[i].family);
  g_assert_cmpstr (family_of_mdev ("a-17"), ==, "bytype");
  g_assert_cmpstr (family_of_mdev ("b-2"), ==, "bytype");
  g_assert_cmpstr (family_of_mdev ("b-3"), ==, "generic");
}

/* ---- where fields are read ---- */

static MockSysfs *
make_host (void)
{
  MockSysfs *mock = mock_sysfs_new ();

  mock_sysfs_add_pf (mock, PF, 0x1234, 0x0001, 0x30);
  mock_sysfs_add_vf (mock, PF, 0, VF, 0x0002);
  mock_sysfs_set (mock, PF, "name", "thing");
  mock_sysfs_set (mock, VF, "name", "little thing");
  mock_sysfs_set (mock, PF, "size", "0x10");
  mock_sysfs_set (mock, PF, "negative", "-1");
  mock_sysfs_write (mock, "bus/pci/devices/" PF "/ports/first/other", "x\n");
  mock_sysfs_write (mock, "bus/pci/devices/" PF "/ports/second/speed", "100\n");
  mock_sysfs_write (mock, "module/m/parameters/on", "Y\n");
  mock_sysfs_write (mock, "module/m/parameters/off", "N\n");
  mock_sysfs_write (mock, "class/uacce/other-1/device/x", "");
  mock_sysfs_write (mock, "class/uacce/other-1/isolate", "7\n");
  mock_sysfs_write (mock, "class/uacce/own-2/isolate", "1\n");
  mock_sysfs_link (mock, "class/uacce/own-2/device", "../../../devices/pci0000:00/" PF);
  return mock;
}

static const struct
{
  const char *name;
  const char *keys;   /* of [field f], besides what */
  const char *wanted; /* (nullable): the member as JSON, NULL where there is none */
} fields[] = {
  { "text", "type=text\nfrom=sysfs bus/pci/devices/{address}/name\n", "\"little thing\"" },
  { "text of the PF", "type=text\nfrom=sysfs bus/pci/devices/{pf}/name\n", "\"thing\"" },
  { "nothing there", "type=text\nfrom=sysfs bus/pci/devices/{pf}/nothing\n", NULL },
  { "the first that is there",
    "type=text\nfrom=sysfs bus/pci/devices/{pf}/nothing;parameter m none;sysfs bus/pci/devices/{pf}/name\n",
    "\"thing\"" },
  { "any directory", "type=number\nfrom=sysfs bus/pci/devices/{pf}/ports/*/speed\n", "100" },
  { "no directory", "type=number\nfrom=sysfs bus/pci/devices/{pf}/ports/*/nothing\n", NULL },
  { "number", "type=number\nfrom=sysfs bus/pci/devices/{pf}/size\n", "16" },
  { "number that is none", "type=number\nfrom=sysfs bus/pci/devices/{pf}/name\n", NULL },
  { "number that is none, then one",
    "type=number\nfrom=sysfs bus/pci/devices/{pf}/name;sysfs bus/pci/devices/{pf}/size\n", "16" },
  { "negative number", "type=number\nfrom=sysfs bus/pci/devices/{pf}/negative\n", NULL },
  { "digits", "type=text\ndigits=4\nfrom=sysfs bus/pci/devices/{pf}/size\n", "\"0x0010\"" },
  { "map", "type=text\nmap=1:one;16:sixteen\nfrom=sysfs bus/pci/devices/{pf}/size\n", "\"sixteen\"" },
  { "map without it", "type=text\nmap=1:one\nfrom=sysfs bus/pci/devices/{pf}/size\n", "\"0x10\"" },
  { "parameter", "type=boolean\nfrom=parameter m on\n", "true" },
  { "parameter that is off", "type=boolean\nfrom=parameter m off\n", "false" },
  { "boolean of a number", "type=boolean\nfrom=uacce isolate\n", "true" },
  { "uacce", "type=number\nfrom=uacce isolate\n", "1" },
  { "no such attribute of uacce", "type=number\nfrom=uacce isolated\n", NULL },
  { "u8", "type=number\nfrom=match u8 1\n", "2" },
  { "u16", "type=number\nfrom=match u16 0\n", "513" },
  { "u32", "type=hex\nfrom=match u32 4\n", "134678021" },
  { "u64, not aligned", "type=text\ndigits=16\nfrom=match u64 1\n", "\"0x8908070605040302\"" },
  { "u64 beyond all numbers", "type=number\nfrom=match u64 1\n", NULL },
  { "when it is", "type=number\nfrom=match u8 0\nwhen=match u8 1 in 1,2\n", "1" },
  { "when it is not", "type=number\nfrom=match u8 0\nwhen=match u8 1 in 1,3\n", NULL },
  { "when it is none of them", "type=number\nfrom=match u8 0\nwhen=match u8 1 not-in 1,3\n", "1" },
  { "when both", "type=number\nfrom=match u8 0\nwhen=match u8 1 in 2;match u8 2 in 4\n", NULL },
  { "an mdev's type, of a VF", "type=number\nfrom=mdev-type x-\n", NULL },
};

static void
use_field (const char *keys)
{
  g_autoptr (FamilyDir) dir = family_dir_new ();
  g_autofree char *text = g_strconcat ("[family]\nname=x\ntitle=X\nids=1234:0002\nmatch-size=9\n"
                                       "[field f]\nwhat=it\n",
                                       keys, NULL);

  family_dir_write (dir, "generic.family", GENERIC);
  family_dir_write (dir, "x.family", text);
  family_dir_use (dir);
}

/* Returns: (transfer full) (nullable): x.f as JSON */
static char *
read_field (MockSysfs *mock, gsize match_length)
{
  static const guint8 match[] = { 1, 2, 3, 4, 5, 6, 7, 8, 0x89 };
  const AccmigProbe probe = { .known = TRUE, .flags = 5, .match = match, .match_length = match_length };
  g_autoptr (GError) error = NULL;
  g_autoptr (AccmigInventory) inventory = inventory_read (mock_sysfs_get_fd (mock), NULL, &error);
  g_autoptr (AccmigProfile) profile =
      accmig_profile_new_from_device (mock_sysfs_get_fd (mock), accmig_inventory_lookup (inventory, VF),
                                      &probe, NULL, &error);
  g_autofree char *json = NULL;
  g_autoptr (JsonNode) root = NULL;
  JsonNode *node;

  g_assert_no_error (error);
  json = accmig_profile_to_json (profile);
  root = json_from_string (json, NULL);
  node = json_object_get_member (json_object_get_object_member (json_node_get_object (root), "x"), "f");
  return node != NULL ? json_to_string (node, FALSE) : NULL;
}

static void
test_field (gconstpointer data)
{
  gsize i = GPOINTER_TO_SIZE (data);
  g_autoptr (MockSysfs) mock = make_host ();
  g_autofree char *found = NULL;

  use_field (fields[i].keys);
  found = read_field (mock, 9);
  g_assert_cmpstr (found, ==, fields[i].wanted);
}

/* Match data is there as a whole, or not at all. */
static void
test_short_match (void)
{
  g_autoptr (MockSysfs) mock = make_host ();
  g_autofree char *found = NULL;

  use_field ("type=number\nfrom=match u8 0\n");
  found = read_field (mock, 8);
  g_assert_null (found);
}

/* ---- what is shipped ---- */

/* Whatever the families say of themselves is there. */
static void
test_shipped (void)
{
  g_auto (GStrv) directories = g_strsplit (g_getenv ("ACCMIG_FAMILIES_PATH"), ":", -1);
  g_autoptr (AccmigFamilies) families = accmig_families_load ((const char *const *)directories);

  assert_warnings (families, "%s", "");
  for (gsize i = 0; i < accmig_families_get_n (families); i++)
    {
      const AccmigFamily *family = accmig_families_get (families, i);

      g_test_message ("%s", accmig_family_get_name (family));
      for (gsize j = 0; j < accmig_family_get_n_rules (family); j++)
        {
          const AccmigFamilyRule *rule = accmig_family_get_rule (family, j);

          g_test_message ("%s", rule->name);
          g_assert_cmpstr (rule->what, !=, "");
          g_assert_true (*rule->sentence != '\0' || g_str_has_prefix (rule->relation, "check "));
          g_assert_true (*rule->reference != '\0' || strcmp (rule->relation, "fixed") != 0);
        }
      for (gsize j = 0; j < accmig_family_get_n_fields (family); j++)
        g_assert_cmpstr (accmig_family_get_field (family, j)->what, !=, "");
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/families/order", test_order);
  g_test_add_func ("/families/override", test_override);
  g_test_add_func ("/families/wrong-files", test_wrong_files);
  g_test_add_func ("/families/claims", test_claims);
  g_test_add_func ("/families/too-many", test_too_many);
  g_test_add_func ("/families/no-generic", test_no_generic);
  g_test_add_func ("/families/no-directory", test_no_directory);
  g_test_add_func ("/families/recognition", test_recognition);
  for (gsize i = 0; i < G_N_ELEMENTS (fields); i++)
    {
      g_autofree char *name = g_strdelimit (g_strdup (fields[i].name), " ", '-');
      g_autofree char *path = g_strconcat ("/families/field/", name, NULL);

      g_test_add_data_func (path, GSIZE_TO_POINTER (i), test_field);
    }
  g_test_add_func ("/families/short-match", test_short_match);
  g_test_add_func ("/families/shipped", test_shipped);
  return g_test_run ();
}
