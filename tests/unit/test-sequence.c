// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Sequences of states: what QEMU does when all goes well, or fails honestly, raises nothing; each fault
 * raises exactly its own alarm.
 *
 * A trace is a line of words: a state is QEMU's event, "?state" a look, STOP and RESUME are QEMU's, "=status"
 * is its MIGRATION event, "gap" and "end" are the agent's, and "+N" lets N seconds pass.
 */

#include "accmigd/sequence.h"

#include <string.h>

#define SC  ACCMIG_FLAG_STOP_COPY
#define P2P ACCMIG_FLAG_P2P
#define PRE ACCMIG_FLAG_PRE_COPY

#define BOTH (SC | P2P)
#define ALL  (SC | P2P | PRE)

/* An independent statement of what QEMU does, case by case; not derived from the table under test. */
static const struct
{
  const char *name;
  Role role;
  guint64 flags;
  const char *trace;
} good[] = {
  /* ---- source, as it should be ---- */
  { "source/pre-copy+p2p", ROLE_SOURCE, ALL,
    "=setup pre-copy =active pre-copy-p2p stop-copy STOP =pre-switchover =device =completed stop end" },
  { "source/pre-copy+p2p/qemu-11", ROLE_SOURCE, ALL,
    "=setup pre-copy =active pre-copy-p2p-prepare pre-copy-p2p stop-copy STOP =device =completed stop end" },
  { "source/pre-copy", ROLE_SOURCE, SC | PRE,
    "=setup pre-copy =active stop-copy STOP =pre-switchover =device =completed stop end" },
  { "source/p2p", ROLE_SOURCE, BOTH,
    "=setup =active running-p2p stop STOP =pre-switchover =device stop-copy =completed stop end" },
  { "source/neither", ROLE_SOURCE, SC, "=setup =active stop STOP =device stop-copy =completed stop end" },
  { "source/libvirt-first", ROLE_SOURCE, ALL,
    "=setup pre-copy =active end pre-copy-p2p stop-copy STOP =completed stop" },
  { "source/guest-was-paused", ROLE_SOURCE, ALL, "=setup =active =device stop-copy =completed stop end" },
  { "source/guest-was-paused/neither", ROLE_SOURCE, SC,
    "=setup =active =device stop-copy =completed stop end" },
  { "source/guest-never-started", ROLE_SOURCE, ALL,
    "=setup pre-copy =active =pre-switchover =device stop-copy =completed stop end" },
  { "source/guest-never-started/pre-copy", ROLE_SOURCE, SC | PRE,
    "=setup pre-copy =active =pre-switchover =device stop-copy =completed stop end" },
  { "source/guest-never-started/p2p", ROLE_SOURCE, BOTH,
    "=setup ?running =active =pre-switchover =device stop-copy =completed stop end" },
  { "source/guest-never-started/second-attempt", ROLE_SOURCE, BOTH,
    "running =setup =active =pre-switchover =device stop-copy =completed stop end" },
  { "source/guest-never-started/second-attempt/neither", ROLE_SOURCE, SC,
    "running =setup =active =pre-switchover =device stop-copy =completed stop end" },
  { "source/paused-by-libvirt", ROLE_SOURCE, ALL,
    "running-p2p stop STOP =setup =active =pre-switchover =device stop-copy =completed stop end" },
  { "source/suspended-in-pre-copy", ROLE_SOURCE, ALL,
    "=setup pre-copy =active pre-copy-p2p stop-copy STOP +3000 =device =completed stop end" },
  { "source/suspended-and-resumed", ROLE_SOURCE, ALL,
    "=setup pre-copy =active pre-copy-p2p stop-copy STOP RESUME running-p2p running running-p2p stop STOP "
    "=device stop-copy =completed stop end" },
  { "source/suspended-and-resumed/pre-copy", ROLE_SOURCE, SC | PRE,
    "=setup pre-copy =active stop-copy STOP RESUME running stop STOP =device stop-copy =completed stop end" },
  { "source/stopped-by-an-error", ROLE_SOURCE, ALL,
    "=setup pre-copy =active pre-copy-p2p stop STOP RESUME running-p2p running =failed end" },
  { "source/stopped-by-an-error/pre-copy", ROLE_SOURCE, SC | PRE,
    "=setup pre-copy =active stop STOP RESUME running =failed end" },
  { "source/taken-back-after-the-end", ROLE_SOURCE, ALL,
    "=setup pre-copy =active pre-copy-p2p stop-copy STOP =completed stop RESUME running-p2p running end" },
  { "source/long-memory", ROLE_SOURCE, ALL,
    "=setup pre-copy =active +100000 pre-copy-p2p stop-copy STOP end" },
  { "source/slow-switch-over", ROLE_SOURCE, ALL,
    "=setup pre-copy =active pre-copy-p2p +29 stop-copy STOP =device +119 =completed stop +1000 end" },
  /* ---- source, failing honestly ---- */
  { "source/cancelled", ROLE_SOURCE, ALL, "=setup pre-copy =active =cancelling running =cancelled end" },
  { "source/cancelled/pre-copy", ROLE_SOURCE, SC | PRE,
    "=setup pre-copy =active =cancelling =cancelled end running" },
  { "source/cancelled/neither", ROLE_SOURCE, SC, "=setup =active =cancelling =cancelled end" },
  { "source/setup-refused", ROLE_SOURCE, ALL, "=setup running =failed end" },
  { "source/failed-in-switch-over", ROLE_SOURCE, ALL,
    "=setup pre-copy =active pre-copy-p2p stop-copy STOP =device =failed RESUME running-p2p running end" },
  { "source/failed-in-switch-over/pre-copy", ROLE_SOURCE, SC | PRE,
    "=setup pre-copy =active stop-copy STOP =device =failed RESUME running end" },
  { "source/failed-in-switch-over/p2p", ROLE_SOURCE, BOTH,
    "=setup =active running-p2p stop STOP =device stop-copy =failed RESUME running-p2p running end" },
  { "source/failed-in-switch-over/qemu-11", ROLE_SOURCE, ALL,
    "=setup pre-copy =active pre-copy-p2p-prepare pre-copy-p2p stop-copy STOP =device =failing RESUME "
    "running-p2p running =failed end" },
  { "source/stop-copy-refused", ROLE_SOURCE, SC,
    "=setup =active stop STOP =device stop =failed RESUME running end" },
  { "source/images-stay-locked", ROLE_SOURCE, ALL,
    "=setup pre-copy =active pre-copy-p2p stop-copy STOP =device =failed stop running end" },
  { "source/paused-and-failed", ROLE_SOURCE, ALL,
    "=setup =active =device stop-copy =failed stop running end" },
  { "source/never-started-and-refused", ROLE_SOURCE, ALL,
    "=setup pre-copy =active =device stop =failed running end" },
  { "source/never-started-and-refused/p2p", ROLE_SOURCE, BOTH,
    "running =setup =active =device stop =failed running end" },
  { "source/suspended-later", ROLE_SOURCE, ALL,
    "=setup pre-copy =active =cancelling running =cancelled end running-p2p stop STOP" },
  /* ---- destination ---- */
  { "destination/p2p", ROLE_DESTINATION, ALL,
    "=setup =active resuming =completed RESUME running-p2p running end" },
  { "destination/plain", ROLE_DESTINATION, SC | PRE,
    "=setup =active resuming =completed RESUME running end" },
  { "destination/libvirt-first", ROLE_DESTINATION, ALL,
    "=setup resuming =completed end RESUME running-p2p running" },
  { "destination/long-memory", ROLE_DESTINATION, ALL,
    "=active resuming +100000 =completed RESUME +29 running-p2p running end" },
  { "destination/guest-was-paused", ROLE_DESTINATION, ALL,
    "=setup resuming =completed end +100000 RESUME running-p2p running" },
  { "destination/saved-while-paused", ROLE_DESTINATION, ALL,
    "=setup resuming =completed end stop-copy stop" },
  { "destination/suspended-later", ROLE_DESTINATION, ALL,
    "=setup resuming =completed RESUME running-p2p running end running-p2p stop STOP" },
  { "destination/suspended-later/plain", ROLE_DESTINATION, SC,
    "=setup resuming =completed RESUME running end stop STOP" },
  { "destination/resuming-refused", ROLE_DESTINATION, ALL, "=setup =active running =failed end" },
  { "destination/load-fails", ROLE_DESTINATION, ALL, "=setup =active resuming =failed end" },
  /* ---- what is not known excuses ---- */
  { "flags-unknown/p2p", ROLE_DESTINATION, 0, "=setup resuming =completed RESUME running-p2p running end" },
  { "flags-unknown/plain", ROLE_DESTINATION, 0, "=setup resuming =completed RESUME running end" },
  { "flags-unknown/source", ROLE_SOURCE, 0, "=setup pre-copy stop-copy STOP =completed stop end" },
  { "gap/skipped", ROLE_SOURCE, ALL, "=setup pre-copy gap stop-copy STOP =completed stop end" },
  { "gap/moved", ROLE_SOURCE, ALL, "=setup pre-copy gap =completed stop end" },
  { "gap/reset", ROLE_DESTINATION, ALL, "=setup resuming gap =completed RESUME running end" },
  { "gap/stop", ROLE_SOURCE, SC | PRE, "=setup running gap STOP end" },
  { "gap/overdue", ROLE_SOURCE, ALL, "=setup pre-copy pre-copy-p2p gap +1000" },
  { "no-start-seen", ROLE_SOURCE, ALL, "=active pre-copy =completed end" },
  { "word-of-a-later-qemu", ROLE_SOURCE, ALL,
    "=setup pre-copy =active pre-copy-p2p half-stopped stop-copy STOP =someday =completed stop end" },
  { "no-events", ROLE_SOURCE, ALL, "=setup =active STOP =completed end" },
  /* ---- looks miss what is short ---- */
  { "look/source", ROLE_SOURCE, ALL, "=setup ?running ?pre-copy STOP ?stop-copy =completed ?stop end" },
  { "look/source-misses-all", ROLE_SOURCE, ALL, "=setup ?running ?running =completed end" },
  { "look/skipped", ROLE_SOURCE, ALL, "=setup ?pre-copy ?stop STOP ?stop-copy =completed end" },
  { "look/twice", ROLE_SOURCE, ALL,
    "=setup ?pre-copy ?pre-copy-p2p ?pre-copy-p2p ?stop-copy =completed end" },
  { "look/destination", ROLE_DESTINATION, ALL, "=setup ?running ?resuming =completed RESUME ?running end" },
  { "look/stopped-then-running", ROLE_SOURCE, ALL,
    "=setup ?pre-copy ?running STOP =failed RESUME ?running end" },
  { "look/events-are-better", ROLE_SOURCE, ALL,
    "=setup pre-copy ?running ?stop pre-copy-p2p ?running stop-copy ?running STOP =completed stop end" },
};

