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
#include "interrupt.h"
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
save (Client *client, const Call *call, int fd, const Relay *relay, Transferred *ret_transferred,
      GError **error)
{
  const Transfer transfer = { .member = "SaveState", .address = call->words[0], .fd = fd, .relay = relay };

  return client_transfer (client, &transfer, ret_transferred, error);
}

static gboolean
save_to_file (const Call *call, const char *name, GError **error)
{
  g_autoptr (Client) client = may_write (name, call->force, error) ? client_new (NULL, error) : NULL;
  g_auto (Interrupt) G_GNUC_UNUSED interrupt = interrupt_hold ();
  g_auto (Draft) draft = { .fd = -1 }; /* goes first */
  Transferred transferred;

  if (client == NULL || !draft_open (&draft, name, 0600, error)
      || !save (client, call, draft.fd, NULL, &transferred, error) || !may_write (name, call->force, error)
      || !draft_commit (&draft, name, error))
    return FALSE;
  transfer_print (stdout, call, name, &transferred);
  return TRUE;
}

/* Into a pipe, where nothing but a relay knows how much went through. Costs a copy, so only for a person. */
static gboolean
save_through_relay (Client *client, const Call *call, Transferred *ret_transferred, GError **error)
{
  g_autoptr (Relay) relay = relay_new (STDOUT_FILENO, error);

  return relay != NULL && save (client, call, relay_get_fd (relay), relay, ret_transferred, error)
         && relay_finish (relay, error);
}

static gboolean
save_to_output (const Call *call, GError **error)
{
  g_autoptr (Client) client = NULL;
  gboolean count = isatty (STDERR_FILENO) && lseek (STDOUT_FILENO, 0, SEEK_CUR) < 0;
  Transferred transferred;

  if (isatty (STDOUT_FILENO))
    {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                   "the standard output is a terminal, which a state is nothing for");
      return FALSE;
    }
  client = client_new (NULL, error);
  if (client == NULL
      || (count ? !save_through_relay (client, call, &transferred, error)
                : !save (client, call, STDOUT_FILENO, NULL, &transferred, error)))
    return FALSE;
  transfer_print (stderr, call, "-", &transferred);
  return TRUE;
}

Status
state_save_run (const Call *call, GError **error)
{
  const char *name = call->words[1];
  gboolean saved = g_str_equal (name, "-") ? save_to_output (call, error) : save_to_file (call, name, error);

  return saved ? STATUS_DONE : STATUS_FAILED;
}
