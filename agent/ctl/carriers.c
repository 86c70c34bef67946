// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Carriers
 *
 * ssh has a socket for its standard input and output, whose other end goes to the agent. So nothing of a
 * state passes through here, and when either end hangs up, the other one sees it.
 */

#include "carriers.h"

#include <accmig/error.h>
#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client-carry.h"
#include "common/names.h"
#include "text.h"

#define READY_USEC    (60 * G_USEC_PER_SEC)
#define COMPLAINT_MAX 2048

/* Of one device. */
typedef struct
{
  Carriers *owner;
  char *name;
  GSubprocess *ssh; /* (nullable) */
  int fd;           /* the agent's end; -1 once the agent has it */
  int complaints;   /* what ssh and the other end write to their standard error; -1 for none */
  gboolean ready;
  gboolean done;
} Carrier;

struct _Carriers
{
  char *uuid;
  char *host;
  Client *client;
  ClientAttachment attachment;
  guint source;    /* of the connection */
  GPtrArray *list; /* of Carrier */
  CarriersEnded ended;
  gpointer user;
  gboolean have_ended;
};

static void
carrier_free (gpointer data)
{
  Carrier *carrier = data;

  if (carrier->fd >= 0)
    (void)close (carrier->fd);
  if (carrier->complaints >= 0)
    (void)close (carrier->complaints);
  if (carrier->ssh != NULL)
    g_subprocess_force_exit (carrier->ssh);
  g_clear_object (&carrier->ssh);
  g_free (carrier->name);
  g_free (carrier);
}

void
carriers_free (Carriers *self)
{
  if (self == NULL)
    return;
  self->have_ended = TRUE;
  g_clear_handle_id (&self->source, g_source_remove);
  g_ptr_array_unref (self->list);
  client_free (self->client);
  g_free (self->uuid);
  g_free (self->host);
  g_free (self);
}

guint
carriers_size (const Carriers *self)
{
  return self->list->len;
}

gboolean
carriers_have_ended (const Carriers *self)
{
  return self->have_ended;
}

/* (transfer full): " (ssh: …)", the last line that came; "" for none */
static char *
read_complaint (const Carrier *self)
{
  char text[COMPLAINT_MAX + 1] = "";
  off_t length = lseek (self->complaints, 0, SEEK_END);
  ssize_t n = length > 0 ? pread (self->complaints, text, COMPLAINT_MAX, MAX (length - COMPLAINT_MAX, 0)) : 0;
  g_autofree char *clean = NULL;
  const char *line = NULL;

  if (n <= 0)
    return g_strdup ("");
  g_strchomp (text);
  line = strrchr (text, '\n');
  clean = text_clean (line != NULL ? line + 1 : text);
  return g_strdup_printf (" (ssh: %s)", clean);
}

/* ---- which devices ---- */

static Carrier *
carrier_new (Carriers *owner, const char *name)
{
  Carrier *carrier = g_new0 (Carrier, 1);

  carrier->owner = owner;
  carrier->name = g_strdup (name);
  carrier->fd = carrier->complaints = -1;
  return carrier;
}

/* @properties: a{sv} of org.accmig1.RegisteredDevice */
static void
add_device (Carriers *self, GVariant *properties)
{
  const char *uuid = "", *name = "";

  (void)g_variant_lookup (properties, "Domain", "&s", &uuid);
  (void)g_variant_lookup (properties, "Name", "&s", &name);
  if (g_str_equal (uuid, self->uuid))
    g_ptr_array_add (self->list, carrier_new (self, name));
}

static gboolean
find_devices (Carriers *self, GError **error)
{
  g_autoptr (GVariant) objects = client_get_objects (self->client, error);
  GVariantIter iter;
  GVariant *interfaces = NULL;

  if (objects == NULL)
    return FALSE;
  g_variant_iter_init (&iter, objects);
  while (g_variant_iter_loop (&iter, "{&o@a{sa{sv}}}", NULL, &interfaces))
    {
      g_autoptr (GVariant) properties =
          g_variant_lookup_value (interfaces, ACCMIG_IFACE_REGISTERED, G_VARIANT_TYPE_VARDICT);

      if (properties != NULL)
        add_device (self, properties);
    }
  return TRUE;
}

/* ---- ssh ---- */

/* Ctrl-C is for us: how a migration is ended is not the terminal's business. */
static void
leave_terminal (gpointer user)
{
  (void)setpgid (0, 0);
}

/* @end: (transfer full) */
static gboolean
start_ssh (Carrier *self, int end, GError **error)
{
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_NONE);
  const char *const words[] = { "ssh",       "-T",
                                "-o",        "BatchMode=yes",
                                "-o",        "ServerAliveInterval=15",
                                "-o",        "ServerAliveCountMax=3",
                                "--",        self->owner->host,
                                "accmigctl", "receive",
                                NULL };

  g_subprocess_launcher_set_child_setup (launcher, leave_terminal, NULL, NULL);
  g_subprocess_launcher_take_stdin_fd (launcher, fcntl (end, F_DUPFD_CLOEXEC, 3));
  g_subprocess_launcher_take_stdout_fd (launcher, end);
  g_subprocess_launcher_take_stderr_fd (launcher, fcntl (self->complaints, F_DUPFD_CLOEXEC, 3));
  self->ssh = g_subprocess_launcher_spawnv (launcher, words, error);
  return self->ssh != NULL;
}

