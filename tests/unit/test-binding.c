// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Binding a VF to its variant driver, in a sysfs that is files
 *
 * The kernel's half is played here: attribute_write() is a double that does what the kernel would, and writes
 * down what it was told.
 */

#include "broker/binding.h"

#include "broker/attribute.h"
#include "mock-sysfs.h"

#include <accmig/device.h>
#include <accmig/inventory.h>
#include <string.h>

#define PF      "0000:75:00.0"
#define VF      "0000:75:00.1"
#define MDEV    "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001"
#define VARIANT "hisi_acc_vfio_pci"
#define PLAIN   "vfio-pci"

/* clang-format off */
static const struct Row {
  const char *name;
  const char *driver;   /* bound before; NULL for none */
  gboolean vfio;        /* … and whether that is a VFIO driver */
  const char *override; /* before; NULL for none */
  const char *variant;  /* by modules.alias; NULL when that cannot be read */
  const char *wanted;
  pid_t holder;
  const char *fails;    /* the write whose path ends so fails; NULL for none */
  int code;             /* -1: it works */
  const char *words;    /* in the message */
  const char *writes;   /* what the kernel was told */
  const char *bound;    /* in the end */
  const char *left;     /* the override in the end */
} rows[] = {
  { "from plain", PLAIN, TRUE, PLAIN, VARIANT, VARIANT, 0, NULL, -1, NULL,
    "driver_override=" VARIANT " unbind=" VF " drivers_probe=" VF " ", VARIANT, VARIANT },
  { "from plain by its ids", PLAIN, TRUE, NULL, VARIANT, VARIANT, 0, NULL, -1, NULL,
    "driver_override=" VARIANT " unbind=" VF " drivers_probe=" VF " ", VARIANT, VARIANT },
  { "from nothing", NULL, FALSE, NULL, VARIANT, VARIANT, 0, NULL, -1, NULL,
    "driver_override=" VARIANT " drivers_probe=" VF " ", VARIANT, VARIANT },
  { "bound already", VARIANT, TRUE, VARIANT, VARIANT, VARIANT, 4711, NULL, -1, NULL, "", VARIANT, VARIANT },

  { "a guest's", PLAIN, TRUE, PLAIN, VARIANT, VARIANT, 4711, NULL, ACCMIG_ERROR_BUSY, "is open in process 4711",
    "", PLAIN, PLAIN },
  { "the host's", "hisi_sec2", FALSE, NULL, VARIANT, VARIANT, 0, NULL, ACCMIG_ERROR_BUSY, "the host's driver hisi_sec2",
    "", "hisi_sec2", "(null)" },
  { "not its driver", PLAIN, TRUE, PLAIN, VARIANT, "mlx5_vfio_pci", 0, NULL, ACCMIG_ERROR_INVALID,
    "is " VARIANT ", not “mlx5_vfio_pci”", "", PLAIN, PLAIN },
  { "not a variant", VARIANT, TRUE, VARIANT, PLAIN, PLAIN, 0, NULL, ACCMIG_ERROR_INVALID, "no VFIO variant driver",
    "", VARIANT, VARIANT },
  { "no modules.alias", PLAIN, TRUE, PLAIN, NULL, VARIANT, 0, NULL, ACCMIG_ERROR_INVALID, "no VFIO variant driver",
    "", PLAIN, PLAIN },
  { "a path", PLAIN, TRUE, PLAIN, VARIANT, "../../../drivers/" VARIANT, 0, NULL, ACCMIG_ERROR_INVALID, "not “../",
    "", PLAIN, PLAIN },
  { "not loaded", PLAIN, TRUE, PLAIN, "xe-vfio-pci", "xe-vfio-pci", 0, NULL, ACCMIG_ERROR_UNSUPPORTED,
    "xe-vfio-pci is not loaded", "", PLAIN, PLAIN },

  { "not taken", PLAIN, TRUE, PLAIN, VARIANT, VARIANT, 0, "drivers_probe", ACCMIG_ERROR_IO,
    VARIANT " did not take " VF ": as the test says",
    "driver_override=" VARIANT " unbind=" VF " drivers_probe=" VF " driver_override=" PLAIN " bind=" VF " ", PLAIN, PLAIN },
  { "not taken, none before", NULL, FALSE, NULL, VARIANT, VARIANT, 0, "drivers_probe", ACCMIG_ERROR_IO, "did not take",
    "driver_override=" VARIANT " drivers_probe=" VF " driver_override= ", NULL, "" },
  { "not let go", PLAIN, TRUE, NULL, VARIANT, VARIANT, 0, "unbind", ACCMIG_ERROR_IO, "as the test says",
    "driver_override=" VARIANT " unbind=" VF " driver_override= ", PLAIN, "" },
  { "no override", PLAIN, TRUE, PLAIN, VARIANT, VARIANT, 0, "override=" VARIANT, ACCMIG_ERROR_IO, "as the test says",
    "driver_override=" VARIANT " driver_override=" PLAIN " ", PLAIN, PLAIN },
};
/* clang-format on */

/* What the doubles go by. */
static struct
{
  const struct Row *row;
  MockSysfs *sysfs;
  GString *writes;
  gboolean back_fails;
} script;

gboolean
accmig_device_find_holder (int sysfs_fd, const char *address, pid_t *ret_pid, GError **error)
{
  *ret_pid = script.row->holder;
  return TRUE;
}

