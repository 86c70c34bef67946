// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A world for a drive
 *
 * Nothing is answered before the test runs the world, so that a drive never gets away with an answer that
 * comes at once; then answers come in the order of the questions.
 */

#include "drive-world.h"

/* Later than any limit of a step. */
#define LATE_USEC (60 * G_USEC_PER_SEC)

typedef struct
{
  Act act;
  guint device;
  AccmigState to;
  gint64 due; /* G_MAXINT64: never */
  gboolean fails;
} Pending;

static WorldDevice *
find (World *world, const char *name, guint *ret_index)
{
  for (guint i = 0; i < world->n_devices; i++)
    if (g_str_equal (world->devices[i].name, name))
      {
        if (ret_index != NULL)
          *ret_index = i;
        return &world->devices[i];
      }
  g_assert_not_reached ();
}

/* ---- the contract ---- */

static gboolean
stands_still (AccmigState state)
{
  return state == ACCMIG_STATE_STOP || state == ACCMIG_STATE_STOP_COPY || state == ACCMIG_STATE_RESUMING;
}

static gboolean
reaches_others (const WorldDevice *device)
{
  return (device->flags & ACCMIG_FLAG_P2P) != 0
         && (device->state == ACCMIG_STATE_RUNNING || device->state == ACCMIG_STATE_PRE_COPY);
}

/* Whether any device with p2p is in one of the states that reach others, or stands still. */
static gboolean
any (const World *world, const WorldDevice *but, gboolean still)
{
  for (guint i = 0; i < world->n_devices; i++)
    {
      const WorldDevice *device = &world->devices[i];

      if (device == but || !device->known)
        continue;
      if (still ? (device->flags & ACCMIG_FLAG_P2P) != 0 && stands_still (device->state)
                : reaches_others (device))
        return TRUE;
    }
  return FALSE;
}

/* One arc, when it is asked for: what the kernel does with it then nobody can call back. Where a fault holds
 * a device back, the others may go without it, and the barrier cannot be held against them. */
static void
check_arc (const World *world, const WorldDevice *device, AccmigState from, AccmigState to)
{
  gboolean stops = stands_still (to) && !stands_still (from);
  gboolean starts = to == ACCMIG_STATE_RUNNING && from == ACCMIG_STATE_RUNNING_P2P;

  g_assert_true (!stops || world->guest != GUEST_RUNS_HERE || world->role == ROLE_DESTINATION);
  if (world->struck > 0)
    return;
  if (world->role == ROLE_SOURCE && world->guest == GUEST_STOPPED)
    g_assert_true (!stops || !any (world, device, FALSE));
  if (world->guest == GUEST_RUNS_HERE)
    g_assert_true (!starts || !any (world, device, TRUE));
}

static void
check_step (const World *world, const WorldDevice *device, AccmigState to)
{
  AccmigState path[ACCMIG_FSM_MAX_PATH], from = device->state;
  g_autoptr (GError) error = NULL;
  gsize n = 0;

  accmig_fsm_path (device->flags, from, to, path, &n, &error);
  g_assert_no_error (error);
  for (gsize i = 0; i < n; i++)
    {
      check_arc (world, device, from, path[i]);
      from = path[i];
    }
}

/* ---- the executor ---- */

static gboolean
strikes (World *world, const Pending *pending)
{
  const Fault *fault = &world->fault;

  if (fault->kind == FAULT_NONE || pending->device != 0 || fault->act != pending->act
      || (fault->act == ACT_STEP && fault->to != pending->to)
      || (world->struck > 0 && fault->kind != FAULT_ALWAYS))
    return FALSE;
  world->struck++;
  return TRUE;
}

static void
ask (World *world, Act act, const char *name, AccmigState to)
{
  Pending pending = { .act = act, .to = to, .due = world->now };
  WorldDevice *device = find (world, name, &pending.device);

  for (guint i = 0; i < world->pending->len; i++) /* one at a time */
    g_assert_cmpuint (g_array_index (world->pending, Pending, i).device, !=, pending.device);
  g_assert_true (device->known);
  if (strikes (world, &pending))
    {
      pending.fails = world->fault.kind == FAULT_ONCE || world->fault.kind == FAULT_ALWAYS;
      if (world->fault.kind == FAULT_LATE)
        pending.due = world->now + LATE_USEC;
      if (world->fault.kind == FAULT_NEVER)
        pending.due = G_MAXINT64;
    }
  g_array_append_val (world->pending, pending);
}

