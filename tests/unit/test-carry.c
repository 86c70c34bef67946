// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Senders and receivers: two of them over a socket pair, and each against bytes of the test's own.
 *
 * The device at either end is a pipe that the test writes or reads.
 */

#include <accmig/accmig.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "receiver.h"
#include "sender.h"

#define UUID       "6a0e2d0c-3f1f-4f0e-9a0b-6c1f0a6d9d51"
#define NAME       "crypto.0"
#define LIMIT_MSEC 30000
#define SOME_SIZE  (3 * ACCMIG_FRAME_CHUNK_MAX + 17)

static const AccmigFrameHeader some_header = { UUID, NAME, ACCMIG_FLAG_STOP_COPY, NULL };

/* By how much the clock that the threads read is ahead. */
static gint64 ahead_usec; /* atomic */

/* In place of GLib's, which itself goes by its own. */
gint64
g_get_monotonic_time (void)
{
  struct timespec now = { 0 };

  g_assert_cmpint (clock_gettime (CLOCK_MONOTONIC, &now), ==, 0);
  return now.tv_sec * G_USEC_PER_SEC + now.tv_nsec / 1000 + __atomic_load_n (&ahead_usec, __ATOMIC_SEQ_CST);
}

/* One stream, as the callbacks tell of it. */
typedef struct
{
  int ends[2]; /* of the socket pair: the sender's, the receiver's */
  Sender *sender;
  Receiver *receiver;
  int source;             /* the pipe into the sender */
  int target;             /* the pipe out of the receiver; -1 before it was accepted */
  const char *no;         /* (nullable): refuse the header with it */
  AccmigProfile *profile; /* (nullable): of the target */

  GByteArray *arrived;
  gboolean arrived_all; /* the target's pipe is at its end */
  gboolean sent, received;
  guint64 sent_bytes, received_bytes;
  GError *send_error, *receive_error;
  char *name; /* that the header had */
} Fixture;

static gboolean
on_limit (gpointer user)
{
  g_assert_not_reached (); /* nothing happened for LIMIT_MSEC */
  return G_SOURCE_REMOVE;
}

/* Runs the main loop until @flag is set. */
static void
wait_for (const gboolean *flag)
{
  guint limit = g_timeout_add (LIMIT_MSEC, on_limit, NULL);

  while (!*flag)
    g_main_context_iteration (NULL, TRUE);
  g_source_remove (limit);
}

static gboolean
on_arrival (int fd, GIOCondition condition, gpointer user)
{
  Fixture *f = user;
  guint8 buffer[65536];
  ssize_t n = read (fd, buffer, sizeof buffer);

  g_assert_cmpint (n, >=, 0);
  g_byte_array_append (f->arrived, buffer, (guint)n);
  f->arrived_all = n == 0;
  return n > 0;
}

static void
on_header (const AccmigFrameHeader *header, gpointer user)
{
  Fixture *f = user;
  int ends[2];

  f->name = g_strdup (header->name);
  if (f->no != NULL)
    {
      receiver_refuse (f->receiver, f->no);
      return;
    }
  g_assert_true (g_unix_open_pipe (ends, FD_CLOEXEC, NULL));
  f->target = ends[0];
  (void)g_unix_fd_add (f->target, G_IO_IN | G_IO_HUP, on_arrival, f);
  receiver_accept (f->receiver, ends[1], f->profile);
}

static void
on_received (guint64 bytes, const GError *error, gpointer user)
{
  Fixture *f = user;

  f->received = TRUE;
  f->received_bytes = bytes;
  f->receive_error = error != NULL ? g_error_copy (error) : NULL;
}

static void
on_sent (guint64 bytes, const GError *error, gpointer user)
{
  Fixture *f = user;

  f->sent = TRUE;
  f->sent_bytes = bytes;
  f->send_error = error != NULL ? g_error_copy (error) : NULL;
}

