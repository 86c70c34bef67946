// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The migration state machine
 *
 * Three tables hold everything that is known: which flags a state needs, which way the kernel takes from one
 * state to another, and what each arc does to the data session.
 *
 * The way is a table of next hops for a device that offers everything. A device that offers less skips the
 * states it lacks: the hop it would take from there counts instead. A pair without a hop is refused, as the
 * kernel refuses it. No chain of hops in the table comes back to where it was, so following it always ends;
 * the unit test walks all of them.
 */

#include <accmig/fsm.h>

#include "error-private.h"

#define ERROR        ACCMIG_STATE_ERROR
#define STOP         ACCMIG_STATE_STOP
#define RUNNING      ACCMIG_STATE_RUNNING
#define STOP_COPY    ACCMIG_STATE_STOP_COPY
#define RESUMING     ACCMIG_STATE_RESUMING
#define RUNNING_P2P  ACCMIG_STATE_RUNNING_P2P
#define PRE_COPY     ACCMIG_STATE_PRE_COPY
#define PRE_COPY_P2P ACCMIG_STATE_PRE_COPY_P2P

#define NEEDS_NOTHING  0
#define NEEDS_STOPPING ACCMIG_FLAG_STOP_COPY
#define NEEDS_P2P      (ACCMIG_FLAG_STOP_COPY | ACCMIG_FLAG_P2P)
#define NEEDS_PRE_COPY (ACCMIG_FLAG_STOP_COPY | ACCMIG_FLAG_PRE_COPY)
#define NEEDS_ALL      (NEEDS_P2P | NEEDS_PRE_COPY)

/* clang-format off */
static const struct
{
  const char *name;
  guint64 needs;
} states[ACCMIG_N_STATES] = {
  [ERROR]        = { "error",        NEEDS_NOTHING  },
  [STOP]         = { "stop",         NEEDS_STOPPING },
  [RUNNING]      = { "running",      NEEDS_NOTHING  },
  [STOP_COPY]    = { "stop-copy",    NEEDS_STOPPING },
  [RESUMING]     = { "resuming",     NEEDS_STOPPING },
  [RUNNING_P2P]  = { "running-p2p",  NEEDS_P2P      },
  [PRE_COPY]     = { "pre-copy",     NEEDS_PRE_COPY },
  [PRE_COPY_P2P] = { "pre-copy-p2p", NEEDS_ALL      },
};

/*
 * From (row) × to (member) → the first hop; a member left out is 0, ERROR: no way. What is left out beside the
 * ERROR row and column: stop-copy back to the pre-copy states, which would silently begin another session.
 */
static const guint8 hops[ACCMIG_N_STATES][ACCMIG_N_STATES] = {
  [STOP] = {
    [STOP]         = STOP,
    [RUNNING]      = RUNNING_P2P,
    [STOP_COPY]    = STOP_COPY,
    [RESUMING]     = RESUMING,
    [RUNNING_P2P]  = RUNNING_P2P,
    [PRE_COPY]     = RUNNING_P2P,
    [PRE_COPY_P2P] = RUNNING_P2P,
  },
  [RUNNING] = {
    [STOP]         = RUNNING_P2P,
    [RUNNING]      = RUNNING,
    [STOP_COPY]    = RUNNING_P2P,
    [RESUMING]     = RUNNING_P2P,
    [RUNNING_P2P]  = RUNNING_P2P,
    [PRE_COPY]     = PRE_COPY,
    [PRE_COPY_P2P] = RUNNING_P2P,
  },
  [STOP_COPY] = {
    [STOP]         = STOP,
    [RUNNING]      = STOP,
    [STOP_COPY]    = STOP_COPY,
    [RESUMING]     = STOP,
    [RUNNING_P2P]  = STOP,
  },
  [RESUMING] = {
    [STOP]         = STOP,
    [RUNNING]      = STOP,
    [STOP_COPY]    = STOP,
    [RESUMING]     = RESUMING,
    [RUNNING_P2P]  = STOP,
    [PRE_COPY]     = STOP,
    [PRE_COPY_P2P] = STOP,
  },
  [RUNNING_P2P] = {
    [STOP]         = STOP,
    [RUNNING]      = RUNNING,
    [STOP_COPY]    = STOP,
    [RESUMING]     = STOP,
    [RUNNING_P2P]  = RUNNING_P2P,
    [PRE_COPY]     = RUNNING,
    [PRE_COPY_P2P] = PRE_COPY_P2P,
  },
  [PRE_COPY] = {
    [STOP]         = RUNNING,
    [RUNNING]      = RUNNING,
    [STOP_COPY]    = PRE_COPY_P2P,
    [RESUMING]     = RUNNING,
    [RUNNING_P2P]  = RUNNING,
    [PRE_COPY]     = PRE_COPY,
    [PRE_COPY_P2P] = PRE_COPY_P2P,
  },
  [PRE_COPY_P2P] = {
    [STOP]         = RUNNING_P2P,
    [RUNNING]      = RUNNING_P2P,
    [STOP_COPY]    = STOP_COPY,
    [RESUMING]     = RUNNING_P2P,
    [RUNNING_P2P]  = RUNNING_P2P,
    [PRE_COPY]     = PRE_COPY,
    [PRE_COPY_P2P] = PRE_COPY_P2P,
  },
};

