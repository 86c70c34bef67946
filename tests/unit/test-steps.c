// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Steps: what was written before it was done is found by a successor, open or with its outcome.
 */

#include <glib/gstdio.h>
#include <sqlite3.h>

#include "accmigd/steps.h"

#define UUID "9b4d6bd6-6f1a-4d0c-8f3c-3d8f3f0c6c11"

typedef struct
{
  char *dir, *path;
  History *history;
} Fixture;

static void
reopen (Fixture *f)
{
  g_autoptr (GError) error = NULL;

  g_clear_pointer (&f->history, history_close);
  f->history = history_open (f->path, 2, &error);
  g_assert_no_error (error);
}

static void
set_up (Fixture *f, gconstpointer data)
{
  f->dir = g_dir_make_tmp ("accmig-steps-XXXXXX", NULL);
  f->path = g_build_filename (f->dir, "history.db", NULL);
  reopen (f);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  static const char *const names[] = { "history.db", "history.db-wal", "history.db-shm" };

  history_close (f->history);
  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *path = g_build_filename (f->dir, names[i], NULL);

      (void)g_remove (path);
    }
  g_assert_cmpint (g_rmdir (f->dir), ==, 0);
  g_free (f->dir);
  g_free (f->path);
}

static StepRow
row (guint64 migration, const char *name, const char *from, const char *to)
{
  return (StepRow){ .migration = migration,
                    .uuid = (char *)UUID,
                    .name = (char *)name,
                    .role = ROLE_DESTINATION,
                    .from = (char *)from,
                    .to = (char *)to,
                    .intent_usec = 1000 };
}

static void
begin_ok (const Fixture *f, StepRow *rows, gsize n)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (steps_begin (f->history, rows, n, &error));
  g_assert_no_error (error);
}

static void
end_ok (const Fixture *f, guint64 id, const char *outcome)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (steps_end (f->history, id, outcome, &error));
  g_assert_no_error (error);
}

static void
test_open (Fixture *f, gconstpointer data)
{
  StepRow rows[] = { row (1, "a", "stop", "running-p2p"),
                     row (1, "b'; DROP TABLE step; --", "stop", "running") };

  begin_ok (f, rows, 2);
  g_assert_cmpuint (rows[0].id, !=, rows[1].id);
  end_ok (f, rows[0].id, STEP_DONE);
  reopen (f); /* the agent was killed */
  g_autoptr (GPtrArray) open = steps_list_open (f->history, NULL);
  const StepRow *found = open->pdata[0];

  g_assert_cmpuint (open->len, ==, 1);
  g_assert_cmpuint (found->id, ==, rows[1].id);
  g_assert_cmpuint (found->migration, ==, 1);
  g_assert_cmpstr (found->uuid, ==, UUID);
  g_assert_cmpstr (found->name, ==, rows[1].name);
  g_assert_cmpint (found->role, ==, ROLE_DESTINATION);
  g_assert_cmpstr (found->from, ==, "stop");
  g_assert_cmpstr (found->to, ==, "running");
  g_assert_cmpint (found->intent_usec, ==, 1000);
  g_assert_cmpstr (found->outcome, ==, "");
  g_assert_cmpint (found->ended_usec, ==, 0);
}

static void
test_outcomes (Fixture *f, gconstpointer data)
{
  StepRow rows[] = { row (1, "a", "running", "stop"), row (2, "a", "stop", "stop-copy") };
  gint64 before = g_get_real_time ();

  begin_ok (f, &rows[0], 1);
  end_ok (f, rows[0].id, "EBUSY");
  begin_ok (f, &rows[1], 1);
  end_ok (f, rows[1].id, STEP_DONE);
  g_autoptr (GPtrArray) first = steps_list (f->history, 1, NULL);
  g_autoptr (GPtrArray) none = steps_list (f->history, 3, NULL);
  g_autoptr (StepRow) last = steps_get_last (f->history, UUID, "a", NULL);
  const StepRow *refused = first->pdata[0];

  g_assert_cmpuint (first->len, ==, 1);
  g_assert_cmpuint (none->len, ==, 0);
  g_assert_cmpstr (refused->outcome, ==, "EBUSY");
  g_assert_cmpint (refused->ended_usec, >=, before);
  g_assert_cmpuint (last->id, ==, rows[1].id);
  g_assert_null (steps_get_last (f->history, UUID, "b", NULL));
}

/* All devices of a barrier or none. A trigger of the test's own refuses one of them. */
static void
test_all_or_none (Fixture *f, gconstpointer data)
{
  StepRow rows[] = { row (1, "a", "running", "stop"), row (1, "poison", "running", "stop") };
  g_autoptr (GError) error = NULL;
  sqlite3 *db = NULL;

  g_assert_cmpint (sqlite3_open (f->path, &db), ==, SQLITE_OK);
  g_assert_cmpint (sqlite3_exec (db,
                                 "CREATE TRIGGER refuse BEFORE INSERT ON step WHEN new.name = 'poison'"
                                 " BEGIN SELECT RAISE (ABORT, 'no'); END",
                                 NULL, NULL, NULL),
                   ==, SQLITE_OK);
  sqlite3_close (db);
  g_assert_false (steps_begin (f->history, rows, 2, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_FAILED);
  g_assert_nonnull (strstr (error->message, f->path));
  g_autoptr (GPtrArray) none = steps_list_open (f->history, NULL);

  g_assert_cmpuint (none->len, ==, 0);
  begin_ok (f, rows, 1); /* it goes on after that */
}

/* What was done in a migration is forgotten with it; what is open stays. */
static void
test_pruned (Fixture *f, gconstpointer data)
{
  guint64 open_id = 0;

  for (guint i = 0; i < 4; i++)
    {
      HistoryRow migration = { .id = history_reserve_id (f->history),
                               .uuid = (char *)UUID,
                               .role = ROLE_SOURCE,
                               .phase = PHASE_COMPLETED,
                               .document = (char *)"{}" };
      StepRow steps[] = { row (migration.id, "a", "running", "stop"),
                          row (migration.id, "b", "stop", "running") };

      begin_ok (f, steps, 2);
      end_ok (f, steps[0].id, STEP_DONE);
      if (i == 0)
        open_id = steps[1].id;
      else
        end_ok (f, steps[1].id, STEP_DONE);
      g_assert_true (history_write (f->history, &migration, NULL));
    }
  g_autoptr (GPtrArray) first = steps_list (f->history, 1, NULL);
  g_autoptr (GPtrArray) second = steps_list (f->history, 2, NULL);
  g_autoptr (GPtrArray) last = steps_list (f->history, 4, NULL);

  g_assert_cmpuint (first->len, ==, 1);
  g_assert_cmpuint (((const StepRow *)first->pdata[0])->id, ==, open_id);
  g_assert_cmpuint (second->len, ==, 0);
  g_assert_cmpuint (last->len, ==, 2);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/steps/open", Fixture, NULL, set_up, test_open, tear_down);
  g_test_add ("/steps/outcomes", Fixture, NULL, set_up, test_outcomes, tear_down);
  g_test_add ("/steps/all-or-none", Fixture, NULL, set_up, test_all_or_none, tear_down);
  g_test_add ("/steps/pruned", Fixture, NULL, set_up, test_pruned, tear_down);
  return g_test_run ();
}
