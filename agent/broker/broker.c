// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The broker
 *
 * Owns the listener, the peers, the connection to libvirt, the devices and those it adopted, and passes
 * QEMU's events on to every peer. It parses none of them: they are measured and handed over, and what is not
 * handed over is told as a gap.
 *
 * Under systemd it is there while somebody needs it. What a broker held (devices, streams) the kernel takes
 * back when it ends, and that is why leaving is safe at any time nobody is connected and nothing is adopted.
 */

#include "broker.h"

#include "listener.h"
#include "peer-bus.h"
#include "throttle.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <unistd.h>

/* accmigd needs one; one more while it is replaced, and room for a person who looks. */
#define MAX_PEERS 4

/* Longer than the pause in which a restarted accmigd comes back. */
#define IDLE_S 10

/* Devices of holders wait longer: their sessions, and perhaps a guest that stands still, hang on it. */
#define KEEP_ADOPTED_S 30

struct _Broker
{
  const char *log_dir;
  Listener *listener;
  GPtrArray *peers;
  Devices *devices;
  AdoptedSet *adopted;
  Hypervisor *hypervisor;
  Throttle *throttle;
  gboolean leaves_when_idle;
  guint idle_source;
  void (*finished) (gpointer user);
  gpointer user;
};

static gboolean
on_idle (gpointer user)
{
  Broker *self = user;

  self->idle_source = 0;
  g_message ("nobody has been connected for %d s, leaving", IDLE_S);
  self->finished (self->user);
  return G_SOURCE_REMOVE;
}

static void
update_idle (Broker *self)
{
  g_clear_handle_id (&self->idle_source, g_source_remove);
  if (self->leaves_when_idle && self->peers->len == 0 && adopted_set_is_empty (self->adopted))
    self->idle_source = g_timeout_add_seconds (IDLE_S, on_idle, self);
}

/* ---- peers ------------------------------------------------------------------------------------ */

static gboolean
is_connected (const Broker *self, uid_t user)
{
  for (guint i = 0; i < self->peers->len; i++)
    if (peer_get_user (self->peers->pdata[i]) == user)
      return TRUE;
  return FALSE;
}

static void
on_peer_closed (Peer *peer, gpointer user)
{
  Broker *self = user;
  uid_t who = peer_get_user (peer);

  g_ptr_array_remove (self->peers, peer);
  if (!is_connected (self, who))
    adopted_set_user_left (self->adopted, who);
  update_idle (self);
}

static void
on_adopted_emptied (gpointer user)
{
  update_idle (user);
}

static void
on_accepted (int fd, gpointer user)
{
  Broker *self = user;
  g_autoptr (GError) error = NULL;
  Peer *peer;

  if (self->peers->len >= MAX_PEERS)
    {
      g_warning ("connection refused: %d are served already", MAX_PEERS);
      close (fd);
      return;
    }
  peer = peer_new (self, fd, on_peer_closed, self, &error);
  if (peer == NULL)
    {
      g_warning ("%s", error->message);
      return;
    }
  g_ptr_array_add (self->peers, peer);
  adopted_set_user_came (self->adopted, peer_get_user (peer));
  update_idle (self);
}

/* ---- libvirt ---------------------------------------------------------------------------------- */

/* @uuid: the domain whose events are not passed on; "" for all of them */
static void
tell_gap (Broker *self, const char *uuid)
{
  for (guint i = 0; i < self->peers->len; i++)
    peer_emit_qemu_gap (self->peers->pdata[i], uuid);
}

static void
on_hypervisor_changed (gpointer user)
{
  Broker *self = user;

  if (hypervisor_is_connected (self->hypervisor))
    g_message ("connected to libvirt");
  for (guint i = 0; i < self->peers->len; i++)
    peer_emit_hypervisor_changed (self->peers->pdata[i]);
  tell_gap (self, "");
}

static void
on_qemu_event (const char *uuid, const char *name, const char *event, gint64 at_usec, const char *details,
               gpointer user)
{
  Broker *self = user;
  gsize length = strlen (details);
  ThrottleAnswer answer = throttle_ask (self->throttle, uuid, name, g_get_monotonic_time ());

  if (answer == THROTTLE_BEGIN)
    tell_gap (self, uuid);
  if (answer != THROTTLE_PASS)
    return;
  if (length > BROKER_EVENT_MAX || !g_utf8_validate (details, (gssize)length, NULL))
    {
      g_warning ("event “%s” of domain “%s” dropped: %zu bytes of details, wanted are at most %d of UTF-8",
                 event, name, length, BROKER_EVENT_MAX);
      tell_gap (self, uuid);
      return;
    }
  for (guint i = 0; i < self->peers->len; i++)
    peer_emit_qemu_event (self->peers->pdata[i], uuid, name, event, at_usec, details);
}

static const HypervisorCallbacks hypervisor_callbacks = {
  .connected = on_hypervisor_changed,
  .disconnected = on_hypervisor_changed,
  .qemu_event = on_qemu_event,
};

/* ---- the broker ------------------------------------------------------------------------------- */

static gboolean
open_devices (Broker *self, const BrokerOptions *options, GError **error)
{
  int fd = open (options->sysfs, O_PATH | O_DIRECTORY | O_CLOEXEC);

  if (fd < 0)
    {
      g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno), "cannot open “%s”: %s", options->sysfs,
                   g_strerror (errno));
      return FALSE;
    }
  self->devices = devices_new (fd, options->debugfs);
  return TRUE;
}

static gboolean
open_listener (Broker *self, const char *path, GError **error)
{
  self->leaves_when_idle = path == NULL;
  self->listener = path != NULL ? listener_new_at (path, on_accepted, self, error)
                                : listener_new_from_systemd (on_accepted, self, error);
  return self->listener != NULL;
}

Broker *
broker_new (const BrokerOptions *options, void (*finished) (gpointer user), gpointer user, GError **error)
{
  g_autoptr (Broker) self = g_new0 (Broker, 1);

  self->log_dir = options->log_dir;
  self->finished = finished;
  self->user = user;
  self->adopted = adopted_set_new (KEEP_ADOPTED_S, on_adopted_emptied, self);
  self->throttle = throttle_new (BROKER_EVENT_RATE);
  self->peers = g_ptr_array_new_with_free_func ((GDestroyNotify)peer_free);
  if (!open_devices (self, options, error) || !open_listener (self, options->socket_path, error))
    return NULL;

  self->hypervisor = hypervisor_new (options->uri, HYPERVISOR_READ_WRITE, &hypervisor_callbacks, self);
  hypervisor_start (self->hypervisor);
  update_idle (self);
  return g_steal_pointer (&self);
}

void
broker_free (Broker *self)
{
  if (self == NULL)
    return;
  g_clear_handle_id (&self->idle_source, g_source_remove);
  listener_free (self->listener);
  g_ptr_array_unref (self->peers);
  hypervisor_free (self->hypervisor);
  throttle_free (self->throttle);
  adopted_set_free (self->adopted);
  devices_free (self->devices);
  g_free (self);
}

Devices *
broker_get_devices (const Broker *self)
{
  return self->devices;
}

AdoptedSet *
broker_get_adopted (const Broker *self)
{
  return self->adopted;
}

Hypervisor *
broker_get_hypervisor (const Broker *self)
{
  return self->hypervisor;
}

const char *
broker_get_log_dir (const Broker *self)
{
  return self->log_dir;
}
