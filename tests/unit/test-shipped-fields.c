// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where the shipped families read their fields
 *
 * Of families whose driver cannot be had for a test: a mock host, and match data as the driver's source has
 * it.
 */

#include <accmig/families.h>
#include <accmig/fsm.h>

#include <string.h>
#include <unistd.h>

#include "mock-profile.h"
#include "mock-sysfs.h"
#include "profile-assert.h"

static MockSysfs *
host_with_vf (guint vendor, guint pf_device, guint vf_device, const char *pf_driver, const char *driver)
{
  MockSysfs *mock = mock_sysfs_new ();

  mock_sysfs_add_pf (mock, "0000:6b:00.0", vendor, pf_device, 0x40);
  mock_sysfs_bind (mock, "0000:6b:00.0", pf_driver, FALSE);
  mock_sysfs_add_vf (mock, "0000:6b:00.0", 0, "0000:6b:00.1", vf_device);
  mock_sysfs_bind (mock, "0000:6b:00.1", driver, TRUE);
  return mock;
}

/* ---- mlx5 ---- */

static void
test_mlx5 (void)
{
  g_autoptr (MockSysfs) mock = host_with_vf (0x15b3, 0x1021, 0x101e, "mlx5_core", "mlx5_vfio_pci");
  g_autoptr (AccmigProfile) without = profile_of (mock, "0000:6b:00.1", NULL);
  g_autoptr (AccmigProfile) profile = NULL;

  assert_missing (without, "mlx5.board");
  assert_missing (without, "mlx5.firmware");

  mock_sysfs_write (mock, "bus/pci/devices/0000:6b:00.0/infiniband/mlx5_3/board_id", "MT_0000000838\n");
  mock_sysfs_write (mock, "bus/pci/devices/0000:6b:00.0/infiniband/mlx5_3/fw_ver", "28.43.2026\n");
  profile = profile_of (mock, "0000:6b:00.1", NULL);
  g_assert_cmpstr (accmig_profile_get_string (profile, "mlx5.board"), ==, "MT_0000000838");
  g_assert_cmpstr (accmig_profile_get_string (profile, "mlx5.firmware"), ==, "28.43.2026");
  assert_survives_text (profile);
}

/* ---- qat ---- */

/* A preamble, a section, and three values of 4, 2 and 4 bytes in subsections. */
static const guint8 qat_setup[] = "\xea\xca\xf5\xad" /* magic */
                                  "\1\0\0\0"         /* version */
                                  "\x10\0"           /* length of the preamble */
                                  "\1\0"             /* sections */
                                  "\x4a\0\0\0"       /* bytes of them */
                                  "CONFIG\0\0"
                                  "\x3a\0\0\0"
                                  "\3\0\0\0"
                                  "gencap\0\0"
                                  "\4\0\0\0"
                                  "\0\0\0\0"
                                  "\x7f\x3f\0\x01"
                                  "svcmap\0\0"
                                  "\2\0\0\0"
                                  "\0\0\0\0"
                                  "\xb6\x0d"
                                  "extdc\0\0\0"
                                  "\4\0\0\0"
                                  "\0\0\0\0"
                                  "\3\0\0\0";

#define QAT_SETUP_SIZE (sizeof qat_setup - 1)

static AccmigProfile *
qat_profile (const guint8 *match)
{
  g_autoptr (MockSysfs) mock = host_with_vf (0x8086, 0x4940, 0x4941, "4xxx", "qat_vfio_pci");
  const AccmigProbe probe = { .known = TRUE, .flags = 7, .match = match, .match_length = QAT_SETUP_SIZE };

  return profile_of (mock, "0000:6b:00.1", &probe);
}

static void
test_qat (void)
{
  g_autoptr (AccmigProfile) profile = qat_profile (qat_setup);

  g_assert_cmpuint (accmig_profile_match_size ("qat"), ==, QAT_SETUP_SIZE);
  g_assert_cmpstr (accmig_profile_get_string (profile, "qat.magic"), ==, "0xadf5caea");
  assert_uint (profile, "qat.version", 1);
  assert_uint (profile, "qat.capabilities", 0x01003f7f);
  assert_uint (profile, "qat.services", 0x0db6);
  assert_uint (profile, "qat.compression", 3);
  assert_survives_text (profile);
}

/* What does not stand where it is looked for is not taken for it. */
static void
test_qat_of_another_layout (void)
{
  static const struct
  {
    gsize offset; /* of a byte that is changed */
    const char *field;
  } rows[] = {
    { 33, "qat.capabilities" }, { 40, "qat.capabilities" }, { 57, "qat.services" },
    { 60, "qat.services" },     { 70, "qat.compression" },  { 78, "qat.compression" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree guint8 *match = g_memdup2 (qat_setup, QAT_SETUP_SIZE);
      g_autoptr (AccmigProfile) profile = NULL;

      match[rows[i].offset]++;
      profile = qat_profile (match);
      assert_missing (profile, rows[i].field);
      assert_uint (profile, "qat.version", 1);
    }
}

/* ---- hisi_acc ---- */

static void
test_hisi_acc_isolated (void)
{
  g_autoptr (MockSysfs) mock = host_with_vf (0x19e5, 0xa255, 0xa256, "hisi_sec2", "hisi_acc_vfio_pci");
  g_autofree char *link =
      g_build_filename (mock_sysfs_get_root (mock), "class/uacce/hisi_sec2-1/device", NULL);
  g_autoptr (AccmigProfile) without = profile_of (mock, "0000:6b:00.1", NULL);
  g_autoptr (AccmigProfile) profile = NULL;

  assert_missing (without, "hisi_acc.isolated");
  mock_sysfs_write (mock, "class/uacce/hisi_sec2-1/isolate", "1\n");
  g_assert_cmpint (symlink ("../../../bus/pci/devices/0000:6b:00.0", link), ==, 0);
  profile = profile_of (mock, "0000:6b:00.1", NULL);
  assert_uint (profile, "hisi_acc.isolated", 1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/shipped-fields/mlx5", test_mlx5);
  g_test_add_func ("/shipped-fields/qat", test_qat);
  g_test_add_func ("/shipped-fields/qat/another-layout", test_qat_of_another_layout);
  g_test_add_func ("/shipped-fields/hisi_acc/isolated", test_hisi_acc_isolated);
  return g_test_run ();
}
