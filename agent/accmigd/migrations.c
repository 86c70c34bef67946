// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Migrations
 *
 * Three witnesses speak here: the hook (destination only), libvirt's events over accmigd's own connection,
 * and QEMU's events by way of the broker. They are translated into the events of phase.h, and one function
 * dispatches those. What the witnesses say about time becomes moments of the record's timeline.
 *
 * The witnesses do not wait for one another. So moments are also taken for a record that has just ended: the
 * device runs again shortly after the guest does, and libvirt's figures come last of all.
 *
 * Of an attempt that the other host refused there is nothing to see here. Its agent may tell; what it tells
 * is a record that has ended when it begins, and changes no other.
 *
 * After an absence of libvirt or of the agent itself, unfinished records are held against what is there now.
 * What that cannot tell, the last line of QEMU's log can; what neither tells is lost, and the record says so.
 */

#include "migrations-private.h"

#include <string.h>

/* Ended records that stay in memory, and on the bus, for those who watch. The history has them all. */
#define KEEP_ENDED 16

/* … and not more than this, even when all of them ended just now. */
#define KEEP_MOST 128

/* How long after its end a record takes late moments. Longer than QEMU takes to exit. */
#define LATE_USEC (30 * G_USEC_PER_SEC)

/* libvirt does not begin another attempt sooner; a QEMU that does is not to fill the history. */
#define AGAIN_USEC G_USEC_PER_SEC

static void
watched_free (Watched *watched)
{
  migration_free (watched->migration);
  g_hash_table_unref (watched->sequences);
  g_free (watched);
}

LogContext
migrations_context (const Migration *migration)
{
  return (LogContext){ .domain = migration_get_name (migration),
                       .uuid = migration_get_uuid (migration),
                       .migration = migration_get_id (migration) };
}

/* (nullable): the unfinished record of a domain */
Watched *
migrations_find_running (const Migrations *self, const char *uuid)
{
  for (guint i = self->watched->len; i > 0; i--)
    {
      Watched *watched = self->watched->pdata[i - 1];

      if (!phase_is_end (migration_get_phase (watched->migration))
          && g_strcmp0 (migration_get_uuid (watched->migration), uuid) == 0)
        return watched;
    }
  return NULL;
}

static gboolean
takes_late_moments (const Watched *watched)
{
  return migration_get_phase (watched->migration) != PHASE_REFUSED && !watched->reported
         && g_get_real_time () - migration_get_ended_usec (watched->migration) < LATE_USEC;
}

/* (nullable): the unfinished record, else the one that has just ended. What was only reported to us stands in
 * nobody's way. */
Watched *
migrations_find_recent (const Migrations *self, const char *uuid)
{
  Watched *running = migrations_find_running (self, uuid);

  if (running != NULL)
    return running;
  for (guint i = self->watched->len; i > 0; i--)
    {
      Watched *watched = self->watched->pdata[i - 1];

      if (g_strcmp0 (migration_get_uuid (watched->migration), uuid) == 0 && !watched->reported)
        return takes_late_moments (watched) ? watched : NULL;
    }
  return NULL;
}

gboolean
migrations_may_be_again (const Watched *ended, gint64 at_usec)
{
  return at_usec >= migration_get_ended_usec (ended->migration) + AGAIN_USEC;
}

/* The history is a witness, not a condition: a full disk must not stop the watch. Said once, until it works
 * again. */
void
migrations_save (Migrations *self, Watched *watched)
{
  Migration *migration = watched->migration;
  g_autoptr (GError) error = NULL;
  gboolean ok = migration_save (migration, self->history, &error);

  if (!ok && !self->history_failed)
    {
      LogContext context = migrations_context (migration);

      log_event (LOG_EVENT_STRANGE, &context, "history is not written, going on without: %s", error->message);
    }
  self->history_failed = !ok;
}

void
migrations_changed (Migrations *self, const Watched *watched)
{
  if (self->callbacks.changed != NULL)
    self->callbacks.changed (watched->migration, self->user);
}

/* @other: (nullable) */
static gboolean
ended_before (const Watched *watched, const Watched *other)
{
  return other == NULL
         || migration_get_ended_usec (watched->migration) < migration_get_ended_usec (other->migration);
}

/* Lets go of the record that ended first when there are too many. Those that ended just now stay: their
 * figures are still to come. */
