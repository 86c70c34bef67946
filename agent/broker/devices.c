// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The verbs on devices
 *
 * A request is checked and entered in the table of busy devices by the main loop; its thread does the work,
 * strikes it out and gives the answer. In here @error is never NULL.
 */

#include "devices.h"

#include "binding.h"
#include "common/text.h"
#include "evidence.h"
#include "mdevs.h"

#include <accmig/inventory.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* No more at a time over all devices: each is a thread. Looks are what anybody may ask for and what comes in
 * numbers; they leave room for those that open a device, which the gate waits for. */
#define MAX_REQUESTS 64
#define MAX_LOOKS    (MAX_REQUESTS - 16)

/* Nothing waits for ever: a stream whose other end has stopped is given up, and its device runs again. */
#define STREAM_LIMIT_S 600

struct _Devices
{
  int sysfs_fd;
  char *debugfs;
  GMutex lock;
  GHashTable *busy; /* address → the request that excludes others, under lock */
  guint running;    /* requests, under lock */
};

typedef struct _Request Request;

/* What a verb means to others on the same device. */
typedef enum
{
  ALONE,       /* opens it, or changes what it is: no two at a time */
  UNLESS_BUSY, /* looks, and keeps nobody away; but not while one of those is at work */
  ALWAYS,      /* looks */
} Manner;

typedef struct
{
  const char *name;
  Manner manner;
  gboolean streams; /* needs an fd */
  gboolean (*run) (Request *request, GError **error);
} Verb;

struct _Request
{
  Devices *devices; /* a reference */
  const Verb *verb;
  char *address;
  gsize match_size;
  GBytes *match;
  char *driver, *parent, *type;
  AccmigState states[BROKER_WALK_MAX];
  gsize n_states;
  AccmigState seen;
  int stream_fd;
  GCancellable *gone; /* the caller's */
  gulong gone_id;
  GCancellable *stop; /* follows gone, or the time limit */
  GSource *limit;
  DeviceAnswer *answer;
};

static void
devices_clear (gpointer data)
{
  Devices *self = data;

  close (self->sysfs_fd);
  g_free (self->debugfs);
  g_hash_table_unref (self->busy);
  g_mutex_clear (&self->lock);
}

Devices *
devices_new (int sysfs_fd, const char *debugfs)
{
  Devices *self = g_atomic_rc_box_new0 (Devices);

  self->sysfs_fd = sysfs_fd;
  self->debugfs = g_strdup (debugfs);
  self->busy = g_hash_table_new (g_str_hash, g_str_equal);
  g_mutex_init (&self->lock);
  return self;
}

void
devices_free (Devices *self)
{
  if (self != NULL)
    g_atomic_rc_box_release_full (self, devices_clear);
}

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

static AccmigDevice *
open_free (const Request *request, GError **error)
{
  return accmig_device_open (request->devices->sysfs_fd, request->address, ACCMIG_ACCESS_AUTO, error);
}

static gboolean
run_probe (Request *request, GError **error)
{
  DeviceAnswer *answer = request->answer;
  g_autoptr (AccmigDevice) device = open_free (request, error);

  if (device == NULL)
    return FALSE;
  answer->access = accmig_device_get_access (device) == ACCMIG_ACCESS_CDEV ? "cdev" : "group";
  if (!or_unsupported (accmig_device_get_flags (device, &answer->flags, error), error))
    return FALSE;
  if (answer->flags == 0)
    return TRUE;
  if (!or_unsupported (accmig_device_get_stop_copy_size (device, &answer->bytes, error), error)
      || !accmig_device_get_tracking (device, &answer->tracking, error))
    return FALSE;
  if (request->match_size == 0)
    return TRUE;
  return or_unsupported (accmig_device_read_match (device, request->match_size, answer->match,
                                                   &answer->match_length, error),
                         error);
}

