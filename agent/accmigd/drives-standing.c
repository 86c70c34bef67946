// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Drives, and devices that nobody drives
 *
 * A person may stop a device of a suspended guest by hand. It is left where it was put; but once the guest
 * runs it gets no answer from the device, and nobody else notices. So that is an alarm, until the device
 * runs, the guest stands still again, or a drive takes over.
 *
 * What a drive has said of a device is worth more, and stays.
 */

#include "alarm.h"
#include "drives-private.h"
#include "log.h"

/* ---- what was heard of the vCPUs ---- */

/* @devices: of the guest; one without any is none of ours */
static void
note_vcpus (Drives *self, const char *uuid, const GPtrArray *devices, gboolean running)
{
  gint64 now = g_get_monotonic_time ();

  if (running && devices->len > 0)
    g_hash_table_insert (self->resumed, g_strdup (uuid), g_memdup2 (&now, sizeof now));
  else
    g_hash_table_remove (self->resumed, uuid);
}

gint64
drives_get_resumed_usec (const Drives *self, const char *uuid)
{
  const gint64 *at_usec = g_hash_table_lookup (self->resumed, uuid);

  return at_usec != NULL ? *at_usec : 0;
}

/* ---- the alarm ---- */

static gboolean
serves (AccmigState state)
{
  return state == ACCMIG_STATE_RUNNING || state == ACCMIG_STATE_PRE_COPY;
}

/* States in which a device was stopped, as opposed to those that it only passes through. */
static gboolean
stands_still (AccmigState state)
{
  return state == ACCMIG_STATE_STOP || state == ACCMIG_STATE_STOP_COPY || state == ACCMIG_STATE_RESUMING
         || state == ACCMIG_STATE_ERROR;
}

/* A drive, or one that is about to take the guest's devices up, knows better. */
static gboolean
is_driven (const Drives *self, const char *uuid)
{
  return drives_find (self, uuid) != NULL || g_hash_table_contains (self->asked, uuid);
}

static void
raise_alarm (Drives *self, const Registered *device, AccmigState state)
{
  const char *id = registered_get_id (device);
  const char *what = state == ACCMIG_STATE_ERROR ? "device reset" : "state set";
  const char *how =
      state == ACCMIG_STATE_ERROR ? " brings it back, and loses what it holds" : " running brings it back";
  g_autofree char *sentence = NULL;

  if (*registered_get_alarm (device) != '\0')
    return;
  sentence = g_strdup_printf ("it is in %s while its guest runs: %s; accmigctl %s %s%s",
                              accmig_state_to_string (state), alarm_kind_get_meaning (ALARM_NOT_RUNNING),
                              what, id, how);
  log_event (LOG_EVENT_ALARM,
             &(LogContext){ .uuid = registered_get_uuid (device), .device = registered_get_name (device) },
             "“%s”: %s", id, sentence);
  g_hash_table_add (self->standing, g_strdup (id));
  registered_set_alarm (self->sources.registered, id, sentence);
}

static void
end_alarm (Drives *self, const Registered *device)
{
  if (!g_hash_table_remove (self->standing, registered_get_id (device)))
    return;
  log_event (LOG_EVENT_ALARM_CLEARED,
             &(LogContext){ .uuid = registered_get_uuid (device), .device = registered_get_name (device) },
             "“%s”: the alarm is over, that it stands still under its guest", registered_get_id (device));
  registered_set_alarm (self->sources.registered, registered_get_id (device), "");
}

void
drives_hear_vcpus (Drives *self, const char *uuid, gboolean running)
{
  g_autoptr (GPtrArray) devices = registered_list_domain (self->sources.registered, uuid);

  note_vcpus (self, uuid, devices, running);
  for (guint i = 0; i < devices->len; i++)
    {
      const Registered *device = devices->pdata[i];
      AccmigState state;

      if (!running)
        end_alarm (self, device);
      else if (!is_driven (self, uuid) && registered_is_attached (device)
               && registered_get_state (device, &state) && !serves (state))
        raise_alarm (self, device, state);
    }
}

void
drives_check_standing (Drives *self, const Registered *device)
{
  const char *uuid = registered_get_uuid (device);
  AccmigState state;

  if (!registered_is_attached (device) || !registered_get_state (device, &state))
    return;
  if (serves (state))
    end_alarm (self, device);
  else if (stands_still (state) && drives_get_resumed_usec (self, uuid) != 0 && !is_driven (self, uuid))
    raise_alarm (self, device, state);
}

void
drives_forget_standing (Drives *self, const char *uuid)
{
  g_autoptr (GPtrArray) devices = registered_list_domain (self->sources.registered, uuid);

  for (guint i = 0; i < devices->len; i++)
    end_alarm (self, devices->pdata[i]);
}
