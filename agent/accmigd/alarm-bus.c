// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Alarms, for org.accmig1.Manager
 */

#include "system-bus-private.h"

static int
append_alarm (sd_bus_message *m, const Alarm *alarm)
{
  return sd_bus_message_append (m, "a{sv}", 10,                                     /* */
                                "Kind", "s", alarm_kind_to_string (alarm->kind),    /* */
                                "Domain", "s", alarm->domain,                       /* */
                                "DomainUuid", "s", alarm->uuid,                     /* */
                                "Device", "s", alarm->device,                       /* */
                                "Migration", "t", alarm->migration,                 /* */
                                "RaisedUSec", "t", (guint64)alarm->raised_usec,     /* */
                                "ClearedUSec", "t", (guint64)alarm->cleared_usec,   /* */
                                "Sentence", "s", alarm->sentence,                   /* */
                                "Advice", "s", alarm_kind_get_advice (alarm->kind), /* */
                                "Outcome", "s", alarm->outcome);
}

int
alarm_bus_list (sd_bus_message *m, void *user, sd_bus_error *ret_error)
{
  SystemBus *self = user;
  const Alarms *alarms = self->sources.alarms;
  g_autoptr (sd_bus_message) reply = NULL;
  int r = sd_bus_message_new_method_return (m, &reply);

  if (r >= 0)
    r = sd_bus_message_open_container (reply, 'a', "a{sv}");
  for (gsize i = alarms_size (alarms); r >= 0 && i > 0; i--)
    r = append_alarm (reply, alarms_get (alarms, i - 1));
  if (r >= 0)
    r = sd_bus_message_close_container (reply);
  return r < 0 ? r : sd_bus_send (NULL, reply, NULL);
}

static void
emit (SystemBus *self, const char *signal, const Alarm *alarm)
{
  g_autoptr (sd_bus_message) m = NULL;

  if (sd_bus_message_new_signal (self->bus, &m, ACCMIG_OBJECT_ROOT, ACCMIG_IFACE_MANAGER, signal) >= 0
      && append_alarm (m, alarm) >= 0)
    (void)sd_bus_send (self->bus, m, NULL);
}

void
system_bus_alarm_raised (SystemBus *self, const Alarm *alarm)
{
  emit (self, "AlarmRaised", alarm);
}

void
system_bus_alarm_cleared (SystemBus *self, const Alarm *alarm)
{
  emit (self, "AlarmCleared", alarm);
}