static const struct
{
  const char *name;
  Role role;
  guint64 flags;
  const char *trace;
  AlarmKind kind;
  const char *says; /* part of the detail */
} bad[] = {
  /* ---- resets ---- */
  { "reset/destination-p2p", ROLE_DESTINATION, ALL, "=setup resuming =completed RESUME running end",
    ALARM_RESET_AT_DESTINATION, "without running-p2p" },
  { "reset/destination-p2p/late", ROLE_DESTINATION, ALL, "=setup resuming =completed end RESUME running",
    ALARM_RESET_AT_DESTINATION, "from resuming to running" },
  { "reset/source-acc", ROLE_SOURCE, SC | PRE,
    "=setup pre-copy =active running STOP =device =failed RESUME end", ALARM_RESET_AT_SOURCE,
    "running when QEMU had stopped the guest" },
  { "reset/source-neither", ROLE_SOURCE, SC, "=setup =active running STOP =failed RESUME end",
    ALARM_RESET_AT_SOURCE, "running when" },
  { "reset/source-p2p-refused", ROLE_SOURCE, ALL,
    "=setup pre-copy =active running stop STOP =failed RESUME running-p2p running end", ALARM_RESET_AT_SOURCE,
    "from running to stop" },
  { "reset/source-stop-copy-refused", ROLE_SOURCE, ALL,
    "=setup pre-copy =active pre-copy-p2p running STOP =failed RESUME running-p2p running end",
    ALARM_RESET_AT_SOURCE, "running when" },
  { "reset/source-flags-unknown", ROLE_SOURCE, 0, "=setup pre-copy running STOP =failed RESUME end",
    ALARM_RESET_AT_SOURCE, "running when" },
  /* ---- steps that never came ---- */
  { "missing/pre-copy-p2p", ROLE_SOURCE, ALL, "=setup pre-copy stop-copy STOP =completed stop end",
    ALARM_MISSING_STEP, "from pre-copy to stop-copy without pre-copy-p2p" },
  { "missing/pre-copy-p2p/stopped-for-it", ROLE_SOURCE, ALL,
    "=setup pre-copy =active STOP =pre-switchover =device stop-copy =completed stop end", ALARM_MISSING_STEP,
    "without pre-copy-p2p" },
  { "missing/pre-copy-p2p/before-the-switch-over", ROLE_SOURCE, ALL, "=setup pre-copy =active stop-copy end",
    ALARM_MISSING_STEP, "without pre-copy-p2p" },
  { "missing/pre-copy-p2p/resumed", ROLE_SOURCE, ALL,
    "=setup =active =device stop-copy =failed RESUME running-p2p running =setup pre-copy stop-copy end",
    ALARM_MISSING_STEP, "without pre-copy-p2p" },
  { "missing/stop-copy/never-started", ROLE_SOURCE, ALL, "=setup pre-copy =active =device =completed end",
    ALARM_MISSING_STEP, "never in stop-copy" },
  { "missing/stop-copy", ROLE_SOURCE, ALL, "=setup pre-copy pre-copy-p2p stop STOP =completed end",
    ALARM_MISSING_STEP, "never in stop-copy" },
  { "missing/stop-copy/neither", ROLE_SOURCE, SC, "=setup stop STOP =completed end", ALARM_MISSING_STEP,
    "never in stop-copy" },
  { "missing/resuming", ROLE_DESTINATION, ALL, "=setup =completed RESUME running-p2p running end",
    ALARM_MISSING_STEP, "never in resuming" },
  { "missing/running-p2p", ROLE_DESTINATION, ALL, "=setup resuming stop end", ALARM_MISSING_STEP,
    "without running-p2p" },
  /* ---- came twice, in the wrong order, not the device's ---- */
  { "repeated/pre-copy", ROLE_SOURCE, ALL, "=setup pre-copy pre-copy end", ALARM_REPEATED_STEP, "pre-copy" },
  { "repeated/stop-copy", ROLE_SOURCE, SC | PRE, "=setup pre-copy stop-copy stop-copy STOP end",
    ALARM_REPEATED_STEP, "stop-copy" },
  { "repeated/resuming", ROLE_DESTINATION, SC, "=setup resuming resuming end", ALARM_REPEATED_STEP,
    "resuming" },
  { "order/back-to-pre-copy", ROLE_SOURCE, SC | PRE, "=setup pre-copy stop-copy STOP pre-copy end",
    ALARM_WRONG_ORDER, "from stop-copy to pre-copy" },
  { "order/resuming-at-the-source", ROLE_SOURCE, ALL, "=setup pre-copy resuming end", ALARM_WRONG_ORDER,
    "from pre-copy to resuming" },
  { "order/sending-what-arrives", ROLE_DESTINATION, ALL, "=setup resuming stop-copy end", ALARM_WRONG_ORDER,
    "from resuming to stop-copy" },
  { "foreign/pre-copy", ROLE_SOURCE, SC | P2P, "=setup pre-copy end", ALARM_FOREIGN_STATE,
    "is in pre-copy, and its flags are stop-copy+p2p" },
  { "foreign/running-p2p", ROLE_DESTINATION, SC | PRE, "=setup resuming =completed RESUME running-p2p end",
    ALARM_FOREIGN_STATE, "running-p2p" },
  { "foreign/seen-by-a-look", ROLE_SOURCE, SC, "=setup ?running ?pre-copy end", ALARM_FOREIGN_STATE,
    "pre-copy" },
  /* ---- stayed too long ---- */
  { "overdue/pre-copy-p2p", ROLE_SOURCE, ALL, "=setup pre-copy pre-copy-p2p +30", ALARM_OVERDUE,
    "in pre-copy-p2p for 30 seconds" },
  { "overdue/prepare", ROLE_SOURCE, ALL, "=setup pre-copy pre-copy-p2p-prepare +31", ALARM_OVERDUE,
    "pre-copy-p2p-prepare" },
  { "overdue/running-p2p", ROLE_SOURCE, BOTH, "=setup running-p2p +30", ALARM_OVERDUE, "running-p2p" },
  { "overdue/stop-copy", ROLE_SOURCE, SC | PRE,
    "=setup pre-copy stop-copy STOP =pre-switchover +60 =device +60", ALARM_OVERDUE,
    "in stop-copy for 120 seconds" },
  { "overdue/stop", ROLE_SOURCE, SC, "=setup stop STOP =device +120", ALARM_OVERDUE, "in stop" },
  { "overdue/resuming", ROLE_DESTINATION, ALL, "=setup resuming +900 =completed RESUME +30", ALARM_OVERDUE,
    "in resuming" },
  { "overdue/seen-by-looks", ROLE_SOURCE, SC | PRE,
    "=setup ?pre-copy STOP ?stop-copy =device +100 ?stop-copy +20", ALARM_OVERDUE, "in stop-copy" },
};