typedef enum
{
  SESSION_UNTOUCHED,
  SESSION_OPENS,
  SESSION_ENDS,
} Session;

/* The arcs that do something to a session. Moving among pre-copy, pre-copy-p2p and stop-copy keeps it. */
static const struct
{
  AccmigState from;
  AccmigState to;
  Session session;
} session_arcs[] = {
  { STOP,         STOP_COPY,    SESSION_OPENS },
  { STOP,         RESUMING,     SESSION_OPENS },
  { RUNNING,      PRE_COPY,     SESSION_OPENS },
  { RUNNING_P2P,  PRE_COPY_P2P, SESSION_OPENS },
  { STOP_COPY,    STOP,         SESSION_ENDS  },
  { RESUMING,     STOP,         SESSION_ENDS  },
  { PRE_COPY,     RUNNING,      SESSION_ENDS  },
  { PRE_COPY_P2P, RUNNING_P2P,  SESSION_ENDS  },
};

static const struct
{
  guint64 flag;
  const char *name;
} flag_names[] = {
  { ACCMIG_FLAG_STOP_COPY, "stop-copy" },
  { ACCMIG_FLAG_P2P,       "p2p"       },
  { ACCMIG_FLAG_PRE_COPY,  "pre-copy"  },
};
/* clang-format on */

static gboolean
is_state (AccmigState state)
{
  return (guint)state < ACCMIG_N_STATES;
}

const char *
accmig_state_to_string (AccmigState state)
{
  return is_state (state) ? states[state].name : "unknown";
}

gboolean
accmig_state_from_string (const char *name, AccmigState *ret_state)
{
  for (guint i = 0; i < ACCMIG_N_STATES; i++)
    if (g_strcmp0 (name, states[i].name) == 0)
      {
        *ret_state = (AccmigState)i;
        return TRUE;
      }
  return FALSE;
}

char *
accmig_flags_to_string (guint64 flags)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < G_N_ELEMENTS (flag_names); i++)
    {
      if ((flags & flag_names[i].flag) == 0)
        continue;
      g_string_append_printf (text, "%s%s", text->len > 0 ? "+" : "", flag_names[i].name);
      flags &= ~flag_names[i].flag;
    }
  if (flags != 0)
    g_string_append_printf (text, "%s0x%" G_GINT64_MODIFIER "x", text->len > 0 ? "+" : "", flags);
  return g_strdup (text->len > 0 ? text->str : "none");
}

/* 0 when @name is no flag's. */
static guint64
find_flag (const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (flag_names); i++)
    if (g_str_equal (name, flag_names[i].name))
      return flag_names[i].flag;
  return 0;
}

