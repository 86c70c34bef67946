// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The real kernel
 *
 * Thin wrappers, where the C library has a variadic function or none at all.
 */

#include "kernel-private.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <glib.h>

static int
libc_open (const char *path, int flags)
{
  return open (path, flags);
}

static int
libc_ioctl (int fd, unsigned long request, void *argument)
{
  return ioctl (fd, request, argument);
}

static int
libc_pidfd_open (pid_t pid)
{
  return (int)syscall (SYS_pidfd_open, pid, 0);
}

static int
libc_pidfd_getfd (int pidfd, int fd)
{
  return (int)syscall (SYS_pidfd_getfd, pidfd, fd, 0);
}

static void
libc_sleep (unsigned int milliseconds)
{
  g_usleep (milliseconds * 1000UL);
}

const AccmigKernel accmig_kernel_libc = {
  .open = libc_open,
  .close = close,
  .ioctl = libc_ioctl,
  .read = read,
  .write = write,
  .pidfd_open = libc_pidfd_open,
  .pidfd_getfd = libc_pidfd_getfd,
  .uname = uname,
  .sleep = libc_sleep,
};
