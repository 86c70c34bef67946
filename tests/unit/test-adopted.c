// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The broker's verbs on adopted devices: whose they are, who excludes whom, what is kept and what let go.
 *
 * The device functions are doubles of our own, which the linker takes before the library's; a device is any
 * file. That real devices behave is tested where there are some.
 */

#include "broker/adopted.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define UUID     "6695eb01-f6a4-8304-79aa-97f2502e193f"
#define ID1      UUID "/crypto0"
#define ID2      UUID "/crypto1"
#define LIMIT_MS 10000
#define ME       1000
#define OTHER    1001
#define FLAGS    7

/* What the doubles do, and what they saw. */
static struct
{
  int opened;         /* under lock: devices */
  GAsyncQueue *begun; /* something that lasts has begun */
  int hold_fd;        /* -1, or what a step waits for to be readable */
  int hold_close_fd;  /* … and what a close does */
  gboolean no_migration;
  AccmigState state; /* after a step */
  int session_fd;    /* given out by a step; -1 */
  int refusal;
  int seen_session; /* by a drain or fill */
  gint resets;
} script;

static GMutex lock;
static GCond changed;

struct _AccmigDevice
{
  int fd;
};

static void
count_opened (int more)
{
  g_mutex_lock (&lock);
  script.opened += more;
  g_cond_broadcast (&changed);
  g_mutex_unlock (&lock);
}

/* Devices are closed by threads. */
static void
await_opened (int n)
{
  gint64 until = g_get_monotonic_time () + LIMIT_MS * G_TIME_SPAN_MILLISECOND;

  g_mutex_lock (&lock);
  while (script.opened != n && g_cond_wait_until (&changed, &lock, until))
    continue;
  g_assert_cmpint (script.opened, ==, n);
  g_mutex_unlock (&lock);
}

static void
hold_on (int fd)
{
  struct pollfd hold = { .fd = fd, .events = POLLIN };

  if (fd >= 0)
    g_assert_cmpint (poll (&hold, 1, LIMIT_MS), ==, 1);
}

AccmigDevice *
accmig_device_new_from_fd (int fd, const char *name, gboolean may_drive)
{
  AccmigDevice *device = g_new0 (AccmigDevice, 1);

  g_assert_true (may_drive);
  count_opened (1);
  device->fd = fd;
  return device;
}

void
accmig_device_close (AccmigDevice *device)
{
  hold_on (script.hold_close_fd);
  close (device->fd);
  g_free (device);
  count_opened (-1);
}

/* A pipe is none. */
gboolean
accmig_fd_is_device (int fd)
{
  return lseek (fd, 0, SEEK_CUR) >= 0;
}

gboolean
accmig_device_get_flags (AccmigDevice *device, guint64 *ret_flags, GError **error)
{
  *ret_flags = FLAGS;
  if (script.no_migration)
    g_set_error_literal (error, ACCMIG_ERROR, ACCMIG_ERROR_UNSUPPORTED, "as the test says");
  return !script.no_migration;
}

gboolean
accmig_device_get_state (AccmigDevice *device, AccmigState *ret_state, GError **error)
{
  *ret_state = script.state;
  return TRUE;
}

gboolean
accmig_device_get_stop_copy_size (AccmigDevice *device, guint64 *ret_bytes, GError **error)
{
  g_set_error_literal (error, ACCMIG_ERROR, ACCMIG_ERROR_UNSUPPORTED, "an old kernel");
  return FALSE;
}

gboolean
accmig_device_get_tracking (AccmigDevice *device, AccmigTracking *ret_tracking, GError **error)
{
  *ret_tracking = ACCMIG_TRACKING_YES;
  return TRUE;
}

gboolean
accmig_device_step (AccmigDevice *device, AccmigState state, int *ret_data_fd, AccmigState *ret_left_in,
                    int *ret_refusal, GError **error)
{
  g_async_queue_push (script.begun, GINT_TO_POINTER (1));
  hold_on (script.hold_fd);
  *ret_data_fd = script.session_fd;
  *ret_left_in = script.refusal != 0 ? script.state : state;
  *ret_refusal = script.refusal;
  return TRUE;
}

