// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Agent: what becomes of the news of devices
 *
 * Kept in step here: who has a device (domains, reservations and the registry that shows both), and when free
 * devices may be opened: not before all domains are known, and not while their drivers are being changed.
 */

#include "agent-private.h"

#include "log.h"
#include "making.h"

/* How long a device is left alone after something happened to it: libvirt binds a driver and starts QEMU
 * right after, and QEMU must find the device closed. */
#define SWEEP_DELAY_SECONDS 2

/* ---- devices ---- */

static gboolean
on_sweep (gpointer user)
{
  Agent *self = user;

  self->sweep_timer = 0;
  prober_sweep (self->prober);
  return G_SOURCE_REMOVE;
}

/* Puts off the opening of devices that were never opened. */
void
agent_schedule_sweep (Agent *self)
{
  if (!self->domains_known)
    return;
  g_clear_handle_id (&self->sweep_timer, g_source_remove);
  self->sweep_timer = g_timeout_add_seconds (SWEEP_DELAY_SECONDS, on_sweep, self);
}

void
agent_rescan (Agent *self)
{
  g_autoptr (GError) error = NULL;

  if (!registry_rescan (self->registry, &error))
    g_warning ("sysfs cannot be read, going on with what is known: %s", error->message);
}

/* What came or was bound is probed again once it is free, also when it looks as it did before. */
void
agent_on_uevents (const char *const *renewed, gpointer user)
{
  Agent *self = user;

  agent_rescan (self);
  for (gsize i = 0; renewed[i] != NULL; i++)
    registry_renew (self->registry, renewed[i]);
  if (renewed[0] != NULL)
    agent_schedule_sweep (self);
}

static void
on_device_added (const Device *device, gpointer user)
{
  Agent *self = user;

  if (self->bus != NULL)
    system_bus_device_added (self->bus, device);
  agent_schedule_sweep (self);
}

static void
on_device_changed (const Device *device, gpointer user)
{
  Agent *self = user;
  const AccmigDomain *owner = domains_find_owner (self->domains, device_get_address (device));

  if (self->bus != NULL)
    system_bus_device_changed (self->bus, device);
  if (owner != NULL && accmig_domain_get_uuid (owner) != NULL)
    metadata_refresh (self->metadata, accmig_domain_get_uuid (owner));
  agent_schedule_sweep (self); /* it may have become free */
}

static void
on_device_removed (const Device *device, gpointer user)
{
  Agent *self = user;

  if (self->bus != NULL)
    system_bus_device_removed (self->bus, device);
}

static void
on_reservations_changed (gpointer user)
{
  Agent *self = user;

  registry_refresh (self->registry);
}

static void
on_reservation_expired (const char *uuid, gpointer user)
{
  Agent *self = user;

  migrations_on_expired (self->migrations, uuid);
}

const RegistryCallbacks agent_registry_callbacks = { on_device_added, on_device_changed, on_device_removed };

/* ---- mdevs that were made ---- */

/* A guest that came has it now, and one that asks once more is to get it again; else nobody wants it. */
static void
tidy_made (Agent *self, const char *address)
{
  Reservation reservation = { 0 };

  if (reservations_lookup (self->reservations, address, &reservation))
    reservations_set_made (self->reservations, address, TRUE);
  else if (domains_find_owner (self->domains, address) == NULL)
    making_undo (self->broker, self->registry, address);
}

static gboolean
on_tidy (gpointer user)
{
  Agent *self = user;
  g_autoptr (GHashTable) addresses = NULL;
  GHashTableIter iter;
  gpointer address = NULL;

  self->tidying = 0;
  if (!self->domains_known || !broker_client_is_connected (self->broker))
    return G_SOURCE_REMOVE; /* another look comes when that changes */
  addresses = g_steal_pointer (&self->made_ended);
  self->made_ended = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_hash_table_iter_init (&iter, addresses);
  while (g_hash_table_iter_next (&iter, &address, NULL))
    tidy_made (self, address);
  return G_SOURCE_REMOVE;
}

void
agent_schedule_tidying (Agent *self)
{
  if (self->tidying == 0 && g_hash_table_size (self->made_ended) > 0)
    self->tidying = g_idle_add (on_tidy, self);
}

/* Not in this turn of the main loop: what ends in it may be promised anew in it. */
static void
on_made_ended (const char *address, gpointer user)
{
  Agent *self = user;

  g_hash_table_add (self->made_ended, g_strdup (address));
  agent_schedule_tidying (self);
}

