// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Walks, on a device that is a double of our own: what is asked of it, in which order, and what comes of it.
 *
 * The linker takes the doubles before the library's functions. What real devices do is tested where there are
 * some.
 */

#include "broker/walk.h"

#include <accmig/error.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

struct _AccmigDevice
{
  guint64 flags;
  AccmigState state;
  AccmigState refuse_at; /* a step to this state is refused … */
  int refusal;           /* … with this errno, 0 for never */
  AccmigState left_in;   /* … and leaves the device here */
  gboolean fail_step, fail_reset;
  int data_fd; /* the last that was handed out */
  GString *log;
};

gboolean
accmig_device_get_flags (AccmigDevice *device, guint64 *ret_flags, GError **error)
{
  *ret_flags = device->flags;
  return TRUE;
}

gboolean
accmig_device_get_state (AccmigDevice *device, AccmigState *ret_state, GError **error)
{
  *ret_state = device->state;
  return TRUE;
}

gboolean
accmig_device_step (AccmigDevice *device, AccmigState state, int *ret_data_fd, AccmigState *ret_left_in,
                    int *ret_refusal, GError **error)
{
  gboolean refused = device->refusal != 0 && state == device->refuse_at;

  g_string_append_printf (device->log, "%s ", accmig_state_to_string (state));
  if (device->fail_step)
    {
      g_set_error_literal (error, ACCMIG_ERROR, ACCMIG_ERROR_IO, "as the test says");
      return FALSE;
    }
  device->state = refused ? device->left_in : state;
  device->data_fd = refused ? -1 : open ("/dev/null", O_RDONLY | O_CLOEXEC);
  *ret_data_fd = device->data_fd;
  *ret_left_in = device->state;
  *ret_refusal = refused ? device->refusal : 0;
  return TRUE;
}

gboolean
accmig_device_reset_patiently (AccmigDevice *device, GError **error)
{
  g_string_append (device->log, "reset ");
  if (device->fail_reset)
    {
      g_set_error_literal (error, ACCMIG_ERROR, ACCMIG_ERROR_BUSY, "somebody has it");
      return FALSE;
    }
  device->state = ACCMIG_STATE_RUNNING;
  return TRUE;
}

/* ---- tests ---- */

#define ALL (ACCMIG_FLAG_STOP_COPY | ACCMIG_FLAG_P2P | ACCMIG_FLAG_PRE_COPY)

typedef struct
{
  AccmigDevice device;
  Walk walk;
  GError *error;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  f->device = (AccmigDevice){ .flags = ALL, .state = ACCMIG_STATE_RUNNING, .log = g_string_new (NULL) };
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  g_string_free (f->device.log, TRUE);
  g_clear_error (&f->error);
}

static void
test_done (Fixture *f, gconstpointer data)
{
  static const AccmigState states[] = { ACCMIG_STATE_PRE_COPY, ACCMIG_STATE_STOP_COPY, ACCMIG_STATE_RUNNING };

  g_assert_true (walk_device (&f->device, states, G_N_ELEMENTS (states), &f->walk, &f->error));
  g_assert_cmpstr (f->device.log->str, ==, "pre-copy stop-copy running ");
  g_assert_cmpuint (f->walk.n_steps, ==, 3);
  g_assert_cmpuint (f->walk.flags, ==, ALL);
  for (gsize i = 0; i < 3; i++)
    {
      g_assert_cmpint (f->walk.steps[i].from, ==, i == 0 ? ACCMIG_STATE_RUNNING : states[i - 1]);
      g_assert_cmpint (f->walk.steps[i].to, ==, states[i]);
      g_assert_cmpint (f->walk.steps[i].left_in, ==, states[i]);
      g_assert_cmpint (f->walk.steps[i].refusal, ==, 0);
    }
  g_assert_cmpint (fcntl (f->device.data_fd, F_GETFD), <, 0); /* closed */
}