/* Lasts until it is called off. */
static gboolean
last (int cancel_fd, GError **error)
{
  struct pollfd cancel = { .fd = cancel_fd, .events = POLLIN };

  g_async_queue_push (script.begun, GINT_TO_POINTER (1));
  g_assert_cmpint (poll (&cancel, 1, LIMIT_MS), ==, 1);
  g_set_error_literal (error, ACCMIG_ERROR, ACCMIG_ERROR_IO, "cancelled");
  return FALSE;
}

gboolean
accmig_device_drain (AccmigDevice *device, int data_fd, int out_fd, int cancellable_fd, guint64 *ret_bytes,
                     GError **error)
{
  script.seen_session = data_fd;
  *ret_bytes = 4711;
  return TRUE;
}

gboolean
accmig_device_drain_precopy (AccmigDevice *device, int data_fd, int out_fd, int cancellable_fd,
                             guint64 *ret_bytes, gboolean *ret_empty, GError **error)
{
  script.seen_session = data_fd;
  *ret_bytes = 4712;
  *ret_empty = FALSE;
  return TRUE;
}

gboolean
accmig_device_fill (AccmigDevice *device, int data_fd, int in_fd, int cancellable_fd, guint64 *ret_bytes,
                    int *ret_refusal, GError **error)
{
  return last (cancellable_fd, error);
}

gboolean
accmig_device_reset_patiently (AccmigDevice *device, GError **error)
{
  g_atomic_int_inc (&script.resets);
  return TRUE;
}

/* ---- asking ----------------------------------------------------------------------------------- */

typedef struct
{
  AdoptedSet *set;
  GCancellable *gone;
  int device_fd, other_fd, pipe_fds[2];
  guint emptied;
} Fixture;

static void
on_emptied (gpointer user)
{
  ((Fixture *)user)->emptied++;
}

static int
make_file (const char *name)
{
  int fd = memfd_create (name, MFD_CLOEXEC);

  g_assert_cmpint (fd, >=, 0);
  return fd;
}

static void
set_up (Fixture *f, gconstpointer data)
{
  memset (&script, 0, sizeof script);
  script.begun = g_async_queue_new ();
  script.hold_fd = script.hold_close_fd = script.session_fd = script.seen_session = -1;
  script.state = ACCMIG_STATE_RUNNING;
  f->set = adopted_set_new (0, on_emptied, f);
  f->gone = g_cancellable_new ();
  f->device_fd = make_file ("device");
  f->other_fd = make_file ("other");
  g_assert_cmpint (pipe2 (f->pipe_fds, O_CLOEXEC), ==, 0);
}

/* Whatever was done, nothing stays open. */
static void
tear_down (Fixture *f, gconstpointer data)
{
  adopted_set_free (f->set);
  await_opened (0);
  g_object_unref (f->gone);
  close (f->device_fd);
  close (f->other_fd);
  close (f->pipe_fds[0]);
  close (f->pipe_fds[1]);
  g_async_queue_unref (script.begun);
}

typedef struct
{
  GAsyncResult *result;
} Question;

static void
on_answer (GObject *object, GAsyncResult *result, gpointer user)
{
  ((Question *)user)->result = g_object_ref (result);
}

static void
ask_as (Fixture *f, Question *question, const AdoptedQuestion *asked)
{
  question->result = NULL;
  adopted_set_ask_async (f->set, asked, f->gone, on_answer, question);
}

static void
ask (Fixture *f, Question *question, AdoptedVerb verb, const char *id, int fd)
{
  ask_as (f, question,
          &(AdoptedQuestion){ .verb = verb, .id = id, .user = ME, .fd = fd, .state = ACCMIG_STATE_STOP });
}

static gboolean
on_limit (gpointer user)
{
  g_error ("no answer within %d ms", LIMIT_MS);
  return G_SOURCE_REMOVE;
}

static AdoptedAnswer *
await (Question *question, GError **error)
{
  guint limit = g_timeout_add (LIMIT_MS, on_limit, NULL);
  AdoptedAnswer *answer;

  while (question->result == NULL)
    g_main_context_iteration (NULL, TRUE);
  g_source_remove (limit);
  answer = adopted_set_ask_finish (question->result, error);
  g_clear_object (&question->result);
  return answer;
}

static AdoptedAnswer *
ask_and_await (Fixture *f, AdoptedVerb verb, const char *id, int fd, GError **error)
{
  Question question;

  ask (f, &question, verb, id, fd);
  return await (&question, error);
}

