// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Profiles of devices: what is made of a mock host and a probe, and what is left out when nobody knows it.
 */

#include <accmig/compat.h>
#include <accmig/fsm.h>

#include <json-glib/json-glib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "hisi-acc.h"
#include "mock-profile.h"
#include "mock-sysfs.h"
#include "profile-assert.h"
#include "release.h"

#define PF   "0000:75:00.0"
#define VF   "0000:75:00.1"
#define UUID "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001"

static MockSysfs *
sec_host (const char *driver, gboolean vfio)
{
  MockSysfs *mock = mock_sysfs_new ();

  mock_sysfs_add_pf (mock, PF, 0x19e5, 0xa255, 0x30);
  mock_sysfs_bind (mock, PF, "hisi_sec2", FALSE);
  mock_sysfs_add_vf (mock, PF, 0, VF, 0xa256);
  if (driver != NULL)
    mock_sysfs_bind (mock, VF, driver, vfio);
  return mock;
}

static void
put (guint8 *match, gsize offset, gconstpointer value, gsize size)
{
  memcpy (match + offset, value, size);
}

#define PUT(match, offset, type, value) put (match, offset, &(type){ value }, sizeof (type))

static void
test_hisi_acc (void)
{
  g_autoptr (MockSysfs) mock = sec_host ("hisi_acc_vfio_pci", TRUE);
  guint8 match[HISI_ACC_MATCH_SIZE] = { 0 };
  const AccmigProbe probe = {
    .known = TRUE,
    .flags = ACCMIG_FLAG_STOP_COPY | ACCMIG_FLAG_PRE_COPY,
    .stop_copy_size = 176,
    .match = match,
    .match_length = sizeof match,
  };
  g_autoptr (AccmigProfile) profile = NULL;
  g_autofree char *level = NULL;
  struct utsname host;

  PUT (match, 0, guint64, 0xaaccfeeddecadedeULL);
  PUT (match, 8, guint32, 1021);
  PUT (match, 12, guint32, 0xa256);
  PUT (match, 16, guint32, 0x80000001);
  PUT (match, 28, guint16, 1);
  PUT (match, 30, guint16, 4);
  profile = profile_of (mock, VF, &probe);

  g_assert_cmpint (uname (&host), ==, 0);
  g_assert_cmpstr (accmig_profile_get_string (profile, "format"), ==, "accmig-profile/1");
  g_assert_cmpstr (accmig_profile_get_string (profile, "host.kernel"), ==, host.release);
  level = release_format_level (host.release, host.version);
  g_assert_cmpstr (accmig_profile_get_string (profile, "host.kernel-level"), ==, level);
  g_assert_cmpstr (accmig_profile_get_string (profile, "host.machine"), ==, host.machine);
  assert_missing (profile, "host.qemu");
  assert_missing (profile, "host.libvirt");
  assert_uint (profile, "host.page-size", (guint64)sysconf (_SC_PAGESIZE));
  g_assert_cmpstr (accmig_profile_get_address (profile), ==, VF);
  g_assert_cmpstr (accmig_profile_get_family (profile), ==, "hisi_acc");
  g_assert_cmpstr (accmig_profile_get_string (profile, "device.kind"), ==, "pci");
  g_assert_cmpstr (accmig_profile_get_string (profile, "device.vendor"), ==, "0x19e5");
  g_assert_cmpstr (accmig_profile_get_string (profile, "device.device"), ==, "0xa256");
  g_assert_cmpstr (accmig_profile_get_string (profile, "device.revision"), ==, "0x30");
  g_assert_cmpstr (accmig_profile_get_string (profile, "device.driver"), ==, "hisi_acc_vfio_pci");
  g_assert_cmpstr (accmig_profile_get_string (profile, "device.variant"), ==, "hisi_acc_vfio_pci");
  assert_boolean (profile, "device.vfio", TRUE);
  g_assert_cmpstr (accmig_profile_get_string (profile, "device.pf"), ==, PF);
  g_assert_cmpstr (accmig_profile_get_string (profile, "device.pf-driver"), ==, "hisi_sec2");
  assert_uint (profile, "device.vf-index", 0);
  assert_uint (profile, "device.num-vfs", 1);
  assert_uint (profile, "device.numa-node", 0);
  assert_boolean (profile, "device.migration", TRUE);
  assert_uint (profile, "device.flags", 5);
  assert_uint (profile, "device.state-size", 176);
  g_assert_cmpstr (accmig_profile_get_string (profile, "hisi_acc.hardware"), ==, "v3+");
  g_assert_cmpstr (accmig_profile_get_string (profile, "hisi_acc.magic"), ==, "0xaaccfeeddecadede");
  assert_uint (profile, "hisi_acc.qp-num", 1021);
  assert_uint (profile, "hisi_acc.isolation", 0x80000001);
  assert_uint (profile, "hisi_acc.major", 1);
  assert_uint (profile, "hisi_acc.minor", 4);
  assert_missing (profile, "device.mdev-type");
  assert_survives_text (profile);
}

