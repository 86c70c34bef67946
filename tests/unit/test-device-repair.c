// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Repairing a borrowed device, against a kernel that follows a script
 */

#include <errno.h>
#include <string.h>

#include "device-private.h"
#include "mock-kernel.h"

#define NAME "0000:75:00.1"
#define ALL  (ACCMIG_FLAG_STOP_COPY | ACCMIG_FLAG_P2P | ACCMIG_FLAG_PRE_COPY)

static AccmigDevice *
borrow_scripted (const MockCall *script)
{
  AccmigDevice *device = device_new (&mock_kernel, NAME, ACCMIG_ACCESS_GROUP, FALSE);

  mock_kernel_expect (script);
  device_take_fd (device, MOCK_DEVICE_FD);
  return device;
}

static void
close_scripted (AccmigDevice *device)
{
  accmig_device_close (device);
  mock_kernel_done ();
}

/* From each state that has a way, with one SET, and a GET after it. */
static void
test_brought_back (void)
{
  static const AccmigState from[] = { ACCMIG_STATE_STOP,     ACCMIG_STATE_STOP_COPY,
                                      ACCMIG_STATE_RESUMING, ACCMIG_STATE_RUNNING_P2P,
                                      ACCMIG_STATE_PRE_COPY, ACCMIG_STATE_PRE_COPY_P2P };

  for (gsize i = 0; i < G_N_ELEMENTS (from); i++)
    {
      const MockCall script[] = { MOCK_STATE (from[i]),
                                  MOCK_STATE (from[i]),
                                  MOCK_FLAGS (ALL),
                                  MOCK_SET (ACCMIG_STATE_RUNNING, 0, -1),
                                  MOCK_STATE (ACCMIG_STATE_RUNNING),
                                  { 0 } };
      AccmigDevice *device = borrow_scripted (script);
      AccmigState found = 77, left = 77;
      g_autoptr (GError) error = NULL;

      g_assert_true (accmig_device_repair (device, from[i], &found, &left, &error));
      g_assert_no_error (error);
      g_assert_cmpint (found, ==, from[i]);
      g_assert_cmpint (left, ==, ACCMIG_STATE_RUNNING);
      close_scripted (device);
    }
}

static void
test_runs_already (void)
{
  static const MockCall script[] = { MOCK_STATE (ACCMIG_STATE_RUNNING), { 0 } };
  AccmigDevice *device = borrow_scripted (script);
  AccmigState found = 77, left = 77;

  g_assert_true (accmig_device_repair (device, ACCMIG_STATE_STOP, &found, &left, NULL));
  g_assert_cmpint (found, ==, ACCMIG_STATE_RUNNING);
  g_assert_cmpint (left, ==, ACCMIG_STATE_RUNNING);
  close_scripted (device);
}

/* The kernel would only say no. */
static void
test_in_error (void)
{
  static const MockCall script[] = { MOCK_STATE (ACCMIG_STATE_ERROR), { 0 } };
  AccmigDevice *device = borrow_scripted (script);
  AccmigState found = 77, left = 77;
  g_autoptr (GError) error = NULL;

  g_assert_false (accmig_device_repair (device, ACCMIG_STATE_ERROR, &found, &left, &error));
  g_assert_error (error, ACCMIG_ERROR, ACCMIG_ERROR_BAD_STATE);
  g_assert_nonnull (strstr (error->message, "only a reset helps"));
  g_assert_cmpint (left, ==, ACCMIG_STATE_ERROR);
  close_scripted (device);
}

/* It was seen in stop, and a migration has begun since: no SET. */
static void
test_moved_meanwhile (void)
{
  static const MockCall script[] = { MOCK_STATE (ACCMIG_STATE_STOP_COPY), { 0 } };
  AccmigDevice *device = borrow_scripted (script);
  AccmigState found = 77, left = 77;
  g_autoptr (GError) error = NULL;

  g_assert_false (accmig_device_repair (device, ACCMIG_STATE_STOP, &found, &left, &error));
  g_assert_error (error, ACCMIG_ERROR, ACCMIG_ERROR_BUSY);
  g_assert_nonnull (strstr (error->message, "was in stop and is in stop-copy now"));
  g_assert_cmpint (found, ==, ACCMIG_STATE_STOP_COPY);
  g_assert_cmpint (left, ==, ACCMIG_STATE_STOP_COPY);
  close_scripted (device);
}

/* It got stuck on the way; and is borrowed as before. */
static void
test_fails (void)
{
  static const MockCall script[] = { MOCK_STATE (ACCMIG_STATE_STOP_COPY),
                                     MOCK_STATE (ACCMIG_STATE_STOP_COPY),
                                     MOCK_FLAGS (ALL),
                                     MOCK_SET (ACCMIG_STATE_RUNNING, EBUSY, -1),
                                     MOCK_STATE (ACCMIG_STATE_STOP),
                                     MOCK_STATE (ACCMIG_STATE_STOP),
                                     { 0 } };
  AccmigDevice *device = borrow_scripted (script);
  AccmigState found = 77, left = 77;
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) on_set = NULL;

  g_assert_false (accmig_device_repair (device, ACCMIG_STATE_STOP_COPY, &found, &left, &error));
  g_assert_error (error, ACCMIG_ERROR, ACCMIG_ERROR_BUSY);
  g_assert_nonnull (strstr (error->message, "was left in stop"));
  g_assert_cmpint (found, ==, ACCMIG_STATE_STOP_COPY);
  g_assert_cmpint (left, ==, ACCMIG_STATE_STOP);
  g_assert_false (accmig_device_set_state (device, ACCMIG_STATE_RUNNING, NULL, &on_set));
  g_assert_error (on_set, ACCMIG_ERROR, ACCMIG_ERROR_BAD_STATE);
  close_scripted (device);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/device-repair/brought-back", test_brought_back);
  g_test_add_func ("/device-repair/runs-already", test_runs_already);
  g_test_add_func ("/device-repair/in-error", test_in_error);
  g_test_add_func ("/device-repair/moved-meanwhile", test_moved_meanwhile);
  g_test_add_func ("/device-repair/fails", test_fails);
  return g_test_run ();
}