static void
do_ok (Fixture *f, AdoptedVerb verb, const char *id, int fd)
{
  g_autoptr (GError) error = NULL;
  g_autofree AdoptedAnswer *answer = ask_and_await (f, verb, id, fd, &error);

  g_assert_no_error (error);
  g_assert_nonnull (answer);
}

static void
do_fails (Fixture *f, AdoptedVerb verb, const char *id, int fd, AccmigError code)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (ask_and_await (f, verb, id, fd, &error));
  g_assert_error (error, ACCMIG_ERROR, (int)code);
}

static void
await_begun (void)
{
  g_assert_nonnull (g_async_queue_timeout_pop (script.begun, LIMIT_MS * G_TIME_SPAN_MILLISECOND));
}

static gboolean
is_open (int fd)
{
  return fcntl (fd, F_GETFD) >= 0;
}

static guint
count (const Fixture *f, uid_t user)
{
  g_autoptr (GArray) rows = adopted_set_list (f->set, user);

  return rows->len;
}

/* ---- coming and going ------------------------------------------------------------------------- */

static void
test_adopt (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree AdoptedAnswer *answer = ask_and_await (f, ADOPTED_ADOPT, ID1, f->device_fd, &error);

  g_assert_no_error (error);
  g_assert_cmphex (answer->flags, ==, FLAGS);
  g_assert_cmpuint (answer->bytes, ==, 0); /* unknown to this kernel */
  g_assert_cmpint (answer->state, ==, ACCMIG_STATE_RUNNING);
  g_assert_cmpint (answer->tracking, ==, ACCMIG_TRACKING_YES);
  g_assert_cmpuint (count (f, ME), ==, 1);

  g_assert_true (adopted_set_disown (f->set, ID1, ME, &error));
  g_assert_true (adopted_set_is_empty (f->set));
  g_assert_cmpuint (f->emptied, ==, 1);
  await_opened (0);
  g_assert_false (adopted_set_disown (f->set, ID1, ME, &error));
  g_assert_error (error, ACCMIG_ERROR, ACCMIG_ERROR_NOT_FOUND);
}

static void
test_adopt_refused (Fixture *f, gconstpointer data)
{
  static const char *const ids[] = { "",          "crypto0",
                                     UUID,        UUID "/",
                                     UUID "/a/b", UUID "/a b",
                                     "x" ID1,     "6695EB01-F6A4-8304-79AA-97F2502E193F/crypto0" };

  for (gsize i = 0; i < G_N_ELEMENTS (ids); i++)
    do_fails (f, ADOPTED_ADOPT, ids[i], f->device_fd, ACCMIG_ERROR_INVALID);
  do_fails (f, ADOPTED_ADOPT, ID1, f->pipe_fds[0], ACCMIG_ERROR_INVALID);
  script.no_migration = TRUE;
  do_fails (f, ADOPTED_ADOPT, ID1, f->device_fd, ACCMIG_ERROR_UNSUPPORTED);
  g_assert_true (adopted_set_is_empty (f->set));
  await_opened (0);
}

/* The very same open file is known by whatever descriptor it comes; its session stays. */
static void
test_adopt_again (Fixture *f, gconstpointer data)
{
  int again = dup (f->device_fd);

  do_ok (f, ADOPTED_ADOPT, ID1, f->device_fd);
  script.session_fd = make_file ("session");
  do_ok (f, ADOPTED_STEP, ID1, -1);
  do_fails (f, ADOPTED_ADOPT, ID1, f->other_fd, ACCMIG_ERROR_BUSY);
  do_ok (f, ADOPTED_ADOPT, ID1, again);
  close (again);
  do_ok (f, ADOPTED_DRAIN, ID1, f->pipe_fds[1]);
  g_assert_cmpint (script.seen_session, ==, script.session_fd);
  await_opened (1);
  g_assert_cmpuint (count (f, ME), ==, 1);
}

