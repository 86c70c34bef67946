// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A migration while it runs
 *
 * libvirt's calls wait in threads; here they begin and end. Ending a migration is a wish: libvirt may not
 * have a job yet that it could end, or none any more; so it is asked again until the move has come back, one
 * way or the other. What counts is how the move came back, and where the guest is then.
 *
 * Guests with registered devices arrive paused, and are let go when the state of each device is loaded.
 */

#include "migrate-job.h"

#include <accmig/error.h>
#include <glib-unix.h>
#include <string.h>

#include "errand.h"
#include "migrate-progress.h"

#define TICK_MSEC         250
#define OPEN_LIMIT_USEC   (30 * G_USEC_PER_SEC)
#define RESUME_LIMIT_USEC (60 * G_USEC_PER_SEC)
#define ABORT_LIMIT_USEC                                                                                     \
  (60 * G_USEC_PER_SEC) /* libvirt ends a job within a moment, but a hook may hold it up */
#define CARRIED_LIMIT_USEC                                                                                   \
  (180 * G_USEC_PER_SEC) /* after the guest stopped; the agents' own limits are shorter */
#define REFUSAL "accmig: refused "

typedef struct
{
  Move *move;
  const MigratePlan *plan;
  GMainLoop *loop;
  Progress *progress;
  gint64 deadline_usec;
  gboolean looking, aborting_now; /* such a call is under way */
  gboolean moved;                 /* the move has come back */
  gboolean carrying;              /* carriers_start() was called */
  gboolean left;                  /* nobody waits any more */
  gboolean was_paused;            /* the guest stood still before */
  GError *failure;                /* (nullable): of the move */
  GError *abort_reason;           /* (nullable): why it is to end */
  GError *not_carried;            /* (nullable): why a device was not loaded */
} Job;

static void
job_clear (gpointer data)
{
  Job *job = data;

  move_unref (job->move);
  g_main_loop_unref (job->loop);
  progress_free (job->progress);
  g_clear_error (&job->failure);
  g_clear_error (&job->abort_reason);
  g_clear_error (&job->not_carried);
}

static void
job_unref (gpointer job)
{
  g_rc_box_release_full (job, job_clear);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Job, job_unref)

Move *
migrate_open (const char *domain, GError **error)
{
  g_autoptr (GTask) task = errand_wait (ERRAND_OPEN, NULL, domain, OPEN_LIMIT_USEC, error);

  return task != NULL ? g_task_propagate_pointer (task, error) : NULL;
}

/* ---- ending it ---- */

static void
leave (Job *job)
{
  job->left = TRUE;
  g_main_loop_quit (job->loop);
}

static void
on_aborted (GObject *source, GAsyncResult *result, gpointer user)
{
  g_autoptr (Job) job = user;
  g_autoptr (GError) error = NULL;

  job->aborting_now = FALSE; /* when libvirt had no job to end, the next tick asks again */
  if (!g_task_propagate_boolean (G_TASK (result), &error))
    g_debug ("%s", error->message);
}

static void
ask_to_abort (Job *job)
{
  if (job->aborting_now || job->moved)
    return;
  job->aborting_now = TRUE;
  errand_begin (ERRAND_ABORT, job->move, NULL, NULL, on_aborted, g_rc_box_acquire (job));
}

/* @reason: (transfer full) */
static void
end (Job *job, GError *reason)
{
  if (job->abort_reason != NULL || job->moved)
    {
      g_error_free (reason);
      return;
    }
  job->abort_reason = reason;
  job->deadline_usec = g_get_monotonic_time () + ABORT_LIMIT_USEC;
  progress_note (job->progress, "is being stopped from migrating");
  ask_to_abort (job);
}

static gboolean
on_signal (gpointer user)
{
  Job *job = user;

  if (job->abort_reason != NULL || job->moved)
    leave (job);
  else
    end (job, g_error_new (ACCMIG_ERROR, ACCMIG_ERROR_IO, "interrupted"));
  return G_SOURCE_CONTINUE;
}

