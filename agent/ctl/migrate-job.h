/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <glib.h>

#include "carriers.h"
#include "hypervisor/move.h"

/*
 * The migration itself, while it runs: shown, and ended when somebody wants that.
 */

/* Borrowed. */
typedef struct
{
  const char *uri; /* of the destination */
  MoveOptions move;
  gint64 limit_usec;  /* when the guest has not arrived by then, the migration is ended */
  Carriers *carriers; /* (nullable): the states of registered devices go along */
} MigratePlan;

/**
 * migrate_open:
 * @domain: a name or UUID
 * As move_open(), but waits 30 s at most.
 */
Move *migrate_open (const char *domain, GError **error);

/**
 * migrate_job_run:
 * Moves the guest. Ctrl-C, or the end of the time, ends the migration, and it goes on at the source; a second
 * Ctrl-C ends the waiting for that.
 * Returns: whether the guest runs at the destination, with all of its devices. Else @error says where it is;
 * its code is REFUSED where the gate said no
 */
gboolean migrate_job_run (Move *move, const MigratePlan *plan, GError **error);
