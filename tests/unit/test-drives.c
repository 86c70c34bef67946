// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The set of drives: what it asks of the broker stands in the record, and what an agent or a broker left in
 * the middle is taken up by the record, the states, and where the guest is.
 */

#include <unistd.h>

#include "accmigd/steps.h"
#include "drives-fakes.h"

static void
start_agent (void)
{
  const DrivesSources sources = { .history = fakes.history, .limits = { .step = 30, .switching = 120 } };

  fakes.drives = drives_new (&sources);
  drives_on_census (fakes.drives);
  drives_on_settled (fakes.drives);
}

static void
kill_agent (void)
{
  fakes_lose_broker (FALSE); /* nobody hears the answers */
  g_clear_pointer (&fakes.drives, drives_free);
  g_string_truncate (fakes.log, 0);
  g_string_truncate (fakes.told, 0);
}

static void
set_up (void)
{
  fakes_set_up (":memory:");
  fakes_add_device ("a", ACCMIG_STATE_RUNNING);
  fakes_add_device ("b", ACCMIG_STATE_RUNNING);
}

static void
assert_open (guint n)
{
  g_autoptr (GPtrArray) rows = steps_list_open (fakes.history, NULL);

  g_assert_cmpuint (rows->len, ==, n);
}

static void
assert_states (AccmigState state)
{
  g_assert_cmpint (fakes_get_state ("a"), ==, state);
  g_assert_cmpint (fakes_get_state ("b"), ==, state);
}

/* A source whose guest stands still and whose devices are ready to be read. */
static void
stop_guest (void)
{
  fakes.role = ROLE_SOURCE;
  start_agent ();
  fakes_tell (PHASE_COPYING);
  drives_on_vcpus (fakes.drives, FAKE_UUID, FALSE);
  fakes_answer ();
  assert_states (ACCMIG_STATE_STOP_COPY);
}

static void
test_source (void)
{
  set_up ();
  stop_guest ();
  drives_on_lifecycle (fakes.drives, FAKE_UUID, LIFECYCLE_SUSPENDED_MIGRATED); /* the second witness */
  fakes_tell (PHASE_SWITCHING);
  fakes_tell (PHASE_COMPLETED);
  fakes_answer ();
  g_assert_cmpstr (fakes.log->str, ==,
                   "a:running-p2p b:running-p2p a:stop b:stop a:stop-copy b:stop-copy a:stop b:stop ");
  g_assert_cmpstr (fakes.told->str, ==, "a:lost b:lost ");
  g_assert_nonnull (strstr (fakes_get_alarm ("a"), "was not sent"));
  assert_open (0);
  fakes_tear_down ();
}

static void
test_taken_back (void)
{
  set_up ();
  stop_guest ();
  g_string_truncate (fakes.log, 0);
  drives_on_lifecycle (fakes.drives, FAKE_UUID, LIFECYCLE_RESUMED);
  fakes_answer ();
  assert_states (ACCMIG_STATE_RUNNING);
  fakes_tell (PHASE_FAILED);
  fakes_answer ();
  g_assert_cmpstr (fakes.log->str, ==, "a:stop b:stop a:running-p2p b:running-p2p a:running b:running ");
  g_assert_cmpstr (fakes.told->str, ==, "a:running b:running ");
  g_assert_cmpstr (fakes_get_alarm ("a"), ==, "");
  fakes_tear_down ();
}

/* ---- streams ---- */

typedef struct
{
  guint overs;
  char *failure;
  gboolean checked;
} Heard;

static char *
on_check (gpointer user)
{
  ((Heard *)user)->checked = TRUE;
  return NULL;
}

static void
on_over (guint64 bytes, const char *failure, gpointer user)
{
  Heard *heard = user;

  heard->overs++;
  heard->failure = g_strdup (failure);
}

static const DrivesStream stream = { .check = on_check, .over = on_over };

