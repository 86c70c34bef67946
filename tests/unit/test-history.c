// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * History: what is written is read again, by a successor too; what is not ours is left alone.
 */

#include <glib/gstdio.h>
#include <sqlite3.h>

#include "accmigd/history.h"
#include "accmigd/steps.h"

typedef struct
{
  char *dir;
  char *path;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  f->dir = g_dir_make_tmp ("accmig-history-XXXXXX", NULL);
  f->path = g_build_filename (f->dir, "history.db", NULL);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  static const char *const names[] = { "history.db", "history.db-wal", "history.db-shm" };

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *path = g_build_filename (f->dir, names[i], NULL);

      (void)g_remove (path);
    }
  g_assert_cmpint (g_rmdir (f->dir), ==, 0);
  g_free (f->dir);
  g_free (f->path);
}

static HistoryRow
row (Phase phase)
{
  return (HistoryRow){ .uuid = (char *)"9b4d6bd6-6f1a-4d0c-8f3c-3d8f3f0c6c11",
                       .name = (char *)"web“1”'; DROP TABLE migration; --",
                       .token = (char *)"0123456789abcdef",
                       .cause = (char *)"because",
                       .role = ROLE_DESTINATION,
                       .phase = phase,
                       .started_usec = 1000,
                       .ended_usec = phase_is_end (phase) ? 2000 : 0,
                       .downtime_usec = 42,
                       .document = (char *)"{}" };
}

static History *
open_ok (const Fixture *f, guint keep)
{
  g_autoptr (GError) error = NULL;
  History *history = history_open (f->path, keep, &error);

  g_assert_no_error (error);
  return history;
}

static void
write_ok (History *history, HistoryRow *r)
{
  g_autoptr (GError) error = NULL;

  if (r->id == 0)
    r->id = history_reserve_id (history);
  g_assert_true (history_write (history, r, &error));
  g_assert_no_error (error);
}

static void
test_survives (Fixture *f, gconstpointer data)
{
  HistoryRow first = row (PHASE_INCOMING), second = row (PHASE_COMPLETED);
  {
    g_autoptr (History) history = open_ok (f, 10);

    write_ok (history, &first);
    write_ok (history, &second);
    g_assert_cmpuint (first.id, ==, 1);
    g_assert_cmpuint (second.id, ==, 2);
    first.phase = PHASE_RESUMING;
    write_ok (history, &first);
    g_assert_cmpuint (first.id, ==, 1);
  }
  g_autoptr (History) history = open_ok (f, 10);
  g_autoptr (GPtrArray) unfinished = history_list_unfinished (history, NULL);
  g_autoptr (GPtrArray) all = history_list (history, 10, NULL);
  HistoryRow *read = unfinished->pdata[0];

  g_assert_cmpuint (unfinished->len, ==, 1);
  g_assert_cmpuint (all->len, ==, 2);
  g_assert_cmpuint (read->id, ==, 1);
  g_assert_cmpint (read->phase, ==, PHASE_RESUMING);
  g_assert_cmpint (read->role, ==, ROLE_DESTINATION);
  g_assert_cmpstr (read->name, ==, first.name);
  g_assert_cmpstr (read->token, ==, first.token);
  g_assert_cmpint (read->started_usec, ==, 1000);
  read = all->pdata[0];
  g_assert_cmpuint (read->id, ==, 2);
  g_assert_cmpint (read->ended_usec, ==, 2000);
  g_assert_cmpint (read->downtime_usec, ==, 42);
}

static void
test_get (Fixture *f, gconstpointer data)
{
  g_autoptr (History) history = open_ok (f, 10);
  g_autoptr (GError) error = NULL;
  HistoryRow r = row (PHASE_FAILED);

  g_assert_null (history_get (history, 0, &error));
  g_assert_no_error (error);
  write_ok (history, &r);
  r.id = 0;
  write_ok (history, &r);

  g_autoptr (HistoryRow) newest = history_get (history, 0, &error);
  g_autoptr (HistoryRow) first = history_get (history, 1, &error);

  g_assert_cmpuint (newest->id, ==, 2);
  g_assert_cmpuint (first->id, ==, 1);
  g_assert_null (history_get (history, 3, &error));
  g_assert_no_error (error);
}

/* A number belongs to one migration for ever, also when its row is gone and the agent is another. */
static void
test_ids_are_not_given_out_again (Fixture *f, gconstpointer data)
{
  HistoryRow r = row (PHASE_COMPLETED);
  {
    g_autoptr (History) history = open_ok (f, 10);

    write_ok (history, &r);
    r.id = 0;
    write_ok (history, &r);
    g_assert_cmpuint (r.id, ==, 2);
    g_assert_true (history_delete (history, 2, NULL));
    g_assert_true (history_delete (history, 99, NULL));
  }
  g_autoptr (History) history = open_ok (f, 10);
  g_autoptr (HistoryRow) newest = history_get (history, 0, NULL);

  g_assert_cmpuint (newest->id, ==, 1);
  g_assert_cmpuint (history_reserve_id (history), ==, 3);
}

static void
test_prunes_only_ended (Fixture *f, gconstpointer data)
{
  g_autoptr (History) history = open_ok (f, 3);
  HistoryRow running = row (PHASE_COPYING);

  write_ok (history, &running);
  for (int i = 0; i < 10; i++)
    {
      HistoryRow r = row (PHASE_COMPLETED);

      write_ok (history, &r);
    }
  g_autoptr (GPtrArray) all = history_list (history, 100, NULL);
  const HistoryRow *last = all->pdata[3];

  g_assert_cmpuint (all->len, ==, 4);
  g_assert_cmpuint (last->id, ==, running.id);
}

