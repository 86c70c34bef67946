// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Directories
 */

#include "directory.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

DIR *
directory_open_at (int dir_fd, const char *path)
{
  int fd = openat (dir_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *dir = fd < 0 ? NULL : fdopendir (fd);
  int number = errno;

  if (dir == NULL && fd >= 0)
    close (fd);
  errno = number;
  return dir;
}