/* One word of a trace. Returns: whether it raised something */
static gboolean
feed (Sequence *sequence, const char *word, gint64 *now, Suspicion *ret_suspicion)
{
  Sign sign = { SIGN_EVENT, word, *now };

  if (*word == '+')
    {
      *now += g_ascii_strtoll (word + 1, NULL, 10) * G_USEC_PER_SEC;
      sign = (Sign){ SIGN_TIME, NULL, *now };
    }
  else if (*word == '?')
    sign = (Sign){ SIGN_LOOK, word + 1, *now };
  else if (*word == '=')
    sign = (Sign){ SIGN_STATUS, word + 1, *now };
  else if (strcmp (word, "STOP") == 0)
    sign.kind = SIGN_STOP;
  else if (strcmp (word, "RESUME") == 0)
    sign.kind = SIGN_RESUME;
  else if (strcmp (word, "gap") == 0)
    sign.kind = SIGN_GAP;
  else if (strcmp (word, "end") == 0)
    sign.kind = SIGN_END;
  return sequence_feed (sequence, &sign, ret_suspicion);
}

/* Feeds a whole trace. Returns: how often something was raised; the last is in @ret_suspicion */
static guint
feed_all (Role role, guint64 flags, const char *trace, Suspicion *ret_suspicion)
{
  g_auto (GStrv) words = g_strsplit (trace, " ", -1);
  Sequence sequence;
  gint64 now = 1;
  guint n = 0;

  sequence_init (&sequence, role, flags);
  for (guint i = 0; words[i] != NULL; i++)
    n += feed (&sequence, words[i], &now, ret_suspicion);
  return n;
}