/* The first format has no version; one byte too few is no match data. */
static void
test_hisi_acc_match (void)
{
  g_autoptr (MockSysfs) mock = sec_host ("hisi_acc_vfio_pci", TRUE);
  guint8 match[HISI_ACC_MATCH_SIZE] = { 0 };
  AccmigProbe probe = { .known = TRUE, .flags = 5, .match = match, .match_length = sizeof match };
  g_autoptr (AccmigProfile) old = NULL;
  g_autoptr (AccmigProfile) cut = NULL;

  PUT (match, 0, guint64, 0xcdcdcdcdfeedaaccULL);
  PUT (match, 8, guint32, 8);
  old = profile_of (mock, VF, &probe);
  g_assert_cmpstr (accmig_profile_get_string (old, "hisi_acc.magic"), ==, "0xcdcdcdcdfeedaacc");
  assert_uint (old, "hisi_acc.qp-num", 8);
  assert_uint (old, "hisi_acc.isolation", 0);
  assert_missing (old, "hisi_acc.major");

  probe.match_length--;
  cut = profile_of (mock, VF, &probe);
  assert_missing (cut, "hisi_acc.magic");
  assert_missing (cut, "hisi_acc.qp-num");
  g_assert_cmpstr (accmig_profile_get_string (cut, "hisi_acc.hardware"), ==, "v3+");
}

static void
test_hisi_acc_hardware (void)
{
  static const struct
  {
    const char *revision, *version;
  } rows[] = {
    { "0x20", "v1" }, { "0x21", "v2" },   { "0x30", "v3+" }, { "0x50", "v4" },
    { "0x51", "v5" }, { "0x60", "0x60" }, { "", NULL },      { "-1", NULL },
  };
  g_autoptr (MockSysfs) mock = sec_host (NULL, FALSE);

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (AccmigProfile) profile = NULL;

      mock_sysfs_set (mock, PF, "revision", rows[i].revision);
      profile = profile_of (mock, VF, NULL);
      g_assert_cmpstr (accmig_profile_get_string (profile, "hisi_acc.hardware"), ==, rows[i].version);
    }
}

/* Whether the driver offers migration is said only when it is known. */
static void
test_migration (void)
{
  static const AccmigProbe offers = { .known = TRUE, .flags = 1 };
  static const AccmigProbe offers_not = { .known = TRUE };
  static const AccmigProbe unasked = { .flags = 7 };
  static const struct
  {
    const char *driver;
    gboolean vfio;
    const AccmigProbe *probe;
    int migration; /* -1: missing */
  } rows[] = {
    { "hisi_acc_vfio_pci", TRUE, &offers, TRUE },
    { "hisi_acc_vfio_pci", TRUE, &offers_not, FALSE },
    { "hisi_acc_vfio_pci", TRUE, &unasked, -1 },
    { "hisi_acc_vfio_pci", TRUE, NULL, -1 },
    { "vfio-pci", TRUE, NULL, FALSE },
    { "hisi_sec2", FALSE, NULL, -1 },
    { NULL, FALSE, NULL, -1 },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (MockSysfs) mock = sec_host (rows[i].driver, rows[i].vfio);
      g_autoptr (AccmigProfile) profile = profile_of (mock, VF, rows[i].probe);

      if (rows[i].migration < 0)
        assert_missing (profile, "device.migration");
      else
        assert_boolean (profile, "device.migration", rows[i].migration);
      if (rows[i].probe == NULL || !rows[i].probe->known)
        assert_missing (profile, "device.flags");
      assert_missing (profile, "device.state-size");
    }
}

