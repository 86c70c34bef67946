/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "alarms.h"
#include "drives.h"
#include "gate.h"
#include "history.h"
#include "hypervisor/hypervisor.h"
#include "registered.h"

/*
 * The agent on the system bus: org.accmig1 as packaging/dbus/org.accmig1.xml says. No sd-bus beyond here.
 */

typedef struct _SystemBus SystemBus;

/* What the interfaces show and call; borrowed, must outlive the bus. */
typedef struct
{
  const AssessmentSources *assessment;
  Registry *registry;
  Migrations *migrations;
  History *history;
  Gate *gate;
  Hypervisor *hypervisor;
  BrokerClient *broker;
  Prober *prober;
  Reservations *reservations;
  RegisteredSet *registered;
  Drives *drives;
  const Alarms *alarms;
} SystemBusSources;

/**
 * system_bus_open:
 * @lost: called once when the connection is gone; there is no way back
 * Connects and puts every object there; nobody finds them before the name is taken.
 */
SystemBus *system_bus_open (const SystemBusSources *sources, void (*lost) (gpointer user), gpointer user,
                            GError **error);
void system_bus_close (SystemBus *bus);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SystemBus, system_bus_close)

/* Fills the set of registered devices with those of holders that are still on this bus. Waits for the bus;
 * only for the start. */
void system_bus_restore_registered (SystemBus *bus);

/* Takes the name org.accmig1. Waits for the bus; only for the start. */
gboolean system_bus_take_name (SystemBus *bus, GError **error);

/* What changed. */
void system_bus_connections_changed (SystemBus *bus);
void system_bus_device_added (SystemBus *bus, const Device *device);
void system_bus_device_changed (SystemBus *bus, const Device *device);
void system_bus_device_removed (SystemBus *bus, const Device *device);
void system_bus_migration_added (SystemBus *bus, const Migration *migration);
void system_bus_migration_changed (SystemBus *bus, const Migration *migration);
void system_bus_migration_removed (SystemBus *bus, const Migration *migration);
void system_bus_registered_added (SystemBus *bus, const Registered *device);
void system_bus_registered_changed (SystemBus *bus, const Registered *device);
void system_bus_registered_removed (SystemBus *bus, const Registered *device);
void system_bus_registered_wanted (SystemBus *bus, const Registered *device);
void system_bus_registered_finished (SystemBus *bus, const Registered *device, const char *outcome);
void system_bus_alarm_raised (SystemBus *bus, const Alarm *alarm);
void system_bus_alarm_cleared (SystemBus *bus, const Alarm *alarm);
