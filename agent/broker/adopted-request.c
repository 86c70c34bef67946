// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Requests on adopted devices
 *
 * The main loop begins and ends each; its thread has the device, the session and the answer to itself in
 * between. In here @error is never NULL.
 */

#include "adopted-private.h"

#include "common/registered-id.h"
#include "common/text.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* No more at a time: each is a thread. Looks leave room for those who drive. */
#define MAX_REQUESTS 64
#define MAX_LOOKS    (MAX_REQUESTS - 16)

/* A source sends what pre-copy has and then, when its guest is stopped, the rest: as long as it is copied,
 * the destination waits. */
#define STREAM_LIMIT_S (6 * 3600)

typedef struct _Request Request;

typedef struct
{
  const char *name;
  gboolean exclusive;
  gboolean streams;     /* needs an fd to read or write */
  gboolean tells_state; /* its answer has one */
  gboolean (*run) (Request *request, GError **error);
} Verb;

struct _Request
{
  AdoptedSet *set; /* a reference */
  const Verb *verb;
  Adopted *adopted; /* a reference */
  AccmigState wanted;
  int stream_fd;
  GCancellable *stop; /* the caller is gone, the device disowned, or the time is over */
  GCancellable *gone;
  gulong gone_id, disowned_id;
  guint limit;
  AdoptedAnswer *answer;
  GError *error; /* what the thread came to, or NULL */
};

/* ---- in the request's thread ------------------------------------------------------------------ */

/* What a driver does not offer is an answer, not a failure. */
static gboolean
or_unsupported (gboolean ok, GError **error)
{
  if (ok || !g_error_matches (*error, ACCMIG_ERROR, ACCMIG_ERROR_UNSUPPORTED))
    return ok;
  g_clear_error (error);
  return TRUE;
}

static gboolean
run_adopt (Request *request, GError **error)
{
  AccmigDevice *device = request->adopted->device;
  AdoptedAnswer *answer = request->answer;

  return accmig_device_get_flags (device, &answer->flags, error)
         && accmig_device_get_state (device, &answer->state, error)
         && or_unsupported (accmig_device_get_stop_copy_size (device, &answer->bytes, error), error)
         && accmig_device_get_tracking (device, &answer->tracking, error);
}

/* Whether a session that was open can still be of use. */
static gboolean
has_session (AccmigState state)
{
  return state == ACCMIG_STATE_PRE_COPY || state == ACCMIG_STATE_PRE_COPY_P2P
         || state == ACCMIG_STATE_STOP_COPY || state == ACCMIG_STATE_RESUMING;
}

static gboolean
run_step (Request *request, GError **error)
{
  Adopted *adopted = request->adopted;
  AdoptedAnswer *answer = request->answer;
  int data_fd = -1;

  if (!accmig_device_step (adopted->device, request->wanted, &data_fd, &answer->state, &answer->refusal,
                           error))
    return FALSE;
  if (data_fd >= 0 || !has_session (answer->state))
    adopted_close_session (adopted);
  if (data_fd >= 0)
    adopted->data_fd = data_fd;
  return TRUE;
}

static gboolean
run_drain (Request *request, GError **error)
{
  request->answer->ended = TRUE;
  return accmig_device_drain (request->adopted->device, request->adopted->data_fd, request->stream_fd,
                              g_cancellable_get_fd (request->stop), &request->answer->bytes, error);
}

static gboolean
run_drain_precopy (Request *request, GError **error)
{
  return accmig_device_drain_precopy (request->adopted->device, request->adopted->data_fd, request->stream_fd,
                                      g_cancellable_get_fd (request->stop), &request->answer->bytes,
                                      &request->answer->ended, error);
}

static gboolean
run_fill (Request *request, GError **error)
{
  return accmig_device_fill (request->adopted->device, request->adopted->data_fd, request->stream_fd,
                             g_cancellable_get_fd (request->stop), &request->answer->bytes,
                             &request->answer->refusal, error);
}

static gboolean
run_state_of (Request *request, GError **error)
{
  return accmig_device_get_state (request->adopted->device, &request->answer->state, error);
}