/* ---- what happens ---- */

/* The move has come back, and the devices have arrived or not. */
static void
check_end (Job *job)
{
  if (job->moved && (!job->carrying || job->failure != NULL || carriers_have_ended (job->plan->carriers)))
    g_main_loop_quit (job->loop);
}

static void
on_carried (const GError *error, gpointer user)
{
  Job *job = user;

  if (error != NULL)
    {
      job->not_carried = g_error_copy (error);
      end (job, g_error_copy (error));
    }
  check_end (job);
}

static void
start_carrying (Job *job)
{
  if (job->carrying || job->plan->carriers == NULL)
    return;
  job->carrying = TRUE;
  carriers_start (job->plan->carriers, on_carried, job);
}

static void
on_moved (GObject *source, GAsyncResult *result, gpointer user)
{
  g_autoptr (Job) job = user;

  job->moved = TRUE;
  if (g_task_propagate_boolean (G_TASK (result), &job->failure))
    {
      start_carrying (job); /* one that was so quick that nobody saw it being copied */
      job->deadline_usec = g_get_monotonic_time () + CARRIED_LIMIT_USEC;
    }
  check_end (job);
}

static void
on_looked (GObject *source, GAsyncResult *result, gpointer user)
{
  g_autoptr (Job) job = user;
  g_autofree MoveLook *look = g_task_propagate_pointer (G_TASK (result), NULL);

  job->looking = FALSE;
  if (look == NULL || job->moved || job->left) /* it cannot be asked at every moment of a migration */
    return;
  if (progress_update (job->progress, look) >= PROGRESS_COPYING)
    start_carrying (job);
}

static gboolean
on_tick (gpointer user)
{
  Job *job = user;
  gboolean late = g_get_monotonic_time () > job->deadline_usec;

  if (late && (job->abort_reason != NULL || job->moved))
    leave (job);
  else if (late)
    end (job, g_error_new (ACCMIG_ERROR, ACCMIG_ERROR_IO, "it had not arrived after %" G_GINT64_FORMAT " s",
                           job->plan->limit_usec / G_USEC_PER_SEC));
  else if (job->abort_reason != NULL)
    ask_to_abort (job);
  if (!job->looking && !job->moved)
    {
      job->looking = TRUE;
      errand_begin (ERRAND_LOOK, job->move, NULL, NULL, on_looked, g_rc_box_acquire (job));
    }
  return G_SOURCE_CONTINUE;
}

/* ---- how it ended ---- */

/* (transfer full) */
static char *
find_guest (Move *move)
{
  static const char *const places[] = {
    [HYPERVISOR_DOMAIN_SHUTOFF] = "it is shut off here",
    [HYPERVISOR_DOMAIN_RUNNING] = "it runs here as before",
    [HYPERVISOR_DOMAIN_PAUSED] = "it is paused here",
    [HYPERVISOR_DOMAIN_OTHER] = "it is here, neither running nor paused",
  };
  g_autoptr (GError) error = NULL;
  g_autoptr (GTask) task = errand_wait (ERRAND_LOOK, move, NULL, OPEN_LIMIT_USEC, &error);
  g_autofree MoveLook *look = task != NULL ? g_task_propagate_pointer (task, &error) : NULL;

  if (look != NULL)
    return g_strdup (places[look->state]);
  return g_strdup_printf ("where it is now could not be told: %s", error->message);
}

/* The gate's own words in libvirt's message, which brings along how the hook ended. */
static gboolean
take_refusal (const GError *failure, const char *where, GError **error)
{
  const char *found = strstr (failure->message, REFUSAL);
  g_auto (GStrv) lines = found != NULL ? g_strsplit (found + strlen ("accmig: "), "\n", 2) : NULL;

  if (lines == NULL)
    return FALSE;
  g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_REFUSED, "%s; %s", lines[0], where);
  return TRUE;
}

