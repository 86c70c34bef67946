/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "history.h"

/*
 * The record of what is done to registered devices: intent, act, outcome. A row without an outcome was asked
 * for, and what became of it is not known.
 */

/* One step. Strings of a list belong to the row. */
typedef struct
{
  guint64 id;
  guint64 migration;
  char *uuid, *name; /* of the domain, of the device */
  Role role;
  char *from, *to;                /* states; "reset" for a reset */
  gint64 intent_usec, ended_usec; /* wall clock; ended 0 while it is open */
  char *outcome;                  /* "" while it is open, "done", else an errno's name or a sentence */
} StepRow;

#define STEP_RESET "reset"
#define STEP_DONE  "done"
/* The outcome of a row that is no step: how the migration ended for the device, in @to. Nothing is left to be
 * done about it. */
#define STEP_END "end"
/* Its holder took the device back before it was known. */
#define STEP_NOBODYS "nobody holds the device any more"

void step_row_free (StepRow *row);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (StepRow, step_row_free)

/**
 * steps_begin:
 * @rows: what is about to be done; their ids are set, outcomes and ends are not looked at
 * All of them, or none. What was written outlives the agent: a host that loses power loses its guests and
 * devices with it, so nothing waits for the disk.
 */
gboolean steps_begin (History *history, StepRow *rows, gsize n, GError **error);
/* Writes down how it ended. */
gboolean steps_end (History *history, guint64 id, const char *outcome, GError **error);
/* (transfer full): StepRow elements that free themselves, oldest first */
GPtrArray *steps_list_open (History *history, GError **error);
/* One migration's. */
GPtrArray *steps_list (History *history, guint64 migration, GError **error);
/* (nullable): the last step of a device; NULL without error when there is none */
StepRow *steps_get_last (History *history, const char *uuid, const char *name, GError **error);