/* A negative errno that a driver gives out as a size is no size. */
static void
test_absurd_size (void)
{
  static const AccmigProbe probe = { .known = TRUE, .flags = 1, .stop_copy_size = (guint64)-22 };
  g_autoptr (MockSysfs) mock = sec_host ("hisi_acc_vfio_pci", TRUE);
  g_autoptr (AccmigProfile) profile = profile_of (mock, VF, &probe);

  assert_missing (profile, "device.state-size");
}

/* Whoever was not asked about it has said nothing, neither yes nor no. */
static void
test_tracking (void)
{
  static const AccmigTracking answers[] = { ACCMIG_TRACKING_NO, ACCMIG_TRACKING_YES };
  AccmigProbe probe = { .known = TRUE, .flags = 7 };
  g_autoptr (MockSysfs) mock = sec_host ("hisi_acc_vfio_pci", TRUE);
  g_autoptr (AccmigProfile) unasked = profile_of (mock, VF, &probe);

  assert_missing (unasked, "device.dirty-tracking");
  for (gsize i = 0; i < G_N_ELEMENTS (answers); i++)
    {
      g_autoptr (AccmigProfile) profile = NULL;

      probe.tracking = answers[i];
      profile = profile_of (mock, VF, &probe);
      assert_boolean (profile, "device.dirty-tracking", answers[i] == ACCMIG_TRACKING_YES);
    }
}

static void
test_mtty (void)
{
  static const AccmigProbe probe = { .known = TRUE, .flags = 7, .stop_copy_size = 96 };
  g_autoptr (MockSysfs) mock = mock_sysfs_new ();
  g_autoptr (AccmigProfile) profile = NULL;

  mock_sysfs_add_mtty (mock, UUID, "mtty-2");
  profile = profile_of (mock, UUID, &probe);
  g_assert_cmpstr (accmig_profile_get_address (profile), ==, UUID);
  g_assert_cmpstr (accmig_profile_get_family (profile), ==, "mtty");
  g_assert_cmpstr (accmig_profile_get_string (profile, "device.kind"), ==, "mdev");
  g_assert_cmpstr (accmig_profile_get_string (profile, "device.mdev-type"), ==, "mtty-2");
  g_assert_cmpstr (accmig_profile_get_string (profile, "device.pf"), ==, "mtty");
  assert_uint (profile, "mtty.ports", 2);
  assert_missing (profile, "device.vendor");
  assert_missing (profile, "device.num-vfs");
  assert_missing (profile, "device.numa-node");
  assert_survives_text (profile);
}

static void
test_migsim (void)
{
  guint8 match[32] = { 0 };
  const AccmigProbe probe = { .known = TRUE, .flags = 7, .match = match, .match_length = sizeof match };
  g_autoptr (MockSysfs) mock = mock_sysfs_new ();
  g_autoptr (AccmigProfile) unloaded = NULL;
  g_autoptr (AccmigProfile) by_zeros = NULL;
  g_autoptr (AccmigProfile) by_parameters = NULL;
  g_autoptr (AccmigProfile) by_match = NULL;

  mock_sysfs_add_pf (mock, PF, 0x8086, 0x10c9, 1);
  mock_sysfs_add_vf (mock, PF, 0, VF, 0x10ca);
  unloaded = profile_of (mock, VF, NULL);
  g_assert_cmpstr (accmig_profile_get_family (unloaded), ==, "migsim");
  assert_missing (unloaded, "migsim.format-version");
  assert_missing (unloaded, "migsim.capability");

  mock_sysfs_write (mock, "module/migsim/parameters/format_version", "0\n");
  mock_sysfs_write (mock, "module/migsim/parameters/capability", "0\n");
  by_zeros = profile_of (mock, VF, NULL);
  assert_uint (by_zeros, "migsim.format-version", 0);
  assert_uint (by_zeros, "migsim.capability", 0);

  mock_sysfs_write (mock, "module/migsim/parameters/format_version", "3\n");
  mock_sysfs_write (mock, "module/migsim/parameters/capability", "255\n");
  by_parameters = profile_of (mock, VF, NULL);
  assert_uint (by_parameters, "migsim.format-version", 3);
  assert_uint (by_parameters, "migsim.capability", 255);

  PUT (match, 8, guint32, GUINT32_TO_LE (4));
  PUT (match, 16, guint32, GUINT32_TO_LE (0xf0000001));
  mock_sysfs_bind (mock, VF, "migsim", TRUE);
  by_match = profile_of (mock, VF, &probe);
  assert_uint (by_match, "migsim.format-version", 4);
  assert_uint (by_match, "migsim.capability", 0xf0000001);
}

