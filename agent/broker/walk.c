// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Walks
 *
 * All of the way is looked up before the first step: some kernels answer a request that cannot be met with an
 * endless loop, and some drivers with a device that is broken.
 */

#include "walk.h"

#include <accmig/error.h>
#include <unistd.h>

/* Opening a PCI function reset it; an mdev is as its last user left it. */
static gboolean
make_running (AccmigDevice *device, GError **error)
{
  AccmigState state;

  return accmig_device_get_state (device, &state, error)
         && (state == ACCMIG_STATE_RUNNING || accmig_device_reset_patiently (device, error));
}

static gboolean
check_way (guint64 flags, const AccmigState *states, gsize n_states, GError **error)
{
  AccmigState at = ACCMIG_STATE_RUNNING, next;

  if (n_states == 0 || n_states > BROKER_WALK_MAX)
    {
      g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_LIMIT, "a walk of %zu states, 1 to %d are allowed",
                   n_states, BROKER_WALK_MAX);
      return FALSE;
    }
  for (gsize i = 0; i < n_states; i++)
    {
      if (!accmig_fsm_next (flags, at, states[i], &next, error))
        return FALSE;
      at = states[i];
    }
  return TRUE;
}

static gboolean
take_step (AccmigDevice *device, WalkStep *step, GError **error)
{
  gint64 begun = g_get_monotonic_time ();
  int data_fd = -1;

  if (!accmig_device_step (device, step->to, &data_fd, &step->left_in, &step->refusal, error))
    return FALSE;
  step->usec = g_get_monotonic_time () - begun;
  if (data_fd >= 0)
    close (data_fd); /* nobody wants the stream, and the session does not mind */
  return TRUE;
}

static gboolean
take_steps (AccmigDevice *device, const AccmigState *states, gsize n_states, Walk *walk, GError **error)
{
  AccmigState at = ACCMIG_STATE_RUNNING;

  for (gsize i = 0; i < n_states; i++)
    {
      WalkStep *step = &walk->steps[i];

      *step = (WalkStep){ .from = at, .to = states[i] };
      if (!take_step (device, step, error))
        return FALSE;
      walk->n_steps++;
      if (step->refusal != 0)
        return TRUE;
      at = states[i];
    }
  return TRUE;
}

gboolean
walk_device (AccmigDevice *device, const AccmigState *states, gsize n_states, Walk *ret_walk, GError **error)
{
  g_autofree Walk *walk = g_new0 (Walk, 1);
  g_autoptr (GError) left_over = NULL;
  gboolean walked;

  if (!accmig_device_get_flags (device, &walk->flags, error)
      || !check_way (walk->flags, states, n_states, error) || !make_running (device, error))
    return FALSE;
  walked = take_steps (device, states, n_states, walk, error);
  if (!make_running (device, &left_over))
    {
      if (walked)
        g_propagate_prefixed_error (error, g_steal_pointer (&left_over), "after the last step: ");
      else
        g_prefix_error (error, "%s; before that: ", left_over->message);
      return FALSE;
    }
  *ret_walk = *walk;
  return walked;
}
