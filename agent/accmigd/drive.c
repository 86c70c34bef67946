// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Drive
 *
 * What is told goes into the devices and the stage; the turn that follows finds what is to be done about it.
 *
 * Two rules stand above all: no device is stopped while the vCPUs of its guest run, which is the user's duty
 * in the kernel's contract, and none is left stopped in silence where its guest runs. So the way down begins
 * only when the guest stopped, any failure on it turns all devices round, and on the way back a failure of
 * one holds up no other, is tried again, and ends in an alarm.
 *
 * Turned round once, the devices stay out of this migration: their streams are broken, and whoever
 * orchestrates it is told so. If the guest leaves all the same, they are stopped and the alarm says what was
 * lost.
 */

#include "drive-private.h"

Drive *
drive_new (Role role, const DriveLimits *limits, const DriveExecutor *executor, gpointer user)
{
  Drive *self = g_new0 (Drive, 1);

  self->role = role;
  self->limits = *limits;
  self->executor = *executor;
  self->user = user;
  self->devices = g_ptr_array_new_with_free_func ((GDestroyNotify)drive_device_free);
  self->stage = role == ROLE_SOURCE ? STAGE_WAITING : STAGE_LOADING;
  return self;
}

void
drive_free (Drive *self)
{
  if (self == NULL)
    return;
  g_ptr_array_unref (self->devices);
  g_free (self);
}

/* (nullable) */
static DriveDevice *
find_device (const Drive *self, const char *name)
{
  for (guint i = 0; i < self->devices->len; i++)
    {
      DriveDevice *device = self->devices->pdata[i];

      if (g_str_equal (device->name, name))
        return device;
    }
  return NULL;
}

/* ---- devices ---- */

static void
set_state (DriveDevice *device, const AccmigState *state)
{
  device->known = state != NULL;
  if (state != NULL)
    device->state = *state;
}

void
drive_add_device (Drive *self, const char *name, guint64 flags, const AccmigState *state)
{
  DriveDevice *device = find_device (self, name);

  if (device == NULL)
    {
      device = drive_device_new (name, flags);
      g_ptr_array_add (self->devices, device);
    }
  if (device->task == TASK_NONE)
    {
      set_state (device, state);
      device->attempts = 0;
      device->passed_over = FALSE;
    }
  drive_turn (self);
}

void
drive_set_loaded (Drive *self, const char *name)
{
  DriveDevice *device = find_device (self, name);

  if (device != NULL)
    device->loaded = TRUE;
}

void
drive_remove_device (Drive *self, const char *name)
{
  DriveDevice *device = find_device (self, name);

  if (device == NULL)
    return;
  drive_device_end_stream (self, device, "its holder took the device back");
  g_ptr_array_remove (self->devices, device);
  drive_turn (self);
}

/* What a predecessor left: its streams are cut, so nothing that was on its way arrives. */
static void
take_up (Drive *self)
{
  if (self->role == ROLE_SOURCE)
    self->stage = STAGE_UNSURE;
  for (guint i = 0; i < self->devices->len; i++)
    {
      DriveDevice *device = self->devices->pdata[i];

      if (self->role == ROLE_SOURCE)
        device->stream = STREAM_BROKEN;
      else if (!device->loaded && device->known && device->state != ACCMIG_STATE_RUNNING)
        drive_device_refuse (self, device, "the agent was restarted while it was loaded");
    }
}

void
drive_begin (Drive *self, DriveBeginning how)
{
  self->begun = TRUE;
  if (how == DRIVE_TAKE_UP)
    take_up (self);
  drive_turn (self);
}

/* ---- news ---- */

/* What a reader of a stream hears when @news cut it. */
static const char *const cut_by[] = {
  [DRIVE_COPYING] = "the agent was restarted during the migration",
  [DRIVE_GUEST_STOPPED] = "the agent was restarted during the migration",
  [DRIVE_GUEST_RUNS] = "the guest runs at the source again",
  [DRIVE_ARRIVED] = "",
  [DRIVE_GONE] = "the guest has left",
  [DRIVE_FAILED] = "the migration failed",
  [DRIVE_LOST] = "the guest is gone, and nobody knows how the migration ended",
};
G_STATIC_ASSERT (G_N_ELEMENTS (cut_by) == N_DRIVE_NEWS);

static void
take_note (Drive *self, DriveNews news)
{
  gint64 deadline = self->executor.now (self->user) + self->limits.switching * G_USEC_PER_SEC;

  self->gone = self->gone || news == DRIVE_GONE || news == DRIVE_LOST;
  self->ended = self->ended || news == DRIVE_FAILED;
  self->lost = self->lost || news == DRIVE_LOST;
  if (self->role == ROLE_SOURCE || (news != DRIVE_GUEST_RUNS && news != DRIVE_ARRIVED))
    return;
  self->guest_runs = self->guest_runs || news == DRIVE_GUEST_RUNS;
  if (self->switch_deadline_usec == 0)
    self->switch_deadline_usec = deadline;
}

static void
cut_streams (Drive *self, const char *why)
{
  for (guint i = 0; i < self->devices->len; i++)
    drive_device_end_stream (self, self->devices->pdata[i], why);
}

void
drive_tell (Drive *self, DriveNews news)
{
  Stage to = stage_on_news (self->role, self->stage, news);

  take_note (self, news);
  if (to == STAGE_HALTING)
    drive_give_up (self, cut_by[news]);
  else if (to != self->stage)
    {
      if (to == STAGE_LEAVING || to == STAGE_RESETTING)
        cut_streams (self, cut_by[news]);
      drive_enter (self, to);
    }
  drive_turn (self);
}

/* ---- streams ---- */