static void
test_users (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) adopt_error = NULL;
  Question question;

  do_ok (f, ADOPTED_ADOPT, ID1, f->device_fd);
  ask_as (f, &question, &(AdoptedQuestion){ .verb = ADOPTED_STATE_OF, .id = ID1, .user = OTHER });
  g_assert_null (await (&question, &error));
  g_assert_error (error, ACCMIG_ERROR, ACCMIG_ERROR_NOT_FOUND);
  ask_as (f, &question,
          &(AdoptedQuestion){ .verb = ADOPTED_ADOPT, .id = ID1, .user = OTHER, .fd = f->device_fd });
  g_assert_null (await (&question, &adopt_error));
  g_assert_error (adopt_error, ACCMIG_ERROR, ACCMIG_ERROR_BUSY);
  g_assert_false (adopted_set_disown (f->set, ID1, OTHER, NULL));
  g_assert_cmpuint (count (f, OTHER), ==, 0);
  g_assert_cmpuint (count (f, ME), ==, 1);
}

/* Nobody waits for the answer any more: nobody would ever disown it. */
static void
test_gone_while_adopting (Fixture *f, gconstpointer data)
{
  g_autofree AdoptedAnswer *answer = NULL;
  Question question;

  ask (f, &question, ADOPTED_ADOPT, ID1, f->device_fd);
  g_cancellable_cancel (f->gone);
  answer = await (&question, NULL);
  g_assert_true (adopted_set_is_empty (f->set));
  g_assert_cmpuint (f->emptied, ==, 1);
}

static void
test_limit (Fixture *f, gconstpointer data)
{
  for (guint i = 0; i < 256; i++)
    {
      g_autofree char *id = g_strdup_printf (UUID "/%u", i);

      do_ok (f, ADOPTED_ADOPT, id, f->device_fd);
    }
  do_fails (f, ADOPTED_ADOPT, ID1, f->device_fd, ACCMIG_ERROR_LIMIT);
}

/* ---- exclusion -------------------------------------------------------------------------------- */

static void
test_exclusion (Fixture *f, gconstpointer data)
{
  static const AdoptedVerb verbs[] = { ADOPTED_STEP, ADOPTED_DRAIN, ADOPTED_DRAIN_PRECOPY, ADOPTED_FILL,
                                       ADOPTED_RESET };
  g_autofree AdoptedAnswer *answer = NULL;
  g_autoptr (GError) error = NULL;
  Question step;
  int hold[2];

  g_assert_cmpint (pipe2 (hold, O_CLOEXEC), ==, 0);
  do_ok (f, ADOPTED_ADOPT, ID1, f->device_fd);
  do_ok (f, ADOPTED_ADOPT, ID2, f->other_fd);
  script.hold_fd = hold[0];
  ask (f, &step, ADOPTED_STEP, ID1, -1);
  await_begun ();

  for (gsize i = 0; i < G_N_ELEMENTS (verbs); i++)
    do_fails (f, verbs[i], ID1, f->pipe_fds[1], ACCMIG_ERROR_BUSY);
  do_ok (f, ADOPTED_STATE_OF, ID1, -1);
  do_ok (f, ADOPTED_DRAIN, ID2, f->pipe_fds[1]);

  g_assert_cmpint (write (hold[1], "x", 1), ==, 1);
  answer = await (&step, &error);
  g_assert_no_error (error);
  g_assert_cmpint (answer->state, ==, ACCMIG_STATE_STOP);
  do_ok (f, ADOPTED_STEP, ID1, -1);
  close (hold[0]);
  close (hold[1]);
}

/* Its driver takes its time over the last close, and nobody waits for that. */
static void
test_slow_close (Fixture *f, gconstpointer data)
{
  int hold[2];

  g_assert_cmpint (pipe2 (hold, O_CLOEXEC), ==, 0);
  do_ok (f, ADOPTED_ADOPT, ID1, f->device_fd);
  script.hold_close_fd = hold[0];
  g_assert_true (adopted_set_disown (f->set, ID1, ME, NULL));
  do_ok (f, ADOPTED_ADOPT, ID2, f->other_fd);
  await_opened (2);

  g_assert_cmpint (write (hold[1], "x", 1), ==, 1);
  await_opened (1);
  g_assert_true (adopted_set_disown (f->set, ID2, ME, NULL));
  await_opened (0);
  close (hold[0]);
  close (hold[1]);
}

