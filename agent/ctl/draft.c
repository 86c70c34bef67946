// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Drafts
 */

#include "draft.h"

#include <accmig/error.h>
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"

void
draft_clear (Draft *draft)
{
  if (draft->fd >= 0)
    (void)close (draft->fd);
  if (draft->path != NULL)
    (void)g_unlink (draft->path);
  g_free (draft->path);
}

static gboolean
fail_errno (const char *name, int number, GError **error)
{
  g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_IO, "%s cannot be written: %s", name, g_strerror (number));
  return FALSE;
}

gboolean
draft_open (Draft *draft, const char *name, int mode, GError **error)
{
  draft->path = g_strconcat (name, ".XXXXXX", NULL);
  draft->fd = g_mkstemp_full (draft->path, O_RDWR | O_CLOEXEC, 0600);
  if (draft->fd >= 0)
    return fchmod (draft->fd, (mode_t)mode) == 0 || fail_errno (name, errno, error);
  g_clear_pointer (&draft->path, g_free);
  return fail_errno (name, errno, error);
}

gboolean
draft_write (const Draft *draft, const char *text, GError **error)
{
  gsize length = strlen (text);

  while (length > 0)
    {
      ssize_t n = TEMP_FAILURE_RETRY (write (draft->fd, text, length));

      if (n < 0)
        return fail_errno (draft->path, errno, error);
      text += n;
      length -= (gsize)n;
    }
  return TRUE;
}

/* Without this a power failure may leave the directory as it was before, which is old but whole. */
static gboolean
sync_directory (const char *name, GError **error)
{
  g_autofree char *directory = g_path_get_dirname (name);
  g_auto (FileFd) fd = open (directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

  return (fd >= 0 && fsync (fd) == 0) || fail_errno (directory, errno, error);
}

gboolean
draft_commit (Draft *draft, const char *name, GError **error)
{
  if (fsync (draft->fd) < 0 || g_rename (draft->path, name) < 0)
    return fail_errno (name, errno, error);
  g_clear_pointer (&draft->path, g_free);
  return sync_directory (name, error);
}