static gboolean
fail_flag (const char *word, GError **error)
{
  return fail (error, ACCMIG_ERROR_INVALID,
               "“%s” is no migration flag; those are stop-copy, p2p and pre-copy, with “+” between them",
               word);
}

gboolean
accmig_flags_from_string (const char *text, guint64 *ret_flags, GError **error)
{
  g_auto (GStrv) words = g_strsplit (text, "+", -1);
  gboolean is_none = g_str_equal (text, "none");
  guint64 flags = 0;

  for (char **word = words; *word != NULL && !is_none; word++)
    {
      guint64 flag = find_flag (*word);

      if (flag == 0)
        return fail_flag (*word, error);
      flags |= flag;
    }
  if (flags == 0 && !is_none)
    return fail_flag (text, error);
  *ret_flags = flags;
  return TRUE;
}

gboolean
accmig_fsm_has_state (guint64 flags, AccmigState state)
{
  return is_state (state) && (flags & states[state].needs) == states[state].needs;
}

/* The hop as the kernel finds it, ERROR for none. Both ends are states the device has. */
static AccmigState
find_hop (guint64 flags, AccmigState from, AccmigState to)
{
  AccmigState hop = hops[from][to];

  while (!accmig_fsm_has_state (flags, hop))
    hop = hops[hop][to];
  return hop;
}

static gboolean
check_end (guint64 flags, AccmigState state, const char *which, GError **error)
{
  g_autofree char *offered = NULL;

  if (!is_state (state))
    return fail (error, ACCMIG_ERROR_BAD_STATE, "%s state %d does not exist, the last one is %d", which,
                 (int)state, ACCMIG_N_STATES - 1);
  if (state == ERROR)
    return fail (error, ACCMIG_ERROR_BAD_STATE,
                 "%s state is error, which only a reset leaves and nobody may ask for", which);
  if (accmig_fsm_has_state (flags, state))
    return TRUE;
  offered = accmig_flags_to_string (flags);
  return fail (error, ACCMIG_ERROR_BAD_STATE, "%s state %s is not one of this device, which offers %s", which,
               accmig_state_to_string (state), offered);
}

gboolean
accmig_fsm_next (guint64 flags, AccmigState from, AccmigState to, AccmigState *ret_next, GError **error)
{
  AccmigState hop;

  if (!check_end (flags, from, "present", error) || !check_end (flags, to, "wanted", error))
    return FALSE;
  hop = find_hop (flags, from, to);
  if (hop == ERROR)
    return fail (error, ACCMIG_ERROR_BAD_STATE,
                 "no way leads from %s to %s: that would begin another stream; go to running first",
                 accmig_state_to_string (from), accmig_state_to_string (to));
  *ret_next = hop;
  return TRUE;
}

gboolean
accmig_fsm_path (guint64 flags, AccmigState from, AccmigState to, AccmigState path[ACCMIG_FSM_MAX_PATH],
                 gsize *ret_length, GError **error)
{
  gsize length = 0;
  AccmigState at;

  if (!accmig_fsm_next (flags, from, to, &at, error))
    return FALSE;
  for (at = from; at != to; length++)
    {
      g_return_val_if_fail (length < ACCMIG_FSM_MAX_PATH, FALSE);
      at = find_hop (flags, at, to);
      path[length] = at;
    }
  *ret_length = length;
  return TRUE;
}

static Session
session_of_arc (AccmigState from, AccmigState to)
{
  for (guint i = 0; i < G_N_ELEMENTS (session_arcs); i++)
    if (session_arcs[i].from == from && session_arcs[i].to == to)
      return session_arcs[i].session;
  return SESSION_UNTOUCHED;
}

gboolean
accmig_fsm_arc_opens_stream (AccmigState from, AccmigState to)
{
  return session_of_arc (from, to) == SESSION_OPENS;
}

gboolean
accmig_fsm_arc_ends_stream (AccmigState from, AccmigState to)
{
  return session_of_arc (from, to) == SESSION_ENDS;
}
