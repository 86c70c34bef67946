// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Errands
 */

#include "errand.h"

#include <accmig/error.h>

/* What a thread gets: its own. */
typedef struct
{
  ErrandKind kind;
  Move *move; /* (nullable) */
  char *text; /* (nullable) */
  MoveOptions options;
} Errand;

static void
errand_free (gpointer data)
{
  Errand *errand = data;

  move_unref (errand->move);
  g_free (errand->text);
  g_free (errand);
}

static void
answer_boolean (GTask *task, gboolean done, GError *error)
{
  if (done)
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

/* @answer: (nullable) (transfer full): NULL with @error */
static void
answer_pointer (GTask *task, gpointer answer, GDestroyNotify free_answer, GError *error)
{
  if (answer != NULL)
    g_task_return_pointer (task, answer, free_answer);
  else
    g_task_return_error (task, error);
}

static MoveLook *
look (Move *move, GError **error)
{
  g_autofree MoveLook *found = g_new0 (MoveLook, 1);

  return move_look (move, found, error) ? g_steal_pointer (&found) : NULL;
}

static void
run_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  const Errand *errand = data;
  GError *error = NULL;
  gpointer answer = NULL;
  gboolean done = FALSE;

  switch (errand->kind)
    {
    case ERRAND_OPEN:
      answer = move_open (errand->text, &error);
      answer_pointer (task, answer, move_unref, error);
      break;
    case ERRAND_LOOK:
      answer = look (errand->move, &error);
      answer_pointer (task, answer, g_free, error);
      break;
    case ERRAND_RUN:
      done = move_run (errand->move, errand->text, &errand->options, &error);
      answer_boolean (task, done, error);
      break;
    case ERRAND_ABORT:
      done = move_abort (errand->move, &error);
      answer_boolean (task, done, error);
      break;
    case ERRAND_RESUME:
      done = move_resume (errand->move, errand->text, &error);
      answer_boolean (task, done, error);
      break;
    }
}

void
errand_begin (ErrandKind kind, Move *move, const char *text, const MoveOptions *options,
              GAsyncReadyCallback callback, gpointer user)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, user);
  Errand *errand = g_new0 (Errand, 1);

  errand->kind = kind;
  errand->move = move != NULL ? move_ref (move) : NULL;
  errand->text = g_strdup (text);
  if (options != NULL)
    errand->options = *options;
  g_task_set_task_data (task, errand, errand_free);
  g_task_run_in_thread (task, run_in_thread);
}

/* ---- one, waited for ---- */

typedef struct
{
  GMainLoop *loop;
  GTask *task; /* (nullable) */
} Wait;

static void
wait_clear (gpointer data)
{
  Wait *wait = data;

  g_main_loop_unref (wait->loop);
  g_clear_object (&wait->task);
}

static void
wait_unref (gpointer wait)
{
  g_rc_box_release_full (wait, wait_clear);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Wait, wait_unref)

static void
on_answer (GObject *source, GAsyncResult *result, gpointer user)
{
  g_autoptr (Wait) wait = user;

  wait->task = G_TASK (g_object_ref (result));
  g_main_loop_quit (wait->loop);
}

static gboolean
on_late (gpointer loop)
{
  g_main_loop_quit (loop);
  return G_SOURCE_CONTINUE;
}

GTask *
errand_wait (ErrandKind kind, Move *move, const char *text, gint64 limit_usec, GError **error)
{
  g_autoptr (Wait) wait = g_rc_box_new0 (Wait);
  guint late = 0;

  wait->loop = g_main_loop_new (NULL, FALSE);
  late = g_timeout_add ((guint)(limit_usec / 1000), on_late, wait->loop);
  errand_begin (kind, move, text, NULL, on_answer, g_rc_box_acquire (wait));
  g_main_loop_run (wait->loop);
  g_source_remove (late);
  if (wait->task != NULL)
    return g_steal_pointer (&wait->task);
  g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_IO, "libvirt did not answer within %.3g s",
               (double)limit_usec / G_USEC_PER_SEC);
  return NULL;
}
