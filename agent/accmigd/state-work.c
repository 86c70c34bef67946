// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Work at a free device
 *
 * Opening a device resets it, so it must be nobody's: neither a guest's nor promised to one, nor opened by us
 * for something else.
 */

#include "state-work.h"

#include "broker-client-walk.h"
#include "hand-log.h"

StateWork *
state_work_new (SystemBus *bus, sd_bus_message *call, const char *address)
{
  StateWork *work = g_new0 (StateWork, 1);

  work->bus = bus;
  work->call = sd_bus_message_ref (call);
  work->address = g_strdup (address);
  return work;
}

void
state_work_free (StateWork *work)
{
  if (work == NULL)
    return;
  if (work->in_use)
    prober_end_use (work->bus->sources.prober, work->address);
  if (work->counted)
    system_bus_end_wait (work->bus);
  sd_bus_slot_unref (work->leave);
  sd_bus_message_unref (work->call);
  g_free (work->address);
  g_free (work->deed);
  g_free (work);
}

StateWork *
state_work_new_by_hand (SystemBus *bus, sd_bus_message *call, const char *address, uid_t caller, char *deed)
{
  StateWork *work = state_work_new (bus, call, address);

  work->caller = caller;
  work->deed = deed;
  return work;
}

void
state_work_fail (const StateWork *work, const GError *error)
{
  if (work->deed != NULL)
    hand_log_outcome (work->caller, work->address, work->deed, error);
  system_bus_reply_error (work->call, error);
}

gboolean
state_work_is_free (SystemBus *self, const char *address, GError **error)
{
  const Device *device = registry_lookup (self->sources.registry, address);

  if (device == NULL)
    g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_NOT_FOUND, "no device %s on this host", address);
  else if (device_get_owner (device) == OWNER_REGISTERED)
    g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_BUSY, "%s is registered for domain “%s”", address,
                 device_get_domain (device));
  else if (device_get_owner (device) == OWNER_GUEST || device_get_owner (device) == OWNER_RESERVED)
    g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_BUSY, "%s is %s for domain “%s”", address,
                 device_get_owner (device) == OWNER_GUEST ? "in use" : "reserved",
                 device_get_domain (device));
  else if (!device_is_vfio (device))
    g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_UNSUPPORTED, "%s is not bound to a VFIO driver", address);
  else
    return TRUE;
  return FALSE;
}

gboolean
state_work_begin_use (StateWork *self, GError **error)
{
  if (!state_work_is_free (self->bus, self->address, error)
      || !prober_begin_use (self->bus->sources.prober, self->address, error))
    return FALSE;
  self->in_use = TRUE;
  return TRUE;
}

static int
on_left (sd_bus_message *m, void *user, sd_bus_error *ret_error)
{
  StateWork *self = user;

  self->left = TRUE;
  broker_client_abort (self->bus->sources.broker, self->address);
  return 0;
}

void
state_work_abort_on_leave (StateWork *self)
{
  g_autofree char *match = g_strdup_printf ("type='signal',sender='org.freedesktop.DBus',"
                                            "interface='org.freedesktop.DBus',member='NameOwnerChanged',"
                                            "arg0='%s',arg2=''",
                                            sd_bus_message_get_sender (self->call));

  (void)sd_bus_add_match_async (self->bus->bus, &self->leave, match, on_left, NULL, self);
}

const char *
state_work_read_address (sd_bus_message *call)
{
  const char *address = NULL;

  return sd_bus_message_rewind (call, TRUE) >= 0 && sd_bus_message_read (call, "s", &address) >= 0 ? address
                                                                                                   : "";
}

int
state_work_authorize (sd_bus_message *m, SystemBus *self, const char *action, PolkitGranted granted,
                      sd_bus_error *ret_error)
{
  const char *address = NULL;
  int r = sd_bus_message_read (m, "s", &address);

  if (r < 0)
    return r;
  if (device_bus_find (self, address, ret_error) == NULL)
    return -EINVAL;
  polkit_authorize (m, action, granted, self);
  return 1;
}