static int
a_fd (void)
{
  int ends[2];

  g_assert_cmpint (pipe (ends), ==, 0);
  close (ends[1]);
  return ends[0];
}

static void
test_sent (void)
{
  Heard a = { 0 }, b = { 0 };

  set_up ();
  stop_guest ();
  g_assert_true (drives_send (fakes.drives, FAKE_UUID, "a", a_fd (), &stream, &a, NULL));
  g_assert_true (drives_send (fakes.drives, FAKE_UUID, "b", a_fd (), &stream, &b, NULL));
  g_assert_false (drives_send (fakes.drives, FAKE_UUID, "c", a_fd (), &stream, &b, NULL));
  g_assert_false (drives_receive (fakes.drives, "another", "a", a_fd (), &stream, &b, NULL));
  fakes_answer ();
  g_assert_cmpuint (a.overs + b.overs, ==, 2);
  g_assert_null (a.failure);
  fakes_tell (PHASE_COMPLETED);
  fakes_answer ();
  g_assert_cmpstr (fakes.told->str, ==, "");
  drives_confirm (fakes.drives, FAKE_UUID, "a", NULL);
  drives_confirm (fakes.drives, FAKE_UUID, "b", NULL);
  g_assert_cmpstr (fakes.told->str, ==, "a:sent b:sent ");
  assert_states (ACCMIG_STATE_STOP);

  /* what has ended well is none of a successor's business */
  kill_agent ();
  fakes.has_domain = FALSE;
  start_agent ();
  fakes_answer ();
  g_assert_cmpstr (fakes.log->str, ==, "");
  g_assert_cmpstr (fakes_get_alarm ("a"), ==, "");
  fakes_tear_down ();
}

/* The stream may be there before the guest is. */
static void
test_received (void)
{
  Heard a = { 0 }, b = { 0 };

  set_up ();
  fakes.role = ROLE_DESTINATION;
  start_agent ();
  g_assert_true (drives_receive (fakes.drives, FAKE_UUID, "a", a_fd (), &stream, &a, NULL));
  fakes_tell (PHASE_INCOMING);
  g_assert_true (drives_receive (fakes.drives, FAKE_UUID, "b", a_fd (), &stream, &b, NULL));
  fakes_answer ();
  g_assert_true (a.checked && b.checked);
  g_assert_cmpuint (a.overs + b.overs, ==, 2);
  g_assert_null (a.failure);
  g_assert_cmpstr (fakes.told->str, ==, "a:loaded b:loaded ");
  fakes_tell (PHASE_COMPLETED); /* libvirt says so of a guest that arrived paused */
  fakes_answer ();
  assert_states (ACCMIG_STATE_STOP);
  drives_on_vcpus (fakes.drives, FAKE_UUID, TRUE);
  fakes_answer ();
  g_assert_cmpstr (fakes.log->str, ==,
                   "a:resuming b:resuming a:stop b:stop a:running-p2p b:running-p2p a:running b:running ");
  g_assert_cmpstr (fakes.told->str, ==, "a:loaded b:loaded a:running b:running ");
  fakes_tear_down ();
}

/* It runs before its record says so; nothing begins anew. */
static void
test_no_second_drive (void)
{
  Heard heard = { 0 };

  set_up ();
  fakes.role = ROLE_DESTINATION;
  start_agent ();
  fakes_tell (PHASE_INCOMING);
  g_assert_true (drives_receive (fakes.drives, FAKE_UUID, "a", a_fd (), &stream, &heard, NULL));
  g_assert_true (drives_receive (fakes.drives, FAKE_UUID, "b", a_fd (), &stream, &heard, NULL));
  fakes_answer ();
  drives_on_vcpus (fakes.drives, FAKE_UUID, TRUE);
  fakes_answer ();
  g_string_truncate (fakes.log, 0);
  fakes_tell (PHASE_RESUMING);
  fakes_tell (PHASE_COMPLETED);
  fakes_answer ();
  g_assert_cmpstr (fakes.log->str, ==, "");
  assert_states (ACCMIG_STATE_RUNNING);
  fakes_tear_down ();
}

