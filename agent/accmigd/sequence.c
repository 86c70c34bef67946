// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Sequence
 *
 * What each witness can prove:
 *
 *   - QEMU's events are complete, in order, and on one connection with its STOP, RESUME and MIGRATION. An
 *     event tells of each state that QEMU set, not of those that the kernel went through on the way. So
 *     what may follow what is known, and a state that is skipped was skipped.
 *   - A look tells of one moment. Short states fall between two looks, so from looks alone nothing is
 *     missing, nothing came twice and nothing is out of order; but a device that stays where it is can be
 *     seen to.
 *   - What is not known excuses: flags that nobody could ask, a broker that was away, words of a later QEMU.
 *
 * "running" may follow everything: QEMU goes there when a migration fails or is cancelled, and says it after
 * each reset. Three resets can be told from that:
 *
 *   - on the way back to the guest, a device with p2p goes through running-p2p. From resuming straight to
 *     running it was reset; a failed migration does not end that way at a destination.
 *   - a guest is stopped by way of running-p2p as well, so stop after running means a reset in between.
 *   - QEMU says STOP when all its devices have stopped. One that is running then was reset.
 *
 * Without p2p the first two look like success, and with it a reset that follows running-p2p does; then only
 * QEMU's log tells (qemu-log.c).
 *
 * A guest that is paused already is not stopped for the switch-over: there is no STOP, and nobody takes its
 * devices the usual way down. One that stopped with its guest is in stop. One that runs all the same, since
 * its guest was never started or an earlier attempt failed, goes to stop-copy from where it is when QEMU is
 * about to read it; and if it does not obey, to stop.
 *
 * Of a record that has ended only the resets are of interest: what else the guest does has another record,
 * or none.
 */

#include "sequence.h"

#include <stdio.h>
#include <string.h>

/* How long states may last that only lead to others. Longer than a device takes, reset included; shorter
 * than the patience of who waits for the guest. */
#define PASSING_SECONDS 30
/* The switch-over, with the whole of a large state and whatever libvirt does in between. */
#define SWITCHING_SECONDS 120

typedef enum
{
  STEP_NONE, /* nothing is known */
  STEP_RUNNING,
  STEP_STOP,
  STEP_STOP_COPY,
  STEP_RESUMING,
  STEP_RUNNING_P2P,
  STEP_PRE_COPY,
  STEP_PRE_COPY_P2P,
  STEP_PREPARE, /* QEMU ≥ 11: about to ask for pre-copy-p2p */
} Step;

#define N_STEPS (STEP_PREPARE + 1)

#define AFTER(step) (1u << STEP_##step)
#define AFTER_ANY   (~0u)

/* @flags: what the device must have for it. @plain, @p2p: the steps it may follow on a device without p2p and
 * on one with it. @paused: those it may follow on either as well, when QEMU switches over a guest that it
 * need not stop. */
static const struct
{
  const char *state;
  guint64 flags;
  guint plain, p2p, paused;
} steps[] = {
  /* clang-format off */
  [STEP_NONE]         = { NULL, 0, 0, 0, 0 },
  [STEP_RUNNING]      = { "running", 0, AFTER_ANY, AFTER_ANY, 0 },
  [STEP_STOP]         = { "stop", 0,
                          AFTER (RUNNING) | AFTER (PRE_COPY) | AFTER (STOP_COPY) | AFTER (STOP),
                          AFTER (RUNNING_P2P) | AFTER (PRE_COPY_P2P) | AFTER (STOP_COPY) | AFTER (STOP),
                          AFTER (RUNNING) | AFTER (PRE_COPY) },
  [STEP_STOP_COPY]    = { "stop-copy", ACCMIG_FLAG_STOP_COPY,
                          AFTER (PRE_COPY) | AFTER (STOP),
                          AFTER (PRE_COPY_P2P) | AFTER (STOP),
                          AFTER (RUNNING) | AFTER (PRE_COPY) },
  [STEP_RESUMING]     = { "resuming", ACCMIG_FLAG_STOP_COPY,
                          AFTER (RUNNING) | AFTER (STOP),
                          AFTER (RUNNING) | AFTER (STOP),
                          0 },
  [STEP_RUNNING_P2P]  = { "running-p2p", ACCMIG_FLAG_P2P,
                          0,
                          AFTER (RUNNING) | AFTER (STOP) | AFTER (STOP_COPY) | AFTER (RESUMING),
                          0 },
  [STEP_PRE_COPY]     = { "pre-copy", ACCMIG_FLAG_PRE_COPY,
                          AFTER (RUNNING),
                          AFTER (RUNNING),
                          0 },
  [STEP_PRE_COPY_P2P] = { "pre-copy-p2p", ACCMIG_FLAG_PRE_COPY | ACCMIG_FLAG_P2P,
                          0,
                          AFTER (PRE_COPY) | AFTER (PREPARE),
                          0 },
  [STEP_PREPARE]      = { "pre-copy-p2p-prepare", ACCMIG_FLAG_PRE_COPY | ACCMIG_FLAG_P2P,
                          0,
                          AFTER (PRE_COPY),
                          0 },
  /* clang-format on */
};
G_STATIC_ASSERT (G_N_ELEMENTS (steps) == N_STEPS);

