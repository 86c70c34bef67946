// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Broker client: walks, resets, and breaking off
 */

#include "broker-client-walk.h"

#include "broker-client-private.h"

#define WALK_TIMEOUT_USEC  (150 * G_USEC_PER_SEC) /* an arc may take what the hardware takes */
#define RESET_TIMEOUT_USEC (20 * G_USEC_PER_SEC)

static gpointer
fail_answer (GError **error, int r)
{
  g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_IO, "the broker's answer cannot be read: %s",
               g_strerror (-r));
  return NULL;
}

/* 0 at the end. */
static int
read_step (sd_bus_message *m, BrokerWalkStep *step)
{
  const char *from, *to, *refusal, *left_in;
  int r = sd_bus_message_read (m, "(ssxss)", &from, &to, &step->usec, &refusal, &left_in);

  if (r <= 0)
    return r;
  (void)g_strlcpy (step->refusal, refusal, sizeof step->refusal);
  return accmig_state_from_string (from, &step->from) && accmig_state_from_string (to, &step->to)
                 && accmig_state_from_string (left_in, &step->left_in)
             ? 1
             : -EBADMSG;
}

static gpointer
read_walk (sd_bus_message *m, GError **error)
{
  g_autofree BrokerWalk *walk = g_new0 (BrokerWalk, 1);
  BrokerWalkStep step;
  int r = sd_bus_message_read (m, "t", &walk->flags);

  if (r >= 0)
    r = sd_bus_message_enter_container (m, 'a', "(ssxss)");
  if (r < 0)
    return fail_answer (error, r);
  while ((r = read_step (m, &step)) > 0 && walk->n_steps < BROKER_WALK_MAX)
    walk->steps[walk->n_steps++] = step;
  if (r != 0)
    return fail_answer (error, r < 0 ? r : -EMSGSIZE);
  return g_steal_pointer (&walk);
}

static gpointer
read_nothing (sd_bus_message *m, GError **error)
{
  return NULL;
}

void
broker_client_walk_async (BrokerClient *self, const char *address, char *const *states,
                          GAsyncReadyCallback callback, gpointer user)
{
  g_autoptr (sd_bus_message) m = NULL;
  g_autoptr (GTask) task = broker_client_begin_call (self, "Walk", callback, user, &m);
  int r;

  if (task == NULL)
    return;
  r = sd_bus_message_append (m, "s", address);
  if (r >= 0)
    r = sd_bus_message_append_strv (m, (char **)states);
  broker_client_send_call (self, task, m, r, WALK_TIMEOUT_USEC, read_walk, g_free);
}

BrokerWalk *
broker_client_walk_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

/* A verb that takes an address and answers nothing. */
static void
call_nothing (BrokerClient *self, const char *verb, const char *address, GAsyncReadyCallback callback,
              gpointer user)
{
  g_autoptr (sd_bus_message) m = NULL;
  g_autoptr (GTask) task = broker_client_begin_call (self, verb, callback, user, &m);

  if (task != NULL)
    broker_client_send_call (self, task, m, sd_bus_message_append (m, "s", address), RESET_TIMEOUT_USEC,
                             read_nothing, NULL);
}

void
broker_client_reset_async (BrokerClient *self, const char *address, GAsyncReadyCallback callback,
                           gpointer user)
{
  call_nothing (self, "Reset", address, callback, user);
}

void
broker_client_reset_held_async (BrokerClient *self, const char *address, GAsyncReadyCallback callback,
                                gpointer user)
{
  call_nothing (self, "ResetHeld", address, callback, user);
}

gboolean
broker_client_reset_finish (GAsyncResult *result, GError **error)
{
  (void)g_task_propagate_pointer (G_TASK (result), error);
  return !g_task_had_error (G_TASK (result));
}

void
broker_client_abort (BrokerClient *self, const char *address)
{
  call_nothing (self, "Abort", address, NULL, NULL);
}
