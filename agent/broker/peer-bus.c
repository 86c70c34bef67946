// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A peer
 *
 * The server's half of an sd-bus connection without a bus. Who is at the other end the kernel has said before
 * this begins; sd-bus's own handshake comes after it and decides nothing.
 */

#include "peer-bus.h"

#include "broker-bus.h"
#include "common/bus-loop.h"
#include "common/names.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/socket.h>
#include <unistd.h>

struct _Peer
{
  Broker *broker;
  sd_bus *bus;
  guint source;
  GCancellable *gone;
  uid_t user_id;
  gboolean overfull; /* it was warned of */
  gboolean missed;   /* an event was not sent, and that it was not has not been told */
  void (*closed) (Peer *peer, gpointer user);
  gpointer user;
};

static void
on_closed (sd_bus *bus, gpointer user)
{
  Peer *self = user;

  self->source = 0; /* removes itself */
  self->closed (self, self->user);
}

/* Every step is needed; the first that fails tells why. */
static int
serve (Peer *self, int fd)
{
  sd_id128_t id;
  int r = sd_bus_set_fd (self->bus, fd, fd);

  if (r < 0)
    {
      close (fd);
      return r;
    }
  if ((r = sd_id128_randomize (&id)) < 0 || (r = sd_bus_set_server (self->bus, TRUE, id)) < 0
      || (r = sd_bus_negotiate_fds (self->bus, TRUE)) < 0
      || (r = sd_bus_add_object_vtable (self->bus, NULL, ACCMIG_OBJECT_BROKER, ACCMIG_IFACE_BROKER,
                                        broker_vtable, self))
             < 0)
    return r;
  return sd_bus_start (self->bus);
}

static int
find_user (int fd, uid_t *ret_user)
{
  struct ucred other;
  socklen_t length = sizeof other;

  if (getsockopt (fd, SOL_SOCKET, SO_PEERCRED, &other, &length) < 0)
    return -errno;
  *ret_user = other.uid;
  return 0;
}

Peer *
peer_new (Broker *broker, int fd, void (*closed) (Peer *peer, gpointer user), gpointer user, GError **error)
{
  g_autoptr (Peer) self = g_new0 (Peer, 1);
  int r;

  self->broker = broker;
  self->gone = g_cancellable_new ();
  self->closed = closed;
  self->user = user;
  r = find_user (fd, &self->user_id);
  if (r >= 0)
    r = sd_bus_new (&self->bus);
  if (r < 0)
    close (fd);
  else
    r = serve (self, fd);
  if (r < 0)
    {
      g_set_error (error, G_IO_ERROR, g_io_error_from_errno (-r), "cannot serve a connection: %s",
                   g_strerror (-r));
      return NULL;
    }
  self->source = bus_loop_attach (self->bus, on_closed, self);
  return g_steal_pointer (&self);
}

void
peer_free (Peer *self)
{
  if (self == NULL)
    return;
  g_clear_handle_id (&self->source, g_source_remove);
  g_cancellable_cancel (self->gone);
  g_object_unref (self->gone);
  sd_bus_close_unref (self->bus); /* no flush: a peer that does not read must not hold us up */
  g_free (self);
}

Broker *
peer_get_broker (const Peer *self)
{
  return self->broker;
}

uid_t
peer_get_user (const Peer *self)
{
  return self->user_id;
}

GCancellable *
peer_get_gone (const Peer *self)
{
  return self->gone;
}

static void
report_unsent (const char *what, int r)
{
  if (r < 0)
    g_warning ("%s was not passed on: %s", what, g_strerror (-r));
}

/* Whether the peer leaves what it gets unread: more would only fill our memory. */
static gboolean
is_overfull (Peer *self)
{
  uint64_t n = 0;

  if (sd_bus_get_n_queued_write (self->bus, &n) < 0 || n <= BROKER_QUEUE_MAX)
    return FALSE;
  if (!self->overfull)
    g_warning ("a peer has %" PRIu64 " messages unread, dropping events of QEMU until it reads them", n);
  self->overfull = TRUE;
  return TRUE;
}

void
peer_emit_qemu_event (Peer *self, const char *uuid, const char *name, const char *event, gint64 at_usec,
                      const char *details)
{
  if (is_overfull (self))
    {
      self->missed = TRUE;
      return;
    }
  if (self->missed)
    {
      self->missed = FALSE;
      peer_emit_qemu_gap (self, "");
    }
  report_unsent ("an event of QEMU",
                 sd_bus_emit_signal (self->bus, ACCMIG_OBJECT_BROKER, ACCMIG_IFACE_BROKER, "QemuEvent",
                                     "sssxs", uuid, name, event, at_usec, details));
}

void
peer_emit_qemu_gap (Peer *self, const char *uuid)
{
  if (is_overfull (self))
    {
      self->missed = TRUE;
      return;
    }
  report_unsent ("a gap in the events of QEMU",
                 sd_bus_emit_signal (self->bus, ACCMIG_OBJECT_BROKER, ACCMIG_IFACE_BROKER, "QemuGap", "s",
                                     uuid));
}

void
peer_emit_hypervisor_changed (Peer *self)
{
  report_unsent ("the state of the connection to libvirt",
                 sd_bus_emit_properties_changed (self->bus, ACCMIG_OBJECT_BROKER, ACCMIG_IFACE_BROKER,
                                                 "HypervisorConnected", NULL));
}