/* ---- answers to what is not asked any more ---- */

/* A device was taken back in the middle of a step and another came under its name. */
static void
test_answer_to_another (void)
{
  set_up ();
  fakes.role = ROLE_SOURCE;
  start_agent ();
  fakes_tell (PHASE_COPYING);
  drives_on_vcpus (fakes.drives, FAKE_UUID, FALSE);
  drives_on_registered_removed (fakes.drives, fakes.devices->pdata[0]);
  drives_on_registered_added (fakes.drives, fakes.devices->pdata[0]);
  g_assert_cmpstr (fakes.log->str, ==, "a:running-p2p b:running-p2p a:running-p2p ");
  assert_open (2);
  fakes_answer_one ();
  assert_open (2);
  fakes_answer ();
  assert_open (0);
  assert_states (ACCMIG_STATE_STOP_COPY);
  fakes_tear_down ();
}

/* What a device was in before it was lost once more is not what it is in: its guest stops while nobody knows,
 * so that they stay. */
static void
test_old_state (void)
{
  set_up ();
  fakes.role = ROLE_SOURCE;
  start_agent ();
  fakes_tell (PHASE_COPYING);
  for (int i = 0; i < 2; i++)
    {
      fakes_attach ("a", FALSE);
      fakes_attach ("a", TRUE);
    }
  fakes_answer_one ();
  drives_on_vcpus (fakes.drives, FAKE_UUID, FALSE);
  g_assert_cmpstr (fakes.log->str, ==, "");
  fakes_answer ();
  assert_states (ACCMIG_STATE_RUNNING);
  fakes_tear_down ();
}

/* ---- the broker is lost ---- */

static void
test_broker_lost (gconstpointer data)
{
  gboolean done = GPOINTER_TO_INT (data);

  set_up ();
  fakes.role = ROLE_SOURCE;
  start_agent ();
  fakes_tell (PHASE_COPYING);
  drives_on_vcpus (fakes.drives, FAKE_UUID, FALSE);
  fakes_lose_broker (done);
  fakes_attach ("a", FALSE);
  fakes_attach ("b", FALSE);
  assert_open (2); /* nobody knows */
  fakes_attach ("a", TRUE);
  fakes_attach ("b", TRUE);
  fakes_answer ();
  assert_open (0);
  assert_states (done ? ACCMIG_STATE_STOP_COPY : ACCMIG_STATE_RUNNING); /* it goes on, or turned round */
  drives_on_vcpus (fakes.drives, FAKE_UUID, TRUE);
  fakes_tell (PHASE_FAILED);
  fakes_answer ();
  assert_states (ACCMIG_STATE_RUNNING);
  g_assert_cmpstr (fakes.told->str, ==, "a:running b:running ");
  fakes_tear_down ();
}

/* The guest leaves while nobody can ask its devices; they are stopped when their holder is back. */
static void
test_left_unknown (void)
{
  set_up ();
  stop_guest ();
  fakes_attach ("a", FALSE);
  fakes_attach ("b", FALSE);
  fakes_lose_broker (FALSE);
  fakes_tell (PHASE_COMPLETED);
  fakes_answer ();
  g_assert_cmpstr (fakes.told->str, ==, "");
  g_assert_cmpstr (fakes_get_alarm ("a"), !=, "");
  fakes_attach ("a", TRUE);
  fakes_attach ("b", TRUE);
  fakes_answer ();
  assert_states (ACCMIG_STATE_STOP);
  g_assert_cmpstr (fakes.told->str, ==, "a:lost b:lost ");
  fakes_tear_down ();
}

/* Nobody will ever know what became of the last step on it. */
static void
test_holder_leaves (void)
{
  set_up ();
  fakes.role = ROLE_SOURCE;
  start_agent ();
  fakes_tell (PHASE_COPYING);
  drives_on_vcpus (fakes.drives, FAKE_UUID, FALSE);
  assert_open (2);
  drives_on_registered_removed (fakes.drives, fakes.devices->pdata[0]);
  assert_open (1);
  fakes_tear_down ();
}

