// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Receivers
 *
 * What comes is written on before its digest is known, since a state may be larger than memory. The pipe's
 * end therefore means nothing by itself: how the stream ended is laid down before the pipe is closed, and
 * whoever has read it to its end asks for that before the device may load.
 */

#include "receiver.h"

#include <accmig/compat.h>
#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "wire.h"

#define HEADER_USEC                                                                                          \
  (60 * G_USEC_PER_SEC) /* for the beginning; what comes then lasts as long as the guest is copied */
#define DECIDE_USEC  (60 * G_USEC_PER_SEC)  /* from the header to a decision */
#define FILL_USEC    (120 * G_USEC_PER_SEC) /* how long the device may take nothing: it may not be there yet */
#define VERDICT_USEC (180 * G_USEC_PER_SEC) /* from the stream's end to a word about the device */
#define ANSWER_USEC  (10 * G_USEC_PER_SEC)
#define REASON_USEC  (5 * G_USEC_PER_SEC) /* for why the device takes no more */

/* A decision about the stream, or a word about what became of it. */
typedef struct
{
  char *refusal;         /* (nullable) */
  int pipe;              /* -1 for none */
  AccmigProfile *target; /* (nullable) */
} Word;

struct _Receiver
{
  gatomicrefcount references; /* the owner's and the thread's */
  Wire in, out;
  AccmigFrameReader *reader;
  GAsyncQueue *words; /* Word */
  GByteArray *match;  /* the stream's first bytes, where they are compared */
  gboolean shut;      /* the pipe's reader is gone */
  GMutex lock;
  char *failure; /* (nullable): under lock: why what was written must not be used */
  GError *error; /* (nullable): how it ended; the thread's until it has */
  ReceiverCallbacks callbacks;
  gpointer user;
  gboolean freed; /* main context */
};

static void
word_free (gpointer data)
{
  Word *word = data;

  if (word->pipe >= 0)
    (void)close (word->pipe);
  accmig_profile_unref (word->target);
  g_free (word->refusal);
  g_free (word);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Word, word_free)

static void
close_fd (int *fd)
{
  if (*fd >= 0)
    (void)close (*fd);
  *fd = -1;
}

static void
receiver_unref (Receiver *self)
{
  if (!g_atomic_ref_count_dec (&self->references))
    return;
  close_fd (&self->in.fd);
  close_fd (&self->out.fd);
  close_fd (&self->in.cancel_fd);
  accmig_frame_reader_free (self->reader);
  g_async_queue_unref (self->words);
  g_byte_array_unref (self->match);
  g_mutex_clear (&self->lock);
  g_free (self->failure);
  g_clear_error (&self->error);
  g_free (self);
}

/* ---- the thread: reading ---- */

static gboolean
read_piece (Receiver *self, guint8 *buffer, const WireDeadline *deadline, gsize *ret_size,
            AccmigFramePiece *ret_piece, GError **error)
{
  gsize wanted = accmig_frame_reader_get_wanted (self->reader), length = 0;

  if (!wire_read (&self->in, buffer, wanted, deadline, &length, error))
    return FALSE;
  if (length < wanted)
    return accmig_frame_reader_end (self->reader, length, error);
  *ret_size = wanted;
  return accmig_frame_reader_take (self->reader, buffer, ret_piece, error);
}

static gboolean
read_header (Receiver *self, guint8 *buffer, GError **error)
{
  const WireDeadline deadline = wire_deadline (HEADER_USEC);
  AccmigFramePiece piece = ACCMIG_FRAME_MORE;
  gsize size = 0;

  while (piece != ACCMIG_FRAME_HEADER)
    if (!read_piece (self, buffer, &deadline, &size, &piece, error))
      return FALSE;
  return TRUE;
}

/* A driver may forget to compare; so what it would have compared is looked at before it gets it. */
static gboolean
check_match (Receiver *self, const AccmigProfile *target, GError **error)
{
  g_autoptr (AccmigProfile) source =
      accmig_profile_new_from_match (target, self->match->data, self->match->len, error);
  g_autoptr (AccmigVerdict) verdict = NULL;
  const AccmigFinding *decisive = NULL;

  if (source == NULL)
    return FALSE;
  verdict = accmig_compat_check (source, target, ACCMIG_COMPAT_NONE);
  decisive = accmig_verdict_get_decisive (verdict);
  if (accmig_verdict_get_outcome (verdict) != ACCMIG_OUTCOME_INCOMPATIBLE)
    return TRUE;
  g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_REFUSED, "%s [%s]", decisive->sentence, decisive->rule);
  return FALSE;
}

