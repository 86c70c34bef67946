// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The dry run, against a kernel that follows a script
 *
 * A script is the whole of what the kernel may be asked: after the write, whatever came of it, there is a
 * reset and nothing else.
 */

#include <errno.h>
#include <string.h>

#include "device-private.h"
#include "mock-kernel.h"

#define NAME       "0000:75:00.1"
#define SESSION_FD 6001

#define PLAIN         ACCMIG_FLAG_STOP_COPY
#define WITH_PRE_COPY (ACCMIG_FLAG_STOP_COPY | ACCMIG_FLAG_PRE_COPY)

#define STATE(s)           MOCK_STATE (ACCMIG_STATE_##s)
#define SET(s, number, fd) MOCK_SET (ACCMIG_STATE_##s, number, fd)
#define BUSY_RESET         MOCK_RESET (EAGAIN), MOCK_WAIT (50)
#define LAST                                                                                                 \
  {                                                                                                          \
    0                                                                                                        \
  }

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
/* clang-format off */
#define TRY STATE (RUNNING), STATE (RUNNING), MOCK_FLAGS (WITH_PRE_COPY), SET (RESUMING, 0, SESSION_FD)

static const MockCall try_taken[]    = { TRY, MOCK_TAKE (SESSION_FD, 40, 40), MOCK_RESET (0), LAST };
static const MockCall try_pieces[]   = { TRY, MOCK_TAKE (SESSION_FD, 40, 30), MOCK_REFUSE (SESSION_FD, 10, EINTR),
                                         MOCK_TAKE (SESSION_FD, 10, 10), MOCK_RESET (0), LAST };
static const MockCall try_efault[]   = { TRY, MOCK_REFUSE (SESSION_FD, 40, EFAULT), MOCK_RESET (0), LAST };
static const MockCall try_later[]    = { TRY, MOCK_TAKE (SESSION_FD, 40, 8), MOCK_REFUSE (SESSION_FD, 32, EINVAL),
                                         MOCK_RESET (0), LAST };
static const MockCall try_enodev[]   = { TRY, MOCK_REFUSE (SESSION_FD, 40, ENODEV), STATE (RESUMING), MOCK_RESET (0), LAST };
static const MockCall try_late[]     = { TRY, MOCK_REFUSE (SESSION_FD, 40, EFAULT), BUSY_RESET, MOCK_RESET (0), LAST };
static const MockCall try_reset[]    = { TRY, MOCK_REFUSE (SESSION_FD, 40, ENODEV), STATE (RUNNING), MOCK_RESET (0), LAST };
static const MockCall try_no_room[]  = { TRY, MOCK_REFUSE (SESSION_FD, 40, ENOMEM), MOCK_RESET (0), LAST };
static const MockCall try_nothing[]  = { TRY, MOCK_TAKE (SESSION_FD, 40, 0), MOCK_RESET (0), LAST };
static const MockCall try_stuck[]    = { TRY, MOCK_TAKE (SESSION_FD, 40, 40), MOCK_RESET (EIO), LAST };
static const MockCall try_both[]     = { TRY, MOCK_REFUSE (SESSION_FD, 40, EIO), MOCK_RESET (EINVAL), LAST };
static const MockCall try_no_entry[] = { STATE (RUNNING), STATE (RUNNING), MOCK_FLAGS (PLAIN), SET (RESUMING, EBUSY, -1),
                                         STATE (STOP), MOCK_RESET (0), LAST };
static const MockCall try_stopped[]  = { STATE (STOP), LAST };
static const MockCall try_no_migration[] = { MOCK_GET (UAPI_FEATURE_MIG_DEVICE_STATE, ENOTTY, 0), LAST };

static const struct
{
  const char *name;
  const MockCall *script;
  int refusal;      /* of an answer; -1 when there is none */
  AccmigError code; /* then */
  const char *words;
} try_rows[] = {
  { "taken",           try_taken,        0,      0, NULL },
  { "in pieces",       try_pieces,       0,      0, NULL },
  { "EFAULT",          try_efault,       EFAULT, 0, NULL },
  { "EINVAL later",    try_later,        EINVAL, 0, NULL },
  { "another device's", try_enodev,      ENODEV, 0, NULL },
  { "reset late",      try_late,         EFAULT, 0, NULL },
  { "reset meanwhile", try_reset,        -1, ACCMIG_ERROR_IO,          "somebody reset 0000:75:00.1 meanwhile; the device was reset" },
  { "no room",         try_no_room,      -1, ACCMIG_ERROR_IO,          "cannot write match data to 0000:75:00.1: Cannot allocate memory" },
  { "takes nothing",   try_nothing,      -1, ACCMIG_ERROR_IO,          "cannot write match data" },
  { "no reset",        try_stuck,        -1, ACCMIG_ERROR_IO,          "cannot reset 0000:75:00.1" },
  { "no write, no reset", try_both,      -1, ACCMIG_ERROR_IO,          "no way to be reset; before that: cannot write" },
  { "no entry",        try_no_entry,     -1, ACCMIG_ERROR_BUSY,        "Device or resource busy; the device was reset" },
  { "not running",     try_stopped,      -1, ACCMIG_ERROR_BAD_STATE,   "cannot try 0000:75:00.1: its state is stop" },
  { "no migration",    try_no_migration, -1, ACCMIG_ERROR_UNSUPPORTED, "offers no migration" },
};
/* clang-format on */

static void
test_try (void)
{
  guint8 match[40];

  for (gsize i = 0; i < sizeof match; i++)
    match[i] = mock_kernel_byte (i);
  for (gsize i = 0; i < G_N_ELEMENTS (try_rows); i++)
    {
      AccmigDevice *device = open_scripted (try_rows[i].script);
      g_autoptr (GError) error = NULL;
      int refusal = -1;
      gboolean answered = accmig_device_try_match (device, match, sizeof match, &refusal, &error);

      g_test_message ("%s: %s", try_rows[i].name, error != NULL ? error->message : "an answer");
      g_assert_cmpint (answered, ==, try_rows[i].refusal >= 0);
      g_assert_cmpint (refusal, ==, try_rows[i].refusal);
      if (!answered)
        {
          g_assert_error (error, ACCMIG_ERROR, (int)try_rows[i].code);
          g_assert_nonnull (strstr (error->message, try_rows[i].words));
        }
      close_scripted (device);
    }
}

/* The device is not asked about what cannot be match data. */
static void
test_try_length (void)
{
  static const MockCall script[] = { LAST };
  static const struct
  {
    gsize length;
    AccmigError code;
  } rows[] = { { 0, ACCMIG_ERROR_INVALID }, { 4097, ACCMIG_ERROR_LIMIT } };
  guint8 match[4097] = { 0 };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      AccmigDevice *device = open_scripted (script);
      g_autoptr (GError) error = NULL;
      int refusal = -1;

      g_assert_false (accmig_device_try_match (device, match, rows[i].length, &refusal, &error));
      g_assert_error (error, ACCMIG_ERROR, (int)rows[i].code);
      g_assert_cmpint (refusal, ==, -1);
      close_scripted (device);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/device-trial/answers", test_try);
  g_test_add_func ("/device-trial/length", test_try_length);
  return g_test_run ();
}
