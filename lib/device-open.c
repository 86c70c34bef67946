// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Opening a device
 *
 * Two ways lead to a device's fd. The group: put the group into a type1 container, ask it for the device by
 * name. The cdev: open the device's own node and bind it to an iommufd. Either is exclusive, and each errno
 * on the way means something else there than anywhere; the table of reasons says what.
 *
 * The device is made first and collects what is opened, so giving up half-way is closing it.
 *
 * One pair of driver and kernel must never be asked for a device through its group: it brings the host down.
 */

#include "device-private.h"

#include <accmig/inventory.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "error-private.h"
#include "hisi-acc.h"
#include "release.h"
#include "vfio-uapi.h"

#define CONTAINER_PATH "/dev/vfio/vfio"
#define IOMMUFD_PATH   "/dev/iommu"
#define CDEV_PREFIX    "/dev/vfio/devices/"

typedef enum
{
  STEP_OPEN_CONTAINER,
  STEP_OPEN_GROUP,
  STEP_GET_STATUS,
  STEP_SET_CONTAINER,
  STEP_SET_IOMMU,
  STEP_GET_DEVICE,
  STEP_OPEN_IOMMUFD,
  STEP_OPEN_CDEV,
  STEP_BIND,
} Step;

#define N_STEPS 9

/* clang-format off */
static const char *const step_names[] = {
  [STEP_OPEN_CONTAINER] = "opening " CONTAINER_PATH,
  [STEP_OPEN_GROUP]     = "opening its group",
  [STEP_GET_STATUS]     = "reading its group's status",
  [STEP_SET_CONTAINER]  = "putting its group into a container",
  [STEP_SET_IOMMU]      = "setting the container's IOMMU type",
  [STEP_GET_DEVICE]     = "getting it from its group",
  [STEP_OPEN_IOMMUFD]   = "opening " IOMMUFD_PATH,
  [STEP_OPEN_CDEV]      = "opening its cdev",
  [STEP_BIND]           = "binding it to an iommufd",
};
G_STATIC_ASSERT (G_N_ELEMENTS (step_names) == N_STEPS);

#define FOREIGN_IOMMU "its IOMMU group belongs to somebody else, or the host cannot isolate interrupts"

/* What an errno means at a step, where it means more than its own text. */
static const struct
{
  Step step;
  int number;
  AccmigError code;
  const char *meaning;
} reasons[] = {
  { STEP_OPEN_GROUP,    EBUSY,  ACCMIG_ERROR_BUSY,      "somebody has its group or a cdev of it open" },
  { STEP_SET_CONTAINER, EPERM,  ACCMIG_ERROR_BUSY,      FOREIGN_IOMMU },
  { STEP_SET_IOMMU,     EPERM,  ACCMIG_ERROR_IO,        "the host cannot isolate interrupts and unsafe ones are not allowed" },
  { STEP_GET_DEVICE,    ENODEV, ACCMIG_ERROR_NOT_FOUND, "its group does not know it" },
  { STEP_GET_DEVICE,    EACCES, ACCMIG_ERROR_IO,        "its PF is bound to vfio-pci and wants a VF token" },
  { STEP_BIND,          EBUSY,  ACCMIG_ERROR_BUSY,      "somebody has its group open" },
  { STEP_BIND,          EINVAL, ACCMIG_ERROR_BUSY,      "somebody has it open through another cdev fd" },
  { STEP_BIND,          EPERM,  ACCMIG_ERROR_BUSY,      FOREIGN_IOMMU },
  { STEP_BIND,          EACCES, ACCMIG_ERROR_IO,        "its PF is bound to vfio-pci and wants a VF token" },
};
/* clang-format on */

