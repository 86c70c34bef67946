// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The set of alarms, and how a migration's signs, figures and log lead to them and into its record.
 */

#include "accmigd/alarms.h"

#include <string.h>

#include "accmigd/migrations.h"

#define UUID  "9b4d6bd6-6f1a-4d0c-8f3c-3d8f3f0c6c11"
#define OTHER "11111111-2222-3333-4444-555555555555"
#define VF    "0001:00:00.1"

static const char xml[] = "<domain type='qemu'><name>web1</name><uuid>" UUID "</uuid><devices>"
                          "<hostdev mode='subsystem' type='pci' managed='no'><source>"
                          "<address domain='0x0001' bus='0x00' slot='0x00' function='0x1'/></source>"
                          "<alias name='hostdev0'/></hostdev></devices></domain>";

typedef struct
{
  Alarms *alarms;
  guint raised, cleared, amended;

  /* For those with a guest. */
  History *history;
  AccmigDomain *domain;
  Migrations *migrations;
  gboolean counts; /* libvirt counts the devices' bytes */
} Fixture;

static void
on_raised (const Alarm *alarm, gpointer user)
{
  Fixture *f = user;

  f->raised++;
  if (f->migrations != NULL)
    migrations_on_alarm (f->migrations, alarm);
}

static void
on_cleared (const Alarm *alarm, gpointer user)
{
  Fixture *f = user;

  f->cleared++;
  if (f->migrations != NULL)
    migrations_on_alarm (f->migrations, alarm);
}

static void
on_amended (const Alarm *alarm, gpointer user)
{
  ((Fixture *)user)->amended++;
}

static const AccmigDomain *
on_get_domain (const char *uuid, gpointer user)
{
  return strcmp (uuid, UUID) == 0 ? ((Fixture *)user)->domain : NULL;
}

static void
on_get_facts (const char *address, MigrationsFacts *ret_facts, gpointer user)
{
  g_assert_cmpstr (address, ==, VF);
  *ret_facts = (MigrationsFacts){ .flags = 5, .stream_min = 176 };
}

static gboolean
on_counts_bytes (gpointer user)
{
  return ((Fixture *)user)->counts;
}

static void
on_suspect (const Migration *migration, const char *address, AlarmKind kind, const char *detail,
            gpointer user)
{
  Fixture *f = user;

  (void)alarms_raise (f->alarms,
                      alarm_new (kind, migration_get_uuid (migration), migration_get_name (migration),
                                 address, migration_get_id (migration), detail),
                      TRUE);
}

static void
on_relax (const Migration *migration, const char *address, AlarmKind kind, gpointer user)
{
  alarms_clear (((Fixture *)user)->alarms, migration_get_uuid (migration), address, kind);
}

static const MigrationsCallbacks migrations_callbacks = { .get_domain = on_get_domain };
static const MigrationsGuard guard = { on_get_facts, on_counts_bytes, on_suspect, on_relax };

static void
set_up (Fixture *f, gconstpointer data)
{
  static const AlarmsCallbacks callbacks = { on_raised, on_cleared, on_amended };

  f->alarms = alarms_new (&callbacks, f);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  alarms_free (f->alarms);
  migrations_free (f->migrations);
  accmig_domain_free (f->domain);
  if (f->history != NULL)
    history_close (f->history);
}

static void
begin_migrations (Fixture *f)
{
  migrations_free (f->migrations);
  f->migrations = migrations_new (f->history, &migrations_callbacks, f);
  migrations_set_guard (f->migrations, &guard, f);
}

/* … with a guest that has one device. */
static void
set_up_guest (Fixture *f, gconstpointer data)
{
  set_up (f, data);
  f->history = history_open (":memory:", 100, NULL);
  f->domain = accmig_domain_new_from_xml (xml, strlen (xml), NULL);
  f->counts = TRUE;
  begin_migrations (f);
}

/* ---- the set ---- */

static gboolean
raise_one (Fixture *f, AlarmKind kind, const char *uuid, guint64 migration)
{
  return alarms_raise (f->alarms, alarm_new (kind, uuid, "web1", VF, migration, "was seen"), TRUE);
}

