// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Jobs
 *
 * libvirt answers for a domain only when it has its lock, so a question may hang for as long as a hook or a
 * monitor call does; a question that is still open is not asked again.
 *
 * At the destination, the figures of the job that just ended are not there when the guest already runs: they
 * travel with the last message between the two libvirts. So that question is asked until it has an answer.
 */

#include "jobs.h"

#define PERIOD_SECONDS 1
#define FIGURES_TRIES                                                                                        \
  10 /* questions about a job that ended; then the other host has not sent any figures                       \
      */

struct _Jobs
{
  Hypervisor *hypervisor;
  Migrations *migrations;
  guint timer;
  GHashTable *open;  /* set of char *: UUIDs of running jobs that were asked for */
  GHashTable *ended; /* char * UUID → Ended *, both owned: jobs that ended and whose figures are wanted */
};

/* A job that ended. */
typedef struct
{
  guint tries;
  gboolean open; /* it was asked for */
} Ended;

typedef struct
{
  Jobs *owner;
  char *uuid;
} Question;

Jobs *
jobs_new (Hypervisor *hypervisor, Migrations *migrations)
{
  Jobs *self = g_new0 (Jobs, 1);

  self->hypervisor = hypervisor;
  self->migrations = migrations;
  self->open = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->ended = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  return self;
}

void
jobs_free (Jobs *self)
{
  if (self == NULL)
    return;
  g_clear_handle_id (&self->timer, g_source_remove);
  g_hash_table_unref (self->open);
  g_hash_table_unref (self->ended);
  g_free (self);
}

static Question *
question_new (Jobs *owner, const char *uuid)
{
  Question *question = g_new0 (Question, 1);

  question->owner = owner;
  question->uuid = g_strdup (uuid);
  return question;
}

static void
question_free (Question *question)
{
  g_free (question->uuid);
  g_free (question);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Question, question_free)

/* ---- the job that runs ---- */

static void
on_running (GObject *source, GAsyncResult *result, gpointer user)
{
  g_autoptr (Question) question = user;
  Jobs *self = question->owner;
  HypervisorJob job = { 0 };

  g_hash_table_remove (self->open, question->uuid);
  if (hypervisor_job_finish (self->hypervisor, result, &job, NULL))
    migrations_on_job (self->migrations, question->uuid, &job, FALSE);
}

static void
ask_running (Jobs *self, const char *uuid)
{
  if (hypervisor_is_connected (self->hypervisor) && g_hash_table_add (self->open, g_strdup (uuid)))
    hypervisor_job_async (self->hypervisor, uuid, FALSE, on_running, question_new (self, uuid));
}

static gboolean
is_outgoing (const Migration *migration)
{
  return migration_get_role (migration) == ROLE_SOURCE && !phase_is_end (migration_get_phase (migration));
}

/* Returns: how many there are */
static guint
ask_all_running (Jobs *self)
{
  guint n = 0;

  for (gsize i = 0; i < migrations_size (self->migrations); i++)
    {
      const Migration *migration = migrations_get (self->migrations, i);

      if (!is_outgoing (migration))
        continue;
      n++;
      ask_running (self, migration_get_uuid (migration));
    }
  return n;
}

/* ---- jobs that ended ---- */

static void
on_ended (GObject *source, GAsyncResult *result, gpointer user)
{
  g_autoptr (Question) question = user;
  Jobs *self = question->owner;
  Ended *ended = g_hash_table_lookup (self->ended, question->uuid);
  HypervisorJob job = { 0 };

  if (ended != NULL)
    ended->open = FALSE;
  if (!hypervisor_job_finish (self->hypervisor, result, &job, NULL)
      || (job.downtime_ms < 0 && job.elapsed_ms < 0))
    return;
  g_hash_table_remove (self->ended, question->uuid);
  migrations_on_job (self->migrations, question->uuid, &job, TRUE);
}

static void
ask_ended (Jobs *self, const char *uuid, Ended *ended)
{
  if (ended->open || !hypervisor_is_connected (self->hypervisor))
    return;
  ended->open = TRUE;
  hypervisor_job_async (self->hypervisor, uuid, TRUE, on_ended, question_new (self, uuid));
}

/* For g_hash_table_foreach_remove(): asks again, or gives up. */
static gboolean
try_ended (gpointer uuid, gpointer value, gpointer user)
{
  Ended *ended = value;

  ended->tries++;
  if (ended->tries >= FIGURES_TRIES)
    return TRUE;
  ask_ended (user, uuid, ended);
  return FALSE;
}

/* ---- asking ---- */

static gboolean
on_tick (gpointer user)
{
  Jobs *self = user;
  guint n = ask_all_running (self);

  g_hash_table_foreach_remove (self->ended, try_ended, self);
  if (n + g_hash_table_size (self->ended) > 0)
    return G_SOURCE_CONTINUE;
  self->timer = 0;
  return G_SOURCE_REMOVE;
}

static void
start_timer (Jobs *self)
{
  if (self->timer == 0)
    self->timer = g_timeout_add_seconds (PERIOD_SECONDS, on_tick, self);
}

void
jobs_ask (Jobs *self, const char *uuid, gboolean completed)
{
  Ended *ended;

  if (!completed)
    {
      ask_running (self, uuid);
      return;
    }
  ended = g_new0 (Ended, 1);
  g_hash_table_replace (self->ended, g_strdup (uuid), ended);
  ask_ended (self, uuid, ended);
  start_timer (self);
}

void
jobs_update (Jobs *self)
{
  for (gsize i = 0; self->timer == 0 && i < migrations_size (self->migrations); i++)
    if (is_outgoing (migrations_get (self->migrations, i)))
      start_timer (self);
}
