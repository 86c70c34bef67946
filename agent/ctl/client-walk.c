// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Moving and resetting a device
 */

#include "client-private.h"

#include <accmig/error.h>

#include "common/names.h"

/* The agent gives the broker 150 s, and before that a person may be asked for a password. */
#define LIMIT_USEC (150 * (guint64)G_USEC_PER_SEC + CLIENT_PASSWORD_LIMIT_USEC)

#define STEPS_TYPE "a(ssastss)"

static int
new_walk (Client *self, const char *address, char *const *states, sd_bus_message **ret_message)
{
  g_autoptr (sd_bus_message) message = NULL;
  int r = client_new_call (self, ACCMIG_IFACE_MANAGER, "SetState", &message);

  if (r >= 0)
    r = sd_bus_message_append (message, "s", address);
  if (r >= 0)
    r = sd_bus_message_append_strv (message, (char **)states);
  if (r >= 0)
    *ret_message = g_steal_pointer (&message);
  return r;
}

GVariant *
client_set_state (Client *self, const char *address, char *const *states, GError **error)
{
  g_autoptr (sd_bus_message) message = NULL;
  g_autoptr (GVariant) steps = NULL;
  int r;

  if (!client_check_text (address, error))
    return NULL;
  r = new_walk (self, address, states, &message);
  if (r < 0)
    {
      client_fail_errno (self, r, error);
      return NULL;
    }
  steps = client_send (self, message, LIMIT_USEC, error);
  if (steps == NULL || g_variant_is_of_type (steps, G_VARIANT_TYPE (STEPS_TYPE)))
    return g_steal_pointer (&steps);
  g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_IO,
               "the agent answers SetState with a value of type “%s”, wanted is “" STEPS_TYPE "”",
               g_variant_get_type_string (steps));
  return NULL;
}

gboolean
client_reset (Client *self, const char *address, GError **error)
{
  g_auto (sd_bus_error) bus_error = SD_BUS_ERROR_NULL;
  g_autoptr (sd_bus_message) message = NULL;
  int r;

  if (!client_check_text (address, error))
    return FALSE;
  r = client_new_call (self, ACCMIG_IFACE_MANAGER, "ResetDevice", &message);
  if (r >= 0)
    r = sd_bus_message_append (message, "s", address);
  if (r < 0)
    return client_fail_errno (self, r, error);
  r = sd_bus_call (self->bus, message, LIMIT_USEC, &bus_error, NULL);
  return r >= 0 || client_fail (self, &bus_error, error);
}
