// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The broker's verbs on devices: who excludes whom, what is survived, what breaks off.
 *
 * The device functions are doubles of our own, which the linker takes before the library's; each does what
 * the test at hand has told it. That real devices behave is tested where there are some.
 */

#include "broker/devices.h"

#include "broker/binding.h"
#include "broker/mdevs.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define VF1      "0000:75:00.1"
#define VF2      "0000:75:00.2"
#define LIMIT_MS 10000

/* What the doubles do. Written while no request runs. */
static struct
{
  GAsyncQueue *begun; /* a save has begun */
  gint opened;        /* atomic: how many devices are open */
  AccmigError flags_error, borrow_error, size_error, match_error;
  gboolean fail_flags, fail_borrow, fail_size, fail_match, fail_repair;
  pid_t holder;
  int refusal;
} script;

struct _AccmigDevice
{
  gboolean borrowed;
};

static gboolean
refuse (gboolean fail, AccmigError code, GError **error)
{
  if (fail)
    g_set_error_literal (error, ACCMIG_ERROR, (int)code, "as the test says");
  return !fail;
}

AccmigDevice *
accmig_device_open (int sysfs_fd, const char *address, AccmigAccess access, GError **error)
{
  g_atomic_int_inc (&script.opened);
  return g_new0 (AccmigDevice, 1);
}

AccmigDevice *
accmig_device_borrow (int sysfs_fd, pid_t pid, const char *address, GError **error)
{
  if (!refuse (script.fail_borrow, script.borrow_error, error))
    return NULL;
  g_atomic_int_inc (&script.opened);
  return g_new0 (AccmigDevice, 1);
}

void
accmig_device_close (AccmigDevice *device)
{
  g_atomic_int_add (&script.opened, -1);
  g_free (device);
}

gboolean
accmig_device_find_holder (int sysfs_fd, const char *address, pid_t *ret_pid, GError **error)
{
  *ret_pid = script.holder;
  return TRUE;
}

AccmigAccess
accmig_device_get_access (const AccmigDevice *device)
{
  return ACCMIG_ACCESS_CDEV;
}

gboolean
accmig_device_get_flags (AccmigDevice *device, guint64 *ret_flags, GError **error)
{
  if (!refuse (script.fail_flags, script.flags_error, error))
    return FALSE;
  *ret_flags = 7;
  return TRUE;
}

gboolean
accmig_device_get_state (AccmigDevice *device, AccmigState *ret_state, GError **error)
{
  *ret_state = ACCMIG_STATE_STOP_COPY;
  return TRUE;
}

gboolean
accmig_device_get_stop_copy_size (AccmigDevice *device, guint64 *ret_bytes, GError **error)
{
  if (!refuse (script.fail_size, script.size_error, error))
    return FALSE;
  *ret_bytes = 12288;
  return TRUE;
}

gboolean
accmig_device_get_tracking (AccmigDevice *device, AccmigTracking *ret_tracking, GError **error)
{
  *ret_tracking = ACCMIG_TRACKING_YES;
  return TRUE;
}

gboolean
accmig_device_read_match (AccmigDevice *device, gsize size, guint8 *match, gsize *ret_length, GError **error)
{
  if (!refuse (script.fail_match, script.match_error, error))
    return FALSE;
  memset (match, 0xac, size);
  *ret_length = size;
  return TRUE;
}

/* Reads what the test writes, until it ends, or until it is told to stop: as long as the test likes. */
gboolean
accmig_device_save (AccmigDevice *device, int out_fd, int cancellable_fd, guint64 *ret_bytes, GError **error)
{
  struct pollfd fds[] = { { .fd = cancellable_fd, .events = POLLIN }, { .fd = out_fd, .events = POLLIN } };

  g_async_queue_push (script.begun, GINT_TO_POINTER (1));
  if (poll (fds, G_N_ELEMENTS (fds), LIMIT_MS) <= 0 || fds[0].revents != 0)
    return refuse (TRUE, ACCMIG_ERROR_IO, error);
  *ret_bytes = 4711;
  return TRUE;
}

