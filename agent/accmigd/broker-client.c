// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Broker client: the connection
 *
 * There is no bus between the two, so a connection is not known to work before something was answered: a Ping
 * is sent first, and only its answer makes the client connected. A broker that does not want us closes
 * instead.
 *
 * Every call is one Call: the task that waits, and how to read its answer. They are kept in a set, so that a
 * lost connection answers all of them.
 */

#include "broker-client-private.h"

#include "common/bus-error.h"
#include "common/bus-loop.h"
#include "common/names.h"

#define RETRY_MIN_MSEC    500
#define RETRY_MAX_MSEC    10000
#define PING_TIMEOUT_USEC (10 * G_USEC_PER_SEC) /* systemd may have to start the broker first */

struct _BrokerClient
{
  char *address; /* of the socket, as D-Bus writes it */
  BrokerCallbacks callbacks;
  gpointer user;
  sd_bus *bus; /* (nullable) */
  guint source;
  GHashTable *calls; /* set of Call *, owned */
  gboolean connected;
  gboolean loss_told;
  guint retry_msec;
  guint retry_timer;
};

typedef struct
{
  BrokerClient *client;
  GTask *task;
  BrokerReadAnswer read;
  GDestroyNotify free_answer;
  sd_bus_slot *slot;
} Call;

static void connect_now (BrokerClient *self);

static void
call_free (gpointer data)
{
  Call *call = data;

  sd_bus_slot_unref (call->slot);
  g_object_unref (call->task);
  g_free (call);
}

static GError *
new_unavailable (const char *why)
{
  return g_error_new (G_IO_ERROR, G_IO_ERROR_NOT_CONNECTED, "the broker does not answer: %s", why);
}

gboolean
broker_error_is_unavailable (const GError *error)
{
  return g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_CONNECTED);
}

/* ---- connection ---- */

static gboolean
on_retry (gpointer user)
{
  BrokerClient *self = user;

  self->retry_timer = 0;
  connect_now (self);
  return G_SOURCE_REMOVE;
}

/* Answers every call that still waits. The set is emptied first, for a caller may begin new ones from its
 * callback. */
static void
fail_calls (BrokerClient *self, const char *why)
{
  g_autoptr (GHashTable) calls = g_steal_pointer (&self->calls);
  GHashTableIter iter;
  gpointer call = NULL;

  self->calls = g_hash_table_new_full (NULL, NULL, call_free, NULL);
  g_hash_table_iter_init (&iter, calls);
  while (g_hash_table_iter_next (&iter, &call, NULL))
    g_task_return_error (((Call *)call)->task, new_unavailable (why));
}

static void
lose (BrokerClient *self, const char *why)
{
  gboolean tell = self->connected || !self->loss_told;

  g_clear_handle_id (&self->source, g_source_remove);
  self->connected = FALSE;
  self->loss_told = TRUE;
  if (self->retry_timer == 0)
    self->retry_timer = g_timeout_add (self->retry_msec, on_retry, self);
  self->retry_msec = MIN (self->retry_msec * 2, RETRY_MAX_MSEC);
  fail_calls (self, why);
  g_clear_pointer (&self->bus, sd_bus_close_unref);
  if (tell)
    self->callbacks.disconnected (why, self->user);
}

static void
on_closed (sd_bus *bus, gpointer user)
{
  BrokerClient *self = user;

  self->source = 0; /* it removes itself */
  lose (self, "it closed the connection");
}

static int
on_pong (sd_bus_message *m, void *user, sd_bus_error *ret_error)
{
  BrokerClient *self = user;

  if (sd_bus_message_is_method_error (m, NULL))
    {
      sd_bus_close (self->bus); /* the loop finds out, and tries again */
      return 0;
    }
  self->connected = TRUE;
  self->loss_told = FALSE;
  self->retry_msec = RETRY_MIN_MSEC;
  self->callbacks.connected (self->user);
  return 0;
}

static int
on_qemu_event (sd_bus_message *m, void *user, sd_bus_error *ret_error)
{
  BrokerClient *self = user;
  const char *uuid = NULL, *name = NULL, *event = NULL, *details = NULL;
  gint64 at_usec = 0;

  if (sd_bus_message_read (m, "sssxs", &uuid, &name, &event, &at_usec, &details) >= 0)
    self->callbacks.qemu_event (uuid, name, event, at_usec, details, self->user);
  return 0;
}

static int
on_qemu_gap (sd_bus_message *m, void *user, sd_bus_error *ret_error)
{
  BrokerClient *self = user;
  const char *uuid = NULL;

  if (sd_bus_message_read (m, "s", &uuid) >= 0)
    self->callbacks.qemu_gap (*uuid != '\0' ? uuid : NULL, self->user);
  return 0;
}

