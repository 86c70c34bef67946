// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Drives, after an absence
 *
 * The agent was killed, or the broker, or both, and devices stand where the last step left them. Three things
 * are held against one another: the record of steps, the states the devices are in, and where libvirt says
 * the guest is. Where the guest runs, its devices are taken there; where it left, they are stopped for good;
 * what cannot be known is said.
 *
 * No stream survives an absence: its reader or its writer was ours. So a source turns round, unless its guest
 * is gone, and a destination keeps only what it had loaded before.
 *
 * A device that stands still without a record of ours was stopped by somebody else, and is left alone.
 */

#include <string.h>

#include "drives-private.h"
#include "log.h"
#include "steps.h"

/* A question to libvirt. */
typedef struct
{
  Drives *drives;
  char *uuid;
} Question;

/* ---- what was left ---- */

static gboolean
is_open (const StepRow *row)
{
  return *row->outcome == '\0';
}

static gboolean
is_elsewhere (const Registered *device)
{
  AccmigState state;

  return registered_is_attached (device) && registered_get_state (device, &state)
         && state != ACCMIG_STATE_RUNNING;
}

/* (nullable): the last step of @device, if it was left by us */
static StepRow *
find_left (const Drives *self, const Registered *device)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (StepRow) row = steps_get_last (self->sources.history, registered_get_uuid (device),
                                            registered_get_name (device), &error);

  if (error != NULL)
    log_event (LOG_EVENT_STRANGE, NULL, "what was done to “%s” cannot be read: %s",
               registered_get_name (device), error->message);
  if (row == NULL || !registered_is_attached (device) || g_str_equal (row->outcome, STEP_END)
      || (!is_open (row) && !is_elsewhere (device)))
    return NULL;
  return g_steal_pointer (&row);
}

/* (nullable): the last step taken on any device of a guest that is not where it should be. Its migration is
 * the one to be taken up. */
static StepRow *
find_last_step (const Drives *self, const char *uuid)
{
  g_autoptr (GPtrArray) devices = registered_list_domain (self->sources.registered, uuid);
  g_autoptr (StepRow) last = NULL;

  for (guint i = 0; i < devices->len; i++)
    {
      g_autoptr (StepRow) row = find_left (self, devices->pdata[i]);

      if (row == NULL || (last != NULL && last->id > row->id))
        continue;
      g_clear_pointer (&last, step_row_free);
      last = g_steal_pointer (&row);
    }
  return g_steal_pointer (&last);
}

/* What became of the steps that were under way: the state tells. */
static void
close_steps (const Drives *self, const char *uuid)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) rows = steps_list_open (self->sources.history, &error);

  for (guint i = 0; rows != NULL && i < rows->len; i++)
    {
      const StepRow *row = rows->pdata[i];
      const Registered *device = registered_lookup (self->sources.registered, row->uuid, row->name);
      g_autofree char *outcome = NULL;
      const char *found;
      AccmigState state;

      if (!g_str_equal (row->uuid, uuid) || device == NULL || !registered_is_attached (device)
          || !registered_get_state (device, &state))
        continue; /* asked when its holder is back */
      found = accmig_state_to_string (state);
      outcome = g_str_equal (row->to, found) ? g_strdup (STEP_DONE) : g_strdup_printf ("found in %s", found);
      (void)steps_end (self->sources.history, row->id, outcome, NULL);
    }
}

void
drives_close_strays (Drives *self)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) rows = steps_list_open (self->sources.history, &error);

  for (guint i = 0; rows != NULL && i < rows->len; i++)
    {
      const StepRow *row = rows->pdata[i];

      if (registered_lookup (self->sources.registered, row->uuid, row->name) == NULL)
        (void)steps_end (self->sources.history, row->id, STEP_NOBODYS, NULL);
    }
}

/* Destination: a device goes to stop only when all of its state was there and in order, and is not reset
 * after that unless it failed. */
static gboolean
was_loaded (const Drives *self, guint64 migration, const Registered *device)
{
  g_autoptr (GPtrArray) rows = steps_list (self->sources.history, migration, NULL);
  AccmigState state;
  gboolean loaded = FALSE;

  for (guint i = 0; rows != NULL && i < rows->len; i++)
    {
      const StepRow *row = rows->pdata[i];

      if (!g_str_equal (row->name, registered_get_name (device)))
        continue;
      if (g_str_equal (row->to, accmig_state_to_string (ACCMIG_STATE_STOP)))
        loaded = g_str_equal (row->outcome, STEP_DONE);
      else if (g_str_equal (row->to, STEP_RESET)
               || g_str_equal (row->to, accmig_state_to_string (ACCMIG_STATE_RESUMING)))
        loaded = FALSE;
    }
  return loaded && registered_get_state (device, &state) && state != ACCMIG_STATE_RESUMING;
}

/* ---- taking up ---- */

/* How the migration stands by its record; LOST when there is none. */
static Phase
find_phase (const Drives *self, guint64 migration)
{
  g_autoptr (HistoryRow) row = migration != 0 ? history_get (self->sources.history, migration, NULL) : NULL;

  return row != NULL ? row->phase : PHASE_LOST;
}

/* A source by what libvirt says. A guest that is neither here nor known to have left is not decided before
 * its record is. */
