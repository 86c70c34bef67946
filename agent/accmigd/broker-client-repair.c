// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Broker client: bringing a guest's device to running
 */

#include "broker-client-private.h"

#define TIMEOUT_USEC (60 * G_USEC_PER_SEC) /* a device may load gigabytes on its way out of resuming */

typedef struct
{
  AccmigState found, left;
} Answer;

static gpointer
read_answer (sd_bus_message *m, GError **error)
{
  g_autofree Answer *answer = g_new0 (Answer, 1);
  const char *found = NULL, *left = NULL;
  int r = sd_bus_message_read (m, "ss", &found, &left);

  if (r >= 0
      && (!accmig_state_from_string (found, &answer->found)
          || !accmig_state_from_string (left, &answer->left)))
    r = -EBADMSG;
  if (r < 0)
    return broker_client_fail_answer (error, r);
  return g_steal_pointer (&answer);
}

void
broker_client_repair_async (BrokerClient *self, const char *address, AccmigState seen,
                            GAsyncReadyCallback callback, gpointer user)
{
  static const BrokerVerb verb = { "Repair", TIMEOUT_USEC, read_answer, g_free };

  broker_client_call (self, &verb, callback, user, "ss", address, accmig_state_to_string (seen));
}

gboolean
broker_client_repair_finish (GAsyncResult *result, AccmigState *ret_found, AccmigState *ret_left,
                             GError **error)
{
  g_autofree Answer *answer = g_task_propagate_pointer (G_TASK (result), error);

  if (answer == NULL)
    return FALSE;
  *ret_found = answer->found;
  *ret_left = answer->left;
  return TRUE;
}
