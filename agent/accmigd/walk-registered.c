// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Moving a registered device by hand
 *
 * What a person sets stays: nobody closes the device. So two things are held that a driver of devices has to
 * hold: while its guest is being migrated the device is moved in step with the guest and by nobody else, and
 * while the guest's vCPUs run it is not stopped. Whether they run is asked of libvirt before the first step;
 * that the guest was resumed since is heard, and no later step stops the device then. A step that was under
 * way is not called back, but leads to an alarm (drives-standing.c).
 */

#include "hand-log.h"
#include "walk-bus.h"

#include "common/text.h"

/* One call, step by step. */
typedef struct
{
  SystemBus *bus;
  sd_bus_message *call;
  char *id;
  char *uuid;
  uid_t caller;
  char *deed; /* for the journal */
  guint64 flags;
  AccmigState states[BROKER_WALK_MAX];
  gsize n_states;
  gint64 asked; /* libvirt, for the guest; monotonic µs, as the next */
  gint64 begun; /* the step that is under way */
  BrokerWalk walk;
} Way;

static void
way_free (Way *way)
{
  sd_bus_message_unref (way->call);
  g_free (way->id);
  g_free (way->uuid);
  g_free (way->deed);
  g_free (way);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Way, way_free)

static void take_step (Way *way);

static void
way_fail (const Way *way, const GError *error)
{
  hand_log_outcome (way->caller, way->id, way->deed, error);
  system_bus_reply_error (way->call, error);
}

/* ---- what must hold ---- */

static gboolean fail (GError **error, AccmigError code, const char *format, ...) G_GNUC_PRINTF (3, 4);

static gboolean
fail (GError **error, AccmigError code, const char *format, ...)
{
  g_autofree char *message = NULL;
  va_list args;

  va_start (args, format);
  message = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error_literal (error, ACCMIG_ERROR, (int)code, message);
  return FALSE;
}

/* The device stands still in it, or is on the way there. */
static gboolean
is_stopped (AccmigState state)
{
  return state == ACCMIG_STATE_STOP || state == ACCMIG_STATE_STOP_COPY || state == ACCMIG_STATE_RESUMING;
}

static gboolean
read_states (Way *way, char *const *states, GError **error)
{
  for (; *states != NULL; states++)
    {
      if (way->n_states == BROKER_WALK_MAX)
        return fail (error, ACCMIG_ERROR_LIMIT, "more than %d states, which is the limit", BROKER_WALK_MAX);
      if (!accmig_state_from_string (*states, &way->states[way->n_states++]))
        return fail (error, ACCMIG_ERROR_INVALID, "“%.*s” is no state", text_quotable (*states), *states);
    }
  return way->n_states > 0 || fail (error, ACCMIG_ERROR_INVALID, "there are no states");
}

/* Every step, from where the device is; a request without a way is never made. */
static gboolean
check_way (const Way *way, AccmigState from, GError **error)
{
  AccmigState at = from, next;

  for (gsize i = 0; i < way->n_states; at = way->states[i++])
    if (!accmig_fsm_next (way->flags, at, way->states[i], &next, error))
      return FALSE;
  return TRUE;
}

/* What is neither paused nor shut off may run: so does one that is being shut down. */
static gboolean
may_run (const HypervisorDomain *domain)
{
  HypervisorDomainState state = hypervisor_domain_get_state (domain);

  return state != HYPERVISOR_DOMAIN_PAUSED && state != HYPERVISOR_DOMAIN_SHUTOFF;
}

/* No step of the way stops the device. */
static gboolean
check_never_stops (const Way *way, GError **error)
{
  for (gsize i = 0; i < way->n_states; i++)
    if (is_stopped (way->states[i]))
      return fail (error, ACCMIG_ERROR_BUSY,
                   "%s cannot go to %s while its guest runs; suspend the guest first", way->id,
                   accmig_state_to_string (way->states[i]));
  return TRUE;
}

static AccmigState
left_in (const Way *way)
{
  gsize n = way->walk.n_steps;

  return n > 0 ? way->walk.steps[n - 1].left_in : way->walk.steps[0].from;
}

/* The guest was not running when libvirt was asked; it is for @state that it must not have been resumed. */
static gboolean
check_guest_is_still (const Way *way, AccmigState state, GError **error)
{
  return !is_stopped (state) || drives_get_resumed_usec (way->bus->sources.drives, way->uuid) < way->asked
         || fail (error, ACCMIG_ERROR_BUSY, "%s cannot go to %s while its guest runs, and was left in %s",
                  way->id, accmig_state_to_string (state), accmig_state_to_string (left_in (way)));
}

