/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "alarm.h"

/*
 * The alarms of this host: those that are open, and the last that were cleared.
 *
 * An alarm is open as long as it concerns a guest on this host: a condition until it ends, something that
 * happened until the guest leaves or ends.
 */

typedef struct _Alarms Alarms;

typedef struct
{
  void (*raised) (const Alarm *alarm, gpointer user);
  void (*cleared) (const Alarm *alarm, gpointer user);
  /* Its outcome is another. */
  void (*amended) (const Alarm *alarm, gpointer user);
} AlarmsCallbacks;

Alarms *alarms_new (const AlarmsCallbacks *callbacks, gpointer user);
void alarms_free (Alarms *alarms);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Alarms, alarms_free)

/* Oldest first. */
gsize alarms_size (const Alarms *alarms);
const Alarm *alarms_get (const Alarms *alarms, gsize index);
/* (nullable): the open one of a kind about a device */
const Alarm *alarms_find_open (const Alarms *alarms, const char *uuid, const char *device, AlarmKind kind);
/* Whether anything open is about this guest. */
gboolean alarms_has_open (const Alarms *alarms, const char *uuid);

/**
 * alarms_raise:
 * @alarm: (transfer full)
 * @here: whether its guest is on this host; otherwise it is cleared as soon as it is raised
 * Returns: FALSE when it is known already: the condition lasts, or the same was raised of that migration
 */
gboolean alarms_raise (Alarms *alarms, Alarm *alarm, gboolean here);

/* Takes one up that a predecessor raised; nobody is told. */
void alarms_restore (Alarms *alarms, const Alarm *alarm);

/* Clears the open one of a kind about a device, if there is one. */
void alarms_clear (Alarms *alarms, const char *uuid, const char *device, AlarmKind kind);
/* The guest is here no longer: clears all that are about it. */
void alarms_clear_guest (Alarms *alarms, const char *uuid);
/* The same for every guest that @is_here does not know. */
void alarms_retain (Alarms *alarms, gboolean (*is_here) (const char *uuid, gpointer user), gpointer user);

/* What a repair came to; one sentence. Nothing happens when no such alarm is open. */
void alarms_set_outcome (Alarms *alarms, const char *uuid, const char *device, AlarmKind kind,
                         const char *outcome);
