// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The end of a domain's log
 *
 * The name becomes part of a path that root opens, so it may name nothing but a file in that one folder: no
 * slash, no leading dot, no symbolic link, no pipe that would hold us up.
 */

#include "log-tail.h"

#include <accmig/error.h>
#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOG_SUFFIX ".log"

static gboolean
name_is_plain (const char *domain)
{
  gsize length = strlen (domain);

  return length > 0 && length + strlen (LOG_SUFFIX) <= NAME_MAX && *domain != '.'
         && strchr (domain, '/') == NULL;
}

static int
open_beneath (const char *dir, const char *name)
{
  int dir_fd = open (dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
  int fd = -1;
  int number;

  if (dir_fd < 0)
    return -1;
  fd = openat (dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  number = errno;
  close (dir_fd);
  errno = number;
  return fd;
}

/* A log that grows meanwhile gives its older end, one that shrinks gives less. */
static gssize
read_from (int fd, off_t start, guint8 *data, gsize max)
{
  gsize length = 0;

  while (length < max)
    {
      ssize_t n = pread (fd, data + length, max - length, start + (off_t)length);

      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        return -1;
      if (n == 0)
        break;
      length += (gsize)n;
    }
  return (gssize)length;
}

static GBytes *
read_tail (int fd, gsize max, GError **error)
{
  g_autofree guint8 *data = NULL;
  struct stat st;
  gssize length;

  if (fstat (fd, &st) < 0 || !S_ISREG (st.st_mode))
    {
      g_set_error_literal (error, ACCMIG_ERROR, ACCMIG_ERROR_IO, "the log is no regular file");
      return NULL;
    }
  data = g_malloc (max);
  length = read_from (fd, MAX (st.st_size - (off_t)max, 0), data, max);
  if (length < 0)
    {
      g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_IO, "cannot read the log: %s", g_strerror (errno));
      return NULL;
    }
  return g_bytes_new_take (g_steal_pointer (&data), (gsize)length);
}

GBytes *
log_tail_read (const char *dir, const char *domain, gsize max, GError **error)
{
  g_autofree char *name = g_strconcat (domain, LOG_SUFFIX, NULL);
  GBytes *tail;
  int fd;

  if (!name_is_plain (domain))
    {
      g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_INVALID, "“%s” is no name of a domain's log", domain);
      return NULL;
    }
  fd = open_beneath (dir, name);
  if (fd < 0)
    {
      g_set_error (error, ACCMIG_ERROR, errno == ENOENT ? ACCMIG_ERROR_NOT_FOUND : ACCMIG_ERROR_IO,
                   "cannot open the log of domain “%s”: %s", domain, g_strerror (errno));
      return NULL;
    }
  tail = read_tail (fd, max, error);
  close (fd);
  return tail;
}