static gboolean
run_reset (Request *request, GError **error)
{
  adopted_close_session (request->adopted);
  return accmig_device_reset_patiently (request->adopted->device, error) && run_state_of (request, error);
}

/* clang-format off */
static const Verb verbs[] = {
  [ADOPTED_ADOPT]         = { "adopt",                       TRUE,  FALSE, TRUE,  run_adopt },
  [ADOPTED_STEP]          = { "move the state of",           TRUE,  FALSE, TRUE,  run_step },
  [ADOPTED_DRAIN]         = { "read the stream of",          TRUE,  TRUE,  FALSE, run_drain },
  [ADOPTED_DRAIN_PRECOPY] = { "read ahead in the stream of", TRUE,  TRUE,  FALSE, run_drain_precopy },
  [ADOPTED_FILL]          = { "fill",                        TRUE,  TRUE,  FALSE, run_fill },
  [ADOPTED_RESET]         = { "reset",                       TRUE,  FALSE, TRUE,  run_reset },
  [ADOPTED_STATE_OF]      = { "read the state of",           FALSE, FALSE, TRUE,  run_state_of },
};
/* clang-format on */
G_STATIC_ASSERT (G_N_ELEMENTS (verbs) == N_ADOPTED_VERBS);

/* ---- the request ------------------------------------------------------------------------------ */

static void
on_stop (GCancellable *why, gpointer stop)
{
  g_cancellable_cancel (stop);
}

static gboolean
on_limit (gpointer data)
{
  Request *self = data;

  self->limit = 0;
  g_cancellable_cancel (self->stop);
  return G_SOURCE_REMOVE;
}

static void
request_free (gpointer data)
{
  Request *self = data;

  g_clear_handle_id (&self->limit, g_source_remove);
  g_cancellable_disconnect (self->gone, self->gone_id);
  g_cancellable_disconnect (self->adopted->disowned, self->disowned_id);
  g_object_unref (self->gone);
  g_object_unref (self->stop);
  if (self->stream_fd >= 0)
    close (self->stream_fd);
  adopted_unref (self->adopted);
  adopted_set_unref (self->set);
  g_clear_error (&self->error);
  g_free (self->answer);
  g_free (self);
}

/* @adopted: (transfer full) */
static Request *
request_new (AdoptedSet *set, const AdoptedQuestion *question, Adopted *adopted, GCancellable *gone)
{
  Request *self = g_new0 (Request, 1);

  self->set = adopted_set_ref (set);
  self->verb = &verbs[question->verb];
  self->adopted = adopted;
  self->wanted = question->state;
  self->stream_fd = -1;
  self->stop = g_cancellable_new ();
  self->gone = g_object_ref (gone);
  self->gone_id = g_cancellable_connect (gone, G_CALLBACK (on_stop), self->stop, NULL);
  self->disowned_id = g_cancellable_connect (adopted->disowned, G_CALLBACK (on_stop), self->stop, NULL);
  self->answer = g_new0 (AdoptedAnswer, 1);
  return self;
}

/* Refuses what root should not be made to write to or read from on another's word. */
static gboolean
request_take_stream (Request *self, int fd, GError **error)
{
  struct stat st;

  if (fstat (fd, &st) < 0 || !(S_ISREG (st.st_mode) || S_ISFIFO (st.st_mode) || S_ISSOCK (st.st_mode)))
    {
      g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_INVALID,
                   "cannot %s “%s”: the stream must be a file, pipe or socket", self->verb->name,
                   self->adopted->id);
      return FALSE;
    }
  self->stream_fd = fcntl (fd, F_DUPFD_CLOEXEC, 3);
  if (self->stream_fd < 0)
    {
      g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_IO, "cannot %s “%s”: %s", self->verb->name,
                   self->adopted->id, g_strerror (errno));
      return FALSE;
    }
  self->limit = g_timeout_add_seconds (STREAM_LIMIT_S, on_limit, self);
  return TRUE;
}