static gboolean
on_record (const DriveIntent *intents, gsize n, gpointer user)
{
  World *world = user;

  if (world->cannot_write)
    return FALSE;
  world->records++;
  for (gsize i = 0; i < n; i++)
    {
      WorldDevice *device = find (world, intents[i].name, NULL);

      g_assert_cmpint (device->state, ==, intents[i].from);
      g_assert_cmpuint (device->open_steps, ==, 0);
      device->open_steps++;
    }
  if (world->kill_at == world->records)
    world->killed = TRUE;
  return TRUE;
}

static void
on_step (const char *name, AccmigState to, gpointer user)
{
  World *world = user;

  g_assert_true (find (world, name, NULL)->open_steps == 1 || world->cannot_write);
  check_step (world, find (world, name, NULL), to);
  g_string_append_printf (world->log, "%s:%s ", name, accmig_state_to_string (to));
  ask (world, ACT_STEP, name, to);
}

static void
on_reset (const char *name, gpointer user)
{
  World *world = user;

  g_assert_true (world->role == ROLE_DESTINATION); /* at the source it would lose what the guest needs */
  g_string_append_printf (world->log, "%s:reset ", name);
  ask (world, ACT_RESET, name, ACCMIG_STATE_RUNNING);
}

static void
on_drain (const char *name, gboolean final, gpointer user)
{
  World *world = user;
  WorldDevice *device = find (world, name, NULL);

  g_assert_true (device->has_stream && !device->stream_over);
  g_assert_cmpint (device->state, ==, final ? ACCMIG_STATE_STOP_COPY : ACCMIG_STATE_PRE_COPY);
  if (final)
    g_string_append_printf (world->log, "%s:drain ", name);
  ask (world, final ? ACT_FINAL_DRAIN : ACT_DRAIN, name, 0);
}

static void
on_fill (const char *name, gpointer user)
{
  World *world = user;

  g_assert_cmpint (find (world, name, NULL)->state, ==, ACCMIG_STATE_RESUMING);
  g_string_append_printf (world->log, "%s:fill ", name);
  ask (world, ACT_FILL, name, 0);
}

static char *
on_check (const char *name, gpointer user)
{
  World *world = user;
  Pending pending = { .act = ACT_CHECK };
  WorldDevice *device = find (world, name, &pending.device);

  device->holds = !strikes (world, &pending);
  return device->holds ? NULL : g_strdup ("the digest differs");
}

/* Who reads or writes a stream that is cut comes back. */
static void
wake_stream (World *world, guint device)
{
  for (guint i = 0; i < world->pending->len; i++)
    {
      Pending *pending = &g_array_index (world->pending, Pending, i);

      if (pending->device != device || pending->act == ACT_STEP || pending->act == ACT_RESET)
        continue;
      pending->due = world->now;
      pending->fails = TRUE;
    }
}

static void
on_stream_over (const char *name, const char *failure, gpointer user)
{
  World *world = user;
  guint index = 0;
  WorldDevice *device = find (world, name, &index);

  g_assert_true (device->has_stream && !device->stream_over);
  device->stream_over = TRUE;
  device->stream_good = failure == NULL;
  if (failure != NULL)
    wake_stream (world, index);
}

static void
on_alarm (const char *name, const char *sentence, gpointer user)
{
  WorldDevice *device = find (user, name, NULL);

  g_clear_pointer (&device->alarm, g_free);
  if (*sentence == '\0')
    return;
  device->alarm = g_strdup (sentence);
  device->alarms++;
  g_test_message ("%s: %s", name, sentence);
}

static void
on_finished (const char *name, DriveOutcome outcome, gpointer user)
{
  WorldDevice *device = find (user, name, NULL);

  device->outcome = outcome;
  if (outcome != DRIVE_OUTCOME_LOADED)
    device->told++;
}

static gint64
on_now (gpointer user)
{
  return ((World *)user)->now;
}

static void
on_wake_at (gint64 at, gpointer user)
{
  ((World *)user)->wake_at = at;
}

