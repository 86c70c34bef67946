// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Migrations: conversations. Each is what the hook, libvirt and QEMU say, in the order in which it arrives,
 * and what the record must say at the end. The real hypervisor is not needed for that: its domains are three
 * fields here.
 */

#include <stdio.h>
#include <string.h>

#include "accmigd/log.h"
#include "accmigd/migrations.h"
#include "accmigd/token.h"

#define UUID  "9b4d6bd6-6f1a-4d0c-8f3c-3d8f3f0c6c11"
#define OTHER "11111111-2222-3333-4444-555555555555"

static const char xml[] =
    "<domain type='qemu'><name>web1</name><uuid>" UUID "</uuid><metadata>"
    "<accmig:devices xmlns:accmig='urn:accmig:1' token='00112233aabbccdd'/></metadata><devices>"
    "<hostdev mode='subsystem' type='pci' managed='no'><source>"
    "<address domain='0x0001' bus='0x00' slot='0x00' function='0x1'/></source>"
    "<alias name='hostdev0'/></hostdev></devices></domain>";

/* What the hypervisor would have read. */
struct _HypervisorDomain
{
  const char *uuid;
  HypervisorDomainState state;
  gboolean was_migrated, is_migrating;
};

const char *
hypervisor_domain_get_uuid (const HypervisorDomain *domain)
{
  return domain->uuid;
}

HypervisorDomainState
hypervisor_domain_get_state (const HypervisorDomain *domain)
{
  return domain->state;
}

gboolean
hypervisor_domain_was_migrated (const HypervisorDomain *domain)
{
  return domain->was_migrated;
}

gboolean
hypervisor_domain_is_migrating (const HypervisorDomain *domain)
{
  return domain->is_migrating;
}

typedef struct
{
  History *history;
  Migrations *migrations;
  AccmigDomain *domain;
  guint added, ended, removed, want_job, want_log, want_evidence;
  gboolean promised, registered;
} Fixture;

static void
on_added (const Migration *migration, gpointer user)
{
  ((Fixture *)user)->added++;
}

static void
on_ended (const Migration *migration, gpointer user)
{
  ((Fixture *)user)->ended++;
}

static void
on_removed (const Migration *migration, gpointer user)
{
  ((Fixture *)user)->removed++;
}

static void
on_want_job (const char *uuid, gboolean completed, gpointer user)
{
  ((Fixture *)user)->want_job++;
}

static void
on_want_log (const char *uuid, const char *name, gpointer user)
{
  ((Fixture *)user)->want_log++;
}

static void
on_want_evidence (const char *uuid, const char *address, gpointer user)
{
  g_assert_cmpstr (uuid, ==, UUID);
  g_assert_cmpstr (address, ==, "0001:00:00.1");
  ((Fixture *)user)->want_evidence++;
}

static const AccmigDomain *
on_get_domain (const char *uuid, gpointer user)
{
  return strcmp (uuid, UUID) == 0 ? ((Fixture *)user)->domain : NULL;
}

static gboolean
on_is_promised (const char *uuid, gpointer user)
{
  return ((Fixture *)user)->promised;
}

static gboolean
on_is_registered (const char *uuid, gpointer user)
{
  return ((Fixture *)user)->registered;
}

static const MigrationsCallbacks callbacks = {
  .added = on_added,
  .ended = on_ended,
  .removed = on_removed,
  .want_job = on_want_job,
  .want_log = on_want_log,
  .want_evidence = on_want_evidence,
  .get_domain = on_get_domain,
  .is_registered = on_is_registered,
  .is_promised = on_is_promised,
};

static void
set_up (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  f->history = history_open (":memory:", 100, &error);
  g_assert_no_error (error);
  f->domain = accmig_domain_new_from_xml (xml, strlen (xml), &error);
  g_assert_no_error (error);
  f->migrations = migrations_new (f->history, &callbacks, f);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  migrations_free (f->migrations);
  accmig_domain_free (f->domain);
  history_close (f->history);
}

/* ---- conversations: one line a step -----------------------------------------------------------------------
 */

static const struct
{
  const char *name;
  Lifecycle lifecycle;
} lifecycles[] = {
  { "started-migrated", LIFECYCLE_STARTED_MIGRATED },
  { "suspended-migrated", LIFECYCLE_SUSPENDED_MIGRATED },
  { "started", LIFECYCLE_STARTED },
  { "stopped-saved", LIFECYCLE_STOPPED_SAVED },
  { "suspended", LIFECYCLE_SUSPENDED },
  { "resumed-migrated", LIFECYCLE_RESUMED_MIGRATED },
  { "resumed", LIFECYCLE_RESUMED },
  { "stopped-migrated", LIFECYCLE_STOPPED_MIGRATED },
  { "stopped-failed", LIFECYCLE_STOPPED_FAILED },
  { "stopped", LIFECYCLE_STOPPED },
};

static Lifecycle
lifecycle_named (const char *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS (lifecycles); i++)
    if (strcmp (lifecycles[i].name, name) == 0)
      return lifecycles[i].lifecycle;
  g_error ("no lifecycle “%s” in the test", name);
}

static void
say_qemu (Fixture *f, const char *what, gint64 at_usec)
{
  g_auto (GStrv) words = g_strsplit (what, " ", 2);
  g_autofree char *details = NULL;

  if (strcmp (words[0], "MIGRATION") == 0)
    details = g_strdup_printf ("{\"status\": \"%s\"}", words[1]);
  else if (strcmp (words[0], "VFIO_MIGRATION") == 0)
    details =
        g_strdup_printf ("{\"device-state\": \"%s\", \"device-id\": \"hostdev0\", \"qom-path\": \"/x\"}",
                         words[1]);
  else
    details = g_strdup ("");
  migrations_on_qemu_event (f->migrations, UUID, "web1", words[0], at_usec, details);
}

/* "qemu EVENT [WORD]", "libvirt LIFECYCLE", "hook OPERATION", "announce", "accept", "refuse CAUSE", "expire"
 */
