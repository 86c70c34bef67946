// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * States of registered devices
 */

#include "client-carry.h"

#include <accmig/error.h>
#include <unistd.h>

#include "client-private.h"
#include "common/names.h"

/* As long as a migration may take. The agents' own limits are shorter; this one is for an agent that hangs.
 */
#define STREAM_LIMIT_USEC (25 * 3600 * (guint64)G_USEC_PER_SEC)

typedef struct
{
  Client *client;
  ClientSent sent;
  gpointer user;
} Sending;

static void
on_closed (sd_bus *bus, gpointer user)
{
  const ClientAttachment *attachment = user;

  attachment->lost (attachment->user);
}

guint
client_attach (Client *self, ClientAttachment *attachment)
{
  return bus_loop_attach (self->bus, on_closed, attachment);
}

static int
on_sent (sd_bus_message *reply, void *user, sd_bus_error *ret_error)
{
  g_autofree Sending *sending = user;
  g_autoptr (GError) error = NULL;
  guint64 bytes = 0;
  int r = 0;

  if (sd_bus_message_is_method_error (reply, NULL))
    client_fail (sending->client, sd_bus_message_get_error (reply), &error);
  else
    r = sd_bus_message_read (reply, "t", &bytes);
  if (r < 0)
    client_fail_errno (sending->client, r, &error);
  sending->sent (bytes, error, sending->user);
  return 1;
}

gboolean
client_send_registered (Client *self, const char *uuid, const char *name, int fd, ClientSent sent,
                        gpointer user, GError **error)
{
  g_autoptr (sd_bus_message) message = NULL;
  Sending *sending = NULL;
  int r = client_new_call (self, ACCMIG_IFACE_MANAGER, "SendRegistered", &message);

  if (r >= 0)
    r = sd_bus_message_append (message, "ssh", uuid, name, fd);
  if (r < 0)
    return client_fail_errno (self, r, error);
  sending = g_new0 (Sending, 1);
  *sending = (Sending){ self, sent, user };
  r = sd_bus_call_async (self->bus, NULL, message, on_sent, sending, STREAM_LIMIT_USEC);
  if (r >= 0)
    return TRUE;
  g_free (sending);
  return client_fail_errno (self, r, error);
}

gboolean
client_receive_registered (Client *self, int in, int out, GError **error)
{
  g_auto (sd_bus_error) bus_error = SD_BUS_ERROR_NULL;
  g_autoptr (sd_bus_message) message = NULL;
  int r = client_new_call (self, ACCMIG_IFACE_MANAGER, "ReceiveRegistered", &message);

  if (r >= 0)
    r = sd_bus_message_append (message, "hh", in, out);
  if (r < 0)
    return client_fail_errno (self, r, error);
  r = sd_bus_call (self->bus, message, STREAM_LIMIT_USEC, &bus_error, NULL);
  return r >= 0 || client_fail (self, &bus_error, error);
}

gboolean
client_ping (Client *self, GError **error)
{
  g_autoptr (GVariant) answer = client_call (self, error, "ListMigrations", "u", 1);

  return answer != NULL;
}
