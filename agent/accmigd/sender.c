// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Senders
 *
 * The thread waits for the pipe and the other agent at the same time: that one may refuse at any moment, by
 * the header alone or by the first bytes of the state, and then the guest need not be copied to the end.
 */

#include "sender.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <glib-unix.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "wire.h"

#define STALL_USEC   (30 * G_USEC_PER_SEC)  /* how long the other side may take nothing */
#define FINISH_USEC  (60 * G_USEC_PER_SEC)  /* from the pipe's end to sender_finish() */
#define ANSWER_USEC  (180 * G_USEC_PER_SEC) /* how long loading may take */
#define REFUSAL_USEC (2 * G_USEC_PER_SEC)   /* how long one is looked for after the other side hung up */
#define PIPE_SIZE    ACCMIG_FRAME_CHUNK_MAX

/* What sender_finish() said. */
typedef struct
{
  char *failure; /* (nullable) */
} Finish;

struct _Sender
{
  gatomicrefcount references; /* the owner's and the thread's */
  Wire wire;
  int pipe; /* the end that is read */
  AccmigFrameWriter *writer;
  GBytes *beginning;     /* what is sent before the state */
  GAsyncQueue *finishes; /* Finish, one at most */
  guint64 bytes;
  GError *error; /* (nullable): how it ended; the thread's until it has */
  SenderEnded ended;
  gpointer user;
  gboolean freed; /* main context */
};

static void
finish_free (gpointer data)
{
  Finish *finish = data;

  g_free (finish->failure);
  g_free (finish);
}

static void
sender_unref (Sender *self)
{
  if (!g_atomic_ref_count_dec (&self->references))
    return;
  if (self->wire.fd >= 0)
    (void)close (self->wire.fd);
  if (self->wire.cancel_fd >= 0)
    (void)close (self->wire.cancel_fd);
  if (self->pipe >= 0)
    (void)close (self->pipe);
  g_clear_pointer (&self->writer, accmig_frame_writer_free);
  g_clear_pointer (&self->beginning, g_bytes_unref);
  g_async_queue_unref (self->finishes);
  g_clear_error (&self->error);
  g_free (self);
}

/* ---- the thread ---- */

static gboolean
read_answer (Sender *self, gint64 limit_usec, guint64 *ret_bytes, GError **error)
{
  const WireDeadline deadline = wire_deadline (limit_usec);
  char line[ACCMIG_FRAME_ANSWER_MAX];
  gsize length = 0, n = 1;

  /* By bytes: what comes behind the line is not ours to take, and it comes once in a migration. */
  while (length < sizeof line && n > 0 && (length == 0 || line[length - 1] != '\n'))
    {
      if (!wire_read (&self->wire, line + length, 1, &deadline, &n, error))
        return FALSE;
      length += n;
    }
  return accmig_frame_answer_parse (line, length, ret_bytes, error);
}

/* The other agent said something before it had everything, or hung up. */
static gboolean
fail_early (Sender *self, GError **error)
{
  guint64 bytes = 0;

  if (read_answer (self, STALL_USEC, &bytes, error))
    g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_INVALID,
                 "the other side has loaded %" G_GUINT64_FORMAT " bytes before it got all of them", bytes);
  return FALSE;
}

/* Whoever refuses hangs up after that, which is what a writer sees first. */
static gboolean
send_bytes (Sender *self, const void *data, gsize length, GError **error)
{
  g_autoptr (GError) broken = NULL;
  g_autoptr (GError) refusal = NULL;
  guint64 bytes = 0;

  if (wire_write (&self->wire, data, length, STALL_USEC, &broken))
    return TRUE;
  if (!read_answer (self, REFUSAL_USEC, &bytes, &refusal)
      && g_error_matches (refusal, ACCMIG_ERROR, ACCMIG_ERROR_REFUSED))
    g_propagate_error (error, g_steal_pointer (&refusal));
  else
    g_propagate_error (error, g_steal_pointer (&broken));
  return FALSE;
}

/* Until there is more in the pipe, or its end; how long that takes is its writer's business. */
static gboolean
wait_more (Sender *self, GError **error)
{
  struct pollfd fds[] = { { .fd = self->pipe, .events = POLLIN },
                          { .fd = self->wire.fd, .events = POLLIN },
                          { .fd = self->wire.cancel_fd, .events = POLLIN } };
  int n = -1;

  do
    n = poll (fds, G_N_ELEMENTS (fds), -1);
  while (n < 0 && errno == EINTR);
  if (n < 0 || fds[2].revents != 0)
    {
      g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_IO, "it was broken off");
      return FALSE;
    }
  return fds[1].revents == 0 || fail_early (self, error);
}

