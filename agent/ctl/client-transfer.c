// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Transfers of a device's state
 *
 * The agent gets the descriptor itself, so what went through is seen at the file's position, which both
 * share; a pipe has no position, so a relay counts. A state may be large and a device slow: there is no
 * limit, but progress, and Ctrl-C.
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
  const Transfer *transfer;
  GMainLoop *loop;
  gint64 begun;
  gint64 shown_at;     /* when progress was last shown … */
  guint64 shown_bytes; /* … and how much had gone through then */
  gboolean shown;      /* there is a line of progress on the terminal */
  guint64 bytes;
  GError *error; /* (nullable) */
} Run;

static int
on_reply (sd_bus_message *reply, void *user, sd_bus_error *ret_error)
{
  Run *run = user;
  int r = 0;

  if (sd_bus_message_is_method_error (reply, NULL))
    client_fail (run->client, sd_bus_message_get_error (reply), &run->error);
  else
    r = sd_bus_message_read (reply, "t", &run->bytes);
  if (r < 0)
    client_fail_errno (run->client, r, &run->error);
  g_main_loop_quit (run->loop);
  return 1;
}

static gboolean
on_signal (gpointer user)
{
  Run *run = user;

  if (run->error == NULL)
    g_set_error (&run->error, ACCMIG_ERROR, ACCMIG_ERROR_IO,
                 "interrupted; the agent breaks off what it does at %s", run->transfer->address);
  g_main_loop_quit (run->loop);
  return G_SOURCE_CONTINUE;
}

static void
on_closed (sd_bus *bus, gpointer user)
{
  Run *run = user;

  if (run->error == NULL)
    client_fail_errno (run->client, -ECONNRESET, &run->error);
  g_main_loop_quit (run->loop);
}

static guint64
count_bytes (const Run *run)
{
  off_t position;

  if (run->transfer->relay != NULL)
    return relay_get_bytes (run->transfer->relay);
  position = lseek (run->transfer->fd, 0, SEEK_CUR);
  return position > 0 ? (guint64)position : 0;
}

/* How much went through, of how much where that is known, and how fast just now. */
static gboolean
on_progress (gpointer user)
{
  Run *run = user;
  gint64 now = g_get_monotonic_time ();
  guint64 count = count_bytes (run);
  guint64 more = count - MIN (count, run->shown_bytes);
  g_autofree char *bytes = text_bytes (count);
  g_autofree char *total = run->transfer->total > 0 ? text_bytes (run->transfer->total) : NULL;
  g_autofree char *rate = text_rate (more, now - run->shown_at);

  fprintf (stderr, CLEAR_LINE "%s: %s%s%s, %s", run->transfer->address, bytes, total != NULL ? " of " : "",
           total != NULL ? total : "", rate);
  run->shown = TRUE;
  run->shown_at = now;
  run->shown_bytes = count;
  return G_SOURCE_CONTINUE;
}

static int
send_call (Run *run)
{
  const Transfer *transfer = run->transfer;
  g_autoptr (sd_bus_message) message = NULL;
  int r = client_new_call (run->client, ACCMIG_IFACE_MANAGER, transfer->member, &message);

  if (r >= 0)
    r = sd_bus_message_append (message, "sh", transfer->address, transfer->fd);
  if (r >= 0)
    r = sd_bus_call_async (run->client->bus, NULL, message, on_reply, run, G_MAXUINT64);
  return r;
}

/* Sends the call and waits for its answer, a signal or the end of the connection. Signals are caught first,
 * as the caller may have a file to take away after one. */
static int
run_to_end (Run *run)
{
  guint sources[] = {
    g_unix_signal_add (SIGINT, on_signal, run),
    g_unix_signal_add (SIGTERM, on_signal, run),
    bus_loop_attach (run->client->bus, on_closed, run),
    isatty (STDERR_FILENO) ? g_timeout_add (PROGRESS_MSEC, on_progress, run) : 0,
  };
  int r = send_call (run);

  if (r >= 0)
    g_main_loop_run (run->loop);
  for (gsize i = 0; i < G_N_ELEMENTS (sources); i++)
    g_clear_handle_id (&sources[i], g_source_remove);
  if (run->shown)
    fputs (CLEAR_LINE, stderr);
  return r;
}

gboolean
client_transfer (Client *self, const Transfer *transfer, Transferred *ret_transferred, GError **error)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  Run run = { .client = self, .transfer = transfer, .loop = loop, .begun = g_get_monotonic_time () };
  int r = 0;

  if (!client_check_text (transfer->address, error))
    return FALSE;
  run.shown_at = run.begun;
  r = run_to_end (&run);
  if (r < 0)
    return client_fail_errno (self, r, error);
  if (run.error != NULL)
    {
      g_propagate_error (error, run.error);
      return FALSE;
    }
  ret_transferred->bytes = run.bytes;
  ret_transferred->usec = g_get_monotonic_time () - run.begun;
  return TRUE;
}