static void
test_raised_once (Fixture *f, gconstpointer data)
{
  g_assert_true (raise_one (f, ALARM_RESET_AT_SOURCE, UUID, 1));
  g_assert_false (raise_one (f, ALARM_RESET_AT_SOURCE, UUID, 1)); /* another witness */
  g_assert_true (raise_one (f, ALARM_RESET_AT_SOURCE, UUID, 2));  /* another migration */
  g_assert_true (raise_one (f, ALARM_RESET_AT_SOURCE, OTHER, 1));
  g_assert_true (raise_one (f, ALARM_WRONG_ORDER, UUID, 1));
  g_assert_cmpuint (f->raised, ==, 4);
  g_assert_cmpuint (alarms_size (f->alarms), ==, 4);
  g_assert_nonnull (strstr (alarms_get (f->alarms, 0)->sentence, VF " was seen: its state is lost"));
}

/* What happened is said once, also when it is closed; a condition may come again. */
static void
test_again (Fixture *f, gconstpointer data)
{
  g_assert_true (raise_one (f, ALARM_NOT_RUNNING, UUID, 1));
  g_assert_false (raise_one (f, ALARM_NOT_RUNNING, UUID, 0));
  alarms_clear (f->alarms, UUID, VF, ALARM_NOT_RUNNING);
  alarms_clear (f->alarms, UUID, VF, ALARM_NOT_RUNNING);
  g_assert_cmpuint (f->cleared, ==, 1);
  g_assert_true (raise_one (f, ALARM_NOT_RUNNING, UUID, 1));
  g_assert_true (raise_one (f, ALARM_TOO_FEW_BYTES, UUID, 1));
  alarms_clear_guest (f->alarms, UUID);
  g_assert_cmpuint (f->cleared, ==, 3);
  g_assert_false (raise_one (f, ALARM_TOO_FEW_BYTES, UUID, 1));
  g_assert_false (alarms_has_open (f->alarms, UUID));
}

static void
test_of_a_guest_that_left (Fixture *f, gconstpointer data)
{
  (void)alarms_raise (f->alarms, alarm_new (ALARM_TOO_FEW_BYTES, UUID, "web1", VF, 1, "was seen"), FALSE);
  g_assert_cmpuint (f->raised, ==, 1);
  g_assert_cmpuint (f->cleared, ==, 0);
  g_assert_false (alarm_is_open (alarms_get (f->alarms, 0)));
}

static gboolean
is_not_other (const char *uuid, gpointer user)
{
  return strcmp (uuid, OTHER) != 0;
}

static void
test_retain_and_amend (Fixture *f, gconstpointer data)
{
  raise_one (f, ALARM_NOT_RUNNING, UUID, 1);
  raise_one (f, ALARM_NOT_RUNNING, OTHER, 1);
  alarms_retain (f->alarms, is_not_other, NULL);
  g_assert_true (alarms_has_open (f->alarms, UUID));
  g_assert_false (alarms_has_open (f->alarms, OTHER));
  alarms_set_outcome (f->alarms, UUID, VF, ALARM_NOT_RUNNING, "was repaired");
  alarms_set_outcome (f->alarms, UUID, VF, ALARM_NOT_RUNNING, "was repaired");
  alarms_set_outcome (f->alarms, OTHER, VF, ALARM_NOT_RUNNING, "is closed");
  g_assert_cmpuint (f->amended, ==, 1);
  g_assert_cmpstr (alarms_find_open (f->alarms, UUID, VF, ALARM_NOT_RUNNING)->outcome, ==, "was repaired");
}

/* The open ones outlive those that were cleared; but there is an end. */
static void
test_bounded (Fixture *f, gconstpointer data)
{
  raise_one (f, ALARM_NOT_RUNNING, UUID, 1);
  for (guint i = 0; i < 1000; i++)
    {
      raise_one (f, ALARM_RESET_AT_SOURCE, OTHER, i);
      alarms_clear_guest (f->alarms, OTHER);
    }
  g_assert_cmpuint (alarms_size (f->alarms), <=, 256);
  g_assert_true (alarms_has_open (f->alarms, UUID));
  for (guint i = 0; i < 1000; i++)
    raise_one (f, ALARM_RESET_AT_SOURCE, OTHER, 2000 + i);
  g_assert_cmpuint (alarms_size (f->alarms), <=, 256);
}

/* ---- from signs to the record ---- */

static void
say (Fixture *f, const char *event, const char *key, const char *word)
{
  g_autofree char *details =
      word != NULL ? g_strdup_printf ("{\"%s\": \"%s\", \"device-id\": \"hostdev0\"}", key, word)
                   : g_strdup ("");

  migrations_on_qemu_event (f->migrations, UUID, "web1", event, g_get_real_time (), details);
}

