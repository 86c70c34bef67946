/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <errno.h>
#include <unistd.h>

#include <glib.h>

/* A file descriptor that closes itself: g_auto(AutoFd) fd = -1. Hand it over with g_steal_fd(). */
typedef int AutoFd;

static inline void
auto_fd_close (int fd)
{
  int saved = errno;

  (void)close (fd);
  errno = saved;
}

G_DEFINE_AUTO_CLEANUP_FREE_FUNC (AutoFd, auto_fd_close, -1)