gboolean
accmig_device_load (AccmigDevice *device, int in_fd, int cancellable_fd, guint64 *ret_bytes, GError **error)
{
  *ret_bytes = 4712;
  return TRUE;
}

gboolean
accmig_device_reset (AccmigDevice *device, GError **error)
{
  return TRUE;
}

gboolean
accmig_device_repair (AccmigDevice *device, AccmigState seen, AccmigState *ret_from, AccmigState *ret_to,
                      GError **error)
{
  *ret_from = seen;
  *ret_to = ACCMIG_STATE_RUNNING;
  return refuse (script.fail_repair, ACCMIG_ERROR_BAD_STATE, error);
}

gboolean
accmig_device_reset_patiently (AccmigDevice *device, GError **error)
{
  return TRUE;
}

/* Goes wherever it is told to; test-walk.c has the rest. */
gboolean
accmig_device_step (AccmigDevice *device, AccmigState state, int *ret_data_fd, AccmigState *ret_left_in,
                    int *ret_refusal, GError **error)
{
  *ret_data_fd = -1;
  *ret_left_in = state;
  *ret_refusal = 0;
  return TRUE;
}

gboolean
accmig_device_try_match (AccmigDevice *device, const guint8 *match, gsize length, int *ret_refusal,
                         GError **error)
{
  g_assert_cmpmem (match, length, "match", 5);
  *ret_refusal = script.refusal;
  return TRUE;
}

gboolean
binding_bind (int sysfs_fd, const char *address, const char *driver, GError **error)
{
  g_assert_cmpstr (driver, ==, "driver");
  return TRUE;
}

gboolean
mdevs_create (int sysfs_fd, const char *parent, const char *type, const char *uuid, GError **error)
{
  g_assert_cmpstr (parent, ==, "parent");
  g_assert_cmpstr (type, ==, "type");
  return TRUE;
}

gboolean
mdevs_remove (int sysfs_fd, const char *uuid, GError **error)
{
  return TRUE;
}

/* ---- asking ----------------------------------------------------------------------------------- */

typedef struct
{
  Devices *devices;
  GCancellable *gone;
  char *debugfs;
} Fixture;

typedef struct
{
  GAsyncResult *result;
} Question;

static void
set_up (Fixture *f, gconstpointer data)
{
  memset (&script, 0, sizeof script);
  script.begun = g_async_queue_new ();
  f->debugfs = g_dir_make_tmp ("devices-XXXXXX", NULL);
  f->devices = devices_new (dup (STDIN_FILENO), f->debugfs);
  f->gone = g_cancellable_new ();
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  g_assert_cmpint (g_atomic_int_get (&script.opened), ==, 0);
  devices_free (f->devices);
  g_object_unref (f->gone);
  g_assert_cmpint (g_rmdir (f->debugfs), ==, 0);
  g_free (f->debugfs);
  g_async_queue_unref (script.begun);
}

static void
on_answer (GObject *object, GAsyncResult *result, gpointer user)
{
  Question *question = user;

  question->result = g_object_ref (result);
}

static void
ask (Fixture *f, Question *question, DeviceVerb verb, const char *address, int fd)
{
  static const AccmigState states[] = { ACCMIG_STATE_STOP, ACCMIG_STATE_STOP_COPY };

  question->result = NULL;
  devices_ask_async (f->devices,
                     &(DeviceQuestion){
                         .verb = verb,
                         .address = address,
                         .match_size = 16,
                         .match = "match",
                         .match_length = 5,
                         .stream_fd = fd,
                         .states = states,
                         .n_states = G_N_ELEMENTS (states),
                         .seen = ACCMIG_STATE_STOP_COPY,
                         .driver = "driver",
                         .parent = "parent",
                         .type = "type",
                     },
                     f->gone, on_answer, question);
}

static gboolean
on_limit (gpointer user)
{
  g_error ("no answer within %d ms", LIMIT_MS);
  return G_SOURCE_REMOVE;
}

