// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One device of a drive
 *
 * Its stream has one end, its outcome is told once, and an alarm stays until the device serves its guest
 * again with what it held.
 */

#include "drive-private.h"

DriveDevice *
drive_device_new (const char *name, guint64 flags)
{
  DriveDevice *device = g_new0 (DriveDevice, 1);

  device->name = g_strdup (name);
  device->flags = flags;
  return device;
}

void
drive_device_free (DriveDevice *device)
{
  g_free (device->name);
  g_free (device);
}

gboolean
drive_device_is_idle (const DriveDevice *device)
{
  return device->task == TASK_NONE && device->known;
}

const char *
drive_device_describe_task (const DriveDevice *device)
{
  switch (device->task)
    {
    case TASK_STEP:
      return accmig_state_to_string (device->wanted);
    case TASK_RESET:
      return "a reset";
    default:
      return "the end of its stream";
    }
}

void
drive_device_alarm (Drive *self, DriveDevice *device, const char *format, ...)
{
  g_autofree char *sentence = NULL;
  va_list args;

  va_start (args, format);
  sentence = g_strdup_vprintf (format, args);
  va_end (args);
  device->alarmed = TRUE;
  self->executor.alarm (device->name, sentence, self->user);
}

void
drive_device_calm (Drive *self, DriveDevice *device)
{
  if (!device->alarmed)
    return;
  device->alarmed = FALSE;
  self->executor.alarm (device->name, "", self->user);
}

void
drive_device_end_stream (Drive *self, DriveDevice *device, const char *failure)
{
  if (device->stream != STREAM_OPEN)
    return;
  device->stream = failure == NULL ? STREAM_WHOLE : STREAM_BROKEN;
  device->deadline_usec = self->executor.now (self->user) + self->limits.step * G_USEC_PER_SEC;
  self->executor.stream_over (device->name, failure, self->user);
}

void
drive_device_finish (Drive *self, DriveDevice *device, DriveOutcome outcome)
{
  if (device->told)
    return;
  device->told = outcome != DRIVE_OUTCOME_LOADED; /* it is still to run */
  self->executor.finished (device->name, outcome, self->user);
}

void
drive_device_refuse (Drive *self, DriveDevice *device, const char *why)
{
  device->refused = TRUE;
  device->loaded = FALSE;
  device->attempts = 0;
  device->passed_over = FALSE;
  drive_device_alarm (self, device, "its state was not loaded, so it is reset and begins anew: %s", why);
  drive_device_end_stream (self, device, why);
}
