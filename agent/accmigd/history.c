// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * History
 *
 * One row a migration. The columns that lists and recovery need stand on their own; everything else is in the
 * row's document. A row is written when the phase changes and when figures arrive, in one transaction each,
 * so that what the agent knew survives its death. A second table has the steps of registered devices
 * (steps.c).
 *
 * SQLite writes to a log and takes that over into the file now and then, for which it waits for the disk. By
 * default it does so in the middle of whichever write makes the log long enough, and that could be the one
 * between a guest's stop and its devices'; so the log is taken over when nothing has been written for a
 * while.
 *
 * The layout's number is SQLite's user_version. A file of an older layout is brought up to date; an older
 * agent that finds a newer layout refuses to open it.
 */

#include "history-private.h"

#define LAYOUT 2

#define LOG_PAGES     1000  /* of 4 KiB, that make it worthwhile to take over the log */
#define LOG_PAGES_MAX 16000 /* … and that make it do so whatever goes on */
#define QUIET_SECONDS 5     /* without a write; those of a switch-over follow one another sooner */

struct _History
{
  sqlite3 *db;
  char *path;
  guint keep;
  guint64 last_id; /* given out, written or not */
  guint quiet;     /* source: the log is to be taken over when it is quiet */
};

/* From layout 0, an empty file, to 1. */
static const char migration_sql[] =
    "CREATE TABLE migration ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " uuid TEXT NOT NULL, name TEXT NOT NULL, token TEXT NOT NULL, role TEXT NOT NULL,"
    " phase TEXT NOT NULL, cause TEXT NOT NULL, worked_out INTEGER NOT NULL, ended INTEGER NOT NULL,"
    " started_usec INTEGER NOT NULL, ended_usec INTEGER NOT NULL, downtime_usec INTEGER NOT NULL,"
    " document TEXT NOT NULL);"
    "CREATE INDEX migration_unfinished ON migration (ended) WHERE ended = 0;"
    "PRAGMA user_version = 1;";

/* … and from 1 to 2. */
static const char step_sql[] =
    "CREATE TABLE step ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " migration INTEGER NOT NULL, uuid TEXT NOT NULL, name TEXT NOT NULL,"
    " role TEXT NOT NULL, from_state TEXT NOT NULL, to_state TEXT NOT NULL,"
    " intent_usec INTEGER NOT NULL, outcome TEXT NOT NULL, ended_usec INTEGER NOT NULL);"
    "CREATE INDEX step_open ON step (outcome) WHERE outcome = '';"
    "CREATE INDEX step_migration ON step (migration);"
    "PRAGMA user_version = 2;";

/* By the layout that is found. */
static const char *const upgrades[LAYOUT] = { migration_sql, step_sql };

#define COLUMNS                                                                                              \
  "id, uuid, name, token, role, phase, cause, worked_out, started_usec, ended_usec, downtime_usec, document"

void
history_row_free (HistoryRow *row)
{
  if (row == NULL)
    return;
  g_free (row->uuid);
  g_free (row->name);
  g_free (row->token);
  g_free (row->cause);
  g_free (row->document);
  g_free (row);
}

gboolean
history_fail (History *self, const char *what, GError **error)
{
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "cannot %s history “%s”: %s", what, self->path,
               sqlite3_errmsg (self->db));
  return FALSE;
}

gboolean
history_execute (History *self, const char *sql, const char *what, GError **error)
{
  return sqlite3_exec (self->db, sql, NULL, NULL, NULL) == SQLITE_OK || history_fail (self, what, error);
}

sqlite3_stmt *
history_prepare (History *self, const char *sql, const char *what, GError **error)
{
  sqlite3_stmt *statement = NULL;

  if (sqlite3_prepare_v2 (self->db, sql, -1, &statement, NULL) != SQLITE_OK)
    history_fail (self, what, error);
  return statement;
}

guint64
history_last_row (History *self)
{
  return (guint64)sqlite3_last_insert_rowid (self->db);
}

/* One transaction: a file is of one layout or the next, whenever the agent is killed. */
static gboolean
upgrade (History *self, int from, GError **error)
{
  for (int layout = from; layout < LAYOUT; layout++)
    {
      g_autofree char *sql = g_strdup_printf ("BEGIN; %s COMMIT;", upgrades[layout]);

      if (!history_execute (self, sql, "create", error))
        return FALSE;
    }
  return TRUE;
}

