// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Drives: the order of steps against the guest's stop and resume, every step failing, late or never answered,
 * and an agent that is killed at every step it wrote down. What may not happen is checked by drive-world.c.
 */

#include "drive-world.h"

#define SC   ACCMIG_FLAG_STOP_COPY
#define P2P  ACCMIG_FLAG_P2P
#define PRE  ACCMIG_FLAG_PRE_COPY
#define ALL  (SC | P2P | PRE)
#define NONE 0

/* ---- courses of a migration ---- */

static void
copy (World *world)
{
  world_tell (world, GUEST_RUNS_HERE, DRIVE_COPYING);
  world_run (world, 2);
  world_open_streams (world);
  world_run (world, 2);
}

/* Both witnesses tell it. */
static void
stop (World *world)
{
  world_tell (world, GUEST_STOPPED, DRIVE_GUEST_STOPPED);
  world_run (world, 1);
  world_tell (world, GUEST_STOPPED, DRIVE_GUEST_STOPPED);
  world_run (world, 1);
}

static void
source_completes (World *world)
{
  copy (world);
  stop (world);
  world_confirm (world);
  world_tell (world, GUEST_ELSEWHERE, DRIVE_GONE);
}

/* The guest has left before the last of it was read. */
static void
source_completes_early (World *world)
{
  copy (world);
  world_tell (world, GUEST_STOPPED, DRIVE_GUEST_STOPPED);
  world_tell (world, GUEST_ELSEWHERE, DRIVE_GONE);
  world_run (world, 2);
  world_confirm (world);
}

static void
source_fails_copying (World *world)
{
  copy (world);
  world_tell (world, GUEST_RUNS_HERE, DRIVE_FAILED);
}

static void
source_fails_stopped (World *world)
{
  copy (world);
  stop (world);
  world_run (world, 40); /* a step that is late is late here */
  world_tell (world, GUEST_RUNS_HERE, DRIVE_GUEST_RUNS);
  world_tell (world, GUEST_RUNS_HERE, DRIVE_FAILED);
}

/* The guest is back while the devices are still on their way down. */
static void
source_fails_at_once (World *world)
{
  copy (world);
  world_tell (world, GUEST_STOPPED, DRIVE_GUEST_STOPPED);
  world_tell (world, GUEST_STOPPED, DRIVE_FAILED);
  world_run (world, 1);
  world_tell (world, GUEST_STOPPED, DRIVE_GUEST_RUNS);
}

/* It takes longer than the whole switching may. */
static void
source_hangs (World *world)
{
  copy (world);
  stop (world);
  world_run (world, 600);
  world_tell (world, GUEST_STOPPED, DRIVE_FAILED);
}

static void
source_is_lost (World *world)
{
  copy (world);
  stop (world);
  world_tell (world, GUEST_ELSEWHERE, DRIVE_LOST);
}

static void
source_is_lost_copying (World *world)
{
  copy (world);
  world_tell (world, GUEST_ELSEWHERE, DRIVE_LOST);
}

static void
load (World *world)
{
  world_run (world, 1);
  world_open_streams (world);
  world_run (world, 1);
}

static void
destination_completes (World *world)
{
  load (world);
  world_tell (world, GUEST_STOPPED, DRIVE_ARRIVED);
  world_run (world, 1);
  world_tell (world, GUEST_RUNS_HERE, DRIVE_GUEST_RUNS);
}

/* The guest is resumed before its devices are loaded. */
static void
destination_hurries (World *world)
{
  world_run (world, 1);
  world_open_streams (world);
  world_tell (world, GUEST_RUNS_HERE, DRIVE_GUEST_RUNS);
}

static void
destination_is_not_sent (World *world)
{
  world_run (world, 1);
  world_tell (world, GUEST_RUNS_HERE, DRIVE_GUEST_RUNS);
}

static void
destination_waits (World *world)
{
  load (world);
  world_tell (world, GUEST_STOPPED, DRIVE_ARRIVED);
  world_run (world, 600);
  world_tell (world, GUEST_RUNS_HERE, DRIVE_GUEST_RUNS);
}

static void
destination_fails (World *world)
{
  load (world);
  world_tell (world, GUEST_ELSEWHERE, DRIVE_FAILED);
}