static void
start_sender (Fixture *f)
{
  g_autoptr (GError) error = NULL;

  f->sender = sender_new (&some_header, f->ends[0], &f->source, on_sent, f, &error);
  g_assert_no_error (error);
  (void)close (f->ends[0]);
  f->ends[0] = -1;
}

static void
start_receiver (Fixture *f)
{
  static const ReceiverCallbacks callbacks = { on_header, on_received };
  g_autoptr (GError) error = NULL;

  f->receiver = receiver_new (f->ends[1], f->ends[1], &callbacks, f, &error);
  g_assert_no_error (error);
  (void)close (f->ends[1]);
  f->ends[1] = -1;
}

static void
set_up (Fixture *f, gconstpointer data)
{
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, f->ends), ==, 0);
  f->source = f->target = -1;
  ahead_usec = 0;
  f->arrived = g_byte_array_new ();
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  const int fds[] = { f->ends[0], f->ends[1], f->source, f->target };

  sender_free (f->sender);
  receiver_free (f->receiver);
  for (gsize i = 0; i < G_N_ELEMENTS (fds); i++)
    if (fds[i] >= 0)
      (void)close (fds[i]);
  while (g_main_context_iteration (NULL, FALSE))
    continue;
  accmig_profile_unref (f->profile);
  g_byte_array_unref (f->arrived);
  g_clear_error (&f->send_error);
  g_clear_error (&f->receive_error);
  g_free (f->name);
}

/* ---- the device at the source ---- */

/* Bytes that are different everywhere. */
static guint8 *
make_state (gsize size)
{
  guint8 *state = g_malloc (MAX (size, 1));

  for (gsize i = 0; i < size; i++)
    state[i] = (guint8)(i * 2654435761u >> 13);
  return state;
}

typedef struct
{
  int fd;
  guint8 *state;
  gsize size;
} Pour;

static gpointer
pour (gpointer data)
{
  g_autofree Pour *job = data;
  gsize done = 0;

  while (done < job->size)
    {
      ssize_t n = write (job->fd, job->state + done, job->size - done);

      if (n <= 0)
        break;
      done += (gsize)n;
    }
  (void)close (job->fd);
  g_free (job->state);
  return NULL;
}

/* Writes @size bytes into the sender's pipe from a thread, and closes it. */
static GThread *
pour_state (Fixture *f, gsize size)
{
  Pour *job = g_new (Pour, 1);

  *job = (Pour){ f->source, make_state (size), size };
  f->source = -1;
  return g_thread_new ("device", pour, job);
}

/* ---- both ---- */

static void
test_through (Fixture *f, gconstpointer data)
{
  gsize size = GPOINTER_TO_SIZE (data);
  g_autofree guint8 *state = make_state (size);
  g_autofree char *failure = NULL;
  GThread *device = NULL;

  start_sender (f);
  start_receiver (f);
  device = pour_state (f, size);
  sender_finish (f->sender, NULL);
  wait_for (&f->arrived_all);
  failure = receiver_check (f->receiver);
  g_assert_cmpstr (failure, ==, NULL);
  g_assert_cmpmem (f->arrived->data, f->arrived->len, state, size);
  g_assert_cmpstr (f->name, ==, NAME);
  g_assert_false (f->sent);
  receiver_confirm (f->receiver);
  wait_for (&f->sent);
  wait_for (&f->received);
  g_assert_no_error (f->send_error);
  g_assert_no_error (f->receive_error);
  g_assert_cmpuint (f->sent_bytes, ==, size);
  g_assert_cmpuint (f->received_bytes, ==, size);
  (void)g_thread_join (device);
}

/* The header is enough to refuse: nothing of the state was read yet. */
static void
test_refused_at_once (Fixture *f, gconstpointer data)
{
  f->no = "queue count differs: source has 8, 0000:75:00.3 has 4 [hisi_acc.qp-num]";
  start_sender (f);
  start_receiver (f);
  wait_for (&f->sent);
  wait_for (&f->received);
  g_assert_error (f->send_error, ACCMIG_ERROR, ACCMIG_ERROR_REFUSED);
  g_assert_cmpstr (f->send_error->message, ==, f->no);
  g_assert_error (f->receive_error, ACCMIG_ERROR, ACCMIG_ERROR_REFUSED);
}

