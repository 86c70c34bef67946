// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One open connection to libvirt
 *
 * Opening, subscribing and closing are calls that wait for the daemon, and belong to the worker. That the
 * daemon is gone may be noticed by either thread; it is passed on to the main loop.
 */

#include "hypervisor-private.h"

/* What virConnectGetType() calls the driver that has QEMU below it. */
#define QEMU_DRIVER "QEMU"

/* A libvirtd that was not heard for this long is taken for dead: 10 s × (1 + 1). Its own questions come every
 * 5 s as it is shipped, and put ours off; so nothing of ours wakes up an idle process. */
#define KEEPALIVE_INTERVAL_S 10
#define KEEPALIVE_COUNT      1

static void
link_clear (gpointer data)
{
  Link *self = data;

  g_array_unref (self->event_ids);
  g_free (self->qemu);
  g_free (self->libvirt);
}

Link *
link_ref (Link *self)
{
  return g_atomic_rc_box_acquire (self);
}

void
link_unref (gpointer self)
{
  g_atomic_rc_box_release_full (self, link_clear);
}

static const char *
close_reason (int reason)
{
  switch (reason)
    {
    case VIR_CONNECT_CLOSE_REASON_EOF:
      return "it hung up";
    case VIR_CONNECT_CLOSE_REASON_KEEPALIVE:
      return "it does not answer";
    default:
      return "the connection broke";
    }
}

typedef struct
{
  Link *link;
  const char *why; /* static */
} Loss;

static void
loss_free (gpointer data)
{
  Loss *loss = data;

  link_unref (loss->link);
  g_free (loss);
}

static gboolean
announce_loss (gpointer data)
{
  const Loss *loss = data;

  if (loss->link->owner != NULL)
    hypervisor_lost (loss->link->owner, loss->why);
  return G_SOURCE_REMOVE;
}

/* In whichever thread read from the socket last. */
static void
on_closed (virConnectPtr conn, int reason, void *opaque)
{
  Loss *loss = g_new (Loss, 1);

  *loss = (Loss){ link_ref (opaque), close_reason (reason) };
  g_idle_add_full (G_PRIORITY_DEFAULT, announce_loss, loss, loss_free);
}

/* Both are the remote driver's; a driver inside this process cannot be lost. The callback borrows the link,
 * which ends after it: drivers that know no close callback take it without a word and never let go of it. */
static void
link_watch (Link *self)
{
  if (virConnectSetKeepAlive (self->handle, KEEPALIVE_INTERVAL_S, KEEPALIVE_COUNT) != 0)
    g_debug ("no keep-alive with libvirt: %s", virGetLastErrorMessage ());
  if (virConnectRegisterCloseCallback (self->handle, on_closed, self, NULL) != 0)
    g_debug ("libvirt does not tell when it goes: %s", virGetLastErrorMessage ());
}

/* libvirt packs a version into one number. Returns: (transfer full) */
static char *
format_version (unsigned long version)
{
  return g_strdup_printf ("%lu.%lu.%lu", version / 1000000, version / 1000 % 1000, version % 1000);
}

/* A libvirt that cannot tell is no reason to do without it. */
static void
link_read_versions (Link *self)
{
  const char *type = virConnectGetType (self->handle);
  unsigned long qemu = 0, libvirt = 0;

  if (g_strcmp0 (type, QEMU_DRIVER) != 0)
    return;
  if (virConnectGetVersion (self->handle, &qemu) == 0 && qemu != 0)
    self->qemu = format_version (qemu);
  else
    g_debug ("libvirt does not tell the version of QEMU: %s", virGetLastErrorMessage ());
  if (virConnectGetLibVersion (self->handle, &libvirt) == 0)
    self->libvirt = format_version (libvirt);
  else
    g_debug ("libvirt does not tell its version: %s", virGetLastErrorMessage ());
}

Link *
link_open (const char *uri, HypervisorMode mode, const HypervisorCallbacks *wanted, GError **error)
{
  g_autoptr (Link) self = NULL;
  virConnectPtr handle = mode == HYPERVISOR_READ_ONLY ? virConnectOpenReadOnly (uri) : virConnectOpen (uri);

  if (handle == NULL)
    {
      (void)libvirt_fail (error, "cannot connect to “%s”", uri);
      return NULL;
    }

  self = g_atomic_rc_box_new0 (Link);
  self->handle = handle;
  self->event_ids = g_array_new (FALSE, FALSE, sizeof (int));
  self->qemu_event_id = -1;
  link_watch (self);
  if (!events_register (self, mode, wanted, error))
    {
      link_close (self);
      return NULL;
    }
  link_read_versions (self);
  return g_steal_pointer (&self);
}

void
link_close (Link *self)
{
  events_deregister (self);
  (void)virConnectUnregisterCloseCallback (self->handle, on_closed);
  (void)virConnectClose (self->handle);
  self->handle = NULL;
}