static void
test_host (void)
{
  static const struct
  {
    const char *path, *text, *cpu, *iommu;
  } rows[] = {
    { "class/iommu/dmar1/type", "", NULL, "intel" },
    { "class/iommu/ivhd0/type", "", NULL, "amd" },
    { "class/iommu/smmu3.0x0000000148000000/type", "", NULL, "smmu-v3" },
    { "class/iommu/riscv.1/type", "", NULL, "riscv.1" },
    { "devices/system/cpu/cpu0/regs/identification/midr_el1", "0x00000000481fd010\n", "0x00000000481fd010",
      "none" },
    { "devices/system/cpu/modalias", "cpu:type:x86,ven0000fam0006mod008F:feature:,0000,0001\n",
      "x86,ven0000fam0006mod008F", "none" },
    { "devices/system/cpu/modalias", "of:something\n", NULL, "none" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (MockSysfs) mock = sec_host (NULL, FALSE);
      g_autoptr (AccmigProfile) profile = NULL;

      mock_sysfs_write (mock, rows[i].path, rows[i].text);
      profile = profile_of (mock, VF, NULL);
      g_assert_cmpstr (accmig_profile_get_string (profile, "host.cpu"), ==, rows[i].cpu);
      g_assert_cmpstr (accmig_profile_get_string (profile, "host.iommu"), ==, rows[i].iommu);
    }
}

static void
test_match_sizes (void)
{
  g_assert_cmpuint (accmig_profile_match_size ("hisi_acc"), ==, 40);
  g_assert_cmpuint (accmig_profile_match_size ("migsim"), ==, 32);
  g_assert_cmpuint (accmig_profile_match_size ("mtty"), ==, 0);
  g_assert_cmpuint (accmig_profile_match_size ("mlx5"), ==, 0);
  g_assert_cmpuint (accmig_profile_match_size (NULL), ==, 0);
}

/* There are rules about kernels, and this test runs on any. */
static AccmigProfile *
on_another_kernel (const AccmigProfile *profile)
{
  g_autofree char *json = accmig_profile_to_json (profile);
  g_autoptr (JsonNode) root = json_from_string (json, NULL);
  JsonObject *host = json_object_get_object_member (json_node_get_object (root), "host");
  g_autofree char *text = NULL;

  json_object_set_string_member (host, "kernel", "6.16.0");
  text = json_to_string (root, FALSE);
  return accmig_profile_new_from_json (text, -1, NULL);
}

/* A stream whose match data was changed in one place, held against the device that wrote it. */
static void
test_from_match (void)
{
  static const struct
  {
    gsize offset;
    guint8 value;
    const char *rule; /* (nullable): what the verdict turns on */
  } rows[] = {
    { HISI_ACC_OFFSET_MINOR, 9, NULL },
    { HISI_ACC_OFFSET_MAGIC, 0x11, "hisi_acc.magic" },
    { HISI_ACC_OFFSET_QP_NUM, 17, "hisi_acc.qp-num" },
    { HISI_ACC_OFFSET_DEV_ID, 0x59, "device.device" },
    { HISI_ACC_OFFSET_ISO_CFG, 2, "hisi_acc.isolation" },
    { HISI_ACC_OFFSET_MAJOR, 2, "hisi_acc.major" },
  };
  g_autoptr (MockSysfs) mock = sec_host ("hisi_acc_vfio_pci", TRUE);
  guint8 match[HISI_ACC_MATCH_SIZE] = { 0 };
  const AccmigProbe probe = { TRUE, ACCMIG_FLAG_STOP_COPY | ACCMIG_FLAG_PRE_COPY, 176, match, sizeof match };
  g_autoptr (AccmigProfile) here = NULL, target = NULL;
  g_autoptr (GError) error = NULL;

  PUT (match, HISI_ACC_OFFSET_MAGIC, guint64, HISI_ACC_MAGIC_V2);
  PUT (match, HISI_ACC_OFFSET_QP_NUM, guint32, 18);
  PUT (match, HISI_ACC_OFFSET_DEV_ID, guint32, 0xa256);
  PUT (match, HISI_ACC_OFFSET_MAJOR, guint16, 1);
  here = profile_of (mock, VF, &probe);
  target = on_another_kernel (here);
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      guint8 changed[HISI_ACC_MATCH_SIZE];
      g_autoptr (AccmigProfile) source = NULL;
      g_autoptr (AccmigVerdict) verdict = NULL;
      const AccmigFinding *decisive;

      memcpy (changed, match, sizeof match);
      changed[rows[i].offset] = rows[i].value;
      source = accmig_profile_new_from_match (target, changed, sizeof changed, &error);
      g_assert_no_error (error);
      verdict = accmig_compat_check (source, target, ACCMIG_COMPAT_NONE);
      decisive = accmig_verdict_get_decisive (verdict);
      g_assert_cmpstr (decisive != NULL ? decisive->rule : NULL, ==, rows[i].rule);
    }

  g_assert_null (accmig_profile_new_from_match (target, match, sizeof match - 1, &error));
  g_assert_error (error, ACCMIG_ERROR, ACCMIG_ERROR_TRUNCATED);
}

