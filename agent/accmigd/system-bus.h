/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "gate.h"
#include "history.h"
#include "hypervisor/hypervisor.h"

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
