/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "broker-client.h"

#include "common/bus-loop.h"

/* What the verbs need of the connection. */

/* Reads the answer to one verb; NULL with @error set when it does not have the form promised. */
typedef gpointer (*BrokerReadAnswer) (sd_bus_message *m, GError **error);

/* A task whose callback is due, and a message to fill for it; NULL when it was answered already. */
GTask *broker_client_begin_call (BrokerClient *client, const char *verb, GAsyncReadyCallback callback,
                                 gpointer user, sd_bus_message **ret_message);

/* Sends @message, which may be NULL when @r says that it could not be made. */
void broker_client_send_call (BrokerClient *client, GTask *task, sd_bus_message *message, int r,
                              guint64 timeout_usec, BrokerReadAnswer read, GDestroyNotify free_answer);

/* What a verb is called, how long it may take, and what becomes of its answer. */
typedef struct
{
  const char *name;
  guint64 timeout_usec;
  BrokerReadAnswer read;
  GDestroyNotify free_answer;
} BrokerVerb;

/* Both of the above. @types: of the arguments that follow, as sd_bus_message_append() has them. */
void broker_client_call (BrokerClient *client, const BrokerVerb *verb, GAsyncReadyCallback callback,
                         gpointer user, const char *types, ...);

/* For verbs that answer nothing. */
gpointer broker_client_read_nothing (sd_bus_message *m, GError **error);
gboolean broker_client_finish_nothing (GAsyncResult *result, GError **error);

/* For a reader: the answer has another form than was promised. NULL, always. */
gpointer broker_client_fail_answer (GError **error, int r);