static void
test_good (gconstpointer data)
{
  gsize i = GPOINTER_TO_SIZE (data);
  Suspicion suspicion = { 0 };
  guint n = feed_all (good[i].role, good[i].flags, good[i].trace, &suspicion);

  if (n > 0)
    g_error ("%s: %u alarms, the last “%s”: %s", good[i].trace, n, alarm_kind_to_string (suspicion.kind),
             suspicion.detail);
}

static void
test_bad (gconstpointer data)
{
  gsize i = GPOINTER_TO_SIZE (data);
  Suspicion suspicion = { 0 };

  g_assert_cmpuint (feed_all (bad[i].role, bad[i].flags, bad[i].trace, &suspicion), ==, 1);
  g_assert_cmpstr (alarm_kind_to_string (suspicion.kind), ==, alarm_kind_to_string (bad[i].kind));
  if (strstr (suspicion.detail, bad[i].says) == NULL)
    g_error ("“%s” does not say “%s”", suspicion.detail, bad[i].says);
}

/* With p2p a reset that comes after running-p2p looks like success: only the log tells, and nothing may be
 * said here. The same for any reset on the way back without p2p. */
static void
test_what_events_cannot_tell (void)
{
  Suspicion suspicion;

  g_assert_cmpuint (feed_all (ROLE_DESTINATION, ALL,
                              "=setup resuming =completed RESUME running-p2p running end", &suspicion),
                    ==, 0);
  g_assert_cmpuint (feed_all (ROLE_SOURCE, SC, "=setup stop STOP =failed RESUME running end", &suspicion), ==,
                    0);
}