static void
test_stray_steps (void)
{
  StepRow row = { .migration = FAKE_ID,
                  .uuid = (char *)"another",
                  .name = (char *)"z",
                  .role = ROLE_SOURCE,
                  .from = (char *)"running",
                  .to = (char *)"stop" };

  set_up ();
  g_assert_true (steps_begin (fakes.history, &row, 1, NULL));
  start_agent ();
  assert_open (0);
  fakes_tear_down ();
}

/* ---- the agent is killed ---- */

/* Where a successor finds the guest, and what becomes of a source's devices. */
static const struct
{
  const char *name;
  gboolean has_domain;
  HypervisorDomainState state;
  gboolean was_migrated;
  Phase phase;
  const char *log, *told;
  AccmigState ends;
} sources[] = {
  { "guest runs here", TRUE, HYPERVISOR_DOMAIN_RUNNING, FALSE, PHASE_FAILED,
    "a:stop b:stop a:running-p2p b:running-p2p a:running b:running ", "a:running b:running ",
    ACCMIG_STATE_RUNNING },
  { "guest runs here, not ended", TRUE, HYPERVISOR_DOMAIN_RUNNING, FALSE, PHASE_COPYING,
    "a:stop b:stop a:running-p2p b:running-p2p a:running b:running ", "", ACCMIG_STATE_RUNNING },
  { "guest stopped here, not ended", TRUE, HYPERVISOR_DOMAIN_PAUSED, FALSE, PHASE_SWITCHING,
    "a:stop b:stop a:running-p2p b:running-p2p a:running b:running ", "", ACCMIG_STATE_RUNNING },
  { "guest left", TRUE, HYPERVISOR_DOMAIN_SHUTOFF, TRUE, PHASE_SWITCHING, "a:stop b:stop ", "a:lost b:lost ",
    ACCMIG_STATE_STOP },
  { "guest left, undefined", FALSE, HYPERVISOR_DOMAIN_SHUTOFF, FALSE, PHASE_COMPLETED, "a:stop b:stop ",
    "a:lost b:lost ", ACCMIG_STATE_STOP },
  { "guest gone, not decided", FALSE, HYPERVISOR_DOMAIN_SHUTOFF, FALSE, PHASE_SWITCHING, "", "",
    ACCMIG_STATE_STOP_COPY },
  { "guest gone, lost", FALSE, HYPERVISOR_DOMAIN_SHUTOFF, FALSE, PHASE_LOST, "a:stop b:stop ",
    "a:lost b:lost ", ACCMIG_STATE_STOP },
};

static void
test_killed_source (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (sources); i++)
    {
      g_test_message ("%s", sources[i].name);
      set_up ();
      stop_guest ();
      kill_agent ();
      fakes_tell (sources[i].phase);
      fakes.has_domain = sources[i].has_domain;
      fakes.state = sources[i].state;
      fakes.was_migrated = sources[i].was_migrated;
      start_agent ();
      fakes_answer ();
      g_assert_cmpstr (fakes.log->str, ==, sources[i].log);
      g_assert_cmpstr (fakes.told->str, ==, sources[i].told);
      assert_states (sources[i].ends);
      assert_open (0);
      g_assert_cmpint (*fakes_get_alarm ("a") != '\0', ==, strstr (sources[i].told, "lost") != NULL);
      fakes_tear_down ();
    }
}

/* The record decides later what libvirt could not tell. */
static void
test_decided_later (void)
{
  set_up ();
  stop_guest ();
  kill_agent ();
  fakes.has_domain = FALSE;
  fakes_tell (PHASE_SWITCHING);
  start_agent ();
  fakes_answer ();
  assert_states (ACCMIG_STATE_STOP_COPY);
  fakes_tell (PHASE_COMPLETED);
  fakes_answer ();
  assert_states (ACCMIG_STATE_STOP);
  g_assert_cmpstr (fakes.told->str, ==, "a:lost b:lost ");
  fakes_tear_down ();
}

