// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Turns of a drive
 *
 * A turn gives every idle device what its stage wants of it, and goes on to the next stage when all have it.
 * What is given to several devices at once is written down at once, before the first of them is asked.
 *
 * Who does not answer in time does not hold up the others: the device counts as failed, and is sent after
 * them when it answers after all.
 */

#include "drive-private.h"

/* Steps that lead to where the guest is are tried this often in each stage. */
#define MAX_ATTEMPTS 2

/* ---- what a device wants ---- */

/* A device at the destination: to resuming, then, when it is filled, to stop, which loads it. */
static gboolean
find_loading (const DriveDevice *device, DriveIntent *ret_intent)
{
  ret_intent->to = device->filled ? ACCMIG_STATE_STOP : ACCMIG_STATE_RESUMING;
  return !device->loaded && device->state != ret_intent->to;
}

static gboolean
find_reset (const DriveDevice *device, DriveIntent *ret_intent)
{
  ret_intent->reset = TRUE;
  ret_intent->to = ACCMIG_STATE_RUNNING;
  return device->state != ACCMIG_STATE_RUNNING;
}

/* Whether something is to be done to an idle device. */
static gboolean
find_intent (const Drive *self, const DriveDevice *device, DriveIntent *ret_intent)
{
  *ret_intent = (DriveIntent){ .name = device->name, .from = device->state };
  if (self->stage == STAGE_RESETTING || self->stage == STAGE_OVER || device->refused)
    return find_reset (device, ret_intent);
  if (self->stage == STAGE_LOADING)
    return find_loading (device, ret_intent);
  return stage_find_step (self->stage, device->flags, device->state, &ret_intent->to);
}

static void
carry_out (Drive *self, DriveDevice *device, const DriveIntent *intent)
{
  if (intent->reset)
    self->executor.reset (device->name, self->user);
  else
    self->executor.step (device->name, intent->to, self->user);
}

/* A step that cannot be written down is not taken, unless it leads to where the guest is: a device that
 * stands still is worse than one whose record has a gap. */
static gboolean
may_act (Drive *self, const GArray *intents)
{
  const DriveIntent *list = (const void *)intents->data;
  gboolean recorded = self->executor.record (list, intents->len, self->user);

  return recorded || stage_on_failure (self->stage) == ON_FAILURE_INSIST;
}

static void
take_steps (Drive *self)
{
  g_autoptr (GArray) intents = g_array_new (FALSE, FALSE, sizeof (DriveIntent));
  g_autoptr (GPtrArray) devices = g_ptr_array_new ();
  gint64 deadline = self->executor.now (self->user) + self->limits.step * G_USEC_PER_SEC;
  Stage stage = self->stage;
  gboolean act;

  for (guint i = 0; i < self->devices->len; i++)
    {
      DriveDevice *device = self->devices->pdata[i];
      DriveIntent intent;

      if (!drive_device_is_idle (device) || device->passed_over || !find_intent (self, device, &intent))
        continue;
      g_array_append_val (intents, intent);
      g_ptr_array_add (devices, device);
    }
  if (devices->len == 0)
    return;
  act = may_act (self, intents);
  for (guint i = 0; act && i < devices->len; i++)
    {
      DriveDevice *device = devices->pdata[i];
      const DriveIntent *intent = &g_array_index (intents, DriveIntent, i);

      device->task = intent->reset ? TASK_RESET : TASK_STEP;
      device->wanted = intent->to;
      device->deadline_usec = deadline;
    }
  for (guint i = 0; act && i < devices->len; i++)
    carry_out (self, devices->pdata[i], &g_array_index (intents, DriveIntent, i));
  for (guint i = 0; !act && i < devices->len && self->stage == stage; i++)
    drive_on_failure (self, devices->pdata[i], "the step cannot be written down");
}

/* ---- streams ---- */

