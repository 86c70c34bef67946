// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Every from × to × flags, against a second opinion
 *
 * The library looks hops up in a table. Here the same answers are derived from the direct arcs alone, by
 * breadth-first search under three rules:
 *
 *   1. the shortest path is taken;
 *   2. a path passes through neither a saving state nor resuming: a session begins or ends at an end of the
 * path;
 *   3. between two saving states (pre-copy, pre-copy-p2p, stop-copy) the path stays among saving states,
 * since leaving them would end the session.
 *
 * The search also counts the shortest paths: were there two, the rules would not decide and the test would
 * fail.
 */

#include <accmig/fsm.h>
#include <string.h>

#define ALL_FLAGS 8 /* combinations of the three flags */
#define FAR       99

#define P2P       ACCMIG_FLAG_P2P
#define PRE_COPY  ACCMIG_FLAG_PRE_COPY
#define STOP_COPY ACCMIG_FLAG_STOP_COPY

/* clang-format off */
/* The arcs drivers implement: there when all of @with and none of @without is offered, besides stop-copy. */
static const struct
{
  AccmigState from, to;
  guint with, without;
} arcs[] = {
  { ACCMIG_STATE_STOP,         ACCMIG_STATE_STOP_COPY,    0,              0   },
  { ACCMIG_STATE_STOP_COPY,    ACCMIG_STATE_STOP,         0,              0   },
  { ACCMIG_STATE_STOP,         ACCMIG_STATE_RESUMING,     0,              0   },
  { ACCMIG_STATE_RESUMING,     ACCMIG_STATE_STOP,         0,              0   },
  { ACCMIG_STATE_RUNNING,      ACCMIG_STATE_STOP,         0,              P2P },
  { ACCMIG_STATE_STOP,         ACCMIG_STATE_RUNNING,      0,              P2P },
  { ACCMIG_STATE_RUNNING,      ACCMIG_STATE_RUNNING_P2P,  P2P,            0   },
  { ACCMIG_STATE_RUNNING_P2P,  ACCMIG_STATE_RUNNING,      P2P,            0   },
  { ACCMIG_STATE_RUNNING_P2P,  ACCMIG_STATE_STOP,         P2P,            0   },
  { ACCMIG_STATE_STOP,         ACCMIG_STATE_RUNNING_P2P,  P2P,            0   },
  { ACCMIG_STATE_RUNNING,      ACCMIG_STATE_PRE_COPY,     PRE_COPY,       0   },
  { ACCMIG_STATE_PRE_COPY,     ACCMIG_STATE_RUNNING,      PRE_COPY,       0   },
  { ACCMIG_STATE_PRE_COPY,     ACCMIG_STATE_STOP_COPY,    PRE_COPY,       P2P },
  { ACCMIG_STATE_RUNNING_P2P,  ACCMIG_STATE_PRE_COPY_P2P, P2P | PRE_COPY, 0   },
  { ACCMIG_STATE_PRE_COPY_P2P, ACCMIG_STATE_RUNNING_P2P,  P2P | PRE_COPY, 0   },
  { ACCMIG_STATE_PRE_COPY,     ACCMIG_STATE_PRE_COPY_P2P, P2P | PRE_COPY, 0   },
  { ACCMIG_STATE_PRE_COPY_P2P, ACCMIG_STATE_PRE_COPY,     P2P | PRE_COPY, 0   },
  { ACCMIG_STATE_PRE_COPY_P2P, ACCMIG_STATE_STOP_COPY,    P2P | PRE_COPY, 0   },
};
/* clang-format on */

/* The answer to one question, found by searching. */
typedef struct
{
  gboolean found;
  gsize length;
  AccmigState path[ACCMIG_N_STATES];
} Answer;

static gboolean
is_saving (AccmigState state)
{
  return state == ACCMIG_STATE_STOP_COPY || state == ACCMIG_STATE_PRE_COPY
         || state == ACCMIG_STATE_PRE_COPY_P2P;
}

static gboolean
arc_is_offered (gsize arc, guint flags)
{
  return (flags & STOP_COPY) != 0 && (flags & arcs[arc].with) == arcs[arc].with
         && (flags & arcs[arc].without) == 0;
}

