/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "broker-client-walk.h"
#include "polkit.h"
#include "system-bus-private.h"

/* What SetState of free devices and of registered ones, and ResetDevice, share. */

/* (nullable): the registered device that @word means: its id, or the address that its holder told */
const Registered *walk_bus_find_registered (const SystemBus *bus, const char *word);

/* As state_work_authorize(), also for a device that is registered. */
int walk_bus_authorize (sd_bus_message *m, SystemBus *bus, const char *action, PolkitGranted granted,
                        sd_bus_error *ret_error);

/* Answers SetState. Returns: negative errno */
int walk_bus_reply (sd_bus_message *call, const BrokerWalk *walk);

/**
 * walk_registered_begin:
 * @call: SetState, allowed by polkit; answered when the last step was taken
 * @caller: whose it is
 * @device: that it names
 * @states: names of states, NULL-terminated
 */
void walk_registered_begin (SystemBus *bus, sd_bus_message *call, uid_t caller, const Registered *device,
                            char *const *states);