static gboolean
ask_holder (Request *request, pid_t pid, GError **error)
{
  DeviceAnswer *answer = request->answer;
  g_autoptr (AccmigDevice) device =
      accmig_device_borrow (request->devices->sysfs_fd, pid, request->address, error);
  AccmigState state;

  if (device == NULL)
    return FALSE;
  answer->pid = pid;
  if (!or_unsupported (accmig_device_get_flags (device, &answer->flags, error), error))
    return FALSE;
  if (answer->flags == 0)
    return TRUE;
  if (!accmig_device_get_state (device, &state, error))
    return FALSE;
  answer->at_usec = g_get_real_time ();
  answer->state = accmig_state_to_string (state);
  return TRUE;
}

static gboolean
run_peek (Request *request, GError **error)
{
  pid_t pid;

  request->answer->at_usec = g_get_real_time ();
  if (!accmig_device_find_holder (request->devices->sysfs_fd, request->address, &pid, error))
    return FALSE;
  /* Another verb of ours has it open for a moment, so nobody else has; half opened it answers nothing. */
  if (pid == getpid ())
    pid = 0;
  if (pid == 0 || ask_holder (request, pid, error))
    return TRUE;
  if (!g_error_matches (*error, ACCMIG_ERROR, ACCMIG_ERROR_NOT_FOUND))
    return FALSE;
  g_clear_error (error); /* it let go between the two looks: nobody has it open */
  request->answer->pid = 0;
  return TRUE;
}

static gboolean
run_save (Request *request, GError **error)
{
  g_autoptr (AccmigDevice) device = open_free (request, error);

  return device != NULL
         && accmig_device_save (device, request->stream_fd, g_cancellable_get_fd (request->stop),
                                &request->answer->bytes, error);
}

static gboolean
run_load (Request *request, GError **error)
{
  g_autoptr (AccmigDevice) device = open_free (request, error);

  return device != NULL
         && accmig_device_load (device, request->stream_fd, g_cancellable_get_fd (request->stop),
                                &request->answer->bytes, error);
}

static gboolean
run_reset (Request *request, GError **error)
{
  g_autoptr (AccmigDevice) device = open_free (request, error);

  return device != NULL && accmig_device_reset (device, error);
}

static gboolean
run_trial (Request *request, GError **error)
{
  g_autoptr (AccmigDevice) device = open_free (request, error);
  gsize length;
  const guint8 *match = g_bytes_get_data (request->match, &length);

  return device != NULL && accmig_device_try_match (device, match, length, &request->answer->refusal, error);
}

static gboolean
run_walk (Request *request, GError **error)
{
  g_autoptr (AccmigDevice) device = open_free (request, error);

  return device != NULL
         && walk_device (device, request->states, request->n_states, &request->answer->walk, error);
}

static gboolean
run_repair (Request *request, GError **error)
{
  return repair_device (request->devices->sysfs_fd, request->address, request->seen, &request->answer->repair,
                        error);
}

static gboolean
run_reset_held (Request *request, GError **error)
{
  return repair_reset (request->devices->sysfs_fd, request->address, error);
}

static gboolean
run_bind (Request *request, GError **error)
{
  return binding_bind (request->devices->sysfs_fd, request->address, request->driver, error);
}

static gboolean
run_create_mdev (Request *request, GError **error)
{
  return mdevs_create (request->devices->sysfs_fd, request->parent, request->type, request->address, error);
}

static gboolean
run_remove_mdev (Request *request, GError **error)
{
  return mdevs_remove (request->devices->sysfs_fd, request->address, error);
}

/* The driver keeps a session when it ends: while a process has the device, the one kept is not yet its own.
 */
static gboolean
run_evidence (Request *request, GError **error)
{
  const Devices *devices = request->devices;
  DeviceAnswer *answer = request->answer;
  pid_t pid = 0;

  if (!evidence_exists (devices->debugfs, request->address))
    return TRUE;
  if (!accmig_device_find_holder (devices->sysfs_fd, request->address, &pid, error))
    return FALSE;
  if (pid == 0)
    return evidence_read (devices->debugfs, request->address, answer->evidence, sizeof answer->evidence,
                          &answer->evidence_length, error);
  g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_BUSY, "%s is open in process %d", request->address,
               (int)pid);
  return FALSE;
}