static gboolean
wants_drain (const Drive *self, const DriveDevice *device)
{
  return self->stage == STAGE_COPYING && device->state == ACCMIG_STATE_PRE_COPY
         && self->executor.now (self->user) >= device->drain_at_usec;
}

static void
take_stream (Drive *self, DriveDevice *device)
{
  if (device->stream != STREAM_OPEN || !drive_device_is_idle (device))
    return;
  if (self->role == ROLE_DESTINATION)
    {
      if (self->stage != STAGE_LOADING || device->state != ACCMIG_STATE_RESUMING || device->filled)
        return;
      device->task = TASK_FILL;
      self->executor.fill (device->name, self->user);
    }
  else if (self->stage == STAGE_SAVING && device->state == ACCMIG_STATE_STOP_COPY)
    {
      device->task = TASK_FINAL_DRAIN;
      self->executor.drain (device->name, TRUE, self->user);
    }
  else if (wants_drain (self, device))
    {
      device->task = TASK_DRAIN;
      self->executor.drain (device->name, FALSE, self->user);
    }
}

/* ---- going on ---- */

/* A device that nobody can ask cannot follow its guest. */
static void
check_known (Drive *self)
{
  Stage stage = self->stage;

  for (guint i = 0; i < self->devices->len && self->stage == stage; i++)
    {
      DriveDevice *device = self->devices->pdata[i];

      if (device->known || device->task != TASK_NONE || device->passed_over)
        continue;
      device->passed_over = TRUE;
      if (stage != STAGE_WAITING && stage != STAGE_COPYING && stage != STAGE_UNSURE && stage != STAGE_LOADING)
        drive_on_failure (self, device, "it cannot be asked until its holder registers it again");
    }
}

/* Whether a stage has nothing more to wait for from @device. */
static gboolean
is_settled (const Drive *self, const DriveDevice *device)
{
  DriveIntent intent;

  if (device->overdue)
    return TRUE;
  if (device->task != TASK_NONE)
    return FALSE;
  return device->passed_over || !device->known || !find_intent (self, device, &intent);
}

static gboolean
all_settled (const Drive *self)
{
  for (guint i = 0; i < self->devices->len; i++)
    if (!is_settled (self, self->devices->pdata[i]))
      return FALSE;
  return TRUE;
}

/* The guest runs here, and nobody sends what this device should hold. */
static void
refuse_unsent (Drive *self)
{
  for (guint i = 0; i < self->devices->len; i++)
    {
      DriveDevice *device = self->devices->pdata[i];

      if (device->stream == STREAM_NONE && !device->loaded && !device->refused)
        drive_device_refuse (self, device, "its guest runs here, and nobody has sent it");
    }
}

/* Destination: whether no device is on its way any more. */
static gboolean
all_loaded (const Drive *self)
{
  for (guint i = 0; i < self->devices->len; i++)
    {
      const DriveDevice *device = self->devices->pdata[i];

      if (!device->loaded && !device->refused)
        return FALSE;
    }
  return all_settled (self);
}

/* Where a stage leads that does not end by itself. */
static Stage
find_next (const Drive *self)
{
  if (self->stage == STAGE_SAVING)
    return self->gone && all_settled (self) ? STAGE_LEAVING : STAGE_SAVING;
  if (self->stage == STAGE_LOADING)
    return self->guest_runs && all_loaded (self) ? STAGE_JOINING : STAGE_LOADING;
  return all_settled (self) ? stage_next (self->stage) : self->stage;
}

/* ---- ends ---- */

/* Source, the guest has left: what became of a device that is stopped here. */
static void
tell_left (Drive *self, DriveDevice *device)
{
  if (device->told || !drive_device_is_idle (device) || device->stream == STREAM_WHOLE
      || device->stream == STREAM_OPEN)
    return;
  if (device->stream == STREAM_CONFIRMED)
    drive_device_finish (self, device, DRIVE_OUTCOME_SENT);
  else
    {
      drive_device_alarm (self, device,
                          self->lost ? "nobody knows whether its guest has arrived elsewhere; what it holds "
                                       "is kept here, stopped"
                                     : "its guest has left and its state was not sent; what it holds is kept "
                                       "here, stopped");
      drive_device_finish (self, device, DRIVE_OUTCOME_LOST);
    }
}