/* In the middle of the state. */
static void
test_refused_midway (Fixture *f, gconstpointer data)
{
  start_sender (f);
  start_receiver (f);
  g_assert_cmpint (write (f->source, "abc", 3), ==, 3);
  while (f->arrived->len < 3)
    g_main_context_iteration (NULL, TRUE);
  receiver_refuse (f->receiver, "write: EFAULT");
  wait_for (&f->sent);
  g_assert_error (f->send_error, ACCMIG_ERROR, ACCMIG_ERROR_REFUSED);
  g_assert_cmpstr (f->send_error->message, ==, "write: EFAULT");
}

/* All has come, and the device does not want it. */
static void
test_refused_at_last (Fixture *f, gconstpointer data)
{
  GThread *device = NULL;

  start_sender (f);
  start_receiver (f);
  device = pour_state (f, 1000);
  sender_finish (f->sender, NULL);
  wait_for (&f->arrived_all);
  receiver_refuse (f->receiver, "resuming → stop: EINVAL");
  wait_for (&f->sent);
  g_assert_error (f->send_error, ACCMIG_ERROR, ACCMIG_ERROR_REFUSED);
  g_assert_cmpstr (f->send_error->message, ==, "resuming → stop: EINVAL");
  (void)g_thread_join (device);
}

/* The end of the source's pipe is not the end of the state. */
static void
test_source_fails (Fixture *f, gconstpointer data)
{
  g_autofree char *failure = NULL;
  GThread *device = NULL;

  start_sender (f);
  start_receiver (f);
  device = pour_state (f, 1000);
  sender_finish (f->sender, "stop-copy: EIO");
  wait_for (&f->arrived_all);
  failure = receiver_check (f->receiver);
  g_assert_nonnull (strstr (failure, "the stream ended after 1000 bytes of state"));
  wait_for (&f->sent);
  wait_for (&f->received);
  g_assert_cmpstr (f->send_error->message, ==, "stop-copy: EIO");
  g_assert_error (f->receive_error, ACCMIG_ERROR, ACCMIG_ERROR_TRUNCATED);
  (void)g_thread_join (device);
}

/* ---- the other side is the test ---- */

static GByteArray *
make_stream (const guint8 *state, gsize size)
{
  g_autoptr (GBytes) start = NULL;
  g_autoptr (AccmigFrameWriter) writer = accmig_frame_writer_new (&some_header, &start, NULL);
  guint8 head[ACCMIG_FRAME_HEAD_SIZE], trailer[ACCMIG_FRAME_TRAILER_SIZE];
  GByteArray *stream = g_byte_array_new ();

  g_byte_array_append (stream, g_bytes_get_data (start, NULL), (guint)g_bytes_get_size (start));
  accmig_frame_writer_add (writer, state, size, head);
  g_byte_array_append (stream, head, sizeof head);
  g_byte_array_append (stream, state, (guint)size);
  (void)accmig_frame_writer_end (writer, trailer);
  g_byte_array_append (stream, trailer, sizeof trailer);
  return stream;
}

/* What a receiver answers to @length bytes and their end. (transfer full) */
static char *
feed (Fixture *f, const guint8 *bytes, gsize length)
{
  char answer[ACCMIG_FRAME_ANSWER_MAX + 1] = "";
  gsize n = 0;
  ssize_t got = 1;

  start_receiver (f);
  g_assert_cmpint (write (f->ends[0], bytes, length), ==, (gssize)length);
  g_assert_cmpint (shutdown (f->ends[0], SHUT_WR), ==, 0);
  wait_for (&f->received);
  while (got > 0)
    {
      got = read (f->ends[0], answer + n, ACCMIG_FRAME_ANSWER_MAX - n);
      n += (gsize)MAX (got, 0);
    }
  return g_strdup (answer);
}