static Step
step_of (const char *word)
{
  for (guint i = STEP_NONE + 1; i < N_STEPS; i++)
    if (g_strcmp0 (word, steps[i].state) == 0)
      return i;
  return STEP_NONE;
}

void
sequence_init (Sequence *self, Role role, guint64 flags)
{
  *self = (Sequence){ .role = role, .flags = flags, .last = STEP_NONE };
}

gboolean
sequence_knows_flags (const Sequence *self)
{
  return self->flags != 0;
}

void
sequence_set_flags (Sequence *self, guint64 flags)
{
  self->flags = flags;
}

G_GNUC_PRINTF (3, 4)
static gboolean
suspect (Suspicion *ret_suspicion, AlarmKind kind, const char *format, ...)
{
  va_list args;

  ret_suspicion->kind = kind;
  va_start (args, format);
  (void)vsnprintf (ret_suspicion->detail, sizeof ret_suspicion->detail, format, args);
  va_end (args);
  return TRUE;
}

static gboolean
has_p2p (const Sequence *self)
{
  return (self->flags & ACCMIG_FLAG_P2P) != 0;
}

/* QEMU switches over and did not stop the guest for it. */
static gboolean
is_paused (const Sequence *self)
{
  return self->role == ROLE_SOURCE && self->switching_usec != 0 && !self->stopped;
}

/* Whether @step may come after @before; where the flags are not known, on either kind of device. */
static gboolean
may_follow (const Sequence *self, Step before, Step step)
{
  guint after = steps[step].plain | steps[step].p2p;

  if (self->flags != 0)
    after = has_p2p (self) ? steps[step].p2p : steps[step].plain;
  if (is_paused (self))
    after |= steps[step].paused;
  return (after & 1u << before) != 0;
}

/* The one step that would lead from @before to @step, STEP_NONE when there is no such. */
static Step
find_skipped (const Sequence *self, Step before, Step step)
{
  for (guint i = STEP_RUNNING + 1; i < N_STEPS; i++)
    if (i != step && i != before && may_follow (self, before, i) && may_follow (self, i, step))
      return i;
  return STEP_NONE;
}

/* ---- what is wrong with a step ---- */

static AlarmKind
reset_kind (const Sequence *self)
{
  return self->role == ROLE_SOURCE ? ALARM_RESET_AT_SOURCE : ALARM_RESET_AT_DESTINATION;
}

static gboolean
check_foreign (const Sequence *self, Step step, Suspicion *ret_suspicion)
{
  g_autofree char *flags = NULL;

  if (self->flags == 0 || (steps[step].flags & ~self->flags) == 0)
    return FALSE;
  flags = accmig_flags_to_string (self->flags);
  return suspect (ret_suspicion, ALARM_FOREIGN_STATE, "is in %s, and its flags are %s", steps[step].state,
                  flags);
}

static gboolean
check_reset (const Sequence *self, Step before, Step step, Suspicion *ret_suspicion)
{
  if (!has_p2p (self))
    return FALSE;
  if (self->role == ROLE_DESTINATION && before == STEP_RESUMING && step == STEP_RUNNING)
    return suspect (ret_suspicion, reset_kind (self),
                    "went from resuming to running without running-p2p, so QEMU reset it");
  if (before == STEP_RUNNING && step == STEP_STOP && !is_paused (self))
    return suspect (ret_suspicion, reset_kind (self),
                    "went from running to stop without running-p2p, so QEMU reset it");
  return FALSE;
}

static gboolean
check_order (const Sequence *self, Step before, Step step, Suspicion *ret_suspicion)
{
  Step skipped;

  if (before == STEP_NONE || may_follow (self, before, step))
    return FALSE;
  if (before == step)
    return suspect (ret_suspicion, ALARM_REPEATED_STEP, "was set to %s, where it was already",
                    steps[step].state);
  skipped = find_skipped (self, before, step);
  if (skipped != STEP_NONE)
    return suspect (ret_suspicion, ALARM_MISSING_STEP, "went from %s to %s without %s", steps[before].state,
                    steps[step].state, steps[skipped].state);
  return suspect (ret_suspicion, ALARM_WRONG_ORDER, "went from %s to %s", steps[before].state,
                  steps[step].state);
}

/* QEMU called it completed; then the state has to have been moved. Said once. */
static gboolean
check_moved (Sequence *self, Suspicion *ret_suspicion)
{
  if (!self->from_start || !self->has_events || !self->completed || self->moved)
    return FALSE;
  self->moved = TRUE;
  return suspect (ret_suspicion, ALARM_MISSING_STEP,
                  "was never in %s, and QEMU calls the migration completed",
                  steps[self->role == ROLE_SOURCE ? STEP_STOP_COPY : STEP_RESUMING].state);
}

/* ---- signs ---- */