static gboolean
carrier_connect (Carrier *self, GError **error)
{
  int ends[2];

  self->complaints = memfd_create ("ssh", MFD_CLOEXEC);
  if (self->complaints < 0 || socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
    {
      g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_IO, "no file descriptors for ssh: %s",
                   g_strerror (errno));
      return FALSE;
    }
  self->fd = ends[0];
  return start_ssh (self, ends[1], error);
}

/* Reads the line by which the other end says that it is there, byte by byte: what follows is the agent's. */
static gboolean
wait_ready (Carrier *self, gint64 until_usec, GError **error)
{
  char line[sizeof CARRIER_READY] = "";
  gsize length = 0;
  g_autofree char *complaint = NULL;

  while (length < strlen (CARRIER_READY))
    {
      struct pollfd fd = { .fd = self->fd, .events = POLLIN };
      gint64 left_msec = MAX (until_usec - g_get_monotonic_time (), 0) / 1000;

      if (poll (&fd, 1, (int)left_msec) <= 0 || read (self->fd, line + length, 1) <= 0)
        break;
      if (line[length] != CARRIER_READY[length])
        break;
      length++;
    }
  self->ready = length == strlen (CARRIER_READY);
  if (self->ready)
    return TRUE;
  complaint = read_complaint (self);
  g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_IO,
               "no way for the state of “%s”: accmigctl receive on %s did not begin%s", self->name,
               self->owner->host, complaint);
  return FALSE;
}

Carriers *
carriers_new (const char *uuid, const char *host, GError **error)
{
  g_autoptr (Carriers) self = g_new0 (Carriers, 1);
  gint64 until = 0;

  self->uuid = g_strdup (uuid);
  self->host = g_strdup (host);
  self->list = g_ptr_array_new_with_free_func (carrier_free);
  self->client = client_new (NULL, error);
  if (self->client == NULL || !find_devices (self, error))
    return NULL;
  for (guint i = 0; i < self->list->len; i++)
    if (!carrier_connect (self->list->pdata[i], error))
      return NULL;
  until = g_get_monotonic_time () + READY_USEC;
  for (guint i = 0; i < self->list->len; i++)
    if (!wait_ready (self->list->pdata[i], until, error))
      return NULL;
  return g_steal_pointer (&self);
}

/* ---- carrying ---- */

static void
end (Carriers *self, const GError *error)
{
  if (self->have_ended)
    return;
  self->have_ended = TRUE;
  for (guint i = 0; error != NULL && i < self->list->len; i++)
    g_subprocess_force_exit (((Carrier *)self->list->pdata[i])->ssh);
  self->ended (error, self->user);
}

static gboolean
all_done (const Carriers *self)
{
  for (guint i = 0; i < self->list->len; i++)
    if (!((const Carrier *)self->list->pdata[i])->done)
      return FALSE;
  return TRUE;
}

static void
carrier_fail (Carrier *self, const GError *error)
{
  gboolean refused = g_error_matches (error, ACCMIG_ERROR, ACCMIG_ERROR_REFUSED);
  g_autofree char *complaint = refused ? g_strdup ("") : read_complaint (self);
  g_autoptr (GError) failure =
      g_error_new (error->domain, error->code, "“%s”: %s%s", self->name, error->message, complaint);

  end (self->owner, failure);
}

static void
on_sent (guint64 bytes, const GError *error, gpointer user)
{
  Carrier *carrier = user;

  if (carrier->owner->have_ended)
    return;
  carrier->done = TRUE;
  if (error != NULL)
    carrier_fail (carrier, error);
  else if (all_done (carrier->owner))
    end (carrier->owner, NULL);
}

static void
on_lost (gpointer user)
{
  Carriers *self = user;
  g_autoptr (GError) error =
      g_error_new (ACCMIG_ERROR, ACCMIG_ERROR_IO, "the agent of this host went away while it was sending");

  self->source = 0; /* it removes itself */
  end (self, error);
}

void
carriers_start (Carriers *self, CarriersEnded ended, gpointer user)
{
  self->ended = ended;
  self->user = user;
  self->attachment = (ClientAttachment){ on_lost, self };
  self->source = client_attach (self->client, &self->attachment);
  for (guint i = 0; i < self->list->len && !self->have_ended; i++)
    {
      Carrier *carrier = self->list->pdata[i];
      g_autoptr (GError) error = NULL;

      if (!client_send_registered (self->client, self->uuid, carrier->name, carrier->fd, on_sent, carrier,
                                   &error))
        carrier_fail (carrier, error);
      (void)close (carrier->fd); /* the message has its own */
      carrier->fd = -1;
    }
}