static void
forget_ended (Migrations *self)
{
  Watched *first = NULL, *first_settled = NULL;
  guint ended = 0;

  for (guint i = 0; i < self->watched->len; i++)
    {
      Watched *watched = self->watched->pdata[i];

      if (!phase_is_end (migration_get_phase (watched->migration)))
        continue;
      ended++;
      if (ended_before (watched, first))
        first = watched;
      if (!takes_late_moments (watched) && ended_before (watched, first_settled))
        first_settled = watched;
    }
  if (ended <= KEEP_MOST)
    first = ended > KEEP_ENDED ? first_settled : NULL;
  if (first == NULL)
    return;
  if (self->callbacks.removed != NULL)
    self->callbacks.removed (first->migration, self->user);
  g_ptr_array_remove (self->watched, first);
}

/* Takes the record over; it is on the bus from now on. */
Watched *
migrations_watch (Migrations *self, Migration *migration)
{
  Watched *watched = g_new0 (Watched, 1);

  watched->migration = migration;
  watched->sequences = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_ptr_array_add (self->watched, watched);
  return watched;
}

/* ---- the phase ------------------------------------------------------------------------------------------
 */

/* What ends a migration without anybody giving a reason. By role and event. */
static const struct
{
  Role role;
  Event event;
  const char *cause;
} default_causes[] = {
  { ROLE_SOURCE, EVENT_FAILED, "QEMU reported the migration as failed" },
  { ROLE_SOURCE, EVENT_CANCELLED, "cancelled at this host" },
  { ROLE_SOURCE, EVENT_GUEST_RESUMED, "the switch-over failed; the guest runs here again" },
  { ROLE_SOURCE, EVENT_STOPPED, "the guest's QEMU ended here during the migration" },
  { ROLE_SOURCE, EVENT_VANISHED, "the guest is gone and nothing here tells whether it arrived" },
  { ROLE_DESTINATION, EVENT_FAILED,
    "the incoming QEMU ended before the guest ran: the source gave up or was lost" },
  { ROLE_DESTINATION, EVENT_CANCELLED, "cancelled" },
  { ROLE_DESTINATION, EVENT_STOPPED, "the incoming QEMU ended before the guest ran" },
  { ROLE_DESTINATION, EVENT_EXPIRED, "nothing followed the gate's answer before the reservation ran out" },
  { ROLE_DESTINATION, EVENT_VANISHED, "the guest is not here and nothing tells why" },
};

static const char *
default_cause (Role role, Event event)
{
  for (gsize i = 0; i < G_N_ELEMENTS (default_causes); i++)
    if (default_causes[i].role == role && default_causes[i].event == event)
      return default_causes[i].cause;
  return event_to_string (event);
}

void
migrations_log_phase (const Migration *migration, Phase from)
{
  LogContext context = migrations_context (migration);
  Phase to = migration_get_phase (migration);
  gboolean good =
      !phase_is_end (to) || to == PHASE_COMPLETED || to == PHASE_REFUSED; /* a refusal has its own line */

  log_event (good ? LOG_EVENT_PHASE : LOG_EVENT_FAILED, &context, "“%s” at the %s: %s → %s%s%s%s",
             migration_get_name (migration), role_to_string (migration_get_role (migration)),
             phase_to_string (from), phase_to_string (to),
             migration_is_worked_out (migration) ? " (worked out)" : "",
             *migration_get_cause (migration) != '\0' ? ": " : "", migration_get_cause (migration));
}

/* Everything that follows from an end here. */
static void
finish (Migrations *self, Watched *watched)
{
  const Migration *migration = watched->migration;
  const char *uuid = migration_get_uuid (migration);
  Phase phase = migration_get_phase (migration);

  watched->reconciling = FALSE;
  migrations_feed (self, watched, NULL, SIGN_END, NULL);
  migrations_check_bytes (self, watched);
  if (phase == PHASE_FAILED && self->callbacks.want_log != NULL)
    self->callbacks.want_log (uuid, migration_get_name (migration), self->user);
  if (phase == PHASE_COMPLETED && migration_get_role (migration) == ROLE_DESTINATION
      && self->callbacks.want_job != NULL)
    self->callbacks.want_job (uuid, TRUE, self->user);
  if (self->callbacks.ended != NULL)
    self->callbacks.ended (migration, self->user);
}

/*
 * The one place where a migration's phase changes: it checks, records, announces.
 * @cause: (nullable): why, when @event ends it; else the event's default
 */