static void
tell_source (DrivenGuest *guest)
{
  gboolean here = guest->state != HYPERVISOR_DOMAIN_SHUTOFF;

  if (here)
    drive_tell (guest->drive,
                guest->state == HYPERVISOR_DOMAIN_RUNNING ? DRIVE_GUEST_RUNS : DRIVE_GUEST_STOPPED);
  if (here && phase_is_end (guest->phase))
    drive_tell (guest->drive, DRIVE_FAILED); /* whatever the record says: it is here */
  else if (!here && guest->was_migrated)
    drive_tell (guest->drive, DRIVE_GONE);
  else if (!here && phase_is_end (guest->phase))
    drives_tell_phase (guest, guest->phase);
}

static void
tell_destination (DrivenGuest *guest)
{
  gboolean here = guest->state != HYPERVISOR_DOMAIN_SHUTOFF;
  gboolean ended = phase_is_end (guest->phase);

  if (guest->state == HYPERVISOR_DOMAIN_RUNNING)
    drive_tell (guest->drive, DRIVE_GUEST_RUNS);
  else if (here && (ended || guest->phase == PHASE_RESUMING))
    drive_tell (guest->drive, DRIVE_ARRIVED);
  else if (!here && ended)
    drive_tell (guest->drive, DRIVE_FAILED);
}

static void
set_loaded (DrivenGuest *guest)
{
  const Drives *self = guest->owner;
  g_autoptr (GPtrArray) devices = registered_list_domain (self->sources.registered, guest->uuid);

  for (guint i = 0; i < devices->len; i++)
    if (was_loaded (self, guest->migration, devices->pdata[i]))
      drive_set_loaded (guest->drive, registered_get_name (devices->pdata[i]));
}

/* The states are known, or will not be soon. */
static void
begin (DrivenGuest *guest)
{
  guest->begun = TRUE;
  g_clear_handle_id (&guest->begin_timer, g_source_remove);
  close_steps (guest->owner, guest->uuid);
  if (drive_get_role (guest->drive) == ROLE_DESTINATION)
    set_loaded (guest);
  drive_begin (guest->drive, DRIVE_TAKE_UP);
  if (drive_get_role (guest->drive) == ROLE_SOURCE)
    tell_source (guest);
  else
    tell_destination (guest);
  drives_tidy_soon (guest->owner);
}

void
drives_on_asked (DrivenGuest *guest)
{
  if (--guest->asking == 0 && !guest->begun)
    begin (guest);
  drives_tidy_soon (guest->owner);
}

static gboolean
on_begin_timer (gpointer user)
{
  DrivenGuest *guest = user;

  guest->begin_timer = 0;
  begin (guest);
  return G_SOURCE_REMOVE;
}

/* @domain: (nullable): as libvirt has it; NULL when it has none */
static void
take_up (Drives *self, const char *uuid, const HypervisorDomain *domain)
{
  g_autoptr (StepRow) step = find_last_step (self, uuid);
  DrivenGuest *guest;

  if (step == NULL || drives_find (self, uuid) != NULL)
    return; /* its holder or somebody else was faster */
  guest = driven_guest_new (self, uuid, domain != NULL ? hypervisor_domain_get_name (domain) : uuid,
                            step->migration, step->role);
  guest->phase = find_phase (self, step->migration);
  guest->taken_up = TRUE;
  guest->state = domain != NULL ? hypervisor_domain_get_state (domain) : HYPERVISOR_DOMAIN_SHUTOFF;
  guest->was_migrated = domain != NULL && hypervisor_domain_was_migrated (domain);
  guest->begin_timer = g_timeout_add_seconds (self->sources.limits.step, on_begin_timer, guest);
  log_event (LOG_EVENT_PHASE,
             &(LogContext){ .domain = guest->name, .uuid = uuid, .migration = step->migration },
             "devices of “%s” were left in the middle of a migration, taking them up", guest->name);
  drives_take (self, guest);
}

static void
on_looked_up (GObject *source, GAsyncResult *result, gpointer user)
{
  g_autofree Question *question = user;
  g_autofree char *uuid = question->uuid;
  Drives *self = question->drives;
  g_autoptr (GError) error = NULL;
  g_autoptr (HypervisorDomain) domain = hypervisor_lookup_finish (self->sources.hypervisor, result, &error);

  g_hash_table_remove (self->asked, uuid);
  if (domain != NULL || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
    take_up (self, uuid, domain);
  else
    g_message ("where guest %s is cannot be asked, trying again when libvirt is back: %s", uuid,
               error->message); /* drives_on_census() */
}

static void
ask (Drives *self, const char *uuid)
{
  Question *question = g_new0 (Question, 1);

  question->drives = self;
  question->uuid = g_strdup (uuid);
  g_hash_table_add (self->asked, g_strdup (uuid));
  hypervisor_lookup_async (self->sources.hypervisor, uuid, on_looked_up, question);
}

void
drives_consider (Drives *self, const char *uuid)
{
  const Migration *migration = migrations_running (self->sources.migrations, uuid);
  g_autoptr (StepRow) step = NULL;

  if (!self->settled || !self->census_taken || drives_find (self, uuid) != NULL
      || g_hash_table_contains (self->asked, uuid))
    return;
  step = find_last_step (self, uuid);
  if (step != NULL && (migration == NULL || migration_get_id (migration) == step->migration))
    ask (self, uuid);
  else if (migration != NULL && migration_get_phase (migration) != PHASE_ANNOUNCED)
    drives_begin (self, migration);
}
