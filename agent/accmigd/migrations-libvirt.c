// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Migrations, as libvirt tells them
 *
 * Lifecycle events change phases; job statistics bring bytes and, when the job is over, the downtime.
 */

#include "migrations-private.h"

/* A source without any migration job for this long has none; between two phases libvirt may show none for a
 * moment. */
#define JOBLESS_USEC (5 * G_USEC_PER_SEC)

/* What libvirt's lifecycle means for a migration, by role. */
static const struct
{
  Role role;
  Lifecycle lifecycle;
  Event event;
} lifecycle_rows[] = {
  { ROLE_SOURCE, LIFECYCLE_SUSPENDED_MIGRATED, EVENT_GUEST_STOPPED },
  { ROLE_SOURCE, LIFECYCLE_RESUMED, EVENT_GUEST_RESUMED },
  { ROLE_SOURCE, LIFECYCLE_RESUMED_MIGRATED, EVENT_GUEST_RESUMED },
  { ROLE_SOURCE, LIFECYCLE_STOPPED_MIGRATED, EVENT_GONE },
  { ROLE_SOURCE, LIFECYCLE_STOPPED_FAILED, EVENT_STOPPED },
  { ROLE_SOURCE, LIFECYCLE_STOPPED, EVENT_STOPPED },
  { ROLE_DESTINATION, LIFECYCLE_STARTED_MIGRATED, EVENT_WAITING },
  { ROLE_DESTINATION, LIFECYCLE_STARTED, EVENT_FAILED }, /* booted here anew: the announced one never came */
  { ROLE_DESTINATION, LIFECYCLE_RESUMED_MIGRATED, EVENT_GUEST_RESUMED },
  { ROLE_DESTINATION, LIFECYCLE_RESUMED, EVENT_GUEST_RESUMED },
  { ROLE_DESTINATION, LIFECYCLE_SUSPENDED, EVENT_GUEST_RESUMED }, /* it was paused before, and is so here */
  { ROLE_DESTINATION, LIFECYCLE_STOPPED_FAILED, EVENT_FAILED },
  { ROLE_DESTINATION, LIFECYCLE_STOPPED, EVENT_STOPPED },
};

static gboolean
event_of_lifecycle (Role role, Lifecycle lifecycle, Event *ret_event)
{
  for (gsize i = 0; i < G_N_ELEMENTS (lifecycle_rows); i++)
    if (lifecycle_rows[i].role == role && lifecycle_rows[i].lifecycle == lifecycle)
      {
        *ret_event = lifecycle_rows[i].event;
        return TRUE;
      }
  return FALSE;
}

/* The moments libvirt's events stand for, where QEMU's own do not come. */
static void
mark_lifecycle (Watched *watched, Lifecycle lifecycle)
{
  gint64 now = g_get_real_time ();

  if (lifecycle == LIFECYCLE_SUSPENDED_MIGRATED)
    migration_mark (watched->migration, ACCMIG_MOMENT_GUEST_STOP, NULL, now, ACCMIG_ORIGIN_LIBVIRT,
                    ARRIVAL_USEC);
  if (lifecycle == LIFECYCLE_RESUMED_MIGRATED && migration_get_role (watched->migration) == ROLE_DESTINATION)
    migration_mark (watched->migration, ACCMIG_MOMENT_GUEST_RESUME, NULL, now, ACCMIG_ORIGIN_LIBVIRT,
                    ARRIVAL_USEC);
}

/* Notes what has become of the guest that the record is about. Returns: whether it is gone just now */
static gboolean
note_presence (Watched *watched, Lifecycle lifecycle)
{
  if (lifecycle == LIFECYCLE_STARTED)
    watched->started_anew = TRUE;
  if (watched->gone || watched->started_anew
      || (lifecycle != LIFECYCLE_STOPPED && lifecycle != LIFECYCLE_STOPPED_FAILED))
    return FALSE;
  watched->gone = TRUE;
  return TRUE;
}

/* An incoming guest that has failed already is gone for good: its log is complete now, and its devices are
 * free to be asked. */
static void
on_gone_after_failure (Migrations *self, const Watched *watched)
{
  const Migration *migration = watched->migration;

  if (migration_get_role (migration) == ROLE_DESTINATION && migration_get_phase (migration) == PHASE_FAILED
      && self->callbacks.want_log != NULL)
    self->callbacks.want_log (migration_get_uuid (migration), migration_get_name (migration), self->user);
}