/* States, "=status", "STOP", "RESUME", and libvirt's "!gone". */
static void
converse (Fixture *f, const char *text)
{
  g_auto (GStrv) words = g_strsplit (text, " ", -1);

  for (guint i = 0; words[i] != NULL; i++)
    if (*words[i] == '=')
      say (f, "MIGRATION", "status", words[i] + 1);
    else if (strcmp (words[i], "!gone") == 0)
      migrations_on_lifecycle (f->migrations, UUID, "web1", LIFECYCLE_STOPPED_MIGRATED);
    else if (strcmp (words[i], "STOP") == 0 || strcmp (words[i], "RESUME") == 0)
      say (f, words[i], NULL, NULL);
    else
      say (f, "VFIO_MIGRATION", "device-state", words[i]);
}

static void
assert_only (Fixture *f, AlarmKind kind, const char *says)
{
  g_autoptr (HistoryRow) row = history_get (f->history, 0, NULL);

  g_assert_cmpuint (alarms_size (f->alarms), ==, 1);
  g_assert_cmpstr (alarm_kind_to_string (alarms_get (f->alarms, 0)->kind), ==, alarm_kind_to_string (kind));
  g_assert_cmpstr (alarms_get (f->alarms, 0)->device, ==, VF);
  g_assert_nonnull (strstr (alarms_get (f->alarms, 0)->sentence, says));
  g_assert_nonnull (strstr (row->document, alarm_kind_to_string (kind)));
}

static void
test_from_events (Fixture *f, gconstpointer data)
{
  converse (f, "=setup pre-copy =active running STOP =device =failed RESUME");
  assert_only (f, ALARM_RESET_AT_SOURCE, "was running when QEMU had stopped the guest");
}

static void
test_gap (Fixture *f, gconstpointer data)
{
  converse (f, "=setup pre-copy =active running");
  migrations_on_gap (f->migrations, NULL);
  converse (f, "STOP =device =failed RESUME");
  g_assert_cmpuint (alarms_size (f->alarms), ==, 0);
}

/* That of another guest excuses nothing. */
static void
test_gap_of_another (Fixture *f, gconstpointer data)
{
  converse (f, "=setup pre-copy =active running");
  migrations_on_gap (f->migrations, OTHER);
  converse (f, "STOP =device =failed RESUME");
  assert_only (f, ALARM_RESET_AT_SOURCE, "was running when");
}

/* An agent that takes a record up does not know what it did not see. */
static void
test_taken_up (Fixture *f, gconstpointer data)
{
  converse (f, "=setup pre-copy =active stop-copy");
  begin_migrations (f);
  converse (f, "=completed stop");
  g_assert_cmpuint (alarms_size (f->alarms), ==, 0);
}

#define MOVED "=setup pre-copy stop-copy STOP =device =completed stop !gone"

static const struct
{
  const char *name;
  gint64 bytes; /* -1: libvirt told nothing */
  gboolean counts;
  const char *before;
  const char *says; /* (nullable): of the alarm */
} byte_rows[] = {
  { "whole", 176, TRUE, MOVED, NULL },
  { "more", 4096, TRUE, MOVED, NULL },
  { "not-ready", 40, TRUE, MOVED, "sent 40 bytes, and a whole state has 176 at least" },
  { "not-ready-without-events", 40, FALSE, "=setup =completed !gone", "sent 40 bytes" },
  { "nothing", -1, TRUE, MOVED, "sent 0 bytes" },
  { "nothing-told-by-an-old-libvirt", -1, FALSE, MOVED, NULL },
  { "nothing-seen", -1, TRUE, "=setup =completed !gone", NULL },
  { "failed", 40, TRUE, "=setup pre-copy stop-copy STOP =device =failed RESUME running", NULL },
};

static void
test_bytes (Fixture *f, gconstpointer data)
{
  gsize i = GPOINTER_TO_SIZE (data);
  HypervisorJob job = { .outgoing = TRUE, .downtime_ms = 20, .downtime_net_ms = 20, .elapsed_ms = 900 };

  f->counts = byte_rows[i].counts;
  job.device_bytes = byte_rows[i].bytes;
  converse (f, byte_rows[i].before);
  migrations_on_job (f->migrations, UUID, &job, TRUE);
  if (byte_rows[i].says != NULL)
    assert_only (f, ALARM_TOO_FEW_BYTES, byte_rows[i].says);
  else
    g_assert_cmpuint (alarms_size (f->alarms), ==, 0);
}

