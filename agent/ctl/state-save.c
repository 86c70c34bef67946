// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * accmigctl state save
 *
 * The agent writes into a file of a temporary name beside the wanted one, which gets its name when everything
 * is on the disk; so there is never half a state under the name somebody looks for.
 */

#include "call.h"

#include <accmig/error.h>
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <unistd.h>

#include "client.h"
#include "transfer.h"

/* A file that is being written; removed unless it was given its name. */
typedef struct
{
  char *path; /* (nullable) */
  int fd;
} Draft;

static void
draft_clear (Draft *draft)
{
  if (draft->fd >= 0)
    (void)close (draft->fd);
  if (draft->path != NULL)
    (void)g_unlink (draft->path);
  g_free (draft->path);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Draft, draft_clear)

static gboolean
fail_errno (const char *name, int number, GError **error)
{
  g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_IO, "%s cannot be written: %s", name, g_strerror (number));
  return FALSE;
}

/* Asked before and after the transfer, which may take long. Whoever makes the file between the second time
 * and the renaming loses it. */
static gboolean
may_write (const char *name, gboolean force, GError **error)
{
  GStatBuf buffer;

  if (force || g_lstat (name, &buffer) < 0)
    return TRUE;
  g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_IO, "%s is there already; --force overwrites it", name);
  return FALSE;
}

static gboolean
draft_open (Draft *draft, const char *name, GError **error)
{
  draft->path = g_strconcat (name, ".XXXXXX", NULL);
  draft->fd = g_mkstemp_full (draft->path, O_RDWR | O_CLOEXEC, 0600);
  if (draft->fd >= 0)
    return TRUE;
  g_clear_pointer (&draft->path, g_free);
  return fail_errno (name, errno, error);
}

static gboolean
draft_commit (Draft *draft, const char *name, GError **error)
{
  if (fsync (draft->fd) < 0 || g_rename (draft->path, name) < 0)
    return fail_errno (name, errno, error);
  g_clear_pointer (&draft->path, g_free);
  return TRUE;
}

static gboolean
save_to_file (const Call *call, const char *name, guint64 *ret_bytes, GError **error)
{
  g_autoptr (Client) client = may_write (name, call->force, error) ? client_new (NULL, error) : NULL;
  g_auto (Draft) draft = { .fd = -1 };

  return client != NULL && draft_open (&draft, name, error)
         && client_transfer (client, "SaveState", call->words[0], draft.fd, ret_bytes, error)
         && may_write (name, call->force, error) && draft_commit (&draft, name, error);
}

static gboolean
save_to_output (const Call *call, GError **error)
{
  g_autoptr (Client) client = NULL;
  guint64 bytes = 0;

  if (isatty (STDOUT_FILENO))
    {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                   "the standard output is a terminal, which a state is nothing for");
      return FALSE;
    }
  client = client_new (NULL, error);
  return client != NULL
         && client_transfer (client, "SaveState", call->words[0], STDOUT_FILENO, &bytes, error);
}

Status
state_save_run (const Call *call, GError **error)
{
  const char *name = call->words[1];
  guint64 bytes = 0;

  if (g_str_equal (name, "-"))
    return save_to_output (call, error) ? STATUS_DONE : STATUS_FAILED;
  if (!save_to_file (call, name, &bytes, error))
    return STATUS_FAILED;
  transfer_print (call, name, bytes);
  return STATUS_DONE;
}
