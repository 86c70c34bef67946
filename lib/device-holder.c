// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Who has a device open, and borrowing it from them
 *
 * /proc tells what a process has open. A holder is recognised by its group's or its device's node below
 * /dev/vfio, since a device that came out of a group has a link without a name ("anon_inode:[vfio-device]").
 * Kernels from 6.18 name the device in that fd's fdinfo.
 *
 * A device's own fd, where it can be told, is duplicated. Otherwise the group's fd is, and asked for the
 * device by name: that gives another fd of the very device, with no guessing and no reset.
 */

#include "device-private.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "directory.h"
#include "error-private.h"
#include "fd-private.h"
#include "vfio-uapi.h"

#define SYSPATH_KEY     "vfio-device-syspath:"
#define FDINFO_MAX_SIZE 4096

/* What an fd of another process is to the device we look for; the larger, the better to borrow through. */
typedef enum
{
  MATCH_NONE,
  MATCH_GROUP, /* its group */
  MATCH_NAMED, /* the device, out of its group, by fdinfo */
  MATCH_CDEV,  /* the device, by its own node */
} Match;

/* A process being looked into. */
typedef struct
{
  int proc_fd;
  pid_t pid;
  const char *address;
  const DeviceNode *node;
} Suspect;

/* What its fds told so far. */
typedef struct
{
  Match match;            /* the best */
  int number;             /* the fd it is of */
  gboolean names_devices; /* the kernel names devices in fdinfo */
  int failure;            /* the errno with which the process closed itself to a look, 0 for none */
} Look;

static void
keep_best (Look *look, Match match, int number)
{
  if (match <= look->match)
    return;
  look->match = match;
  look->number = number;
}

/* An fd that is gone by now says nothing; one that may not be looked at could be the one. */
static void
note_failure (Look *look, int failure)
{
  if (failure == EACCES || failure == EPERM)
    look->failure = failure;
}

/* A device out of a group: whether fdinfo, where the kernel names devices there, names this one. */
static void
look_at_fdinfo (const Suspect *suspect, int number, Look *look)
{
  g_autofree char *path = g_strdup_printf ("%d/fdinfo/%d", suspect->pid, number);
  char text[FDINFO_MAX_SIZE] = "";
  g_auto (AutoFd) fd = openat (suspect->proc_fd, path, O_RDONLY | O_CLOEXEC);
  g_auto (GStrv) lines = NULL;

  if (fd < 0 || read (fd, text, sizeof text - 1) < 0)
    note_failure (look, errno);
  lines = g_strsplit (text, "\n", -1);
  for (char **line = lines; *line != NULL; line++)
    {
      const char *name = strrchr (*line, '/');

      if (!g_str_has_prefix (*line, SYSPATH_KEY) || name == NULL)
        continue;
      look->names_devices = TRUE;
      if (strcmp (name + 1, suspect->address) == 0)
        keep_best (look, MATCH_NAMED, number);
    }
}

static void
look_at_fd (const Suspect *suspect, int number, Look *look)
{
  g_autofree char *path = g_strdup_printf ("%d/fd/%d", suspect->pid, number);
  char target[PATH_MAX];
  ssize_t length = readlinkat (suspect->proc_fd, path, target, sizeof target - 1);

  if (length < 0)
    {
      note_failure (look, errno);
      return;
    }
  target[length] = '\0';
  if (g_strcmp0 (target, suspect->node->cdev_path) == 0)
    keep_best (look, MATCH_CDEV, number);
  else if (g_strcmp0 (target, suspect->node->group_path) == 0)
    keep_best (look, MATCH_GROUP, number);
  else if (strcmp (target, DEVICE_GROUP_LINK) == 0)
    look_at_fdinfo (suspect, number, look);
}

/*
 * Where the kernel names devices, a group without a device of this name is no match: the process has another
 * device of it. 0, or an errno when nothing matched and not everything could be looked at.
 */
static int
find_fd (const Suspect *suspect, Match *ret_match, int *ret_number)
{
  g_autofree char *path = g_strdup_printf ("%d/fd", suspect->pid);
  g_autoptr (DIR) dir = directory_open_at (suspect->proc_fd, path);
  Look look = { 0 };

  if (dir == NULL)
    return errno;
  for (struct dirent *entry; (entry = readdir (dir)) != NULL;)
    if (g_ascii_isdigit (entry->d_name[0]))
      look_at_fd (suspect, atoi (entry->d_name), &look);
  if (look.match == MATCH_GROUP && look.names_devices)
    look.match = MATCH_NONE;
  *ret_match = look.match;
  *ret_number = look.number;
  return look.match == MATCH_NONE ? look.failure : 0;
}