void
migrations_dispatch (Migrations *self, Watched *watched, Event event, const char *cause)
{
  Migration *migration = watched->migration;
  Role role = migration_get_role (migration);
  Phase from = migration_get_phase (migration), to;
  Decision decision = phase_decide (role, from, event, &to);

  if (decision == DECISION_STRANGE)
    {
      LogContext context = migrations_context (migration);

      log_event (LOG_EVENT_STRANGE, &context, "“%s” makes no sense at the %s while %s, ignoring",
                 event_to_string (event), role_to_string (role), phase_to_string (from));
    }
  if (decision != DECISION_GO)
    return;

  migration_set_phase (migration, to);
  if (phase_is_end (from))
    migration_replace_cause (migration, default_cause (role, event));
  else if (phase_is_end (to) && to != PHASE_COMPLETED)
    migration_set_cause (migration, cause != NULL ? cause : default_cause (role, event));
  migrations_save (self, watched);
  if (from == PHASE_IDLE && self->callbacks.added != NULL)
    self->callbacks.added (migration, self->user);
  if (from == PHASE_IDLE && role == ROLE_SOURCE && !watched->reported && self->callbacks.want_job != NULL)
    self->callbacks.want_job (migration_get_uuid (migration), FALSE,
                              self->user); /* a save looks the same so far */
  migrations_log_phase (migration, from);
  migrations_changed (self, watched);
  if (phase_is_end (to) && !phase_is_end (from))
    {
      if (!watched->reported)
        finish (self, watched);
      forget_ended (self);
    }
}

static gboolean
is_registered (const Migrations *self, const char *uuid)
{
  return self->callbacks.is_registered != NULL && self->callbacks.is_registered (uuid, self->user);
}

/* Whether its last migration, if there was one just now, ended with the guest here. */
static gboolean
stayed_here (const Migrations *self, const char *uuid)
{
  const Watched *recent = migrations_find_recent (self, uuid);

  if (recent == NULL)
    return FALSE;
  return (migration_get_role (recent->migration) == ROLE_DESTINATION)
         == (migration_get_phase (recent->migration) == PHASE_COMPLETED);
}

/* Whether @event tells that a guest without hostdevs leaves. QEMU says "setup" where it leaves and where it
 * arrives; what is known of a guest with hostdevs, namely that it is here, is seldom known of this one. */
static gboolean
leaves_bare (const Migrations *self, const char *uuid, Event event)
{
  return is_registered (self, uuid) && (event != EVENT_SETUP || stayed_here (self, uuid));
}

/* A source that nobody announced begins with the first event about it, if the guest has VFIO devices at all.
 */
Watched *
migrations_begin_source (Migrations *self, const char *uuid, const char *name, Event event)
{
  const AccmigDomain *domain = self->callbacks.get_domain (uuid, self->user);
  g_autoptr (Migration) migration = NULL;
  Phase to;

  if ((domain == NULL && !leaves_bare (self, uuid, event))
      || phase_decide (ROLE_SOURCE, PHASE_IDLE, event, &to) != DECISION_GO)
    return NULL;
  migration = migration_new (ROLE_SOURCE, uuid, name, domain);
  return migrations_watch (self, g_steal_pointer (&migration));
}

/* @why: what its guest does instead of leaving */
static void
take_back (Migrations *self, Watched *watched, const char *why)
{
  const Migration *migration = watched->migration;
  g_autoptr (GError) error = NULL;
  LogContext context = migrations_context (migration);

  if (!history_delete (self->history, migration_get_id (migration), &error))
    log_event (LOG_EVENT_STRANGE, &context, "record is not taken back, ignoring: %s", error->message);
  log_event (LOG_EVENT_PHASE, &context, "“%s” %s; its record is taken back", migration_get_name (migration),
             why);
  if (self->callbacks.removed != NULL)
    self->callbacks.removed (migration, self->user);
  g_ptr_array_remove (self->watched, watched);
}

void
migrations_discard (Migrations *self, Watched *watched)
{
  take_back (self, watched, "is saved, not migrated");
}

/* ---- the hook and the gate ------------------------------------------------------------------------------
 */

const Migration *
migrations_announce (Migrations *self, const AccmigDomain *domain)
{
  const char *uuid = accmig_domain_get_uuid (domain);
  Watched *stale = migrations_find_running (self, uuid);

  if (stale != NULL)
    migrations_dispatch (self, stale, EVENT_VANISHED, "a new attempt began before this one was seen to end");
  stale = migrations_watch (self,
                            migration_new (ROLE_DESTINATION, uuid, accmig_domain_get_name (domain), domain));
  migrations_dispatch (self, stale, EVENT_ANNOUNCED, NULL);
  return stale->migration;
}