/* Where a stream is cut. Below 0: from its end. */
static const struct
{
  const char *name;
  int at;
  gboolean half;
} cuts[] = {
  { "0", 0, FALSE },   { "1", 1, FALSE },   { "39", 39, FALSE },        { "40", 40, FALSE },
  { "41", 41, FALSE }, { "half", 0, TRUE }, { "last-byte", -1, FALSE },
};

static void
test_cut (Fixture *f, gconstpointer data)
{
  gsize row = GPOINTER_TO_SIZE (data);
  g_autofree guint8 *state = make_state (500);
  g_autoptr (GByteArray) stream = make_stream (state, 500);
  gsize length = cuts[row].half ? stream->len / 2 : cuts[row].at < 0 ? stream->len - 1 : (gsize)cuts[row].at;
  g_autofree char *answer = feed (f, stream->data, length);
  g_autofree char *failure = receiver_check (f->receiver);

  g_assert_nonnull (failure);
  g_assert_true (g_str_has_prefix (answer, "refused the stream ended after "));
  g_assert_error (f->receive_error, ACCMIG_ERROR, ACCMIG_ERROR_TRUNCATED);
}

static void
test_flipped (Fixture *f, gconstpointer data)
{
  g_autofree guint8 *state = make_state (500);
  g_autoptr (GByteArray) stream = make_stream (state, 500);
  g_autofree char *answer = NULL;
  g_autofree char *failure = NULL;

  stream->data[stream->len - ACCMIG_FRAME_TRAILER_SIZE - 250] ^= 4;
  answer = feed (f, stream->data, stream->len);
  failure = receiver_check (f->receiver);
  g_assert_nonnull (strstr (failure, "some are not those that were sent"));
  g_assert_true (g_str_has_prefix (answer, "refused of the 500 bytes"));
}

/* It hangs up in the middle of everything. */
static void
test_peer_gone (Fixture *f, gconstpointer data)
{
  start_sender (f);
  g_assert_cmpint (write (f->source, "abc", 3), ==, 3);
  (void)close (f->ends[1]);
  f->ends[1] = -1;
  wait_for (&f->sent);
  g_assert_nonnull (f->send_error);
  g_assert_nonnull (strstr (f->send_error->message, "hung up"));
}

/* Reads a stream of @size bytes of state, which go in one chunk. */
static void
drain_stream (int fd, gsize size)
{
  g_autofree guint8 *state = make_state (size);
  g_autoptr (GByteArray) stream = make_stream (state, size);
  g_autofree guint8 *got = g_malloc (stream->len);
  gsize n = 0;

  while (n < stream->len)
    {
      ssize_t more = read (fd, got + n, stream->len - n);

      g_assert_cmpint (more, >, 0);
      n += (gsize)more;
    }
  g_assert_cmpmem (got, n, stream->data, stream->len);
}

/* An answer that is none, or not about what was sent. */
static void
test_false_answer (Fixture *f, gconstpointer answer)
{
  GThread *device = NULL;

  start_sender (f);
  device = pour_state (f, 10);
  sender_finish (f->sender, NULL);
  drain_stream (f->ends[1], 10);
  g_assert_cmpint (write (f->ends[1], answer, strlen (answer)), ==, (gssize)strlen (answer));
  (void)close (f->ends[1]);
  f->ends[1] = -1;
  wait_for (&f->sent);
  g_assert_nonnull (f->send_error);
  (void)g_thread_join (device);
}

/* Every byte comes in time for itself, but not the line they are to be: writes @first, waits until it was
 * read, and writes @second when more than @limit_sec have gone by. */
static void
drip (int fd, int reader_fd, gconstpointer first, gsize n_first, gconstpointer second, gint64 limit_sec)
{
  gint64 until = g_get_monotonic_time () + LIMIT_MSEC * G_TIME_SPAN_MILLISECOND;
  int unread = -1;

  g_assert_cmpint (write (fd, first, n_first), ==, (gssize)n_first);
  while (unread != 0)
    {
      g_assert_cmpint (ioctl (reader_fd, FIONREAD, &unread), ==, 0);
      g_assert_cmpint (g_get_monotonic_time (), <, until);
      g_usleep (1000);
    }
  __atomic_add_fetch (&ahead_usec, (limit_sec + 1) * G_USEC_PER_SEC, __ATOMIC_SEQ_CST);
  g_assert_cmpint (write (fd, second, 1), ==, 1);
}

