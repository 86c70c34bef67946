/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "inspection.h"
#include "system-bus.h"

/*
 * The guard: where what is wrong with guests' devices comes together. It raises the alarms that sequences
 * and inspections give rise to, and tells them to the journal, to the record and on the bus.
 */

typedef struct _Guard Guard;

/* What it works with; borrowed, must outlive it. */
typedef struct
{
  Hypervisor *hypervisor;
  BrokerClient *broker;
  const Registry *registry;
  const Domains *domains;
  Migrations *migrations;
} GuardSources;

/**
 * guard_new:
 * @policy: its want_log and user are the caller's
 * Takes up the alarms that a predecessor left open.
 */
Guard *guard_new (const GuardSources *sources, const InspectionPolicy *policy);
void guard_free (Guard *guard);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Guard, guard_free)

const Alarms *guard_get_alarms (const Guard *guard);

/* Where alarms are told from now on; NULL for nowhere. */
void guard_set_bus (Guard *guard, SystemBus *bus);

/* All domains are known now, after an absence of libvirt, of the broker, or of the agent. */
void guard_on_census (Guard *guard);
/* libvirt tells something of a guest; and that it is here no longer. */
void guard_on_lifecycle (Guard *guard, const char *uuid);
void guard_on_gone (Guard *guard, const char *uuid);
void guard_on_migration_ended (Guard *guard, const Migration *migration);
