// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A sysfs of our own
 *
 * Only what the library reads is there, but in the kernel's own shape: devices below devices/, links to them
 * on the buses, drivers and groups as links. All links are relative, so the tree works wherever it lies.
 */

#include "mock-sysfs.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PCI_DIR  "devices/pci0000:00"
#define MDEV_DIR "devices/virtual/mtty/mtty"

static const char aliases_text[] = "# Aliases extracted from modules themselves.\n"
                                   "alias pci:v000019E5d0000A256sv*sd*bc*sc*i* hisi_sec2\n"
                                   "alias vfio_pci:v*d*sv*sd*bc*sc*i* vfio_pci\n"
                                   "alias vfio_pci:v000019E5d0000A259sv*sd*bc*sc*i* hisi_acc_vfio_pci\n"
                                   "alias vfio_pci:v000019E5d0000A256sv*sd*bc*sc*i* hisi_acc_vfio_pci\n"
                                   "alias vfio_pci:v000019E5d0000A251sv*sd*bc*sc*i* hisi_acc_vfio_pci\n"
                                   "alias vfio_pci:v000015B3d0000101Esv*sd*bc*sc*i* mlx5_vfio_pci\n"
                                   "alias vfio_pci:v00008086d000010CAsv*sd*bc*sc*i* migsim\n";

struct _MockSysfs
{
  char *dir;     /* holds the tree and the alias file */
  char *root;    /* the tree */
  char *aliases; /* the alias file */
  int fd;
  guint n_groups;
};

/* ---- files ---- */

static void
make_parents (const char *path)
{
  g_autofree char *parent = g_path_get_dirname (path);

  g_assert_cmpint (g_mkdir_with_parents (parent, 0755), ==, 0);
}

static char *
full_path (MockSysfs *self, const char *path)
{
  return g_build_filename (self->root, path, NULL);
}

void
mock_sysfs_write (MockSysfs *self, const char *path, const char *text)
{
  g_autofree char *full = full_path (self, path);
  g_autoptr (GError) error = NULL;

  make_parents (full);
  g_file_set_contents (full, text, -1, &error);
  g_assert_no_error (error);
}

static void
make_dir (MockSysfs *self, const char *path)
{
  g_autofree char *full = full_path (self, path);

  g_assert_cmpint (g_mkdir_with_parents (full, 0755), ==, 0);
}

void
mock_sysfs_link (MockSysfs *self, const char *path, const char *target)
{
  g_autofree char *full = full_path (self, path);

  make_parents (full);
  g_assert_cmpint (symlink (target, full), ==, 0);
}

static int
remove_entry (const char *path, const struct stat *status, int type, struct FTW *ftw)
{
  return remove (path);
}

static void
remove_tree (const char *path)
{
  g_assert_cmpint (nftw (path, remove_entry, 16, FTW_DEPTH | FTW_PHYS), ==, 0);
}

void
mock_sysfs_remove (MockSysfs *self, const char *path)
{
  g_autofree char *full = full_path (self, path);

  remove_tree (full);
}

static void G_GNUC_PRINTF (4, 5)
    write_attribute (MockSysfs *self, const char *dir, const char *name, const char *format, ...)
{
  g_autofree char *path = g_build_filename (dir, name, NULL);
  g_autofree char *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  mock_sysfs_write (self, path, text);
}

static char *
read_attribute (MockSysfs *self, const char *dir, const char *name)
{
  g_autofree char *path = g_build_filename (self->root, dir, name, NULL);
  g_autoptr (GError) error = NULL;
  char *text = NULL;

  g_file_get_contents (path, &text, NULL, &error);
  g_assert_no_error (error);
  return text;
}

static char *
device_dir (const char *address)
{
  return g_build_filename (strchr (address, ':') != NULL ? PCI_DIR : MDEV_DIR, address, NULL);
}

void
mock_sysfs_set (MockSysfs *self, const char *address, const char *attribute, const char *text)
{
  g_autofree char *dir = device_dir (address);

  write_attribute (self, dir, attribute, "%s\n", text);
}

/* ---- PCI ---- */

static void
add_function (MockSysfs *self, const char *address, const char *vendor, guint device, const char *revision)
{
  g_autofree char *dir = device_dir (address);
  g_autofree char *bus_link = g_build_filename ("bus/pci/devices", address, NULL);
  g_autofree char *bus_target = g_build_filename ("../../..", dir, NULL);
  guint64 vendor_id = g_ascii_strtoull (vendor, NULL, 16);

  write_attribute (self, dir, "vendor", "%s\n", vendor);
  write_attribute (self, dir, "device", "0x%04x\n", device);
  write_attribute (self, dir, "revision", "%s\n", revision);
  write_attribute (self, dir, "numa_node", "0\n");
  write_attribute (self, dir, "modalias", "pci:v%08Xd%08Xsv00000000sd00000000bc0Bsc40i00\n", (guint)vendor_id,
                   device);
  mock_sysfs_link (self, bus_link, bus_target);
}

void
mock_sysfs_add_pf (MockSysfs *self, const char *address, guint vendor, guint device, guint revision)
{
  g_autofree char *dir = device_dir (address);
  g_autofree char *vendor_text = g_strdup_printf ("0x%04x", vendor);
  g_autofree char *revision_text = g_strdup_printf ("0x%02x", revision);

  add_function (self, address, vendor_text, device, revision_text);
  write_attribute (self, dir, "sriov_numvfs", "0\n");
}