static DeviceAnswer *
await (Question *question, GError **error)
{
  guint limit = g_timeout_add (LIMIT_MS, on_limit, NULL);
  DeviceAnswer *answer;

  while (question->result == NULL)
    g_main_context_iteration (NULL, TRUE);
  g_source_remove (limit);
  answer = devices_ask_finish (question->result, error);
  g_object_unref (question->result);
  return answer;
}

static DeviceAnswer *
ask_and_await (Fixture *f, DeviceVerb verb, const char *address, int fd, GError **error)
{
  Question question;

  ask (f, &question, verb, address, fd);
  return await (&question, error);
}

static void
await_save (void)
{
  g_assert_nonnull (g_async_queue_timeout_pop (script.begun, LIMIT_MS * G_TIME_SPAN_MILLISECOND));
}

/* ---- exclusion -------------------------------------------------------------------------------- */

static void
test_exclusion (Fixture *f, gconstpointer data)
{
  static const DeviceVerb verbs[] = { DEVICE_PROBE,       DEVICE_SAVE, DEVICE_LOAD,    DEVICE_RESET,
                                      DEVICE_TRIAL,       DEVICE_WALK, DEVICE_REPAIR,  DEVICE_CREATE_MDEV,
                                      DEVICE_REMOVE_MDEV, DEVICE_BIND, DEVICE_EVIDENCE };
  g_autofree DeviceAnswer *saved = NULL;
  g_autofree DeviceAnswer *peeked = NULL;
  g_autofree DeviceAnswer *other = NULL;
  g_autofree DeviceAnswer *after = NULL;
  g_autoptr (GError) error = NULL;
  Question save;
  int fds[2];

  g_assert_cmpint (pipe (fds), ==, 0);
  ask (f, &save, DEVICE_SAVE, VF1, fds[0]);
  await_save ();

  for (gsize i = 0; i < G_N_ELEMENTS (verbs); i++)
    {
      g_autoptr (GError) busy = NULL;

      g_assert_null (ask_and_await (f, verbs[i], VF1, fds[0], &busy));
      g_assert_error (busy, ACCMIG_ERROR, ACCMIG_ERROR_BUSY);
      g_assert_nonnull (strstr (busy->message, VF1));
    }
  peeked = ask_and_await (f, DEVICE_PEEK, VF1, -1, &error); /* looks only */
  g_assert_no_error (error);
  other = ask_and_await (f, DEVICE_RESET, VF2, -1, &error);
  g_assert_no_error (error);

  g_assert_cmpint (write (fds[1], "x", 1), ==, 1);
  saved = await (&save, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (saved->bytes, ==, 4711);
  after = ask_and_await (f, DEVICE_LOAD, VF1, fds[0], &error);
  g_assert_no_error (error);
  g_assert_cmpuint (after->bytes, ==, 4712);
  close (fds[0]);
  close (fds[1]);
}

/* The peer hangs up in the middle: the save ends, and the device is free again. */
static void
test_gone (Fixture *f, gconstpointer data)
{
  g_autofree DeviceAnswer *after = NULL;
  g_autoptr (GError) stopped = NULL;
  g_autoptr (GError) error = NULL;
  Question save;
  int fds[2];

  g_assert_cmpint (pipe (fds), ==, 0);
  ask (f, &save, DEVICE_SAVE, VF1, fds[0]);
  await_save ();
  g_cancellable_cancel (f->gone);
  g_assert_null (await (&save, &stopped));
  g_assert_error (stopped, ACCMIG_ERROR, ACCMIG_ERROR_IO);

  after = ask_and_await (f, DEVICE_RESET, VF1, -1, &error);
  g_assert_no_error (error);
  close (fds[0]);
  close (fds[1]);
}

/* Told to, a save ends as well; what is not there, or streams nothing, goes on. */
static void
test_abort (Fixture *f, gconstpointer data)
{
  g_autofree DeviceAnswer *saved = NULL;
  g_autofree DeviceAnswer *after = NULL;
  g_autoptr (GError) stopped = NULL;
  g_autoptr (GError) error = NULL;
  Question aborted, kept;
  int fds[2];

  g_assert_cmpint (pipe (fds), ==, 0);
  ask (f, &aborted, DEVICE_SAVE, VF1, fds[0]);
  await_save ();
  ask (f, &kept, DEVICE_SAVE, VF2, fds[0]);
  await_save ();
  devices_abort (f->devices, "0000:75:00.3");
  devices_abort (f->devices, VF1);
  g_assert_null (await (&aborted, &stopped));
  g_assert_error (stopped, ACCMIG_ERROR, ACCMIG_ERROR_IO);
  devices_abort (f->devices, VF1); /* it is not there any more */
  after = ask_and_await (f, DEVICE_RESET, VF1, -1, &error);
  g_assert_no_error (error);

  g_assert_cmpint (write (fds[1], "x", 1), ==, 1);
  saved = await (&kept, &error);
  g_assert_no_error (error);
  close (fds[0]);
  close (fds[1]);
}

/* Requests at a time, and those that looks may make of it. */
#define MOST       64
#define MOST_LOOKS 48

static void
begin_saves (Fixture *f, Question *saves, guint from, guint to, int fd)
{
  for (guint i = from; i < to; i++)
    {
      g_autofree char *address = g_strdup_printf ("0000:75:%02x.%u", i / 8, i % 8);

      ask (f, &saves[i], DEVICE_SAVE, address, fd);
      await_save ();
    }
}

static void
assert_too_many (Fixture *f, DeviceVerb verb)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (ask_and_await (f, verb, "0000:76:00.0", -1, &error));
  g_assert_error (error, ACCMIG_ERROR, ACCMIG_ERROR_LIMIT);
}