/* ---- answers ---- */

static void
answer_step (World *world, const Pending *pending)
{
  WorldDevice *device = &world->devices[pending->device];

  device->open_steps = 0;
  if (!pending->fails)
    device->state = pending->to;
  if (!pending->fails && pending->to == ACCMIG_STATE_STOP && world->role == ROLE_DESTINATION)
    device->was_loaded = TRUE;
  drive_on_step (world->drive, device->name, &device->state, pending->fails ? "EIO" : "");
}

static void
answer_reset (World *world, const Pending *pending)
{
  WorldDevice *device = &world->devices[pending->device];

  device->open_steps = 0;
  if (!pending->fails)
    {
      device->state = ACCMIG_STATE_RUNNING;
      device->holds = FALSE;
      device->was_loaded = FALSE;
    }
  drive_on_reset (world->drive, device->name, &device->state, pending->fails ? "EAGAIN" : "");
}

static void
answer (World *world, const Pending *pending)
{
  const char *name = world->devices[pending->device].name;
  const char *failure = pending->fails ? "EPIPE" : "";

  switch (pending->act)
    {
    case ACT_STEP:
      answer_step (world, pending);
      break;
    case ACT_RESET:
      answer_reset (world, pending);
      break;
    case ACT_DRAIN:
    case ACT_FINAL_DRAIN:
      drive_on_drain (world->drive, name, FALSE, failure);
      break;
    case ACT_FILL:
      drive_on_fill (world->drive, name, failure);
      break;
    default:
      g_assert_not_reached ();
    }
}

/* The first that is due, or none. */
static gboolean
answer_next (World *world)
{
  for (guint i = 0; i < world->pending->len; i++)
    {
      Pending pending = g_array_index (world->pending, Pending, i);

      if (pending.due > world->now)
        continue;
      g_array_remove_index (world->pending, i);
      answer (world, &pending);
      return TRUE;
    }
  return FALSE;
}

/* When something happens next, by itself; @until at the latest. */
static gint64
find_next (const World *world, gint64 until)
{
  gint64 next = until;

  for (guint i = 0; i < world->pending->len; i++)
    next = MIN (next, g_array_index (world->pending, Pending, i).due);
  if (world->wake_at > world->now)
    next = MIN (next, world->wake_at);
  return next;
}

void
world_run (World *world, guint seconds)
{
  gint64 until = world->now + seconds * G_USEC_PER_SEC;

  while (!world->killed)
    {
      if (answer_next (world))
        continue;
      if (world->now >= until)
        return;
      world->now = find_next (world, until);
      if (world->wake_at != 0 && world->wake_at <= world->now)
        {
          world->wake_at = 0;
          drive_on_time (world->drive);
        }
    }
}

/* ---- the test's hand ---- */

World *
world_new (Role role, const guint64 *flags)
{
  World *world = g_new0 (World, 1);

  world->role = role;
  world->guest = role == ROLE_SOURCE ? GUEST_RUNS_HERE : GUEST_ELSEWHERE;
  world->now = G_USEC_PER_SEC;
  world->pending = g_array_new (FALSE, FALSE, sizeof (Pending));
  world->log = g_string_new (NULL);
  for (; world->n_devices < WORLD_MAX_DEVICES && flags[world->n_devices] != 0; world->n_devices++)
    {
      WorldDevice *device = &world->devices[world->n_devices];

      device->name[0] = (char)('a' + world->n_devices);
      device->flags = flags[world->n_devices];
      device->state = ACCMIG_STATE_RUNNING;
      device->known = TRUE;
    }
  return world;
}

void
world_free (World *world)
{
  for (guint i = 0; i < world->n_devices; i++)
    g_free (world->devices[i].alarm);
  drive_free (world->drive);
  g_array_unref (world->pending);
  g_string_free (world->log, TRUE);
  g_free (world);
}