static gboolean
fail_moved (Job *job, GError **error)
{
  const GError *reason = job->abort_reason != NULL ? job->abort_reason : job->failure;
  g_autofree char *where = find_guest (job->move);

  if (job->abort_reason == NULL && take_refusal (reason, where, error))
    return FALSE;
  if (job->abort_reason != NULL)
    g_set_error (error, ACCMIG_ERROR, reason->domain == ACCMIG_ERROR ? reason->code : ACCMIG_ERROR_IO,
                 "the migration of “%s” was ended: %s; %s", move_get_name (job->move), reason->message,
                 where);
  else
    g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_IO, "%s; %s", reason->message, where);
  return FALSE;
}

static gboolean
fail_left (Job *job, GError **error)
{
  const char *name = move_get_name (job->move);

  if (job->moved)
    g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_IO,
                 "“%s” is paused at %s: its devices' states did not arrive, or it was not waited for them; "
                 "virsh resume lets it run without",
                 name, job->plan->uri);
  else
    g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_IO,
                 "not waited for any longer: libvirt still migrates “%s”; virsh domjobinfo %s tells", name,
                 name);
  return FALSE;
}

/* A guest that has arrived runs, whatever became of its devices: it is nowhere else any more. */
static gboolean
let_run (Job *job, GError **error)
{
  g_autoptr (GTask) task = NULL;

  if (!job->was_paused)
    task = errand_wait (ERRAND_RESUME, job->move, job->plan->uri, RESUME_LIMIT_USEC, error);
  if (!job->was_paused && (task == NULL || !g_task_propagate_boolean (task, error)))
    {
      g_prefix_error (error, "“%s” has arrived, and is paused: ", move_get_name (job->move));
      return FALSE;
    }
  if (job->not_carried == NULL)
    return TRUE;
  g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_IO,
               "“%s” runs at %s, but without the state of a device, which cannot be had back: %s",
               move_get_name (job->move), job->plan->uri, job->not_carried->message);
  return FALSE;
}

static gboolean
finish (Job *job, GError **error)
{
  progress_end (job->progress);
  if (job->left)
    return fail_left (job, error);
  if (job->failure != NULL)
    return fail_moved (job, error);
  if (job->carrying)
    return let_run (job, error);
  if (job->abort_reason != NULL)
    progress_note (job->progress, "it was too late to stop it");
  return TRUE;
}

/* ---- the job ---- */

static Job *
job_new (Move *move, const MigratePlan *plan, const MoveLook *before)
{
  Job *job = g_rc_box_new0 (Job);

  job->move = move_ref (move);
  job->plan = plan;
  job->loop = g_main_loop_new (NULL, FALSE);
  job->was_paused = before->state == HYPERVISOR_DOMAIN_PAUSED;
  job->progress = progress_new (move_get_name (move), job->was_paused);
  job->deadline_usec = g_get_monotonic_time () + plan->limit_usec;
  return job;
}

gboolean
migrate_job_run (Move *move, const MigratePlan *plan, GError **error)
{
  g_autoptr (GTask) task = errand_wait (ERRAND_LOOK, move, NULL, OPEN_LIMIT_USEC, error);
  g_autofree MoveLook *before = task != NULL ? g_task_propagate_pointer (task, error) : NULL;
  g_autoptr (Job) job = before != NULL ? job_new (move, plan, before) : NULL;

  if (job == NULL)
    return FALSE;
  {
    guint sources[] = {
      g_unix_signal_add (SIGINT, on_signal, job),
      g_unix_signal_add (SIGTERM, on_signal, job),
      g_timeout_add (TICK_MSEC, on_tick, job),
    };

    errand_begin (ERRAND_RUN, move, plan->uri, &plan->move, on_moved, g_rc_box_acquire (job));
    g_main_loop_run (job->loop);
    for (gsize i = 0; i < G_N_ELEMENTS (sources); i++)
      g_source_remove (sources[i]);
  }
  return finish (job, error);
}
