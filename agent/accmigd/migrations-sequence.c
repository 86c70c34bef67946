// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Migrations, held against what should happen
 *
 * Each device of a record has a sequence (sequence.h), to which every witness' signs go. What only figures
 * or QEMU's log can tell is found here as well.
 */

#include "migrations-private.h"

#include <string.h>

#include "qemu-log.h"

static guint64
get_flags (const Migrations *self, const MigrationDevice *device)
{
  MigrationsFacts facts = { 0 };

  if (self->guard.get_facts != NULL)
    self->guard.get_facts (device->address, &facts, self->guard_user);
  return facts.flags;
}

/* A device that libvirt binds only now can be asked for its flags later. */
static Sequence *
get_sequence (Migrations *self, Watched *watched, const MigrationDevice *device)
{
  Sequence *sequence = g_hash_table_lookup (watched->sequences, device->alias);

  if (sequence == NULL)
    {
      sequence = g_new0 (Sequence, 1);
      sequence_init (sequence, migration_get_role (watched->migration), 0);
      g_hash_table_insert (watched->sequences, g_strdup (device->alias), sequence);
    }
  if (!sequence_knows_flags (sequence))
    sequence_set_flags (sequence, get_flags (self, device));
  return sequence;
}

void
migrations_set_guard (Migrations *self, const MigrationsGuard *guard, gpointer user)
{
  self->guard = guard != NULL ? *guard : (MigrationsGuard){ 0 };
  self->guard_user = user;
}

static void
suspect (Migrations *self, const Watched *watched, const char *address, AlarmKind kind, const char *detail)
{
  if (self->guard.suspect != NULL)
    self->guard.suspect (watched->migration, address, kind, detail, self->guard_user);
}

static void
feed_device (Migrations *self, Watched *watched, const MigrationDevice *device, const Sign *sign)
{
  Sequence *sequence = get_sequence (self, watched, device);
  Suspicion suspicion;

  if (sequence_feed (sequence, sign, &suspicion))
    suspect (self, watched, device->address, suspicion.kind, suspicion.detail);
  /* One that a predecessor raised is over with the attempt, too. */
  if ((sequence_take_went_on (sequence) || sign->kind == SIGN_END) && self->guard.relax != NULL)
    self->guard.relax (watched->migration, device->address, ALARM_OVERDUE, self->guard_user);
}

void
migrations_feed (Migrations *self, Watched *watched, const char *alias, SignKind kind, const char *word)
{
  Sign sign = { .kind = kind, .word = word, .at_usec = g_get_monotonic_time () };

  for (gsize i = 0; i < migration_get_n_devices (watched->migration); i++)
    {
      MigrationDevice device = migration_get_device (watched->migration, i);

      if (alias == NULL || g_str_equal (alias, device.alias))
        feed_device (self, watched, &device, &sign);
    }
}

void
migrations_on_gap (Migrations *self, const char *uuid)
{
  for (guint i = 0; i < self->watched->len; i++)
    {
      Watched *watched = self->watched->pdata[i];

      if (uuid == NULL || g_str_equal (uuid, migration_get_uuid (watched->migration)))
        migrations_feed (self, watched, NULL, SIGN_GAP, NULL);
    }
}

void
migrations_check_limits (Migrations *self)
{
  for (guint i = 0; i < self->watched->len; i++)
    {
      Watched *watched = self->watched->pdata[i];

      if (!phase_is_end (migration_get_phase (watched->migration)))
        migrations_feed (self, watched, NULL, SIGN_TIME, NULL);
    }
}

/* ---- bytes ---- */

/* What all devices together have to send, and how many of them are known to have sent at all. */
static guint
count_wanted (Migrations *self, Watched *watched, gint64 *ret_bytes)
{
  guint n_moved = 0;

  *ret_bytes = 0;
  for (gsize i = 0; i < migration_get_n_devices (watched->migration); i++)
    {
      MigrationDevice device = migration_get_device (watched->migration, i);
      MigrationsFacts facts = { 0 };

      self->guard.get_facts (device.address, &facts, self->guard_user);
      *ret_bytes += (gint64)facts.stream_min;
      n_moved += get_sequence (self, watched, &device)->moved;
    }
  return n_moved;
}

/* The only device, or "": libvirt's figure is one for all of them. */
static const char *
get_only_address (const Migration *migration)
{
  return migration_get_n_devices (migration) == 1 ? migration_get_device (migration, 0).address : "";
}

