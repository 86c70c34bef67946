// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Asking and moving a device, against a kernel that follows a script
 */

#include <errno.h>
#include <string.h>

#include "device-private.h"
#include "mock-kernel.h"

#define NAME       "0000:75:00.1"
#define SESSION_FD 6001

#define ALL (ACCMIG_FLAG_STOP_COPY | ACCMIG_FLAG_P2P | ACCMIG_FLAG_PRE_COPY)

/* A device on the script, driveable. */
static AccmigDevice *
open_scripted (const MockCall *script)
{
  AccmigDevice *device = device_new (&mock_kernel, NAME, ACCMIG_ACCESS_GROUP, TRUE);

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

static void
assert_says (const GError *error, const char *words)
{
  if (strstr (error->message, words) == NULL)
    g_error ("“%s” does not say “%s”", error->message, words);
}

static void
test_flags (void)
{
  static const MockCall script[] = { MOCK_FLAGS (ALL), { 0 } };
  AccmigDevice *device = open_scripted (script);
  guint64 flags = 0;

  g_assert_true (accmig_device_get_flags (device, &flags, NULL));
  g_assert_cmphex (flags, ==, ALL);
  flags = 0;
  /* The second answer needs no kernel. */
  g_assert_true (accmig_device_get_flags (device, &flags, NULL));
  g_assert_cmphex (flags, ==, ALL);
  close_scripted (device);
}

static void
test_flags_unknown_bits (void)
{
  static const MockCall script[] = { MOCK_FLAGS (0x8000000000000009), { 0 } };
  AccmigDevice *device = open_scripted (script);
  guint64 flags = 0;

  g_assert_true (accmig_device_get_flags (device, &flags, NULL));
  g_assert_cmphex (flags, ==, 0x8000000000000009);
  close_scripted (device);
}

/* What each errno of a query means, and what is said about it. */
static const struct
{
  int number;
  AccmigError code;
  const char *words;
} query_rows[] = {
  { ENOTTY, ACCMIG_ERROR_UNSUPPORTED, "the bound driver offers no migration" },
  { EINVAL, ACCMIG_ERROR_IO, "cdev is not bound" },
  { EIO, ACCMIG_ERROR_IO, "could not be powered up" },
  { EBADF, ACCMIG_ERROR_IO, "not open" },
  { EFAULT, ACCMIG_ERROR_IO, "Bad address" },
  { EBUSY, ACCMIG_ERROR_BUSY, "busy" },
};

static void
test_flags_errors (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (query_rows); i++)
    {
      const MockCall on_probe[] = { MOCK_PROBE (UAPI_FEATURE_MIGRATION, query_rows[i].number), { 0 } };
      const MockCall on_get[] = { MOCK_PROBE (UAPI_FEATURE_MIGRATION, 0),
                                  MOCK_GET (UAPI_FEATURE_MIGRATION, query_rows[i].number, 0),
                                  { 0 } };
      const MockCall *const scripts[] = { on_probe, on_get };

      for (gsize j = 0; j < G_N_ELEMENTS (scripts); j++)
        {
          AccmigDevice *device = open_scripted (scripts[j]);
          g_autoptr (GError) error = NULL;
          guint64 flags = 77;

          g_assert_false (accmig_device_get_flags (device, &flags, &error));
          g_assert_error (error, ACCMIG_ERROR, (int)query_rows[i].code);
          assert_says (error, query_rows[i].words);
          assert_says (error, NAME);
          g_assert_cmpuint (flags, ==, 77);
          close_scripted (device);
        }
    }
}

static void
test_state_errors (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (query_rows); i++)
    {
      const MockCall script[] = { MOCK_GET (UAPI_FEATURE_MIG_DEVICE_STATE, query_rows[i].number, 0), { 0 } };
      AccmigDevice *device = open_scripted (script);
      g_autoptr (GError) error = NULL;
      AccmigState state = 77;

      g_assert_false (accmig_device_get_state (device, &state, &error));
      g_assert_error (error, ACCMIG_ERROR, (int)query_rows[i].code);
      assert_says (error, query_rows[i].words);
      g_assert_cmpint (state, ==, 77);
      close_scripted (device);
    }
}

/* A state the kernel has and this library does not is passed through. */
static void
test_state_beyond (void)
{
  static const MockCall script[] = { MOCK_STATE (8), MOCK_STATE (ACCMIG_STATE_ERROR), { 0 } };
  AccmigDevice *device = open_scripted (script);
  AccmigState state = 77;

  g_assert_true (accmig_device_get_state (device, &state, NULL));
  g_assert_cmpint (state, ==, 8);
  g_assert_true (accmig_device_get_state (device, &state, NULL));
  g_assert_cmpint (state, ==, ACCMIG_STATE_ERROR);
  close_scripted (device);
}