static const struct
{
  const char *name;
  Role role;
  void (*run) (World *world);
} courses[] = {
  { "source completes", ROLE_SOURCE, source_completes },
  { "source completes early", ROLE_SOURCE, source_completes_early },
  { "source fails while copying", ROLE_SOURCE, source_fails_copying },
  { "source fails while stopped", ROLE_SOURCE, source_fails_stopped },
  { "source fails at once", ROLE_SOURCE, source_fails_at_once },
  { "source hangs", ROLE_SOURCE, source_hangs },
  { "source is lost", ROLE_SOURCE, source_is_lost },
  { "source is lost while copying", ROLE_SOURCE, source_is_lost_copying },
  { "destination completes", ROLE_DESTINATION, destination_completes },
  { "destination hurries", ROLE_DESTINATION, destination_hurries },
  { "destination is not sent", ROLE_DESTINATION, destination_is_not_sent },
  { "destination waits", ROLE_DESTINATION, destination_waits },
  { "destination fails", ROLE_DESTINATION, destination_fails },
};

/* Longer than everything that has a limit. */
#define A_WHILE 1000

static const guint64 sets[][WORLD_MAX_DEVICES] = {
  { ALL, ALL, NONE }, { SC | P2P, SC | P2P, NONE }, { SC | PRE, SC | PRE, NONE },
  { SC, SC, NONE },   { ALL, SC | P2P, SC },        { SC, ALL, NONE },
};

/* ---- order ---- */

static const struct
{
  const char *name;
  void (*course) (World *world);
  Role role;
  guint64 flags[WORLD_MAX_DEVICES];
  const char *steps;
} orders[] = {
  { "two with everything",
    source_completes,
    ROLE_SOURCE,
    { ALL, ALL, NONE },
    "a:pre-copy b:pre-copy a:pre-copy-p2p b:pre-copy-p2p a:stop-copy b:stop-copy a:drain b:drain a:stop "
    "b:stop " },
  { "p2p alone",
    source_completes,
    ROLE_SOURCE,
    { SC | P2P, SC | P2P, NONE },
    "a:running-p2p b:running-p2p a:stop b:stop a:stop-copy b:stop-copy a:drain b:drain a:stop b:stop " },
  { "nothing but stop-copy",
    source_completes,
    ROLE_SOURCE,
    { SC, NONE, NONE },
    "a:stop a:stop-copy a:drain a:stop " },
  { "pre-copy without p2p",
    source_completes,
    ROLE_SOURCE,
    { SC | PRE, NONE, NONE },
    "a:pre-copy a:stop-copy a:drain a:stop " },
  { "mixed",
    source_completes,
    ROLE_SOURCE,
    { ALL, SC | P2P, SC },
    "a:pre-copy a:pre-copy-p2p b:running-p2p a:stop-copy b:stop c:stop b:stop-copy c:stop-copy a:drain "
    "b:drain "
    "c:drain a:stop b:stop c:stop " },
  { "back in the reverse order",
    source_fails_stopped,
    ROLE_SOURCE,
    { ALL, SC | P2P, NONE },
    "a:pre-copy a:pre-copy-p2p b:running-p2p a:stop-copy b:stop b:stop-copy a:drain b:drain a:stop b:stop "
    "a:running-p2p b:running-p2p a:running b:running " },
  { "back out of pre-copy",
    source_fails_copying,
    ROLE_SOURCE,
    { ALL, SC | P2P, NONE },
    "a:pre-copy a:running " },
  { "destination",
    destination_completes,
    ROLE_DESTINATION,
    { ALL, SC | P2P, SC },
    "a:resuming b:resuming c:resuming a:fill b:fill c:fill a:stop b:stop c:stop a:running-p2p b:running-p2p "
    "a:running b:running c:running " },
  { "destination not sent",
    destination_is_not_sent,
    ROLE_DESTINATION,
    { ALL, NONE, NONE },
    "a:resuming a:reset " },
  { "destination failed",
    destination_fails,
    ROLE_DESTINATION,
    { SC, NONE, NONE },
    "a:resuming a:fill a:stop a:reset " },
};

static void
test_order (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (orders); i++)
    {
      g_autoptr (World) world = world_new (orders[i].role, orders[i].flags);

      g_test_message ("%s", orders[i].name);
      world_begin (world, DRIVE_FRESH);
      orders[i].course (world);
      world_run (world, A_WHILE);
      g_assert_cmpstr (world->log->str, ==, orders[i].steps);
      world_check_end (world, orders[i].name);
    }
}

