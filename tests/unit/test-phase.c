// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Phases: every pair of phase and event, for both roles, against a matrix drawn by hand.
 *
 * A cell is the phase gone to by its letter, "." for an event that changes nothing, "!" for a strange one.
 * The columns are the events in the order of the enum; reading a row tells what a phase listens to.
 */

#include <glib.h>
#include <string.h>

#include "accmigd/phase.h"

/* P preparing, C copying, S switching; N announced, A accepted, T starting, I incoming, R resuming;
 * c completed, r refused, f failed, x cancelled, l lost */
static const char letters[] = "iPCSNATIRcrfxl";

typedef struct
{
  Phase phase;
  const char *cells; /* one per event: setup active stop | sent resumed gone | failed cancelled stopped |
                        announced accepted refused | starting waiting loading | expired vanished */
} Row;

static const Row source_rows[] = {
  { PHASE_IDLE, "PCS..c.....f....." },      { PHASE_PREPARING, ".CSS.cfxf!!!!!!!l" },
  { PHASE_COPYING, "..SS.cfxf!!!!!!!l" },   { PHASE_SWITCHING, "....fcfxf!!!!!!!l" },
  { PHASE_COMPLETED, "................." }, { PHASE_REFUSED, "................." },
  { PHASE_FAILED, ".......x........." },    { PHASE_CANCELLED, "................." },
  { PHASE_LOST, "................." },
};

static const Row destination_rows[] = {
  { PHASE_IDLE, ".........N...I..." },      { PHASE_ANNOUNCED, "!!!!c!f!f!ArTI!fl" },
  { PHASE_ACCEPTED, "!!!!c!f!f!!!TI!fl" },  { PHASE_STARTING, ".I!Rc!fxf!!!.II.l" },
  { PHASE_INCOMING, "..!Rc!fxf!!!...!l" },  { PHASE_RESUMING, "..!.c!fxf!!!...!l" },
  { PHASE_COMPLETED, "................." }, { PHASE_REFUSED, "................." },
  { PHASE_FAILED, "................." },    { PHASE_CANCELLED, "................." },
  { PHASE_LOST, "................." },
};

static char
cell_of (Role role, Phase from, Event event)
{
  Phase to = N_PHASES;

  switch (phase_decide (role, from, event, &to))
    {
    case DECISION_GO:
      g_assert_cmpint (to, !=, from);
      return letters[to];
    case DECISION_STAY:
      g_assert_cmpint (to, ==, from);
      return '.';
    default:
      g_assert_cmpint (to, ==, from);
      return '!';
    }
}

static void
check_rows (Role role, const Row *rows, gsize n)
{
  for (gsize i = 0; i < n; i++)
    {
      char found[N_EVENTS + 1] = "";

      for (int event = 0; event < N_EVENTS; event++)
        found[event] = cell_of (role, rows[i].phase, event);
      g_test_message ("%s %s", role_to_string (role), phase_to_string (rows[i].phase));
      g_assert_cmpuint (strlen (rows[i].cells), ==, N_EVENTS);
      g_assert_cmpstr (found, ==, rows[i].cells);
    }
}

static void
test_every_pair (void)
{
  check_rows (ROLE_SOURCE, source_rows, G_N_ELEMENTS (source_rows));
  check_rows (ROLE_DESTINATION, destination_rows, G_N_ELEMENTS (destination_rows));
}

/* Whatever happens to an unfinished migration, some event ends it. */
static void
test_every_phase_ends (void)
{
  static const struct
  {
    Role role;
    Phase first, last;
  } spans[] = { { ROLE_SOURCE, PHASE_PREPARING, PHASE_SWITCHING },
                { ROLE_DESTINATION, PHASE_ANNOUNCED, PHASE_RESUMING } };

  for (gsize i = 0; i < G_N_ELEMENTS (spans); i++)
    for (Phase phase = spans[i].first; phase <= spans[i].last; phase++)
      {
        Phase to;

        g_assert_cmpint (phase_decide (spans[i].role, phase, EVENT_FAILED, &to), ==, DECISION_GO);
        g_assert_cmpint (to, ==, PHASE_FAILED);
        g_assert_cmpint (phase_decide (spans[i].role, phase, EVENT_VANISHED, &to), ==, DECISION_GO);
        g_assert_cmpint (to, ==, PHASE_LOST);
      }
}

static void
test_names (void)
{
  for (int i = 0; i < N_PHASES; i++)
    {
      Phase phase = N_PHASES;

      g_assert_true (phase_from_string (phase_to_string (i), &phase));
      g_assert_cmpint (phase, ==, i);
    }
  for (int i = 0; i < N_EVENTS; i++)
    g_assert_nonnull (event_to_string (i));

  Phase untouched = PHASE_COPYING;
  g_assert_false (phase_from_string ("copied", &untouched));
  g_assert_false (phase_from_string (NULL, &untouched));
  g_assert_cmpint (untouched, ==, PHASE_COPYING);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/phase/every-pair", test_every_pair);
  g_test_add_func ("/phase/every-phase-ends", test_every_phase_ends);
  g_test_add_func ("/phase/names", test_names);
  return g_test_run ();
}