static void
test_stop_copy_size (void)
{
  static const MockCall script[] = { MOCK_PROBE (UAPI_FEATURE_MIG_DATA_SIZE, 0),
                                     MOCK_GET (UAPI_FEATURE_MIG_DATA_SIZE, 0, 176),
                                     MOCK_PROBE (UAPI_FEATURE_MIG_DATA_SIZE, ENOTTY),
                                     MOCK_PROBE (UAPI_FEATURE_MIG_DATA_SIZE, EINVAL),
                                     { 0 } };
  AccmigDevice *device = open_scripted (script);
  guint64 size = 0;

  g_assert_true (accmig_device_get_stop_copy_size (device, &size, NULL));
  g_assert_cmpuint (size, ==, 176);
  for (int i = 0; i < 2; i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_false (accmig_device_get_stop_copy_size (device, &size, &error));
      g_assert_error (error, ACCMIG_ERROR, ACCMIG_ERROR_UNSUPPORTED);
    }
  close_scripted (device);
}

static void
test_tracking (void)
{
  static const MockCall script[] = { MOCK_PROBE_SET (UAPI_FEATURE_DMA_LOGGING, 0),
                                     MOCK_PROBE_SET (UAPI_FEATURE_DMA_LOGGING, ENOTTY),
                                     MOCK_PROBE_SET (UAPI_FEATURE_DMA_LOGGING, EINVAL),
                                     MOCK_PROBE_SET (UAPI_FEATURE_DMA_LOGGING, EIO),
                                     { 0 } };
  static const AccmigTracking wanted[] = { ACCMIG_TRACKING_YES, ACCMIG_TRACKING_NO, ACCMIG_TRACKING_NO };
  AccmigDevice *device = open_scripted (script);
  AccmigTracking tracking = ACCMIG_TRACKING_UNKNOWN;
  g_autoptr (GError) error = NULL;

  for (gsize i = 0; i < G_N_ELEMENTS (wanted); i++)
    {
      g_assert_true (accmig_device_get_tracking (device, &tracking, NULL));
      g_assert_cmpint (tracking, ==, wanted[i]);
    }
  g_assert_false (accmig_device_get_tracking (device, &tracking, &error));
  g_assert_error (error, ACCMIG_ERROR, ACCMIG_ERROR_IO);
  close_scripted (device);
}

static void
test_precopy_info (void)
{
  static const struct
  {
    int number;
    AccmigError code;
  } rows[] = { { EINVAL, ACCMIG_ERROR_BAD_STATE },
               { ENODEV, ACCMIG_ERROR_BAD_STATE },
               { ENOTTY, ACCMIG_ERROR_UNSUPPORTED } };
  guint64 initial = 0, dirty = 0;
  static const MockCall script[] = { MOCK_INFO (SESSION_FD, 0, 40, 7), { 0 } };
  AccmigDevice *device = open_scripted (script);

  g_assert_true (accmig_device_get_precopy_info (device, SESSION_FD, &initial, &dirty, NULL));
  g_assert_cmpuint (initial, ==, 40);
  g_assert_cmpuint (dirty, ==, 7);
  close_scripted (device);
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      const MockCall failing[] = { MOCK_INFO (SESSION_FD, rows[i].number, 1, 2), { 0 } };
      g_autoptr (GError) error = NULL;

      device = open_scripted (failing);
      g_assert_false (accmig_device_get_precopy_info (device, SESSION_FD, &initial, &dirty, &error));
      g_assert_error (error, ACCMIG_ERROR, (int)rows[i].code);
      g_assert_cmpuint (initial, ==, 40);
      close_scripted (device);
    }
}

static void
test_set_hands_out_fd (void)
{
  static const MockCall script[] = { MOCK_STATE (ACCMIG_STATE_RUNNING),
                                     MOCK_FLAGS (ALL),
                                     MOCK_SET (ACCMIG_STATE_STOP_COPY, 0, SESSION_FD),
                                     { 0 } };
  AccmigDevice *device = open_scripted (script);
  int fd = -1;

  g_assert_true (accmig_device_set_state (device, ACCMIG_STATE_STOP_COPY, &fd, NULL));
  g_assert_cmpint (fd, ==, SESSION_FD);
  device_close_data_fd (device, fd);
  close_scripted (device);
}

/* Nobody wants the fd: it is closed, which the mock checks. */
static void
test_set_closes_unwanted_fd (void)
{
  static const MockCall script[] = { MOCK_STATE (ACCMIG_STATE_RUNNING),
                                     MOCK_FLAGS (ALL),
                                     MOCK_SET (ACCMIG_STATE_PRE_COPY, 0, SESSION_FD),
                                     { 0 } };
  AccmigDevice *device = open_scripted (script);

  g_assert_true (accmig_device_set_state (device, ACCMIG_STATE_PRE_COPY, NULL, NULL));
  close_scripted (device);
}

