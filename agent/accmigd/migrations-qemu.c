// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Migrations, as QEMU tells them
 *
 * Events with times of a microsecond, and the log with the reason for a failure. QEMU also emits them for
 * what is no migration to another host, and late: what comes for a record that has ended adds moments to it,
 * no more.
 */

#include "migrations-private.h"

#include <string.h>

#include "qemu-event.h"
#include "qemu-log.h"

/* QEMU's migration statuses; others are its own affair. "device" is the last part of the switch-over. */
static const struct
{
  const char *status;
  Event source, destination;
} status_rows[] = {
  { "setup", EVENT_SETUP, EVENT_SETUP },
  { "active", EVENT_ACTIVE, EVENT_ACTIVE },
  { "pre-switchover", EVENT_GUEST_STOPPED, EVENT_ACTIVE },
  { "device", EVENT_GUEST_STOPPED, EVENT_ACTIVE },
  { "completed", EVENT_SENT, EVENT_SENT },
  { "failed", EVENT_FAILED, EVENT_FAILED },
  { "cancelled", EVENT_CANCELLED, EVENT_CANCELLED },
};

static void
on_status (Migrations *self, Watched *watched, const char *status, gint64 at_usec)
{
  gboolean source = migration_get_role (watched->migration) == ROLE_SOURCE;

  if (strcmp (status, "cancelling") == 0)
    watched->cancelling = TRUE;
  for (gsize i = 0; i < G_N_ELEMENTS (status_rows); i++)
    {
      Event event = source ? status_rows[i].source : status_rows[i].destination;

      if (strcmp (status_rows[i].status, status) != 0)
        continue;
      if (event == EVENT_SENT)
        migration_mark (watched->migration, source ? ACCMIG_MOMENT_SENT : ACCMIG_MOMENT_LOADED, NULL, at_usec,
                        ACCMIG_ORIGIN_QEMU_EVENT, 1);
      migrations_dispatch (self, watched, event, NULL);
      if (event == EVENT_SENT && phase_is_end (migration_get_phase (watched->migration)))
        migrations_save (self, watched); /* a late moment */
      return;
    }
}

/* What a device's state means for its timeline at the source. */
static void
mark_source_state (Migration *migration, const char *alias, const char *state, gint64 at_usec)
{
  static const char *const stopped[] = {
    "pre-copy-p2p-prepare", "pre-copy-p2p", "running-p2p", "stop-copy", "stop", NULL
  };

  if (g_strv_contains (stopped, state))
    migration_mark (migration, ACCMIG_MOMENT_DEVICE_STOP, alias, at_usec, ACCMIG_ORIGIN_QEMU_EVENT, 1);
  else if (strcmp (state, "pre-copy") == 0)
    migration_unmark (migration, ACCMIG_MOMENT_DEVICE_STOP, alias);
  else if (strcmp (state, "running") == 0)
    migration_mark (migration, ACCMIG_MOMENT_DEVICE_RUNNING, alias, at_usec, ACCMIG_ORIGIN_QEMU_EVENT, 1);
}

static void
on_device_state (Migrations *self, Watched *watched, const char *alias, const char *state, gint64 at_usec)
{
  Migration *migration = watched->migration;

  if (!migration_has_device (migration, alias))
    return;
  watched->has_events = TRUE;
  migration_set_device_state (migration, alias, state);
  if (migration_get_role (migration) == ROLE_SOURCE)
    mark_source_state (migration, alias, state, at_usec);
  else if (strcmp (state, "resuming") == 0)
    {
      migration_mark (migration, ACCMIG_MOMENT_DEVICE_RESUMING, alias, at_usec, ACCMIG_ORIGIN_QEMU_EVENT, 1);
      migrations_dispatch (self, watched, EVENT_LOADING, NULL);
    }
  else if (strcmp (state, "running") == 0)
    migration_mark (migration, ACCMIG_MOMENT_DEVICE_RUNNING, alias, at_usec, ACCMIG_ORIGIN_QEMU_EVENT, 1);
  if (phase_is_end (migration_get_phase (migration)))
    migrations_save (self, watched); /* a late moment */
  migrations_changed (self, watched);
}

/* vCPUs stopped or are about to run: moments only; libvirt's lifecycle changes the phase. */
static void
on_vcpus (Migrations *self, Watched *watched, QemuEventKind kind, gint64 at_usec)
{
  Migration *migration = watched->migration;
  gboolean source = migration_get_role (migration) == ROLE_SOURCE;

  if (source && kind == QEMU_EVENT_STOP)
    migration_mark (migration, ACCMIG_MOMENT_GUEST_STOP, NULL, at_usec, ACCMIG_ORIGIN_QEMU_EVENT, 1);
  if (!source && kind == QEMU_EVENT_RESUME)
    migration_mark (migration, ACCMIG_MOMENT_GUEST_RESUME, NULL, at_usec, ACCMIG_ORIGIN_QEMU_EVENT, 1);
  if (phase_is_end (migration_get_phase (migration)))
    migrations_save (self, watched);
}