/* What was left over is reset first; what does not end in running is reset last. */
static void
test_resets (Fixture *f, gconstpointer data)
{
  static const AccmigState states[] = { ACCMIG_STATE_STOP };

  f->device.state = ACCMIG_STATE_RESUMING;
  g_assert_true (walk_device (&f->device, states, 1, &f->walk, &f->error));
  g_assert_cmpstr (f->device.log->str, ==, "reset stop reset ");
  g_assert_cmpint (f->device.state, ==, ACCMIG_STATE_RUNNING);
}

/* The first refusal ends it, and says where the device was then. */
static void
test_refused (Fixture *f, gconstpointer data)
{
  static const AccmigState states[] = { ACCMIG_STATE_STOP, ACCMIG_STATE_RESUMING, ACCMIG_STATE_RUNNING,
                                        ACCMIG_STATE_STOP };

  f->device.refuse_at = ACCMIG_STATE_RUNNING;
  f->device.refusal = EINVAL;
  f->device.left_in = ACCMIG_STATE_RESUMING;
  g_assert_true (walk_device (&f->device, states, G_N_ELEMENTS (states), &f->walk, &f->error));
  g_assert_cmpstr (f->device.log->str, ==, "stop resuming running reset ");
  g_assert_cmpuint (f->walk.n_steps, ==, 3);
  g_assert_cmpint (f->walk.steps[2].refusal, ==, EINVAL);
  g_assert_cmpint (f->walk.steps[2].left_in, ==, ACCMIG_STATE_RESUMING);
}

/* Nothing at all is done when any step has no way: the request that some kernels never return from. */
static void
test_no_way (Fixture *f, gconstpointer data)
{
  static const AccmigState trap[] = { ACCMIG_STATE_STOP_COPY, ACCMIG_STATE_PRE_COPY };
  static const AccmigState lacking[] = { ACCMIG_STATE_STOP, ACCMIG_STATE_RUNNING_P2P };

  g_assert_false (walk_device (&f->device, trap, 2, &f->walk, &f->error));
  g_assert_error (f->error, ACCMIG_ERROR, ACCMIG_ERROR_BAD_STATE);
  g_clear_error (&f->error);
  f->device.flags = ACCMIG_FLAG_STOP_COPY;
  g_assert_false (walk_device (&f->device, lacking, 2, &f->walk, &f->error));
  g_assert_error (f->error, ACCMIG_ERROR, ACCMIG_ERROR_BAD_STATE);
  g_clear_error (&f->error);
  g_assert_false (walk_device (&f->device, trap, 0, &f->walk, &f->error));
  g_assert_error (f->error, ACCMIG_ERROR, ACCMIG_ERROR_LIMIT);
  g_clear_error (&f->error);
  g_assert_false (walk_device (&f->device, trap, BROKER_WALK_MAX + 1, &f->walk, &f->error));
  g_assert_error (f->error, ACCMIG_ERROR, ACCMIG_ERROR_LIMIT);
  g_assert_cmpstr (f->device.log->str, ==, "");
}

/* The device is made to run also when a step could not be taken; and it is said when that fails. */
static void
test_errors (Fixture *f, gconstpointer data)
{
  static const AccmigState states[] = { ACCMIG_STATE_STOP };

  f->device.fail_step = TRUE;
  g_assert_false (walk_device (&f->device, states, 1, &f->walk, &f->error));
  g_assert_cmpstr (f->error->message, ==, "as the test says");
  g_clear_error (&f->error);
  f->device.fail_step = FALSE;
  f->device.fail_reset = TRUE;
  g_assert_false (walk_device (&f->device, states, 1, &f->walk, &f->error));
  g_assert_error (f->error, ACCMIG_ERROR, ACCMIG_ERROR_BUSY);
  g_assert_cmpstr (f->error->message, ==, "after the last step: somebody has it");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/walk/done", Fixture, NULL, set_up, test_done, tear_down);
  g_test_add ("/walk/resets", Fixture, NULL, set_up, test_resets, tear_down);
  g_test_add ("/walk/refused", Fixture, NULL, set_up, test_refused, tear_down);
  g_test_add ("/walk/no-way", Fixture, NULL, set_up, test_no_way, tear_down);
  g_test_add ("/walk/errors", Fixture, NULL, set_up, test_errors, tear_down);
  return g_test_run ();
}
