// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The executor of a drive
 *
 * What a drive wants is written down and asked of the broker, and the broker's answers are written down and
 * told to the drive. When the broker is lost in the middle of a step, its row stays open: what became of it
 * is seen by the state the device is found in when it is attached again.
 */

#include "drives-private.h"

#include <unistd.h>

#include "log.h"
#include "steps.h"

static LogContext
context_of (const DrivenGuest *guest, const DrivenDevice *device)
{
  return (LogContext){
    .domain = guest->name, .uuid = guest->uuid, .device = device->name, .migration = guest->migration
  };
}

/* ---- the record ---- */

static gboolean
on_record (const DriveIntent *intents, gsize n, gpointer user)
{
  DrivenGuest *guest = user;
  g_autofree StepRow *rows = g_new0 (StepRow, n);
  g_autoptr (GError) error = NULL;
  gint64 now = g_get_real_time ();

  for (gsize i = 0; i < n; i++)
    rows[i] =
        (StepRow){ .migration = guest->migration,
                   .uuid = guest->uuid,
                   .name = (char *)intents[i].name,
                   .role = drive_get_role (guest->drive),
                   .from = (char *)accmig_state_to_string (intents[i].from),
                   .to = (char *)(intents[i].reset ? STEP_RESET : accmig_state_to_string (intents[i].to)),
                   .intent_usec = now };
  if (!steps_begin (guest->owner->sources.history, rows, n, &error))
    {
      log_event (LOG_EVENT_STRANGE, &(LogContext){ .domain = guest->name, .uuid = guest->uuid },
                 "steps of devices cannot be written down: %s", error->message);
      return FALSE;
    }
  for (gsize i = 0; i < n; i++)
    driven_guest_find (guest, intents[i].name)->step = rows[i].id;
  return TRUE;
}

static void
close_step (DrivenGuest *guest, DrivenDevice *device, const char *outcome)
{
  LogContext context = context_of (guest, device);
  g_autoptr (GError) error = NULL;

  if (device->step != 0 && !steps_end (guest->owner->sources.history, device->step, outcome, &error))
    log_event (LOG_EVENT_STRANGE, &context, "the end of a step is not written down: %s", error->message);
  device->step = 0;
}

/* ---- steps and resets ---- */

/* How a step ended, to the record, to the set, and last to the drive, which goes on at once. */
static void
answer (DrivenGuest *guest, DrivenDevice *device, const AccmigState *state, const char *failure)
{
  g_autofree char *name = g_strdup (device->name);

  device->unanswered = FALSE;
  close_step (guest, device, *failure == '\0' ? STEP_DONE : failure);
  if (state != NULL)
    registered_set_state (guest->owner->sources.registered, device->id, *state);
  if (device->resetting)
    drive_on_reset (guest->drive, name, state, failure);
  else
    drive_on_step (guest->drive, name, state, failure);
  drives_tidy_soon (guest->owner);
}

/* The broker answered with an error, or not at all. */
static void
answer_error (DrivenGuest *guest, DrivenDevice *device, const GError *error)
{
  const Registered *registered = registered_lookup_id (guest->owner->sources.registered, device->id);
  AccmigState state;
  gboolean known =
      registered != NULL && registered_is_attached (registered) && registered_get_state (registered, &state);

  if (broker_error_is_unavailable (error))
    device->unanswered = TRUE; /* driven_guest_see() finds out */
  else
    answer (guest, device, known ? &state : NULL, error->message);
}

static void
on_stepped (GObject *source, GAsyncResult *result, gpointer user)
{
  g_autoptr (DrivenCall) call = user;
  DrivenDevice *device = NULL;
  DrivenGuest *guest = driven_call_find (call, &device);
  g_autoptr (GError) error = NULL;
  BrokerStep step = { 0 };
  gboolean ok = broker_client_step_finish (result, &step, &error);

  if (guest == NULL)
    return;
  if (ok)
    answer (guest, device, &step.state, step.refusal);
  else
    answer_error (guest, device, error);
}