static void
say (Fixture *f, const char *line, gint64 at_usec)
{
  g_auto (GStrv) words = g_strsplit (line, " ", 2);

  if (strcmp (words[0], "qemu") == 0)
    say_qemu (f, words[1], at_usec);
  else if (strcmp (words[0], "libvirt") == 0)
    migrations_on_lifecycle (f->migrations, UUID, "web1", lifecycle_named (words[1]));
  else if (strcmp (words[0], "hook") == 0)
    migrations_on_hook (f->migrations, UUID, words[1]);
  else if (strcmp (words[0], "arrive") == 0)
    migrations_on_arriving (f->migrations, f->domain);
  else if (strcmp (words[0], "announce") == 0)
    migrations_announce (f->migrations, f->domain);
  else if (strcmp (words[0], "accept") == 0)
    migrations_on_gate (f->migrations, UUID, TRUE, "");
  else if (strcmp (words[0], "refuse") == 0)
    migrations_on_gate (f->migrations, UUID, FALSE, words[1]);
  else if (strcmp (words[0], "expire") == 0)
    migrations_on_expired (f->migrations, UUID);
  else
    g_error ("no step “%s” in the test", line);
}

static void
converse (Fixture *f, const char *steps)
{
  g_auto (GStrv) lines = g_strsplit (steps, "; ", -1);
  gint64 at = g_get_real_time ();

  for (guint i = 0; lines[i] != NULL; i++)
    say (f, lines[i], at + i * 1000); /* 1 ms apart, by QEMU's clock */
}

typedef struct
{
  const char *name;
  const char *steps;
  Role role;
  Phase phase;
  const char *cause; /* part of it */
} Conversation;

static const Conversation conversations[] = {
  { "source-succeeds",
    "qemu MIGRATION setup; qemu VFIO_MIGRATION pre-copy; qemu MIGRATION active; qemu VFIO_MIGRATION "
    "stop-copy; qemu STOP; "
    "libvirt suspended-migrated; qemu MIGRATION pre-switchover; qemu MIGRATION device; qemu MIGRATION "
    "completed; "
    "qemu VFIO_MIGRATION stop; libvirt stopped-migrated",
    ROLE_SOURCE, PHASE_COMPLETED, "" },
  { "source-succeeds-libvirt-first",
    "qemu MIGRATION setup; libvirt suspended-migrated; libvirt stopped-migrated; qemu MIGRATION active; qemu "
    "STOP; "
    "qemu MIGRATION completed",
    ROLE_SOURCE, PHASE_COMPLETED, "" },
  { "source-succeeds-without-qemu-events", "libvirt suspended-migrated; libvirt stopped-migrated",
    ROLE_SOURCE, PHASE_COMPLETED, "" },
  { "source-cancelled-while-copying",
    "qemu MIGRATION setup; qemu MIGRATION active; qemu MIGRATION cancelling; qemu MIGRATION cancelled; "
    "qemu VFIO_MIGRATION running",
    ROLE_SOURCE, PHASE_CANCELLED, "cancelled" },
  { "source-cancelled-after-the-stop",
    "qemu MIGRATION active; qemu MIGRATION setup; qemu MIGRATION active; libvirt suspended-migrated; "
    "qemu MIGRATION cancelling; libvirt resumed; qemu MIGRATION cancelled",
    ROLE_SOURCE, PHASE_CANCELLED, "cancelled" },
  { "source-cancelled-told-late",
    "qemu MIGRATION setup; libvirt suspended-migrated; libvirt resumed; qemu MIGRATION cancelling; "
    "qemu MIGRATION cancelled",
    ROLE_SOURCE, PHASE_CANCELLED, "cancelled" },
  { "source-fails-after-the-stop",
    "qemu MIGRATION setup; qemu MIGRATION active; qemu STOP; libvirt suspended-migrated; qemu MIGRATION "
    "failed; "
    "qemu RESUME; qemu VFIO_MIGRATION running; libvirt resumed",
    ROLE_SOURCE, PHASE_FAILED, "failed" },
  { "source-status-of-a-later-qemu", "qemu MIGRATION setup; qemu MIGRATION failing; qemu MIGRATION failed",
    ROLE_SOURCE, PHASE_FAILED, "failed" },
  { "source-destroyed", "qemu MIGRATION setup; qemu MIGRATION active; libvirt stopped", ROLE_SOURCE,
    PHASE_FAILED, "ended here" },
  { "source-suspended-meanwhile",
    "qemu MIGRATION setup; qemu MIGRATION active; libvirt suspended; libvirt resumed; libvirt "
    "suspended-migrated; "
    "libvirt stopped-migrated",
    ROLE_SOURCE, PHASE_COMPLETED, "" },
  { "destination-succeeds",
    "announce; accept; hook prepare; hook start; hook started; qemu MIGRATION setup; libvirt "
    "started-migrated; "
    "qemu MIGRATION active; qemu VFIO_MIGRATION resuming; qemu MIGRATION completed; qemu RESUME; "
    "libvirt resumed-migrated; qemu VFIO_MIGRATION running",
    ROLE_DESTINATION, PHASE_COMPLETED, "" },
  { "destination-guest-was-paused",
    "announce; accept; hook prepare; libvirt started-migrated; qemu MIGRATION completed; libvirt suspended",
    ROLE_DESTINATION, PHASE_COMPLETED, "" },
  { "destination-refuses", "announce; refuse queue count differs", ROLE_DESTINATION, PHASE_REFUSED,
    "queue count differs" },
  { "destination-load-fails",
    "announce; accept; hook prepare; hook started; libvirt started-migrated; qemu MIGRATION active; "
    "qemu MIGRATION failed; libvirt stopped-failed; hook release",
    ROLE_DESTINATION, PHASE_FAILED, "" },
  { "destination-source-gave-up",
    "announce; accept; hook prepare; libvirt started-migrated; libvirt stopped-failed; hook stopped; hook "
    "release",
    ROLE_DESTINATION, PHASE_FAILED, "the source gave up" },
  { "destination-other-hook-refused", "announce; accept; hook prepare; hook stopped; hook release",
    ROLE_DESTINATION, PHASE_FAILED, "ended before the guest ran" },
  { "destination-nothing-follows", "announce; accept; expire", ROLE_DESTINATION, PHASE_FAILED,
    "reservation ran out" },
  { "destination-slow-to-start",
    "announce; accept; hook prepare; expire; hook started; libvirt started-migrated; libvirt "
    "resumed-migrated",
    ROLE_DESTINATION, PHASE_COMPLETED, "" },
  { "destination-booted-instead", "announce; accept; hook prepare; libvirt started", ROLE_DESTINATION,
    PHASE_FAILED, "" },
  { "destination-not-announced",
    "arrive; qemu MIGRATION active; qemu MIGRATION completed; libvirt resumed-migrated", ROLE_DESTINATION,
    PHASE_COMPLETED, "" },
  { "destination-announced-twice", "announce; accept; announce; refuse no device", ROLE_DESTINATION,
    PHASE_REFUSED, "no device" },
};