/* Bytes that are to be compared first; 0 where the device has nothing to compare. */
static gsize
match_size (const Word *word)
{
  return word->target != NULL ? accmig_profile_match_size (accmig_profile_get_family (word->target)) : 0;
}

static gboolean
write_on (Receiver *self, const Word *word, const guint8 *data, gsize size, GError **error)
{
  const Wire wire = { word->pipe, self->in.cancel_fd };

  if (wire_write (&wire, data, size, FILL_USEC, error))
    return TRUE;
  g_prefix_error (error, "the device here takes no more: ");
  self->shut = TRUE;
  return FALSE;
}

/* What is to be compared is kept until it is all there, and goes first then. */
static gboolean
take_data (Receiver *self, const Word *word, const guint8 *data, gsize size, GError **error)
{
  gsize wanted = match_size (word);

  if (self->match->len >= wanted)
    return write_on (self, word, data, size, error);
  g_byte_array_append (self->match, data, (guint)size);
  if (self->match->len < wanted)
    return TRUE;
  return check_match (self, word->target, error)
         && write_on (self, word, self->match->data, self->match->len, error);
}

static gboolean
read_state (Receiver *self, const Word *word, guint8 *buffer, GError **error)
{
  AccmigFramePiece piece = ACCMIG_FRAME_MORE;
  gsize size = 0;

  while (piece != ACCMIG_FRAME_END)
    {
      if (!read_piece (self, buffer, NULL, &size, &piece, error))
        return FALSE;
      if (piece == ACCMIG_FRAME_DATA && !take_data (self, word, buffer, size, error))
        return FALSE;
    }
  return self->match->len >= match_size (word) || check_match (self, word->target, error);
}

/* ---- the thread: its owner's words ---- */

static gboolean
tell_header (gpointer data)
{
  Receiver *self = data;
  AccmigFrameHeader header = accmig_frame_reader_get_header (self->reader);

  if (!self->freed)
    self->callbacks.header (&header, self->user);
  receiver_unref (self);
  return G_SOURCE_REMOVE;
}

/* (nullable): NULL and REFUSED when it is a refusal; IO when none came */
static Word *
wait_word (Receiver *self, gint64 limit_usec, GError **error)
{
  g_autoptr (Word) word = g_async_queue_timeout_pop (self->words, (guint64)limit_usec);

  if (word == NULL)
    g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_IO, "there was no decision within %" G_GINT64_FORMAT " s",
                 limit_usec / G_USEC_PER_SEC);
  else if (word->refusal != NULL)
    g_set_error_literal (error, ACCMIG_ERROR, ACCMIG_ERROR_REFUSED, word->refusal);
  else
    return g_steal_pointer (&word);
  return NULL;
}

static Word *
ask (Receiver *self, GError **error)
{
  g_atomic_ref_count_inc (&self->references);
  (void)g_idle_add (tell_header, self);
  return wait_word (self, DECIDE_USEC, error);
}

static void
lay_down (Receiver *self, const char *failure)
{
  g_mutex_lock (&self->lock);
  g_free (self->failure);
  self->failure = g_strdup (failure);
  g_mutex_unlock (&self->lock);
}

/* A word that says no counts for more than how the reading came to an end, which is its consequence. Who shut
 * the pipe is about to say why. */
static void
take_refusal (Receiver *self, GError **error)
{
  g_autoptr (Word) word = g_async_queue_timeout_pop (self->words, self->shut ? REASON_USEC : 0);

  if (word == NULL || word->refusal == NULL)
    return;
  g_clear_error (error);
  g_set_error_literal (error, ACCMIG_ERROR, ACCMIG_ERROR_REFUSED, word->refusal);
}

static gboolean
receive (Receiver *self, GError **error)
{
  g_autofree guint8 *buffer = g_malloc (ACCMIG_FRAME_CHUNK_MAX);
  g_autoptr (Word) decision = read_header (self, buffer, error) ? ask (self, error) : NULL;
  g_autoptr (Word) verdict = NULL;
  gboolean whole = FALSE;

  if (decision == NULL)
    return FALSE;
  whole = read_state (self, decision, buffer, error);
  lay_down (self, whole ? NULL : (*error)->message);
  close_fd (&decision->pipe);
  if (!whole)
    {
      take_refusal (self, error);
      return FALSE;
    }
  verdict = wait_word (self, VERDICT_USEC, error);
  return verdict != NULL;
}