/* A device that hangs is let go all the same, its name is free, and it is closed when it has come back. */
static void
test_disown_while_it_hangs (Fixture *f, gconstpointer data)
{
  g_autofree AdoptedAnswer *answer = NULL;
  Question step;
  int hold[2];

  g_assert_cmpint (pipe2 (hold, O_CLOEXEC), ==, 0);
  do_ok (f, ADOPTED_ADOPT, ID1, f->device_fd);
  script.hold_fd = hold[0];
  ask (f, &step, ADOPTED_STEP, ID1, -1);
  await_begun ();
  g_assert_true (adopted_set_disown (f->set, ID1, ME, NULL));
  g_assert_true (adopted_set_is_empty (f->set));
  do_ok (f, ADOPTED_ADOPT, ID1, f->other_fd);
  await_opened (2);

  g_assert_cmpint (write (hold[1], "x", 1), ==, 1);
  answer = await (&step, NULL);
  await_opened (1);
  g_assert_cmpuint (count (f, ME), ==, 1);
  close (hold[0]);
  close (hold[1]);
}

static void
test_fill_called_off (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  Question fill;

  do_ok (f, ADOPTED_ADOPT, ID1, f->device_fd);
  ask (f, &fill, ADOPTED_FILL, ID1, f->pipe_fds[0]);
  await_begun ();
  g_assert_true (adopted_set_disown (f->set, ID1, ME, NULL));
  g_assert_null (await (&fill, &error));
  g_assert_error (error, ACCMIG_ERROR, ACCMIG_ERROR_IO);
}

static void
test_fill_caller_gone (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  Question fill;

  do_ok (f, ADOPTED_ADOPT, ID1, f->device_fd);
  ask (f, &fill, ADOPTED_FILL, ID1, f->pipe_fds[0]);
  await_begun ();
  g_cancellable_cancel (f->gone);
  g_assert_null (await (&fill, &error));
  g_assert_error (error, ACCMIG_ERROR, ACCMIG_ERROR_IO);
  g_assert_cmpuint (count (f, ME), ==, 1); /* the device stays */
}

/* ---- sessions --------------------------------------------------------------------------------- */

static void
step_to (Fixture *f, AccmigState state, int session_fd)
{
  g_autofree AdoptedAnswer *answer = NULL;
  Question question;

  script.session_fd = session_fd;
  ask_as (f, &question, &(AdoptedQuestion){ .verb = ADOPTED_STEP, .id = ID1, .user = ME, .state = state });
  answer = await (&question, NULL);
  g_assert_nonnull (answer);
}

static void
test_session (Fixture *f, gconstpointer data)
{
  int first = make_file ("first"), second = make_file ("second");

  do_ok (f, ADOPTED_ADOPT, ID1, f->device_fd);
  do_ok (f, ADOPTED_DRAIN, ID1, f->pipe_fds[1]);
  g_assert_cmpint (script.seen_session, ==, -1);

  step_to (f, ACCMIG_STATE_PRE_COPY, first);
  do_ok (f, ADOPTED_DRAIN_PRECOPY, ID1, f->pipe_fds[1]);
  g_assert_cmpint (script.seen_session, ==, first);
  step_to (f, ACCMIG_STATE_STOP_COPY, -1); /* the same goes on */
  g_assert_true (is_open (first));
  step_to (f, ACCMIG_STATE_STOP, -1);
  g_assert_false (is_open (first));

  step_to (f, ACCMIG_STATE_RESUMING, second);
  do_ok (f, ADOPTED_RESET, ID1, -1);
  g_assert_false (is_open (second));
  g_assert_cmpint (script.resets, ==, 1);
}

/* What was refused leaves the session as the state says. */
static void
test_refused_step (Fixture *f, gconstpointer data)
{
  g_autofree AdoptedAnswer *answer = NULL;
  g_autoptr (GArray) rows = NULL;
  int session = make_file ("session");

  do_ok (f, ADOPTED_ADOPT, ID1, f->device_fd);
  step_to (f, ACCMIG_STATE_PRE_COPY, session);
  script.session_fd = -1;
  script.refusal = EBUSY;
  script.state = ACCMIG_STATE_PRE_COPY;
  answer = ask_and_await (f, ADOPTED_STEP, ID1, -1, NULL);
  g_assert_cmpint (answer->refusal, ==, EBUSY);
  g_assert_cmpint (answer->state, ==, ACCMIG_STATE_PRE_COPY);
  g_assert_true (is_open (session));
  rows = adopted_set_list (f->set, ME);
  g_assert_cmpint (g_array_index (rows, AdoptedRow, 0).state, ==, ACCMIG_STATE_PRE_COPY);
}