/* Brings a new file and an older layout to the present one, refuses every other. */
static gboolean
ensure_layout (History *self, GError **error)
{
  g_autoptr (sqlite3_stmt) statement = history_prepare (self, "PRAGMA user_version", "read", error);
  int found;

  if (statement == NULL)
    return FALSE;
  if (sqlite3_step (statement) != SQLITE_ROW)
    return history_fail (self, "read", error);
  found = sqlite3_column_int (statement, 0);
  g_clear_pointer (&statement, sqlite3_finalize); /* it would keep the tables from being changed */
  if (found < 0 || found > LAYOUT)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
                   "history “%s” has layout %d, this agent knows %d", self->path, found, LAYOUT);
      return FALSE;
    }
  return upgrade (self, found, error);
}

/* AUTOINCREMENT's own memory: ids of rows that are gone are not given out again. */
static gboolean
read_last_id (History *self, GError **error)
{
  g_autoptr (sqlite3_stmt) statement =
      history_prepare (self, "SELECT seq FROM sqlite_sequence WHERE name = 'migration'", "read", error);

  if (statement == NULL)
    return FALSE;
  if (sqlite3_step (statement) == SQLITE_ROW)
    self->last_id = sqlite3_column_int64 (statement, 0);
  return TRUE;
}

guint64
history_reserve_id (History *self)
{
  return ++self->last_id;
}

