/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "client.h"

/*
 * States of registered devices, handed to and taken from this host's agent.
 */

typedef struct
{
  void (*lost) (gpointer user); /* called once when the connection is gone */
  gpointer user;
} ClientAttachment;

/**
 * client_attach:
 * @attachment: borrowed as long as the source is there
 * Lets answers come in the default main context.
 * Returns: the source's id, for g_source_remove(); the source goes by itself with the connection
 */
guint client_attach (Client *client, ClientAttachment *attachment);

/* @error: (nullable): NULL: loaded at the other side; REFUSED with its sentence. Borrowed */
typedef void (*ClientSent) (guint64 bytes, const GError *error, gpointer user);

/**
 * client_send_registered:
 * @uuid: of the domain
 * @name: of the registered device
 * @fd: socket to the other host's agent; a duplicate travels
 * @sent: called when that agent has answered, which is when the guest has been copied; the connection is
 * attached until then
 */
gboolean client_send_registered (Client *client, const char *uuid, const char *name, int fd, ClientSent sent,
                                 gpointer user, GError **error);

/**
 * client_receive_registered:
 * @in: what another agent sends
 * @out: where this one's answer goes
 * Waits until all is loaded, or refused, which is then an error as well.
 */
gboolean client_receive_registered (Client *client, int in, int out, GError **error);

/* Whether the agent answers at all. */
gboolean client_ping (Client *client, GError **error);
