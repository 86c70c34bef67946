// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Peer link
 *
 * A report is a connection of its own: the host's name as a line to accmig-link, then D-Bus with the bus of
 * that host, where we are a client like any other; one call; the end. There is little to report and hours may
 * pass in between, so nothing is kept open.
 *
 * One timer stands above everything a report does, from its beginning to the answer.
 */

#include "peer-link.h"

#include "common/bus-loop.h"
#include "common/names.h"
#include "common/text.h"
#include "log.h"

#include <errno.h>
#include <gio/gio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define REPORTS_MAX   8  /* at a time; accmig-link.socket takes as many */
#define LIMIT_SECONDS 20 /* for ssh, its far end's bus and the agent there */

#define CAUSE_MAX_BYTES 1024 /* what the other side takes */

struct _PeerLink
{
  const Settings *settings;
  GHashTable *reports; /* set of Report *, owned */
};

typedef struct
{
  PeerLink *owner;
  char *domain;
  char *uuid;
  char *token;
  char *host;
  char *cause;
  sd_bus *bus; /* (nullable) */
  sd_bus_slot *slot;
  guint source;
  guint start; /* until it has begun */
  guint timer;
} Report;

static void
report_free (gpointer data)
{
  Report *report = data;

  g_clear_handle_id (&report->start, g_source_remove);
  g_clear_handle_id (&report->timer, g_source_remove);
  g_clear_handle_id (&report->source, g_source_remove);
  sd_bus_slot_unref (report->slot);
  g_clear_pointer (&report->bus, sd_bus_close_unref); /* no flush: it would wait for the other host */
  g_free (report->domain);
  g_free (report->uuid);
  g_free (report->token);
  g_free (report->host);
  g_free (report->cause);
  g_free (report);
}

PeerLink *
peer_link_new (const Settings *settings)
{
  PeerLink *self = g_new0 (PeerLink, 1);

  self->settings = settings;
  self->reports = g_hash_table_new_full (NULL, NULL, report_free, NULL);
  return self;
}

void
peer_link_free (PeerLink *self)
{
  if (self == NULL)
    return;
  g_hash_table_unref (self->reports);
  g_free (self);
}

/* ---- the end of a report ---- */

static void
log_untold (const PeerRefusal *refusal, const char *why)
{
  LogContext context = { .domain = refusal->domain, .uuid = refusal->uuid };

  log_event (LOG_EVENT_UNTOLD, &context, "%s is not told that “%s” was refused: %s", refusal->host,
             refusal->domain, why);
}

static void
end_report (Report *report)
{
  g_hash_table_remove (report->owner->reports, report);
}

static void
fail_report (Report *report, const char *why)
{
  log_untold (&(PeerRefusal){ .domain = report->domain, .uuid = report->uuid, .host = report->host }, why);
  end_report (report);
}

static int
on_answer (sd_bus_message *m, void *user, sd_bus_error *ret_error)
{
  Report *report = user;
  const sd_bus_error *error = sd_bus_message_get_error (m);

  if (error == NULL)
    {
      g_debug ("%s was told that “%s” was refused", report->host, report->domain);
      end_report (report);
    }
  else if (sd_bus_error_has_name (error, SD_BUS_ERROR_NO_REPLY))
    fail_report (report, "the link ended without an answer; accmig-link and ssh say why in the journal");
  else
    fail_report (report, error->message != NULL ? error->message : error->name);
  return 1; /* sd-bus looks no further: the connection is closed */
}

static void
on_closed (sd_bus *bus, gpointer user)
{
  Report *report = user;

  report->source = 0; /* it removes itself */
  fail_report (report, "the link is closed");
}

static gboolean
on_limit (gpointer user)
{
  Report *report = user;
  g_autofree char *why = g_strdup_printf ("no answer within %d s", LIMIT_SECONDS);

  report->timer = 0;
  fail_report (report, why);
  return G_SOURCE_REMOVE;
}

/* ---- its beginning ---- */

