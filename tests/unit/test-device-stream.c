// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Saving and loading, against a kernel that follows a script
 *
 * The device's end of a stream is scripted, the other end is a real file or pipe. A script is the whole of
 * what the kernel may be asked: a row that is missing is a request that must not be made.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "device-private.h"
#include "fd-private.h"
#include "mock-kernel.h"

#define NAME       "0000:75:00.1"
#define SESSION_FD 6001
#define LATER_FD   6002
#define MIB        (1024 * 1024)

#define PLAIN         ACCMIG_FLAG_STOP_COPY
#define WITH_PRE_COPY (ACCMIG_FLAG_STOP_COPY | ACCMIG_FLAG_PRE_COPY)

#define STATE(s)           MOCK_STATE (ACCMIG_STATE_##s)
#define SET(s, number, fd) MOCK_SET (ACCMIG_STATE_##s, number, fd)
/* A state change that works: where it is, and the change. */
#define GO(from, to, fd) STATE (from), SET (to, 0, fd)
#define LAST                                                                                                 \
  {                                                                                                          \
    0                                                                                                        \
  }

typedef struct
{
  const char *name;
  const MockCall *script;
  gboolean works;
  AccmigError code;
  guint64 bytes;     /* save: expected. load: how many the file has */
  const char *words; /* in the message */
} Row;