static void
test_outcomes (void)
{
  static const struct
  {
    void (*course) (World *world);
    Role role;
    DriveOutcome outcome;
    gboolean alarm;
  } rows[] = {
    { source_completes, ROLE_SOURCE, DRIVE_OUTCOME_SENT, FALSE },
    { source_completes_early, ROLE_SOURCE, DRIVE_OUTCOME_SENT, FALSE },
    { source_fails_stopped, ROLE_SOURCE, DRIVE_OUTCOME_RUNNING, FALSE },
    { source_fails_copying, ROLE_SOURCE, DRIVE_OUTCOME_RUNNING, FALSE },
    { source_fails_at_once, ROLE_SOURCE, DRIVE_OUTCOME_RUNNING, FALSE },
    { source_is_lost, ROLE_SOURCE, DRIVE_OUTCOME_LOST, TRUE },
    { destination_completes, ROLE_DESTINATION, DRIVE_OUTCOME_RUNNING, FALSE },
    { destination_hurries, ROLE_DESTINATION, DRIVE_OUTCOME_RUNNING, FALSE },
    { destination_waits, ROLE_DESTINATION, DRIVE_OUTCOME_RUNNING, FALSE },
    { destination_is_not_sent, ROLE_DESTINATION, DRIVE_OUTCOME_LOST, TRUE },
    { destination_fails, ROLE_DESTINATION, DRIVE_OUTCOME_LOST, FALSE },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    for (gsize j = 0; j < G_N_ELEMENTS (sets); j++)
      {
        g_autoptr (World) world = world_new (rows[i].role, sets[j]);

        world_begin (world, DRIVE_FRESH);
        rows[i].course (world);
        world_run (world, A_WHILE);
        world_check_end (world, "outcome");
        for (guint d = 0; d < world->n_devices; d++)
          {
            g_assert_cmpint (world->devices[d].outcome, ==, rows[i].outcome);
            g_assert_cmpint (world->devices[d].alarm != NULL, ==, rows[i].alarm);
          }
      }
}

/* ---- faults ---- */

static void
run_with_fault (gsize course, const guint64 *flags, const Fault *fault, guint *ret_struck)
{
  g_autoptr (World) world = world_new (courses[course].role, flags);

  world->fault = *fault;
  world_begin (world, DRIVE_FRESH);
  courses[course].run (world);
  world_run (world, A_WHILE);
  if (world->struck > 0)
    world_check_end (world, courses[course].name);
  if (world->struck > 0 && fault->kind == FAULT_LATE) /* late, and then where it should be */
    g_assert_cmpint (world->devices[0].state, ==,
                     world->role == ROLE_SOURCE && world->guest == GUEST_ELSEWHERE ? ACCMIG_STATE_STOP
                                                                                   : ACCMIG_STATE_RUNNING);
  *ret_struck += world->struck;
}

/* Every step, reset, stream and check × every way to go wrong × every course × every set of devices. */
static void
test_faults (void)
{
  guint struck = 0;

  for (gsize course = 0; course < G_N_ELEMENTS (courses); course++)
    for (gsize set = 0; set < G_N_ELEMENTS (sets); set++)
      for (int act = 0; act < N_ACTS; act++)
        for (int to = 0; to < (act == ACT_STEP ? ACCMIG_N_STATES : 1); to++)
          for (int kind = FAULT_ONCE; kind < N_FAULTS; kind++)
            {
              Fault fault = { .act = act, .to = to, .kind = kind };

              g_test_message ("%s, set %zu, act %d to %s, fault %d", courses[course].name, set, act,
                              accmig_state_to_string (to), kind);
              run_with_fault (course, sets[set], &fault, &struck);
            }
  g_test_message ("%u faults struck", struck);
  g_assert_cmpuint (struck, >, 1000);
}

/* A step that failed once on the way to where the guest is, is none the guest notices. */
static void
test_tried_again (void)
{
  static const struct
  {
    void (*course) (World *world);
    Role role;
    AccmigState to;
  } rows[] = {
    { source_fails_stopped, ROLE_SOURCE, ACCMIG_STATE_RUNNING_P2P },
    { source_fails_stopped, ROLE_SOURCE, ACCMIG_STATE_RUNNING },
    { destination_completes, ROLE_DESTINATION, ACCMIG_STATE_RUNNING_P2P },
    { destination_completes, ROLE_DESTINATION, ACCMIG_STATE_RUNNING },
  };
  static const guint64 flags[WORLD_MAX_DEVICES] = { SC | P2P, SC | P2P, NONE };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (World) world = world_new (rows[i].role, flags);

      /* on the way down running-p2p comes first at the source, and its failure turns all round */
      world->fault = (Fault){ .act = ACT_STEP, .to = rows[i].to, .kind = FAULT_ONCE };
      world_begin (world, DRIVE_FRESH);
      rows[i].course (world);
      world_run (world, A_WHILE);
      g_assert_cmpuint (world->struck, ==, 1);
      g_assert_cmpint (world->devices[0].state, ==, ACCMIG_STATE_RUNNING);
      g_assert_cmpint (world->devices[0].outcome, ==, DRIVE_OUTCOME_RUNNING);
      g_assert_null (world->devices[0].alarm);
    }
}

