// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Transfers of a device's state
 *
 * The agent gets the descriptor itself, so what went through is seen at the file's position, which both
 * share. A state may be large and a device slow: there is no limit, but progress, and Ctrl-C.
 */

#include "client-private.h"

#include <accmig/error.h>
#include <errno.h>
#include <glib-unix.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/names.h"
#include "text.h"

#define PROGRESS_MSEC 500
#define CLEAR_LINE    "\r\033[K"

typedef struct
{
  Client *client;
  GMainLoop *loop;
  int fd;
  const char *address;
  gboolean shown; /* there is a line of progress on the terminal */
  guint64 bytes;
  GError *error; /* (nullable) */
} Transfer;

static int
on_reply (sd_bus_message *reply, void *user, sd_bus_error *ret_error)
{
  Transfer *transfer = user;
  int r = 0;

  if (sd_bus_message_is_method_error (reply, NULL))
    client_fail (transfer->client, sd_bus_message_get_error (reply), &transfer->error);
  else
    r = sd_bus_message_read (reply, "t", &transfer->bytes);
  if (r < 0)
    client_fail_errno (transfer->client, r, &transfer->error);
  g_main_loop_quit (transfer->loop);
  return 1;
}

static gboolean
on_signal (gpointer user)
{
  Transfer *transfer = user;

  if (transfer->error == NULL)
    g_set_error (&transfer->error, ACCMIG_ERROR, ACCMIG_ERROR_IO,
                 "interrupted; the agent goes on with %s to the end", transfer->address);
  g_main_loop_quit (transfer->loop);
  return G_SOURCE_CONTINUE;
}

static void
on_closed (sd_bus *bus, gpointer user)
{
  Transfer *transfer = user;

  if (transfer->error == NULL)
    client_fail_errno (transfer->client, -ECONNRESET, &transfer->error);
  g_main_loop_quit (transfer->loop);
}

static gboolean
on_progress (gpointer user)
{
  Transfer *transfer = user;
  off_t position = lseek (transfer->fd, 0, SEEK_CUR);
  g_autofree char *bytes = position >= 0 ? text_bytes ((guint64)position) : g_strdup ("…");

  fprintf (stderr, CLEAR_LINE "%s: %s", transfer->address, bytes);
  transfer->shown = TRUE;
  return G_SOURCE_CONTINUE;
}

static int
send_call (Transfer *transfer, const char *member)
{
  g_autoptr (sd_bus_message) message = NULL;
  int r = client_new_call (transfer->client, ACCMIG_IFACE_MANAGER, member, &message);

  if (r >= 0)
    r = sd_bus_message_append (message, "sh", transfer->address, transfer->fd);
  if (r >= 0)
    r = sd_bus_call_async (transfer->client->bus, NULL, message, on_reply, transfer, G_MAXUINT64);
  return r;
}

/* Sends the call and waits for its answer, a signal or the end of the connection. Signals are caught first,
 * as the caller may have a file to take away after one. */
static int
run (Transfer *transfer, const char *member)
{
  guint sources[] = {
    g_unix_signal_add (SIGINT, on_signal, transfer),
    g_unix_signal_add (SIGTERM, on_signal, transfer),
    bus_loop_attach (transfer->client->bus, on_closed, transfer),
    isatty (STDERR_FILENO) ? g_timeout_add (PROGRESS_MSEC, on_progress, transfer) : 0,
  };
  int r = send_call (transfer, member);

  if (r >= 0)
    g_main_loop_run (transfer->loop);
  for (gsize i = 0; i < G_N_ELEMENTS (sources); i++)
    g_clear_handle_id (&sources[i], g_source_remove);
  if (transfer->shown)
    fputs (CLEAR_LINE, stderr);
  return r;
}

gboolean
client_transfer (Client *self, const char *member, const char *address, int fd, guint64 *ret_bytes,
                 GError **error)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  Transfer transfer = { .client = self, .loop = loop, .fd = fd, .address = address };
  int r = 0;

  if (!client_check_text (address, error))
    return FALSE;
  r = run (&transfer, member);
  if (r < 0)
    return client_fail_errno (self, r, error);
  if (transfer.error != NULL)
    {
      g_propagate_error (error, transfer.error);
      return FALSE;
    }
  *ret_bytes = transfer.bytes;
  return TRUE;
}
