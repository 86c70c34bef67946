// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The worker
 *
 * The thread and its owner share a reference-counted heap object, because either may live longer: the owner
 * while it is used, the thread when it hangs in a call that nobody can break off.
 */

#include "worker.h"

typedef struct
{
  WorkerFunc run; /* NULL: the end */
  gpointer data;
} Job;

struct _Worker
{
  GAsyncQueue *jobs;
  GThread *thread; /* the owner's */
  gint ending;     /* atomic */
  GMutex lock;
  GCond ended_cond;
  gboolean ended; /* under lock */
};

static void
worker_clear (gpointer data)
{
  Worker *self = data;

  g_async_queue_unref (self->jobs);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->ended_cond);
}

static gpointer
worker_main (gpointer data)
{
  Worker *self = data;
  gboolean more = TRUE;

  while (more)
    {
      g_autofree Job *job = g_async_queue_pop (self->jobs);

      more = job->run != NULL;
      if (more)
        job->run (job->data, g_atomic_int_get (&self->ending));
    }

  g_mutex_lock (&self->lock);
  self->ended = TRUE;
  g_cond_signal (&self->ended_cond);
  g_mutex_unlock (&self->lock);
  g_atomic_rc_box_release_full (self, worker_clear);
  return NULL;
}

Worker *
worker_new (const char *name)
{
  Worker *self = g_atomic_rc_box_new0 (Worker);

  self->jobs = g_async_queue_new ();
  g_mutex_init (&self->lock);
  g_cond_init (&self->ended_cond);
  self->thread = g_thread_new (name, worker_main, g_atomic_rc_box_acquire (self));
  return self;
}

void
worker_push (Worker *self, WorkerFunc run, gpointer data)
{
  Job *job = g_new (Job, 1);

  *job = (Job){ run, data };
  g_async_queue_push (self->jobs, job);
}

void
worker_free (Worker *self, guint wait_ms)
{
  gint64 until = g_get_monotonic_time () + (gint64)wait_ms * G_TIME_SPAN_MILLISECOND;
  gboolean waiting = TRUE, ended;

  g_atomic_int_set (&self->ending, TRUE);
  worker_push (self, NULL, NULL);

  g_mutex_lock (&self->lock);
  while (!self->ended && waiting)
    waiting = g_cond_wait_until (&self->ended_cond, &self->lock, until);
  ended = self->ended;
  g_mutex_unlock (&self->lock);
  if (ended)
    (void)g_thread_join (self->thread); /* what libraries keep per thread goes now, not after main() */
  else
    g_thread_unref (self->thread);
  g_atomic_rc_box_release_full (self, worker_clear);
}