static void
test_overdue_goes_on (void)
{
  static const char *const first[] = { "=setup", "pre-copy", "pre-copy-p2p", NULL };
  Sequence sequence;
  Suspicion suspicion;
  gint64 now = 1;

  sequence_init (&sequence, ROLE_SOURCE, ALL);
  for (guint i = 0; first[i] != NULL; i++)
    g_assert_false (feed (&sequence, first[i], &now, &suspicion));
  g_assert_true (feed (&sequence, "+60", &now, &suspicion));
  g_assert_false (feed (&sequence, "+60", &now, &suspicion)); /* said once */
  g_assert_false (sequence_take_went_on (&sequence));
  g_assert_false (feed (&sequence, "stop-copy", &now, &suspicion));
  g_assert_true (sequence_take_went_on (&sequence));
  g_assert_false (sequence_take_went_on (&sequence));
}

/* Whatever QEMU sends, each sign raises one alarm at most, and nothing crashes. */
static void
test_anything (void)
{
  static const char *const words[] = { "running",     "stop",     "stop-copy",    "resuming",
                                       "running-p2p", "pre-copy", "pre-copy-p2p", "pre-copy-p2p-prepare",
                                       "error",       "?running", "?error",       "STOP",
                                       "RESUME",      "=setup",   "=completed",   "gap",
                                       "end",         "+40" };
  GRand *random = g_rand_new_with_seed (4711);

  for (int i = 0; i < 20000; i++)
    {
      Role role = g_rand_boolean (random) ? ROLE_SOURCE : ROLE_DESTINATION;
      Sequence sequence;
      Suspicion suspicion;
      gint64 now = 1;

      sequence_init (&sequence, role, g_rand_int_range (random, 0, 8));
      for (int j = 0; j < 12; j++)
        if (feed (&sequence, words[g_rand_int_range (random, 0, G_N_ELEMENTS (words))], &now, &suspicion))
          g_assert_cmpint (*suspicion.detail, !=, '\0');
    }
  g_rand_free (random);
}

static void
test_kinds (void)
{
  for (AlarmKind kind = 0; kind < N_ALARM_KINDS; kind++)
    {
      AlarmKind back = N_ALARM_KINDS;

      g_assert_true (alarm_kind_from_string (alarm_kind_to_string (kind), &back));
      g_assert_cmpint (back, ==, kind);
      g_assert_cmpint (*alarm_kind_get_meaning (kind), !=, '\0');
      g_assert_cmpint (*alarm_kind_get_advice (kind), !=, '\0');
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (good); i++)
    {
      g_autofree char *path = g_strconcat ("/sequence/good/", good[i].name, NULL);

      g_test_add_data_func (path, GSIZE_TO_POINTER (i), test_good);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autofree char *path = g_strconcat ("/sequence/bad/", bad[i].name, NULL);

      g_test_add_data_func (path, GSIZE_TO_POINTER (i), test_bad);
    }
  g_test_add_func ("/sequence/what-events-cannot-tell", test_what_events_cannot_tell);
  g_test_add_func ("/sequence/overdue-goes-on", test_overdue_goes_on);
  g_test_add_func ("/sequence/anything", test_anything);
  g_test_add_func ("/sequence/kinds", test_kinds);
  return g_test_run ();
}