static void
test_dripped_header (Fixture *f, gconstpointer data)
{
  g_autoptr (GByteArray) stream = make_stream ((const guint8 *)"abc", 3);
  int reader_fd = dup (f->ends[1]);

  start_receiver (f);
  drip (f->ends[0], reader_fd, stream->data, ACCMIG_FRAME_PRELUDE_SIZE + 1,
        stream->data + ACCMIG_FRAME_PRELUDE_SIZE + 1, 60);
  wait_for (&f->received);
  g_assert_error (f->receive_error, ACCMIG_ERROR, ACCMIG_ERROR_IO);
  g_assert_nonnull (strstr (f->receive_error->message, "longer than 60 s"));
  (void)close (reader_fd);
}

static void
test_dripped_answer (Fixture *f, gconstpointer data)
{
  int reader_fd = dup (f->ends[0]);
  GThread *device = NULL;

  start_sender (f);
  device = pour_state (f, 10);
  sender_finish (f->sender, NULL);
  drain_stream (f->ends[1], 10);
  drip (f->ends[1], reader_fd, "load", 4, "e", 180);
  wait_for (&f->sent);
  g_assert_error (f->send_error, ACCMIG_ERROR, ACCMIG_ERROR_IO);
  g_assert_nonnull (strstr (f->send_error->message, "longer than 180 s"));
  (void)close (reader_fd);
  (void)g_thread_join (device);
}

/* Nobody is called back for what was freed. */
static void
test_freed (Fixture *f, gconstpointer data)
{
  start_sender (f);
  start_receiver (f);
  g_clear_pointer (&f->sender, sender_free);
  g_clear_pointer (&f->receiver, receiver_free);
  for (int i = 0; i < 100; i++)
    {
      g_usleep (1000);
      while (g_main_context_iteration (NULL, FALSE))
        continue;
    }
  g_assert_false (f->sent);
  g_assert_false (f->received);
}

static void
add (const char *path, gconstpointer data, void (*test) (Fixture *, gconstpointer))
{
  g_test_add (path, Fixture, data, set_up, test, tear_down);
}

int
main (int argc, char **argv)
{
  (void)signal (SIGPIPE, SIG_IGN);
  g_test_init (&argc, &argv, NULL);
  add ("/carry/through/nothing", GSIZE_TO_POINTER (0), test_through);
  add ("/carry/through/one-byte", GSIZE_TO_POINTER (1), test_through);
  add ("/carry/through/several-chunks", GSIZE_TO_POINTER (SOME_SIZE), test_through);
  add ("/carry/refused/at-once", NULL, test_refused_at_once);
  add ("/carry/refused/midway", NULL, test_refused_midway);
  add ("/carry/refused/at-last", NULL, test_refused_at_last);
  add ("/carry/source-fails", NULL, test_source_fails);
  for (gsize i = 0; i < G_N_ELEMENTS (cuts); i++)
    {
      g_autofree char *path = g_strconcat ("/carry/cut/", cuts[i].name, NULL);

      add (path, GSIZE_TO_POINTER (i), test_cut);
    }
  add ("/carry/flipped", NULL, test_flipped);
  add ("/carry/peer-gone", NULL, test_peer_gone);
  add ("/carry/false-answer/other-size", "loaded 11\n", test_false_answer);
  add ("/carry/false-answer/cut", "loaded 10", test_false_answer);
  add ("/carry/false-answer/none", "", test_false_answer);
  add ("/carry/dripped/header", NULL, test_dripped_header);
  add ("/carry/dripped/answer", NULL, test_dripped_answer);
  add ("/carry/freed", NULL, test_freed);
  return g_test_run ();
}