/* … and the barrier waits for it. */
static void
test_barrier_waits (void)
{
  static const guint64 flags[WORLD_MAX_DEVICES] = { SC | P2P, SC | P2P, NONE };
  g_autoptr (World) world = world_new (ROLE_DESTINATION, flags);

  world->fault = (Fault){ .act = ACT_STEP, .to = ACCMIG_STATE_RUNNING_P2P, .kind = FAULT_ONCE };
  world_begin (world, DRIVE_FRESH);
  destination_completes (world);
  world_run (world, A_WHILE);
  g_assert_true (
      g_str_has_suffix (world->log->str, "a:running-p2p b:running-p2p a:running-p2p a:running b:running "));
}

/* The guest runs again, and how the migration ended is not known yet: its devices do not wait for that. */
static void
test_back_at_once (void)
{
  for (gsize set = 0; set < G_N_ELEMENTS (sets); set++)
    {
      g_autoptr (World) world = world_new (ROLE_SOURCE, sets[set]);

      world_begin (world, DRIVE_FRESH);
      copy (world);
      stop (world);
      world_tell (world, GUEST_RUNS_HERE, DRIVE_GUEST_RUNS);
      world_run (world, 1);
      for (guint i = 0; i < world->n_devices; i++)
        g_assert_cmpint (world->devices[i].state, ==, ACCMIG_STATE_RUNNING);
      g_assert_false (drive_is_over (world->drive));
      world_tell (world, GUEST_STOPPED, DRIVE_GUEST_STOPPED); /* it goes after all, without them */
      world_run (world, 1);
      world_tell (world, GUEST_ELSEWHERE, DRIVE_GONE);
      world_run (world, A_WHILE);
      world_check_end (world, "gone after all");
      g_assert_cmpint (world->devices[0].outcome, ==, DRIVE_OUTCOME_LOST);
    }
}

/* A device that nobody sends is not waited for when its guest runs. */
static void
test_not_sent_at_once (void)
{
  static const guint64 flags[WORLD_MAX_DEVICES] = { ALL, NONE, NONE };
  g_autoptr (World) world = world_new (ROLE_DESTINATION, flags);

  world_begin (world, DRIVE_FRESH);
  destination_is_not_sent (world);
  world_run (world, 1);
  g_assert_cmpint (world->devices[0].state, ==, ACCMIG_STATE_RUNNING);
  world_check_end (world, "not sent");
}

/* One that is stuck does not keep its neighbour from its guest. */
static void
test_neighbour_goes_on (void)
{
  static const guint64 flags[WORLD_MAX_DEVICES] = { SC | P2P, SC | P2P, NONE };

  for (int kind = FAULT_ALWAYS; kind < N_FAULTS; kind++)
    {
      g_autoptr (World) world = world_new (ROLE_DESTINATION, flags);

      world->fault = (Fault){ .act = ACT_STEP, .to = ACCMIG_STATE_RUNNING_P2P, .kind = kind };
      world_begin (world, DRIVE_FRESH);
      destination_completes (world);
      world_run (world, A_WHILE);
      g_assert_cmpint (world->devices[1].state, ==, ACCMIG_STATE_RUNNING);
      g_assert_null (world->devices[1].alarm);
      g_assert_cmpuint (world->devices[0].alarms, >, 0);
    }
}

/* What cannot be written down is not done on the way down, and is on the way to the guest. */
static void
test_no_record (void)
{
  static const guint64 flags[WORLD_MAX_DEVICES] = { SC | P2P, SC, NONE };
  g_autoptr (World) world = world_new (ROLE_SOURCE, flags);

  world->cannot_write = TRUE;
  world_begin (world, DRIVE_FRESH);
  copy (world);
  stop (world);
  g_assert_cmpstr (world->log->str, ==, "");
  world->cannot_write = FALSE;
  world_tell (world, GUEST_RUNS_HERE, DRIVE_GUEST_RUNS);
  world_tell (world, GUEST_RUNS_HERE, DRIVE_FAILED);
  world_run (world, A_WHILE);
  world_check_end (world, "no record");
}

