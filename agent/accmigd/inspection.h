/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "alarms.h"
#include "broker-client.h"
#include "domains.h"
#include "hypervisor/hypervisor.h"
#include "migrations.h"

/*
 * The inspection: looks once at the devices of a guest when a migration is over, and whenever the agent has
 * been away, and finds those that stand still while their guest runs. It raises the alarm, clears it, and
 * repairs the device where it may.
 */

typedef struct _Inspection Inspection;

/* What it works with; borrowed, must outlive it. */
typedef struct
{
  Hypervisor *hypervisor;
  BrokerClient *broker;
  const Domains *domains;
  const Migrations *migrations;
  Alarms *alarms;
} InspectionSources;

typedef struct
{
  guint grace;    /* seconds until a guest is looked at */
  gboolean drive; /* whether a device may be set running */
  /* A migration ended a moment ago: please read QEMU's log for it. */
  void (*want_log) (const char *uuid, const char *name, gpointer user);
  gpointer user;
} InspectionPolicy;

Inspection *inspection_new (const InspectionSources *sources, const InspectionPolicy *policy);
void inspection_free (Inspection *inspection);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Inspection, inspection_free)

/* Looks at a guest after the grace time; called again, after the grace time from then. */
void inspection_schedule (Inspection *inspection, const char *uuid);

/* libvirt said something about a guest: what was seen of it just now may be true no longer. */
void inspection_disturb (Inspection *inspection, const char *uuid);