static gboolean
answer (Receiver *self, const GError *failure, GError **error)
{
  g_autofree char *line = failure == NULL
                              ? accmig_frame_answer_loaded (accmig_frame_reader_get_bytes (self->reader))
                              : accmig_frame_answer_refused (failure->message);

  return wire_write (&self->out, line, strlen (line), ANSWER_USEC, error);
}

static gboolean
tell_end (gpointer data)
{
  Receiver *self = data;

  if (!self->freed)
    self->callbacks.ended (accmig_frame_reader_get_bytes (self->reader), self->error, self->user);
  receiver_unref (self);
  return G_SOURCE_REMOVE;
}

static gpointer
run (gpointer data)
{
  Receiver *self = data;
  g_autoptr (GError) failure = NULL;
  g_autoptr (GError) unanswered = NULL;
  gboolean received = receive (self, &failure);

  if (!answer (self, failure, &unanswered) && received)
    g_prefix_error (&unanswered, "it is loaded, but the other side does not know: ");
  self->error = failure != NULL ? g_steal_pointer (&failure) : g_steal_pointer (&unanswered);
  close_fd (&self->in.fd);
  close_fd (&self->out.fd);
  (void)g_idle_add (tell_end, self);
  return NULL;
}

/* ---- the owner ---- */

static gboolean
open_fds (Receiver *self, int in, int out, GError **error)
{
  self->in.fd = fcntl (in, F_DUPFD_CLOEXEC, 3);
  self->out.fd = fcntl (out, F_DUPFD_CLOEXEC, 3);
  self->in.cancel_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (self->in.fd >= 0 && self->out.fd >= 0 && self->in.cancel_fd >= 0)
    return wire_prepare (&self->in, error) && wire_prepare (&self->out, error);
  g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_IO, "no file descriptors for a stream: %s",
               g_strerror (errno));
  return FALSE;
}

static gboolean
start (Receiver *self, GError **error)
{
  GThread *thread = NULL;

  g_atomic_ref_count_inc (&self->references);
  thread = g_thread_try_new ("receiver", run, self, error);
  if (thread != NULL)
    g_thread_unref (thread);
  else
    receiver_unref (self);
  return thread != NULL;
}

Receiver *
receiver_new (int in, int out, const ReceiverCallbacks *callbacks, gpointer user, GError **error)
{
  Receiver *self = g_new0 (Receiver, 1);

  g_atomic_ref_count_init (&self->references);
  g_mutex_init (&self->lock);
  self->in = self->out = (Wire){ -1, -1 };
  self->callbacks = *callbacks;
  self->user = user;
  self->reader = accmig_frame_reader_new ();
  self->words = g_async_queue_new_full (word_free);
  self->match = g_byte_array_new ();
  self->failure = g_strdup ("its end has not come yet");
  if (open_fds (self, in, out, error) && start (self, error))
    return self;
  receiver_unref (self);
  return NULL;
}

void
receiver_free (Receiver *self)
{
  if (self == NULL)
    return;
  self->freed = TRUE;
  receiver_refuse (self, "it was broken off");
  receiver_unref (self);
}

void
receiver_accept (Receiver *self, int pipe, const AccmigProfile *target)
{
  Word *word = g_new0 (Word, 1);
  Wire wire = { pipe, -1 };

  (void)wire_prepare (&wire, NULL);
  word->pipe = pipe;
  word->target = target != NULL ? accmig_profile_ref ((AccmigProfile *)target) : NULL;
  g_async_queue_push (self->words, word);
}

void
receiver_refuse (Receiver *self, const char *sentence)
{
  Word *word = g_new0 (Word, 1);
  guint64 one = 1;

  word->pipe = -1;
  word->refusal = g_strdup (sentence);
  g_async_queue_push (self->words, word);
  (void)!write (self->in.cancel_fd, &one, sizeof one);
}

char *
receiver_check (Receiver *self)
{
  char *failure = NULL;

  g_mutex_lock (&self->lock);
  failure = g_strdup (self->failure);
  g_mutex_unlock (&self->lock);
  return failure;
}

void
receiver_confirm (Receiver *self)
{
  Word *word = g_new0 (Word, 1);

  word->pipe = -1;
  g_async_queue_push (self->words, word);
}