static void
assert_answered (Fixture *f, DeviceVerb verb)
{
  g_autoptr (GError) error = NULL;
  g_autofree DeviceAnswer *answer = ask_and_await (f, verb, "0000:76:00.0", -1, &error);

  g_assert_no_error (error);
  g_assert_nonnull (answer);
}

/* Looks are turned away first, so that they cannot keep others from opening devices. */
static void
test_too_many (Fixture *f, gconstpointer data)
{
  Question saves[MOST];
  g_autoptr (GError) error = NULL;
  int fds[2];

  g_assert_cmpint (pipe (fds), ==, 0);
  begin_saves (f, saves, 0, MOST_LOOKS - 1, fds[0]);
  assert_answered (f, DEVICE_PEEK);
  begin_saves (f, saves, MOST_LOOKS - 1, MOST_LOOKS, fds[0]);
  assert_too_many (f, DEVICE_PEEK);
  assert_answered (f, DEVICE_PROBE);
  begin_saves (f, saves, MOST_LOOKS, MOST, fds[0]);
  assert_too_many (f, DEVICE_PROBE);

  g_assert_cmpint (write (fds[1], "x", 1), ==, 1);
  for (guint i = 0; i < MOST; i++)
    {
      g_autofree DeviceAnswer *answer = await (&saves[i], &error);

      g_assert_no_error (error);
      g_assert_nonnull (answer);
    }
  assert_answered (f, DEVICE_PEEK);
  close (fds[0]);
  close (fds[1]);
}

/* The owner of the table goes first; the thread still has what it needs. */
static void
test_freed_meanwhile (Fixture *f, gconstpointer data)
{
  g_autofree DeviceAnswer *saved = NULL;
  g_autoptr (GError) error = NULL;
  Question save;
  int fds[2];

  g_assert_cmpint (pipe (fds), ==, 0);
  ask (f, &save, DEVICE_SAVE, VF1, fds[0]);
  await_save ();
  g_clear_pointer (&f->devices, devices_free);
  g_assert_cmpint (write (fds[1], "x", 1), ==, 1);
  saved = await (&save, &error);
  g_assert_no_error (error);
  close (fds[0]);
  close (fds[1]);
}

/* ---- answers ---------------------------------------------------------------------------------- */