static void
on_step (const char *name, AccmigState to, gpointer user)
{
  DrivenGuest *guest = user;
  DrivenDevice *device = driven_guest_find (guest, name);

  device->wanted = to;
  device->resetting = FALSE;
  broker_client_step_async (guest->owner->sources.broker, device->id, to, on_stepped,
                            driven_call_new (guest, device, DRIVEN_TASK));
}

static void
on_was_reset (GObject *source, GAsyncResult *result, gpointer user)
{
  static const AccmigState running = ACCMIG_STATE_RUNNING;
  g_autoptr (DrivenCall) call = user;
  DrivenDevice *device = NULL;
  DrivenGuest *guest = driven_call_find (call, &device);
  g_autoptr (GError) error = NULL;
  gboolean ok = broker_client_reset_adopted_finish (result, &error);

  if (guest == NULL)
    return;
  if (ok)
    answer (guest, device, &running, "");
  else
    answer_error (guest, device, error);
}

static void
on_reset (const char *name, gpointer user)
{
  DrivenGuest *guest = user;
  DrivenDevice *device = driven_guest_find (guest, name);

  device->wanted = ACCMIG_STATE_RUNNING;
  device->resetting = TRUE;
  broker_client_reset_adopted_async (guest->owner->sources.broker, device->id, on_was_reset,
                                     driven_call_new (guest, device, DRIVEN_TASK));
}

/* ---- streams ---- */

static void
on_drained (GObject *source, GAsyncResult *result, gpointer user)
{
  g_autoptr (DrivenCall) call = user;
  DrivenDevice *device = NULL;
  DrivenGuest *guest = driven_call_find (call, &device);
  g_autoptr (GError) error = NULL;
  BrokerDrain drain = { 0 };
  gboolean ok = broker_client_drain_finish (result, &drain, &error);

  if (guest == NULL)
    return;
  device->bytes += drain.bytes;
  drive_on_drain (guest->drive, call->name, ok && !drain.ended, ok ? "" : error->message);
  drives_tidy_soon (call->drives);
}

static void
on_drain (const char *name, gboolean final, gpointer user)
{
  DrivenGuest *guest = user;
  DrivenDevice *device = driven_guest_find (guest, name);

  broker_client_drain_async (guest->owner->sources.broker, device->id, device->fd, final, on_drained,
                             driven_call_new (guest, device, DRIVEN_TASK));
}

static void
on_filled (GObject *source, GAsyncResult *result, gpointer user)
{
  g_autoptr (DrivenCall) call = user;
  DrivenDevice *device = NULL;
  DrivenGuest *guest = driven_call_find (call, &device);
  g_autoptr (GError) error = NULL;
  g_autofree char *refusal = NULL;
  BrokerFill fill = { 0 };
  gboolean ok = broker_client_fill_finish (result, &fill, &error);

  if (guest == NULL)
    return;
  device->bytes += fill.bytes;
  if (ok && *fill.refusal != '\0')
    refusal = g_strdup_printf ("the driver refused it after %" G_GUINT64_FORMAT " bytes (%s)", fill.bytes,
                               fill.refusal);
  drive_on_fill (guest->drive, call->name, !ok ? error->message : refusal != NULL ? refusal : "");
  drives_tidy_soon (call->drives);
}

static void
on_fill (const char *name, gpointer user)
{
  DrivenGuest *guest = user;
  DrivenDevice *device = driven_guest_find (guest, name);

  broker_client_fill_async (guest->owner->sources.broker, device->id, device->fd, on_filled,
                            driven_call_new (guest, device, DRIVEN_TASK));
}

static char *
on_check (const char *name, gpointer user)
{
  DrivenDevice *device = driven_guest_find (user, name);

  return device->stream.check (device->stream_user);
}