gboolean
device_find_holder_in (int proc_fd, int sysfs_fd, const char *address, pid_t *ret_pid, GError **error)
{
  g_auto (DeviceNode) node = DEVICE_NODE_INIT;
  g_autoptr (DIR) dir = NULL;
  guint n_closed = 0;

  if (!device_node_resolve (sysfs_fd, address, &node, error))
    return FALSE;
  dir = directory_open_at (proc_fd, ".");
  if (dir == NULL)
    return fail_errno (error, errno, "cannot list processes");
  for (struct dirent *entry; (entry = readdir (dir)) != NULL;)
    {
      Suspect suspect = { proc_fd, atoi (entry->d_name), address, &node };
      Match match = MATCH_NONE;
      int number, failure;

      if (suspect.pid <= 0)
        continue;
      failure = find_fd (&suspect, &match, &number);
      n_closed += failure == EACCES || failure == EPERM;
      if (match == MATCH_NONE)
        continue;
      *ret_pid = suspect.pid;
      return TRUE;
    }
  if (n_closed > 0)
    return fail (error, ACCMIG_ERROR_IO, "cannot tell who has %s open: %u processes may not be looked into",
                 address, n_closed);
  *ret_pid = 0;
  return TRUE;
}

/* Out of a group that has several devices this opens, and thereby resets, one that its holder left closed. */
static int
get_from_group (const AccmigKernel *kernel, int group, const char *address)
{
  g_autofree char *name = g_strdup (address);
  int fd = kernel->ioctl (group, UAPI_GROUP_GET_DEVICE_FD, name);
  int result = fd < 0 ? -errno : fd;

  (void)kernel->close (group);
  return result;
}

/* An fd of the device, or a negative errno. */
static int
duplicate (const AccmigKernel *kernel, int pidfd, int number, Match match, const char *address)
{
  int copy = kernel->pidfd_getfd (pidfd, number);

  if (copy < 0)
    return -errno;
  return match == MATCH_GROUP ? get_from_group (kernel, copy, address) : copy;
}

static AccmigDevice *
borrow_through (const AccmigKernel *kernel, int pidfd, const Suspect *suspect, GError **error)
{
  AccmigDevice *device;
  Match match = MATCH_NONE;
  int number, fd;
  int failure = find_fd (suspect, &match, &number);

  if (failure != 0)
    {
      fail_errno (error, failure, "cannot borrow %s: cannot look at the files of process %d",
                  suspect->address, suspect->pid);
      return NULL;
    }
  if (match == MATCH_NONE)
    {
      fail (error, ACCMIG_ERROR_NOT_FOUND, "cannot borrow %s: process %d does not have it open",
            suspect->address, suspect->pid);
      return NULL;
    }
  if (match == MATCH_GROUP && !device_check_group_is_safe (kernel, suspect->address, suspect->node, error))
    return NULL;
  fd = duplicate (kernel, pidfd, number, match, suspect->address);
  if (fd < 0)
    {
      fail_errno (error, -fd, "cannot borrow %s from fd %d of process %d", suspect->address, number,
                  suspect->pid);
      return NULL;
    }
  device = device_new (kernel, suspect->address,
                       match == MATCH_CDEV ? ACCMIG_ACCESS_CDEV : ACCMIG_ACCESS_GROUP, FALSE);
  device_take_fd (device, fd);
  return device;
}

/* The pidfd comes first: whatever is found in /proc afterwards is taken from that process or from none. */
AccmigDevice *
device_borrow_with (const AccmigKernel *kernel, int proc_fd, int sysfs_fd, pid_t pid, const char *address,
                    GError **error)
{
  g_auto (DeviceNode) node = DEVICE_NODE_INIT;
  Suspect suspect = { proc_fd, pid, address, &node };
  AccmigDevice *device;
  int pidfd;

  if (!device_node_resolve (sysfs_fd, address, &node, error))
    return NULL;
  pidfd = kernel->pidfd_open (pid);
  if (pidfd < 0)
    {
      fail_errno (error, errno, "cannot borrow %s from process %d", address, pid);
      return NULL;
    }
  device = borrow_through (kernel, pidfd, &suspect, error);
  (void)kernel->close (pidfd);
  return device;
}

static int
open_proc (GError **error)
{
  int fd = open ("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

  if (fd < 0)
    fail_errno (error, errno, "cannot open /proc");
  return fd;
}

AccmigDevice *
accmig_device_borrow (int sysfs_fd, pid_t pid, const char *address, GError **error)
{
  g_auto (AutoFd) proc_fd = open_proc (error);

  if (proc_fd < 0)
    return NULL;
  return device_borrow_with (&accmig_kernel_libc, proc_fd, sysfs_fd, pid, address, error);
}

gboolean
accmig_device_find_holder (int sysfs_fd, const char *address, pid_t *ret_pid, GError **error)
{
  g_auto (AutoFd) proc_fd = open_proc (error);

  return proc_fd >= 0 && device_find_holder_in (proc_fd, sysfs_fd, address, ret_pid, error);
}
