/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>
#include <sys/utsname.h>

/*
 * The seam to the kernel: the system calls that reach a VFIO device, as a table. Production uses
 * accmig_kernel_libc; a test passes a table of its own and plays the kernel. Members answer as libc does:
 * -1 and errno on failure.
 */
typedef struct
{
  int (*open) (const char *path, int flags);
  int (*close) (int fd);
  int (*ioctl) (int fd, unsigned long request, void *argument);
  ssize_t (*read) (int fd, void *buffer, size_t size);
  ssize_t (*write) (int fd, const void *buffer, size_t size);
  int (*pidfd_open) (pid_t pid);
  int (*pidfd_getfd) (int pidfd, int fd);
  int (*uname) (struct utsname *ret_host);
  void (*sleep) (unsigned int milliseconds);
} AccmigKernel;

extern const AccmigKernel accmig_kernel_libc;