/* Returns: a socket that has taken the host's name, or a negative errno. Nothing of it waits. */
static int
open_link (const char *path, const char *host)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  g_autofree char *line = g_strconcat (host, "\n", NULL);
  int fd, r = 0;

  if (g_strlcpy (address.sun_path, path, sizeof address.sun_path) >= sizeof address.sun_path)
    return -ENAMETOOLONG;
  fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0)
    return -errno;
  if (connect (fd, (const struct sockaddr *)&address, sizeof address) < 0
      || send (fd, line, strlen (line), MSG_NOSIGNAL) < 0) /* so little goes whole or not at all */
    r = -errno;
  if (r < 0)
    (void)close (fd);
  return r < 0 ? r : fd;
}

/* A client of the other host's bus: it passes no file descriptors and trusts nothing that comes. */
static int
open_bus (Report *report, const char *path)
{
  g_autoptr (sd_bus) bus = NULL;
  int fd = open_link (path, report->host);
  int r = fd < 0 ? fd : sd_bus_new (&bus);

  if (r >= 0)
    r = sd_bus_set_description (bus, "peer");
  if (r >= 0)
    r = sd_bus_set_bus_client (bus, TRUE);
  if (r >= 0)
    r = sd_bus_set_fd (bus, fd, fd);
  if (r < 0)
    {
      if (fd >= 0)
        (void)close (fd);
      return r;
    }
  r = sd_bus_start (bus);
  if (r < 0)
    {
      sd_bus_close (bus); /* else its destructor would wait for the peer */
      return r;
    }
  report->source = bus_loop_attach (bus, on_closed, report);
  report->bus = g_steal_pointer (&bus);
  return 0;
}

static int
send_report (Report *report)
{
  g_autoptr (sd_bus_message) m = NULL;
  int r = sd_bus_message_new_method_call (report->bus, &m, ACCMIG_BUS_NAME, ACCMIG_OBJECT_ROOT,
                                          ACCMIG_IFACE_MANAGER, "ReportRefusal");

  if (r >= 0)
    r = sd_bus_message_append (m, "ssss", report->uuid, report->token, g_get_host_name (), report->cause);
  if (r >= 0)
    r = sd_bus_call_async (report->bus, &report->slot, m, on_answer, report, LIMIT_SECONDS * G_USEC_PER_SEC);
  return r;
}

static gboolean
on_start (gpointer user)
{
  Report *report = user;
  const char *path = settings_get_string (report->owner->settings, SETTING_LINK_SOCKET);
  int r = 0;

  report->start = 0;
  r = open_bus (report, path);
  if (r >= 0)
    r = send_report (report);
  if (r < 0)
    {
      g_autofree char *why = g_strdup_printf ("“%s”: %s", path, g_strerror (-r));

      fail_report (report, why);
    }
  return G_SOURCE_REMOVE;
}

/* Returns: (transfer full): a cause as the other side takes it */
static char *
make_cause (const char *cause)
{
  char *text = g_utf8_make_valid (cause, -1);

  text_make_printable (text);
  if (strlen (text) > CAUSE_MAX_BYTES)
    *g_utf8_find_prev_char (text, text + CAUSE_MAX_BYTES + 1) = '\0';
  return text;
}

void
peer_link_report_refusal (PeerLink *self, const PeerRefusal *refusal)
{
  Report *report = NULL;

  if (refusal->token == NULL || refusal->host == NULL
      || !settings_has_name (self->settings, SETTING_LINK_HOSTS, refusal->host))
    return;
  if (g_hash_table_size (self->reports) >= REPORTS_MAX)
    {
      log_untold (refusal, "too much is being told at the moment");
      return;
    }
  report = g_new0 (Report, 1);
  report->owner = self;
  report->domain = g_strdup (refusal->domain);
  report->uuid = g_strdup (refusal->uuid);
  report->token = g_strdup (refusal->token);
  report->host = g_strdup (refusal->host);
  report->cause = make_cause (refusal->cause);
  report->start = g_idle_add (on_start, report);
  report->timer = g_timeout_add_seconds (LIMIT_SECONDS, on_limit, report);
  g_hash_table_add (self->reports, report);
}