/* A state exists when it is running or an arc leads to it. */
static gboolean
state_exists (guint flags, AccmigState state)
{
  for (gsize i = 0; i < G_N_ELEMENTS (arcs); i++)
    if (arc_is_offered (i, flags) && arcs[i].to == state)
      return TRUE;
  return state == ACCMIG_STATE_RUNNING;
}

static gboolean
may_pass (AccmigState state, AccmigState from, AccmigState to)
{
  if (state == from || state == to)
    return TRUE;
  if (is_saving (from) && is_saving (to))
    return is_saving (state);
  return !is_saving (state) && state != ACCMIG_STATE_RESUMING;
}

static gboolean
arc_is_usable (gsize arc, guint flags, AccmigState from, AccmigState to)
{
  return arc_is_offered (arc, flags) && may_pass (arcs[arc].from, from, to)
         && may_pass (arcs[arc].to, from, to);
}

/* Distances and number of shortest ways from @from; @before is the state before each. */
static void
spread (guint flags, AccmigState from, AccmigState to, guint distance[ACCMIG_N_STATES],
        guint ways[ACCMIG_N_STATES], AccmigState before[ACCMIG_N_STATES])
{
  for (guint s = 0; s < ACCMIG_N_STATES; s++)
    distance[s] = FAR;
  distance[from] = 0;
  ways[from] = 1;
  for (guint round = 0; round < ACCMIG_N_STATES; round++)
    for (gsize i = 0; i < G_N_ELEMENTS (arcs); i++)
      {
        if (distance[arcs[i].from] != round || !arc_is_usable (i, flags, from, to)
            || distance[arcs[i].to] <= round)
          continue;
        ways[arcs[i].to] += ways[arcs[i].from];
        distance[arcs[i].to] = round + 1;
        before[arcs[i].to] = arcs[i].from;
      }
}

static Answer
search (guint flags, AccmigState from, AccmigState to)
{
  guint distance[ACCMIG_N_STATES], ways[ACCMIG_N_STATES] = { 0 };
  AccmigState before[ACCMIG_N_STATES] = { 0 };
  Answer answer = { 0 };
  AccmigState at = to;

  if (!state_exists (flags, from) || !state_exists (flags, to))
    return answer;
  spread (flags, from, to, distance, ways, before);
  if (distance[to] == FAR)
    return answer;
  g_assert_cmpuint (ways[to], ==, 1);
  answer.found = TRUE;
  answer.length = distance[to];
  for (gsize i = answer.length; i > 0; i--)
    {
      answer.path[i - 1] = at;
      at = before[at];
    }
  return answer;
}

/* One line that names the question and the answer, so that a failure shows both. */
static char *
describe (guint flags, AccmigState from, AccmigState to, gboolean found, const AccmigState *path,
          gsize length)
{
  g_autoptr (GString) text = g_string_new (NULL);

  g_string_printf (text, "flags %u, %s to %s:%s", flags, accmig_state_to_string (from),
                   accmig_state_to_string (to), found ? "" : " refused");
  for (gsize i = 0; i < length; i++)
    g_string_append_printf (text, " %s", accmig_state_to_string (path[i]));
  return g_strdup (text->str);
}

static void
check_pair (guint flags, AccmigState from, AccmigState to)
{
  Answer wanted = search (flags, from, to);
  AccmigState path[ACCMIG_FSM_MAX_PATH] = { 0 }, next = 77;
  gsize length = 77;
  g_autoptr (GError) error = NULL;
  gboolean found = accmig_fsm_path (flags, from, to, path, &length, &error);
  g_autofree char *found_text = describe (flags, from, to, found, path, found ? length : 0);
  g_autofree char *wanted_text = describe (flags, from, to, wanted.found, wanted.path, wanted.length);

  g_assert_cmpstr (found_text, ==, wanted_text);
  g_assert_cmpint (accmig_fsm_next (flags, from, to, &next, NULL), ==, wanted.found);
  if (wanted.found)
    {
      g_assert_no_error (error);
      g_assert_cmpint (next, ==, wanted.length > 0 ? wanted.path[0] : to);
      return;
    }
  g_assert_error (error, ACCMIG_ERROR, ACCMIG_ERROR_BAD_STATE);
  g_assert_cmpuint (length, ==, 77);
  g_assert_cmpint (next, ==, 77);
}