/* What libvirt tells while the job runs is no total. */
static void
test_bytes_so_far (Fixture *f, gconstpointer data)
{
  HypervisorJob job = {
    .active = TRUE, .outgoing = TRUE, .device_bytes = 40, .downtime_ms = -1, .elapsed_ms = 9
  };

  converse (f, "=setup pre-copy =active");
  migrations_on_job (f->migrations, UUID, &job, FALSE);
  converse (f, "stop-copy STOP =device =completed stop !gone");
  g_assert_cmpuint (alarms_size (f->alarms), ==, 0);
}

static void
test_restored (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) before = NULL;
  g_autoptr (GPtrArray) after = NULL;
  Fixture next = { 0 };

  converse (f, "=setup pre-copy pre-copy =active =cancelling running =cancelled");
  g_assert_cmpuint (f->raised, ==, 1);
  before = migrations_list_open_alarms (f->migrations, NULL);
  g_assert_cmpuint (before->len, ==, 1);

  set_up (&next, NULL);
  alarms_restore (next.alarms, before->pdata[0]);
  g_assert_cmpuint (next.raised, ==, 0);
  g_assert_cmpstr (alarms_get (next.alarms, 0)->sentence, ==, alarms_get (f->alarms, 0)->sentence);
  g_assert_cmpstr (alarms_get (next.alarms, 0)->domain, ==, "web1");
  tear_down (&next, NULL);

  alarms_clear_guest (f->alarms, UUID);
  after = migrations_list_open_alarms (f->migrations, NULL);
  g_assert_cmpuint (after->len, ==, 0);
}

/* The record is in the history alone by then. */
static void
test_cleared_late (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) after = NULL;

  converse (f, "=setup pre-copy pre-copy =cancelling running =cancelled");
  begin_migrations (f);
  g_assert_cmpuint (migrations_size (f->migrations), ==, 0);
  alarms_clear_guest (f->alarms, UUID);
  after = migrations_list_open_alarms (f->migrations, NULL);
  g_assert_cmpuint (after->len, ==, 0);
}

/* A QEMU out of its mind does not fill the record. */
static void
test_record_is_bounded (Fixture *f, gconstpointer data)
{
  g_autoptr (HistoryRow) row = NULL;

  converse (f, "=setup pre-copy");
  for (int i = 0; i < 500; i++)
    converse (f, "pre-copy stop-copy resuming running STOP");
  row = history_get (f->history, 0, NULL);
  g_assert_cmpuint (strlen (row->document), <, 64 * 1024);
  g_assert_cmpuint (alarms_size (f->alarms), <=, 16);
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *path;
    void (*run) (Fixture *f, gconstpointer data);
    gboolean guest;
  } tests[] = {
    { "/alarms/raised-once", test_raised_once, FALSE },
    { "/alarms/again", test_again, FALSE },
    { "/alarms/of-a-guest-that-left", test_of_a_guest_that_left, FALSE },
    { "/alarms/retain-and-amend", test_retain_and_amend, FALSE },
    { "/alarms/bounded", test_bounded, FALSE },
    { "/alarms/from-events", test_from_events, TRUE },
    { "/alarms/gap", test_gap, TRUE },
    { "/alarms/gap-of-another", test_gap_of_another, TRUE },
    { "/alarms/taken-up", test_taken_up, TRUE },
    { "/alarms/bytes-so-far", test_bytes_so_far, TRUE },
    { "/alarms/restored", test_restored, TRUE },
    { "/alarms/cleared-late", test_cleared_late, TRUE },
    { "/alarms/record-is-bounded", test_record_is_bounded, TRUE },
  };

  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (tests); i++)
    g_test_add (tests[i].path, Fixture, NULL, tests[i].guest ? set_up_guest : set_up, tests[i].run,
                tear_down);
  for (gsize i = 0; i < G_N_ELEMENTS (byte_rows); i++)
    {
      g_autofree char *path = g_strconcat ("/alarms/bytes/", byte_rows[i].name, NULL);

      g_test_add (path, Fixture, GSIZE_TO_POINTER (i), set_up_guest, test_bytes, tear_down);
    }
  return g_test_run ();
}