static void
test_conversation (Fixture *f, gconstpointer data)
{
  const Conversation *c = data;
  const Migration *last;

  converse (f, c->steps);
  g_assert_cmpuint (migrations_size (f->migrations), >=, 1);
  last = migrations_get (f->migrations, migrations_size (f->migrations) - 1);
  g_assert_cmpstr (role_to_string (migration_get_role (last)), ==, role_to_string (c->role));
  g_assert_cmpstr (phase_to_string (migration_get_phase (last)), ==, phase_to_string (c->phase));
  g_assert_nonnull (strstr (migration_get_cause (last), c->cause));
  if (*c->cause == '\0' && c->phase == PHASE_COMPLETED)
    g_assert_cmpstr (migration_get_cause (last), ==, "");
  g_assert_cmpint (migration_get_ended_usec (last), >=, migration_get_started_usec (last));
  g_assert_cmpstr (migration_get_token (last), ==, "00112233aabbccdd");
  g_assert_cmpuint (f->added, ==, migrations_size (f->migrations));
  g_assert_cmpuint (f->ended, ==, migrations_size (f->migrations));
  g_assert_null (migrations_running (f->migrations, UUID));

  g_autoptr (HistoryRow) row = history_get (f->history, 0, NULL);
  g_assert_cmpint (row->phase, ==, c->phase);
  g_assert_cmpstr (row->cause, ==, migration_get_cause (last));
}

/* ---- single concerns
 * ----------------------------------------------------------------------------------------- */

static const Migration *
newest (const Fixture *f)
{
  return migrations_get (f->migrations, migrations_size (f->migrations) - 1);
}

static void
test_nothing_to_do_with_us (Fixture *f, gconstpointer data)
{
  migrations_on_qemu_event (f->migrations, OTHER, "db", "MIGRATION", 1, "{\"status\": \"setup\"}");
  migrations_on_lifecycle (f->migrations, OTHER, "db", LIFECYCLE_SUSPENDED_MIGRATED);
  migrations_on_iteration (f->migrations, OTHER, "db", 1);
  converse (f, "libvirt suspended; libvirt resumed; qemu STOP; qemu RESUME; qemu VFIO_MIGRATION stop; "
               "libvirt stopped; "
               "hook prepare; hook start; hook started; hook stopped; hook release; expire");
  g_assert_cmpuint (migrations_size (f->migrations), ==, 0);
}

static void
test_hostile_events (Fixture *f, gconstpointer data)
{
  static const char *const details[] = {
    "", "[", "{}", "[[[[[[", "null", "{\"status\": 5}", "{\"status\": []}", "\xff\xfe"
  };
  g_autofree char *deep = g_strnfill (100000, '[');
  g_autofree char *nested = g_strnfill (2000, '[');

  converse (f, "qemu MIGRATION setup");
  log_set_max_level (-1); /* each of them is a line */
  for (gsize i = 0; i < G_N_ELEMENTS (details); i++)
    migrations_on_qemu_event (f->migrations, UUID, "web1", "MIGRATION", 1, details[i]);
  migrations_on_qemu_event (f->migrations, UUID, "web1", "VFIO_MIGRATION", 1, deep);
  migrations_on_qemu_event (f->migrations, UUID, "web1", "VFIO_MIGRATION", 1, nested);
  migrations_on_qemu_event (f->migrations, UUID, "web1", "VFIO_MIGRATION", 1,
                            "{\"device-state\": \"stop\", \"device-id\": \"../../etc\"}");
  log_set_max_level (6);
  g_assert_cmpint (migration_get_phase (newest (f)), ==, PHASE_PREPARING);
}

/* ---- refused elsewhere
 * ---------------------------------------------------------------------------------------
 */

/* Gives the domain the token of a stay on @host. Returns: (transfer full): the token */
static char *
begin_stay (Fixture *f, const char *host)
{
  char *token = token_new (host);
  g_autofree char *text = NULL;
  g_auto (GStrv) parts = g_strsplit (xml, "00112233aabbccdd", -1);

  text = g_strjoinv (token, parts);
  accmig_domain_free (f->domain);
  f->domain = accmig_domain_new_from_xml (text, strlen (text), NULL);
  g_assert_cmpstr (accmig_domain_get_token (f->domain), ==, token);
  return token;
}

static char *
begin_stay_here (Fixture *f)
{
  g_autofree char *host = token_make_host ();

  return begin_stay (f, host);
}

/* @code: of the error; negative: it is taken */
static void
report (Fixture *f, const char *uuid, const char *token, const char *cause, int code)
{
  g_autoptr (GError) error = NULL;
  gboolean taken = migrations_on_refused_elsewhere (
      f->migrations, &(MigrationsRefusal){ .uuid = uuid, .token = token, .host = "cn02", .cause = cause },
      &error);

  g_assert_cmpint (taken, ==, code < 0);
  if (code >= 0)
    g_assert_error (error, ACCMIG_ERROR, code);
  else
    g_assert_no_error (error);
}

