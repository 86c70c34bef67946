// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Alarm
 *
 * One table says of each kind what it is called, what it means and what helps. The sentence for a person is
 * the device, what was seen of it, and that meaning.
 */

#include "alarm.h"

static const struct
{
  const char *name;
  gboolean condition;
  const char *meaning;
  const char *advice;
} kinds[] = {
  [ALARM_MISSING_STEP] = { "missing-step", FALSE, "a step of its migration is missing",
                           "do not trust the device's state; look at what its driver says in the guest, and "
                           "at QEMU's log" },
  [ALARM_REPEATED_STEP] = { "repeated-step", FALSE, "a step of its migration came twice",
                            "look for a second program that drives the device, and at QEMU's log" },
  [ALARM_WRONG_ORDER] = { "wrong-order", FALSE, "QEMU does not ask for that",
                          "look for a second program that drives the device, and at QEMU's log" },
  [ALARM_FOREIGN_STATE] = { "foreign-state", FALSE, "by its flags it has no such state",
                            "look whether its driver was changed, and ask the device again with accmigctl "
                            "profile" },
  [ALARM_OVERDUE] = { "overdue", TRUE, "the migration does not go on",
                      "look at the kernel's log for the device; virsh domjobabort ends the attempt" },
  [ALARM_RESET_AT_SOURCE] = { "reset-at-source", FALSE,
                              "its state is lost, and the guest goes on without having been told",
                              "let the guest start the device's driver anew, and look at the state of the "
                              "device's PF" },
  [ALARM_RESET_AT_DESTINATION] = { "reset-at-destination", FALSE,
                                   "the state that came with the guest is lost, and the guest goes on "
                                   "without having been told",
                                   "let the guest start the device's driver anew" },
  [ALARM_TOO_FEW_BYTES] = { "too-few-bytes", FALSE,
                            "the guest goes on with a device that knows nothing of before, unless its driver "
                            "had not started the device",
                            "let the guest start the device's driver anew, should it use the device" },
  [ALARM_RUNS_WHILE_PAUSED] = { "runs-while-paused", TRUE,
                                "it may write to the memory of a guest that stands still",
                                "resume the guest, or suspend it anew once it runs" },
  [ALARM_NOT_RUNNING] = { "not-running", TRUE, "the guest gets no answer from it",
                          "set repair=drive in the group “watch” of accmig.conf to have it set running; if "
                          "it is in error, only accmigctl device reset helps, which loses its contents" },
};
G_STATIC_ASSERT (G_N_ELEMENTS (kinds) == N_ALARM_KINDS);

const char *
alarm_kind_to_string (AlarmKind kind)
{
  return kinds[kind].name;
}

gboolean
alarm_kind_from_string (const char *name, AlarmKind *ret_kind)
{
  for (int i = 0; i < N_ALARM_KINDS; i++)
    if (g_strcmp0 (name, kinds[i].name) == 0)
      {
        *ret_kind = i;
        return TRUE;
      }
  return FALSE;
}

const char *
alarm_kind_get_meaning (AlarmKind kind)
{
  return kinds[kind].meaning;
}

const char *
alarm_kind_get_advice (AlarmKind kind)
{
  return kinds[kind].advice;
}

gboolean
alarm_kind_is_condition (AlarmKind kind)
{
  return kinds[kind].condition;
}

Alarm *
alarm_new (AlarmKind kind, const char *uuid, const char *domain, const char *device, guint64 migration,
           const char *detail)
{
  Alarm *alarm = g_new0 (Alarm, 1);

  alarm->kind = kind;
  alarm->uuid = g_strdup (uuid);
  alarm->domain = g_strdup (domain);
  alarm->device = g_strdup (device);
  alarm->migration = migration;
  alarm->raised_usec = g_get_real_time ();
  alarm->sentence = g_strdup_printf ("%s %s: %s", *device != '\0' ? device : "one of the guest's devices",
                                     detail, kinds[kind].meaning);
  alarm->outcome = g_strdup ("");
  return alarm;
}

Alarm *
alarm_copy (const Alarm *alarm)
{
  Alarm *copy = g_memdup2 (alarm, sizeof *alarm);

  copy->uuid = g_strdup (alarm->uuid);
  copy->domain = g_strdup (alarm->domain);
  copy->device = g_strdup (alarm->device);
  copy->sentence = g_strdup (alarm->sentence);
  copy->outcome = g_strdup (alarm->outcome);
  return copy;
}

void
alarm_free (Alarm *alarm)
{
  if (alarm == NULL)
    return;
  g_free (alarm->uuid);
  g_free (alarm->domain);
  g_free (alarm->device);
  g_free (alarm->sentence);
  g_free (alarm->outcome);
  g_free (alarm);
}

gboolean
alarm_is_open (const Alarm *alarm)
{
  return alarm->cleared_usec == 0;
}
