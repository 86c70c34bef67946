// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Broker client: the verbs
 *
 * Each is a call to begin, a reader of its answer, and a finish.
 */

#include "broker-client-private.h"

#include "common/broker-protocol.h"

#define CALL_TIMEOUT_USEC  (20 * G_USEC_PER_SEC)
#define WRITE_TIMEOUT_USEC (60 * G_USEC_PER_SEC)  /* libvirt waits up to 30 s for its lock */
#define MOVE_TIMEOUT_USEC  (600 * G_USEC_PER_SEC) /* a stream of gigabytes to a slow disk */

/* Of what opens a device or changes its driver, which the prober waits for. Longer than any hook-timeout: a
 * hook is not to be told that a device is closed while the broker still has it. */
#define USE_TIMEOUT_USEC (65 * G_USEC_PER_SEC)

void
broker_probe_free (BrokerProbe *probe)
{
  if (probe == NULL)
    return;
  g_free (probe->match);
  g_free (probe);
}

gpointer
broker_client_fail_answer (GError **error, int r)
{
  g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_IO, "the broker's answer cannot be read: %s",
               g_strerror (-r));
  return NULL;
}

gpointer
broker_client_read_nothing (sd_bus_message *m, GError **error)
{
  return NULL;
}

static gpointer
read_probe (sd_bus_message *m, GError **error)
{
  g_autoptr (BrokerProbe) probe = g_new0 (BrokerProbe, 1);
  const void *match = NULL;
  size_t length = 0;
  int tracks_dirty = 0;
  int r = sd_bus_message_read (m, "tt", &probe->flags, &probe->stop_copy_size);

  if (r >= 0)
    r = sd_bus_message_read_array (m, 'y', &match, &length);
  if (r >= 0)
    r = sd_bus_message_read (m, "sb", NULL, &tracks_dirty);
  if (r >= 0 && length > BROKER_MATCH_MAX)
    r = -EMSGSIZE;
  if (r < 0)
    return broker_client_fail_answer (error, r);
  probe->match = g_memdup2 (match, length);
  probe->match_length = length;
  probe->tracking = tracks_dirty != 0 ? ACCMIG_TRACKING_YES : ACCMIG_TRACKING_NO;
  return g_steal_pointer (&probe);
}

static gpointer
read_peek (sd_bus_message *m, GError **error)
{
  g_autofree BrokerPeek *peek = g_new0 (BrokerPeek, 1);
  const char *state = NULL;
  int r = sd_bus_message_read (m, "utsx", &peek->pid, &peek->flags, &state, &peek->at_usec);

  if (r < 0)
    return broker_client_fail_answer (error, r);
  peek->has_state = accmig_state_from_string (state, &peek->state);
  return g_steal_pointer (&peek);
}

static gpointer
read_trial (sd_bus_message *m, GError **error)
{
  g_autofree BrokerTrial *trial = g_new0 (BrokerTrial, 1);
  const char *refusal = NULL;
  int accepted = 0;
  int r = sd_bus_message_read (m, "bs", &accepted, &refusal);

  if (r < 0)
    return broker_client_fail_answer (error, r);
  trial->accepted = accepted != 0;
  (void)g_strlcpy (trial->refusal, refusal, sizeof trial->refusal);
  return g_steal_pointer (&trial);
}

static gpointer
read_bytes_moved (sd_bus_message *m, GError **error)
{
  g_autofree guint64 *bytes = g_new0 (guint64, 1);
  int r = sd_bus_message_read (m, "t", bytes);

  if (r < 0)
    return broker_client_fail_answer (error, r);
  return g_steal_pointer (&bytes);
}

static gpointer
read_text (sd_bus_message *m, gsize max, GError **error)
{
  const void *text = NULL;
  size_t length = 0;
  int r = sd_bus_message_read_array (m, 'y', &text, &length);

  if (r >= 0 && length > max)
    r = -EMSGSIZE;
  if (r < 0)
    return broker_client_fail_answer (error, r);
  return g_bytes_new (text, length);
}

static gpointer
read_evidence (sd_bus_message *m, GError **error)
{
  return read_text (m, BROKER_EVIDENCE_MAX, error);
}

static gpointer
read_log_tail (sd_bus_message *m, GError **error)
{
  return read_text (m, BROKER_LOG_TAIL, error);
}

void
broker_client_call (BrokerClient *self, const BrokerVerb *verb, GAsyncReadyCallback callback, gpointer user,
                    const char *types, ...)
{
  g_autoptr (sd_bus_message) m = NULL;
  g_autoptr (GTask) task = broker_client_begin_call (self, verb->name, callback, user, &m);
  va_list args;
  int r = 0;

  if (task == NULL)
    return;
  va_start (args, types);
  r = sd_bus_message_appendv (m, types, args);
  va_end (args);
  broker_client_send_call (self, task, m, r, verb->timeout_usec, verb->read, verb->free_answer);
}

void
broker_client_probe_async (BrokerClient *self, const char *address, gsize match_size,
                           GAsyncReadyCallback callback, gpointer user)
{
  static const BrokerVerb verb = { "Probe", USE_TIMEOUT_USEC, read_probe, (GDestroyNotify)broker_probe_free };

  broker_client_call (self, &verb, callback, user, "su", address, (guint32)match_size);
}

BrokerProbe *
broker_client_probe_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

void
broker_client_peek_async (BrokerClient *self, const char *address, GAsyncReadyCallback callback,
                          gpointer user)
{
  static const BrokerVerb verb = { "Peek", CALL_TIMEOUT_USEC, read_peek, g_free };

  broker_client_call (self, &verb, callback, user, "s", address);
}

