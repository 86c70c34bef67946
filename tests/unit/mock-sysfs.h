/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <glib.h>

/*
 * A temporary tree that looks like sysfs to whoever gets its directory fd: PFs, VFs, drivers, mdevs, with the
 * links between them as the kernel makes them. It is gone with the object. What cannot be done ends the test.
 */

typedef struct _MockSysfs MockSysfs;

MockSysfs *mock_sysfs_new (void);
void mock_sysfs_free (MockSysfs *mock);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MockSysfs, mock_sysfs_free)

/* Directory fd of the tree; the mock's own. */
int mock_sysfs_get_fd (const MockSysfs *mock);
/* Path of the tree. */
const char *mock_sysfs_get_root (const MockSysfs *mock);
/* Path of a modules.alias file that knows hisi_acc_vfio_pci, mlx5_vfio_pci, migsim and vfio-pci. */
const char *mock_sysfs_get_aliases (const MockSysfs *mock);

/* Writes the file at @path (relative to the tree), with the directories above it. */
void mock_sysfs_write (MockSysfs *mock, const char *path, const char *text);
/* Writes an attribute of the device @address (PCI address or mdev UUID). */
void mock_sysfs_set (MockSysfs *mock, const char *address, const char *attribute, const char *text);
/* Makes a link at @path, with the directories above it; @target is relative to where it lies. */
void mock_sysfs_link (MockSysfs *mock, const char *path, const char *target);
/* Removes a file, link or directory with all that is in it. */
void mock_sysfs_remove (MockSysfs *mock, const char *path);

/* A PCI function that is no VF, without a driver, on NUMA node 0. */
void mock_sysfs_add_pf (MockSysfs *mock, const char *address, guint vendor, guint device, guint revision);
/* VF number @index of @pf, with its vendor, revision and NUMA node, in an IOMMU group of its own. */
void mock_sysfs_add_vf (MockSysfs *mock, const char *pf, guint index, const char *address, guint device);
/* An mdev of mtty, bound to its driver. */
void mock_sysfs_add_mtty (MockSysfs *mock, const char *uuid, const char *type);

/* Binds a PCI function, from whatever it was bound to. @vfio: whether that is a VFIO driver. */
void mock_sysfs_bind (MockSysfs *mock, const char *address, const char *driver, gboolean vfio);
void mock_sysfs_unbind (MockSysfs *mock, const char *address);