static void
assert_outcome (const Row *row, gboolean worked, const GError *error)
{
  g_test_message ("%s: %s", row->name, error != NULL ? error->message : "worked");
  g_assert_cmpint (worked, ==, row->works);
  if (row->works)
    {
      g_assert_no_error (error);
      return;
    }
  g_assert_error (error, ACCMIG_ERROR, (int)row->code);
  if (strstr (error->message, row->words) == NULL)
    g_error ("%s: “%s” does not say “%s”", row->name, error->message, row->words);
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

static int
make_file (guint64 length)
{
  int fd = memfd_create ("stream", MFD_CLOEXEC);
  g_autofree guint8 *bytes = g_malloc (length + 1);

  g_assert_cmpint (fd, >=, 0);
  for (guint64 i = 0; i < length; i++)
    bytes[i] = mock_kernel_byte (i);
  g_assert_cmpint (write (fd, bytes, length), ==, length);
  g_assert_cmpint (lseek (fd, 0, SEEK_SET), ==, 0);
  return fd;
}

static void
assert_file_has (int fd, guint64 length)
{
  struct stat status;
  g_autofree guint8 *bytes = g_malloc (length + 1);

  g_assert_cmpint (fstat (fd, &status), ==, 0);
  g_assert_cmpuint (status.st_size, ==, length);
  g_assert_cmpint (pread (fd, bytes, length, 0), ==, length);
  for (guint64 i = 0; i < length; i++)
    if (bytes[i] != mock_kernel_byte (i))
      g_error ("byte %" G_GUINT64_FORMAT " is wrong", i);
}

/* clang-format off */
static const MockCall save_plain[] = {
  STATE (RUNNING), MOCK_FLAGS (PLAIN),
  GO (RUNNING, STOP_COPY, SESSION_FD),
  MOCK_DATA (SESSION_FD, MIB), MOCK_DATA (SESSION_FD, 3), MOCK_DATA (SESSION_FD, 1), MOCK_DATA (SESSION_FD, 0),
  GO (STOP_COPY, RUNNING, -1), LAST
};
/* As hisi_acc answers: 0 when pre-copy is drained. */
static const MockCall save_precopy_zero[] = {
  STATE (RUNNING), MOCK_FLAGS (WITH_PRE_COPY),
  GO (RUNNING, PRE_COPY, SESSION_FD), MOCK_INFO (SESSION_FD, 0, 100, 0),
  MOCK_DATA (SESSION_FD, 40), MOCK_DATA (SESSION_FD, 0),
  GO (PRE_COPY, STOP_COPY, -1),
  MOCK_DATA (SESSION_FD, 136), MOCK_DATA (SESSION_FD, 0),
  GO (STOP_COPY, RUNNING, -1), LAST
};
/* As mlx5 answers: ENOMSG. */
static const MockCall save_precopy_enomsg[] = {
  STATE (RUNNING), MOCK_FLAGS (WITH_PRE_COPY),
  GO (RUNNING, PRE_COPY, SESSION_FD), MOCK_INFO (SESSION_FD, 0, 100, 1000),
  MOCK_DATA (SESSION_FD, 40), MOCK_NO_DATA (SESSION_FD, ENOMSG),
  GO (PRE_COPY, STOP_COPY, -1),
  MOCK_DATA (SESSION_FD, 136), MOCK_DATA (SESSION_FD, 0),
  GO (STOP_COPY, RUNNING, -1), LAST
};
/* A device that always has more: pre-copy takes what was there at first. */
static const MockCall save_precopy_bounded[] = {
  STATE (RUNNING), MOCK_FLAGS (WITH_PRE_COPY),
  GO (RUNNING, PRE_COPY, SESSION_FD), MOCK_INFO (SESSION_FD, 0, 40, 24),
  MOCK_DATA (SESSION_FD, 60), MOCK_DATA (SESSION_FD, 4),
  GO (PRE_COPY, STOP_COPY, -1),
  MOCK_DATA (SESSION_FD, 0),
  GO (STOP_COPY, RUNNING, -1), LAST
};
static const MockCall save_interrupted_read[] = {
  STATE (RUNNING), MOCK_FLAGS (PLAIN),
  GO (RUNNING, STOP_COPY, SESSION_FD),
  MOCK_NO_DATA (SESSION_FD, EINTR), MOCK_DATA (SESSION_FD, 5), MOCK_DATA (SESSION_FD, 0),
  GO (STOP_COPY, RUNNING, -1), LAST
};
static const MockCall save_not_running[] = { STATE (STOP), LAST };
static const MockCall save_no_migration[] = { MOCK_GET (UAPI_FEATURE_MIG_DEVICE_STATE, ENOTTY, 0), LAST };
static const MockCall save_read_fails[] = {
  STATE (RUNNING), MOCK_FLAGS (PLAIN),
  GO (RUNNING, STOP_COPY, SESSION_FD),
  MOCK_DATA (SESSION_FD, 10), MOCK_NO_DATA (SESSION_FD, EIO),
  GO (STOP_COPY, RUNNING, -1), LAST
};
/* ENOMSG says "nothing yet"; in stop-copy that is no end. */
static const MockCall save_enomsg_in_stop_copy[] = {
  STATE (RUNNING), MOCK_FLAGS (PLAIN),
  GO (RUNNING, STOP_COPY, SESSION_FD), MOCK_NO_DATA (SESSION_FD, ENOMSG),
  GO (STOP_COPY, RUNNING, -1), LAST
};
static const MockCall save_precopy_fails[] = {
  STATE (RUNNING), MOCK_FLAGS (WITH_PRE_COPY),
  STATE (RUNNING), SET (PRE_COPY, EINVAL, -1), STATE (RUNNING),
  STATE (RUNNING), LAST
};
static const MockCall save_precopy_read_fails[] = {
  STATE (RUNNING), MOCK_FLAGS (WITH_PRE_COPY),
  GO (RUNNING, PRE_COPY, SESSION_FD), MOCK_INFO (SESSION_FD, 0, 40, 0), MOCK_NO_DATA (SESSION_FD, ENODEV),
  GO (PRE_COPY, RUNNING, -1), LAST
};
static const MockCall save_stop_copy_busy[] = {
  STATE (RUNNING), MOCK_FLAGS (WITH_PRE_COPY),
  GO (RUNNING, PRE_COPY, SESSION_FD), MOCK_INFO (SESSION_FD, 0, 0, 0),
  STATE (PRE_COPY), SET (STOP_COPY, EBUSY, -1), STATE (PRE_COPY),
  GO (PRE_COPY, RUNNING, -1), LAST
};
/* The kernel had no fd to give: the state changed all the same, and is left again. */
static const MockCall save_no_fd_left[] = {
  STATE (RUNNING), MOCK_FLAGS (PLAIN),
  STATE (RUNNING), SET (STOP_COPY, EMFILE, -1), STATE (STOP_COPY),
  GO (STOP_COPY, RUNNING, -1), LAST
};
/* Reset under our feet in pre-copy: the way to stop-copy then opens another stream, whose start is missing here. */
static const MockCall save_reset_meanwhile[] = {
  STATE (RUNNING), MOCK_FLAGS (WITH_PRE_COPY),
  GO (RUNNING, PRE_COPY, SESSION_FD), MOCK_INFO (SESSION_FD, 0, 40, 0), MOCK_DATA (SESSION_FD, 40),
  GO (RUNNING, STOP_COPY, LATER_FD),
  GO (STOP_COPY, RUNNING, -1), LAST
};
static const MockCall save_no_way_back[] = {
  STATE (RUNNING), MOCK_FLAGS (PLAIN),
  GO (RUNNING, STOP_COPY, SESSION_FD), MOCK_NO_DATA (SESSION_FD, EIO),
  STATE (STOP_COPY), SET (RUNNING, ETIMEDOUT, -1), STATE (STOP), LAST
};
static const MockCall save_whole_but_no_way_back[] = {
  STATE (RUNNING), MOCK_FLAGS (PLAIN),
  GO (RUNNING, STOP_COPY, SESSION_FD), MOCK_DATA (SESSION_FD, 0),
  STATE (STOP_COPY), SET (RUNNING, ETIMEDOUT, -1), STATE (STOP), LAST
};

static const Row save_rows[] = {
  { "plain",                 save_plain,               TRUE,  0, MIB + 4, NULL },
  { "precopy, 0",            save_precopy_zero,        TRUE,  0, 176, NULL },
  { "precopy, ENOMSG",       save_precopy_enomsg,      TRUE,  0, 176, NULL },
  { "precopy, bounded",      save_precopy_bounded,     TRUE,  0, 64, NULL },
  { "interrupted read",      save_interrupted_read,    TRUE,  0, 5, NULL },
  { "not running",           save_not_running,         FALSE, ACCMIG_ERROR_BAD_STATE,   0, "its state is stop, not running" },
  { "no migration",          save_no_migration,        FALSE, ACCMIG_ERROR_UNSUPPORTED, 0, "offers no migration" },
  { "read fails",            save_read_fails,          FALSE, ACCMIG_ERROR_IO,          0, "after 10 bytes" },
  { "ENOMSG in stop-copy",   save_enomsg_in_stop_copy, FALSE, ACCMIG_ERROR_IO,          0, "after 0 bytes" },
  { "precopy fails",         save_precopy_fails,       FALSE, ACCMIG_ERROR_IO,          0, "cannot go from running to pre-copy" },
  { "precopy read fails",    save_precopy_read_fails,  FALSE, ACCMIG_ERROR_IO,          0, "broke off after 0 bytes" },
  { "stop-copy busy",        save_stop_copy_busy,      FALSE, ACCMIG_ERROR_BUSY,        0, "was left in pre-copy: Device or resource busy; even if it says that it runs, it may stand still" },
  { "no fd left",            save_no_fd_left,          FALSE, ACCMIG_ERROR_IO,          0, "was left in stop-copy" },
  { "reset meanwhile",       save_reset_meanwhile,     FALSE, ACCMIG_ERROR_IO,          0, "broke off after 40 bytes" },
  { "no way back",           save_no_way_back,         FALSE, ACCMIG_ERROR_IO,          0, "was left in stop: Connection timed out; before that: cannot read" },
  { "whole, no way back",    save_whole_but_no_way_back, FALSE, ACCMIG_ERROR_IO,        0, "was left in stop" },
};

static const MockCall load_plain[] = {
  STATE (RUNNING),
  STATE (RUNNING), MOCK_FLAGS (WITH_PRE_COPY), SET (RESUMING, 0, SESSION_FD),
  MOCK_TAKE (SESSION_FD, 176, 100), MOCK_TAKE (SESSION_FD, 76, 75), MOCK_REFUSE (SESSION_FD, 1, EINTR), MOCK_TAKE (SESSION_FD, 1, 1),
  GO (RESUMING, RUNNING, -1), LAST
};
static const MockCall load_large[] = {
  STATE (RUNNING),
  STATE (RUNNING), MOCK_FLAGS (PLAIN), SET (RESUMING, 0, SESSION_FD),
  MOCK_TAKE (SESSION_FD, MIB, MIB), MOCK_TAKE (SESSION_FD, MIB, MIB - 1), MOCK_TAKE (SESSION_FD, 1, 1), MOCK_TAKE (SESSION_FD, 1, 1),
  GO (RESUMING, RUNNING, -1), LAST
};
/* The driver keeps the refused bytes: after a failed write there is a reset and no SET. */
static const MockCall load_refused[] = {
  STATE (RUNNING),
  STATE (RUNNING), MOCK_FLAGS (PLAIN), SET (RESUMING, 0, SESSION_FD),
  MOCK_REFUSE (SESSION_FD, 176, EFAULT), MOCK_RESET (0), LAST
};
static const MockCall load_refused_later[] = {
  STATE (RUNNING),
  STATE (RUNNING), MOCK_FLAGS (PLAIN), SET (RESUMING, 0, SESSION_FD),
  MOCK_TAKE (SESSION_FD, 176, 40), MOCK_REFUSE (SESSION_FD, 136, EINVAL), MOCK_RESET (0), LAST
};
static const MockCall load_too_long[] = {
  STATE (RUNNING),
  STATE (RUNNING), MOCK_FLAGS (PLAIN), SET (RESUMING, 0, SESSION_FD),
  MOCK_REFUSE (SESSION_FD, 177, ENOMEM), MOCK_RESET (0), LAST
};
static const MockCall load_write_nothing[] = {
  STATE (RUNNING),
  STATE (RUNNING), MOCK_FLAGS (PLAIN), SET (RESUMING, 0, SESSION_FD),
  MOCK_TAKE (SESSION_FD, 176, 0), MOCK_RESET (0), LAST
};
static const MockCall load_unknown_record[] = {
  STATE (RUNNING),
  STATE (RUNNING), MOCK_FLAGS (PLAIN), SET (RESUMING, 0, SESSION_FD),
  MOCK_REFUSE (SESSION_FD, 176, EOPNOTSUPP), MOCK_RESET (0), LAST
};
/* As xe answers a stream of another device, and mlx5 after a failure. */
static const MockCall load_other_device[] = {
  STATE (RUNNING),
  STATE (RUNNING), MOCK_FLAGS (PLAIN), SET (RESUMING, 0, SESSION_FD),
  MOCK_TAKE (SESSION_FD, 176, 40), MOCK_REFUSE (SESSION_FD, 136, ENODEV), STATE (RESUMING),
  MOCK_RESET (0), LAST
};
/* The same errno when somebody reset the device. */
static const MockCall load_reset_meanwhile[] = {
  STATE (RUNNING),
  STATE (RUNNING), MOCK_FLAGS (PLAIN), SET (RESUMING, 0, SESSION_FD),
  MOCK_TAKE (SESSION_FD, 176, 40), MOCK_REFUSE (SESSION_FD, 136, ENODEV), STATE (RUNNING),
  MOCK_RESET (0), LAST
};
static const MockCall load_refused_no_reset[] = {
  STATE (RUNNING),
  STATE (RUNNING), MOCK_FLAGS (PLAIN), SET (RESUMING, 0, SESSION_FD),
  MOCK_REFUSE (SESSION_FD, 176, EFAULT), MOCK_RESET (EIO), LAST
};
#define BUSY_RESET       MOCK_RESET (EAGAIN), MOCK_WAIT (50)
#define FIVE_BUSY_RESETS BUSY_RESET, BUSY_RESET, BUSY_RESET, BUSY_RESET, BUSY_RESET
/* Somebody has the lock for a while, or for ever. */
static const MockCall load_refused_reset_late[] = {
  STATE (RUNNING),
  STATE (RUNNING), MOCK_FLAGS (PLAIN), SET (RESUMING, 0, SESSION_FD),
  MOCK_REFUSE (SESSION_FD, 176, EFAULT), BUSY_RESET, BUSY_RESET, MOCK_RESET (0), LAST
};
static const MockCall load_refused_reset_never[] = {
  STATE (RUNNING),
  STATE (RUNNING), MOCK_FLAGS (PLAIN), SET (RESUMING, 0, SESSION_FD),
  MOCK_REFUSE (SESSION_FD, 176, EFAULT),
  FIVE_BUSY_RESETS, FIVE_BUSY_RESETS, FIVE_BUSY_RESETS, FIVE_BUSY_RESETS, MOCK_RESET (EAGAIN), LAST
};
static const MockCall load_empty[] = {
  STATE (RUNNING),
  STATE (RUNNING), MOCK_FLAGS (PLAIN), SET (RESUMING, 0, SESSION_FD),
  MOCK_RESET (0), LAST
};
static const MockCall load_short[] = {
  STATE (RUNNING),
  STATE (RUNNING), MOCK_FLAGS (PLAIN), SET (RESUMING, 0, SESSION_FD),
  MOCK_TAKE (SESSION_FD, 100, 100),
  STATE (RESUMING), SET (RUNNING, EINVAL, -1), STATE (RESUMING),
  MOCK_PROBE (UAPI_FEATURE_MIG_DATA_SIZE, 0), MOCK_GET (UAPI_FEATURE_MIG_DATA_SIZE, 0, 176),
  MOCK_RESET (0), LAST
};
static const MockCall load_judged_wrong[] = {
  STATE (RUNNING),
  STATE (RUNNING), MOCK_FLAGS (PLAIN), SET (RESUMING, 0, SESSION_FD),
  MOCK_TAKE (SESSION_FD, 176, 176),
  STATE (RESUMING), SET (RUNNING, EINVAL, -1), STATE (RESUMING),
  MOCK_PROBE (UAPI_FEATURE_MIG_DATA_SIZE, 0), MOCK_GET (UAPI_FEATURE_MIG_DATA_SIZE, 0, 176),
  MOCK_RESET (0), LAST
};
static const MockCall load_finish_busy[] = {
  STATE (RUNNING),
  STATE (RUNNING), MOCK_FLAGS (PLAIN), SET (RESUMING, 0, SESSION_FD),
  MOCK_TAKE (SESSION_FD, 176, 176),
  STATE (RESUMING), SET (RUNNING, EBUSY, -1), STATE (STOP),
  MOCK_RESET (0), LAST
};
static const MockCall load_not_running[] = { STATE (RESUMING), LAST };
/* Resuming was not reached. Whatever the driver reports, the device may stand still: only a reset helps. */
static const MockCall load_no_entry[] = {
  STATE (RUNNING),
  STATE (RUNNING), MOCK_FLAGS (PLAIN), SET (RESUMING, ENOMEM, -1), STATE (STOP),
  MOCK_RESET (0), LAST
};
static const MockCall load_entry_busy[] = {
  STATE (RUNNING),
  STATE (RUNNING), MOCK_FLAGS (PLAIN), SET (RESUMING, EBUSY, -1), STATE (RUNNING),
  MOCK_RESET (0), LAST
};
static const MockCall load_entry_breaks[] = {
  STATE (RUNNING),
  STATE (RUNNING), MOCK_FLAGS (PLAIN), SET (RESUMING, EIO, -1), STATE (ERROR),
  MOCK_RESET (0), LAST
};
static const MockCall load_no_fd_left[] = {
  STATE (RUNNING),
  STATE (RUNNING), MOCK_FLAGS (PLAIN), SET (RESUMING, EMFILE, -1), STATE (RESUMING),
  MOCK_RESET (0), LAST
};

static const Row load_rows[] = {
  { "plain",             load_plain,            TRUE,  0, 176, NULL },
  { "large",             load_large,            TRUE,  0, 2 * MIB + 1, NULL },
  { "refused",           load_refused,          FALSE, ACCMIG_ERROR_REFUSED,   176, "refuses the stream after 0 bytes" },
  { "refused later",     load_refused_later,    FALSE, ACCMIG_ERROR_REFUSED,   176, "refuses the stream after 40 bytes" },
  { "too long",          load_too_long,         FALSE, ACCMIG_ERROR_REFUSED,   177, "longer than the driver takes" },
  { "writes nothing",    load_write_nothing,    FALSE, ACCMIG_ERROR_IO,        176, "takes no more after 0 bytes" },
  { "refused, no reset", load_refused_no_reset, FALSE, ACCMIG_ERROR_REFUSED,   176, "cannot reset 0000:75:00.1: Input/output error; before that: 0000:75:00.1 refuses" },
  { "reset late",        load_refused_reset_late,  FALSE, ACCMIG_ERROR_REFUSED, 176, "(Bad address); the device was reset" },
  { "reset never",       load_refused_reset_never, FALSE, ACCMIG_ERROR_REFUSED, 176, "cannot reset 0000:75:00.1: Resource temporarily unavailable; before that: 0000:75:00.1 refuses" },
  { "unknown record",    load_unknown_record,   FALSE, ACCMIG_ERROR_REFUSED,   176, "refuses the stream after 0 bytes" },
  { "another device's",  load_other_device,     FALSE, ACCMIG_ERROR_REFUSED,   176, "refuses the stream after 40 bytes" },
  { "reset meanwhile",   load_reset_meanwhile,  FALSE, ACCMIG_ERROR_IO,        176, "broke off after 40 bytes: the device was reset by somebody" },
  { "empty",             load_empty,            FALSE, ACCMIG_ERROR_TRUNCATED, 0,   "the stream is empty" },
  { "short",             load_short,            FALSE, ACCMIG_ERROR_TRUNCATED, 100, "ends after 100 bytes, 0000:75:00.1 wants 176" },
  { "judged wrong",      load_judged_wrong,     FALSE, ACCMIG_ERROR_REFUSED,   176, "it refuses the stream (Invalid argument); the device was reset" },
  { "finish busy",       load_finish_busy,      FALSE, ACCMIG_ERROR_BUSY,      176, "was left in stop" },
  { "not running",       load_not_running,      FALSE, ACCMIG_ERROR_BAD_STATE, 176, "its state is resuming, not running" },
  { "no entry",          load_no_entry,         FALSE, ACCMIG_ERROR_IO,        176, "was left in stop: Cannot allocate memory; the device was reset" },
  { "entry busy",        load_entry_busy,       FALSE, ACCMIG_ERROR_BUSY,      176, "was left in running: Device or resource busy; the device was reset" },
  { "entry breaks it",   load_entry_breaks,     FALSE, ACCMIG_ERROR_IO,        176, "was left in error: Input/output error; the device was reset" },
  { "no fd left",        load_no_fd_left,       FALSE, ACCMIG_ERROR_IO,        176, "was left in resuming" },
};
/* clang-format on */

static void
test_save (gconstpointer data)
{
  const Row *row = data;
  g_auto (AutoFd) file = make_file (0);
  g_autoptr (GError) error = NULL;
  AccmigDevice *device = open_scripted (row->script);
  guint64 bytes = 77;
  gboolean worked = accmig_device_save (device, file, -1, &bytes, &error);

  assert_outcome (row, worked, error);
  g_assert_cmpuint (bytes, ==, row->works ? row->bytes : 77);
  if (row->works)
    assert_file_has (file, row->bytes);
  close_scripted (device);
}

static void
test_load (gconstpointer data)
{
  const Row *row = data;
  g_auto (AutoFd) file = make_file (row->bytes);
  g_autoptr (GError) error = NULL;
  AccmigDevice *device = open_scripted (row->script);
  guint64 bytes = 77;
  gboolean worked = accmig_device_load (device, file, -1, &bytes, &error);

  assert_outcome (row, worked, error);
  g_assert_cmpuint (bytes, ==, row->works ? row->bytes : 77);
  close_scripted (device);
}

static int
make_cancelled (void)
{
  int fd = eventfd (1, EFD_CLOEXEC);

  g_assert_cmpint (fd, >=, 0);
  return fd;
}

static void
test_save_cancelled (void)
{
  static const MockCall script[] = { STATE (RUNNING), MOCK_FLAGS (PLAIN), GO (RUNNING, STOP_COPY, SESSION_FD),
                                     GO (STOP_COPY, RUNNING, -1), LAST };
  g_auto (AutoFd) cancel = make_cancelled ();
  g_auto (AutoFd) file = make_file (0);
  g_autoptr (GError) error = NULL;
  AccmigDevice *device = open_scripted (script);
  guint64 bytes;

  g_assert_false (accmig_device_save (device, file, cancel, &bytes, &error));
  g_assert_cmpstr (error->message, ==, "cancelled");
  close_scripted (device);
}

static void
test_load_cancelled (void)
{
  static const MockCall script[] = { STATE (RUNNING),    STATE (RUNNING),
                                     MOCK_FLAGS (PLAIN), SET (RESUMING, 0, SESSION_FD),
                                     MOCK_RESET (0),     LAST };
  g_auto (AutoFd) cancel = make_cancelled ();
  g_auto (AutoFd) file = make_file (176);
  g_autoptr (GError) error = NULL;
  AccmigDevice *device = open_scripted (script);
  guint64 bytes;

  g_assert_false (accmig_device_load (device, file, cancel, &bytes, &error));
  g_assert_cmpstr (error->message, ==, "cancelled; the device was reset");
  close_scripted (device);
}

typedef struct
{
  int pipe_fd;
  int cancel_fd;
  gsize n_read;
} Reader;

/* Takes some bytes, then none, then cancels. */
static gpointer
read_some_and_cancel (gpointer data)
{
  Reader *reader = data;
  guint8 piece[1000];
  guint64 one = 1;

  for (int i = 0; i < 200; i++)
    reader->n_read += (gsize)read (reader->pipe_fd, piece, sizeof piece);
  g_assert_cmpint (write (reader->cancel_fd, &one, sizeof one), ==, sizeof one);
  return NULL;
}

/* The other end of a pipe stops reading in the middle of a piece: cancelling still works. */
static void
test_save_cancelled_while_writing (void)
{
  static const MockCall script[] = { STATE (RUNNING),
                                     MOCK_FLAGS (PLAIN),
                                     GO (RUNNING, STOP_COPY, SESSION_FD),
                                     MOCK_DATA (SESSION_FD, MIB),
                                     GO (STOP_COPY, RUNNING, -1),
                                     LAST };
  g_auto (AutoFd) cancel = eventfd (0, EFD_CLOEXEC);
  g_autoptr (GError) error = NULL;
  AccmigDevice *device = open_scripted (script);
  Reader reader = { .cancel_fd = cancel };
  GThread *thread;
  int ends[2];
  guint64 bytes;

  g_assert_cmpint (pipe (ends), ==, 0);
  reader.pipe_fd = ends[0];
  thread = g_thread_new ("reader", read_some_and_cancel, &reader);
  g_assert_false (accmig_device_save (device, ends[1], cancel, &bytes, &error));
  g_assert_cmpstr (error->message, ==, "cancelled");
  g_thread_join (thread);
  g_assert_cmpuint (reader.n_read, >, 0);
  /* The fd blocks again, as it did before. */
  g_assert_cmpint (fcntl (ends[1], F_GETFL) & O_NONBLOCK, ==, 0);
  close (ends[0]);
  close (ends[1]);
  close_scripted (device);
}

/* A pipe hands out its bytes in pieces; nothing of that reaches the result. */
static void
test_load_from_pipe (void)
{
  static const MockCall script[] = { STATE (RUNNING),
                                     STATE (RUNNING),
                                     MOCK_FLAGS (PLAIN),
                                     SET (RESUMING, 0, SESSION_FD),
                                     MOCK_TAKE (SESSION_FD, 176, 176),
                                     GO (RESUMING, RUNNING, -1),
                                     LAST };
  AccmigDevice *device = open_scripted (script);
  guint8 bytes[176];
  guint64 length = 0;
  int ends[2];

  for (gsize i = 0; i < sizeof bytes; i++)
    bytes[i] = mock_kernel_byte (i);
  g_assert_cmpint (pipe (ends), ==, 0);
  g_assert_cmpint (write (ends[1], bytes, sizeof bytes), ==, sizeof bytes);
  close (ends[1]);
  g_assert_true (accmig_device_load (device, ends[0], -1, &length, NULL));
  g_assert_cmpuint (length, ==, sizeof bytes);
  close (ends[0]);
  close_scripted (device);
}

/* An fd that is none is noticed before the device is touched. */
static void
test_bad_fd (void)
{
  static const MockCall script[] = { STATE (RUNNING), STATE (RUNNING), LAST };
  AccmigDevice *device = open_scripted (script);
  g_autoptr (GError) on_save = NULL, on_load = NULL;
  guint64 bytes;

  g_assert_false (accmig_device_save (device, -1, -1, &bytes, &on_save));
  g_assert_false (accmig_device_load (device, -1, -1, &bytes, &on_load));
  g_assert_error (on_save, ACCMIG_ERROR, ACCMIG_ERROR_IO);
  g_assert_error (on_load, ACCMIG_ERROR, ACCMIG_ERROR_IO);
  close_scripted (device);
}

/* The receiver went away: a write error, and the device runs again. */
static void
test_save_broken_pipe (void)
{
  static const MockCall script[] = { STATE (RUNNING),
                                     MOCK_FLAGS (PLAIN),
                                     GO (RUNNING, STOP_COPY, SESSION_FD),
                                     MOCK_DATA (SESSION_FD, 10),
                                     GO (STOP_COPY, RUNNING, -1),
                                     LAST };
  AccmigDevice *device = open_scripted (script);
  g_autoptr (GError) error = NULL;
  guint64 bytes;
  int ends[2];

  g_assert_cmpint (pipe (ends), ==, 0);
  close (ends[0]);
  g_assert_false (accmig_device_save (device, ends[1], -1, &bytes, &error));
  g_assert_error (error, ACCMIG_ERROR, ACCMIG_ERROR_IO);
  close (ends[1]);
  close_scripted (device);
}

static void
test_match (void)
{
  static const MockCall in_pieces[] = { MOCK_FLAGS (WITH_PRE_COPY),
                                        STATE (RUNNING),
                                        GO (RUNNING, PRE_COPY, SESSION_FD),
                                        MOCK_DATA (SESSION_FD, 30),
                                        MOCK_DATA (SESSION_FD, 10),
                                        GO (PRE_COPY, RUNNING, -1),
                                        LAST };
  static const MockCall drained[] = { MOCK_FLAGS (WITH_PRE_COPY),
                                      STATE (RUNNING),
                                      GO (RUNNING, PRE_COPY, SESSION_FD),
                                      MOCK_DATA (SESSION_FD, 24),
                                      MOCK_NO_DATA (SESSION_FD, ENOMSG),
                                      GO (PRE_COPY, RUNNING, -1),
                                      LAST };
  static const struct
  {
    const MockCall *script;
    gsize length;
  } rows[] = { { in_pieces, 40 }, { drained, 24 } };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      AccmigDevice *device = open_scripted (rows[i].script);
      guint8 match[40] = { 0 };
      gsize length = 0;

      g_assert_true (accmig_device_read_match (device, sizeof match, match, &length, NULL));
      g_assert_cmpuint (length, ==, rows[i].length);
      for (gsize j = 0; j < length; j++)
        g_assert_cmphex (match[j], ==, mock_kernel_byte (j));
      close_scripted (device);
    }
}