void
migrations_check_bytes (Migrations *self, Watched *watched)
{
  const Migration *migration = watched->migration;
  gint64 sent = migration_get_job (migration)->device_bytes, wanted = 0;
  g_autofree char *detail = NULL;
  guint n_moved;

  if (!watched->has_figures || migration_get_role (migration) != ROLE_SOURCE
      || migration_get_phase (migration) != PHASE_COMPLETED || self->guard.get_facts == NULL)
    return;
  n_moved = count_wanted (self, watched, &wanted);
  /* libvirt says nothing when it is nothing; that counts when a device was seen to be read. */
  if (sent <= 0 && (n_moved == 0 || !self->guard.counts_bytes (self->guard_user)))
    return;
  if (sent > 0 && sent >= wanted)
    return;
  detail = g_strdup_printf (migration_get_n_devices (migration) == 1
                                ? "sent %" G_GINT64_FORMAT " bytes, and a whole state has %" G_GINT64_FORMAT
                                  " at least"
                                : "or several of them sent too little, %" G_GINT64_FORMAT
                                  " bytes in all, and their whole state has %" G_GINT64_FORMAT " at least",
                            MAX (sent, 0), MAX (wanted, 1));
  suspect (self, watched, get_only_address (migration), ALARM_TOO_FEW_BYTES, detail);
}

/* ---- QEMU's log ---- */

/* Whether a line about a reset is one about this migration: at the source it did not get away, at the
 * destination it arrived. Elsewhere QEMU is about to end. */
static gboolean
is_about_resets (const Migration *migration)
{
  Phase phase = migration_get_phase (migration);

  return phase_is_end (phase)
         && (phase == PHASE_COMPLETED) == (migration_get_role (migration) == ROLE_DESTINATION);
}

/* @address: (nullable): NULL for whatever device the line names */
static gboolean
check_reset (Migrations *self, Watched *watched, const char *text, gsize length, const char *address)
{
  const Migration *migration = watched->migration;
  gboolean source = migration_get_role (migration) == ROLE_SOURCE;
  g_autofree char *detail = NULL;
  char state[QEMU_LOG_STATE_SIZE];

  if (!qemu_log_find_reset (text, length, migration_get_started_usec (migration), address, state))
    return FALSE;
  detail = *state != '\0' ? g_strdup_printf ("was reset by QEMU, which could not set it to %s", state)
                          : g_strdup ("was reset by QEMU, which could not set it back");
  suspect (self, watched, address != NULL ? address : get_only_address (migration),
           source ? ALARM_RESET_AT_SOURCE : ALARM_RESET_AT_DESTINATION, detail);
  return TRUE;
}

void
migrations_check_log (Migrations *self, Watched *watched, const char *text, gsize length)
{
  const Migration *migration = watched->migration;
  gboolean named = FALSE;

  if (!is_about_resets (migration))
    return;
  for (gsize i = 0; i < migration_get_n_devices (migration); i++)
    named |= check_reset (self, watched, text, length, migration_get_device (migration, i).address);
  if (!named) /* a QEMU that was given an fd may call the device something else */
    (void)check_reset (self, watched, text, length, NULL);
}

/* ---- alarms ---- */

/* A record that is in the history alone. */
static gboolean
write_to_history (Migrations *self, const Alarm *alarm, GError **error)
{
  g_autoptr (HistoryRow) row = history_get (self->history, alarm->migration, error);
  g_autoptr (Migration) migration = row != NULL ? migration_new_from_row (row, error) : NULL;

  if (migration == NULL)
    return row == NULL && *error == NULL; /* it was forgotten: nothing to write to */
  migration_put_alarm (migration, alarm);
  return migration_save (migration, self->history, error);
}

void
migrations_on_alarm (Migrations *self, const Alarm *alarm)
{
  g_autoptr (GError) error = NULL;

  if (alarm->migration == 0)
    return;
  for (guint i = 0; i < self->watched->len; i++)
    {
      Watched *watched = self->watched->pdata[i];

      if (migration_get_id (watched->migration) != alarm->migration)
        continue;
      migration_put_alarm (watched->migration, alarm);
      migrations_save (self, watched);
      migrations_changed (self, watched);
      return;
    }
  if (!write_to_history (self, alarm, &error))
    log_event (LOG_EVENT_STRANGE, NULL, "alarm is not written to its record, ignoring: %s", error->message);
}

#define TAKE_UP_RECORDS 100 /* in which open alarms are looked for */

static void
collect_open (const Migration *migration, GPtrArray *alarms)
{
  for (gsize i = 0; i < migration_get_n_alarms (migration); i++)
    if (alarm_is_open (migration_get_alarm (migration, i)))
      g_ptr_array_add (alarms, alarm_copy (migration_get_alarm (migration, i)));
}

GPtrArray *
migrations_list_open_alarms (Migrations *self, GError **error)
{
  g_autoptr (GPtrArray) rows = history_list (self->history, TAKE_UP_RECORDS, error);
  GPtrArray *alarms;

  if (rows == NULL)
    return NULL;
  alarms = g_ptr_array_new_with_free_func ((GDestroyNotify)alarm_free);
  for (guint i = rows->len; i > 0; i--) /* oldest first */
    {
      g_autoptr (Migration) migration = migration_new_from_row (rows->pdata[i - 1], NULL);

      if (migration != NULL)
        collect_open (migration, alarms);
    }
  return alarms;
}