void
world_begin (World *world, DriveBeginning how)
{
  static const DriveExecutor executor = {
    .record = on_record,
    .step = on_step,
    .reset = on_reset,
    .drain = on_drain,
    .fill = on_fill,
    .check = on_check,
    .stream_over = on_stream_over,
    .alarm = on_alarm,
    .finished = on_finished,
    .now = on_now,
    .wake_at = on_wake_at,
  };
  static const DriveLimits limits = { .step = 30, .switching = 120 };

  world->drive = drive_new (world->role, &limits, &executor, world);
  for (guint i = 0; i < world->n_devices; i++)
    {
      WorldDevice *device = &world->devices[i];

      drive_add_device (world->drive, device->name, device->flags, device->known ? &device->state : NULL);
      if (device->was_loaded)
        drive_set_loaded (world->drive, device->name);
    }
  drive_begin (world->drive, how);
}

void
world_tell (World *world, GuestPlace guest, DriveNews news)
{
  world->guest = guest;
  if (!world->killed)
    drive_tell (world->drive, news);
}

void
world_open_streams (World *world)
{
  for (guint i = 0; i < world->n_devices && !world->killed; i++)
    {
      g_autoptr (GError) error = NULL;

      world->devices[i].has_stream = TRUE; /* it may be used before the call returns */
      if (!drive_open_stream (world->drive, world->devices[i].name, &error))
        world->devices[i].has_stream = FALSE;
    }
}

void
world_confirm (World *world)
{
  for (guint i = 0; i < world->n_devices && !world->killed; i++)
    if (world->devices[i].stream_good)
      drive_confirm (world->drive, world->devices[i].name, NULL);
}

void
world_kill (World *world, gboolean done)
{
  g_clear_pointer (&world->drive, drive_free);
  for (guint i = 0; i < world->pending->len; i++)
    {
      const Pending *pending = &g_array_index (world->pending, Pending, i);
      WorldDevice *device = &world->devices[pending->device];

      if (!done || pending->due > world->now)
        continue;
      if (pending->act == ACT_STEP)
        device->state = pending->to;
      if (pending->act == ACT_STEP && pending->to == ACCMIG_STATE_STOP && world->role == ROLE_DESTINATION)
        device->was_loaded = TRUE;
      if (pending->act == ACT_RESET)
        device->state = ACCMIG_STATE_RUNNING;
      if (pending->act == ACT_RESET)
        device->holds = device->was_loaded = FALSE;
    }
  g_array_set_size (world->pending, 0);
  for (guint i = 0; i < world->n_devices; i++)
    {
      world->devices[i].open_steps = 0;
      world->devices[i].has_stream = world->devices[i].stream_over = world->devices[i].stream_good = FALSE;
    }
  world->wake_at = 0;
  world->killed = FALSE;
  world->kill_at = 0;
}

static void
check_device (const World *world, const WorldDevice *device, const char *label)
{
  AccmigState wanted = world->role == ROLE_SOURCE && world->guest == GUEST_ELSEWHERE ? ACCMIG_STATE_STOP
                                                                                     : ACCMIG_STATE_RUNNING;
  gboolean kept = world->role == ROLE_SOURCE || device->holds;

  g_test_message ("%s: %s in %s, outcome %d, alarm %s", label, device->name,
                  accmig_state_to_string (device->state), device->outcome,
                  device->alarm != NULL ? device->alarm : "none");
  if (device->state != wanted)
    g_assert_nonnull (device->alarm);
  if (world->guest == GUEST_RUNS_HERE && !kept)
    g_assert_nonnull (device->alarm); /* it runs, without what its guest left in it */
  if (device->outcome == DRIVE_OUTCOME_RUNNING && device->told > 0)
    g_assert_true (device->state == ACCMIG_STATE_RUNNING && kept);
  if (device->outcome == DRIVE_OUTCOME_SENT && device->told > 0)
    g_assert_true (device->stream_good);
  if (world->role == ROLE_SOURCE && world->guest == GUEST_ELSEWHERE && device->outcome == DRIVE_OUTCOME_LOST)
    g_assert_nonnull (device->alarm);
}

void
world_check_end (const World *world, const char *label)
{
  for (guint i = 0; i < world->n_devices; i++)
    check_device (world, &world->devices[i], label);
  if (world->pending->len > 0)
    return; /* one never answered; nobody can be told before */
  g_assert_true (drive_is_over (world->drive));
  for (guint i = 0; i < world->n_devices; i++)
    g_assert_cmpuint (world->devices[i].told, ==, 1);
}