/* A device that nobody could ask has no match data of its own, and its profile maybe no object to hold it. */
static void
test_from_match_alone (void)
{
  static const char text[] = "{\"format\":\"accmig-profile/1\",\"host\":{},\"device\":{\"address\":\"" VF
                             "\",\"kind\":\"pci\",\"family\":\"hisi_acc\"}}";
  g_autoptr (AccmigProfile) target = accmig_profile_new_from_json (text, -1, NULL);
  g_autoptr (AccmigProfile) source = NULL;
  g_autoptr (GError) error = NULL;
  guint8 match[HISI_ACC_MATCH_SIZE] = { 0 };

  PUT (match, HISI_ACC_OFFSET_MAGIC, guint64, HISI_ACC_MAGIC_V2);
  PUT (match, HISI_ACC_OFFSET_QP_NUM, guint32, 18);
  source = accmig_profile_new_from_match (target, match, sizeof match, &error);
  g_assert_no_error (error);
  assert_uint (source, "hisi_acc.qp-num", 18);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/profile/device/hisi-acc", test_hisi_acc);
  g_test_add_func ("/profile/device/hisi-acc-match", test_hisi_acc_match);
  g_test_add_func ("/profile/device/hisi-acc-hardware", test_hisi_acc_hardware);
  g_test_add_func ("/profile/device/migration", test_migration);
  g_test_add_func ("/profile/device/absurd-size", test_absurd_size);
  g_test_add_func ("/profile/device/tracking", test_tracking);
  g_test_add_func ("/profile/device/mtty", test_mtty);
  g_test_add_func ("/profile/device/migsim", test_migsim);
  g_test_add_func ("/profile/device/host", test_host);
  g_test_add_func ("/profile/device/match-sizes", test_match_sizes);
  g_test_add_func ("/profile/device/from-match", test_from_match);
  g_test_add_func ("/profile/device/from-match-alone", test_from_match_alone);
  return g_test_run ();
}