static void
test_match_failures (void)
{
  static const MockCall no_precopy[] = { MOCK_FLAGS (PLAIN), LAST };
  static const MockCall not_running[] = { MOCK_FLAGS (WITH_PRE_COPY), STATE (STOP), LAST };
  static const MockCall read_fails[] = { MOCK_FLAGS (WITH_PRE_COPY),         STATE (RUNNING),
                                         GO (RUNNING, PRE_COPY, SESSION_FD), MOCK_NO_DATA (SESSION_FD, EIO),
                                         GO (PRE_COPY, RUNNING, -1),         LAST };
  static const MockCall set_fails[] = { MOCK_FLAGS (WITH_PRE_COPY),
                                        STATE (RUNNING),
                                        STATE (RUNNING),
                                        SET (PRE_COPY, EINVAL, -1),
                                        STATE (RUNNING),
                                        STATE (RUNNING),
                                        LAST };
  static const struct
  {
    const MockCall *script;
    AccmigError code;
  } rows[] = { { no_precopy, ACCMIG_ERROR_UNSUPPORTED },
               { not_running, ACCMIG_ERROR_BAD_STATE },
               { read_fails, ACCMIG_ERROR_IO },
               { set_fails, ACCMIG_ERROR_IO } };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      AccmigDevice *device = open_scripted (rows[i].script);
      g_autoptr (GError) error = NULL;
      guint8 match[40];
      gsize length = 77;

      g_assert_false (accmig_device_read_match (device, sizeof match, match, &length, &error));
      g_assert_error (error, ACCMIG_ERROR, (int)rows[i].code);
      g_assert_cmpuint (length, ==, 77);
      close_scripted (device);
    }
}

