// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Jobs
 *
 * libvirt answers for a domain only when it has its lock, so a question may hang for as long as a hook or a
 * monitor call does; a question that is still open is not asked again.
 */

#include "jobs.h"

#define PERIOD_SECONDS 1

struct _Jobs {
  Hypervisor *hypervisor;
  Migrations *migrations;
  guint timer;
  GHashTable *open; /* set of char *: UUIDs of running jobs that were asked for */
};

typedef struct {
  Jobs *owner;
  char *uuid;
  gboolean completed;
} Question;

Jobs *
jobs_new (Hypervisor *hypervisor, Migrations *migrations)
{
  Jobs *self = g_new0 (Jobs, 1);

  self->hypervisor = hypervisor;
  self->migrations = migrations;
  self->open = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  return self;
}

void
jobs_free (Jobs *self)
{
  if (self == NULL)
    return;
  g_clear_handle_id (&self->timer, g_source_remove);
  g_hash_table_unref (self->open);
  g_free (self);
}

static void
on_job (GObject *source, GAsyncResult *result, gpointer user)
{
  Question *question = user;
  Jobs *self = question->owner;
  HypervisorJob job = { 0 };

  if (!question->completed)
    g_hash_table_remove (self->open, question->uuid);
  if (hypervisor_job_finish (self->hypervisor, result, &job, NULL))
    migrations_on_job (self->migrations, question->uuid, &job, question->completed);
  g_free (question->uuid);
  g_free (question);
}

void
jobs_ask (Jobs *self, const char *uuid, gboolean completed)
{
  Question *question = NULL;

  if (!hypervisor_is_connected (self->hypervisor))
    return;
  if (!completed && !g_hash_table_add (self->open, g_strdup (uuid)))
    return;
  question = g_new0 (Question, 1);
  question->owner = self;
  question->uuid = g_strdup (uuid);
  question->completed = completed;
  hypervisor_job_async (self->hypervisor, uuid, completed, on_job, question);
}

static gboolean
is_outgoing (const Migration *migration)
{
  return migration_get_role (migration) == ROLE_SOURCE && !phase_is_end (migration_get_phase (migration));
}

static gboolean
on_tick (gpointer user)
{
  Jobs *self = user;
  gboolean any = FALSE;

  for (gsize i = 0; i < migrations_size (self->migrations); i++)
    {
      const Migration *migration = migrations_get (self->migrations, i);

      if (!is_outgoing (migration))
        continue;
      any = TRUE;
      jobs_ask (self, migration_get_uuid (migration), FALSE);
    }
  if (any)
    return G_SOURCE_CONTINUE;
  self->timer = 0;
  return G_SOURCE_REMOVE;
}

void
jobs_update (Jobs *self)
{
  for (gsize i = 0; self->timer == 0 && i < migrations_size (self->migrations); i++)
    if (is_outgoing (migrations_get (self->migrations, i)))
      self->timer = g_timeout_add_seconds (PERIOD_SECONDS, on_tick, self);
}
