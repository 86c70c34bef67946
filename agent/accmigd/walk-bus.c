// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Moving devices by hand, for org.accmig1.Manager
 *
 * A free device is open only while somebody is at it, and is reset when that ends. So no state that it is set
 * to lasts: what there is to see is the way, which driver takes which step and how long it takes. A
 * registered one keeps its state (walk-registered.c).
 */

#include "walk-bus.h"

#include "hand-log.h"
#include "state-work.h"

static int
append_hops (sd_bus_message *reply, guint64 flags, const BrokerWalkStep *step)
{
  AccmigState path[ACCMIG_FSM_MAX_PATH];
  gsize length = 0;
  int r = sd_bus_message_open_container (reply, 'a', "s");

  (void)accmig_fsm_path (flags, step->from, step->to, path, &length, NULL);
  for (gsize i = 0; r >= 0 && i < length; i++)
    r = sd_bus_message_append (reply, "s", accmig_state_to_string (path[i]));
  return r < 0 ? r : sd_bus_message_close_container (reply);
}

static int
append_step (sd_bus_message *reply, guint64 flags, const BrokerWalkStep *step)
{
  int r = sd_bus_message_open_container (reply, 'r', "ssastss");

  if (r >= 0)
    r = sd_bus_message_append (reply, "ss", accmig_state_to_string (step->from),
                               accmig_state_to_string (step->to));
  if (r >= 0)
    r = append_hops (reply, flags, step);
  if (r >= 0)
    r = sd_bus_message_append (reply, "tss", (guint64)step->usec, step->refusal,
                               accmig_state_to_string (step->left_in));
  return r < 0 ? r : sd_bus_message_close_container (reply);
}

int
walk_bus_reply (sd_bus_message *call, const BrokerWalk *walk)
{
  g_autoptr (sd_bus_message) reply = NULL;
  int r = sd_bus_message_new_method_return (call, &reply);

  if (r >= 0)
    r = sd_bus_message_open_container (reply, 'a', "(ssastss)");
  for (gsize i = 0; r >= 0 && i < walk->n_steps; i++)
    r = append_step (reply, walk->flags, &walk->steps[i]);
  if (r >= 0)
    r = sd_bus_message_close_container (reply);
  return r < 0 ? r : sd_bus_send (NULL, reply, NULL);
}

static void
on_walked (GObject *source, GAsyncResult *result, gpointer user)
{
  g_autoptr (StateWork) work = user;
  g_autoptr (GError) error = NULL;
  g_autofree BrokerWalk *walk = broker_client_walk_finish (result, &error);

  if (walk == NULL)
    {
      state_work_fail (work, error);
      return;
    }
  hand_log_walk (work->caller, work->address, work->deed, walk);
  (void)walk_bus_reply (work->call, walk);
}

const Registered *
walk_bus_find_registered (const SystemBus *self, const char *word)
{
  const Registered *device = registered_lookup_id (self->sources.registered, word);

  return device != NULL ? device : registered_find_address (self->sources.registered, word);
}

static void
walk_free (SystemBus *self, sd_bus_message *m, uid_t caller, const char *address, char *const *states)
{
  g_autoptr (StateWork) work =
      state_work_new_by_hand (self, m, address, caller, hand_log_describe_states (states));
  g_autoptr (GError) error = NULL;

  if (state_work_begin_use (work, &error))
    broker_client_walk_async (self->sources.broker, address, states, on_walked, g_steal_pointer (&work));
  else
    state_work_fail (work, error);
}

static void
on_may_set (sd_bus_message *m, uid_t caller, gpointer user)
{
  SystemBus *self = user;
  const char *address = state_work_read_address (m);
  const Registered *device = walk_bus_find_registered (self, address);
  g_auto (GStrv) states = NULL;

  if (sd_bus_message_read_strv (m, &states) < 0)
    (void)sd_bus_reply_method_errorf (m, SD_BUS_ERROR_INVALID_ARGS, "there are no states");
  else if (device != NULL)
    walk_registered_begin (self, m, caller, device, states);
  else
    walk_free (self, m, caller, address, states);
}

int
walk_bus_authorize (sd_bus_message *m, SystemBus *self, const char *action, PolkitGranted granted,
                    sd_bus_error *ret_error)
{
  const char *address = NULL;
  int r = sd_bus_message_read (m, "s", &address);

  if (r < 0)
    return r;
  if (walk_bus_find_registered (self, address) == NULL)
    {
      if (registered_id_is_valid (address))
        return sd_bus_error_setf (ret_error, ACCMIG_BUS_ERROR ("UnknownDevice"),
                                  "no device is registered as %s", address);
      if (device_bus_find (self, address, ret_error) == NULL)
        return -EINVAL;
    }
  polkit_authorize (m, action, granted, self);
  return 1;
}

int
walk_bus_set (sd_bus_message *m, void *user, sd_bus_error *ret_error)
{
  return walk_bus_authorize (m, user, ACCMIG_ACTION_SET, on_may_set, ret_error);
}