static void
test_refused_elsewhere (Fixture *f, gconstpointer data)
{
  g_autofree char *token = begin_stay_here (f);
  g_autoptr (HistoryRow) row = NULL;

  report (f, UUID, token, "hostdev0: queue count differs\n[hisi_acc.qp-num]", -1);
  g_assert_cmpuint (migrations_size (f->migrations), ==, 1);
  g_assert_cmpint (migration_get_role (newest (f)), ==, ROLE_SOURCE);
  g_assert_cmpint (migration_get_phase (newest (f)), ==, PHASE_FAILED);
  g_assert_cmpstr (migration_get_cause (newest (f)), ==,
                   "refused by cn02: hostdev0: queue count differs [hisi_acc.qp-num]");
  g_assert_cmpstr (migration_get_name (newest (f)), ==, "web1");
  g_assert_cmpstr (migration_get_token (newest (f)), ==, token);
  g_assert_cmpuint (migration_get_n_devices (newest (f)), ==, 1);
  g_assert_cmpstr (migration_get_device (newest (f), 0).address, ==, "0001:00:00.1");
  g_assert_false (migration_get_device (newest (f), 0).outage.known);
  g_assert_cmpint (migration_get_ended_usec (newest (f)), >=, migration_get_started_usec (newest (f)));
  row = history_get (f->history, 0, NULL);
  g_assert_cmpint (row->phase, ==, PHASE_FAILED);
  g_assert_cmpstr (row->cause, ==, migration_get_cause (newest (f)));
  /* nothing happened here: nobody is asked anything for it */
  g_assert_cmpuint (f->added, ==, 1);
  g_assert_cmpuint (f->ended + f->want_job + f->want_log, ==, 0);
}

static void
test_refused_elsewhere_in_vain (Fixture *f, gconstpointer data)
{
  g_autofree char *foreign = begin_stay (f, "another host");
  g_autofree char *token = NULL;
  g_autofree char *host = token_make_host ();
  g_autofree char *earlier = token_new (host);

  report (f, UUID, foreign, "c", ACCMIG_ERROR_REFUSED); /* it has this token, but brought it along */
  g_free (begin_stay_here (f));
  token = g_strdup (accmig_domain_get_token (f->domain));
  report (f, UUID, earlier, "c", ACCMIG_ERROR_REFUSED);
  report (f, UUID, "", "c", ACCMIG_ERROR_REFUSED);
  report (f, OTHER, token, "c", ACCMIG_ERROR_NOT_FOUND);
  report (f, "../x", token, "c", ACCMIG_ERROR_NOT_FOUND);
  converse (f, "qemu MIGRATION setup");
  report (f, UUID, token, "c", ACCMIG_ERROR_BUSY);
  g_assert_cmpuint (migrations_size (f->migrations), ==, 1);
  g_assert_cmpint (migration_get_phase (newest (f)), ==, PHASE_PREPARING);
}

static void
test_refused_elsewhere_twice (Fixture *f, gconstpointer data)
{
  g_autofree char *token = begin_stay_here (f);

  report (f, UUID, token, "no device", -1);
  report (f, UUID, token, "no device", -1);
  g_assert_cmpuint (migrations_size (f->migrations), ==, 1);
  report (f, UUID, token, "no memory", -1);
  g_assert_cmpuint (migrations_size (f->migrations), ==, 2);
}

/* What is told meanwhile neither takes the moments of a migration that has just ended, nor keeps the next one
 * from beginning. */
static void
test_refused_elsewhere_in_between (Fixture *f, gconstpointer data)
{
  g_autofree char *token = begin_stay_here (f);
  const Migration *failed = NULL;
  HypervisorJob job = { .downtime_ms = 140, .downtime_net_ms = 120 };

  converse (f, "qemu MIGRATION setup; qemu MIGRATION active; qemu VFIO_MIGRATION stop-copy; qemu STOP; "
               "libvirt suspended-migrated; qemu MIGRATION failed");
  failed = newest (f);
  report (f, UUID, token, "no device", -1);
  migrations_on_job (f->migrations, UUID, &job, TRUE);
  g_assert_true (migration_get_downtime (failed).known);
  g_assert_false (migration_get_downtime (newest (f)).known);
  g_assert_cmpuint (migrations_size (f->migrations), ==, 2);
}

static void
test_refused_elsewhere_then_moves (Fixture *f, gconstpointer data)
{
  g_autofree char *token = begin_stay_here (f);

  report (f, UUID, token, "no device", -1);
  converse (f, "libvirt suspended-migrated; libvirt stopped-migrated");
  g_assert_cmpuint (migrations_size (f->migrations), ==, 2);
  g_assert_cmpint (migration_get_phase (newest (f)), ==, PHASE_COMPLETED);
  g_assert_cmpint (migration_get_phase (migrations_get (f->migrations, 0)), ==, PHASE_FAILED);
}

/* What a terminal would obey does not become a cause. */
static void
test_causes_are_printable (Fixture *f, gconstpointer data)
{
  converse (f, "announce; refuse \033[2Jgone\302\2331m\n\tall");
  g_assert_cmpstr (migration_get_cause (newest (f)), ==, "[2Jgone 1m  all");
}

static void
test_stragglers_begin_nothing (Fixture *f, gconstpointer data)
{
  gint64 before = g_get_real_time () - 1;

  converse (f, "qemu MIGRATION setup; qemu MIGRATION active; qemu MIGRATION failed");
  say (f, "qemu MIGRATION setup", before);
  say (f, "libvirt resumed", before);
  migrations_on_iteration (f->migrations, UUID, "web1", 3);
  g_assert_cmpuint (migrations_size (f->migrations), ==, 1);
  say (f, "qemu MIGRATION setup", g_get_real_time () + 2 * G_USEC_PER_SEC);
  g_assert_cmpuint (migrations_size (f->migrations), ==, 2);
  g_assert_nonnull (migrations_running (f->migrations, UUID));
}

static void
test_outage (Fixture *f, gconstpointer data)
{
  HypervisorJob job = { .downtime_ms = 140, .downtime_net_ms = 120, .device_bytes = 176 };
  MigrationDevice device;

  /* stop-copy at 3 ms, STOP at 4 ms by QEMU's clock: 1 ms before the guest stopped */
  converse (f, "qemu MIGRATION setup; qemu VFIO_MIGRATION pre-copy; qemu MIGRATION active; qemu "
               "VFIO_MIGRATION stop-copy; "
               "qemu STOP; libvirt suspended-migrated; qemu MIGRATION completed; libvirt stopped-migrated");
  migrations_on_job (f->migrations, UUID, &job, TRUE);
  device = migration_get_device (newest (f), 0);
  g_assert_cmpstr (device.state, ==, "stop-copy");
  g_assert_true (device.outage.known);
  g_assert_false (device.outage.complete);
  g_assert_cmpint (device.outage.usec, ==, 121000);
  g_assert_cmpint (device.outage.origin, ==, ACCMIG_ORIGIN_LIBVIRT);
  g_assert_cmpint (migration_get_downtime (newest (f)).usec, ==, 120000);
  g_assert_cmpint (migration_get_job (newest (f))->device_bytes, ==, 176);
}