/* Killed in the middle of a step: done or not, the state tells. */
static void
test_killed_in_a_step (gconstpointer data)
{
  set_up ();
  fakes.role = ROLE_SOURCE;
  start_agent ();
  fakes_tell (PHASE_COPYING);
  drives_on_vcpus (fakes.drives, FAKE_UUID, FALSE);
  assert_open (2);
  if (GPOINTER_TO_INT (data))
    fakes_lose_broker (TRUE);
  kill_agent ();
  fakes_tell (PHASE_FAILED);
  start_agent ();
  fakes_answer ();
  assert_open (0);
  assert_states (ACCMIG_STATE_RUNNING);
  g_assert_cmpstr (fakes.told->str, ==, "a:running b:running ");
  fakes_tear_down ();
}

/* One was loaded, one was not. */
static void
test_killed_destination (void)
{
  Heard heard = { 0 };

  set_up ();
  fakes.role = ROLE_DESTINATION;
  start_agent ();
  fakes_tell (PHASE_INCOMING);
  g_assert_true (drives_receive (fakes.drives, FAKE_UUID, "a", a_fd (), &stream, &heard, NULL));
  fakes_answer ();
  g_assert_cmpint (fakes_get_state ("a"), ==, ACCMIG_STATE_STOP);
  g_assert_cmpint (fakes_get_state ("b"), ==, ACCMIG_STATE_RESUMING);
  kill_agent ();
  fakes_tell (PHASE_COMPLETED);
  start_agent ();
  fakes_answer ();
  g_assert_cmpstr (fakes.log->str, ==, "b:reset a:running-p2p a:running ");
  assert_states (ACCMIG_STATE_RUNNING);
  g_assert_cmpstr (fakes.told->str, ==, "a:running b:lost ");
  g_assert_cmpstr (fakes_get_alarm ("a"), ==, "");
  g_assert_nonnull (strstr (fakes_get_alarm ("b"), "restarted"));
  fakes_tear_down ();
}

/* The migration goes on, and says so, while libvirt is asked: nothing begins anew. */
static void
test_taken_up_once (void)
{
  set_up ();
  stop_guest ();
  kill_agent ();
  start_agent ();
  fakes_tell (PHASE_COPYING);
  fakes_tell (PHASE_COPYING);
  fakes_answer ();
  g_assert_cmpstr (fakes.log->str, ==, "a:stop b:stop a:running-p2p b:running-p2p a:running b:running ");
  fakes_tell (PHASE_CANCELLED);
  fakes_answer ();
  g_assert_cmpstr (fakes.told->str, ==, "a:running b:running ");
  fakes_tear_down ();
}

/* libvirt is not there yet, and then it is. */
static void
test_libvirt_comes_later (void)
{
  set_up ();
  stop_guest ();
  kill_agent ();
  fakes_tell (PHASE_FAILED);
  fakes.is_connected = FALSE;
  start_agent ();
  fakes_answer ();
  g_assert_cmpstr (fakes.log->str, ==, "");
  fakes.is_connected = TRUE;
  drives_on_census (fakes.drives);
  fakes_answer ();
  assert_states (ACCMIG_STATE_RUNNING);
  fakes_tear_down ();
}

/* Agent and broker died, and the holder comes back last. */
static void
test_holder_comes_later (void)
{
  set_up ();
  stop_guest ();
  kill_agent ();
  fakes_tell (PHASE_FAILED);
  fakes_attach ("a", FALSE);
  fakes_attach ("b", FALSE);
  start_agent ();
  fakes_answer ();
  g_assert_cmpstr (fakes.log->str, ==, "");
  fakes_attach ("a", TRUE);
  fakes_attach ("b", TRUE);
  fakes_answer ();
  assert_states (ACCMIG_STATE_RUNNING);
  g_assert_cmpstr (fakes_get_alarm ("b"), ==, "");
  fakes_tear_down ();
}