/* (nullable): the device, as long as it may be moved */
static const Registered *
find_device (const Way *way, GError **error)
{
  const Registered *device = registered_lookup_id (way->bus->sources.registered, way->id);

  if (device == NULL)
    fail (error, ACCMIG_ERROR_NOT_FOUND, "%s is no longer registered", way->id);
  else if (!registered_is_attached (device))
    fail (error, ACCMIG_ERROR_BUSY, "%s is not in our hands until its holder registers it anew", way->id);
  else if (migrations_running (way->bus->sources.migrations, way->uuid) != NULL)
    fail (error, ACCMIG_ERROR_BUSY, "the guest of %s takes part in a migration, and %s in step with it",
          way->id, way->id);
  else
    return device;
  return NULL;
}

/* ---- steps ---- */

static void
on_stepped (GObject *source, GAsyncResult *result, gpointer user)
{
  g_autoptr (Way) way = user;
  g_autoptr (GError) error = NULL;
  BrokerWalkStep *step = &way->walk.steps[way->walk.n_steps];
  BrokerStep answer = { 0 };

  if (!broker_client_step_finish (result, &answer, &error))
    {
      way_fail (way, error);
      return;
    }
  step->usec = g_get_monotonic_time () - way->begun;
  step->left_in = answer.state;
  (void)g_strlcpy (step->refusal, answer.refusal, sizeof step->refusal);
  way->walk.n_steps++;
  registered_set_state (way->bus->sources.registered, way->id, answer.state);
  if (*step->refusal == '\0' && way->walk.n_steps < way->n_states)
    {
      take_step (g_steal_pointer (&way));
      return;
    }
  hand_log_walk (way->caller, way->id, way->deed, &way->walk);
  (void)walk_bus_reply (way->call, &way->walk);
}

/* @way: (transfer full) */
static void
take_step (Way *way)
{
  g_autoptr (Way) owned = way;
  g_autoptr (GError) error = NULL;
  gsize i = way->walk.n_steps;

  if (find_device (way, &error) == NULL || !check_guest_is_still (way, way->states[i], &error))
    {
      way_fail (owned, error);
      return;
    }
  way->walk.steps[i].to = way->states[i];
  if (i > 0)
    way->walk.steps[i].from = way->states[i - 1];
  way->begun = g_get_monotonic_time ();
  broker_client_step_async (way->bus->sources.broker, way->id, way->states[i], on_stepped,
                            g_steal_pointer (&owned));
}

static void
on_state (GObject *source, GAsyncResult *result, gpointer user)
{
  g_autoptr (Way) way = user;
  g_autoptr (GError) error = NULL;
  AccmigState from;

  if (!broker_client_state_of_finish (result, &from, &error) || !check_way (way, from, &error))
    {
      way_fail (way, error);
      return;
    }
  way->walk.steps[0].from = from;
  take_step (g_steal_pointer (&way));
}

static void
on_guest (GObject *source, GAsyncResult *result, gpointer user)
{
  g_autoptr (Way) way = user;
  g_autoptr (GError) error = NULL;
  g_autoptr (HypervisorDomain) domain =
      hypervisor_lookup_finish (way->bus->sources.hypervisor, result, &error);
  BrokerClient *broker = way->bus->sources.broker;
  const char *id = way->id;
  gboolean is_gone = g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);

  if (is_gone)
    g_clear_error (&error);
  if (error != NULL || (domain != NULL && may_run (domain) && !check_never_stops (way, &error)))
    {
      way_fail (way, error);
      return;
    }
  broker_client_state_of_async (broker, id, on_state, g_steal_pointer (&way));
}

void
walk_registered_begin (SystemBus *bus, sd_bus_message *call, uid_t caller, const Registered *device,
                       char *const *states)
{
  g_autoptr (Way) way = g_new0 (Way, 1);
  g_autoptr (GError) error = NULL;
  const char *uuid;

  way->bus = bus;
  way->call = sd_bus_message_ref (call);
  way->caller = caller;
  way->deed = hand_log_describe_states (states);
  way->id = g_strdup (registered_get_id (device));
  uuid = way->uuid = g_strdup (registered_get_uuid (device));
  way->flags = way->walk.flags = registered_get_flags (device);
  way->asked = g_get_monotonic_time ();
  if (read_states (way, states, &error) && find_device (way, &error) != NULL)
    hypervisor_lookup_async (bus->sources.hypervisor, uuid, on_guest, g_steal_pointer (&way));
  else
    way_fail (way, error);
}
