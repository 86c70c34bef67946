// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Steps
 *
 * All devices of a barrier are written in one transaction, before the first of them is asked: it costs what
 * one costs, and the guest stands still meanwhile.
 */

#include "steps.h"

#include "history-private.h"

#define COLUMNS "id, migration, uuid, name, role, from_state, to_state, intent_usec, outcome, ended_usec"

void
step_row_free (StepRow *row)
{
  if (row == NULL)
    return;
  g_free (row->uuid);
  g_free (row->name);
  g_free (row->from);
  g_free (row->to);
  g_free (row->outcome);
  g_free (row);
}

static gboolean
insert (History *history, sqlite3_stmt *statement, StepRow *row, GError **error)
{
  sqlite3_reset (statement);
  sqlite3_bind_int64 (statement, 1, (gint64)row->migration);
  history_bind_text (statement, 2, row->uuid);
  history_bind_text (statement, 3, row->name);
  history_bind_text (statement, 4, role_to_string (row->role));
  history_bind_text (statement, 5, row->from);
  history_bind_text (statement, 6, row->to);
  sqlite3_bind_int64 (statement, 7, row->intent_usec);
  if (sqlite3_step (statement) != SQLITE_DONE)
    return history_fail (history, "write", error);
  row->id = history_last_row (history);
  return TRUE;
}

static gboolean
insert_all (History *history, StepRow *rows, gsize n, GError **error)
{
  g_autoptr (sqlite3_stmt) statement =
      history_prepare (history,
                       "INSERT INTO step (migration, uuid, name, role, from_state, to_state, intent_usec,"
                       " outcome, ended_usec) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, '', 0)",
                       "write", error);

  for (gsize i = 0; statement != NULL && i < n; i++)
    if (!insert (history, statement, &rows[i], error))
      return FALSE;
  return statement != NULL;
}

gboolean
steps_begin (History *history, StepRow *rows, gsize n, GError **error)
{
  if (!history_execute (history, "BEGIN IMMEDIATE", "write", error))
    return FALSE;
  if (insert_all (history, rows, n, error) && history_execute (history, "COMMIT", "write", error))
    return TRUE;
  (void)history_execute (history, "ROLLBACK", "write", NULL);
  return FALSE;
}

gboolean
steps_end (History *history, guint64 id, const char *outcome, GError **error)
{
  g_autoptr (sqlite3_stmt) statement =
      history_prepare (history, "UPDATE step SET outcome = ?2, ended_usec = ?3 WHERE id = ?1", "write",
                       error);

  if (statement == NULL)
    return FALSE;
  sqlite3_bind_int64 (statement, 1, (gint64)id);
  history_bind_text (statement, 2, outcome);
  sqlite3_bind_int64 (statement, 3, g_get_real_time ());
  return sqlite3_step (statement) == SQLITE_DONE || history_fail (history, "write", error);
}

static StepRow *
read_row (sqlite3_stmt *statement)
{
  StepRow *row = g_new0 (StepRow, 1);
  const char *role = (const char *)sqlite3_column_text (statement, 4);

  row->id = (guint64)sqlite3_column_int64 (statement, 0);
  row->migration = (guint64)sqlite3_column_int64 (statement, 1);
  row->uuid = g_strdup ((const char *)sqlite3_column_text (statement, 2));
  row->name = g_strdup ((const char *)sqlite3_column_text (statement, 3));
  row->role = g_strcmp0 (role, role_to_string (ROLE_DESTINATION)) == 0 ? ROLE_DESTINATION : ROLE_SOURCE;
  row->from = g_strdup ((const char *)sqlite3_column_text (statement, 5));
  row->to = g_strdup ((const char *)sqlite3_column_text (statement, 6));
  row->intent_usec = sqlite3_column_int64 (statement, 7);
  row->outcome = g_strdup ((const char *)sqlite3_column_text (statement, 8));
  row->ended_usec = sqlite3_column_int64 (statement, 9);
  return row;
}

static GPtrArray *
read_rows (History *history, sqlite3_stmt *statement, GError **error)
{
  g_autoptr (GPtrArray) rows = g_ptr_array_new_with_free_func ((GDestroyNotify)step_row_free);
  int step;

  while ((step = sqlite3_step (statement)) == SQLITE_ROW)
    g_ptr_array_add (rows, read_row (statement));
  if (step == SQLITE_DONE)
    return g_steal_pointer (&rows);
  history_fail (history, "read", error);
  return NULL;
}

GPtrArray *
steps_list_open (History *history, GError **error)
{
  g_autoptr (sqlite3_stmt) statement =
      history_prepare (history, "SELECT " COLUMNS " FROM step WHERE outcome = '' ORDER BY id", "read", error);

  return statement != NULL ? read_rows (history, statement, error) : NULL;
}

GPtrArray *
steps_list (History *history, guint64 migration, GError **error)
{
  g_autoptr (sqlite3_stmt) statement =
      history_prepare (history, "SELECT " COLUMNS " FROM step WHERE migration = ?1 ORDER BY id", "read",
                       error);

  if (statement == NULL)
    return NULL;
  sqlite3_bind_int64 (statement, 1, (gint64)migration);
  return read_rows (history, statement, error);
}

StepRow *
steps_get_last (History *history, const char *uuid, const char *name, GError **error)
{
  g_autoptr (sqlite3_stmt) statement =
      history_prepare (history,
                       "SELECT " COLUMNS " FROM step WHERE uuid = ?1 AND name = ?2 ORDER BY id DESC LIMIT 1",
                       "read", error);
  g_autoptr (GPtrArray) rows = NULL;

  if (statement == NULL)
    return NULL;
  history_bind_text (statement, 1, uuid);
  history_bind_text (statement, 2, name);
  rows = read_rows (history, statement, error);
  return rows != NULL && rows->len > 0 ? g_ptr_array_steal_index (rows, 0) : NULL;
}