static void
test_stream_kinds (Fixture *f, gconstpointer data)
{
  int null = open ("/dev/null", O_RDWR | O_CLOEXEC);

  do_ok (f, ADOPTED_ADOPT, ID1, f->device_fd);
  do_fails (f, ADOPTED_DRAIN, ID1, null, ACCMIG_ERROR_INVALID);
  do_fails (f, ADOPTED_FILL, ID1, null, ACCMIG_ERROR_INVALID);
  close (null);
}

/* ---- users that leave ------------------------------------------------------------------------- */

static void
adopt_as (Fixture *f, const char *id, uid_t user, int fd)
{
  g_autofree AdoptedAnswer *answer = NULL;
  Question question;

  ask_as (f, &question, &(AdoptedQuestion){ .verb = ADOPTED_ADOPT, .id = id, .user = user, .fd = fd });
  answer = await (&question, NULL);
  g_assert_nonnull (answer);
}

static void
await_count (Fixture *f, uid_t user, guint n)
{
  guint limit = g_timeout_add (LIMIT_MS, on_limit, NULL);

  while (count (f, user) != n)
    g_main_context_iteration (NULL, TRUE);
  g_source_remove (limit);
}

/* One comes back, the other does not. */
static void
test_user_leaves (Fixture *f, gconstpointer data)
{
  adopt_as (f, ID1, ME, f->device_fd);
  adopt_as (f, ID2, OTHER, f->other_fd);
  adopted_set_user_left (f->set, ME);
  adopted_set_user_came (f->set, ME);
  adopted_set_user_left (f->set, OTHER);
  await_count (f, OTHER, 0);
  g_assert_cmpuint (count (f, ME), ==, 1);
  g_assert_cmpuint (f->emptied, ==, 0);

  adopted_set_user_left (f->set, ME);
  await_count (f, ME, 0);
  g_assert_cmpuint (f->emptied, ==, 1);
  await_opened (0);
}

/* The journal tells of each what it was left in, and is louder about those that do not run. */
static void
test_told_when_let_go (Fixture *f, gconstpointer data)
{
  static const char one[] = "*“" ID1 "”*running", other[] = "*“" ID2 "”*stop, with a request at work on it";
  Question fill;

  do_ok (f, ADOPTED_ADOPT, ID1, f->device_fd);
  do_ok (f, ADOPTED_ADOPT, ID2, f->other_fd);
  do_ok (f, ADOPTED_STEP, ID2, -1);
  ask (f, &fill, ADOPTED_FILL, ID2, f->pipe_fds[0]);
  await_begun ();
  await_begun ();
  g_test_expect_message (G_LOG_DOMAIN, G_LOG_LEVEL_MESSAGE, one);
  g_test_expect_message (G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, other);
  adopted_set_user_left (f->set, ME);
  await_count (f, ME, 0);
  g_test_assert_expected_messages ();
  g_assert_null (await (&fill, NULL));
}

/* clang-format off */
static const struct
{
  const char *path;
  void (*run) (Fixture *f, gconstpointer data);
} tests[] = {
  { "/adopted/adopt",                  test_adopt },
  { "/adopted/adopt-refused",          test_adopt_refused },
  { "/adopted/adopt-again",            test_adopt_again },
  { "/adopted/users",                  test_users },
  { "/adopted/gone-while-adopting",    test_gone_while_adopting },
  { "/adopted/limit",                  test_limit },
  { "/adopted/exclusion",              test_exclusion },
  { "/adopted/slow-close",             test_slow_close },
  { "/adopted/disown-while-it-hangs",  test_disown_while_it_hangs },
  { "/adopted/fill-called-off",        test_fill_called_off },
  { "/adopted/fill-caller-gone",       test_fill_caller_gone },
  { "/adopted/session",                test_session },
  { "/adopted/refused-step",           test_refused_step },
  { "/adopted/stream-kinds",           test_stream_kinds },
  { "/adopted/user-leaves",            test_user_leaves },
  { "/adopted/told-when-let-go",       test_told_when_let_go },
};
/* clang-format on */

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (tests); i++)
    g_test_add (tests[i].path, Fixture, NULL, set_up, tests[i].run, tear_down);
  return g_test_run ();
}