static void
enter (Sequence *self, Step step, gint64 at_usec)
{
  if (step != self->last)
    self->since_usec = at_usec;
  self->last = step;
  self->moved |= step == (self->role == ROLE_SOURCE ? STEP_STOP_COPY : STEP_RESUMING);
}

static gboolean
feed_event (Sequence *self, const Sign *sign, Suspicion *ret_suspicion)
{
  Step before = self->has_events ? self->last : STEP_NONE;
  Step step = step_of (sign->word);

  self->has_events = TRUE;
  enter (self, step, sign->at_usec);
  if (step == STEP_NONE)
    return FALSE;
  if (check_reset (self, before, step, ret_suspicion))
    return TRUE;
  if (self->ended)
    return FALSE;
  if (check_foreign (self, step, ret_suspicion) || check_order (self, before, step, ret_suspicion))
    return TRUE;
  return self->role == ROLE_DESTINATION && check_moved (self, ret_suspicion);
}

static gboolean
feed_look (Sequence *self, const Sign *sign, Suspicion *ret_suspicion)
{
  Step step = step_of (sign->word);

  if (self->has_events) /* these are the better witness, and in another order than looks */
    return FALSE;
  enter (self, step, sign->at_usec);
  return step != STEP_NONE && !self->ended && check_foreign (self, step, ret_suspicion);
}

static gboolean
feed_stop (Sequence *self, const Sign *sign, Suspicion *ret_suspicion)
{
  self->resumed_usec = 0;
  self->stopped = TRUE;
  if (!self->has_events || self->last != STEP_RUNNING)
    return FALSE;
  return suspect (ret_suspicion, reset_kind (self),
                  "was running when QEMU had stopped the guest, so QEMU reset it");
}

static gboolean
feed_status (Sequence *self, const Sign *sign, Suspicion *ret_suspicion)
{
  if (g_strcmp0 (sign->word, "setup") == 0)
    self->from_start = TRUE;
  if (self->switching_usec == 0
      && (g_strcmp0 (sign->word, "pre-switchover") == 0 || g_strcmp0 (sign->word, "device") == 0))
    self->switching_usec = sign->at_usec;
  if (g_strcmp0 (sign->word, "completed") != 0)
    return FALSE;
  self->completed = TRUE;
  return check_moved (self, ret_suspicion);
}

static void
feed_gap (Sequence *self)
{
  self->from_start = self->stopped = FALSE;
  self->last = STEP_NONE;
  self->switching_usec = self->resumed_usec = 0;
}

/* When the present step is overdue; 0: it may last. */
static gint64
get_limit (const Sequence *self)
{
  switch (self->last)
    {
    case STEP_RUNNING_P2P:
    case STEP_PRE_COPY_P2P:
    case STEP_PREPARE:
      return self->since_usec + PASSING_SECONDS * G_USEC_PER_SEC;
    case STEP_RESUMING: /* until the guest is resumed: as long as memory takes, and longer if it is paused */
      return self->resumed_usec != 0
                 ? MAX (self->since_usec, self->resumed_usec) + PASSING_SECONDS * G_USEC_PER_SEC
                 : 0;
    case STEP_STOP:
    case STEP_STOP_COPY: /* with a guest that somebody paused, as long as memory takes */
      return self->role == ROLE_SOURCE && self->switching_usec != 0 && !self->completed
                 ? MAX (self->since_usec, self->switching_usec) + SWITCHING_SECONDS * G_USEC_PER_SEC
                 : 0;
    default:
      return 0;
    }
}

static gboolean
feed_time (Sequence *self, const Sign *sign, Suspicion *ret_suspicion)
{
  gint64 limit = get_limit (self);

  if (self->ended || self->overdue == self->last || limit == 0 || sign->at_usec < limit)
    return FALSE;
  self->overdue = self->last;
  return suspect (ret_suspicion, ALARM_OVERDUE, "has been in %s for %d seconds", steps[self->last].state,
                  (int)((sign->at_usec - self->since_usec) / G_USEC_PER_SEC));
}

gboolean
sequence_feed (Sequence *self, const Sign *sign, Suspicion *ret_suspicion)
{
  switch (sign->kind)
    {
    case SIGN_EVENT:
      return feed_event (self, sign, ret_suspicion);
    case SIGN_LOOK:
      return feed_look (self, sign, ret_suspicion);
    case SIGN_STOP:
      return feed_stop (self, sign, ret_suspicion);
    case SIGN_RESUME:
      self->switching_usec = 0;
      self->resumed_usec = sign->at_usec;
      self->stopped = FALSE;
      return FALSE;
    case SIGN_STATUS:
      return feed_status (self, sign, ret_suspicion);
    case SIGN_GAP:
      feed_gap (self);
      return FALSE;
    case SIGN_END:
      self->ended = TRUE;
      return FALSE;
    case SIGN_TIME:
      return feed_time (self, sign, ret_suspicion);
    default:
      g_assert_not_reached ();
    }
}

gboolean
sequence_take_went_on (Sequence *self)
{
  if (self->overdue == STEP_NONE || (self->overdue == self->last && !self->ended))
    return FALSE;
  self->overdue = STEP_NONE;
  return TRUE;
}