static void
test_probe (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree DeviceAnswer *answer = ask_and_await (f, DEVICE_PROBE, VF1, -1, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (answer->flags, ==, 7);
  g_assert_cmpuint (answer->bytes, ==, 12288);
  g_assert_cmpuint (answer->match_length, ==, 16);
  g_assert_cmpuint (answer->match[15], ==, 0xac);
  g_assert_cmpstr (answer->access, ==, "cdev");
  g_assert_cmpint (answer->tracking, ==, ACCMIG_TRACKING_YES);
}

/* A driver that offers nothing, no size or no match data has answered the question all the same. */
static void
test_probe_unsupported (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree DeviceAnswer *nothing = NULL;
  g_autofree DeviceAnswer *bare = NULL;

  script.fail_flags = TRUE;
  script.flags_error = ACCMIG_ERROR_UNSUPPORTED;
  nothing = ask_and_await (f, DEVICE_PROBE, VF1, -1, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (nothing->flags, ==, 0);
  g_assert_cmpuint (nothing->bytes, ==, 0);

  script.fail_flags = FALSE;
  script.fail_size = script.fail_match = TRUE;
  script.size_error = script.match_error = ACCMIG_ERROR_UNSUPPORTED;
  bare = ask_and_await (f, DEVICE_PROBE, VF1, -1, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (bare->flags, ==, 7);
  g_assert_cmpuint (bare->bytes, ==, 0);
  g_assert_cmpuint (bare->match_length, ==, 0);
}

static void
test_probe_failed (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  script.fail_size = TRUE;
  script.size_error = ACCMIG_ERROR_IO;
  g_assert_null (ask_and_await (f, DEVICE_PROBE, VF1, -1, &error));
  g_assert_error (error, ACCMIG_ERROR, ACCMIG_ERROR_IO);
}

/* A driver's no is an answer. */
static void
test_trial (Fixture *f, gconstpointer data)
{
  static const int refusals[] = { 0, EFAULT, EINVAL };

  for (gsize i = 0; i < G_N_ELEMENTS (refusals); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree DeviceAnswer *answer = NULL;

      script.refusal = refusals[i];
      answer = ask_and_await (f, DEVICE_TRIAL, VF1, -1, &error);
      g_assert_no_error (error);
      g_assert_cmpint (answer->refusal, ==, refusals[i]);
    }
}

static void
test_walk (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree DeviceAnswer *answer = ask_and_await (f, DEVICE_WALK, VF1, -1, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (answer->walk.flags, ==, 7);
  g_assert_cmpuint (answer->walk.n_steps, ==, 2);
  g_assert_cmpint (answer->walk.steps[1].to, ==, ACCMIG_STATE_STOP_COPY);
}

static void
test_peek (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree DeviceAnswer *answer = NULL;
  gint64 before = g_get_real_time ();

  script.holder = 1234;
  answer = ask_and_await (f, DEVICE_PEEK, VF1, -1, &error);
  g_assert_no_error (error);
  g_assert_cmpint (answer->pid, ==, 1234);
  g_assert_cmpuint (answer->flags, ==, 7);
  g_assert_cmpstr (answer->state, ==, "stop-copy");
  g_assert_cmpint (answer->at_usec, >=, before);
  g_assert_cmpint (answer->at_usec, <=, g_get_real_time ());
}

/* Nobody; somebody who let go between the two looks; somebody whose driver has no states. */
static void
test_peek_nothing (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree DeviceAnswer *nobody = NULL;
  g_autofree DeviceAnswer *left = NULL;
  g_autofree DeviceAnswer *stateless = NULL;

  nobody = ask_and_await (f, DEVICE_PEEK, VF1, -1, &error);
  g_assert_no_error (error);
  g_assert_cmpint (nobody->pid, ==, 0);
  g_assert_cmpstr (nobody->state, ==, "");

  script.holder = 1234;
  script.fail_borrow = TRUE;
  script.borrow_error = ACCMIG_ERROR_NOT_FOUND;
  left = ask_and_await (f, DEVICE_PEEK, VF1, -1, &error);
  g_assert_no_error (error);
  g_assert_cmpint (left->pid, ==, 0);

  script.fail_borrow = FALSE;
  script.fail_flags = TRUE;
  script.flags_error = ACCMIG_ERROR_UNSUPPORTED;
  stateless = ask_and_await (f, DEVICE_PEEK, VF1, -1, &error);
  g_assert_no_error (error);
  g_assert_cmpint (stateless->pid, ==, 1234);
  g_assert_cmpstr (stateless->state, ==, "");
}

static void
test_peek_refused (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  script.holder = 1234;
  script.fail_borrow = TRUE;
  script.borrow_error = ACCMIG_ERROR_IO;
  g_assert_null (ask_and_await (f, DEVICE_PEEK, VF1, -1, &error));
  g_assert_error (error, ACCMIG_ERROR, ACCMIG_ERROR_IO);
}

/* ---- evidence --------------------------------------------------------------------------------- */

/* Where the driver of VF1 would show it. Returns: (transfer full): a folder that is there now */
static char *
make_folder (const Fixture *f)
{
  char *folder = g_build_filename (f->debugfs, "vfio", VF1, "migration/hisi_acc", NULL);

  g_assert_cmpint (g_mkdir_with_parents (folder, 0755), ==, 0);
  return folder;
}

static void
write_evidence (const Fixture *f, const char *text, gsize length)
{
  g_autofree char *folder = make_folder (f);
  g_autofree char *path = g_build_filename (folder, "migf_data", NULL);

  g_assert_true (g_file_set_contents (path, text, (gssize)length, NULL));
}

static void
remove_evidence (const Fixture *f)
{
  g_autofree char *folder = make_folder (f);
  g_autofree char *path = g_build_filename (folder, "migf_data", NULL);

  g_assert_cmpint (g_remove (path), ==, 0);
  for (; strcmp (folder, f->debugfs) != 0; *strrchr (folder, '/') = '\0')
    g_assert_cmpint (g_rmdir (folder), ==, 0);
}

/* Bytes are bytes; a driver without it, and one that has it of another device, has left none. */
static void
test_evidence (Fixture *f, gconstpointer data)
{
  static const char text[] = "a line\n\0\xff\n";
  g_autoptr (GError) error = NULL;
  g_autofree DeviceAnswer *nothing = ask_and_await (f, DEVICE_EVIDENCE, VF1, -1, &error);
  g_autofree DeviceAnswer *some = NULL;
  g_autofree DeviceAnswer *other = NULL;

  g_assert_no_error (error);
  g_assert_cmpuint (nothing->evidence_length, ==, 0);

  write_evidence (f, text, sizeof text - 1);
  some = ask_and_await (f, DEVICE_EVIDENCE, VF1, -1, &error);
  g_assert_no_error (error);
  g_assert_cmpmem (some->evidence, some->evidence_length, text, sizeof text - 1);
  other = ask_and_await (f, DEVICE_EVIDENCE, VF2, -1, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (other->evidence_length, ==, 0);
  remove_evidence (f);
}

static void
test_evidence_is_cut (Fixture *f, gconstpointer data)
{
  g_autofree char *text = g_strnfill (BROKER_EVIDENCE_MAX + 1, 'x');
  g_autoptr (GError) error = NULL;
  g_autofree DeviceAnswer *answer = NULL;

  write_evidence (f, text, BROKER_EVIDENCE_MAX + 1);
  answer = ask_and_await (f, DEVICE_EVIDENCE, VF1, -1, &error);
  g_assert_no_error (error);
  g_assert_cmpmem (answer->evidence, answer->evidence_length, text, BROKER_EVIDENCE_MAX);
  remove_evidence (f);
}

/* What is there while a process has the device is of the session before. Nobody is looked for where there is
 * none. */
static void
test_evidence_of_a_device_in_use (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree DeviceAnswer *nothing = NULL;

  script.holder = 1234;
  nothing = ask_and_await (f, DEVICE_EVIDENCE, VF1, -1, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (nothing->evidence_length, ==, 0);

  write_evidence (f, "text", 4);
  g_assert_null (ask_and_await (f, DEVICE_EVIDENCE, VF1, -1, &error));
  g_assert_error (error, ACCMIG_ERROR, ACCMIG_ERROR_BUSY);
  g_assert_nonnull (strstr (error->message, "1234"));
  remove_evidence (f);
}

/* Whoever wants the device does not wait for who looks. A pipe holds up the look. */
static void
test_evidence_keeps_nobody_away (Fixture *f, gconstpointer data)
{
  g_autofree char *folder = make_folder (f);
  g_autofree char *path = g_build_filename (folder, "migf_data", NULL);
  g_autofree DeviceAnswer *probed = NULL;
  g_autofree DeviceAnswer *answer = NULL;
  g_autoptr (GError) error = NULL;
  Question evidence;
  int fd;

  g_assert_cmpint (mkfifo (path, 0600), ==, 0);
  ask (f, &evidence, DEVICE_EVIDENCE, VF1, -1);
  probed = ask_and_await (f, DEVICE_PROBE, VF1, -1, &error);
  g_assert_no_error (error);
  fd = open (path, O_WRONLY | O_CLOEXEC);
  g_assert_cmpint (write (fd, "text", 4), ==, 4);
  close (fd);
  answer = await (&evidence, &error);
  g_assert_no_error (error);
  g_assert_cmpmem (answer->evidence, answer->evidence_length, "text", 4);
  remove_evidence (f);
}

/* A folder stands for whatever cannot be read. */
static void
test_evidence_unreadable (Fixture *f, gconstpointer data)
{
  g_autofree char *folder = make_folder (f);
  g_autofree char *path = g_build_filename (folder, "migf_data", NULL);
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (g_mkdir (path, 0755), ==, 0);
  g_assert_null (ask_and_await (f, DEVICE_EVIDENCE, VF1, -1, &error));
  g_assert_error (error, ACCMIG_ERROR, ACCMIG_ERROR_IO);
  remove_evidence (f);
}

/* ---- repair ------------------------------------------------------------------------------------ */

static void
test_repair (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) none = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) failed = NULL;
  g_autofree DeviceAnswer *answer = NULL;

  g_assert_null (ask_and_await (f, DEVICE_REPAIR, VF1, -1, &none)); /* nobody has it */
  g_assert_error (none, ACCMIG_ERROR, ACCMIG_ERROR_NOT_FOUND);

  script.holder = 1234;
  answer = ask_and_await (f, DEVICE_REPAIR, VF1, -1, &error);
  g_assert_no_error (error);
  g_assert_cmpint (answer->repair.from, ==, ACCMIG_STATE_STOP_COPY); /* as it was asked */
  g_assert_cmpint (answer->repair.to, ==, ACCMIG_STATE_RUNNING);

  script.fail_repair = TRUE;
  g_assert_null (ask_and_await (f, DEVICE_REPAIR, VF1, -1, &failed));
  g_assert_error (failed, ACCMIG_ERROR, ACCMIG_ERROR_BAD_STATE);
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *path;
    void (*run) (Fixture *f, gconstpointer data);
  } tests[] = {
    { "/devices/exclusion", test_exclusion },
    { "/devices/gone", test_gone },
    { "/devices/abort", test_abort },
    { "/devices/too-many", test_too_many },
    { "/devices/freed-meanwhile", test_freed_meanwhile },
    { "/devices/probe", test_probe },
    { "/devices/probe-unsupported", test_probe_unsupported },
    { "/devices/probe-failed", test_probe_failed },
    { "/devices/trial", test_trial },
    { "/devices/walk", test_walk },
    { "/devices/peek", test_peek },
    { "/devices/peek-nothing", test_peek_nothing },
    { "/devices/peek-refused", test_peek_refused },
    { "/devices/evidence", test_evidence },
    { "/devices/evidence-is-cut", test_evidence_is_cut },
    { "/devices/evidence-of-a-device-in-use", test_evidence_of_a_device_in_use },
    { "/devices/evidence-keeps-nobody-away", test_evidence_keeps_nobody_away },
    { "/devices/evidence-unreadable", test_evidence_unreadable },
    { "/devices/repair", test_repair },
  };

  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (tests); i++)
    g_test_add (tests[i].path, Fixture, NULL, set_up, tests[i].run, tear_down);
  return g_test_run ();
}