/* clang-format off */
static const Verb verbs[] = {
  [DEVICE_PROBE]       = { "probe",  ALONE,       FALSE, run_probe },
  [DEVICE_PEEK]        = { "peek",   ALWAYS,      FALSE, run_peek },
  [DEVICE_SAVE]        = { "save",   ALONE,       TRUE,  run_save },
  [DEVICE_LOAD]        = { "load",   ALONE,       TRUE,  run_load },
  [DEVICE_RESET]       = { "reset",  ALONE,       FALSE, run_reset },
  [DEVICE_TRIAL]       = { "try",    ALONE,       FALSE, run_trial },
  [DEVICE_WALK]        = { "walk",   ALONE,       FALSE, run_walk },
  [DEVICE_RESET_HELD]  = { "reset",  ALONE,       FALSE, run_reset_held },
  [DEVICE_REPAIR]      = { "repair", ALONE,       FALSE, run_repair },
  [DEVICE_BIND]        = { "bind",   ALONE,       FALSE, run_bind },
  [DEVICE_CREATE_MDEV] = { "create", ALONE,       FALSE, run_create_mdev },
  [DEVICE_REMOVE_MDEV] = { "remove", ALONE,       FALSE, run_remove_mdev },
  [DEVICE_EVIDENCE]    = { "ask",    UNLESS_BUSY, FALSE, run_evidence },
};
/* clang-format on */
G_STATIC_ASSERT (G_N_ELEMENTS (verbs) == N_DEVICE_VERBS);

/* ---- the request ------------------------------------------------------------------------------ */

static void
on_gone (GCancellable *gone, gpointer stop)
{
  g_cancellable_cancel (stop);
}

static gboolean
on_limit (gpointer stop)
{
  g_cancellable_cancel (stop);
  return G_SOURCE_REMOVE;
}

static void
request_limit (Request *self)
{
  self->limit = g_timeout_source_new_seconds (STREAM_LIMIT_S);
  g_source_set_callback (self->limit, on_limit, g_object_ref (self->stop), g_object_unref);
  g_source_attach (self->limit, NULL);
}

static void
request_free (gpointer data)
{
  Request *self = data;

  g_cancellable_disconnect (self->gone, self->gone_id);
  g_object_unref (self->gone);
  g_object_unref (self->stop);
  if (self->limit != NULL)
    {
      g_source_destroy (self->limit);
      g_source_unref (self->limit);
    }
  if (self->stream_fd >= 0)
    close (self->stream_fd);
  g_bytes_unref (self->match);
  g_free (self->answer);
  g_free (self->address);
  g_free (self->driver);
  g_free (self->parent);
  g_free (self->type);
  devices_free (self->devices);
  g_free (self);
}

static Request *
request_new (Devices *devices, const DeviceQuestion *question, GCancellable *gone)
{
  Request *self = g_new0 (Request, 1);

  self->devices = g_atomic_rc_box_acquire (devices);
  self->verb = &verbs[question->verb];
  self->address = g_strdup (question->address);
  self->match_size = question->match_size;
  self->match = g_bytes_new (question->match, question->match_length);
  self->driver = g_strdup (question->driver);
  self->parent = g_strdup (question->parent);
  self->type = g_strdup (question->type);
  for (; self->n_states < question->n_states; self->n_states++)
    self->states[self->n_states] = question->states[self->n_states];
  self->seen = question->seen;
  self->stream_fd = -1;
  self->gone = g_object_ref (gone);
  self->stop = g_cancellable_new ();
  self->gone_id = g_cancellable_connect (gone, G_CALLBACK (on_gone), self->stop, NULL);
  self->answer = g_new0 (DeviceAnswer, 1);
  self->answer->access = "";
  self->answer->state = "";
  return self;
}

/* Refuses what root should not be made to write to or read from on another's word, as device nodes and
 * folders. */
static gboolean
request_take_stream (Request *self, int fd, GError **error)
{
  struct stat st;

  if (fstat (fd, &st) < 0 || !(S_ISREG (st.st_mode) || S_ISFIFO (st.st_mode) || S_ISSOCK (st.st_mode)))
    {
      g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_INVALID,
                   "cannot %s %s: the stream must be a file, pipe or socket", self->verb->name,
                   self->address);
      return FALSE;
    }
  self->stream_fd = fcntl (fd, F_DUPFD_CLOEXEC, 3);
  if (self->stream_fd < 0)
    {
      g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_IO, "cannot %s %s: %s", self->verb->name, self->address,
                   g_strerror (errno));
      return FALSE;
    }
  request_limit (self);
  return TRUE;
}