static void
test_set_where_it_is (void)
{
  static const MockCall script[] = { MOCK_STATE (ACCMIG_STATE_STOP), MOCK_FLAGS (ALL), { 0 } };
  AccmigDevice *device = open_scripted (script);
  int fd = 77;

  g_assert_true (accmig_device_set_state (device, ACCMIG_STATE_STOP, &fd, NULL));
  g_assert_cmpint (fd, ==, -1);
  close_scripted (device);
}

/* Pairs the kernel is never asked for: the scripts hold no SET. */
static void
test_set_refused_beforehand (void)
{
  static const struct
  {
    guint64 flags;
    AccmigState from, to;
  } rows[] = {
    { ALL, ACCMIG_STATE_STOP_COPY, ACCMIG_STATE_PRE_COPY },
    { ALL, ACCMIG_STATE_STOP_COPY, ACCMIG_STATE_PRE_COPY_P2P },
    { 5, ACCMIG_STATE_STOP_COPY, ACCMIG_STATE_PRE_COPY },
    { 3, ACCMIG_STATE_RUNNING, ACCMIG_STATE_PRE_COPY },
    { 1, ACCMIG_STATE_RUNNING, ACCMIG_STATE_RUNNING_P2P },
    { ALL, ACCMIG_STATE_RUNNING, ACCMIG_STATE_ERROR },
    { ALL, ACCMIG_STATE_ERROR, ACCMIG_STATE_RUNNING },
    { ALL, ACCMIG_STATE_RUNNING, 8 },
    { ALL, 8, ACCMIG_STATE_RUNNING },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      const MockCall script[] = { MOCK_STATE (rows[i].from), MOCK_FLAGS (rows[i].flags), { 0 } };
      AccmigDevice *device = open_scripted (script);
      g_autoptr (GError) error = NULL;
      int fd = 77;

      g_assert_false (accmig_device_set_state (device, rows[i].to, &fd, &error));
      g_assert_error (error, ACCMIG_ERROR, ACCMIG_ERROR_BAD_STATE);
      assert_says (error, NAME);
      g_assert_cmpint (fd, ==, 77);
      close_scripted (device);
    }
}

