/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <accmig/error.h>

/*
 * The devices of one host, as sysfs tells them: VFs and mdevs that can be given to a guest.
 *
 * An inventory is a snapshot: read it again when something changed. It opens no device.
 */

typedef struct _AccmigInventory AccmigInventory;
typedef struct _AccmigDeviceInfo AccmigDeviceInfo;

typedef enum
{
  ACCMIG_KIND_PCI,  /* a VF */
  ACCMIG_KIND_MDEV, /* a mediated device */
} AccmigKind;

/**
 * accmig_kind_to_string:
 * Returns: "pci" or "mdev"; static
 */
ACCMIG_API const char *accmig_kind_to_string (AccmigKind kind);

/**
 * accmig_address_is_valid:
 * @address: (nullable)
 * Returns: whether it is a canonical PCI address ("0000:75:00.1", lower case, four to eight domain digits) or
 *   a canonical lower-case UUID. Everything that becomes part of a path is checked with this first
 */
ACCMIG_API gboolean accmig_address_is_valid (const char *address, AccmigKind *ret_kind);

/**
 * accmig_inventory_read:
 * @sysfs_fd: directory fd of sysfs, or of a tree that looks like it
 * @error: IO when @sysfs_fd is no open directory
 * Returns: (transfer full) (nullable): the snapshot. A host without PCI or mdev bus gives an empty one;
 *   a device that vanishes while it is read is left out
 */
ACCMIG_API AccmigInventory *accmig_inventory_read (int sysfs_fd, GError **error);

ACCMIG_API void accmig_inventory_free (AccmigInventory *inventory);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (AccmigInventory, accmig_inventory_free)

/**
 * accmig_inventory_size:
 * Returns: the number of devices; they are sorted by address, VFs first
 */
ACCMIG_API gsize accmig_inventory_size (const AccmigInventory *inventory);

/**
 * accmig_inventory_get:
 * Returns: (transfer none): device number @index, valid as long as the inventory
 */
ACCMIG_API const AccmigDeviceInfo *accmig_inventory_get (const AccmigInventory *inventory, gsize index);

/**
 * accmig_inventory_lookup:
 * Returns: (transfer none) (nullable): the device with @address
 */
ACCMIG_API const AccmigDeviceInfo *accmig_inventory_lookup (const AccmigInventory *inventory,
                                                            const char *address);

/**
 * accmig_mdev_parents:
 * @sysfs_fd: directory fd of sysfs
 * @type: an mdev type, "mtty-1"
 * Returns: (transfer full): the names of the devices that have an instance of it left, sorted, as
 *   accmig_device_info_get_pf() of its mdevs would give them; empty when there is none
 */
ACCMIG_API char **accmig_mdev_parents (int sysfs_fd, const char *type);

/* Getters. Strings are borrowed and live as long as the inventory; NULL where sysfs says nothing. */

ACCMIG_API const char *accmig_device_info_get_address (const AccmigDeviceInfo *info);
ACCMIG_API AccmigKind accmig_device_info_get_kind (const AccmigDeviceInfo *info);
/** accmig_device_info_get_driver: Returns: (nullable): name of the bound driver */
ACCMIG_API const char *accmig_device_info_get_driver (const AccmigDeviceInfo *info);
/** accmig_device_info_is_vfio: Returns: whether the bound driver is a VFIO driver (has vfio-dev/) */
ACCMIG_API gboolean accmig_device_info_is_vfio (const AccmigDeviceInfo *info);
/** accmig_device_info_get_variant: Returns: (nullable): the best VFIO variant driver by modules.alias, the
 * one libvirt would choose for managed='yes'; "vfio-pci" when only the catch-all matches; NULL for an mdev,
 * and when modules.alias cannot be read */
ACCMIG_API const char *accmig_device_info_get_variant (const AccmigDeviceInfo *info);
/** accmig_device_info_get_pf: Returns: (nullable): PCI address of the PF, or the parent of an mdev */
ACCMIG_API const char *accmig_device_info_get_pf (const AccmigDeviceInfo *info);
ACCMIG_API const char *accmig_device_info_get_pf_driver (const AccmigDeviceInfo *info);
/** accmig_device_info_get_vf_index: Returns: K of the PF's virtfnK, -1 for an mdev */
ACCMIG_API int accmig_device_info_get_vf_index (const AccmigDeviceInfo *info);
/** accmig_device_info_get_num_vfs: Returns: the PF's sriov_numvfs, 0 for an mdev */
ACCMIG_API guint accmig_device_info_get_num_vfs (const AccmigDeviceInfo *info);
/** accmig_device_info_get_group: Returns: number of the IOMMU group, -1 for none */
ACCMIG_API int accmig_device_info_get_group (const AccmigDeviceInfo *info);
/** accmig_device_info_get_numa_node: Returns: NUMA node, -1 when unknown */
ACCMIG_API int accmig_device_info_get_numa_node (const AccmigDeviceInfo *info);
ACCMIG_API guint accmig_device_info_get_vendor_id (const AccmigDeviceInfo *info);
ACCMIG_API guint accmig_device_info_get_device_id (const AccmigDeviceInfo *info);
ACCMIG_API guint accmig_device_info_get_revision (const AccmigDeviceInfo *info);
/** accmig_device_info_get_mdev_type: Returns: (nullable): type id ("mtty-1") of an mdev */
ACCMIG_API const char *accmig_device_info_get_mdev_type (const AccmigDeviceInfo *info);
/** accmig_device_info_get_family: Returns: family whose rules apply ("hisi_acc", "migsim", … "generic"), from
 *  the ids, or the parent of an mdev; static */
ACCMIG_API const char *accmig_device_info_get_family (const AccmigDeviceInfo *info);
/** accmig_device_info_get_owner: Returns: "host" when a native driver is bound, else "free": sysfs knows no
 *  guests */
ACCMIG_API const char *accmig_device_info_get_owner (const AccmigDeviceInfo *info);