/* Stopped by its holder, say. */
static void
test_not_ours (void)
{
  set_up ();
  fakes_set_device ("a", ACCMIG_STATE_STOP);
  start_agent ();
  fakes_answer ();
  g_assert_cmpstr (fakes.log->str, ==, "");
  fakes_tear_down ();
}

/* ---- nobody drives ---- */

/* Stopped by hand, and the guest is resumed: said once, with the way back, until it runs. */
static void
test_stands_still (void)
{
  set_up ();
  start_agent ();
  registered_set_state (NULL, FAKE_UUID "/a", ACCMIG_STATE_STOP);
  g_assert_cmpstr (fakes_get_alarm ("a"), ==, ""); /* for all that is known the guest is suspended */
  drives_on_lifecycle (fakes.drives, FAKE_UUID, LIFECYCLE_RESUMED);
  g_assert_nonnull (strstr (fakes_get_alarm ("a"), "is in stop while its guest runs"));
  g_assert_nonnull (strstr (fakes_get_alarm ("a"), "accmigctl state set " FAKE_UUID "/a running brings"));
  g_assert_cmpstr (fakes_get_alarm ("b"), ==, "");
  registered_set_state (NULL, FAKE_UUID "/a", ACCMIG_STATE_RUNNING_P2P); /* on the way */
  g_assert_cmpstr (fakes_get_alarm ("a"), !=, "");
  registered_set_state (NULL, FAKE_UUID "/a", ACCMIG_STATE_RUNNING);
  g_assert_cmpstr (fakes_get_alarm ("a"), ==, "");
  g_assert_cmpstr (fakes.log->str, ==, ""); /* nothing is done to it */
  fakes_tear_down ();
}

/* What ends the alarm, and what another alarm is for. */
static void
test_stands_still_ends (void)
{
  set_up ();
  start_agent ();
  fakes_set_device ("a", ACCMIG_STATE_ERROR);
  fakes_set_device ("b", ACCMIG_STATE_STOP);
  registered_set_alarm (NULL, FAKE_UUID "/b", "was lost");
  drives_on_vcpus (fakes.drives, FAKE_UUID, TRUE);
  g_assert_nonnull (strstr (fakes_get_alarm ("a"), "accmigctl device reset"));
  g_assert_cmpstr (fakes_get_alarm ("b"), ==, "was lost");
  drives_on_lifecycle (fakes.drives, FAKE_UUID, LIFECYCLE_SUSPENDED);
  g_assert_cmpstr (fakes_get_alarm ("a"), ==, "");
  g_assert_cmpstr (fakes_get_alarm ("b"), ==, "was lost");
  drives_on_vcpus (fakes.drives, FAKE_UUID, TRUE);
  g_assert_cmpstr (fakes_get_alarm ("a"), !=, "");
  drives_on_lifecycle (fakes.drives, FAKE_UUID, LIFECYCLE_STOPPED);
  g_assert_cmpstr (fakes_get_alarm ("a"), ==, "");
  fakes_tear_down ();
}

/* Its guest runs, and begins to leave: from then on the drive says what there is to say. */
static void
test_stands_still_and_leaves (void)
{
  set_up ();
  start_agent ();
  fakes.role = ROLE_SOURCE;
  drives_on_vcpus (fakes.drives, FAKE_UUID, TRUE);
  registered_set_state (NULL, FAKE_UUID "/a", ACCMIG_STATE_STOP);
  g_assert_nonnull (strstr (fakes_get_alarm ("a"), "while its guest runs"));
  fakes_tell (PHASE_COPYING);
  g_assert_null (strstr (fakes_get_alarm ("a"), "while its guest runs"));
  fakes_answer ();
  g_assert_null (strstr (fakes_get_alarm ("a"), "while its guest runs"));
  fakes_tear_down ();
}