static void
test_no_record_back (void)
{
  static const guint64 flags[WORLD_MAX_DEVICES] = { SC | P2P, SC, NONE };
  g_autoptr (World) world = world_new (ROLE_SOURCE, flags);

  world_begin (world, DRIVE_FRESH);
  copy (world);
  stop (world);
  world->cannot_write = TRUE;
  world_tell (world, GUEST_RUNS_HERE, DRIVE_GUEST_RUNS);
  world_tell (world, GUEST_RUNS_HERE, DRIVE_FAILED);
  world_run (world, A_WHILE);
  world_check_end (world, "no record on the way back");
  g_assert_cmpint (world->devices[0].state, ==, ACCMIG_STATE_RUNNING);
}

/* The other side did not take it: the guest, still here, gets its devices back. */
static void
test_refused_elsewhere (void)
{
  static const guint64 flags[WORLD_MAX_DEVICES] = { ALL, ALL, NONE };
  g_autoptr (World) world = world_new (ROLE_SOURCE, flags);

  world_begin (world, DRIVE_FRESH);
  copy (world);
  stop (world);
  drive_confirm (world->drive, "a", "the digest differs");
  world_run (world, 1);
  g_assert_cmpint (world->devices[0].state, ==, ACCMIG_STATE_RUNNING);
  g_assert_cmpint (world->devices[1].state, ==, ACCMIG_STATE_RUNNING);
  world_tell (world, GUEST_RUNS_HERE, DRIVE_FAILED);
  world_run (world, A_WHILE);
  world_check_end (world, "refused elsewhere");
}

/* A device that the broker lost, and that its holder brings back. */
static void
test_lost_and_found (void)
{
  static const guint64 flags[WORLD_MAX_DEVICES] = { SC | P2P, SC | P2P, NONE };
  g_autoptr (World) world = world_new (ROLE_SOURCE, flags);
  WorldDevice *device = &world->devices[0];

  world_begin (world, DRIVE_FRESH);
  copy (world);
  stop (world);
  device->known = FALSE;
  world->struck++; /* the neighbour does not wait for it */
  drive_add_device (world->drive, device->name, device->flags, NULL);
  world_tell (world, GUEST_RUNS_HERE, DRIVE_GUEST_RUNS);
  world_tell (world, GUEST_RUNS_HERE, DRIVE_FAILED);
  world_run (world, A_WHILE);
  g_assert_nonnull (device->alarm);
  g_assert_cmpint (world->devices[1].state, ==, ACCMIG_STATE_RUNNING);
  device->known = TRUE;
  drive_add_device (world->drive, device->name, device->flags, &device->state);
  world_run (world, A_WHILE);
  g_assert_null (device->alarm);
  world_check_end (world, "lost and found");
}

/* A device that is taken back in the middle holds up nobody. */
static void
test_taken_back (void)
{
  static const guint64 flags[WORLD_MAX_DEVICES] = { SC | P2P, SC | P2P, NONE };
  g_autoptr (World) world = world_new (ROLE_SOURCE, flags);

  world->fault = (Fault){ .act = ACT_STEP, .to = ACCMIG_STATE_STOP, .kind = FAULT_NEVER };
  world_begin (world, DRIVE_FRESH);
  copy (world);
  stop (world);
  g_assert_cmpstr (drive_get_stage (world->drive), ==, "stopping");
  drive_remove_device (world->drive, "a");
  world_run (world, 1);
  g_assert_cmpstr (drive_get_stage (world->drive), ==, "saving");
  g_assert_true (world->devices[1].stream_good);
}

static void
test_streams_refused (void)
{
  static const guint64 flags[WORLD_MAX_DEVICES] = { SC, NONE, NONE };
  g_autoptr (World) world = world_new (ROLE_SOURCE, flags);
  g_autoptr (GError) error = NULL;

  world_begin (world, DRIVE_FRESH);
  g_assert_false (drive_open_stream (world->drive, "z", &error));
  g_assert_error (error, ACCMIG_ERROR, ACCMIG_ERROR_NOT_FOUND);
  g_clear_error (&error);
  copy (world);
  g_assert_false (drive_open_stream (world->drive, "a", &error));
  g_assert_error (error, ACCMIG_ERROR, ACCMIG_ERROR_BUSY);
  g_clear_error (&error);
  world->devices[0].stream_over = FALSE;
  world_tell (world, GUEST_RUNS_HERE, DRIVE_FAILED);
  world_run (world, 1);
  g_assert_false (drive_open_stream (world->drive, "a", &error));
}