/* Enters the request in the table, or tells why not. */
static gboolean
request_begin (Request *self, GError **error)
{
  const Manner manner = self->verb->manner;
  Devices *devices = self->devices;
  g_autoptr (GMutexLocker) G_GNUC_UNUSED locker = g_mutex_locker_new (&devices->lock);

  if (devices->running >= (manner == ALONE ? MAX_REQUESTS : MAX_LOOKS))
    {
      g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_LIMIT, "cannot %s %s: %u requests are at work already",
                   self->verb->name, self->address, devices->running);
      return FALSE;
    }
  if (manner != ALWAYS && g_hash_table_contains (devices->busy, self->address))
    {
      g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_BUSY, "cannot %s %s: another request is at work on it",
                   self->verb->name, self->address);
      return FALSE;
    }
  if (manner == ALONE)
    g_hash_table_insert (devices->busy, self->address, self);
  devices->running++;
  return TRUE;
}

static void
request_end (const Request *self)
{
  Devices *devices = self->devices;
  g_autoptr (GMutexLocker) G_GNUC_UNUSED locker = g_mutex_locker_new (&devices->lock);

  if (self->verb->manner == ALONE)
    g_hash_table_remove (devices->busy, self->address);
  devices->running--;
}

static gpointer
request_main (gpointer data)
{
  g_autoptr (GTask) task = data;
  Request *request = g_task_get_task_data (task);
  GError *error = NULL;
  gboolean ok = request->verb->run (request, &error);

  request_end (request);
  if (ok)
    g_task_return_pointer (task, g_steal_pointer (&request->answer), g_free);
  else
    g_task_return_error (task, error);
  return NULL;
}

static gboolean
request_start (Request *self, GTask *task, GError **error)
{
  g_autoptr (GThread) thread = NULL;

  if (!request_begin (self, error))
    return FALSE;
  thread = g_thread_try_new (self->verb->name, request_main, g_object_ref (task), error);
  if (thread != NULL)
    return TRUE;
  g_object_unref (task);
  request_end (self);
  return FALSE;
}

static gboolean
check_question (const DeviceQuestion *question, GError **error)
{
  gsize size = MAX (question->match_size, question->match_length);

  if (!accmig_address_is_valid (question->address, NULL))
    {
      g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_INVALID, "“%.*s” is no address of a device",
                   text_quotable (question->address), question->address);
      return FALSE;
    }
  if (size > BROKER_MATCH_MAX)
    {
      g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_LIMIT, "match data of %zu bytes, %d are the limit", size,
                   BROKER_MATCH_MAX);
      return FALSE;
    }
  if (question->n_states > BROKER_WALK_MAX)
    {
      g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_LIMIT, "a walk of %zu states, %d are the limit",
                   question->n_states, BROKER_WALK_MAX);
      return FALSE;
    }
  return TRUE;
}

void
devices_ask_async (Devices *self, const DeviceQuestion *question, GCancellable *gone,
                   GAsyncReadyCallback callback, gpointer user)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, user);
  GError *error = NULL;
  Request *request;

  if (!check_question (question, &error))
    {
      g_task_return_error (task, error);
      return;
    }
  request = request_new (self, question, gone);
  g_task_set_task_data (task, request, request_free);
  if (request->verb->streams && !request_take_stream (request, question->stream_fd, &error))
    {
      g_task_return_error (task, error);
      return;
    }
  if (!request_start (request, task, &error))
    g_task_return_error (task, error);
}

DeviceAnswer *
devices_ask_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

void
devices_abort (Devices *self, const char *address)
{
  g_autoptr (GMutexLocker) G_GNUC_UNUSED locker = g_mutex_locker_new (&self->lock);
  Request *request = g_hash_table_lookup (self->busy, address);

  if (request != NULL && request->verb->streams)
    g_cancellable_cancel (request->stop);
}