/* The message names the state that GET tells afterwards, not the one asked for. */
static void
test_set_failure (void)
{
  static const struct
  {
    AccmigState from, to;
    int number;
    AccmigState left_in;
    AccmigError code;
    const char *words;
  } rows[] = {
    { ACCMIG_STATE_RUNNING, ACCMIG_STATE_STOP_COPY, EBUSY, ACCMIG_STATE_RUNNING_P2P, ACCMIG_ERROR_BUSY,
      "cannot go from running to stop-copy, was left in running-p2p" },
    { ACCMIG_STATE_RUNNING, ACCMIG_STATE_STOP, ETIMEDOUT, ACCMIG_STATE_RUNNING, ACCMIG_ERROR_IO,
      "cannot go from running to stop, was left in running" },
    { ACCMIG_STATE_RUNNING, ACCMIG_STATE_STOP_COPY, EMFILE, ACCMIG_STATE_STOP_COPY, ACCMIG_ERROR_IO,
      "was left in stop-copy" },
    { ACCMIG_STATE_RUNNING, ACCMIG_STATE_STOP, EINVAL, ACCMIG_STATE_RUNNING, ACCMIG_ERROR_IO,
      "was left in running" },
    { ACCMIG_STATE_RESUMING, ACCMIG_STATE_RUNNING, EINVAL, ACCMIG_STATE_RESUMING, ACCMIG_ERROR_REFUSED,
      "was left in resuming: it refuses the stream" },
    { ACCMIG_STATE_RESUMING, ACCMIG_STATE_RUNNING, EINVAL, ACCMIG_STATE_STOP, ACCMIG_ERROR_IO,
      "was left in stop" },
    { ACCMIG_STATE_STOP, ACCMIG_STATE_RUNNING, EIO, 9, ACCMIG_ERROR_IO, "was left in unknown" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      const MockCall script[] = { MOCK_STATE (rows[i].from),
                                  MOCK_FLAGS (ALL),
                                  MOCK_SET (rows[i].to, rows[i].number, -1),
                                  MOCK_STATE (rows[i].left_in),
                                  { 0 } };
      AccmigDevice *device = open_scripted (script);
      g_autoptr (GError) error = NULL;
      int fd = 77;

      g_assert_false (accmig_device_set_state (device, rows[i].to, &fd, &error));
      g_assert_error (error, ACCMIG_ERROR, (int)rows[i].code);
      assert_says (error, rows[i].words);
      g_assert_cmpint (fd, ==, 77);
      close_scripted (device);
    }
}

static void
test_set_failure_and_no_state (void)
{
  static const MockCall script[] = { MOCK_STATE (ACCMIG_STATE_RUNNING),
                                     MOCK_FLAGS (ALL),
                                     MOCK_SET (ACCMIG_STATE_STOP, EIO, -1),
                                     MOCK_GET (UAPI_FEATURE_MIG_DEVICE_STATE, EIO, 0),
                                     { 0 } };
  AccmigDevice *device = open_scripted (script);
  g_autoptr (GError) error = NULL;

  g_assert_false (accmig_device_set_state (device, ACCMIG_STATE_STOP, NULL, &error));
  g_assert_error (error, ACCMIG_ERROR, ACCMIG_ERROR_IO);
  assert_says (error, "cannot tell its state now");
  close_scripted (device);
}

/* A borrowed device may be asked; nothing that drives it reaches the kernel. */
static void
test_borrowed (void)
{
  static const MockCall script[] = { MOCK_FLAGS (ALL), MOCK_STATE (ACCMIG_STATE_PRE_COPY), { 0 } };
  AccmigDevice *device = device_new (&mock_kernel, NAME, ACCMIG_ACCESS_GROUP, FALSE);
  g_autoptr (GError) on_set = NULL, on_reset = NULL, on_save = NULL, on_load = NULL, on_match = NULL;
  guint8 match[40];
  AccmigState state;
  guint64 number;
  gsize length;

  mock_kernel_expect (script);
  device_take_fd (device, MOCK_DEVICE_FD);
  g_assert_true (accmig_device_get_flags (device, &number, NULL));
  g_assert_true (accmig_device_get_state (device, &state, NULL));
  g_assert_false (accmig_device_set_state (device, ACCMIG_STATE_RUNNING, NULL, &on_set));
  g_assert_false (accmig_device_reset (device, &on_reset));
  g_assert_false (accmig_device_save (device, 1, -1, &number, &on_save));
  g_assert_false (accmig_device_load (device, 0, -1, &number, &on_load));
  g_assert_false (accmig_device_read_match (device, sizeof match, match, &length, &on_match));
  g_assert_error (on_set, ACCMIG_ERROR, ACCMIG_ERROR_BAD_STATE);
  g_assert_error (on_reset, ACCMIG_ERROR, ACCMIG_ERROR_BAD_STATE);
  g_assert_error (on_save, ACCMIG_ERROR, ACCMIG_ERROR_BAD_STATE);
  g_assert_error (on_load, ACCMIG_ERROR, ACCMIG_ERROR_BAD_STATE);
  g_assert_error (on_match, ACCMIG_ERROR, ACCMIG_ERROR_BAD_STATE);
  assert_says (on_set, "borrowed");
  close_scripted (device);
}

static void
test_reset (void)
{
  static const struct
  {
    int number;
    AccmigError code;
  } rows[] = { { EINVAL, ACCMIG_ERROR_UNSUPPORTED },
               { EAGAIN, ACCMIG_ERROR_BUSY },
               { EIO, ACCMIG_ERROR_IO } };
  static const MockCall working[] = { MOCK_RESET (0), { 0 } };
  AccmigDevice *device = open_scripted (working);

  g_assert_true (accmig_device_reset (device, NULL));
  close_scripted (device);
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      const MockCall failing[] = { MOCK_RESET (rows[i].number), { 0 } };
      g_autoptr (GError) error = NULL;

      device = open_scripted (failing);
      g_assert_false (accmig_device_reset (device, &error));
      g_assert_error (error, ACCMIG_ERROR, (int)rows[i].code);
      close_scripted (device);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/device/flags", test_flags);
  g_test_add_func ("/device/flags-unknown-bits", test_flags_unknown_bits);
  g_test_add_func ("/device/flags-errors", test_flags_errors);
  g_test_add_func ("/device/state-errors", test_state_errors);
  g_test_add_func ("/device/state-beyond", test_state_beyond);
  g_test_add_func ("/device/stop-copy-size", test_stop_copy_size);
  g_test_add_func ("/device/tracking", test_tracking);
  g_test_add_func ("/device/precopy-info", test_precopy_info);
  g_test_add_func ("/device/set/hands-out-fd", test_set_hands_out_fd);
  g_test_add_func ("/device/set/closes-unwanted-fd", test_set_closes_unwanted_fd);
  g_test_add_func ("/device/set/where-it-is", test_set_where_it_is);
  g_test_add_func ("/device/set/refused-beforehand", test_set_refused_beforehand);
  g_test_add_func ("/device/set/failure", test_set_failure);
  g_test_add_func ("/device/set/failure-and-no-state", test_set_failure_and_no_state);
  g_test_add_func ("/device/borrowed", test_borrowed);
  g_test_add_func ("/device/reset", test_reset);
  return g_test_run ();
}