static void
test_failed_source_has_a_complete_outage (Fixture *f, gconstpointer data)
{
  converse (f, "qemu MIGRATION setup; qemu MIGRATION active; qemu VFIO_MIGRATION stop-copy; qemu STOP; "
               "libvirt suspended-migrated; qemu MIGRATION failed; qemu RESUME; qemu VFIO_MIGRATION running");

  MigrationDevice device = migration_get_device (newest (f), 0);

  g_assert_cmpstr (device.state, ==, "running");
  g_assert_true (device.outage.complete);
  g_assert_cmpint (device.outage.usec, ==, 5000);
}

static void
test_looks (Fixture *f, gconstpointer data)
{
  gint64 now = g_get_real_time ();

  converse (f, "qemu MIGRATION setup; qemu MIGRATION active");
  g_assert_true (migrations_wants_looks (f->migrations, UUID));
  migrations_on_look (f->migrations, "0001:00:00.1", ACCMIG_STATE_PRE_COPY, now);
  migrations_on_look (f->migrations, "0001:00:00.1", ACCMIG_STATE_STOP_COPY, now + 20000);
  migrations_on_look (f->migrations, "0001:00:00.7", ACCMIG_STATE_STOP_COPY, now + 20000);
  g_assert_cmpstr (migration_get_device (newest (f), 0).state, ==, "stop-copy");
  migrations_on_look (f->migrations, "0001:00:00.1", ACCMIG_STATE_STOP_COPY, now + 40000);
  converse (f, "libvirt suspended-migrated; qemu MIGRATION failed");
  migrations_on_look (f->migrations, "0001:00:00.1", ACCMIG_STATE_RUNNING, now + 60000);

  MigrationDevice device = migration_get_device (newest (f), 0);

  g_assert_true (device.outage.complete);
  g_assert_cmpint (device.outage.usec, ==, 40000);
  g_assert_cmpint (device.outage.origin, ==, ACCMIG_ORIGIN_POLL);
  g_assert_cmpint (device.outage.error_usec, >=, 20000);
  g_assert_false (migrations_wants_looks (f->migrations, UUID));
}

static void
test_events_make_looks_needless (Fixture *f, gconstpointer data)
{
  converse (f, "qemu MIGRATION setup; qemu VFIO_MIGRATION pre-copy");
  g_assert_false (migrations_wants_looks (f->migrations, UUID));
}

static void
test_memory_is_bounded (Fixture *f, gconstpointer data)
{
  for (int i = 0; i < 50; i++)
    converse (f, "announce; refuse no");
  g_assert_cmpuint (migrations_size (f->migrations), ==, 16);
  g_assert_cmpuint (f->removed, ==, 34);
  g_assert_cmpuint (migration_get_id (newest (f)), ==, 50);
}

static void
test_log_gives_the_cause (Fixture *f, gconstpointer data)
{
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
  g_autofree char *time = g_date_time_format (now, "%Y-%m-%dT%H:%M:%S.%f");
  g_autofree char *text = g_strdup_printf (
      "2001-01-01T00:00:00.000000Z qemu-system-x86_64: load of migration failed: of another time\n"
      "%sZ qemu-system-x86_64: error while loading state section id 2(0000:00:02.0/vfio)\n"
      "%sZ qemu-system-x86_64: load of migration failed: Bad address\n",
      time, time);

  converse (f, "announce; accept; libvirt started-migrated; qemu MIGRATION failed");
  g_assert_cmpuint (f->want_log, ==, 1);
  migrations_on_qemu_log (f->migrations, UUID, text, strlen (text));
  g_assert_cmpstr (migration_get_cause (newest (f)), ==,
                   "error while loading state section id 2(0000:00:02.0/vfio)");
}

#define NOT_LOADED "error while loading state section id 2(0000:00:02.0/vfio)"
#define EVIDENCE   "the driver was given queue count 8, 0001:00:00.1 has 4"

/* QEMU's log with one line, written now. */
static void
say_log (Fixture *f, const char *line)
{
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
  g_autofree char *time = g_date_time_format (now, "%Y-%m-%dT%H:%M:%S.%f");
  g_autofree char *text = g_strdup_printf ("%sZ qemu-system-x86_64: %s\n", time, line);

  migrations_on_qemu_log (f->migrations, UUID, text, strlen (text));
}

static void
test_evidence_is_the_cause (Fixture *f, gconstpointer data)
{
  g_autoptr (HistoryRow) row = NULL;

  converse (f, "announce; accept; libvirt started-migrated; qemu MIGRATION failed; libvirt stopped-failed");
  say_log (f, NOT_LOADED);
  g_assert_cmpuint (f->want_evidence, ==, 1);
  migrations_on_evidence (f->migrations, UUID, EVIDENCE);
  migrations_on_evidence (f->migrations, UUID, EVIDENCE); /* asked twice */
  g_assert_cmpstr (migration_get_cause (newest (f)), ==, EVIDENCE "; " NOT_LOADED);
  row = history_get (f->history, 0, NULL);
  g_assert_cmpstr (row->cause, ==, EVIDENCE "; " NOT_LOADED);

  say_log (f, NOT_LOADED); /* knows less */
  g_assert_cmpstr (migration_get_cause (newest (f)), ==, EVIDENCE "; " NOT_LOADED);
  g_assert_cmpuint (f->want_evidence, ==, 1);
}

/* While QEMU is about to end, what the driver keeps is of an earlier migration. */
static void
test_evidence_waits_for_the_end (Fixture *f, gconstpointer data)
{
  converse (f, "announce; accept; libvirt started-migrated; qemu MIGRATION failed");
  g_assert_cmpuint (f->want_log, ==, 1);
  say_log (f, NOT_LOADED);
  g_assert_cmpstr (migration_get_cause (newest (f)), ==, NOT_LOADED);
  g_assert_cmpuint (f->want_evidence, ==, 0);
  converse (f, "libvirt stopped-failed");
  g_assert_cmpuint (f->want_log, ==, 2);
  say_log (f, NOT_LOADED);
  g_assert_cmpuint (f->want_evidence, ==, 1);
  converse (f, "libvirt stopped");
  g_assert_cmpuint (f->want_log, ==, 2);
}