static void
test_refuses_other_layouts (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  sqlite3 *db = NULL;

  g_assert_cmpint (sqlite3_open (f->path, &db), ==, SQLITE_OK);
  g_assert_cmpint (sqlite3_exec (db, "PRAGMA user_version = 7; CREATE TABLE theirs (x)", NULL, NULL, NULL),
                   ==, SQLITE_OK);
  sqlite3_close (db);
  g_assert_null (history_open (f->path, 10, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED);
  g_assert_nonnull (strstr (error->message, "layout 7, this agent knows 2"));
}

/* A file as the first version of the agent made it, with one migration in it. */
static void
make_first_layout (const char *path)
{
  static const char sql[] =
      "CREATE TABLE migration ( id INTEGER PRIMARY KEY AUTOINCREMENT, uuid TEXT NOT NULL, name TEXT NOT NULL,"
      " token TEXT NOT NULL, role TEXT NOT NULL, phase TEXT NOT NULL, cause TEXT NOT NULL,"
      " worked_out INTEGER NOT NULL, ended INTEGER NOT NULL, started_usec INTEGER NOT NULL,"
      " ended_usec INTEGER NOT NULL, downtime_usec INTEGER NOT NULL, document TEXT NOT NULL);"
      "CREATE INDEX migration_unfinished ON migration (ended) WHERE ended = 0;"
      "INSERT INTO migration VALUES (7, 'uuid', 'web', '', 'source', 'completed', '', 0, 1, 1, 2, 3, '{}');"
      "PRAGMA user_version = 1;";
  sqlite3 *db = NULL;

  g_assert_cmpint (sqlite3_open (path, &db), ==, SQLITE_OK);
  g_assert_cmpint (sqlite3_exec (db, sql, NULL, NULL, NULL), ==, SQLITE_OK);
  sqlite3_close (db);
}

static void
test_takes_first_layout (Fixture *f, gconstpointer data)
{
  make_first_layout (f->path);
  for (int again = 0; again < 2; again++)
    {
      g_autoptr (History) history = open_ok (f, 10);
      g_autoptr (HistoryRow) row = history_get (history, 7, NULL);
      g_autoptr (GPtrArray) steps = steps_list_open (history, NULL);

      g_assert_cmpstr (row->name, ==, "web");
      g_assert_cmpuint (steps->len, ==, 0);
      g_assert_cmpuint (history_reserve_id (history), ==, 8);
    }
}

static void
test_refuses_noise (Fixture *f, gconstpointer data)
{
  g_autofree char *noise = g_strnfill (10000, 'x');
  g_autofree char *after = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (g_file_set_contents (f->path, noise, -1, NULL));
  g_assert_null (history_open (f->path, 10, &error));
  g_assert_nonnull (strstr (error->message, f->path));
  g_assert_true (g_file_get_contents (f->path, &after, NULL, NULL));
  g_assert_cmpstr (noise, ==, after);
}

/* ---- the log ---- */

#define DOCUMENT_SIZE (400 * 1024) /* 100 pages of the log and some */

static void
write_much (History *history, guint n)
{
  g_autofree char *document = g_strnfill (DOCUMENT_SIZE, 'x');

  for (guint i = 0; i < n; i++)
    {
      HistoryRow r = row (PHASE_COMPLETED);

      r.document = document;
      write_ok (history, &r);
    }
}

static goffset
file_size (const Fixture *f)
{
  GStatBuf st;

  g_assert_cmpint (g_stat (f->path, &st), ==, 0);
  return st.st_size;
}

/* The first rows are in the file, not in the log alone. */
static gboolean
is_taken_over (const Fixture *f)
{
  return file_size (f) > DOCUMENT_SIZE;
}

static gboolean
on_late (gpointer late)
{
  *(gboolean *)late = TRUE;
  return G_SOURCE_CONTINUE;
}

/* No write waits for the disk because the log has become long; when it is quiet, it is taken over. */
static void
test_log_waits_for_quiet (Fixture *f, gconstpointer data)
{
  g_autoptr (History) history = open_ok (f, 1000);
  gboolean late = FALSE;
  guint limit = g_timeout_add_seconds (30, on_late, &late);

  write_much (history, 20);
  g_assert_false (is_taken_over (f));
  while (!is_taken_over (f) && !late)
    g_main_context_iteration (NULL, TRUE);
  g_assert_true (is_taken_over (f));
  g_source_remove (limit);
}

/* Where it is never quiet the log does not grow for ever. */
static void
test_log_has_an_end (Fixture *f, gconstpointer data)
{
  g_autoptr (History) history = open_ok (f, 1000);

  write_much (history, 170);
  g_assert_true (is_taken_over (f));
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *path;
    void (*run) (Fixture *f, gconstpointer data);
  } tests[] = {
    { "/history/survives", test_survives },
    { "/history/get", test_get },
    { "/history/ids-are-not-given-out-again", test_ids_are_not_given_out_again },
    { "/history/prunes-only-ended", test_prunes_only_ended },
    { "/history/refuses-other-layouts", test_refuses_other_layouts },
    { "/history/takes-first-layout", test_takes_first_layout },
    { "/history/refuses-noise", test_refuses_noise },
    { "/history/log-waits-for-quiet", test_log_waits_for_quiet },
    { "/history/log-has-an-end", test_log_has_an_end },
  };

  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (tests); i++)
    g_test_add (tests[i].path, Fixture, NULL, set_up, tests[i].run, tear_down);
  return g_test_run ();
}
