/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "client.h"

#include "common/bus-loop.h"

/* What a person gets for a password, at most; the agent waits 120 s for polkit. */
#define CLIENT_PASSWORD_LIMIT_USEC (150 * (guint64)G_USEC_PER_SEC)

/*
 * The connection, for the client's own files: calls (client.c), transfers, watches.
 */

struct _Client
{
  sd_bus *bus;
  char *host;     /* (nullable) */
  int complaints; /* what ssh writes to its standard error; -1 when there is no ssh */
};

/** client_fail: sets @error to one sentence about @bus_error. Returns: FALSE */
gboolean client_fail (const Client *client, const sd_bus_error *bus_error, GError **error);

/** client_fail_errno: the same for a negative errno of sd-bus's. Returns: FALSE */
gboolean client_fail_errno (const Client *client, int r, GError **error);

/** client_new_call: a method call to the agent; where a person sits, one that may ask for a password */
int client_new_call (const Client *client, const char *interface, const char *member,
                     sd_bus_message **ret_message);

/** client_send: Returns: (transfer full) (nullable): the first value of the answer to @message */
GVariant *client_send (Client *client, sd_bus_message *message, guint64 limit_usec, GError **error);

/** client_check_text: Returns: whether @text can travel over D-Bus; else sets @error, as the user wrote it */
gboolean client_check_text (const char *text, GError **error);
