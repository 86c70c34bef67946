// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Making and unmaking mediated devices, in a sysfs that is files
 *
 * Nobody plays the kernel: what was written to a file stays there and can be looked at.
 */

#include "broker/mdevs.h"

#include "broker/attribute.h"
#include "mock-sysfs.h"

#include <accmig/device.h>
#include <string.h>

#define UUID   "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001"
#define OTHER  "83b8f4f2-509f-382f-3c1e-e6bfe0fa1002"
#define TYPE   "class/mdev_bus/mtty/mdev_supported_types/mtty-1/"
#define REMOVE "bus/mdev/devices/" UUID "/remove"

static pid_t holder;

gboolean
accmig_device_find_holder (int sysfs_fd, const char *address, pid_t *ret_pid, GError **error)
{
  *ret_pid = holder;
  return TRUE;
}

/* A parent with a type of which @instances can be made, and one device. */
static MockSysfs *
make_parent (const char *instances)
{
  MockSysfs *sysfs = mock_sysfs_new ();

  holder = 0;
  mock_sysfs_add_mtty (sysfs, UUID, "mtty-1");
  mock_sysfs_write (sysfs, TYPE "create", "");
  if (instances != NULL)
    mock_sysfs_write (sysfs, TYPE "available_instances", instances);
  mock_sysfs_set (sysfs, UUID, "remove", "");
  return sysfs;
}

static void
assert_written (const MockSysfs *sysfs, const char *path, const char *text)
{
  g_autofree char *found = attribute_read (mock_sysfs_get_fd (sysfs), path);

  g_assert_cmpstr (found, ==, text);
}

static void
test_create (void)
{
  static const char *const instances[] = { "24\n", NULL }; /* one that does not say is asked */

  for (gsize i = 0; i < G_N_ELEMENTS (instances); i++)
    {
      g_autoptr (MockSysfs) sysfs = make_parent (instances[i]);
      g_autoptr (GError) error = NULL;

      g_assert_true (mdevs_create (mock_sysfs_get_fd (sysfs), "mtty", "mtty-1", OTHER, &error));
      g_assert_no_error (error);
      assert_written (sysfs, TYPE "create", OTHER);
    }
}

static void
test_create_refused (void)
{
  static const struct
  {
    const char *parent, *type, *uuid, *instances;
    AccmigError code;
  } rows[] = {
    { "mtty", "mtty-1", UUID, "24\n", ACCMIG_ERROR_BUSY },
    { "mtty", "mtty-1", OTHER, "0\n", ACCMIG_ERROR_LIMIT },
    { "mtty", "mtty-2", OTHER, "24\n", ACCMIG_ERROR_NOT_FOUND },
    { "0000:00:02.0", "mtty-1", OTHER, "24\n", ACCMIG_ERROR_NOT_FOUND },
    { "mtty", "mtty-1", "0000:75:00.1", "24\n", ACCMIG_ERROR_INVALID },
    { "mtty", "../mtty-1", OTHER, "24\n", ACCMIG_ERROR_INVALID },
    { "../mdev_bus/mtty", "mtty-1", OTHER, "24\n", ACCMIG_ERROR_INVALID },
    { "..", "mtty-1", OTHER, "24\n", ACCMIG_ERROR_INVALID },
    { "mtty", ".", OTHER, "24\n", ACCMIG_ERROR_INVALID },
    { "", "mtty-1", OTHER, "24\n", ACCMIG_ERROR_INVALID },
    { "mtty", "mtty 1", OTHER, "24\n", ACCMIG_ERROR_INVALID },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (MockSysfs) sysfs = make_parent (rows[i].instances);
      g_autoptr (GError) error = NULL;

      g_assert_false (
          mdevs_create (mock_sysfs_get_fd (sysfs), rows[i].parent, rows[i].type, rows[i].uuid, &error));
      g_assert_error (error, ACCMIG_ERROR, (int)rows[i].code);
      assert_written (sysfs, TYPE "create", "");
    }
}

static void
test_remove (void)
{
  g_autoptr (MockSysfs) sysfs = make_parent ("24\n");
  g_autoptr (GError) error = NULL;

  g_assert_true (mdevs_remove (mock_sysfs_get_fd (sysfs), UUID, &error));
  g_assert_no_error (error);
  assert_written (sysfs, REMOVE, "1");
}

static void
test_remove_refused (void)
{
  g_autoptr (MockSysfs) sysfs = make_parent ("24\n");
  g_autoptr (GError) unknown = NULL;
  g_autoptr (GError) busy = NULL;
  g_autoptr (GError) invalid = NULL;

  g_assert_false (mdevs_remove (mock_sysfs_get_fd (sysfs), OTHER, &unknown));
  g_assert_error (unknown, ACCMIG_ERROR, ACCMIG_ERROR_NOT_FOUND);
  g_assert_false (mdevs_remove (mock_sysfs_get_fd (sysfs), "0000:75:00.1", &invalid));
  g_assert_error (invalid, ACCMIG_ERROR, ACCMIG_ERROR_INVALID);
  holder = 4711;
  g_assert_false (mdevs_remove (mock_sysfs_get_fd (sysfs), UUID, &busy));
  g_assert_error (busy, ACCMIG_ERROR, ACCMIG_ERROR_BUSY);
  g_assert_nonnull (strstr (busy->message, "4711"));
  assert_written (sysfs, REMOVE, "");
}

/* It went between the look and the write. */
static void
test_write_fails (void)
{
  g_autoptr (MockSysfs) sysfs = make_parent ("24\n");
  g_autoptr (GError) error = NULL;

  mock_sysfs_remove (sysfs, TYPE "create");
  g_assert_false (mdevs_create (mock_sysfs_get_fd (sysfs), "mtty", "mtty-1", OTHER, &error));
  g_assert_error (error, ACCMIG_ERROR, ACCMIG_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (error->message, TYPE "create"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/mdevs/create", test_create);
  g_test_add_func ("/mdevs/create-refused", test_create_refused);
  g_test_add_func ("/mdevs/remove", test_remove);
  g_test_add_func ("/mdevs/remove-refused", test_remove_refused);
  g_test_add_func ("/mdevs/write-fails", test_write_fails);
  return g_test_run ();
}