static gboolean
fail_step (const AccmigDevice *device, Step step, int number, GError **error)
{
  for (gsize i = 0; i < G_N_ELEMENTS (reasons); i++)
    if (reasons[i].step == step && reasons[i].number == number)
      return fail (error, reasons[i].code, "cannot open %s: %s failed: %s (%s)", device_get_name (device),
                   step_names[step], reasons[i].meaning, g_strerror (number));
  return fail_errno (error, number, "cannot open %s: %s failed", device_get_name (device), step_names[step]);
}

/* The fd is the device's to close. */
static gboolean
open_and_hold (AccmigDevice *device, const char *path, Step step, int *ret_fd, GError **error)
{
  int fd = device_get_kernel (device)->open (path, O_RDWR | O_CLOEXEC);

  if (fd < 0)
    return fail_step (device, step, errno, error);
  device_hold (device, fd);
  *ret_fd = fd;
  return TRUE;
}

static gboolean
check_viable (AccmigDevice *device, int group, GError **error)
{
  struct uapi_group_status status = { .argsz = sizeof status };

  if (device_get_kernel (device)->ioctl (group, UAPI_GROUP_GET_STATUS, &status) < 0)
    return fail_step (device, STEP_GET_STATUS, errno, error);
  if ((status.flags & UAPI_GROUP_VIABLE) == 0)
    return fail (error, ACCMIG_ERROR_BUSY,
                 "cannot open %s: another device of its IOMMU group is bound to a driver that is not VFIO's",
                 device_get_name (device));
  return TRUE;
}

gboolean
device_check_group_is_safe (const AccmigKernel *kernel, const char *address, const DeviceNode *node,
                            GError **error)
{
  struct utsname host;

  if (g_strcmp0 (node->driver, HISI_ACC_DRIVER) != 0 || kernel->uname (&host) < 0
      || release_series (release_parse (host.release)) != HISI_ACC_BAD_SERIES)
    return TRUE;
  return fail (
      error, ACCMIG_ERROR_UNSUPPORTED,
      "cannot open %s through its group: with %s this crashes Linux %s; a cdev or Linux 6.19 is needed",
      address, node->driver, host.release);
}

static gboolean
get_device_from_group (AccmigDevice *device, int container, int group, GError **error)
{
  const AccmigKernel *kernel = device_get_kernel (device);
  g_autofree char *name = g_strdup (device_get_name (device));
  int fd;

  if (kernel->ioctl (group, UAPI_GROUP_SET_CONTAINER, &container) < 0)
    return fail_step (device, STEP_SET_CONTAINER, errno, error);
  if (kernel->ioctl (container, UAPI_SET_IOMMU, GINT_TO_POINTER (UAPI_IOMMU_TYPE1_V2)) < 0)
    return fail_step (device, STEP_SET_IOMMU, errno, error);
  fd = kernel->ioctl (group, UAPI_GROUP_GET_DEVICE_FD, name);
  if (fd < 0)
    return fail_step (device, STEP_GET_DEVICE, errno, error);
  device_take_fd (device, fd);
  return TRUE;
}

static AccmigDevice *
open_group (const AccmigKernel *kernel, const char *address, const DeviceNode *node, GError **error)
{
  g_autoptr (AccmigDevice) device = device_new (kernel, address, ACCMIG_ACCESS_GROUP, TRUE);
  int container, group;

  if (!device_check_group_is_safe (kernel, address, node, error))
    return NULL;
  if (node->group_path == NULL)
    {
      fail (error, ACCMIG_ERROR_NOT_FOUND, "cannot open %s: it is in no IOMMU group", address);
      return NULL;
    }
  if (!open_and_hold (device, CONTAINER_PATH, STEP_OPEN_CONTAINER, &container, error)
      || !open_and_hold (device, node->group_path, STEP_OPEN_GROUP, &group, error)
      || !check_viable (device, group, error) || !get_device_from_group (device, container, group, error))
    return NULL;
  return g_steal_pointer (&device);
}

