/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <gio/gio.h>

#include "phase.h"

/*
 * The history: every migration's record in SQLite, written when it changes, so that a killed agent takes it
 * up again.
 */

typedef struct _History History;

/* One row. In a list, strings belong to the row. */
typedef struct
{
  guint64 id; /* from history_reserve_id() */
  char *uuid, *name, *token, *cause;
  Role role;
  Phase phase;
  gboolean worked_out;
  gint64 started_usec, ended_usec, downtime_usec;
  char *document; /* JSON accmig-migration/1 */
} HistoryRow;

void history_row_free (HistoryRow *row);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (HistoryRow, history_row_free)

/**
 * history_open:
 * @path: database file; ":memory:" in tests
 * @keep: how many ended migrations to keep
 * @error: names the file. A file that is no database, or of a newer layout, is an error: nothing is thrown
 * away
 */
History *history_open (const char *path, guint keep, GError **error);
void history_close (History *history);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (History, history_close)

/* The next number, never given out before; nothing is written yet. */
guint64 history_reserve_id (History *history);
/* Inserts or replaces the row with that id. What was written survives the agent. */
gboolean history_write (History *history, const HistoryRow *row, GError **error);
/* As if it had never been; the id is not given out again. */
gboolean history_delete (History *history, guint64 id, GError **error);
/* (transfer full): newest first, HistoryRow elements that free themselves */
GPtrArray *history_list (History *history, guint limit, GError **error);
/* Unfinished ones, oldest first. */
GPtrArray *history_list_unfinished (History *history, GError **error);
/* (nullable): by id; 0 for the newest. NULL without error when there is none. */
HistoryRow *history_get (History *history, guint64 id, GError **error);
