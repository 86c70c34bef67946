/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "log.h"
#include "migration-private.h"
#include "migrations.h"
#include "sequence.h"

/*
 * What the files of the set of migrations share: migrations.c keeps it and changes phases, and one file for
 * each witness translates: migrations-libvirt.c, migrations-qemu.c, migrations-look.c, migrations-peer.c,
 * migrations-recovery.c.
 */

/* Wall-clock error of a moment that is the arrival of a libvirt event. */
#define ARRIVAL_USEC (20 * 1000)

/* A record and what is known about it only while it is watched. */
typedef struct
{
  Migration *migration;
  gboolean cancelling;       /* QEMU said so; what ends it now is the cancellation */
  gboolean has_events;       /* its devices send VFIO_MIGRATION */
  gboolean resuming_seen;    /* destination: a look found a device resuming */
  gboolean reconciling;      /* what the job statistics or the log say decides */
  gboolean restored;         /* a predecessor began it; what only memory held is gone */
  gboolean reported;         /* source: it was refused elsewhere; nothing has happened here, nor will */
  gboolean gone;             /* libvirt said that the guest has ended here; its QEMU is no more */
  gboolean started_anew;     /* destination: the guest was booted here; what ends from now on is that one */
  gboolean explained;        /* the cause is a driver's evidence; no log knows better */
  gint64 jobless_since_usec; /* monotonic; 0: has a job, or was not asked */
  gboolean has_figures;      /* of the completed job */
  GHashTable *sequences;     /* char * alias → Sequence *, both owned */
} Watched;

struct _Migrations
{
  History *history;
  MigrationsCallbacks callbacks;
  gpointer user;
  MigrationsGuard guard; /* all NULL without one */
  gpointer guard_user;
  GPtrArray *watched; /* of Watched, oldest first */
  gboolean history_failed;
};

/* (nullable): the unfinished record of a domain. */
Watched *migrations_find_running (const Migrations *self, const char *uuid);

/* (nullable): the unfinished record, else the one that ended in the last half minute. */
Watched *migrations_find_recent (const Migrations *self, const char *uuid);

/* Whether what begins a migration at that time begins another one than this, which has ended. */
gboolean migrations_may_be_again (const Watched *ended, gint64 at_usec);

/* (nullable): a record for a source that nobody announced; NULL when the guest has no VFIO devices or @event
 * begins nothing. */
Watched *migrations_begin_source (Migrations *self, const char *uuid, const char *name, Event event);

/* A record that nobody has seen yet; it is on the bus after the first dispatch. @migration: (transfer full)
 */
Watched *migrations_watch (Migrations *self, Migration *migration);

/* Changes the phase if @event does; @cause (nullable): why, when it ends it. */
void migrations_dispatch (Migrations *self, Watched *watched, Event event, const char *cause);

/* It was no migration: takes the record back. @watched is gone afterwards. */
void migrations_discard (Migrations *self, Watched *watched);

/* Writes the record; a failure is logged once and survived. */
void migrations_save (Migrations *self, Watched *watched);

/* Tells the callbacks that something about it changed. */
void migrations_changed (Migrations *self, const Watched *watched);

/* Logs the step from @from to the present phase, with the cause. */
void migrations_log_phase (const Migration *migration, Phase from);

/* A sign of one device, or of all with @alias NULL, goes to its sequence; what that finds is suspected. */
void migrations_feed (Migrations *self, Watched *watched, const char *alias, SignKind kind, const char *word);

/* A completed migration whose job has been told: whether its devices sent enough. */
void migrations_check_bytes (Migrations *self, Watched *watched);

/* What QEMU's log says of resets. */
void migrations_check_log (Migrations *self, Watched *watched, const char *text, gsize length);

/* What a journal line about it carries. */
LogContext migrations_context (const Migration *migration);