static AccmigDevice *
open_cdev (const AccmigKernel *kernel, const char *address, const DeviceNode *node, GError **error)
{
  g_autoptr (AccmigDevice) device = device_new (kernel, address, ACCMIG_ACCESS_CDEV, TRUE);
  struct uapi_bind_iommufd bind = { .argsz = sizeof bind };
  int iommufd, fd;

  if (!open_and_hold (device, IOMMUFD_PATH, STEP_OPEN_IOMMUFD, &iommufd, error))
    return NULL;
  fd = kernel->open (node->cdev_path, O_RDWR | O_CLOEXEC);
  if (fd < 0)
    {
      fail_step (device, STEP_OPEN_CDEV, errno, error);
      return NULL;
    }
  device_take_fd (device, fd);
  bind.iommufd = iommufd;
  if (kernel->ioctl (fd, UAPI_DEVICE_BIND_IOMMUFD, &bind) < 0)
    {
      fail_step (device, STEP_BIND, errno, error);
      return NULL;
    }
  return g_steal_pointer (&device);
}

/* A host without iommufd lacks one of the two nodes, or the module behind it (then NOT_FOUND for ENODEV). */
static AccmigDevice *
open_auto (const AccmigKernel *kernel, const char *address, const DeviceNode *node, GError **error)
{
  g_autoptr (GError) cdev_error = NULL;
  AccmigDevice *device = open_cdev (kernel, address, node, &cdev_error);

  if (device != NULL)
    return device;
  if (g_error_matches (cdev_error, ACCMIG_ERROR, ACCMIG_ERROR_NOT_FOUND))
    return open_group (kernel, address, node, error);
  g_propagate_error (error, g_steal_pointer (&cdev_error));
  return NULL;
}

AccmigDevice *
device_open_with (const AccmigKernel *kernel, int sysfs_fd, const char *address, AccmigAccess access,
                  GError **error)
{
  static AccmigDevice *(*const openers[]) (const AccmigKernel *, const char *, const DeviceNode *,
                                           GError **) = {
    [ACCMIG_ACCESS_AUTO] = open_auto,
    [ACCMIG_ACCESS_GROUP] = open_group,
    [ACCMIG_ACCESS_CDEV] = open_cdev,
  };
  g_auto (DeviceNode) node = DEVICE_NODE_INIT;
  AccmigDevice *device;
  AccmigKind kind;

  g_return_val_if_fail ((guint)access < G_N_ELEMENTS (openers), NULL);
  if (!device_node_resolve (sysfs_fd, address, &node, error))
    return NULL;
  device = openers[access](kernel, address, &node, error);
  if (device != NULL && accmig_address_is_valid (address, &kind) && kind == ACCMIG_KIND_MDEV)
    device_set_leftover (device);
  return device;
}

AccmigDevice *
accmig_device_open (int sysfs_fd, const char *address, AccmigAccess access, GError **error)
{
  return device_open_with (&accmig_kernel_libc, sysfs_fd, address, access, error);
}

/* (nullable) (transfer full): where the link in /proc leads: to a cdev, or it has no name. */
static char *
read_link_of (int fd)
{
  g_autofree char *path = g_strdup_printf ("/proc/self/fd/%d", fd);

  return g_file_read_link (path, NULL);
}

static gboolean
is_cdev_link (const char *link)
{
  return link != NULL && g_str_has_prefix (link, CDEV_PREFIX);
}

gboolean
accmig_fd_is_device (int fd)
{
  g_autofree char *link = read_link_of (fd);

  return is_cdev_link (link) || g_strcmp0 (link, DEVICE_GROUP_LINK) == 0;
}

AccmigDevice *
accmig_device_new_from_fd (int fd, const char *name, gboolean may_drive)
{
  g_autofree char *link = read_link_of (fd);
  AccmigAccess access = is_cdev_link (link) ? ACCMIG_ACCESS_CDEV : ACCMIG_ACCESS_GROUP;
  AccmigDevice *device = device_new (&accmig_kernel_libc, name, access, may_drive);

  device_take_fd (device, fd);
  return device;
}