/* (nullable): whose event this is; QEMU's "setup" may begin a record */
static Watched *
find_or_begin (Migrations *self, const char *uuid, const char *name, const QemuEvent *event, gint64 at_usec)
{
  Watched *watched = migrations_find_running (self, uuid);
  gboolean setup = event->kind == QEMU_EVENT_MIGRATION && strcmp (event->word, "setup") == 0;

  if (watched != NULL)
    return watched;
  watched = migrations_find_recent (self, uuid);
  if (watched != NULL && (!setup || !migrations_may_be_again (watched, at_usec)))
    return watched;
  return setup ? migrations_begin_source (self, uuid, name, EVENT_SETUP) : NULL;
}

/* The same for the sequences of the devices. */
static void
feed_event (Migrations *self, Watched *watched, const QemuEvent *event)
{
  static const SignKind kinds[] = {
    [QEMU_EVENT_MIGRATION] = SIGN_STATUS,
    [QEMU_EVENT_STOP] = SIGN_STOP,
    [QEMU_EVENT_RESUME] = SIGN_RESUME,
    [QEMU_EVENT_VFIO] = SIGN_EVENT,
  };
  gboolean of_device = event->kind == QEMU_EVENT_VFIO;

  migrations_feed (self, watched, of_device ? event->device : NULL, kinds[event->kind], event->word);
}

void
migrations_on_qemu_event (Migrations *self, const char *uuid, const char *name, const char *event,
                          gint64 at_usec, const char *details)
{
  g_autoptr (GError) error = NULL;
  QemuEvent parsed;
  Watched *watched;

  if (!qemu_event_parse (event, details, &parsed, &error))
    {
      LogContext context = { .domain = name, .uuid = uuid };

      if (error != NULL)
        log_event (LOG_EVENT_STRANGE, &context, "%s, ignoring", error->message);
      return;
    }
  watched = find_or_begin (self, uuid, name, &parsed, at_usec);
  if (watched == NULL)
    return;
  switch (parsed.kind)
    {
    case QEMU_EVENT_MIGRATION:
      on_status (self, watched, parsed.word, at_usec);
      break;
    case QEMU_EVENT_VFIO:
      on_device_state (self, watched, parsed.device, parsed.word, at_usec);
      break;
    case QEMU_EVENT_STOP:
    case QEMU_EVENT_RESUME:
      on_vcpus (self, watched, parsed.kind, at_usec);
      break;
    default:
      g_assert_not_reached ();
    }
  feed_event (self, watched, &parsed);
}

/* How a source ended that was not watched, by libvirt's last word in the log. */
static void
work_out_end (Migrations *self, Watched *watched, const char *text, gsize length)
{
  Migration *migration = watched->migration;
  g_autofree char *end = qemu_log_find_end (text, length, migration_get_started_usec (migration));
  g_autofree char *cause = NULL;

  watched->reconciling = FALSE;
  migration_set_worked_out (migration);
  if (end == NULL)
    migrations_dispatch (self, watched, EVENT_VANISHED, NULL);
  else if (strcmp (end, "migrated") == 0)
    migrations_dispatch (self, watched, EVENT_GONE, NULL);
  else
    {
      cause = g_strdup_printf ("the guest's QEMU ended here as “%s”", end);
      migrations_dispatch (self, watched, EVENT_STOPPED, cause);
    }
}

static void
improve_cause (Migrations *self, Watched *watched, const char *cause)
{
  Migration *migration = watched->migration;
  g_autofree char *before = g_strdup (migration_get_cause (migration));

  migration_replace_cause (migration, cause);
  if (g_str_equal (before, migration_get_cause (migration)))
    return;
  migrations_save (self, watched);
  migrations_log_phase (migration, PHASE_FAILED);
  migrations_changed (self, watched);
}

static void
want_evidence (Migrations *self, const Migration *migration)
{
  for (gsize i = 0; i < migration_get_n_devices (migration); i++)
    self->callbacks.want_evidence (migration_get_uuid (migration),
                                   migration_get_device (migration, i).address, self->user);
}

void
migrations_on_qemu_log (Migrations *self, const char *uuid, const char *text, gsize length)
{
  Watched *watched = migrations_find_recent (self, uuid);
  g_autofree char *cause = NULL;
  gint64 since_usec = 0;

  if (watched == NULL || watched->explained)
    return;
  if (watched->reconciling)
    {
      work_out_end (self, watched, text, length);
      return;
    }
  migrations_check_log (self, watched, text, length);
  if (migration_get_phase (watched->migration) != PHASE_FAILED)
    return;
  since_usec = migration_get_started_usec (watched->migration);
  cause = qemu_log_find_cause (text, length, since_usec);
  if (cause != NULL)
    improve_cause (self, watched, cause);
  /* Not while QEMU dies: it may look as if nobody had the device then, and its session has not ended. */
  if (watched->gone && migration_get_role (watched->migration) == ROLE_DESTINATION
      && self->callbacks.want_evidence != NULL && qemu_log_tells_not_loaded (text, length, since_usec))
    want_evidence (self, watched->migration);
}

void
migrations_on_evidence (Migrations *self, const char *uuid, const char *sentence)
{
  Watched *watched = migrations_find_recent (self, uuid);
  g_autofree char *cause = NULL;
  const char *before = NULL;

  if (watched == NULL || migration_get_phase (watched->migration) != PHASE_FAILED)
    return;
  before = migration_get_cause (watched->migration);
  if (strstr (before, sentence) != NULL)
    return; /* it was asked twice */
  cause = g_strdup_printf ("%s; %s", sentence, before);
  watched->explained = TRUE;
  improve_cause (self, watched, cause);
}