/* Opens the socket and sends what has to be sent first; nothing of it waits. */
static int
open_bus (BrokerClient *self)
{
  g_autoptr (sd_bus) bus = NULL;
  int r = sd_bus_new (&bus);

  if (r >= 0)
    r = sd_bus_set_description (bus, "broker");
  if (r >= 0)
    r = sd_bus_set_address (bus, self->address);
  if (r >= 0)
    r = sd_bus_negotiate_fds (bus, TRUE);
  if (r >= 0)
    r = sd_bus_start (bus);
  if (r >= 0)
    r = sd_bus_match_signal (bus, NULL, NULL, ACCMIG_OBJECT_BROKER, ACCMIG_IFACE_BROKER, "QemuEvent",
                             on_qemu_event, self);
  if (r >= 0)
    r = sd_bus_match_signal (bus, NULL, NULL, ACCMIG_OBJECT_BROKER, ACCMIG_IFACE_BROKER, "QemuGap",
                             on_qemu_gap, self);
  if (r >= 0)
    {
      g_autoptr (sd_bus_message) ping = NULL;

      r = sd_bus_message_new_method_call (bus, &ping, NULL, ACCMIG_OBJECT_BROKER, "org.freedesktop.DBus.Peer",
                                          "Ping");
      if (r >= 0)
        r = sd_bus_call_async (bus, NULL, ping, on_pong, self, PING_TIMEOUT_USEC);
    }
  if (r < 0)
    {
      sd_bus_close (bus); /* else its destructor would wait for the peer */
      return r;
    }
  self->source = bus_loop_attach (bus, on_closed, self);
  self->bus = g_steal_pointer (&bus);
  return 0;
}

static void
connect_now (BrokerClient *self)
{
  int r = open_bus (self);

  if (r < 0)
    lose (self, g_strerror (-r));
}

BrokerClient *
broker_client_new (const char *socket, const BrokerCallbacks *callbacks, gpointer user)
{
  BrokerClient *self = g_new0 (BrokerClient, 1);
  g_autofree char *escaped = g_dbus_address_escape_value (socket);

  self->address = g_strconcat ("unix:path=", escaped, NULL);
  self->callbacks = *callbacks;
  self->user = user;
  self->calls = g_hash_table_new_full (NULL, NULL, call_free, NULL);
  self->retry_msec = RETRY_MIN_MSEC;
  return self;
}

void
broker_client_free (BrokerClient *self)
{
  if (self == NULL)
    return;
  g_clear_handle_id (&self->retry_timer, g_source_remove);
  g_clear_handle_id (&self->source, g_source_remove);
  fail_calls (self, "the agent ends");
  g_clear_pointer (&self->calls, g_hash_table_unref);
  g_clear_pointer (&self->bus, sd_bus_close_unref); /* no flush: it would wait for the broker */
  g_free (self->address);
  g_free (self);
}

void
broker_client_start (BrokerClient *self)
{
  connect_now (self);
}

gboolean
broker_client_is_connected (const BrokerClient *self)
{
  return self->connected;
}

/* ---- calls ---- */

static int
on_answer (sd_bus_message *m, void *user, sd_bus_error *ret_error)
{
  Call *call = user;
  g_autoptr (GTask) task = g_object_ref (call->task);
  BrokerReadAnswer read = call->read;
  GDestroyNotify free_answer = call->free_answer;
  GError *error = NULL;
  gpointer answer = NULL;

  g_hash_table_remove (call->client->calls, call);
  if (sd_bus_message_is_method_error (m, SD_BUS_ERROR_NO_REPLY)
      || sd_bus_message_is_method_error (m, SD_BUS_ERROR_TIMEOUT))
    error = new_unavailable (sd_bus_message_get_error (m)->message);
  else if (sd_bus_message_is_method_error (m, NULL))
    bus_error_take (&error, m);
  else
    answer = read (m, &error);

  if (error != NULL)
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, answer, free_answer);
  return 0;
}

void
broker_client_send_call (BrokerClient *self, GTask *task, sd_bus_message *message, int r,
                         guint64 timeout_usec, BrokerReadAnswer read, GDestroyNotify free_answer)
{
  Call *call = NULL;

  if (r < 0)
    {
      g_task_return_new_error (task, ACCMIG_ERROR, ACCMIG_ERROR_INVALID,
                               "the call to the broker cannot be made: %s", g_strerror (-r));
      return;
    }
  call = g_new0 (Call, 1);
  call->client = self;
  call->task = g_object_ref (task);
  call->read = read;
  call->free_answer = free_answer;
  r = sd_bus_call_async (self->bus, &call->slot, message, on_answer, call, timeout_usec);
  if (r < 0)
    {
      call_free (call);
      g_task_return_error (task, new_unavailable (g_strerror (-r)));
      return;
    }
  g_hash_table_add (self->calls, call);
}

GTask *
broker_client_begin_call (BrokerClient *self, const char *verb, GAsyncReadyCallback callback, gpointer user,
                          sd_bus_message **ret_message)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, user);
  int r = 0;

  if (!self->connected)
    {
      g_task_return_error (task, new_unavailable ("there is no connection"));
      return NULL;
    }
  r = sd_bus_message_new_method_call (self->bus, ret_message, NULL, ACCMIG_OBJECT_BROKER, ACCMIG_IFACE_BROKER,
                                      verb);
  if (r < 0)
    {
      g_task_return_error (task, new_unavailable (g_strerror (-r)));
      return NULL;
    }
  return g_steal_pointer (&task);
}