/* @domain: (nullable) */
static void
arrive (Migrations *self, const char *uuid, const char *name, const AccmigDomain *domain)
{
  Watched *running = migrations_find_running (self, uuid);

  /* Nobody announces a guest that no hook asks about, and QEMU's first events may be here before libvirt's:
   * they look like a source's. */
  if (running != NULL && migration_get_role (running->migration) == ROLE_SOURCE && domain == NULL)
    {
      take_back (self, running, "comes, it does not leave");
      running = NULL;
    }
  if (running == NULL)
    migrations_dispatch (self, migrations_watch (self, migration_new (ROLE_DESTINATION, uuid, name, domain)),
                         EVENT_WAITING, NULL);
}

void
migrations_on_arriving (Migrations *self, const AccmigDomain *domain)
{
  arrive (self, accmig_domain_get_uuid (domain), accmig_domain_get_name (domain), domain);
}

void
migrations_on_arriving_bare (Migrations *self, const char *uuid, const char *name)
{
  if (is_registered (self, uuid))
    arrive (self, uuid, name, NULL);
}

void
migrations_on_placed (Migrations *self, const char *uuid, const char *alias, const char *address)
{
  Watched *watched = migrations_find_running (self, uuid);

  if (watched != NULL)
    migration_set_device_address (watched->migration, alias, address);
}

void
migrations_on_gate (Migrations *self, const char *uuid, gboolean accepted, const char *cause)
{
  Watched *watched = migrations_find_running (self, uuid);

  if (watched != NULL)
    migrations_dispatch (self, watched, accepted ? EVENT_ACCEPTED : EVENT_REFUSED, cause);
}

void
migrations_on_hook (Migrations *self, const char *uuid, const char *operation)
{
  static const struct
  {
    const char *operation;
    Event event;
  } rows[] = {
    { "prepare", EVENT_STARTING },
    { "start", EVENT_STARTING },
    { "started", EVENT_STARTING },
    { "release", EVENT_STOPPED },
  };
  Watched *watched = migrations_find_running (self, uuid);

  /* At the source, libvirt's own events say the same and more. */
  if (watched == NULL || migration_get_role (watched->migration) != ROLE_DESTINATION)
    return;
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    if (strcmp (rows[i].operation, operation) == 0)
      {
        if (rows[i].event == EVENT_STOPPED)
          watched->gone = TRUE; /* libvirt waits for QEMU's end before it releases anything */
        migrations_dispatch (self, watched, rows[i].event, NULL);
        return;
      }
}

void
migrations_on_expired (Migrations *self, const char *uuid)
{
  Watched *watched = migrations_find_running (self, uuid);

  if (watched != NULL && migration_get_role (watched->migration) == ROLE_DESTINATION)
    migrations_dispatch (self, watched, EVENT_EXPIRED, NULL);
}

/* ---- life -----------------------------------------------------------------------------------------------
 */

/* Takes up the records a predecessor left unfinished. */
static void
restore (Migrations *self)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) rows = history_list_unfinished (self->history, &error);

  if (rows == NULL)
    {
      log_event (LOG_EVENT_STRANGE, NULL, "unfinished migrations are not taken up: %s", error->message);
      return;
    }
  for (guint i = 0; i < rows->len; i++)
    {
      g_autoptr (GError) row_error = NULL;
      Migration *migration = migration_new_from_row (rows->pdata[i], &row_error);

      if (migration != NULL)
        migrations_watch (self, migration)->restored = TRUE;
      else
        log_event (LOG_EVENT_STRANGE, NULL, "not taken up, ignoring: %s", row_error->message);
    }
}

Migrations *
migrations_new (History *history, const MigrationsCallbacks *callbacks, gpointer user)
{
  Migrations *self = g_new0 (Migrations, 1);

  self->history = history;
  self->callbacks = *callbacks;
  self->user = user;
  self->watched = g_ptr_array_new_with_free_func ((GDestroyNotify)watched_free);
  restore (self);
  return self;
}

void
migrations_free (Migrations *self)
{
  if (self == NULL)
    return;
  g_ptr_array_unref (self->watched);
  g_free (self);
}

gsize
migrations_size (const Migrations *self)
{
  return self->watched->len;
}

const Migration *
migrations_get (const Migrations *self, gsize index)
{
  const Watched *watched = self->watched->pdata[index];

  return watched->migration;
}

const Migration *
migrations_running (const Migrations *self, const char *uuid)
{
  const Watched *watched = migrations_find_running (self, uuid);

  return watched != NULL ? watched->migration : NULL;
}

const Migration *
migrations_recent (const Migrations *self, const char *uuid)
{
  const Watched *watched = migrations_find_recent (self, uuid);

  return watched != NULL ? watched->migration : NULL;
}