void
migrations_on_lifecycle (Migrations *self, const char *uuid, const char *name, Lifecycle lifecycle)
{
  Watched *watched = migrations_find_running (self, uuid);
  Watched *recent = migrations_find_recent (self, uuid); /* the same, if there is one */
  Role role = watched != NULL ? migration_get_role (watched->migration) : ROLE_SOURCE;
  Event event;

  if (recent != NULL && note_presence (recent, lifecycle) && watched == NULL)
    on_gone_after_failure (self, recent);

  if (lifecycle == LIFECYCLE_STOPPED_SAVED && watched != NULL && role == ROLE_SOURCE)
    {
      migrations_discard (self, watched);
      return;
    }
  if (!event_of_lifecycle (role, lifecycle, &event))
    return;
  if (recent == NULL)
    watched = migrations_begin_source (self, uuid, name, event);
  if (watched == NULL)
    return;

  mark_lifecycle (watched, lifecycle);
  if (role == ROLE_SOURCE && event == EVENT_GUEST_RESUMED && watched->cancelling)
    event = EVENT_CANCELLED;
  migrations_dispatch (self, watched, event, NULL);
}

void
migrations_on_iteration (Migrations *self, const char *uuid, const char *name, int iteration)
{
  Watched *watched = migrations_find_running (self, uuid);
  Watched *recent = migrations_find_recent (self, uuid); /* the same, if there is one */

  if (watched == NULL && (recent == NULL || migrations_may_be_again (recent, g_get_real_time ())))
    watched = migrations_begin_source (self, uuid, name, EVENT_ACTIVE);
  if (watched == NULL || migration_get_role (watched->migration) != ROLE_SOURCE)
    return;
  migration_set_iteration (watched->migration, iteration);
  migrations_dispatch (self, watched, EVENT_ACTIVE, NULL);
  migrations_changed (self, watched);
}

/* One line with the figures, once they are there. */
static void
log_figures (const Migration *migration)
{
  LogContext context = migrations_context (migration);
  AccmigFigure downtime = migration_get_downtime (migration);

  for (gsize i = 0; i < migration_get_n_devices (migration); i++)
    {
      MigrationDevice device = migration_get_device (migration, i);

      context.device = device.address;
      if (!device.outage.known)
        log_event (LOG_EVENT_COMPLETED, &context, "“%s” %s: outage not known, downtime %.3f ms (%s)",
                   migration_get_name (migration), device.alias, downtime.usec / 1000.0,
                   accmig_origin_to_string (downtime.origin));
      else
        log_event (LOG_EVENT_COMPLETED, &context, "“%s” %s: outage %s%.3f ms (%s), downtime %.3f ms (%s)",
                   migration_get_name (migration), device.alias, device.outage.complete ? "" : "about ",
                   device.outage.usec / 1000.0, accmig_origin_to_string (device.outage.origin),
                   downtime.usec / 1000.0, accmig_origin_to_string (downtime.origin));
    }
}

/* Figures of the job that ended; they come after the end. */
static void
on_completed_job (Migrations *self, const char *uuid, const HypervisorJob *job)
{
  Watched *watched = migrations_find_recent (self, uuid);

  if (watched == NULL || (job->downtime_ms < 0 && job->elapsed_ms < 0))
    return;
  migration_set_downtime (watched->migration, job);
  migration_set_job (watched->migration, job);
  watched->has_figures = TRUE;
  migrations_check_bytes (self, watched);
  migrations_save (self, watched);
  log_figures (watched->migration);
  migrations_changed (self, watched);
}

/* No job at a source: a moment's gap, or an end that nobody told. */
static void
on_jobless (Migrations *self, Watched *watched)
{
  Phase phase = migration_get_phase (watched->migration);
  gint64 now = g_get_monotonic_time ();

  if (migration_get_role (watched->migration) != ROLE_SOURCE
      || (!watched->reconciling && phase != PHASE_PREPARING && phase != PHASE_COPYING
          && phase != PHASE_SWITCHING))
    return;
  if (watched->jobless_since_usec == 0)
    watched->jobless_since_usec = now;
  if (!watched->reconciling && now - watched->jobless_since_usec < JOBLESS_USEC)
    return;
  migration_set_worked_out (watched->migration);
  migrations_dispatch (self, watched, EVENT_FAILED,
                       "no migration is going on any more and the guest is still here");
}

void
migrations_on_job (Migrations *self, const char *uuid, const HypervisorJob *job, gboolean completed)
{
  Watched *watched = migrations_find_running (self, uuid);

  if (completed)
    {
      on_completed_job (self, uuid, job);
      return;
    }
  if (watched == NULL)
    return;
  if (job->other && migration_get_role (watched->migration) == ROLE_SOURCE)
    {
      migrations_discard (self, watched);
      return;
    }
  if (!job->active)
    {
      on_jobless (self, watched);
      return;
    }
  watched->jobless_since_usec = 0;
  watched->reconciling = FALSE;
  migration_set_job (watched->migration, job);
  migrations_changed (self, watched);
}