/* ---- killed ---- */

/* Where a successor finds the guest, and what it is told. */
static const struct
{
  Role role;
  GuestPlace guest;
  DriveNews news[2];
  guint n;
} findings[] = {
  { ROLE_SOURCE, GUEST_RUNS_HERE, { DRIVE_GUEST_RUNS, DRIVE_FAILED }, 2 },
  { ROLE_SOURCE, GUEST_STOPPED, { DRIVE_GUEST_STOPPED, DRIVE_FAILED }, 2 },
  { ROLE_SOURCE, GUEST_ELSEWHERE, { DRIVE_GONE }, 1 },
  { ROLE_SOURCE, GUEST_ELSEWHERE, { DRIVE_LOST }, 1 },
  { ROLE_DESTINATION, GUEST_RUNS_HERE, { DRIVE_ARRIVED, DRIVE_GUEST_RUNS }, 2 },
  { ROLE_DESTINATION, GUEST_ELSEWHERE, { DRIVE_FAILED }, 1 },
};

/* Returns: FALSE when the course has no such step */
static gboolean
run_killed (gsize course, const guint64 *flags, guint at, gboolean done, gsize finding)
{
  g_autoptr (World) world = world_new (courses[course].role, flags);

  world->kill_at = at;
  world_begin (world, DRIVE_FRESH);
  courses[course].run (world);
  world_run (world, A_WHILE);
  if (!world->killed)
    return FALSE;
  world_kill (world, done);
  for (guint i = 0; i < world->n_devices; i++)
    {
      world->devices[i].told = 0;
      g_clear_pointer (&world->devices[i].alarm, g_free);
    }
  world->struck++; /* a barrier that was broken off is not held against the successor */
  world->guest = findings[finding].guest;
  world_begin (world, DRIVE_TAKE_UP);
  for (guint i = 0; i < findings[finding].n; i++)
    {
      drive_tell (world->drive, findings[finding].news[i]);
      world_run (world, 1);
      for (guint d = 0; i == 0 && d < world->n_devices; d++) /* whether its record has ended or not */
        g_assert_true (world->role == ROLE_DESTINATION || world->guest == GUEST_ELSEWHERE
                       || world->devices[d].state == ACCMIG_STATE_RUNNING);
    }
  world_run (world, A_WHILE);
  world_check_end (world, "taken up");
  return TRUE;
}

/* Every recorded step of every course, done or not done when the agent died, and every place where the guest
 * may be afterwards. */
static void
test_killed (void)
{
  guint killed = 0;

  for (gsize course = 0; course < G_N_ELEMENTS (courses); course++)
    for (gsize set = 0; set < G_N_ELEMENTS (sets); set++)
      for (gsize finding = 0; finding < G_N_ELEMENTS (findings); finding++)
        for (guint at = 1; findings[finding].role == courses[course].role; at++)
          {
            g_test_message ("%s, set %zu, killed at record %u, finding %zu", courses[course].name, set, at,
                            finding);
            if (!run_killed (course, sets[set], at, FALSE, finding))
              break;
            (void)run_killed (course, sets[set], at, TRUE, finding);
            killed += 2;
          }
  g_test_message ("killed %u times", killed);
  g_assert_cmpuint (killed, >, 500);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/drive/order", test_order);
  g_test_add_func ("/drive/outcomes", test_outcomes);
  g_test_add_func ("/drive/faults", test_faults);
  g_test_add_func ("/drive/tried-again", test_tried_again);
  g_test_add_func ("/drive/barrier-waits", test_barrier_waits);
  g_test_add_func ("/drive/back-at-once", test_back_at_once);
  g_test_add_func ("/drive/not-sent-at-once", test_not_sent_at_once);
  g_test_add_func ("/drive/neighbour-goes-on", test_neighbour_goes_on);
  g_test_add_func ("/drive/no-record", test_no_record);
  g_test_add_func ("/drive/no-record-back", test_no_record_back);
  g_test_add_func ("/drive/refused-elsewhere", test_refused_elsewhere);
  g_test_add_func ("/drive/lost-and-found", test_lost_and_found);
  g_test_add_func ("/drive/taken-back", test_taken_back);
  g_test_add_func ("/drive/streams-refused", test_streams_refused);
  g_test_add_func ("/drive/killed", test_killed);
  return g_test_run ();
}