/* Everything that tells of an incoming guest's end. */
static void
test_evidence_of_every_end (Fixture *f, gconstpointer data)
{
  static const char *const ends[] = { "libvirt stopped-failed", "libvirt stopped", "hook release" };

  for (guint i = 0; i < G_N_ELEMENTS (ends); i++)
    {
      converse (f, "announce; accept; hook prepare; libvirt started-migrated");
      converse (f, ends[i]);
      g_assert_cmpuint (f->want_log, ==, i + 1);
      say_log (f, NOT_LOADED);
      g_assert_cmpuint (f->want_evidence, ==, i + 1);
    }
}

/* A guest that is booted here after its failure, or in place of its arrival: its end is nothing to us. */
static void
test_booted_instead (Fixture *f, gconstpointer data)
{
  converse (f, "announce; accept; libvirt started-migrated; qemu MIGRATION failed; libvirt stopped-failed");
  g_assert_cmpuint (f->want_log, ==, 2);
  converse (f, "libvirt started; libvirt stopped");
  g_assert_cmpuint (f->want_log, ==, 2);

  converse (f, "announce; accept; hook prepare; libvirt started");
  g_assert_cmpuint (f->want_log, ==, 3);
  converse (f, "libvirt stopped");
  g_assert_cmpuint (f->want_log, ==, 3);
  say_log (f, NOT_LOADED);
  g_assert_cmpuint (f->want_evidence, ==, 0);

  converse (f, "announce; accept; libvirt started-migrated; qemu MIGRATION failed; libvirt started; "
               "libvirt stopped");
  g_assert_cmpuint (f->want_log, ==, 4);
}

/* Where no state was refused here, what the driver keeps is of an earlier migration. */
static void
test_no_evidence (Fixture *f, gconstpointer data)
{
  static const struct
  {
    const char *steps, *line;
  } rows[] = {
    { "qemu MIGRATION setup; qemu MIGRATION failed; libvirt stopped", NOT_LOADED }, /* the source */
    { "announce; accept; libvirt started-migrated; qemu MIGRATION failed; libvirt stopped-failed",
      "load of migration failed: Input/output error" },
    { "announce; accept; libvirt started-migrated; libvirt resumed-migrated; libvirt stopped", NOT_LOADED },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *before = NULL;

      converse (f, rows[i].steps);
      say_log (f, rows[i].line);
      g_assert_cmpuint (f->want_evidence, ==, 0);
      if (migration_get_phase (newest (f)) == PHASE_FAILED)
        continue;
      before = g_strdup (migration_get_cause (newest (f)));
      migrations_on_evidence (f->migrations, UUID, EVIDENCE);
      g_assert_cmpstr (migration_get_cause (newest (f)), ==, before);
    }
}

/* QEMU sets up a migration for virsh save and for snapshots, too. */
static void
test_a_save_is_no_migration (Fixture *f, gconstpointer data)
{
  HypervisorJob save = { .other = TRUE, .downtime_ms = -1, .elapsed_ms = -1 };

  converse (f, "qemu MIGRATION setup; qemu MIGRATION active");
  g_assert_cmpuint (f->want_job, ==, 1);
  migrations_on_job (f->migrations, UUID, &save, FALSE);
  g_assert_cmpuint (migrations_size (f->migrations), ==, 0);
  g_assert_cmpuint (f->removed, ==, 1);
  g_assert_null (history_get (f->history, 0, NULL));
}

static void
test_a_save_that_was_quick (Fixture *f, gconstpointer data)
{
  converse (f, "qemu MIGRATION setup; qemu STOP; qemu MIGRATION completed; libvirt stopped-saved");
  g_assert_cmpuint (migrations_size (f->migrations), ==, 0);
  g_assert_null (history_get (f->history, 0, NULL));
}

/* The first to begin is the last to end: it is not the one to be forgotten. */
static void
test_the_last_to_end_stays (Fixture *f, gconstpointer data)
{
  HypervisorJob job = { .downtime_ms = 50, .downtime_net_ms = 40 };
  guint64 id;

  converse (f, "qemu MIGRATION setup");
  id = migration_get_id (newest (f));
  for (int i = 0; i < 30; i++)
    {
      g_autofree char *uuid = g_strdup_printf ("9b4d6bd6-6f1a-4d0c-8f3c-%012d", i);
      g_autofree char *other_xml = NULL;
      g_auto (GStrv) parts = g_strsplit (xml, UUID, 2);
      g_autoptr (AccmigDomain) other = NULL;

      other_xml = g_strjoin (uuid, parts[0], parts[1], NULL);
      other = accmig_domain_new_from_xml (other_xml, strlen (other_xml), NULL);
      migrations_announce (f->migrations, other);
      migrations_on_gate (f->migrations, uuid, FALSE, "no");
    }
  converse (f, "libvirt suspended-migrated; libvirt stopped-migrated");
  migrations_on_job (f->migrations, UUID, &job, TRUE);

  g_autoptr (HistoryRow) row = history_get (f->history, id, NULL);
  g_assert_cmpint (row->downtime_usec, ==, 40000);
}

static void
test_looks_at_the_same_state_change_nothing (Fixture *f, gconstpointer data)
{
  gint64 now = g_get_real_time ();
  AccmigFigure first;

  converse (f, "qemu MIGRATION setup; qemu MIGRATION active");
  migrations_on_look (f->migrations, "0001:00:00.1", ACCMIG_STATE_PRE_COPY, now + 1000000);
  migrations_on_look (f->migrations, "0001:00:00.1", ACCMIG_STATE_STOP_COPY, now + 1050000);
  migrations_on_look (f->migrations, "0001:00:00.1", ACCMIG_STATE_STOP_COPY, now + 1100000);
  converse (f, "libvirt suspended-migrated; qemu MIGRATION failed");
  migrations_on_look (f->migrations, "0001:00:00.1", ACCMIG_STATE_RUNNING, now + 1150000);
  first = migration_get_device (newest (f), 0).outage;
  for (int i = 1; i < 5; i++)
    migrations_on_look (f->migrations, "0001:00:00.1", ACCMIG_STATE_RUNNING, now + 1150000 + i * 50000);
  g_assert_cmpint (migration_get_device (newest (f), 0).outage.usec, ==, first.usec);
  g_assert_cmpint (ABS (first.usec - 100000), <=,
                   first.error_usec); /* stopped at 1.0 … 1.05 s, running at 1.1 … 1.15 s */
}

