// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Attributes of sysfs: writing
 *
 * A write is a request: the kernel carries it out before it returns, and what it thinks of it is the errno.
 * This is a file of its own so that a test can play the kernel.
 */

#include "attribute.h"

#include <accmig/error.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static AccmigError
code_of (int number)
{
  switch (number)
    {
    case ENOENT:
    case ENODEV:
      return ACCMIG_ERROR_NOT_FOUND;
    case EBUSY:
    case EEXIST:
      return ACCMIG_ERROR_BUSY;
    default:
      return ACCMIG_ERROR_IO;
    }
}

gboolean
attribute_write (int dir_fd, const char *path, const char *text, GError **error)
{
  int fd = openat (dir_fd, path, O_WRONLY | O_CLOEXEC);
  ssize_t length = fd >= 0 ? TEMP_FAILURE_RETRY (write (fd, text, strlen (text))) : -1;
  int number = length < 0 ? errno : 0;

  if (fd >= 0)
    (void)close (fd);
  if (number != 0)
    g_set_error (error, ACCMIG_ERROR, (int)code_of (number), "cannot write to %s: %s", path,
                 g_strerror (number));
  return number == 0;
}