static void
tell_running (Drive *self, DriveDevice *device)
{
  gboolean whole = device->state == ACCMIG_STATE_RUNNING && !device->reset;

  if (!drive_device_is_idle (device) || device->told || (self->role == ROLE_SOURCE && !self->ended))
    return;
  if (whole)
    drive_device_calm (self, device); /* whatever happened on the way, it serves its guest */
  drive_device_finish (self, device, whole ? DRIVE_OUTCOME_RUNNING : DRIVE_OUTCOME_LOST);
}

/* Destination, the migration failed: nothing of the guest is here, and nothing is to be known about it. */
static void
tell_over (Drive *self, DriveDevice *device)
{
  if (device->state == ACCMIG_STATE_RUNNING)
    drive_device_calm (self, device);
  drive_device_finish (self, device, DRIVE_OUTCOME_LOST);
}

static void
tell_ends (Drive *self)
{
  for (guint i = 0; i < self->devices->len; i++)
    {
      DriveDevice *device = self->devices->pdata[i];

      if (self->stage == STAGE_LEFT && is_settled (self, device))
        tell_left (self, device);
      else if (self->stage == STAGE_RESTING && is_settled (self, device))
        tell_running (self, device);
      else if (self->stage == STAGE_LOADING && device->refused && is_settled (self, device))
        drive_device_finish (self, device, DRIVE_OUTCOME_LOST);
      else if (self->stage == STAGE_OVER && is_settled (self, device))
        tell_over (self, device);
    }
}

/* ---- failures and limits ---- */

void
drive_give_up (Drive *self, const char *why)
{
  self->given_up = TRUE;
  for (guint i = 0; i < self->devices->len; i++)
    drive_device_end_stream (self, self->devices->pdata[i], why);
  drive_enter (self, self->gone ? STAGE_LEAVING : STAGE_HALTING);
}

void
drive_on_failure (Drive *self, DriveDevice *device, const char *why)
{
  const char *stage = stage_to_string (self->stage);
  g_autofree char *sentence = g_strdup_printf ("while %s: %s", stage, why);

  if (self->stage == STAGE_LOADING && !device->refused)
    {
      drive_device_refuse (self, device, sentence);
      return;
    }
  switch (stage_on_failure (self->stage))
    {
    case ON_FAILURE_LET_BE:
      device->passed_over = TRUE;
      if (device->refused)
        drive_device_alarm (self, device, "it cannot be reset, and is in %s: %s",
                            accmig_state_to_string (device->state), why);
      break;
    case ON_FAILURE_GIVE_UP:
      drive_device_alarm (self, device, "it does not go with its guest: %s", sentence);
      drive_give_up (self, sentence);
      break;
    case ON_FAILURE_INSIST:
      device->passed_over = ++device->attempts >= MAX_ATTEMPTS || device->overdue || !device->known;
      if (device->passed_over)
        drive_device_alarm (self, device, "it is in %s and stays there: %s",
                            accmig_state_to_string (device->state), sentence);
      break;
    default:
      g_assert_not_reached ();
    }
}

/* A device that keeps the switching from its end. */
static gboolean
holds_up (const Drive *self, const DriveDevice *device)
{
  if (self->stage == STAGE_LEFT)
    return device->stream == STREAM_WHOLE; /* and unconfirmed */
  if (self->stage == STAGE_LOADING)
    return !device->loaded && !device->refused;
  return device->task != TASK_NONE || device->stream == STREAM_OPEN;
}