/* Marks the device as worked on, or tells why that cannot be. */
static gboolean
request_begin (Request *self, GError **error)
{
  AdoptedSet *set = self->set;

  if (set->running >= (self->verb->exclusive ? MAX_REQUESTS : MAX_LOOKS))
    {
      g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_LIMIT, "cannot %s “%s”: %u requests are at work already",
                   self->verb->name, self->adopted->id, set->running);
      return FALSE;
    }
  if (self->verb->exclusive && self->adopted->at_work)
    {
      g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_BUSY, "cannot %s “%s”: another request is at work on it",
                   self->verb->name, self->adopted->id);
      return FALSE;
    }
  self->adopted->at_work |= self->verb->exclusive;
  set->running++;
  if (self->verb == &verbs[ADOPTED_ADOPT]) /* its id is taken from here on */
    g_hash_table_replace (set->devices, self->adopted->id, adopted_ref (self->adopted));
  return TRUE;
}

/* A device stays when it could be asked what it is, and somebody waits to hear it. */
static void
end_adoption (const Request *self)
{
  Adopted *adopted = self->adopted;

  if (self->error == NULL && !g_cancellable_is_cancelled (self->gone))
    adopted->known = TRUE;
  if (!adopted->known && g_hash_table_lookup (self->set->devices, adopted->id) == adopted)
    adopted_set_let_go (self->set, adopted);
}

static void
request_end (const Request *self)
{
  Adopted *adopted = self->adopted;

  self->set->running--;
  if (self->verb->exclusive)
    adopted->at_work = FALSE;
  if (self->error == NULL && self->verb->tells_state)
    adopted->state = self->answer->state;
  if (self->verb == &verbs[ADOPTED_ADOPT])
    end_adoption (self);
}

static gboolean
on_request_done (gpointer data)
{
  g_autoptr (GTask) task = data;
  Request *request = g_task_get_task_data (task);

  request_end (request);
  if (request->error != NULL)
    g_task_return_error (task, g_steal_pointer (&request->error));
  else
    g_task_return_pointer (task, g_steal_pointer (&request->answer), g_free);
  return G_SOURCE_REMOVE;
}

static gpointer
request_main (gpointer task)
{
  Request *request = g_task_get_task_data (task);
  GError *error = NULL;

  if (!request->verb->run (request, &error))
    request->error = error;
  g_idle_add_full (G_PRIORITY_DEFAULT, on_request_done, task, NULL);
  return NULL;
}

/* @task: (transfer full) when it was started */
static gboolean
request_start (Request *self, GTask *task, GError **error)
{
  g_autoptr (GThread) thread = NULL;

  if (!request_begin (self, error))
    return FALSE;
  thread = g_thread_try_new (self->verb->name, request_main, task, &self->error);
  if (thread != NULL)
    return TRUE;
  request_end (self);
  g_propagate_error (error, g_steal_pointer (&self->error));
  return FALSE;
}

/* (transfer full) (nullable) */
static Adopted *
find_for (AdoptedSet *self, const AdoptedQuestion *question, GError **error)
{
  Adopted *adopted;

  if (!registered_id_is_valid (question->id))
    {
      g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_INVALID, "“%.*s” is no id of a registered device",
                   text_quotable (question->id), question->id);
      return NULL;
    }
  if (question->verb == ADOPTED_ADOPT)
    return adopted_set_find_or_make (self, question, error);
  adopted = adopted_set_find (self, question->id, question->user, error);
  return adopted != NULL ? adopted_ref (adopted) : NULL;
}

void
adopted_set_ask_async (AdoptedSet *self, const AdoptedQuestion *question, GCancellable *gone,
                       GAsyncReadyCallback callback, gpointer user)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, user);
  GError *error = NULL;
  Adopted *adopted = find_for (self, question, &error);
  Request *request;

  if (adopted == NULL)
    {
      g_task_return_error (task, error);
      return;
    }
  request = request_new (self, question, adopted, gone);
  g_task_set_task_data (task, request, request_free);
  if ((!request->verb->streams || request_take_stream (request, question->fd, &error))
      && request_start (request, task, &error))
    (void)g_steal_pointer (&task); /* on_request_done() has it */
  else
    g_task_return_error (task, error);
}

AdoptedAnswer *
adopted_set_ask_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
