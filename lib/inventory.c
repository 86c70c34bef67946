// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Inventory
 *
 * One walk over the PCI and mdev buses of a sysfs tree. Of the PCI functions only VFs count (those with a
 * link to their PF): a PF is the host's own. Devices come and go while we look; one that is gone at the end
 * of its own reading is left out, since what was read of it may be half of two truths.
 */

#include "inventory-private.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "error-private.h"
#include "family.h"
#include "fd-private.h"
#include "module-alias.h"
#include "sysfs.h"

#define PCI_DEVICES  "bus/pci/devices"
#define MDEV_DEVICES "bus/mdev/devices"

struct _AccmigDeviceInfo
{
  char *address;
  AccmigKind kind;
  char *driver;
  gboolean vfio;
  char *variant;
  char *pf;
  char *pf_driver;
  int vf_index;
  guint num_vfs;
  int group;
  int numa_node;
  guint vendor_id;
  guint device_id;
  guint revision;
  char *mdev_type;
  const char *family;
};

struct _AccmigInventory
{
  GPtrArray *devices; /* of AccmigDeviceInfo: VFs, then mdevs */
};

/* ---- addresses ---- */

/*
 * Letters of a pattern stand for sets of characters, everything else for itself. A device number has five
 * bits, so its first digit is 0 or 1; a function number has three.
 */
static const char *
charset_of (char letter)
{
  switch (letter)
    {
    case 'h':
      return "0123456789abcdef";
    case 'o':
      return "01234567";
    case 'b':
      return "01";
    default:
      return NULL;
    }
}

static gboolean
matches_pattern (const char *text, const char *pattern)
{
  for (; *pattern != '\0'; text++, pattern++)
    {
      const char *set = charset_of (*pattern);
      gboolean fits = set != NULL ? *text != '\0' && strchr (set, *text) != NULL : *text == *pattern;

      if (!fits)
        return FALSE;
    }
  return *text == '\0';
}

/* The kernel prints a domain with four digits, and with more only where it needs them. */
static const char *const pci_patterns[] = {
  "hhhh:hh:bh.o", "hhhhh:hh:bh.o", "hhhhhh:hh:bh.o", "hhhhhhh:hh:bh.o", "hhhhhhhh:hh:bh.o",
};

static gboolean
is_pci_address (const char *address)
{
  for (gsize i = 0; i < G_N_ELEMENTS (pci_patterns); i++)
    if (matches_pattern (address, pci_patterns[i]))
      return i == 0 || address[0] != '0';
  return FALSE;
}

gboolean
accmig_address_is_valid (const char *address, AccmigKind *ret_kind)
{
  gboolean pci = address != NULL && is_pci_address (address);

  if (!pci && (address == NULL || !matches_pattern (address, "hhhhhhhh-hhhh-hhhh-hhhh-hhhhhhhhhhhh")))
    return FALSE;
  if (ret_kind != NULL)
    *ret_kind = pci ? ACCMIG_KIND_PCI : ACCMIG_KIND_MDEV;
  return TRUE;
}

const char *
accmig_kind_to_string (AccmigKind kind)
{
  return kind == ACCMIG_KIND_MDEV ? "mdev" : "pci";
}

/* ---- one device ---- */