const ReservationCallbacks agent_reservation_callbacks = { on_reservations_changed, on_reservation_expired,
                                                           on_made_ended };

/* ---- registered devices ---- */

G_GNUC_PRINTF (2, 3)
static void
log_registered (const Registered *device, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  log_event (LOG_EVENT_REGISTERED,
             &(LogContext){ .uuid = registered_get_uuid (device), .device = registered_get_address (device) },
             "“%s” %s", registered_get_id (device), text);
}

/* Flags and owner of the device at its address come from it. */
static void
show_registered (Agent *self, const Registered *device)
{
  registry_refresh (self->registry);
  if (registered_is_attached (device) && *registered_get_address (device) != '\0')
    registry_set_flags (self->registry, registered_get_address (device), registered_get_flags (device));
}

static void
on_registered_added (const Registered *device, gpointer user)
{
  Agent *self = user;

  show_registered (self, device);
  system_bus_registered_added (self->bus, device);
  drives_on_registered_added (self->drives, device);
  if (self->domains_known) /* its guest may be on its way */
    census_look_up (self->census, registered_get_uuid (device), CENSUS_ARRIVING);
  log_registered (device, "is registered by %s", registered_get_holder (device));
}

static void
on_registered_changed (const Registered *device, gpointer user)
{
  Agent *self = user;

  show_registered (self, device);
  system_bus_registered_changed (self->bus, device);
  drives_on_registered_changed (self->drives, device);
}

static void
on_registered_removed (const Registered *device, gpointer user)
{
  Agent *self = user;

  drives_on_registered_removed (self->drives, device);
  system_bus_registered_removed (self->bus, device);
  log_registered (device, "is registered no longer");
  registry_refresh (self->registry);
  agent_schedule_sweep (self);
}

static void
on_registered_wanted (const Registered *device, gpointer user)
{
  Agent *self = user;

  system_bus_registered_wanted (self->bus, device);
  log_registered (device, "was lost by the broker, %s is asked to register it again",
                  registered_get_holder (device));
}

static void
on_registered_finished (const Registered *device, const char *outcome, gpointer user)
{
  Agent *self = user;

  system_bus_registered_finished (self->bus, device, outcome);
}

static void
on_registered_settled (gpointer user)
{
  Agent *self = user;

  drives_on_settled (self->drives);
}

const RegisteredCallbacks agent_registered_callbacks = {
  .added = on_registered_added,
  .changed = on_registered_changed,
  .removed = on_registered_removed,
  .wanted = on_registered_wanted,
  .finished = on_registered_finished,
  .settled = on_registered_settled,
};

/* ---- the broker ---- */

static void
on_broker_connected (gpointer user)
{
  Agent *self = user;

  log_event (LOG_EVENT_BROKER, NULL, "connected to the broker");
  system_bus_connections_changed (self->bus);
  registered_set_broker_connected (self->registered);
  if (hypervisor_is_connected (self->hypervisor))
    census_list (self->census); /* what could not be asked while there was no broker is asked now */
  agent_schedule_sweep (self);
  agent_schedule_tidying (self);
}

static void
on_broker_disconnected (const char *why, gpointer user)
{
  Agent *self = user;

  log_event (LOG_EVENT_BROKER, NULL, "no connection to the broker, devices cannot be asked: %s", why);
  migrations_on_gap (self->migrations, NULL);
  system_bus_connections_changed (self->bus);
  registered_set_broker_lost (self->registered);
}

static void
on_qemu_event (const char *uuid, const char *name, const char *event, gint64 at_usec, const char *details,
               gpointer user)
{
  Agent *self = user;

  if (g_str_equal (event, "STOP") || g_str_equal (event, "RESUME"))
    drives_on_vcpus (self->drives, uuid, g_str_equal (event, "RESUME"));
  migrations_on_qemu_event (self->migrations, uuid, name, event, at_usec, details);
}

static void
on_qemu_gap (const char *uuid, gpointer user)
{
  Agent *self = user;

  migrations_on_gap (self->migrations, uuid);
}

const BrokerCallbacks agent_broker_callbacks = {
  .connected = on_broker_connected,
  .disconnected = on_broker_disconnected,
  .qemu_event = on_qemu_event,
  .qemu_gap = on_qemu_gap,
};