static void
test_every_pair (void)
{
  for (guint flags = 0; flags < ALL_FLAGS; flags++)
    for (guint from = 0; from < ACCMIG_N_STATES; from++)
      for (guint to = 0; to < ACCMIG_N_STATES; to++)
        check_pair (flags, from, to);
}

static void
test_has_state (void)
{
  for (guint flags = 0; flags < ALL_FLAGS; flags++)
    for (guint s = ACCMIG_STATE_STOP; s < ACCMIG_N_STATES; s++)
      g_assert_cmpint (accmig_fsm_has_state (flags, s), ==, state_exists (flags, s));
  g_assert_true (accmig_fsm_has_state (0, ACCMIG_STATE_ERROR));
  g_assert_false (accmig_fsm_has_state (7, ACCMIG_N_STATES));
  g_assert_false (accmig_fsm_has_state (7, -1));
}

/* A session opens on entering the saving states or resuming from outside, and ends on leaving them. */
static void
test_sessions (void)
{
  guint opening = 0, ending = 0;

  for (gsize i = 0; i < G_N_ELEMENTS (arcs); i++)
    {
      gboolean was = is_saving (arcs[i].from) || arcs[i].from == ACCMIG_STATE_RESUMING;
      gboolean is = is_saving (arcs[i].to) || arcs[i].to == ACCMIG_STATE_RESUMING;

      g_assert_cmpint (accmig_fsm_arc_opens_stream (arcs[i].from, arcs[i].to), ==, !was && is);
      g_assert_cmpint (accmig_fsm_arc_ends_stream (arcs[i].from, arcs[i].to), ==, was && !is);
      opening += !was && is;
      ending += was && !is;
    }
  g_assert_cmpuint (opening, ==, 4);
  g_assert_cmpuint (ending, ==, 4);
}

/* What is no arc does nothing to a session, in whichever direction it is asked. */
static void
test_sessions_beside_the_arcs (void)
{
  guint opening = 0, ending = 0;

  for (guint from = 0; from <= ACCMIG_N_STATES; from++)
    for (guint to = 0; to <= ACCMIG_N_STATES; to++)
      {
        opening += accmig_fsm_arc_opens_stream (from, to);
        ending += accmig_fsm_arc_ends_stream (from, to);
      }
  g_assert_cmpuint (opening, ==, 4);
  g_assert_cmpuint (ending, ==, 4);
}

/* Only the last hop of a path hands out a stream, and only the first one ends one. */
static void
test_stream_at_the_ends (void)
{
  for (guint flags = 0; flags < ALL_FLAGS; flags++)
    for (guint from = 0; from < ACCMIG_N_STATES; from++)
      for (guint to = 0; to < ACCMIG_N_STATES; to++)
        {
          AccmigState path[ACCMIG_FSM_MAX_PATH];
          gsize length = 0;

          if (!accmig_fsm_path (flags, from, to, path, &length, NULL))
            continue;
          for (gsize i = 0; i < length; i++)
            {
              AccmigState at = i == 0 ? (AccmigState)from : path[i - 1];

              g_assert_true (i + 1 == length || !accmig_fsm_arc_opens_stream (at, path[i]));
              g_assert_true (i == 0 || !accmig_fsm_arc_ends_stream (at, path[i]));
            }
        }
}

static void
test_states_beyond (void)
{
  static const int beyond[] = { ACCMIG_N_STATES, ACCMIG_N_STATES + 1, 255, -1, G_MAXINT, G_MININT };

  for (gsize i = 0; i < G_N_ELEMENTS (beyond); i++)
    {
      AccmigState next;

      g_assert_false (accmig_fsm_next (7, beyond[i], ACCMIG_STATE_STOP, &next, NULL));
      g_assert_false (accmig_fsm_next (7, ACCMIG_STATE_STOP, beyond[i], &next, NULL));
      g_assert_cmpstr (accmig_state_to_string (beyond[i]), ==, "unknown");
    }
}

static void
test_unknown_flags_change_nothing (void)
{
  guint64 unknown = G_GUINT64_CONSTANT (0xfffffffffffffff8);
  AccmigState next;

  g_assert_true (accmig_fsm_next (unknown | STOP_COPY, ACCMIG_STATE_RUNNING, ACCMIG_STATE_STOP, &next, NULL));
  g_assert_cmpint (next, ==, ACCMIG_STATE_STOP);
  g_assert_false (accmig_fsm_has_state (unknown, ACCMIG_STATE_STOP));
}

