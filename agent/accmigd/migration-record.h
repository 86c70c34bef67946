/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "migration-private.h"

/*
 * The fields of a migration's record, for the two files that know them: migration.c and migration-document.c.
 */

/* One device of the record, by hostdev alias. */
typedef struct
{
  char *alias; /* QEMU's id of it on this host */
  char *key;   /* the same on both hosts of the move; what the timeline goes by */
  char *address;
  char *state;
  gint64 looked_usec; /* wall clock of the last look; 0: none yet */
} RecordDevice;

struct _Migration
{
  guint64 id;
  char *uuid;
  char *name;
  char *token;
  char *cause;
  Role role;
  Phase phase;
  gboolean worked_out;
  gint64 started_usec;
  gint64 ended_usec;
  HypervisorJob job;
  AccmigTimeline *timeline;
  GPtrArray *devices; /* of RecordDevice */
  GPtrArray *alarms;  /* of Alarm */
};

/* An empty record: nothing known. */
Migration *migration_alloc (void);

/* Appends a device; the strings are copied. */
void migration_add_device (Migration *migration, const char *alias, const char *key, const char *address,
                           const char *state);
