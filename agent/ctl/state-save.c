// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * accmigctl state save
 *
 * The agent writes into a draft, so there is never half a state under the name somebody looks for.
 */

#include "call.h"

#include <accmig/error.h>
#include <glib/gstdio.h>
#include <unistd.h>

#include "client.h"
#include "draft.h"
#include "transfer.h"

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
save_to_file (const Call *call, const char *name, guint64 *ret_bytes, GError **error)
{
  g_autoptr (Client) client = may_write (name, call->force, error) ? client_new (NULL, error) : NULL;
  g_auto (Draft) draft = { .fd = -1 };

  return client != NULL && draft_open (&draft, name, 0600, error)
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