gboolean
drive_open_stream (Drive *self, const char *name, GError **error)
{
  DriveDevice *device = find_device (self, name);

  if (device == NULL)
    {
      g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_NOT_FOUND, "no registered device “%s” takes part", name);
      return FALSE;
    }
  if (device->stream != STREAM_NONE)
    {
      g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_BUSY, "“%s” has had its stream in this migration", name);
      return FALSE;
    }
  if (self->given_up || device->refused || device->loaded
      || (self->role == ROLE_SOURCE ? self->stage > STAGE_SAVING : self->stage != STAGE_LOADING))
    {
      g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_BAD_STATE,
                   "“%s” takes no part in this migration: it is %s", name, stage_to_string (self->stage));
      return FALSE;
    }
  device->stream = STREAM_OPEN;
  drive_turn (self);
  return TRUE;
}

void
drive_confirm (Drive *self, const char *name, const char *refusal)
{
  DriveDevice *device = find_device (self, name);

  if (device == NULL || device->stream != STREAM_WHOLE || self->role != ROLE_SOURCE)
    return;
  device->stream = refusal == NULL ? STREAM_CONFIRMED : STREAM_BROKEN;
  if (refusal != NULL && self->stage == STAGE_SAVING && !self->gone)
    {
      drive_device_alarm (self, device, "the other host did not take it: %s", refusal);
      drive_give_up (self, refusal);
    }
  drive_turn (self);
}

/* ---- answers ---- */

/* (nullable): the device whose task was answered, idle again. It may have been taken back meanwhile. */
static DriveDevice *
take_answer (Drive *self, const char *name, const AccmigState *state)
{
  DriveDevice *device = find_device (self, name);

  if (device == NULL || device->task == TASK_NONE)
    return NULL;
  if (device->task == TASK_STEP || device->task == TASK_RESET)
    set_state (device, state);
  device->task = TASK_NONE;
  if (device->overdue) /* better late than never: it is sent after the others */
    {
      device->overdue = FALSE;
      device->passed_over = FALSE;
      device->attempts = 0;
    }
  return device;
}

/* A step that led to where it should. */
static void
on_arrival (Drive *self, DriveDevice *device)
{
  if (!device->filled || device->state != ACCMIG_STATE_STOP || self->stage != STAGE_LOADING)
    return;
  device->loaded = TRUE;
  drive_device_end_stream (self, device, NULL);
  drive_device_finish (self, device, DRIVE_OUTCOME_LOADED);
}

void
drive_on_step (Drive *self, const char *name, const AccmigState *state, const char *failure)
{
  DriveDevice *device = take_answer (self, name, state);
  g_autofree char *why = NULL;

  if (device == NULL)
    return;
  if (*failure == '\0')
    on_arrival (self, device);
  else
    {
      why = g_strdup_printf ("%s was refused: %s", accmig_state_to_string (device->wanted), failure);
      drive_on_failure (self, device, why);
    }
  drive_turn (self);
}

void
drive_on_reset (Drive *self, const char *name, const AccmigState *state, const char *failure)
{
  DriveDevice *device = take_answer (self, name, state);
  g_autofree char *why = NULL;

  if (device == NULL)
    return;
  if (*failure == '\0')
    device->reset = TRUE;
  else
    {
      why = g_strdup_printf ("a reset was refused: %s", failure);
      drive_on_failure (self, device, why);
    }
  drive_turn (self);
}

/* What is broken in pre-copy hurts nobody yet; after the guest stopped it decides. */
static void
on_broken_drain (Drive *self, DriveDevice *device, const char *failure)
{
  drive_device_end_stream (self, device, failure);
  if (self->stage != STAGE_SAVING)
    return;
  drive_device_alarm (self, device, "it does not go with its guest: %s", failure);
  drive_give_up (self, failure);
}

void
drive_on_drain (Drive *self, const char *name, gboolean more, const char *failure)
{
  DriveDevice *device = find_device (self, name);
  gboolean final = device != NULL && device->task == TASK_FINAL_DRAIN;

  device = take_answer (self, name, NULL);
  if (device == NULL)
    return;
  if (device->stream == STREAM_OPEN && *failure != '\0')
    on_broken_drain (self, device, failure);
  else if (final)
    drive_device_end_stream (self, device, NULL);
  else
    device->drain_at_usec = more ? 0 : self->executor.now (self->user) + DRIVE_DRAIN_PAUSE_USEC;
  drive_turn (self);
}

void
drive_on_fill (Drive *self, const char *name, const char *failure)
{
  DriveDevice *device = take_answer (self, name, NULL);
  g_autofree char *mismatch = NULL;

  if (device == NULL)
    return;
  if (device->stream == STREAM_OPEN && *failure == '\0')
    mismatch = self->executor.check (name, self->user);
  device->filled = device->stream == STREAM_OPEN && *failure == '\0' && mismatch == NULL;
  if (!device->filled && self->stage == STAGE_LOADING && !device->refused)
    drive_device_refuse (self, device, mismatch != NULL ? mismatch : failure);
  drive_turn (self);
}

void
drive_on_time (Drive *self)
{
  drive_check_limits (self);
  drive_turn (self);
}

/* ---- looking ---- */

gboolean
drive_is_over (const Drive *self)
{
  gboolean rests = self->stage == STAGE_LEFT || self->stage == STAGE_OVER
                   || (self->stage == STAGE_RESTING && (self->ended || self->role == ROLE_DESTINATION));

  for (guint i = 0; rests && i < self->devices->len; i++)
    {
      const DriveDevice *device = self->devices->pdata[i];

      rests = device->task == TASK_NONE && device->told; /* who cannot be asked may come back */
    }
  return rests;
}

Role
drive_get_role (const Drive *self)
{
  return self->role;
}

const char *
drive_get_stage (const Drive *self)
{
  return stage_to_string (self->stage);
}