gboolean
broker_client_peek_finish (GAsyncResult *result, BrokerPeek *ret_peek, GError **error)
{
  g_autofree BrokerPeek *peek = g_task_propagate_pointer (G_TASK (result), error);

  if (peek == NULL)
    return FALSE;
  *ret_peek = *peek;
  return TRUE;
}

void
broker_client_save_async (BrokerClient *self, const char *address, int fd, GAsyncReadyCallback callback,
                          gpointer user)
{
  static const BrokerVerb verb = { "Save", MOVE_TIMEOUT_USEC, read_bytes_moved, g_free };

  broker_client_call (self, &verb, callback, user, "sh", address, fd);
}

void
broker_client_load_async (BrokerClient *self, const char *address, int fd, GAsyncReadyCallback callback,
                          gpointer user)
{
  static const BrokerVerb verb = { "Load", MOVE_TIMEOUT_USEC, read_bytes_moved, g_free };

  broker_client_call (self, &verb, callback, user, "sh", address, fd);
}

gboolean
broker_client_transfer_finish (GAsyncResult *result, guint64 *ret_bytes, GError **error)
{
  g_autofree guint64 *bytes = g_task_propagate_pointer (G_TASK (result), error);

  if (bytes == NULL)
    return FALSE;
  *ret_bytes = *bytes;
  return TRUE;
}

void
broker_client_trial_async (BrokerClient *self, const char *address, GBytes *match,
                           GAsyncReadyCallback callback, gpointer user)
{
  g_autoptr (sd_bus_message) m = NULL;
  g_autoptr (GTask) task = broker_client_begin_call (self, "Trial", callback, user, &m);
  gsize length = 0;
  gconstpointer bytes = g_bytes_get_data (match, &length);
  int r = 0;

  if (task == NULL)
    return;
  r = sd_bus_message_append (m, "s", address);
  if (r >= 0)
    r = sd_bus_message_append_array (m, 'y', bytes, length);
  broker_client_send_call (self, task, m, r, USE_TIMEOUT_USEC, read_trial, g_free);
}

gboolean
broker_client_trial_finish (GAsyncResult *result, BrokerTrial *ret_trial, GError **error)
{
  g_autofree BrokerTrial *trial = g_task_propagate_pointer (G_TASK (result), error);

  if (trial == NULL)
    return FALSE;
  *ret_trial = *trial;
  return TRUE;
}

gboolean
broker_client_finish_nothing (GAsyncResult *result, GError **error)
{
  (void)g_task_propagate_pointer (G_TASK (result), error);
  return !g_task_had_error (G_TASK (result));
}

void
broker_client_bind_async (BrokerClient *self, const char *address, const char *driver,
                          GAsyncReadyCallback callback, gpointer user)
{
  static const BrokerVerb verb = { "Bind", USE_TIMEOUT_USEC, broker_client_read_nothing, NULL };

  broker_client_call (self, &verb, callback, user, "ss", address, driver);
}

gboolean
broker_client_bind_finish (GAsyncResult *result, GError **error)
{
  return broker_client_finish_nothing (result, error);
}

void
broker_client_create_mdev_async (BrokerClient *self, const char *parent, const char *type, const char *uuid,
                                 GAsyncReadyCallback callback, gpointer user)
{
  static const BrokerVerb verb = { "CreateMdev", CALL_TIMEOUT_USEC, broker_client_read_nothing, NULL };

  broker_client_call (self, &verb, callback, user, "sss", parent, type, uuid);
}

gboolean
broker_client_create_mdev_finish (GAsyncResult *result, GError **error)
{
  return broker_client_finish_nothing (result, error);
}

void
broker_client_remove_mdev_async (BrokerClient *self, const char *uuid, GAsyncReadyCallback callback,
                                 gpointer user)
{
  static const BrokerVerb verb = { "RemoveMdev", CALL_TIMEOUT_USEC, broker_client_read_nothing, NULL };

  broker_client_call (self, &verb, callback, user, "s", uuid);
}

gboolean
broker_client_remove_mdev_finish (GAsyncResult *result, GError **error)
{
  return broker_client_finish_nothing (result, error);
}

void
broker_client_evidence_async (BrokerClient *self, const char *address, GAsyncReadyCallback callback,
                              gpointer user)
{
  static const BrokerVerb verb = { "Evidence", CALL_TIMEOUT_USEC, read_evidence,
                                   (GDestroyNotify)g_bytes_unref };

  broker_client_call (self, &verb, callback, user, "s", address);
}

GBytes *
broker_client_evidence_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

void
broker_client_set_metadata_async (BrokerClient *self, const char *uuid, const char *xml,
                                  GAsyncReadyCallback callback, gpointer user)
{
  static const BrokerVerb verb = { "SetMetadata", WRITE_TIMEOUT_USEC, broker_client_read_nothing, NULL };

  broker_client_call (self, &verb, callback, user, "ss", uuid, xml);
}

gboolean
broker_client_set_metadata_finish (GAsyncResult *result, GError **error)
{
  return broker_client_finish_nothing (result, error);
}

void
broker_client_read_log_async (BrokerClient *self, const char *name, GAsyncReadyCallback callback,
                              gpointer user)
{
  static const BrokerVerb verb = { "ReadLog", CALL_TIMEOUT_USEC, read_log_tail,
                                   (GDestroyNotify)g_bytes_unref };

  broker_client_call (self, &verb, callback, user, "s", name);
}

GBytes *
broker_client_read_log_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
