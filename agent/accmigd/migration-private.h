/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "history.h"
#include "migration.h"

/*
 * How a migration's record is changed; for migrations.c alone.
 */

/**
 * migration_new:
 * @domain: (nullable): whose hostdevs become the record's devices
 */
Migration *migration_new (Role role, const char *uuid, const char *name, const AccmigDomain *domain);

/**
 * migration_new_from_row:
 * Returns: (nullable): the record as it was written
 */
Migration *migration_new_from_row (const HistoryRow *row, GError **error);

void migration_free (Migration *migration);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Migration, migration_free)

/* Writes it to the history; the first attempt gives it its id. */
gboolean migration_save (Migration *migration, History *history, GError **error);

/* The only place where a phase changes. An end phase sets the end time. */
void migration_set_phase (Migration *migration, Phase phase);
/* The first cause stays: what comes later follows from it. Cut to 500 bytes, made printable. */
void migration_set_cause (Migration *migration, const char *cause);
/* A better cause than the one that was guessed. */
void migration_replace_cause (Migration *migration, const char *cause);
void migration_set_worked_out (Migration *migration);
void migration_set_job (Migration *migration, const HypervisorJob *job);
void migration_set_iteration (Migration *migration, int iteration);
/* Downtime figures of the completed job. */
void migration_set_downtime (Migration *migration, const HypervisorJob *job);
void migration_mark (Migration *migration, AccmigMoment moment, const char *alias, gint64 at_usec,
                     AccmigOrigin origin, gint64 precision_usec);
void migration_unmark (Migration *migration, AccmigMoment moment, const char *alias);
/* The device that a hostdev has, or gets, by alias. */
void migration_set_device_address (Migration *migration, const char *alias, const char *address);
/* (nullable): last state seen of a device, by alias */
void migration_set_device_state (Migration *migration, const char *alias, const char *state);
/* A look found the device in @state. Returns: whether that is news; @ret_since_usec: how long ago, at most,
 * it became so: since the look before, or since the record began. */
gboolean migration_look (Migration *migration, const char *alias, const char *state, gint64 at_usec,
                         gint64 *ret_since_usec);
/* Adds an alarm, or brings the same up to date; copied. */
void migration_put_alarm (Migration *migration, const Alarm *alarm);
const char *migration_find_alias (const Migration *migration, const char *address);
gboolean migration_has_device (const Migration *migration, const char *alias);
