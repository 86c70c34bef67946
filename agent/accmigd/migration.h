/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <accmig/accmig.h>

#include "alarm.h"
#include "hypervisor/hypervisor.h"
#include "phase.h"

/*
 * One migration: a domain's move as this host sees it. Only migration.c sees the fields; only migrations.c
 * changes them.
 */

typedef struct _Migration Migration;

/* One of its devices. Strings are borrowed from the migration. */
typedef struct
{
  const char *alias;
  const char *key; /* what the timeline calls it, on both hosts */
  const char *address;
  const char *state; /* last state seen, "" when none was */
  AccmigFigure outage;
} MigrationDevice;

guint64 migration_get_id (const Migration *migration);
const char *migration_get_name (const Migration *migration);
const char *migration_get_uuid (const Migration *migration);
const char *migration_get_token (const Migration *migration); /* "" when unknown */
Role migration_get_role (const Migration *migration);
Phase migration_get_phase (const Migration *migration);
const char *migration_get_cause (const Migration *migration); /* "" */
gboolean migration_is_worked_out (const Migration *migration);
gint64 migration_get_started_usec (const Migration *migration);
gint64 migration_get_ended_usec (const Migration *migration); /* 0 while it runs */
const HypervisorJob *migration_get_job (const Migration *migration);
AccmigFigure migration_get_downtime (const Migration *migration);
gsize migration_get_n_devices (const Migration *migration);
MigrationDevice migration_get_device (const Migration *migration, gsize index);
/* Raised about it, oldest first. */
gsize migration_get_n_alarms (const Migration *migration);
const Alarm *migration_get_alarm (const Migration *migration, gsize index);

/* (transfer full): everything, as JSON accmig-migration/1 */
char *migration_to_json (const Migration *migration);
