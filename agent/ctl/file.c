// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Files
 */

#include "file.h"

#include <accmig/error.h>
#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <glib/gstdio.h>
#include <sys/stat.h>

#define STEP 65536

const char *
file_label (const char *name)
{
  return g_str_equal (name, "-") ? "the standard input" : name;
}

static int
fail_errno (const char *name, int number, GError **error)
{
  g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_IO, "%s cannot be read: %s", file_label (name),
               g_strerror (number));
  return -1;
}

int
file_open (const char *name, GError **error)
{
  int fd =
      g_str_equal (name, "-") ? fcntl (STDIN_FILENO, F_DUPFD_CLOEXEC, 3) : open (name, O_RDONLY | O_CLOEXEC);

  return fd >= 0 ? fd : fail_errno (name, errno, error);
}

/* An empty file that nobody else finds, and that is gone when it is closed. */
static int
open_nameless (GError **error)
{
  g_autofree char *path = NULL;
  int fd = g_file_open_tmp ("accmigctl-XXXXXX", &path, error);

  if (fd >= 0)
    (void)g_unlink (path);
  return fd;
}

static gboolean
write_all (int fd, const guint8 *data, gsize length)
{
  while (length > 0)
    {
      ssize_t n = TEMP_FAILURE_RETRY (write (fd, data, length));

      if (n < 0)
        return FALSE;
      data += n;
      length -= (gsize)n;
    }
  return TRUE;
}

/* Returns: whether all of @from is in @to, which then stands at its start */
static gboolean
copy (const char *name, int from, int to, GError **error)
{
  g_autofree guint8 *buffer = g_malloc (STEP);
  ssize_t n = 0;

  while ((n = TEMP_FAILURE_RETRY (read (from, buffer, STEP))) > 0)
    if (!write_all (to, buffer, (gsize)n))
      {
        g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_IO, "%s cannot be copied to %s: %s", file_label (name),
                     g_get_tmp_dir (), g_strerror (errno));
        return FALSE;
      }
  if (n == 0 && lseek (to, 0, SEEK_SET) == 0)
    return TRUE;
  fail_errno (name, errno, error);
  return FALSE;
}

int
file_open_regular (const char *name, GError **error)
{
  g_auto (FileFd) fd = file_open (name, error);
  g_auto (FileFd) regular = -1;
  struct stat st;

  if (fd < 0)
    return -1;
  if (fstat (fd, &st) == 0 && S_ISREG (st.st_mode))
    return g_steal_fd (&fd);
  regular = open_nameless (error);
  return regular >= 0 && copy (name, fd, regular, error) ? g_steal_fd (&regular) : -1;
}

GBytes *
file_read (const char *name, gsize limit, GError **error)
{
  g_auto (FileFd) fd = file_open (name, error);
  g_autoptr (GByteArray) data = g_byte_array_new ();
  ssize_t n = 0;

  if (fd < 0)
    return NULL;
  do
    {
      guint old = data->len;

      g_byte_array_set_size (data, old + STEP);
      n = TEMP_FAILURE_RETRY (read (fd, data->data + old, STEP));
      if (n < 0)
        {
          fail_errno (name, errno, error);
          return NULL;
        }
      g_byte_array_set_size (data, old + (guint)n);
  } while (n > 0 && data->len <= limit);
  if (data->len <= limit)
    return g_byte_array_free_to_bytes (g_steal_pointer (&data));
  g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_LIMIT,
               "%s has more than %zu bytes, at most that many are read", file_label (name), limit);
  return NULL;
}