static void
device_info_free (AccmigDeviceInfo *info)
{
  g_free (info->address);
  g_free (info->driver);
  g_free (info->variant);
  g_free (info->pf);
  g_free (info->pf_driver);
  g_free (info->mdev_type);
  g_free (info);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (AccmigDeviceInfo, device_info_free)

static AccmigDeviceInfo *
device_info_new (const char *address, AccmigKind kind)
{
  AccmigDeviceInfo *info = g_new0 (AccmigDeviceInfo, 1);

  info->address = g_strdup (address);
  info->kind = kind;
  info->vf_index = -1;
  info->group = -1;
  info->numa_node = -1;
  return info;
}

/* Returns: the number at @path, @fallback where there is none that fits. */
static int
read_int (int dir_fd, const char *path, int fallback)
{
  gint64 value;

  if (!sysfs_read_number (dir_fd, path, &value) || value < G_MININT || value > G_MAXINT)
    return fallback;
  return (int)value;
}

/* What a VF and an mdev tell in the same way. */
static void
read_common (AccmigDeviceInfo *info, int dir_fd)
{
  g_autofree char *group = sysfs_read_link_name (dir_fd, "iommu_group");
  guint64 number;

  info->driver = sysfs_read_link_name (dir_fd, "driver");
  info->vfio = sysfs_exists (dir_fd, "vfio-dev");
  if (group != NULL && g_ascii_string_to_unsigned (group, 10, 0, G_MAXINT, &number, NULL))
    info->group = (int)number;
}

/* A PF's VFs mostly stand in their order, so the one after the last is tried first: looking from the
 * beginning for each would take the square of their number. */
static int
find_vf_index (int dir_fd, const AccmigDeviceInfo *info, const AccmigDeviceInfo *before)
{
  gboolean follows = before != NULL && g_strcmp0 (before->pf, info->pf) == 0;
  guint start = follows ? (guint)(before->vf_index + 1) : 0;

  for (guint i = 0; i < info->num_vfs; i++)
    {
      guint k = (start + i) % info->num_vfs;
      g_autofree char *path = g_strdup_printf ("physfn/virtfn%u", k);
      g_autofree char *name = sysfs_read_link_name (dir_fd, path);

      if (g_strcmp0 (name, info->address) == 0)
        return (int)k;
    }
  return -1;
}

/* @before: (nullable): the device read before this one
 * Returns: (nullable): NULL for a function that is no VF, or no longer there. */
static AccmigDeviceInfo *
read_vf (int bus_fd, const char *address, const ModuleAliases *aliases, const AccmigDeviceInfo *before)
{
  g_auto (AutoFd) dir_fd = sysfs_open_dir (bus_fd, address);
  g_autofree char *pf = dir_fd >= 0 ? sysfs_read_link_name (dir_fd, "physfn") : NULL;
  g_autofree char *modalias = NULL;
  g_autoptr (AccmigDeviceInfo) info = NULL;

  if (pf == NULL)
    return NULL;

  info = device_info_new (address, ACCMIG_KIND_PCI);
  read_common (info, dir_fd);
  info->pf = g_steal_pointer (&pf);
  info->pf_driver = sysfs_read_link_name (dir_fd, "physfn/driver");
  info->num_vfs = (guint)CLAMP (read_int (dir_fd, "physfn/sriov_numvfs", 0), 0, G_MAXUINT16);
  info->vf_index = find_vf_index (dir_fd, info, before);
  info->numa_node = read_int (dir_fd, "numa_node", -1);
  info->vendor_id = (guint)read_int (dir_fd, "vendor", 0);
  info->device_id = (guint)read_int (dir_fd, "device", 0);
  info->revision = (guint)read_int (dir_fd, "revision", 0);
  modalias = sysfs_read_text (dir_fd, "modalias");
  if (aliases != NULL && modalias != NULL)
    info->variant = g_strdup (module_aliases_best (aliases, modalias));
  info->family = family_of_pci (info->vendor_id, info->device_id, info->driver, info->variant);

  return sysfs_exists (bus_fd, address) ? g_steal_pointer (&info) : NULL;
}

/* @bus_fd: where "bus/mdev/devices/UUID" links to "../../../devices/…/PARENT/UUID". */
static char *
read_mdev_parent (int bus_fd, const char *uuid)
{
  char target[PATH_MAX];
  ssize_t length = readlinkat (bus_fd, uuid, target, sizeof target - 1);
  g_autofree char *parent = NULL;

  if (length <= 0)
    return NULL;
  target[length] = '\0';
  parent = g_path_get_dirname (target);
  return g_path_get_basename (parent);
}

/* Returns: (nullable): NULL for an mdev that is no longer there. */
static AccmigDeviceInfo *
read_mdev (int bus_fd, const char *uuid)
{
  g_auto (AutoFd) dir_fd = sysfs_open_dir (bus_fd, uuid);
  g_autofree char *parent = read_mdev_parent (bus_fd, uuid);
  g_autofree char *parent_dir = g_strconcat (uuid, "/..", NULL);
  g_auto (AutoFd) parent_fd = sysfs_open_dir (bus_fd, parent_dir);
  g_autoptr (AccmigDeviceInfo) info = NULL;

  if (dir_fd < 0 || parent_fd < 0 || parent == NULL)
    return NULL;

  info = device_info_new (uuid, ACCMIG_KIND_MDEV);
  read_common (info, dir_fd);
  info->pf = g_steal_pointer (&parent);
  info->pf_driver = sysfs_read_link_name (parent_fd, "driver");
  info->numa_node = read_int (parent_fd, "numa_node", -1);
  info->mdev_type = sysfs_read_link_name (dir_fd, "mdev_type");
  info->family = family_of_mdev (info->mdev_type);

  return sysfs_exists (bus_fd, uuid) ? g_steal_pointer (&info) : NULL;
}

/* ---- the host ---- */

/* Longer domains are larger, and never have leading zeros. */
static int
compare_addresses (gconstpointer a, gconstpointer b)
{
  const char *left = *(const char *const *)a;
  const char *right = *(const char *const *)b;
  gsize left_length = strlen (left);
  gsize right_length = strlen (right);

  if (left_length != right_length)
    return left_length < right_length ? -1 : 1;
  return strcmp (left, right);
}

/* Reads the devices of one bus, in order, into @self. A bus that is not there has none. */
static void
read_bus (AccmigInventory *self, int sysfs_fd, AccmigKind kind, const ModuleAliases *aliases)
{
  const char *path = kind == ACCMIG_KIND_PCI ? PCI_DEVICES : MDEV_DEVICES;
  g_auto (AutoFd) bus_fd = sysfs_open_dir (sysfs_fd, path);
  g_auto (GStrv) names = NULL;

  if (bus_fd < 0)
    return;
  names = sysfs_list (bus_fd, ".");
  qsort (names, g_strv_length (names), sizeof *names, compare_addresses);
  for (char **name = names; *name != NULL; name++)
    {
      const AccmigDeviceInfo *before =
          self->devices->len > 0 ? self->devices->pdata[self->devices->len - 1] : NULL;
      AccmigDeviceInfo *info;
      AccmigKind named;

      if (!accmig_address_is_valid (*name, &named) || named != kind)
        continue;
      info = kind == ACCMIG_KIND_PCI ? read_vf (bus_fd, *name, aliases, before) : read_mdev (bus_fd, *name);
      if (info != NULL)
        g_ptr_array_add (self->devices, info);
    }
}

AccmigInventory *
inventory_read (int sysfs_fd, const char *aliases_path, GError **error)
{
  g_autoptr (ModuleAliases) aliases = aliases_path != NULL ? module_aliases_read (aliases_path) : NULL;
  g_autoptr (AccmigInventory) self = NULL;
  struct stat status;

  if (fstat (sysfs_fd, &status) < 0)
    {
      fail_errno (error, errno, "cannot read the devices: sysfs");
      return NULL;
    }
  if (!S_ISDIR (status.st_mode))
    {
      fail_errno (error, ENOTDIR, "cannot read the devices: sysfs");
      return NULL;
    }

  self = g_new0 (AccmigInventory, 1);
  self->devices = g_ptr_array_new_with_free_func ((GDestroyNotify)device_info_free);
  read_bus (self, sysfs_fd, ACCMIG_KIND_PCI, aliases);
  read_bus (self, sysfs_fd, ACCMIG_KIND_MDEV, NULL);
  return g_steal_pointer (&self);
}

AccmigInventory *
accmig_inventory_read (int sysfs_fd, GError **error)
{
  g_autofree char *aliases_path = module_aliases_default_path ();

  return inventory_read (sysfs_fd, aliases_path, error);
}

void
accmig_inventory_free (AccmigInventory *self)
{
  if (self == NULL)
    return;
  g_ptr_array_unref (self->devices);
  g_free (self);
}

gsize
accmig_inventory_size (const AccmigInventory *self)
{
  return self->devices->len;
}

const AccmigDeviceInfo *
accmig_inventory_get (const AccmigInventory *self, gsize index)
{
  g_return_val_if_fail (index < self->devices->len, NULL);
  return g_ptr_array_index (self->devices, index);
}

const AccmigDeviceInfo *
accmig_inventory_lookup (const AccmigInventory *self, const char *address)
{
  for (guint i = 0; i < self->devices->len; i++)
    {
      const AccmigDeviceInfo *info = g_ptr_array_index (self->devices, i);

      if (g_strcmp0 (info->address, address) == 0)
        return info;
    }
  return NULL;
}

/* ---- getters ---- */

const char *
accmig_device_info_get_address (const AccmigDeviceInfo *info)
{
  return info->address;
}

AccmigKind
accmig_device_info_get_kind (const AccmigDeviceInfo *info)
{
  return info->kind;
}

const char *
accmig_device_info_get_driver (const AccmigDeviceInfo *info)
{
  return info->driver;
}

gboolean
accmig_device_info_is_vfio (const AccmigDeviceInfo *info)
{
  return info->vfio;
}

const char *
accmig_device_info_get_variant (const AccmigDeviceInfo *info)
{
  return info->variant;
}

const char *
accmig_device_info_get_pf (const AccmigDeviceInfo *info)
{
  return info->pf;
}

const char *
accmig_device_info_get_pf_driver (const AccmigDeviceInfo *info)
{
  return info->pf_driver;
}

int
accmig_device_info_get_vf_index (const AccmigDeviceInfo *info)
{
  return info->vf_index;
}

guint
accmig_device_info_get_num_vfs (const AccmigDeviceInfo *info)
{
  return info->num_vfs;
}

int
accmig_device_info_get_group (const AccmigDeviceInfo *info)
{
  return info->group;
}

int
accmig_device_info_get_numa_node (const AccmigDeviceInfo *info)
{
  return info->numa_node;
}

guint
accmig_device_info_get_vendor_id (const AccmigDeviceInfo *info)
{
  return info->vendor_id;
}

guint
accmig_device_info_get_device_id (const AccmigDeviceInfo *info)
{
  return info->device_id;
}

guint
accmig_device_info_get_revision (const AccmigDeviceInfo *info)
{
  return info->revision;
}

const char *
accmig_device_info_get_mdev_type (const AccmigDeviceInfo *info)
{
  return info->mdev_type;
}

const char *
accmig_device_info_get_family (const AccmigDeviceInfo *info)
{
  return info->family;
}

const char *
accmig_device_info_get_owner (const AccmigDeviceInfo *info)
{
  return info->driver != NULL && !info->vfio ? "host" : "free";
}