const char *
accmig_device_info_get_variant (const AccmigDeviceInfo *info)
{
  return script.row->variant;
}

static gboolean
fails (const char *name, const char *text)
{
  g_autofree char *override = g_strconcat ("override=", text, NULL);

  return (script.back_fails && g_str_equal (name, "bind")) || g_strcmp0 (script.row->fails, name) == 0
         || g_strcmp0 (script.row->fails, override) == 0;
}

static void
probe (int dir_fd)
{
  g_autofree char *override = attribute_read (dir_fd, "bus/pci/devices/" VF "/driver_override");

  mock_sysfs_bind (script.sysfs, VF, override, TRUE);
}

gboolean
attribute_write (int dir_fd, const char *path, const char *text, GError **error)
{
  g_autofree char *name = g_path_get_basename (path);
  g_autofree char *line = g_strchomp (g_strdup (text));

  g_string_append_printf (script.writes, "%s=%s ", name, line);
  if (fails (name, line))
    {
      g_set_error_literal (error, ACCMIG_ERROR, ACCMIG_ERROR_IO, "as the test says");
      return FALSE;
    }
  if (g_str_equal (name, "driver_override"))
    mock_sysfs_set (script.sysfs, VF, "driver_override", text);
  else if (g_str_equal (name, "unbind"))
    mock_sysfs_unbind (script.sysfs, VF);
  else if (g_str_equal (name, "drivers_probe"))
    probe (dir_fd);
  else if (g_str_equal (path, "bus/pci/drivers/" PLAIN "/bind"))
    mock_sysfs_bind (script.sysfs, VF, PLAIN, TRUE);
  else
    g_error ("%s is written to %s", text, path);
  return TRUE;
}

static void
begin (const struct Row *row)
{
  script.row = row;
  script.writes = g_string_new (NULL);
  script.sysfs = mock_sysfs_new ();
  script.back_fails = FALSE;
  mock_sysfs_add_pf (script.sysfs, PF, 0x19e5, 0xa255, 0x30);
  mock_sysfs_add_vf (script.sysfs, PF, 0, VF, 0xa256);
  mock_sysfs_add_mtty (script.sysfs, MDEV, "mtty-1");
  mock_sysfs_write (script.sysfs, "bus/pci/drivers/" VARIANT "/module", "");
  mock_sysfs_set (script.sysfs, VF, "driver_override", row->override != NULL ? row->override : "(null)");
  if (row->driver != NULL)
    mock_sysfs_bind (script.sysfs, VF, row->driver, row->vfio);
}

static void
end (void)
{
  g_string_free (script.writes, TRUE);
  mock_sysfs_free (script.sysfs);
}

static void
assert_left (const struct Row *row)
{
  int fd = mock_sysfs_get_fd (script.sysfs);
  g_autofree char *bound = attribute_read_link (fd, "bus/pci/devices/" VF "/driver");
  g_autofree char *override = attribute_read (fd, "bus/pci/devices/" VF "/driver_override");

  g_assert_cmpstr (script.writes->str, ==, row->writes);
  g_assert_cmpstr (bound, ==, row->bound);
  g_assert_cmpstr (override, ==, row->left);
}

static void
test_bind (gconstpointer data)
{
  const struct Row *row = data;
  g_autoptr (GError) error = NULL;
  gboolean worked;

  begin (row);
  worked = binding_bind (mock_sysfs_get_fd (script.sysfs), VF, row->wanted, &error);
  g_assert_cmpint (worked, ==, row->code < 0);
  if (!worked)
    {
      g_test_message ("%s", error->message);
      g_assert_error (error, ACCMIG_ERROR, row->code);
      g_assert_nonnull (strstr (error->message, row->words));
    }
  assert_left (row);
  end ();
}

/* The driver before does not take it back either: whoever asked has to know. */
static void
test_no_way_back (void)
{
  static const struct Row row = { "", PLAIN, TRUE, PLAIN, VARIANT, VARIANT, 0, "drivers_probe",
                                  0,  NULL,  NULL, NULL,  NULL };
  g_autoptr (GError) error = NULL;

  begin (&row);
  script.back_fails = TRUE;
  g_assert_false (binding_bind (mock_sysfs_get_fd (script.sysfs), VF, VARIANT, &error));
  g_assert_nonnull (strstr (error->message, VF " is not as it was before: as the test says; before that: "));
  end ();
}

/* Nothing but VFs is bound. */
static void
test_no_vf (void)
{
  static const struct Row row = {
    "", PLAIN, TRUE, PLAIN, VARIANT, VARIANT, 0, NULL, 0, NULL, NULL, NULL, NULL
  };
  static const char *const addresses[] = { PF, MDEV, "0000:75:00.7" };

  begin (&row);
  for (gsize i = 0; i < G_N_ELEMENTS (addresses); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_false (binding_bind (mock_sysfs_get_fd (script.sysfs), addresses[i], VARIANT, &error));
      g_assert_error (error, ACCMIG_ERROR, ACCMIG_ERROR_NOT_FOUND);
    }
  g_assert_cmpstr (script.writes->str, ==, "");
  end ();
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *path = g_strconcat ("/binding/", rows[i].name, NULL);

      g_test_add_data_func (path, &rows[i], test_bind);
    }
  g_test_add_func ("/binding/no-way-back", test_no_way_back);
  g_test_add_func ("/binding/no-vf", test_no_vf);
  return g_test_run ();
}