static void
test_names (void)
{
  static const char *const names[] = { "error",    "stop",        "running",  "stop-copy",
                                       "resuming", "running-p2p", "pre-copy", "pre-copy-p2p" };
  AccmigState state = 77;

  G_STATIC_ASSERT (G_N_ELEMENTS (names) == ACCMIG_N_STATES);
  for (guint i = 0; i < ACCMIG_N_STATES; i++)
    {
      g_assert_cmpstr (accmig_state_to_string (i), ==, names[i]);
      g_assert_true (accmig_state_from_string (names[i], &state));
      g_assert_cmpint (state, ==, i);
    }
  state = 77;
  g_assert_false (accmig_state_from_string ("RUNNING", &state));
  g_assert_false (accmig_state_from_string ("", &state));
  g_assert_false (accmig_state_from_string (NULL, &state));
  g_assert_cmpint (state, ==, 77);
}

static void
test_flag_names (void)
{
  static const struct
  {
    guint64 flags;
    const char *text;
  } rows[] = {
    { 0, "none" },
    { 1, "stop-copy" },
    { 3, "stop-copy+p2p" },
    { 5, "stop-copy+pre-copy" },
    { 7, "stop-copy+p2p+pre-copy" },
    { 8, "0x8" },
    { G_GUINT64_CONSTANT (0x8000000000000001), "stop-copy+0x8000000000000000" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *text = accmig_flags_to_string (rows[i].flags);

      g_assert_cmpstr (text, ==, rows[i].text);
    }
}

/* Every combination comes back from its own text; what is no flag is named. */
static void
test_flags_from_text (void)
{
  static const char *const wrong[] = { "",    "+",   "p2p+",     "+p2p",   "stop_copy",
                                       "P2P", "0x8", "none+p2p", "p2p p2p" };

  for (guint64 flags = 0; flags < ALL_FLAGS; flags++)
    {
      g_autofree char *text = accmig_flags_to_string (flags);
      guint64 read = 77;

      g_assert_true (accmig_flags_from_string (text, &read, NULL));
      g_assert_cmpuint (read, ==, flags);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (wrong); i++)
    {
      g_autoptr (GError) error = NULL;
      guint64 read = 77;

      g_assert_false (accmig_flags_from_string (wrong[i], &read, &error));
      g_assert_error (error, ACCMIG_ERROR, ACCMIG_ERROR_INVALID);
      g_assert_nonnull (strstr (error->message, "is no migration flag"));
      g_assert_cmpuint (read, ==, 77);
    }
}

/* The sentence names both ends, or what the device lacks. */
static void
test_sentences (void)
{
  g_autoptr (GError) blocked = NULL, lacking = NULL;
  AccmigState next;

  g_assert_false (accmig_fsm_next (7, ACCMIG_STATE_STOP_COPY, ACCMIG_STATE_PRE_COPY, &next, &blocked));
  g_assert_cmpstr (
      blocked->message, ==,
      "no way leads from stop-copy to pre-copy: that would begin another stream; go to running first");
  g_assert_false (accmig_fsm_next (1, ACCMIG_STATE_RUNNING, ACCMIG_STATE_PRE_COPY, &next, &lacking));
  g_assert_cmpstr (lacking->message, ==,
                   "wanted state pre-copy is not one of this device, which offers stop-copy");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/fsm/every-pair", test_every_pair);
  g_test_add_func ("/fsm/has-state", test_has_state);
  g_test_add_func ("/fsm/sessions", test_sessions);
  g_test_add_func ("/fsm/sessions-beside-the-arcs", test_sessions_beside_the_arcs);
  g_test_add_func ("/fsm/stream-at-the-ends", test_stream_at_the_ends);
  g_test_add_func ("/fsm/states-beyond", test_states_beyond);
  g_test_add_func ("/fsm/unknown-flags", test_unknown_flags_change_nothing);
  g_test_add_func ("/fsm/names", test_names);
  g_test_add_func ("/fsm/flag-names", test_flag_names);
  g_test_add_func ("/fsm/flags-from-text", test_flags_from_text);
  g_test_add_func ("/fsm/sentences", test_sentences);
  return g_test_run ();
}
