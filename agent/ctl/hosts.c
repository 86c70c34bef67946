// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Several hosts
 *
 * Each is asked by a thread, for a connection through ssh may hang in more places than have a limit of their
 * own. The thread shares nothing with the rest but its job. When its time is over, its answer is that there
 * was none, and the next host gets its turn, whatever the thread still does.
 */

#include "hosts.h"

#include <accmig/error.h>

/* What a thread works on; it and the one who waits hold it together. */
typedef struct
{
  guint index; /* among the hosts */
  char *host;
  char *text; /* (nullable) */
  HostQuestion question;
  GAsyncQueue *done; /* where the job goes when it has an answer */
  char *answer;      /* (nullable) */
  GError *error;     /* (nullable) */
} Job;

/* Jobs under way, and since when. */
typedef struct
{
  Job *job; /* (nullable): a free slot */
  gint64 until_usec;
} Slot;

static void
job_clear (gpointer data)
{
  Job *job = data;

  g_free (job->host);
  g_free (job->text);
  g_free (job->answer);
  g_clear_error (&job->error);
  g_async_queue_unref (job->done);
}

static void
job_unref (gpointer job)
{
  g_atomic_rc_box_release_full (job, job_clear);
}

static gpointer
job_run (gpointer data)
{
  Job *job = data;
  g_autoptr (GAsyncQueue) done =
      g_async_queue_ref (job->done); /* the job may be gone as soon as it is in there */

  job->answer = job->question (job->host, job->text, &job->error);
  g_async_queue_push (done, job);
  return NULL;
}

static void
answer_free (gpointer data)
{
  HostAnswer *answer = data;

  g_free (answer->host);
  g_free (answer->text);
  g_clear_error (&answer->error);
  g_free (answer);
}

char **
hosts_split (const char *list, GError **error)
{
  g_auto (GStrv) words = g_strsplit (list, ",", -1);
  g_autoptr (GStrvBuilder) hosts = g_strv_builder_new ();
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);

  for (char **word = words; *word != NULL; word++)
    {
      if (**word == '\0')
        {
          g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                       "“%s” has a host without a name in it", list);
          return NULL;
        }
      if (g_hash_table_add (seen, *word))
        g_strv_builder_add (hosts, *word);
    }
  if (g_hash_table_size (seen) > 0)
    return g_strv_builder_end (hosts);
  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "a host without a name is none");
  return NULL;
}

/* ---- asking ---- */

static Job *
job_start (char *const *hosts, guint index, HostQuestion question, const char *text, GAsyncQueue *done)
{
  Job *job = g_atomic_rc_box_new0 (Job);
  GThread *thread = NULL;

  job->index = index;
  job->host = g_strdup (hosts[index]);
  job->text = g_strdup (text);
  job->question = question;
  job->done = g_async_queue_ref (done);
  thread = g_thread_try_new ("host", job_run, g_atomic_rc_box_acquire (job), &job->error);
  if (thread != NULL)
    g_thread_unref (thread);
  else
    g_async_queue_push (done, job); /* with what the thread would have held */
  return job;
}

static Slot *
find_slot (Slot *slots, const Job *job)
{
  for (guint i = 0; i < HOSTS_AT_ONCE; i++)
    if (slots[i].job == job)
      return &slots[i];
  return NULL;
}

/* When the first of those under way has had its time; G_MAXINT64 when there are none. */
static gint64
first_deadline (const Slot *slots)
{
  gint64 first = G_MAXINT64;

  for (guint i = 0; i < HOSTS_AT_ONCE; i++)
    if (slots[i].job != NULL)
      first = MIN (first, slots[i].until_usec);
  return first;
}

static void
take_answer (Slot *slot, HostAnswer *answer)
{
  answer->text = g_steal_pointer (&slot->job->answer);
  answer->error = g_steal_pointer (&slot->job->error);
  g_clear_pointer (&slot->job, job_unref);
}

static void
give_up (Slot *slots, GPtrArray *answers, gint64 limit_usec)
{
  for (guint i = 0; i < HOSTS_AT_ONCE; i++)
    if (slots[i].job != NULL && slots[i].until_usec <= g_get_monotonic_time ())
      {
        HostAnswer *answer = answers->pdata[slots[i].job->index];

        g_set_error (&answer->error, ACCMIG_ERROR, ACCMIG_ERROR_IO, "%s did not answer within %.3g s",
                     answer->host, (double)limit_usec / G_USEC_PER_SEC);
        g_clear_pointer (&slots[i].job, job_unref);
      }
}

GPtrArray *
hosts_ask (char *const *hosts, HostQuestion question, const char *text, gint64 limit_usec)
{
  g_autoptr (GAsyncQueue) done = g_async_queue_new_full (job_unref);
  GPtrArray *answers = g_ptr_array_new_with_free_func (answer_free);
  Slot slots[HOSTS_AT_ONCE] = { 0 };
  guint next = 0;

  for (char *const *host = hosts; *host != NULL; host++)
    {
      HostAnswer *answer = g_new0 (HostAnswer, 1);

      answer->host = g_strdup (*host);
      g_ptr_array_add (answers, answer);
    }
  while (next < answers->len || first_deadline (slots) != G_MAXINT64)
    {
      Slot *slot = next < answers->len ? find_slot (slots, NULL) : NULL;
      Job *job = NULL;

      if (slot != NULL)
        {
          slot->until_usec = g_get_monotonic_time () + limit_usec;
          slot->job = job_start (hosts, next++, question, text, done);
          continue;
        }
      job = g_async_queue_timeout_pop (done,
                                       (guint64)MAX (first_deadline (slots) - g_get_monotonic_time (), 0));
      slot = job != NULL ? find_slot (slots, job) : NULL;
      if (slot != NULL)
        take_answer (slot, answers->pdata[job->index]);
      g_clear_pointer (&job, job_unref); /* also one that was given up before */
      give_up (slots, answers, limit_usec);
    }
  return answers;
}
