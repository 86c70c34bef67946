// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Broker client
 *
 * There is no bus between the two, so a connection is not known to work before something was answered: a Ping
 * is sent first, and only its answer makes the client connected. A broker that does not want us closes
 * instead.
 *
 * Every call is one Call: the task that waits, and how to read its answer. They are kept in a set, so that a
 * lost connection answers all of them.
 */

#include "broker-client.h"

#include "common/broker-protocol.h"
#include "common/bus-error.h"
#include "common/bus-loop.h"
#include "common/names.h"

#define RETRY_MIN_MSEC     500
#define RETRY_MAX_MSEC     10000
#define PING_TIMEOUT_USEC  (10 * G_USEC_PER_SEC)  /* systemd may have to start the broker first */
#define CALL_TIMEOUT_USEC  (20 * G_USEC_PER_SEC)  /* a reset of a device may take seconds */
#define WRITE_TIMEOUT_USEC (60 * G_USEC_PER_SEC)  /* libvirt waits up to 30 s for its lock */
#define MOVE_TIMEOUT_USEC  (600 * G_USEC_PER_SEC) /* a stream of gigabytes to a slow disk */

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

/* Reads the answer to one verb; NULL with @error set when it does not have the form promised. */
typedef gpointer (*ReadAnswer) (sd_bus_message *m, GError **error);

typedef struct
{
  BrokerClient *client;
  GTask *task;
  ReadAnswer read;
  GDestroyNotify free_answer;
  sd_bus_slot *slot;
} Call;

static void connect_now (BrokerClient *self);

void
broker_probe_free (BrokerProbe *probe)
{
  if (probe == NULL)
    return;
  g_free (probe->match);
  g_free (probe);
}

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
  ReadAnswer read = call->read;
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

/* Sends @message, which may be NULL when @r says that it could not be made. */
static void
send_call (BrokerClient *self, GTask *task, sd_bus_message *message, int r, guint64 timeout_usec,
           ReadAnswer read, GDestroyNotify free_answer)
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

/* A task whose callback is due, and a message to fill for it; NULL when it was answered already. */
static GTask *
begin_call (BrokerClient *self, const char *verb, GAsyncReadyCallback callback, gpointer user,
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

static gpointer
fail_answer (GError **error, int r)
{
  g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_IO, "the broker's answer cannot be read: %s",
               g_strerror (-r));
  return NULL;
}

static gpointer
read_nothing (sd_bus_message *m, GError **error)
{
  return NULL;
}

static gpointer
read_probe (sd_bus_message *m, GError **error)
{
  g_autoptr (BrokerProbe) probe = g_new0 (BrokerProbe, 1);
  const void *match = NULL;
  size_t length = 0;
  int r = sd_bus_message_read (m, "tt", &probe->flags, &probe->stop_copy_size);

  if (r >= 0)
    r = sd_bus_message_read_array (m, 'y', &match, &length);
  if (r >= 0 && length > BROKER_MATCH_MAX)
    r = -EMSGSIZE;
  if (r < 0)
    return fail_answer (error, r);
  probe->match = g_memdup2 (match, length);
  probe->match_length = length;
  return g_steal_pointer (&probe);
}

static gpointer
read_peek (sd_bus_message *m, GError **error)
{
  g_autofree BrokerPeek *peek = g_new0 (BrokerPeek, 1);
  const char *state = NULL;
  int r = sd_bus_message_read (m, "utsx", &peek->pid, &peek->flags, &state, &peek->at_usec);

  if (r < 0)
    return fail_answer (error, r);
  peek->has_state = accmig_state_from_string (state, &peek->state);
  return g_steal_pointer (&peek);
}

static gpointer
read_bytes_moved (sd_bus_message *m, GError **error)
{
  g_autofree guint64 *bytes = g_new0 (guint64, 1);
  int r = sd_bus_message_read (m, "t", bytes);

  if (r < 0)
    return fail_answer (error, r);
  return g_steal_pointer (&bytes);
}

static gpointer
read_log_tail (sd_bus_message *m, GError **error)
{
  const void *text = NULL;
  size_t length = 0;
  int r = sd_bus_message_read_array (m, 'y', &text, &length);

  if (r >= 0 && length > BROKER_LOG_TAIL)
    r = -EMSGSIZE;
  if (r < 0)
    return fail_answer (error, r);
  return g_bytes_new (text, length);
}