static void
add_group (MockSysfs *self, const char *dir, const char *address)
{
  guint group = self->n_groups++;
  g_autofree char *group_dir = g_strdup_printf ("kernel/iommu_groups/%u/devices/%s", group, address);
  g_autofree char *link = g_build_filename (dir, "iommu_group", NULL);
  g_autofree char *target = g_strdup_printf ("../../../kernel/iommu_groups/%u", group);

  make_dir (self, group_dir);
  mock_sysfs_link (self, link, target);
}

void
mock_sysfs_add_vf (MockSysfs *self, const char *pf, guint index, const char *address, guint device)
{
  g_autofree char *pf_dir = device_dir (pf);
  g_autofree char *dir = device_dir (address);
  g_autofree char *vendor = g_strchomp (read_attribute (self, pf_dir, "vendor"));
  g_autofree char *revision = g_strchomp (read_attribute (self, pf_dir, "revision"));
  g_autofree char *numvfs = read_attribute (self, pf_dir, "sriov_numvfs");
  g_autofree char *physfn = g_build_filename (dir, "physfn", NULL);
  g_autofree char *virtfn = g_strdup_printf ("%s/virtfn%u", pf_dir, index);
  g_autofree char *to_pf = g_strconcat ("../", pf, NULL);
  g_autofree char *to_vf = g_strconcat ("../", address, NULL);
  guint64 n = g_ascii_strtoull (numvfs, NULL, 10);

  add_function (self, address, vendor, device, revision);
  add_group (self, dir, address);
  mock_sysfs_link (self, physfn, to_pf);
  mock_sysfs_link (self, virtfn, to_vf);
  write_attribute (self, pf_dir, "sriov_numvfs", "%u\n", MAX ((guint)n, index + 1));
}

void
mock_sysfs_unbind (MockSysfs *self, const char *address)
{
  static const char *const leftovers[] = { "driver", "vfio-dev" };
  g_autofree char *dir = device_dir (address);

  for (gsize i = 0; i < G_N_ELEMENTS (leftovers); i++)
    {
      g_autofree char *path = g_build_filename (self->root, dir, leftovers[i], NULL);

      if (g_file_test (path, G_FILE_TEST_EXISTS))
        remove_tree (path);
    }
}

void
mock_sysfs_bind (MockSysfs *self, const char *address, const char *driver, gboolean vfio)
{
  g_autofree char *dir = device_dir (address);
  g_autofree char *driver_dir = g_build_filename ("bus/pci/drivers", driver, NULL);
  g_autofree char *link = g_build_filename (dir, "driver", NULL);
  g_autofree char *target = g_build_filename ("../../..", driver_dir, NULL);
  g_autofree char *vfio_dir = g_build_filename (dir, "vfio-dev/vfio0", NULL);

  mock_sysfs_unbind (self, address);
  make_dir (self, driver_dir);
  mock_sysfs_link (self, link, target);
  if (vfio)
    make_dir (self, vfio_dir);
}

/* ---- mdev ---- */

void
mock_sysfs_add_mtty (MockSysfs *self, const char *uuid, const char *type)
{
  g_autofree char *dir = device_dir (uuid);
  g_autofree char *vfio_dir = g_build_filename (dir, "vfio-dev/vfio0", NULL);
  g_autofree char *type_dir = g_build_filename (MDEV_DIR "/mdev_supported_types", type, NULL);
  g_autofree char *type_link = g_build_filename (dir, "mdev_type", NULL);
  g_autofree char *type_target = g_build_filename ("../mdev_supported_types", type, NULL);
  g_autofree char *driver_link = g_build_filename (dir, "driver", NULL);
  g_autofree char *bus_link = g_build_filename ("bus/mdev/devices", uuid, NULL);
  g_autofree char *bus_target = g_build_filename ("../../..", dir, NULL);

  make_dir (self, vfio_dir);
  make_dir (self, type_dir);
  make_dir (self, "bus/mdev/drivers/mtty");
  mock_sysfs_link (self, type_link, type_target);
  mock_sysfs_link (self, driver_link, "../../../../../bus/mdev/drivers/mtty");
  mock_sysfs_link (self, bus_link, bus_target);
  add_group (self, dir, uuid);
}

/* ---- the tree ---- */

MockSysfs *
mock_sysfs_new (void)
{
  g_autoptr (GError) error = NULL;
  MockSysfs *self = g_new0 (MockSysfs, 1);

  self->dir = g_dir_make_tmp ("accmig-sysfs-XXXXXX", &error);
  g_assert_no_error (error);
  self->root = g_build_filename (self->dir, "sys", NULL);
  self->aliases = g_build_filename (self->dir, "modules.alias", NULL);
  make_dir (self, "bus/pci/devices");
  g_file_set_contents (self->aliases, aliases_text, -1, &error);
  g_assert_no_error (error);
  self->fd = open (self->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  g_assert_cmpint (self->fd, >=, 0);
  return self;
}

void
mock_sysfs_free (MockSysfs *self)
{
  close (self->fd);
  remove_tree (self->dir);
  g_free (self->dir);
  g_free (self->root);
  g_free (self->aliases);
  g_free (self);
}

int
mock_sysfs_get_fd (const MockSysfs *self)
{
  return self->fd;
}

const char *
mock_sysfs_get_root (const MockSysfs *self)
{
  return self->root;
}

const char *
mock_sysfs_get_aliases (const MockSysfs *self)
{
  return self->aliases;
}
