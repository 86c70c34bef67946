/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "broker-client.h"

#include "common/broker-protocol.h"

/*
 * The broker's verbs for a person at a free device: taking it through states, resetting it, and breaking off
 * what was begun.
 */

/* One SET of a walk. */
typedef struct
{
  AccmigState from;
  AccmigState to;
  AccmigState left_in; /* as GET says afterwards */
  char refusal[16];    /* the errno's name, "EINVAL"; "" when @left_in is @to */
  gint64 usec;         /* that it took */
} BrokerWalkStep;

/* What Walk answered. */
typedef struct
{
  guint64 flags;
  BrokerWalkStep steps[BROKER_WALK_MAX];
  gsize n_steps;
} BrokerWalk;

/* @states: names of states, NULL-terminated */
void broker_client_walk_async (BrokerClient *client, const char *address, char *const *states,
                               GAsyncReadyCallback callback, gpointer user);
/* (transfer full) (nullable): free with g_free() */
BrokerWalk *broker_client_walk_finish (GAsyncResult *result, GError **error);

void broker_client_reset_async (BrokerClient *client, const char *address, GAsyncReadyCallback callback,
                                gpointer user);
gboolean broker_client_reset_finish (GAsyncResult *result, GError **error);

/* Of a device that a guest has; finished with broker_client_reset_finish(), too. */
void broker_client_reset_held_async (BrokerClient *client, const char *address, GAsyncReadyCallback callback,
                                     gpointer user);

/* Breaks off the Save or Load of @address; whoever waits for that hears of it. */
void broker_client_abort (BrokerClient *client, const char *address);