/* The head goes before the chunk in one piece. */
static gboolean
send_state (Sender *self, GError **error)
{
  g_autofree guint8 *buffer = g_malloc (ACCMIG_FRAME_HEAD_SIZE + ACCMIG_FRAME_CHUNK_MAX);
  guint8 *chunk = buffer + ACCMIG_FRAME_HEAD_SIZE;

  for (;;)
    {
      ssize_t n = -1;

      if (!wait_more (self, error))
        return FALSE;
      n = read (self->pipe, chunk, ACCMIG_FRAME_CHUNK_MAX);
      if (n == 0)
        return TRUE;
      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        {
          g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_IO, "the device's state cannot be read: %s",
                       g_strerror (errno));
          return FALSE;
        }
      accmig_frame_writer_add (self->writer, chunk, (gsize)n, buffer);
      self->bytes += (guint64)n;
      if (!send_bytes (self, buffer, ACCMIG_FRAME_HEAD_SIZE + (gsize)n, error))
        return FALSE;
    }
}

/* Whether the pipe's end was the stream's. */
static gboolean
wait_finish (Sender *self, GError **error)
{
  Finish *finish = g_async_queue_timeout_pop (self->finishes, FINISH_USEC);
  gboolean whole = finish != NULL && finish->failure == NULL;

  if (!whole)
    g_set_error_literal (error, ACCMIG_ERROR, ACCMIG_ERROR_IO,
                         finish != NULL ? finish->failure : "nobody has said that this was all of its state");
  if (finish != NULL)
    finish_free (finish);
  return whole;
}

static gboolean
send_all (Sender *self, GError **error)
{
  guint8 trailer[ACCMIG_FRAME_TRAILER_SIZE];
  guint64 bytes = 0, loaded = 0;

  if (!send_bytes (self, g_bytes_get_data (self->beginning, NULL), g_bytes_get_size (self->beginning), error)
      || !send_state (self, error) || !wait_finish (self, error))
    return FALSE;
  bytes = accmig_frame_writer_end (self->writer, trailer);
  if (!send_bytes (self, trailer, sizeof trailer, error) || !read_answer (self, ANSWER_USEC, &loaded, error))
    return FALSE;
  if (loaded == bytes)
    return TRUE;
  g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_INVALID,
               "the other side has loaded %" G_GUINT64_FORMAT " bytes, %" G_GUINT64_FORMAT " were sent",
               loaded, bytes);
  return FALSE;
}

static gboolean
tell_end (gpointer data)
{
  Sender *self = data;

  if (!self->freed)
    self->ended (self->bytes, self->error, self->user);
  sender_unref (self);
  return G_SOURCE_REMOVE;
}

static gpointer
run (gpointer data)
{
  Sender *self = data;

  (void)send_all (self, &self->error);
  /* Closed before anybody is told, so that neither the pipe's writer nor the other side waits for more. */
  (void)close (self->wire.fd);
  (void)close (self->pipe);
  self->wire.fd = self->pipe = -1;
  (void)g_idle_add (tell_end, self);
  return NULL;
}

/* ---- the owner ---- */

static gboolean
open_fds (Sender *self, int fd, int *ret_pipe, GError **error)
{
  int ends[2] = { -1, -1 };

  self->wire.fd = fcntl (fd, F_DUPFD_CLOEXEC, 3);
  self->wire.cancel_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (self->wire.fd < 0 || self->wire.cancel_fd < 0 || !g_unix_open_pipe (ends, FD_CLOEXEC, NULL))
    {
      g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_IO, "no file descriptors for a stream: %s",
                   g_strerror (errno));
      return FALSE;
    }
  self->pipe = ends[0];
  *ret_pipe = ends[1];
  (void)fcntl (self->pipe, F_SETPIPE_SZ, PIPE_SIZE); /* else it is smaller, and slower */
  return TRUE;
}

static gboolean
start (Sender *self, GError **error)
{
  GThread *thread = NULL;

  if (!wire_prepare (&self->wire, error))
    return FALSE;
  g_atomic_ref_count_inc (&self->references);
  thread = g_thread_try_new ("sender", run, self, error);
  if (thread != NULL)
    g_thread_unref (thread);
  else
    sender_unref (self);
  return thread != NULL;
}

Sender *
sender_new (const AccmigFrameHeader *header, int fd, int *ret_pipe, SenderEnded ended, gpointer user,
            GError **error)
{
  Sender *self = g_new0 (Sender, 1);
  int pipe_end = -1;

  g_atomic_ref_count_init (&self->references);
  self->wire = (Wire){ -1, -1 };
  self->pipe = -1;
  self->ended = ended;
  self->user = user;
  self->finishes = g_async_queue_new_full (finish_free);
  self->writer = accmig_frame_writer_new (header, &self->beginning, error);
  if (self->writer != NULL && open_fds (self, fd, &pipe_end, error) && start (self, error))
    {
      *ret_pipe = pipe_end;
      return self;
    }
  if (pipe_end >= 0)
    (void)close (pipe_end);
  sender_unref (self);
  return NULL;
}

void
sender_free (Sender *self)
{
  guint64 one = 1;

  if (self == NULL)
    return;
  self->freed = TRUE;
  (void)!write (self->wire.cancel_fd, &one, sizeof one);
  sender_finish (self, "it was broken off");
  sender_unref (self);
}

void
sender_finish (Sender *self, const char *failure)
{
  Finish *finish = g_new0 (Finish, 1);

  finish->failure = g_strdup (failure);
  g_async_queue_push (self->finishes, finish);
}