void
broker_client_probe_async (BrokerClient *self, const char *address, gsize match_size,
                           GAsyncReadyCallback callback, gpointer user)
{
  g_autoptr (sd_bus_message) m = NULL;
  g_autoptr (GTask) task = begin_call (self, "Probe", callback, user, &m);
  int r = 0;

  if (task == NULL)
    return;
  r = sd_bus_message_append (m, "su", address, (guint32)match_size);
  send_call (self, task, m, r, CALL_TIMEOUT_USEC, read_probe, (GDestroyNotify)broker_probe_free);
}

BrokerProbe *
broker_client_probe_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

void
broker_client_peek_async (BrokerClient *self, const char *address, GAsyncReadyCallback callback,
                          gpointer user)
{
  g_autoptr (sd_bus_message) m = NULL;
  g_autoptr (GTask) task = begin_call (self, "Peek", callback, user, &m);
  int r = 0;

  if (task == NULL)
    return;
  r = sd_bus_message_append (m, "s", address);
  send_call (self, task, m, r, CALL_TIMEOUT_USEC, read_peek, g_free);
}

gboolean
broker_client_peek_finish (GAsyncResult *result, BrokerPeek *ret_peek, GError **error)
{
  g_autofree BrokerPeek *peek = g_task_propagate_pointer (G_TASK (result), error);

  if (peek == NULL)
    return FALSE;
  *ret_peek = *peek;
  return TRUE;
}

static void
move (BrokerClient *self, const char *verb, const char *address, int fd, GAsyncReadyCallback callback,
      gpointer user)
{
  g_autoptr (sd_bus_message) m = NULL;
  g_autoptr (GTask) task = begin_call (self, verb, callback, user, &m);
  int r = 0;

  if (task == NULL)
    return;
  r = sd_bus_message_append (m, "sh", address, fd);
  send_call (self, task, m, r, MOVE_TIMEOUT_USEC, read_bytes_moved, g_free);
}

void
broker_client_save_async (BrokerClient *self, const char *address, int fd, GAsyncReadyCallback callback,
                          gpointer user)
{
  move (self, "Save", address, fd, callback, user);
}

void
broker_client_load_async (BrokerClient *self, const char *address, int fd, GAsyncReadyCallback callback,
                          gpointer user)
{
  move (self, "Load", address, fd, callback, user);
}

gboolean
broker_client_transfer_finish (GAsyncResult *result, guint64 *ret_bytes, GError **error)
{
  g_autofree guint64 *bytes = g_task_propagate_pointer (G_TASK (result), error);

  if (bytes == NULL)
    return FALSE;
  *ret_bytes = *bytes;
  return TRUE;
}

void
broker_client_set_metadata_async (BrokerClient *self, const char *uuid, const char *xml,
                                  GAsyncReadyCallback callback, gpointer user)
{
  g_autoptr (sd_bus_message) m = NULL;
  g_autoptr (GTask) task = begin_call (self, "SetMetadata", callback, user, &m);
  int r = 0;

  if (task == NULL)
    return;
  r = sd_bus_message_append (m, "ss", uuid, xml);
  send_call (self, task, m, r, WRITE_TIMEOUT_USEC, read_nothing, NULL);
}

gboolean
broker_client_set_metadata_finish (GAsyncResult *result, GError **error)
{
  (void)g_task_propagate_pointer (G_TASK (result), error);
  return !g_task_had_error (G_TASK (result));
}

void
broker_client_read_log_async (BrokerClient *self, const char *name, GAsyncReadyCallback callback,
                              gpointer user)
{
  g_autoptr (sd_bus_message) m = NULL;
  g_autoptr (GTask) task = begin_call (self, "ReadLog", callback, user, &m);
  int r = 0;

  if (task == NULL)
    return;
  r = sd_bus_message_append (m, "s", name);
  send_call (self, task, m, r, CALL_TIMEOUT_USEC, read_log_tail, (GDestroyNotify)g_bytes_unref);
}

GBytes *
broker_client_read_log_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
