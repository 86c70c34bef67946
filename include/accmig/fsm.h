/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <accmig/error.h>

/*
 * The VFIO migration state machine, as the kernel walks it (linux/vfio.h, vfio_mig_get_next_state()).
 *
 * A device offers STOP_COPY alone or with P2P, PRE_COPY or both, and a request for a state is walked as a
 * path of arcs, each of which the driver performs. These functions answer, without a device, what the kernel
 * will do. Numbers of states and flags are the kernel's own, so values pass through unchanged.
 */

typedef enum
{
  ACCMIG_STATE_ERROR = 0,
  ACCMIG_STATE_STOP = 1,
  ACCMIG_STATE_RUNNING = 2,
  ACCMIG_STATE_STOP_COPY = 3,
  ACCMIG_STATE_RESUMING = 4,
  ACCMIG_STATE_RUNNING_P2P = 5,
  ACCMIG_STATE_PRE_COPY = 6,
  ACCMIG_STATE_PRE_COPY_P2P = 7,
} AccmigState;

#define ACCMIG_N_STATES 8

typedef enum
{
  ACCMIG_FLAG_STOP_COPY = 1 << 0,
  ACCMIG_FLAG_P2P = 1 << 1,
  ACCMIG_FLAG_PRE_COPY = 1 << 2,
} AccmigFlags;

/* Whether a device logs by itself which memory it writes. */
typedef enum
{
  ACCMIG_TRACKING_UNKNOWN,
  ACCMIG_TRACKING_NO,
  ACCMIG_TRACKING_YES,
} AccmigTracking;

/* More arcs than any path has. */
#define ACCMIG_FSM_MAX_PATH 8

/**
 * accmig_state_to_string:
 * @state: a state, also one this library does not know
 * Returns: (transfer none): its name as used everywhere in accmig ("running-p2p"), "unknown" for a number
 *   beyond the enum
 */
ACCMIG_API const char *accmig_state_to_string (AccmigState state);

/**
 * accmig_state_from_string:
 * @name: (nullable): a name as accmig_state_to_string() gives it
 * @ret_state: (out): the state; untouched on failure
 * Returns: whether @name is a state
 */
ACCMIG_API gboolean accmig_state_from_string (const char *name, AccmigState *ret_state);

/**
 * accmig_flags_to_string:
 * @flags: migration flags as the kernel reports them, unknown bits included
 * Returns: (transfer full): "stop-copy+p2p+pre-copy" and so on, "none" for 0, unknown bits as "0x…"
 */
ACCMIG_API char *accmig_flags_to_string (guint64 flags);

/**
 * accmig_flags_from_string:
 * @text: names of flags joined by "+", as accmig_flags_to_string() gives them; "none" for 0. Unknown bits
 * have no name
 * @ret_flags: (out): untouched on failure
 * @error: INVALID, naming the word that is no flag and those that are
 */
ACCMIG_API gboolean accmig_flags_from_string (const char *text, guint64 *ret_flags, GError **error);

/**
 * accmig_fsm_has_state:
 * Returns: whether a device with @flags knows @state. ERROR and RUNNING need no flag
 */
ACCMIG_API gboolean accmig_fsm_has_state (guint64 flags, AccmigState state);

/**
 * accmig_fsm_next:
 * @flags: what the device offers
 * @from: its present state
 * @to: the state asked for
 * @ret_next: (out): where the kernel goes first; @to itself when already there
 * @error: BAD_STATE when the kernel would refuse (EINVAL): from or to ERROR, a state whose flag is missing,
 *   stop-copy back to a pre-copy state (which some kernels answer with an endless loop: never ask them)
 * Returns: whether there is a way
 */
ACCMIG_API gboolean accmig_fsm_next (guint64 flags, AccmigState from, AccmigState to, AccmigState *ret_next,
                                     GError **error);

/**
 * accmig_fsm_path:
 * @path: (out): the states gone through, @from excluded, @to last; room for %ACCMIG_FSM_MAX_PATH
 * @ret_length: (out): how many; 0 when @from equals @to
 * Returns: whether there is a way; @error as for accmig_fsm_next()
 */
ACCMIG_API gboolean accmig_fsm_path (guint64 flags, AccmigState from, AccmigState to,
                                     AccmigState path[ACCMIG_FSM_MAX_PATH], gsize *ret_length,
                                     GError **error);

/**
 * accmig_fsm_arc_opens_stream:
 * Returns: whether the single arc @from → @to hands out a new data fd
 */
ACCMIG_API gboolean accmig_fsm_arc_opens_stream (AccmigState from, AccmigState to);

/**
 * accmig_fsm_arc_ends_stream:
 * Returns: whether the single arc @from → @to ends the session whose data fd was handed out before
 */
ACCMIG_API gboolean accmig_fsm_arc_ends_stream (AccmigState from, AccmigState to);