static void
give_up_waiting (Drive *self, DriveDevice *device)
{
  g_autofree char *sentence =
      g_strdup_printf ("the switching takes longer than %u s", self->limits.switching);

  if (self->stage == STAGE_LEFT)
    device->stream = STREAM_BROKEN;
  else if (self->stage == STAGE_LOADING)
    drive_device_refuse (self, device, sentence);
  else
    {
      drive_device_alarm (self, device, "it does not go with its guest: %s", sentence);
      drive_give_up (self, sentence);
    }
}

static void
check_switching (Drive *self, gint64 now)
{
  if (self->switch_deadline_usec == 0 || now < self->switch_deadline_usec)
    return;
  for (guint i = 0; i < self->devices->len && stage_is_switching (self->stage); i++)
    if (holds_up (self, self->devices->pdata[i]))
      give_up_waiting (self, self->devices->pdata[i]);
}

/* A stream has as long as its ends want; once it is cut, what reads or writes it must come back. */
static gboolean
has_deadline (const DriveDevice *device)
{
  gboolean streams = device->task != TASK_STEP && device->task != TASK_RESET;

  return device->task != TASK_NONE && !device->overdue && !(streams && device->stream == STREAM_OPEN);
}

void
drive_check_limits (Drive *self)
{
  gint64 now = self->executor.now (self->user);

  for (guint i = 0; i < self->devices->len; i++)
    {
      DriveDevice *device = self->devices->pdata[i];
      g_autofree char *sentence = NULL;

      if (!has_deadline (device) || now < device->deadline_usec)
        continue;
      device->overdue = TRUE;
      sentence = g_strdup_printf ("no answer to %s for %u s", drive_device_describe_task (device),
                                  self->limits.step);
      drive_on_failure (self, device, sentence);
    }
  check_switching (self, now);
}

static gint64
sooner (gint64 a, gint64 b)
{
  return a == 0 || (b != 0 && b < a) ? b : a;
}

static void
set_wake (Drive *self)
{
  gint64 at = 0, now = self->executor.now (self->user);

  for (guint i = 0; i < self->devices->len; i++)
    {
      const DriveDevice *device = self->devices->pdata[i];

      if (has_deadline (device))
        at = sooner (at, device->deadline_usec);
      if (stage_is_switching (self->stage) && holds_up (self, device))
        at = sooner (at, self->switch_deadline_usec);
      if (self->stage == STAGE_COPYING && device->stream == STREAM_OPEN && device->task == TASK_NONE
          && device->drain_at_usec > now)
        at = sooner (at, device->drain_at_usec);
    }
  if (at != 0)
    self->executor.wake_at (at, self->user);
}

/* ---- turns ---- */

void
drive_enter (Drive *self, Stage stage)
{
  gint64 now = self->executor.now (self->user);

  self->stage = stage;
  self->again = TRUE;
  for (guint i = 0; i < self->devices->len; i++)
    {
      DriveDevice *device = self->devices->pdata[i];

      device->attempts = 0;
      device->passed_over = FALSE;
    }
  if (stage == STAGE_QUIETING || stage == STAGE_LEFT)
    self->switch_deadline_usec = now + self->limits.switching * G_USEC_PER_SEC;
}

static void
turn_once (Drive *self)
{
  Stage stage = self->stage;

  if (stage == STAGE_LOADING && self->guest_runs)
    refuse_unsent (self);
  check_known (self);
  if (self->stage == stage)
    take_steps (self);
  if (self->stage != stage)
    return;
  for (guint i = 0; i < self->devices->len; i++)
    take_stream (self, self->devices->pdata[i]);
  if (self->stage != stage || self->again)
    return;
  stage = find_next (self);
  if (stage != self->stage)
    drive_enter (self, stage);
  else
    tell_ends (self);
}

void
drive_turn (Drive *self)
{
  self->again = TRUE;
  if (self->turning || !self->begun)
    return;
  self->turning = TRUE;
  while (self->again)
    {
      self->again = FALSE;
      turn_once (self);
    }
  self->turning = FALSE;
  set_wake (self);
}