/* A step was under way when the guest was resumed. */
static void
test_stops_too_late (void)
{
  set_up ();
  start_agent ();
  g_assert_cmpint (drives_get_resumed_usec (fakes.drives, FAKE_UUID), ==, 0);
  drives_on_vcpus (fakes.drives, FAKE_UUID, TRUE);
  g_assert_cmpint (drives_get_resumed_usec (fakes.drives, FAKE_UUID), >, 0);
  g_assert_cmpstr (fakes_get_alarm ("a"), ==, "");
  registered_set_state (NULL, FAKE_UUID "/a", ACCMIG_STATE_RUNNING_P2P);
  g_assert_cmpstr (fakes_get_alarm ("a"), ==, "");
  registered_set_state (NULL, FAKE_UUID "/a", ACCMIG_STATE_STOP);
  g_assert_cmpstr (fakes_get_alarm ("a"), !=, "");
  drives_on_vcpus (fakes.drives, FAKE_UUID, FALSE);
  g_assert_cmpint (drives_get_resumed_usec (fakes.drives, FAKE_UUID), ==, 0);
  g_assert_cmpstr (fakes_get_alarm ("a"), ==, "");
  fakes_tear_down ();
}

/* Devices that a drive stopped under a guest that is about to run are no news. */
static void
test_driven_is_no_alarm (void)
{
  set_up ();
  stop_guest ();
  drives_on_vcpus (fakes.drives, FAKE_UUID, TRUE);
  g_assert_cmpstr (fakes_get_alarm ("a"), ==, "");
  fakes_answer ();
  assert_states (ACCMIG_STATE_RUNNING);
  g_assert_cmpstr (fakes_get_alarm ("a"), ==, "");
  fakes_tear_down ();
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/drives/source", test_source);
  g_test_add_func ("/drives/taken-back", test_taken_back);
  g_test_add_func ("/drives/sent", test_sent);
  g_test_add_func ("/drives/received", test_received);
  g_test_add_func ("/drives/no-second-drive", test_no_second_drive);
  g_test_add_func ("/drives/answer-to-another", test_answer_to_another);
  g_test_add_func ("/drives/old-state", test_old_state);
  g_test_add_data_func ("/drives/broker-lost/done", GINT_TO_POINTER (TRUE), test_broker_lost);
  g_test_add_data_func ("/drives/broker-lost/not-done", GINT_TO_POINTER (FALSE), test_broker_lost);
  g_test_add_func ("/drives/left-unknown", test_left_unknown);
  g_test_add_func ("/drives/holder-leaves", test_holder_leaves);
  g_test_add_func ("/drives/stray-steps", test_stray_steps);
  g_test_add_func ("/drives/killed/source", test_killed_source);
  g_test_add_func ("/drives/killed/decided-later", test_decided_later);
  g_test_add_data_func ("/drives/killed/step-done", GINT_TO_POINTER (TRUE), test_killed_in_a_step);
  g_test_add_data_func ("/drives/killed/step-not-done", GINT_TO_POINTER (FALSE), test_killed_in_a_step);
  g_test_add_func ("/drives/killed/destination", test_killed_destination);
  g_test_add_func ("/drives/killed/taken-up-once", test_taken_up_once);
  g_test_add_func ("/drives/killed/libvirt-comes-later", test_libvirt_comes_later);
  g_test_add_func ("/drives/killed/holder-comes-later", test_holder_comes_later);
  g_test_add_func ("/drives/not-ours", test_not_ours);
  g_test_add_func ("/drives/stands-still", test_stands_still);
  g_test_add_func ("/drives/stands-still/ends", test_stands_still_ends);
  g_test_add_func ("/drives/stands-still/leaves", test_stands_still_and_leaves);
  g_test_add_func ("/drives/stands-still/too-late", test_stops_too_late);
  g_test_add_func ("/drives/stands-still/driven", test_driven_is_no_alarm);
  return g_test_run ();
}
