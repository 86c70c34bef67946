// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Broker client: the verbs on adopted devices
 *
 * Each is a call to begin, a reader of its answer, and a finish.
 */

#include "broker-client-adopted.h"

#include "broker-client-private.h"

/* A driver may hang; who drives has limits of its own, all of them shorter. */
#define STEP_TIMEOUT_USEC (150 * G_USEC_PER_SEC)

/* As long as a guest may be copied: the stream's beginning comes long before its end. */
#define STREAM_TIMEOUT_USEC (G_GUINT64_CONSTANT (6) * 3600 * G_USEC_PER_SEC)

static gpointer
fail_state (GError **error, const char *state)
{
  g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_IO, "the broker's answer has “%s”, which is no state",
               state);
  return NULL;
}

/* ---- Adopt, Disown ---- */

static gpointer
read_adoption (sd_bus_message *m, GError **error)
{
  g_autofree BrokerAdoption *adoption = g_new0 (BrokerAdoption, 1);
  const char *state = NULL;
  int tracks_dirty = 0;
  int r = sd_bus_message_read (m, "ttsb", &adoption->flags, &adoption->stop_copy_size, &state, &tracks_dirty);

  if (r < 0)
    return broker_client_fail_answer (error, r);
  if (!accmig_state_from_string (state, &adoption->state))
    return fail_state (error, state);
  adoption->tracking = tracks_dirty != 0 ? ACCMIG_TRACKING_YES : ACCMIG_TRACKING_NO;
  return g_steal_pointer (&adoption);
}

void
broker_client_adopt_async (BrokerClient *self, const char *id, int fd, GAsyncReadyCallback callback,
                           gpointer user)
{
  static const BrokerVerb verb = { "Adopt", STEP_TIMEOUT_USEC, read_adoption, g_free };

  broker_client_call (self, &verb, callback, user, "sh", id, fd);
}

gboolean
broker_client_adopt_finish (GAsyncResult *result, BrokerAdoption *ret_adoption, GError **error)
{
  g_autofree BrokerAdoption *adoption = g_task_propagate_pointer (G_TASK (result), error);

  if (adoption == NULL)
    return FALSE;
  *ret_adoption = *adoption;
  return TRUE;
}

void
broker_client_disown_async (BrokerClient *self, const char *id, GAsyncReadyCallback callback, gpointer user)
{
  static const BrokerVerb verb = { "Disown", STEP_TIMEOUT_USEC, broker_client_read_nothing, NULL };

  broker_client_call (self, &verb, callback, user, "s", id);
}

gboolean
broker_client_disown_finish (GAsyncResult *result, GError **error)
{
  return broker_client_finish_nothing (result, error);
}

/* ---- Step, StateOf, ResetAdopted ---- */

static gpointer
read_step (sd_bus_message *m, GError **error)
{
  g_autofree BrokerStep *step = g_new0 (BrokerStep, 1);
  const char *state = NULL, *refusal = NULL;
  int r = sd_bus_message_read (m, "ss", &state, &refusal);

  if (r < 0)
    return broker_client_fail_answer (error, r);
  if (!accmig_state_from_string (state, &step->state))
    return fail_state (error, state);
  (void)g_strlcpy (step->refusal, refusal, sizeof step->refusal);
  return g_steal_pointer (&step);
}

void
broker_client_step_async (BrokerClient *self, const char *id, AccmigState wanted,
                          GAsyncReadyCallback callback, gpointer user)
{
  static const BrokerVerb verb = { "Step", STEP_TIMEOUT_USEC, read_step, g_free };

  broker_client_call (self, &verb, callback, user, "ss", id, accmig_state_to_string (wanted));
}

gboolean
broker_client_step_finish (GAsyncResult *result, BrokerStep *ret_step, GError **error)
{
  g_autofree BrokerStep *step = g_task_propagate_pointer (G_TASK (result), error);

  if (step == NULL)
    return FALSE;
  *ret_step = *step;
  return TRUE;
}

static gpointer
read_state (sd_bus_message *m, GError **error)
{
  g_autofree AccmigState *state = g_new0 (AccmigState, 1);
  const char *name = NULL;
  int r = sd_bus_message_read (m, "s", &name);

  if (r < 0)
    return broker_client_fail_answer (error, r);
  if (!accmig_state_from_string (name, state))
    return fail_state (error, name);
  return g_steal_pointer (&state);
}

void
broker_client_state_of_async (BrokerClient *self, const char *id, GAsyncReadyCallback callback, gpointer user)
{
  static const BrokerVerb verb = { "StateOf", STEP_TIMEOUT_USEC, read_state, g_free };

  broker_client_call (self, &verb, callback, user, "s", id);
}