/* More than anybody has is refused before the device is asked. */
static void
test_match_limit (void)
{
  static const MockCall script[] = { LAST };
  AccmigDevice *device = open_scripted (script);
  g_autoptr (GError) error = NULL;
  guint8 match[4097];
  gsize length = 77;

  g_assert_false (accmig_device_read_match (device, sizeof match, match, &length, &error));
  g_assert_error (error, ACCMIG_ERROR, ACCMIG_ERROR_LIMIT);
  g_assert_cmpuint (length, ==, 77);
  close_scripted (device);
}

static void
add_rows (const char *prefix, const Row *rows, gsize n_rows, GTestDataFunc run)
{
  for (gsize i = 0; i < n_rows; i++)
    {
      g_autofree char *path = g_strconcat (prefix, rows[i].name, NULL);

      g_test_add_data_func (path, &rows[i], run);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  signal (SIGPIPE, SIG_IGN);
  add_rows ("/device-stream/save/", save_rows, G_N_ELEMENTS (save_rows), test_save);
  add_rows ("/device-stream/load/", load_rows, G_N_ELEMENTS (load_rows), test_load);
  g_test_add_func ("/device-stream/cancel/save", test_save_cancelled);
  g_test_add_func ("/device-stream/cancel/load", test_load_cancelled);
  g_test_add_func ("/device-stream/cancel/while-writing", test_save_cancelled_while_writing);
  g_test_add_func ("/device-stream/pipe", test_load_from_pipe);
  g_test_add_func ("/device-stream/bad-fd", test_bad_fd);
  g_test_add_func ("/device-stream/broken-pipe", test_save_broken_pipe);
  g_test_add_func ("/device-stream/match", test_match);
  g_test_add_func ("/device-stream/match-failures", test_match_failures);
  g_test_add_func ("/device-stream/match-limit", test_match_limit);
  return g_test_run ();
}
