// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Alarms
 *
 * The same thing is often seen by more than one witness: an event tells of a reset at once, and QEMU's log
 * does a moment later. So what happened is raised once for a device and a migration, and a condition once for
 * as long as it lasts.
 */

#include "alarms.h"

#include <string.h>

/* More than this are not kept; a guest that could raise more is not to fill the memory. */
#define KEEP 256

struct _Alarms
{
  AlarmsCallbacks callbacks;
  gpointer user;
  GPtrArray *list; /* of Alarm, oldest first */
};

Alarms *
alarms_new (const AlarmsCallbacks *callbacks, gpointer user)
{
  Alarms *self = g_new0 (Alarms, 1);

  self->callbacks = *callbacks;
  self->user = user;
  self->list = g_ptr_array_new_with_free_func ((GDestroyNotify)alarm_free);
  return self;
}

void
alarms_free (Alarms *self)
{
  if (self == NULL)
    return;
  g_ptr_array_unref (self->list);
  g_free (self);
}

gsize
alarms_size (const Alarms *self)
{
  return self->list->len;
}

const Alarm *
alarms_get (const Alarms *self, gsize index)
{
  return self->list->pdata[index];
}

static gboolean
is_about (const Alarm *alarm, const char *uuid, const char *device, AlarmKind kind)
{
  return alarm->kind == kind && g_str_equal (alarm->uuid, uuid) && g_str_equal (alarm->device, device);
}

/* (nullable) */
static Alarm *
find_open (const Alarms *self, const char *uuid, const char *device, AlarmKind kind)
{
  for (guint i = 0; i < self->list->len; i++)
    {
      Alarm *alarm = self->list->pdata[i];

      if (alarm_is_open (alarm) && is_about (alarm, uuid, device, kind))
        return alarm;
    }
  return NULL;
}

const Alarm *
alarms_find_open (const Alarms *self, const char *uuid, const char *device, AlarmKind kind)
{
  return find_open (self, uuid, device, kind);
}

gboolean
alarms_has_open (const Alarms *self, const char *uuid)
{
  for (guint i = 0; i < self->list->len; i++)
    {
      const Alarm *alarm = self->list->pdata[i];

      if (alarm_is_open (alarm) && g_str_equal (alarm->uuid, uuid))
        return TRUE;
    }
  return FALSE;
}

static gboolean
is_known (const Alarms *self, const Alarm *alarm)
{
  if (alarm_kind_is_condition (alarm->kind))
    return find_open (self, alarm->uuid, alarm->device, alarm->kind) != NULL;
  for (guint i = 0; i < self->list->len; i++)
    {
      const Alarm *other = self->list->pdata[i];

      if (other->migration == alarm->migration && is_about (other, alarm->uuid, alarm->device, alarm->kind))
        return TRUE;
    }
  return FALSE;
}

/* Makes room: the oldest that was cleared goes, or the oldest of all. */
static void
forget_one (Alarms *self)
{
  guint i = 0;

  while (i < self->list->len && alarm_is_open (self->list->pdata[i]))
    i++;
  g_ptr_array_remove_index (self->list, i < self->list->len ? i : 0);
}

static void
add (Alarms *self, Alarm *alarm)
{
  if (self->list->len >= KEEP)
    forget_one (self);
  g_ptr_array_add (self->list, alarm);
}

gboolean
alarms_raise (Alarms *self, Alarm *alarm, gboolean here)
{
  if (is_known (self, alarm))
    {
      alarm_free (alarm);
      return FALSE;
    }
  if (!here)
    alarm->cleared_usec = alarm->raised_usec;
  add (self, alarm);
  self->callbacks.raised (alarm, self->user);
  return TRUE;
}

void
alarms_restore (Alarms *self, const Alarm *alarm)
{
  add (self, alarm_copy (alarm));
}

static void
clear (Alarms *self, Alarm *alarm)
{
  alarm->cleared_usec = g_get_real_time ();
  self->callbacks.cleared (alarm, self->user);
}

void
alarms_clear (Alarms *self, const char *uuid, const char *device, AlarmKind kind)
{
  Alarm *alarm = find_open (self, uuid, device, kind);

  if (alarm != NULL)
    clear (self, alarm);
}

void
alarms_clear_guest (Alarms *self, const char *uuid)
{
  for (guint i = 0; i < self->list->len; i++)
    {
      Alarm *alarm = self->list->pdata[i];

      if (alarm_is_open (alarm) && g_str_equal (alarm->uuid, uuid))
        clear (self, alarm);
    }
}

void
alarms_retain (Alarms *self, gboolean (*is_here) (const char *uuid, gpointer user), gpointer user)
{
  for (guint i = 0; i < self->list->len; i++)
    {
      Alarm *alarm = self->list->pdata[i];

      if (alarm_is_open (alarm) && !is_here (alarm->uuid, user))
        clear (self, alarm);
    }
}

void
alarms_set_outcome (Alarms *self, const char *uuid, const char *device, AlarmKind kind, const char *outcome)
{
  Alarm *alarm = find_open (self, uuid, device, kind);

  if (alarm == NULL || g_str_equal (alarm->outcome, outcome))
    return;
  g_free (alarm->outcome);
  alarm->outcome = g_strdup (outcome);
  self->callbacks.amended (alarm, self->user);
}