/* A reader in another process may be in the way of a part; then the next write sees to it. */
static void
take_over_log (History *self)
{
  (void)sqlite3_wal_checkpoint_v2 (self->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
}

static gboolean
on_quiet (gpointer user)
{
  History *self = user;

  self->quiet = 0;
  take_over_log (self);
  return G_SOURCE_REMOVE;
}

static int
on_written (void *user, sqlite3 *db, const char *name, int pages)
{
  History *self = user;

  if (pages < LOG_PAGES)
    return SQLITE_OK;
  g_clear_handle_id (&self->quiet, g_source_remove);
  if (pages < LOG_PAGES_MAX)
    self->quiet = g_timeout_add_seconds (QUIET_SECONDS, on_quiet, self);
  else
    take_over_log (self);
  return SQLITE_OK;
}

History *
history_open (const char *path, guint keep, GError **error)
{
  g_autoptr (History) self = g_new0 (History, 1);

  self->path = g_strdup (path);
  self->keep = keep;
  if (sqlite3_open_v2 (path, &self->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) != SQLITE_OK)
    {
      history_fail (self, "open", error);
      return NULL;
    }
  sqlite3_busy_timeout (self->db, 1000); /* ms; somebody looks into it with another tool */
  if (!history_execute (self, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL", "open", error)
      || !ensure_layout (self, error))
    return NULL;
  (void)sqlite3_wal_hook (self->db, on_written, self); /* in the place of SQLite's own */
  return read_last_id (self, error) ? g_steal_pointer (&self) : NULL;
}

void
history_close (History *self)
{
  if (self == NULL)
    return;
  g_clear_handle_id (&self->quiet, g_source_remove);
  sqlite3_close (self->db);
  g_free (self->path);
  g_free (self);
}

void
history_bind_text (sqlite3_stmt *statement, int index, const char *text)
{
  sqlite3_bind_text (statement, index, text != NULL ? text : "", -1, SQLITE_TRANSIENT);
}

/* Forgets the oldest ended rows beyond what is kept, and what was done in them. A step that is still open
 * stays: somebody has to look into it. */
static gboolean
prune (History *self, GError **error)
{
  g_autofree char *sql =
      g_strdup_printf ("DELETE FROM migration WHERE ended = 1 AND id <= "
                       "(SELECT id FROM migration WHERE ended = 1 ORDER BY id DESC LIMIT 1 OFFSET %u);"
                       "DELETE FROM step WHERE outcome <> '' AND migration NOT IN (SELECT id FROM migration)",
                       self->keep);

  return history_execute (self, sql, "prune", error);
}

gboolean
history_write (History *self, const HistoryRow *row, GError **error)
{
  g_autoptr (sqlite3_stmt) statement =
      history_prepare (self,
                       "INSERT OR REPLACE INTO migration (" COLUMNS ", ended)"
                       " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
                       "write", error);

  if (statement == NULL)
    return FALSE;
  sqlite3_bind_int64 (statement, 1, row->id);
  history_bind_text (statement, 2, row->uuid);
  history_bind_text (statement, 3, row->name);
  history_bind_text (statement, 4, row->token);
  history_bind_text (statement, 5, role_to_string (row->role));
  history_bind_text (statement, 6, phase_to_string (row->phase));
  history_bind_text (statement, 7, row->cause);
  sqlite3_bind_int (statement, 8, row->worked_out);
  sqlite3_bind_int64 (statement, 9, row->started_usec);
  sqlite3_bind_int64 (statement, 10, row->ended_usec);
  sqlite3_bind_int64 (statement, 11, row->downtime_usec);
  history_bind_text (statement, 12, row->document);
  sqlite3_bind_int (statement, 13, phase_is_end (row->phase));
  if (sqlite3_step (statement) != SQLITE_DONE)
    return history_fail (self, "write", error);
  return !phase_is_end (row->phase) || prune (self, error);
}

static HistoryRow *
read_row (sqlite3_stmt *statement)
{
  HistoryRow *row = g_new0 (HistoryRow, 1);
  const char *role = (const char *)sqlite3_column_text (statement, 4);
  const char *phase = (const char *)sqlite3_column_text (statement, 5);

  row->id = sqlite3_column_int64 (statement, 0);
  row->uuid = g_strdup ((const char *)sqlite3_column_text (statement, 1));
  row->name = g_strdup ((const char *)sqlite3_column_text (statement, 2));
  row->token = g_strdup ((const char *)sqlite3_column_text (statement, 3));
  row->role = g_strcmp0 (role, role_to_string (ROLE_DESTINATION)) == 0 ? ROLE_DESTINATION : ROLE_SOURCE;
  if (!phase_from_string (phase, &row->phase))
    row->phase = PHASE_LOST; /* a word of a later agent */
  row->cause = g_strdup ((const char *)sqlite3_column_text (statement, 6));
  row->worked_out = sqlite3_column_int (statement, 7) != 0;
  row->started_usec = sqlite3_column_int64 (statement, 8);
  row->ended_usec = sqlite3_column_int64 (statement, 9);
  row->downtime_usec = sqlite3_column_int64 (statement, 10);
  row->document = g_strdup ((const char *)sqlite3_column_text (statement, 11));
  return row;
}

/* (nullable): every row of @statement; sets @error on failure */
static GPtrArray *
read_rows (History *self, sqlite3_stmt *statement, GError **error)
{
  g_autoptr (GPtrArray) rows = g_ptr_array_new_with_free_func ((GDestroyNotify)history_row_free);
  int step;

  while ((step = sqlite3_step (statement)) == SQLITE_ROW)
    g_ptr_array_add (rows, read_row (statement));
  if (step != SQLITE_DONE)
    {
      history_fail (self, "read", error);
      return NULL;
    }
  return g_steal_pointer (&rows);
}

gboolean
history_delete (History *self, guint64 id, GError **error)
{
  g_autoptr (sqlite3_stmt) statement =
      history_prepare (self, "DELETE FROM migration WHERE id = ?1", "write", error);

  if (statement == NULL)
    return FALSE;
  sqlite3_bind_int64 (statement, 1, id);
  return sqlite3_step (statement) == SQLITE_DONE || history_fail (self, "write", error);
}

GPtrArray *
history_list (History *self, guint limit, GError **error)
{
  g_autoptr (sqlite3_stmt) statement =
      history_prepare (self, "SELECT " COLUMNS " FROM migration ORDER BY id DESC LIMIT ?1", "read", error);

  if (statement == NULL)
    return NULL;
  sqlite3_bind_int64 (statement, 1, limit);
  return read_rows (self, statement, error);
}

GPtrArray *
history_list_unfinished (History *self, GError **error)
{
  g_autoptr (sqlite3_stmt) statement =
      history_prepare (self, "SELECT " COLUMNS " FROM migration WHERE ended = 0 ORDER BY id", "read", error);

  return statement != NULL ? read_rows (self, statement, error) : NULL;
}

HistoryRow *
history_get (History *self, guint64 id, GError **error)
{
  g_autoptr (sqlite3_stmt) statement =
      history_prepare (self,
                       "SELECT " COLUMNS " FROM migration WHERE ?1 = 0 OR id = ?1 ORDER BY id DESC LIMIT 1",
                       "read", error);
  g_autoptr (GPtrArray) rows = NULL;

  if (statement == NULL)
    return NULL;
  sqlite3_bind_int64 (statement, 1, id);
  rows = read_rows (self, statement, error);
  return rows != NULL && rows->len > 0 ? g_ptr_array_steal_index (rows, 0) : NULL;
}
