// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Resetting devices by hand, for org.accmig1.Manager
 *
 * A reset loses what is in a device, so it is done because a person says so, never by ourselves. A free
 * device has nothing to lose, and a registered one's holder is told by its state. A guest's is reset only
 * when an alarm about it is open, since then nothing else may help; and neither during a migration, for that
 * would end in a guest whose device knows nothing.
 */

#include "hand-log.h"
#include "state-work.h"
#include "walk-bus.h"

/* @caller: whose call it is */
static StateWork *
new_work (SystemBus *self, sd_bus_message *m, uid_t caller, const char *device)
{
  return state_work_new_by_hand (self, m, device, caller, g_strdup ("reset"));
}

static void
reply_done (StateWork *work, gboolean ok, const GError *error)
{
  if (!ok)
    {
      state_work_fail (work, error);
      return;
    }
  hand_log_outcome (work->caller, work->address, work->deed, NULL);
  (void)sd_bus_reply_method_return (work->call, NULL);
}

static void
on_reset (GObject *source, GAsyncResult *result, gpointer user)
{
  g_autoptr (StateWork) work = user;
  g_autoptr (GError) error = NULL;

  reply_done (work, broker_client_reset_finish (result, &error), error);
}

/* @migrating: so libvirt says, which may know of a migration of which nobody has told us yet */
static gboolean
check_not_moving (const SystemBus *self, const char *uuid, const char *device, gboolean migrating,
                  GError **error)
{
  if (!migrating && migrations_running (self->sources.migrations, uuid) == NULL)
    return TRUE;
  g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_BUSY, "the guest of %s takes part in a migration", device);
  return FALSE;
}

/* ---- a guest's ---- */

/* (nullable): the newest open one about a device of that guest; one about a guest that had it before is not
 */
static const Alarm *
find_alarm (const SystemBus *self, const char *address, const char *domain)
{
  const Alarms *alarms = self->sources.alarms;

  for (gsize i = alarms_size (alarms); i > 0; i--)
    {
      const Alarm *alarm = alarms_get (alarms, i - 1);

      if (alarm->cleared_usec == 0 && g_str_equal (alarm->device, address)
          && g_str_equal (alarm->domain, domain))
        return alarm;
    }
  return NULL;
}

static void
on_guest (GObject *source, GAsyncResult *result, gpointer user)
{
  g_autoptr (StateWork) work = user;
  g_autoptr (GError) error = NULL;
  SystemBus *self = work->bus;
  g_autoptr (HypervisorDomain) domain = hypervisor_lookup_finish (self->sources.hypervisor, result, &error);
  const char *address = work->address;

  if (domain == NULL
      || !check_not_moving (self, hypervisor_domain_get_uuid (domain), address,
                            hypervisor_domain_is_migrating (domain), &error))
    state_work_fail (work, error);
  else
    broker_client_reset_held_async (self->sources.broker, address, on_reset, g_steal_pointer (&work));
}

static void
reset_guests (SystemBus *self, sd_bus_message *m, uid_t caller, const char *address, const Alarm *alarm)
{
  g_autoptr (StateWork) work = new_work (self, m, caller, address);
  g_autoptr (GError) error = NULL;

  if (check_not_moving (self, alarm->uuid, address, FALSE, &error))
    hypervisor_lookup_async (self->sources.hypervisor, alarm->uuid, on_guest, g_steal_pointer (&work));
  else
    state_work_fail (work, error);
}

/* ---- a registered one ---- */

static void
on_reset_registered (GObject *source, GAsyncResult *result, gpointer user)
{
  g_autoptr (StateWork) work = user;
  g_autoptr (GError) error = NULL;
  gboolean ok = broker_client_reset_adopted_finish (result, &error);

  if (ok)
    registered_set_state (work->bus->sources.registered, work->address, ACCMIG_STATE_RUNNING);
  reply_done (work, ok, error);
}

static void
reset_registered (SystemBus *self, sd_bus_message *m, uid_t caller, const Registered *device)
{
  const char *id = registered_get_id (device);
  g_autoptr (StateWork) work = new_work (self, m, caller, id);
  g_autoptr (GError) error = NULL;

  if (check_not_moving (self, registered_get_uuid (device), id, FALSE, &error))
    broker_client_reset_adopted_async (self->sources.broker, id, on_reset_registered,
                                       g_steal_pointer (&work));
  else
    state_work_fail (work, error);
}

/* ---- a free one ---- */

static void
reset_free (SystemBus *self, sd_bus_message *m, uid_t caller, const char *address)
{
  g_autoptr (StateWork) work = new_work (self, m, caller, address);
  g_autoptr (GError) error = NULL;

  if (state_work_begin_use (work, &error))
    broker_client_reset_async (self->sources.broker, address, on_reset, g_steal_pointer (&work));
  else
    state_work_fail (work, error);
}

static void
on_may_reset (sd_bus_message *m, uid_t caller, gpointer user)
{
  SystemBus *self = user;
  const char *word = state_work_read_address (m);
  const Registered *registered = walk_bus_find_registered (self, word);
  const Device *device = registry_lookup (self->sources.registry, word);
  gboolean is_guests = device != NULL && device_get_owner (device) == OWNER_GUEST;
  const Alarm *alarm = is_guests ? find_alarm (self, word, device_get_domain (device)) : NULL;

  if (registered != NULL)
    reset_registered (self, m, caller, registered);
  else if (alarm != NULL)
    reset_guests (self, m, caller, word, alarm);
  else
    reset_free (self, m, caller, word);
}

int
reset_bus_reset (sd_bus_message *m, void *user, sd_bus_error *ret_error)
{
  return walk_bus_authorize (m, user, ACCMIG_ACTION_RESET, on_may_reset, ret_error);
}