gboolean
broker_client_state_of_finish (GAsyncResult *result, AccmigState *ret_state, GError **error)
{
  g_autofree AccmigState *state = g_task_propagate_pointer (G_TASK (result), error);

  if (state == NULL)
    return FALSE;
  *ret_state = *state;
  return TRUE;
}

void
broker_client_reset_adopted_async (BrokerClient *self, const char *id, GAsyncReadyCallback callback,
                                   gpointer user)
{
  static const BrokerVerb verb = { "ResetAdopted", STEP_TIMEOUT_USEC, broker_client_read_nothing, NULL };

  broker_client_call (self, &verb, callback, user, "s", id);
}

gboolean
broker_client_reset_adopted_finish (GAsyncResult *result, GError **error)
{
  return broker_client_finish_nothing (result, error);
}

/* ---- Drain, Fill ---- */

static gpointer
read_drain (sd_bus_message *m, GError **error)
{
  g_autofree BrokerDrain *drain = g_new0 (BrokerDrain, 1);
  int ended = 0;
  int r = sd_bus_message_read (m, "tb", &drain->bytes, &ended);

  if (r < 0)
    return broker_client_fail_answer (error, r);
  drain->ended = ended != 0;
  return g_steal_pointer (&drain);
}

void
broker_client_drain_async (BrokerClient *self, const char *id, int fd, gboolean final,
                           GAsyncReadyCallback callback, gpointer user)
{
  static const BrokerVerb verb = { "Drain", STREAM_TIMEOUT_USEC, read_drain, g_free };

  broker_client_call (self, &verb, callback, user, "shb", id, fd, (int) final);
}

gboolean
broker_client_drain_finish (GAsyncResult *result, BrokerDrain *ret_drain, GError **error)
{
  g_autofree BrokerDrain *drain = g_task_propagate_pointer (G_TASK (result), error);

  if (drain == NULL)
    return FALSE;
  *ret_drain = *drain;
  return TRUE;
}

static gpointer
read_fill (sd_bus_message *m, GError **error)
{
  g_autofree BrokerFill *fill = g_new0 (BrokerFill, 1);
  const char *refusal = NULL;
  int r = sd_bus_message_read (m, "ts", &fill->bytes, &refusal);

  if (r < 0)
    return broker_client_fail_answer (error, r);
  (void)g_strlcpy (fill->refusal, refusal, sizeof fill->refusal);
  return g_steal_pointer (&fill);
}

void
broker_client_fill_async (BrokerClient *self, const char *id, int fd, GAsyncReadyCallback callback,
                          gpointer user)
{
  static const BrokerVerb verb = { "Fill", STREAM_TIMEOUT_USEC, read_fill, g_free };

  broker_client_call (self, &verb, callback, user, "sh", id, fd);
}

gboolean
broker_client_fill_finish (GAsyncResult *result, BrokerFill *ret_fill, GError **error)
{
  g_autofree BrokerFill *fill = g_task_propagate_pointer (G_TASK (result), error);

  if (fill == NULL)
    return FALSE;
  *ret_fill = *fill;
  return TRUE;
}

/* ---- ListAdopted ---- */

static void
adopted_free (gpointer data)
{
  BrokerAdopted *adopted = data;

  g_free (adopted->id);
  g_free (adopted);
}

static gpointer
read_list (sd_bus_message *m, GError **error)
{
  g_autoptr (GPtrArray) list = g_ptr_array_new_with_free_func (adopted_free);
  const char *id = NULL, *state = NULL;
  int r = sd_bus_message_enter_container (m, 'a', "(ss)");

  while (r >= 0 && (r = sd_bus_message_read (m, "(ss)", &id, &state)) > 0)
    {
      BrokerAdopted *adopted = g_new0 (BrokerAdopted, 1);

      adopted->id = g_strdup (id);
      g_ptr_array_add (list, adopted);
      if (!accmig_state_from_string (state, &adopted->state))
        return fail_state (error, state);
    }
  if (r < 0)
    return broker_client_fail_answer (error, r);
  return g_steal_pointer (&list);
}

void
broker_client_list_adopted_async (BrokerClient *self, GAsyncReadyCallback callback, gpointer user)
{
  static const BrokerVerb verb = { "ListAdopted", STEP_TIMEOUT_USEC, read_list,
                                   (GDestroyNotify)g_ptr_array_unref };

  broker_client_call (self, &verb, callback, user, "");
}

GPtrArray *
broker_client_list_adopted_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