/* ---- after an absence
 * ---------------------------------------------------------------------------------------- */

typedef struct
{
  const char *name;
  const char *before;      /* what was seen before the agent was killed */
  HypervisorDomain domain; /* what is there now; uuid NULL: nothing */
  const char *log;         /* (nullable): last word in QEMU's log, when it is asked for; "" for none */
  int job;                 /* answer to want_job: 1 active, 0 none, -1 must not be asked */
  Phase phase;
  gboolean promised; /* devices are kept for it */
} Absence;

static const Absence absences[] = {
  { "source-arrived",
    "qemu MIGRATION setup; qemu MIGRATION active",
    { UUID, HYPERVISOR_DOMAIN_SHUTOFF, TRUE, FALSE },
    NULL,
    -1,
    PHASE_COMPLETED },
  { "source-gone-log-says-migrated", "qemu MIGRATION setup", { NULL }, "migrated", -1, PHASE_COMPLETED },
  { "source-gone-log-says-destroyed", "qemu MIGRATION setup", { NULL }, "destroyed", -1, PHASE_FAILED },
  { "source-gone-log-says-nothing", "qemu MIGRATION setup", { NULL }, "", -1, PHASE_LOST },
  { "source-goes-on",
    "qemu MIGRATION setup; qemu MIGRATION active",
    { UUID, HYPERVISOR_DOMAIN_RUNNING, FALSE, TRUE },
    NULL,
    1,
    PHASE_COPYING },
  { "source-runs-without-a-job",
    "qemu MIGRATION setup; qemu MIGRATION active",
    { UUID, HYPERVISOR_DOMAIN_RUNNING, FALSE, FALSE },
    NULL,
    0,
    PHASE_FAILED },
  { "source-shut-off",
    "qemu MIGRATION setup",
    { UUID, HYPERVISOR_DOMAIN_SHUTOFF, FALSE, FALSE },
    NULL,
    -1,
    PHASE_FAILED },
  { "destination-runs",
    "announce; accept; hook prepare; libvirt started-migrated",
    { UUID, HYPERVISOR_DOMAIN_RUNNING, FALSE, FALSE },
    NULL,
    -1,
    PHASE_COMPLETED },
  { "destination-on-its-way",
    "announce; accept; hook prepare; libvirt started-migrated",
    { UUID, HYPERVISOR_DOMAIN_PAUSED, FALSE, TRUE },
    NULL,
    -1,
    PHASE_INCOMING },
  { "destination-gone",
    "announce; accept; hook prepare; libvirt started-migrated",
    { NULL },
    NULL,
    -1,
    PHASE_FAILED },
  { "destination-promised-no-more", "announce; accept", { NULL }, NULL, -1, PHASE_FAILED },
  { "destination-promised", "announce; accept", { NULL }, NULL, -1, PHASE_ACCEPTED, TRUE },
  { "destination-never-answered", "announce", { NULL }, NULL, -1, PHASE_FAILED, TRUE },
  { "destination-arrived-unseen",
    "announce; accept",
    { UUID, HYPERVISOR_DOMAIN_RUNNING, FALSE, FALSE },
    NULL,
    -1,
    PHASE_COMPLETED },
  { "destination-arrived-paused",
    "announce; accept; hook prepare; libvirt started-migrated",
    { UUID, HYPERVISOR_DOMAIN_PAUSED, FALSE, FALSE },
    NULL,
    -1,
    PHASE_COMPLETED },
};

/* The agent is killed after some events, and its successor finds the same history. */
static void
test_absence (Fixture *f, gconstpointer data)
{
  const Absence *a = data;
  g_autoptr (GPtrArray) domains = g_ptr_array_new ();
  HypervisorDomain domain = a->domain;
  g_autofree char *log = NULL;
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();

  converse (f, a->before);
  migrations_free (f->migrations);
  f->migrations = migrations_new (f->history, &callbacks, f);
  g_assert_cmpuint (migrations_size (f->migrations), ==, 1);
  g_assert_nonnull (migrations_running (f->migrations, UUID));

  if (domain.uuid != NULL)
    g_ptr_array_add (domains, &domain);
  f->want_log = f->want_job = 0;
  f->promised = a->promised;
  migrations_reconcile (f->migrations, domains);
  if (a->log != NULL)
    {
      g_assert_cmpuint (f->want_log, ==, 1);
      g_autofree char *line = g_date_time_format (now, "%Y-%m-%d %H:%M:%S.500+0000: shutting down, reason=");

      log = g_strconcat (*a->log != '\0' ? line : "", a->log, "\n", NULL);
      migrations_on_qemu_log (f->migrations, UUID, log, strlen (log));
    }
  if (a->job >= 0)
    {
      HypervisorJob job = { .active = a->job, .outgoing = TRUE };

      g_assert_cmpuint (f->want_job, ==, 1);
      migrations_on_job (f->migrations, UUID, &job, FALSE);
    }
  g_assert_cmpstr (phase_to_string (migration_get_phase (newest (f))), ==, phase_to_string (a->phase));
  g_assert_cmpint (migration_is_worked_out (newest (f)), ==, phase_is_end (a->phase));
}