static void
on_stream_over (const char *name, const char *failure, gpointer user)
{
  DrivenDevice *device = driven_guest_find (user, name);

  if (device->fd < 0)
    return;
  (void)close (device->fd);
  device->fd = -1;
  device->stream.over (device->bytes, failure, device->stream_user);
}

/* ---- telling ---- */

static void
on_alarm (const char *name, const char *sentence, gpointer user)
{
  DrivenGuest *guest = user;
  DrivenDevice *device = driven_guest_find (guest, name);
  LogContext context = context_of (guest, device);

  if (*sentence != '\0')
    log_event (LOG_EVENT_ALARM, &context, "“%s” of “%s”: %s", name, guest->name, sentence);
  registered_set_alarm (guest->owner->sources.registered, device->id, sentence);
}

/* The last row of a device in a migration, so that a successor knows that nothing is left to be done. */
static void
record_end (DrivenGuest *guest, DrivenDevice *device, const char *outcome)
{
  StepRow row = { .migration = guest->migration,
                  .uuid = guest->uuid,
                  .name = device->name,
                  .role = drive_get_role (guest->drive),
                  .from = (char *)"",
                  .to = (char *)outcome,
                  .intent_usec = g_get_real_time () };
  LogContext context = context_of (guest, device);
  g_autoptr (GError) error = NULL;

  if (!steps_begin (guest->owner->sources.history, &row, 1, &error)
      || !steps_end (guest->owner->sources.history, row.id, STEP_END, &error))
    log_event (LOG_EVENT_STRANGE, &context, "how it ended is not written down: %s", error->message);
}

static void
on_finished (const char *name, DriveOutcome outcome, gpointer user)
{
  static const char *const words[] = {
    [DRIVE_OUTCOME_SENT] = REGISTERED_SENT,
    [DRIVE_OUTCOME_LOADED] = REGISTERED_LOADED,
    [DRIVE_OUTCOME_RUNNING] = REGISTERED_RUNNING,
    [DRIVE_OUTCOME_LOST] = REGISTERED_LOST,
  };
  DrivenGuest *guest = user;
  DrivenDevice *device = driven_guest_find (guest, name);

  if (outcome != DRIVE_OUTCOME_LOADED)
    record_end (guest, device, words[outcome]);
  registered_finish (guest->owner->sources.registered, device->id, words[outcome]);
}

/* ---- time ---- */

static gint64
on_now (gpointer user)
{
  return g_get_monotonic_time ();
}

static gboolean
on_timer (gpointer user)
{
  DrivenGuest *guest = user;

  guest->timer = 0;
  drive_on_time (guest->drive);
  drives_tidy_soon (guest->owner);
  return G_SOURCE_REMOVE;
}

static void
on_wake_at (gint64 at_usec, gpointer user)
{
  DrivenGuest *guest = user;
  gint64 left = at_usec - g_get_monotonic_time ();

  g_clear_handle_id (&guest->timer, g_source_remove);
  guest->timer = g_timeout_add (left > 0 ? (guint)(left / 1000 + 1) : 0, on_timer, guest);
}

void
driven_device_answer_late (DrivenGuest *guest, DrivenDevice *device, AccmigState state)
{
  g_autofree char *failure = state == device->wanted ? g_strdup ("")
                                                     : g_strdup_printf ("the broker was lost; found in %s",
                                                                        accmig_state_to_string (state));

  answer (guest, device, &state, failure);
}

void
driven_device_taken_back (DrivenGuest *guest, DrivenDevice *device)
{
  close_step (guest, device, STEP_NOBODYS);
}

const DriveExecutor driven_executor = {
  .record = on_record,
  .step = on_step,
  .reset = on_reset,
  .drain = on_drain,
  .fill = on_fill,
  .check = on_check,
  .stream_over = on_stream_over,
  .alarm = on_alarm,
  .finished = on_finished,
  .now = on_now,
  .wake_at = on_wake_at,
};
