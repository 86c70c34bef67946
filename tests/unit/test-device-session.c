// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Steps, and reading and writing a session that stays the caller's, against a kernel that follows a script
 *
 * A script is the whole of what the kernel may be asked; the session's fd is not handed out by it, so closing
 * it would end the test.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "device-private.h"
#include "fd-private.h"
#include "mock-kernel.h"

#define NAME       "domain/name"
#define SESSION_FD 6001
#define ALL        (ACCMIG_FLAG_STOP_COPY | ACCMIG_FLAG_P2P | ACCMIG_FLAG_PRE_COPY)
#define UNTOUCHED  77

#define STATE(s)           MOCK_STATE (ACCMIG_STATE_##s)
#define SET(s, number, fd) MOCK_SET (ACCMIG_STATE_##s, number, fd)
#define LAST                                                                                                 \
  {                                                                                                          \
    0                                                                                                        \
  }

static AccmigDevice *
open_scripted (const MockCall *script, gboolean may_drive)
{
  AccmigDevice *device = device_new (&mock_kernel, NAME, ACCMIG_ACCESS_GROUP, may_drive);

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
assert_says (const GError *error, AccmigError code, const char *words)
{
  g_assert_error (error, ACCMIG_ERROR, (int)code);
  if (strstr (error->message, words) == NULL)
    g_error ("“%s” does not say “%s”", error->message, words);
}

/* ---- steps ------------------------------------------------------------------------------------ */

typedef struct
{
  const char *name;
  MockCall script[8];
  AccmigState to, left_in;
  int data_fd, refusal;
} StepRow;

/* clang-format off */
static const StepRow steps[] = {
  { "done", { STATE (RUNNING), MOCK_FLAGS (ALL), SET (RUNNING_P2P, 0, -1), STATE (RUNNING_P2P), LAST },
    ACCMIG_STATE_RUNNING_P2P, ACCMIG_STATE_RUNNING_P2P, -1, 0 },
  { "there already", { STATE (STOP), MOCK_FLAGS (ALL), STATE (STOP), LAST },
    ACCMIG_STATE_STOP, ACCMIG_STATE_STOP, -1, 0 },
  { "refused", { STATE (RUNNING), MOCK_FLAGS (ALL), SET (STOP, EBUSY, -1), STATE (RUNNING_P2P), LAST },
    ACCMIG_STATE_STOP, ACCMIG_STATE_RUNNING_P2P, -1, EBUSY },
  { "broken", { STATE (STOP), MOCK_FLAGS (ALL), SET (STOP_COPY, EIO, -1), STATE (ERROR), LAST },
    ACCMIG_STATE_STOP_COPY, ACCMIG_STATE_ERROR, -1, EIO },
  /* The driver says yes and is elsewhere: that is for the caller to see. */
  { "elsewhere", { STATE (STOP), MOCK_FLAGS (ALL), SET (RUNNING, 0, -1), STATE (STOP), LAST },
    ACCMIG_STATE_RUNNING, ACCMIG_STATE_STOP, -1, 0 },
};
/* clang-format on */

static void
test_step (gconstpointer data)
{
  const StepRow *row = data;
  AccmigDevice *device = open_scripted (row->script, TRUE);
  g_autoptr (GError) error = NULL;
  AccmigState left_in = UNTOUCHED;
  int data_fd = UNTOUCHED, refusal = UNTOUCHED;

  g_assert_true (accmig_device_step (device, row->to, &data_fd, &left_in, &refusal, &error));
  g_assert_no_error (error);
  g_assert_cmpint (left_in, ==, row->left_in);
  g_assert_cmpint (data_fd, ==, row->data_fd);
  g_assert_cmpint (refusal, ==, row->refusal);
  close_scripted (device);
}

static void
test_step_opens_session (void)
{
  static const MockCall script[] = { STATE (RUNNING), MOCK_FLAGS (ALL), SET (PRE_COPY, 0, SESSION_FD),
                                     STATE (PRE_COPY), LAST };
  AccmigDevice *device = open_scripted (script, TRUE);
  AccmigState left_in;
  int data_fd = -1, refusal;

  g_assert_true (accmig_device_step (device, ACCMIG_STATE_PRE_COPY, &data_fd, &left_in, &refusal, NULL));
  g_assert_cmpint (data_fd, ==, SESSION_FD);
  device_close_data_fd (device, data_fd);
  close_scripted (device);
}

/* Nobody asks a kernel that may never answer. */
static void
test_step_no_way (void)
{
  static const MockCall script[] = { STATE (STOP_COPY), MOCK_FLAGS (ALL), LAST };
  AccmigDevice *device = open_scripted (script, TRUE);
  g_autoptr (GError) error = NULL;
  AccmigState left_in = UNTOUCHED;
  int data_fd = UNTOUCHED, refusal = UNTOUCHED;

  g_assert_false (accmig_device_step (device, ACCMIG_STATE_PRE_COPY, &data_fd, &left_in, &refusal, &error));
  assert_says (error, ACCMIG_ERROR_BAD_STATE, NAME);
  g_assert_cmpint (data_fd, ==, UNTOUCHED);
  g_assert_cmpint (refusal, ==, UNTOUCHED);
  close_scripted (device);
}

/* Where it is cannot be told: a session that was opened is closed, for nobody could use it. */
static void
test_step_lost (void)
{
  static const MockCall script[] = { STATE (RUNNING), MOCK_FLAGS (ALL), SET (RESUMING, 0, SESSION_FD),
                                     MOCK_GET (UAPI_FEATURE_MIG_DEVICE_STATE, EIO, 0), LAST };
  AccmigDevice *device = open_scripted (script, TRUE);
  g_autoptr (GError) error = NULL;
  AccmigState left_in;
  int data_fd = UNTOUCHED, refusal;

  g_assert_false (accmig_device_step (device, ACCMIG_STATE_RESUMING, &data_fd, &left_in, &refusal, &error));
  assert_says (error, ACCMIG_ERROR_IO, "the migration state");
  g_assert_cmpint (data_fd, ==, UNTOUCHED);
  close_scripted (device);
}

static void
test_step_borrowed (void)
{
  static const MockCall script[] = { LAST };
  AccmigDevice *device = open_scripted (script, FALSE);
  g_autoptr (GError) error = NULL;
  AccmigState left_in;
  int data_fd, refusal;

  g_assert_false (accmig_device_step (device, ACCMIG_STATE_STOP, &data_fd, &left_in, &refusal, &error));
  assert_says (error, ACCMIG_ERROR_BAD_STATE, "borrowed");
  close_scripted (device);
}

/* ---- reading ---------------------------------------------------------------------------------- */

typedef enum
{
  DRAIN,
  AHEAD,
  FILL,
} Verb;

typedef struct
{
  const char *name;
  Verb verb;
  MockCall script[10];
  gboolean works;
  guint64 bytes; /* expected; of FILL: what is offered */
  int result;    /* AHEAD: whether nothing is left. FILL: the errno */
  AccmigError code;
  const char *words;
} Row;

/* clang-format off */
static const Row rows[] = {
  { "the rest", DRAIN,
    { STATE (STOP_COPY), MOCK_DATA (SESSION_FD, 100), MOCK_DATA (SESSION_FD, 76), MOCK_DATA (SESSION_FD, 0), LAST },
    TRUE, 176, 0, 0, NULL },
  { "nothing is left", DRAIN, { STATE (STOP_COPY), MOCK_DATA (SESSION_FD, 0), LAST }, TRUE, 0, 0, 0, NULL },
  { "the rest while it runs", DRAIN, { STATE (RUNNING), LAST }, FALSE, 0, 0, ACCMIG_ERROR_BAD_STATE, "its state is running, not stop-copy" },
  { "the rest in pre-copy", DRAIN, { STATE (PRE_COPY), LAST }, FALSE, 0, 0, ACCMIG_ERROR_BAD_STATE, "not stop-copy" },
  /* "Nothing yet" is no end where everything must be there. */
  { "ENOMSG", DRAIN, { STATE (STOP_COPY), MOCK_NO_DATA (SESSION_FD, ENOMSG), LAST }, FALSE, 0, 0, ACCMIG_ERROR_IO, "after 0 bytes" },
  { "reset meanwhile", DRAIN,
    { STATE (STOP_COPY), MOCK_DATA (SESSION_FD, 40), MOCK_NO_DATA (SESSION_FD, ENODEV), LAST },
    FALSE, 0, 0, ACCMIG_ERROR_IO, "broke off after 40 bytes" },
  { "ahead, all of it", AHEAD,
    { STATE (PRE_COPY), MOCK_INFO (SESSION_FD, 0, 40, 0), MOCK_DATA (SESSION_FD, 40), MOCK_INFO (SESSION_FD, 0, 0, 0), LAST },
    TRUE, 40, TRUE, 0, NULL },
  { "ahead, ENOMSG", AHEAD,
    { STATE (PRE_COPY), MOCK_INFO (SESSION_FD, 0, 40, 60), MOCK_DATA (SESSION_FD, 50), MOCK_NO_DATA (SESSION_FD, ENOMSG),
      MOCK_INFO (SESSION_FD, 0, 0, 0), LAST },
    TRUE, 50, TRUE, 0, NULL },
  { "ahead, dirty again", AHEAD,
    { STATE (PRE_COPY), MOCK_INFO (SESSION_FD, 0, 0, 60), MOCK_DATA (SESSION_FD, 60), MOCK_INFO (SESSION_FD, 0, 0, 30), LAST },
    TRUE, 60, FALSE, 0, NULL },
  { "ahead, peers stopped", AHEAD,
    { STATE (PRE_COPY_P2P), MOCK_INFO (SESSION_FD, 0, 0, 8), MOCK_NO_DATA (SESSION_FD, ENOMSG), MOCK_INFO (SESSION_FD, 0, 0, 0), LAST },
    TRUE, 0, TRUE, 0, NULL },
  { "ahead, nothing there", AHEAD,
    { STATE (PRE_COPY), MOCK_INFO (SESSION_FD, 0, 0, 0), MOCK_INFO (SESSION_FD, 0, 0, 0), LAST }, TRUE, 0, TRUE, 0, NULL },
  { "ahead in stop-copy", AHEAD, { STATE (STOP_COPY), LAST }, FALSE, 0, 0, ACCMIG_ERROR_BAD_STATE, "its state is stop-copy, not pre-copy" },
  { "ahead, session over", AHEAD,
    { STATE (PRE_COPY), MOCK_INFO (SESSION_FD, EINVAL, 0, 0), LAST }, FALSE, 0, 0, ACCMIG_ERROR_BAD_STATE, "not in pre-copy" },
  { "filled", FILL, { STATE (RESUMING), MOCK_TAKE (SESSION_FD, 176, 100), MOCK_TAKE (SESSION_FD, 76, 76), LAST }, TRUE, 176, 0, 0, NULL },
  { "refused", FILL, { STATE (RESUMING), MOCK_REFUSE (SESSION_FD, 176, EFAULT), LAST }, TRUE, 176, EFAULT, 0, NULL },
  { "too long", FILL, { STATE (RESUMING), MOCK_REFUSE (SESSION_FD, 176, ENOMEM), LAST }, TRUE, 176, ENOMEM, 0, NULL },
  { "fill while it runs", FILL, { STATE (RUNNING), LAST }, FALSE, 176, 0, ACCMIG_ERROR_BAD_STATE, "its state is running, not resuming" },
  { "empty", FILL, { STATE (RESUMING), LAST }, FALSE, 0, 0, ACCMIG_ERROR_TRUNCATED, "empty" },
  { "takes nothing", FILL, { STATE (RESUMING), MOCK_TAKE (SESSION_FD, 176, 0), LAST }, FALSE, 176, 0, ACCMIG_ERROR_IO, "takes no more" },
};
/* clang-format on */

static int
make_file (guint64 length)
{
  int fd = memfd_create ("stream", MFD_CLOEXEC);

  g_assert_cmpint (fd, >=, 0);
  for (guint64 i = 0; i < length; i++)
    {
      guint8 byte = mock_kernel_byte (i);

      g_assert_cmpint (pwrite (fd, &byte, 1, (off_t)i), ==, 1);
    }
  return fd;
}

static gboolean
run (const Row *row, AccmigDevice *device, int fd, int cancel_fd, guint64 *ret_bytes, int *ret_result,
     GError **error)
{
  switch (row->verb)
    {
    case DRAIN:
      *ret_result = 0;
      return accmig_device_drain (device, SESSION_FD, fd, cancel_fd, ret_bytes, error);
    case AHEAD:
      return accmig_device_drain_precopy (device, SESSION_FD, fd, cancel_fd, ret_bytes, ret_result, error);
    case FILL:
      return accmig_device_fill (device, SESSION_FD, fd, cancel_fd, ret_bytes, ret_result, error);
    }
  g_assert_not_reached ();
}

static void
test_row (gconstpointer data)
{
  const Row *row = data;
  g_auto (AutoFd) file = make_file (row->verb == FILL ? row->bytes : 0);
  AccmigDevice *device = open_scripted (row->script, TRUE);
  g_autoptr (GError) error = NULL;
  guint64 bytes = UNTOUCHED;
  int result = UNTOUCHED;

  g_assert_cmpint (run (row, device, file, -1, &bytes, &result, &error), ==, row->works);
  close_scripted (device);
  if (!row->works)
    {
      assert_says (error, row->code, row->words);
      g_assert_cmpuint (bytes, ==, UNTOUCHED);
      return;
    }
  g_assert_no_error (error);
  g_assert_cmpint (result, ==, row->result);
  g_assert_cmpuint (bytes, ==, row->verb == FILL && row->result != 0 ? 0 : row->bytes);
  if (row->verb != FILL)
    g_assert_cmpuint (lseek (file, 0, SEEK_END), ==, row->bytes);
}

static void
test_no_session (void)
{
  static const MockCall script[] = { LAST };
  AccmigDevice *device = open_scripted (script, TRUE);
  g_autoptr (GError) drain_error = NULL;
  g_autoptr (GError) fill_error = NULL;
  guint64 bytes;
  int refusal;

  g_assert_false (accmig_device_drain (device, -1, STDOUT_FILENO, -1, &bytes, &drain_error));
  assert_says (drain_error, ACCMIG_ERROR_BAD_STATE, "no session is open");
  g_assert_false (accmig_device_fill (device, -1, STDIN_FILENO, -1, &bytes, &refusal, &fill_error));
  assert_says (fill_error, ACCMIG_ERROR_BAD_STATE, "no session is open");
  close_scripted (device);
}

/* A reader that is gone ends a drain. */
static void
test_reader_gone (void)
{
  static const MockCall script[] = { STATE (STOP_COPY), MOCK_DATA (SESSION_FD, 100), LAST };
  AccmigDevice *device = open_scripted (script, TRUE);
  g_autoptr (GError) error = NULL;
  guint64 bytes;
  int fds[2];

  g_assert_cmpint (pipe2 (fds, O_CLOEXEC), ==, 0);
  close (fds[0]);
  g_assert_false (accmig_device_drain (device, SESSION_FD, fds[1], -1, &bytes, &error));
  assert_says (error, ACCMIG_ERROR_IO, "Broken pipe");
  close (fds[1]);
  close_scripted (device);
}

typedef struct
{
  int stream_fd, cancel_fd;
} CallOff;

/* Once the pipe has been emptied, so that the call off comes while nothing does. */
static gpointer
call_off (gpointer data)
{
  const CallOff *call = data;
  int waiting = 1;

  while (waiting > 0)
    g_assert_cmpint (ioctl (call->stream_fd, FIONREAD, &waiting), ==, 0);
  g_assert_cmpint (eventfd_write (call->cancel_fd, 1), ==, 0);
  return NULL;
}

/* A writer that says nothing is waited for, until somebody calls it off. */
static void
test_fill_called_off (void)
{
  static const MockCall script[] = { STATE (RESUMING), MOCK_TAKE (SESSION_FD, 3, 3), LAST };
  AccmigDevice *device = open_scripted (script, TRUE);
  g_autoptr (GError) error = NULL;
  GThread *thread;
  const guint8 start[] = { mock_kernel_byte (0), mock_kernel_byte (1), mock_kernel_byte (2) };
  g_auto (AutoFd) cancel = eventfd (0, EFD_CLOEXEC);
  guint64 bytes;
  int fds[2], refusal;

  g_assert_cmpint (pipe2 (fds, O_CLOEXEC), ==, 0);
  g_assert_cmpint (write (fds[1], start, sizeof start), ==, sizeof start);
  thread = g_thread_new ("caller-off", call_off, &(CallOff){ fds[0], cancel });
  g_assert_false (accmig_device_fill (device, SESSION_FD, fds[0], cancel, &bytes, &refusal, &error));
  assert_says (error, ACCMIG_ERROR_IO, "cancelled");
  g_thread_join (thread);
  close (fds[0]);
  close (fds[1]);
  close_scripted (device);
}

int
main (int argc, char **argv)
{
  (void)signal (SIGPIPE, SIG_IGN);
  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (steps); i++)
    {
      g_autofree char *path = g_strconcat ("/device-session/step/", steps[i].name, NULL);

      g_test_add_data_func (path, &steps[i], test_step);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *path = g_strconcat ("/device-session/", rows[i].name, NULL);

      g_test_add_data_func (path, &rows[i], test_row);
    }
  g_test_add_func ("/device-session/step-opens-session", test_step_opens_session);
  g_test_add_func ("/device-session/step-no-way", test_step_no_way);
  g_test_add_func ("/device-session/step-lost", test_step_lost);
  g_test_add_func ("/device-session/step-borrowed", test_step_borrowed);
  g_test_add_func ("/device-session/no-session", test_no_session);
  g_test_add_func ("/device-session/reader-gone", test_reader_gone);
  g_test_add_func ("/device-session/fill-called-off", test_fill_called_off);
  return g_test_run ();
}