/* A guest without hostdevs counts when somebody holds a device for it. */
static void
test_registered_devices_count (Fixture *f, gconstpointer data)
{
  static const char *const other = "1c2d6bd6-6f1a-4d0c-8f3c-3d8f3f0c6c22";

  migrations_on_iteration (f->migrations, other, "backend", 1);
  migrations_on_arriving_bare (f->migrations, other, "backend");
  g_assert_cmpuint (migrations_size (f->migrations), ==, 0);
  f->registered = TRUE;
  migrations_on_qemu_event (f->migrations, other, "backend", "MIGRATION", 1, "{\"status\": \"setup\"}");
  g_assert_cmpuint (migrations_size (f->migrations), ==, 0); /* it may as well arrive */
  migrations_on_iteration (f->migrations, other, "backend", 1);
  g_assert_cmpuint (migrations_size (f->migrations), ==, 1);
  g_assert_cmpint (migration_get_role (newest (f)), ==, ROLE_SOURCE);
  g_assert_cmpint (migration_get_phase (newest (f)), ==, PHASE_COPYING);
  g_assert_cmpuint (migration_get_n_devices (newest (f)), ==, 0);
  migrations_on_lifecycle (f->migrations, other, "backend", LIFECYCLE_STOPPED_MIGRATED);
  migrations_on_arriving_bare (f->migrations, other, "backend");
  migrations_on_arriving_bare (f->migrations, other, "backend");
  g_assert_cmpuint (migrations_size (f->migrations), ==, 2);
  g_assert_cmpint (migration_get_role (newest (f)), ==, ROLE_DESTINATION);
  g_assert_cmpint (migration_get_phase (newest (f)), ==, PHASE_INCOMING);
}

/* … also when it moves on a moment after it has come, or tries once more to leave. */
static void
test_registered_devices_count_again (Fixture *f, gconstpointer data)
{
  static const char *const other = "1c2d6bd6-6f1a-4d0c-8f3c-3d8f3f0c6c22";
  static const char setup[] = "{\"status\": \"setup\"}";
  gint64 later_usec = g_get_real_time () + 5 * G_USEC_PER_SEC;

  f->registered = TRUE;
  migrations_on_arriving_bare (f->migrations, other, "backend");
  migrations_on_lifecycle (f->migrations, other, "backend", LIFECYCLE_RESUMED_MIGRATED);
  migrations_on_lifecycle (f->migrations, other, "backend", LIFECYCLE_RESUMED);
  g_assert_cmpint (migration_get_phase (newest (f)), ==, PHASE_COMPLETED);
  migrations_on_iteration (f->migrations, other, "backend", 1); /* a straggler */
  g_assert_cmpuint (migrations_size (f->migrations), ==, 1);

  migrations_on_qemu_event (f->migrations, other, "backend", "MIGRATION", later_usec, setup);
  g_assert_cmpuint (migrations_size (f->migrations), ==, 2);
  g_assert_cmpint (migration_get_role (newest (f)), ==, ROLE_SOURCE);
  migrations_on_qemu_event (f->migrations, other, "backend", "MIGRATION", later_usec,
                            "{\"status\": \"failed\"}");
  g_assert_cmpint (migration_get_phase (newest (f)), ==, PHASE_FAILED);

  migrations_on_qemu_event (f->migrations, other, "backend", "MIGRATION", later_usec, setup);
  g_assert_cmpuint (migrations_size (f->migrations), ==, 3);
  migrations_on_qemu_event (f->migrations, other, "backend", "MIGRATION", later_usec,
                            "{\"status\": \"completed\"}");
  migrations_on_lifecycle (f->migrations, other, "backend", LIFECYCLE_STOPPED_MIGRATED);
  g_assert_cmpint (migration_get_phase (newest (f)), ==, PHASE_COMPLETED);
  migrations_on_qemu_event (f->migrations, other, "backend", "MIGRATION", later_usec,
                            setup); /* it comes back */
  g_assert_cmpuint (migrations_size (f->migrations), ==, 3);
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *path;
    void (*run) (Fixture *f, gconstpointer data);
  } tests[] = {
    { "/migrations/nothing-to-do-with-us", test_nothing_to_do_with_us },
    { "/migrations/hostile-events", test_hostile_events },
    { "/migrations/causes-are-printable", test_causes_are_printable },
    { "/migrations/stragglers-begin-nothing", test_stragglers_begin_nothing },
    { "/migrations/outage", test_outage },
    { "/migrations/failed-source-has-a-complete-outage", test_failed_source_has_a_complete_outage },
    { "/migrations/looks", test_looks },
    { "/migrations/events-make-looks-needless", test_events_make_looks_needless },
    { "/migrations/memory-is-bounded", test_memory_is_bounded },
    { "/migrations/a-save-is-no-migration", test_a_save_is_no_migration },
    { "/migrations/a-save-that-was-quick", test_a_save_that_was_quick },
    { "/migrations/the-last-to-end-stays", test_the_last_to_end_stays },
    { "/migrations/looks-at-the-same-state-change-nothing", test_looks_at_the_same_state_change_nothing },
    { "/migrations/log-gives-the-cause", test_log_gives_the_cause },
    { "/migrations/evidence-is-the-cause", test_evidence_is_the_cause },
    { "/migrations/evidence-waits-for-the-end", test_evidence_waits_for_the_end },
    { "/migrations/evidence-of-every-end", test_evidence_of_every_end },
    { "/migrations/booted-instead", test_booted_instead },
    { "/migrations/no-evidence", test_no_evidence },
    { "/migrations/registered-devices-count", test_registered_devices_count },
    { "/migrations/registered-devices-count/again", test_registered_devices_count_again },
    { "/migrations/refused-elsewhere", test_refused_elsewhere },
    { "/migrations/refused-elsewhere/in-vain", test_refused_elsewhere_in_vain },
    { "/migrations/refused-elsewhere/twice", test_refused_elsewhere_twice },
    { "/migrations/refused-elsewhere/in-between", test_refused_elsewhere_in_between },
    { "/migrations/refused-elsewhere/then-moves", test_refused_elsewhere_then_moves },
  };

  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (conversations); i++)
    {
      g_autofree char *path = g_strconcat ("/migrations/conversation/", conversations[i].name, NULL);

      g_test_add (path, Fixture, &conversations[i], set_up, test_conversation, tear_down);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (absences); i++)
    {
      g_autofree char *path = g_strconcat ("/migrations/absence/", absences[i].name, NULL);

      g_test_add (path, Fixture, &absences[i], set_up, test_absence, tear_down);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (tests); i++)
    g_test_add (tests[i].path, Fixture, NULL, set_up, tests[i].run, tear_down);
  return g_test_run ();
}
