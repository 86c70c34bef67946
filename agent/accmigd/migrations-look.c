// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Migrations, as looking at devices tells them
 *
 * Where QEMU sends no VFIO_MIGRATION events, the agent looks at the devices every so often. A moment found by
 * looking is as old as the period at most.
 */

#include "migrations-private.h"

/* A source's device by looking: the first look that finds it stopped counts, unless a later one finds it
 * running. */
static void
mark_source_look (Watched *watched, const char *alias, AccmigState state, gint64 at_usec, gint64 since_usec)
{
  Migration *migration = watched->migration;
  Phase phase = migration_get_phase (migration);

  if (state == ACCMIG_STATE_RUNNING && phase_is_end (phase))
    migration_mark (migration, ACCMIG_MOMENT_DEVICE_RUNNING, alias, at_usec, ACCMIG_ORIGIN_POLL, since_usec);
  else if (state == ACCMIG_STATE_RUNNING || state == ACCMIG_STATE_PRE_COPY)
    migration_unmark (migration, ACCMIG_MOMENT_DEVICE_STOP, alias);
  else
    migration_mark (migration, ACCMIG_MOMENT_DEVICE_STOP, alias, at_usec, ACCMIG_ORIGIN_POLL, since_usec);
}

/* A destination's: it is running before its state comes, too, so running counts only after resuming. */
static void
mark_destination_look (Watched *watched, const char *alias, AccmigState state, gint64 at_usec,
                       gint64 since_usec)
{
  Migration *migration = watched->migration;

  if (state == ACCMIG_STATE_RESUMING)
    {
      watched->resuming_seen = TRUE;
      migration_mark (migration, ACCMIG_MOMENT_DEVICE_RESUMING, alias, at_usec, ACCMIG_ORIGIN_POLL,
                      since_usec);
    }
  else if (state == ACCMIG_STATE_RUNNING
           && (watched->resuming_seen || migration_get_phase (migration) == PHASE_COMPLETED))
    migration_mark (migration, ACCMIG_MOMENT_DEVICE_RUNNING, alias, at_usec, ACCMIG_ORIGIN_POLL, since_usec);
}

static void
look_at (Migrations *self, Watched *watched, const char *alias, AccmigState state, gint64 at_usec)
{
  Migration *migration = watched->migration;
  gint64 since_usec;

  migrations_feed (self, watched, alias, SIGN_LOOK, accmig_state_to_string (state));
  if (!migration_look (migration, alias, accmig_state_to_string (state), at_usec, &since_usec))
    return; /* as it was */
  if (!watched->has_events)
    {
      if (migration_get_role (migration) == ROLE_SOURCE)
        mark_source_look (watched, alias, state, at_usec, since_usec);
      else
        mark_destination_look (watched, alias, state, at_usec, since_usec);
    }
  if (phase_is_end (migration_get_phase (migration)))
    migrations_save (self, watched);
  migrations_changed (self, watched);
}

void
migrations_on_look (Migrations *self, const char *address, AccmigState state, gint64 at_usec)
{
  for (guint i = self->watched->len; i > 0; i--)
    {
      Watched *watched = self->watched->pdata[i - 1];
      const char *alias = migration_find_alias (watched->migration, address);

      if (alias == NULL || migrations_find_recent (self, migration_get_uuid (watched->migration)) != watched)
        continue;
      look_at (self, watched, alias, state, at_usec);
      return;
    }
}

gboolean
migrations_wants_looks (const Migrations *self, const char *uuid)
{
  const Watched *watched = migrations_find_running (self, uuid);

  return watched != NULL && !watched->has_events
         && migration_get_phase (watched->migration) != PHASE_ANNOUNCED
         && migration_get_phase (watched->migration) != PHASE_ACCEPTED;
}
