// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The log of what is done by hand
 */

#include "hand-log.h"

#include "log.h"

static void
say (uid_t caller, const char *device, const char *what, const char *outcome)
{
  log_event (LOG_EVENT_BY_HAND, &(LogContext){ .device = device }, "%s %s by user %u: %s", device, what,
             caller, outcome);
}

char *
hand_log_describe_states (char *const *states)
{
  g_autoptr (GString) text = g_string_new ("set to");
  const char *separator = " ";

  for (gsize i = 0; states[i] != NULL && i < BROKER_WALK_MAX; i++)
    {
      AccmigState state;

      if (!accmig_state_from_string (states[i], &state))
        continue;
      g_string_append_printf (text, "%s%s", separator, accmig_state_to_string (state));
      separator = ", ";
    }
  return g_string_free (g_steal_pointer (&text), FALSE);
}

void
hand_log_walk (uid_t caller, const char *device, const char *what, const BrokerWalk *walk)
{
  const BrokerWalkStep *last = walk->n_steps > 0 ? &walk->steps[walk->n_steps - 1] : NULL;
  g_autofree char *outcome = NULL;

  if (last == NULL)
    return;
  if (*last->refusal != '\0')
    outcome = g_strdup_printf ("%s on the way to %s, which left it in %s", last->refusal,
                               accmig_state_to_string (last->to), accmig_state_to_string (last->left_in));
  else
    outcome = g_strdup_printf ("it went to %s", accmig_state_to_string (last->left_in));
  say (caller, device, what, outcome);
}

void
hand_log_outcome (uid_t caller, const char *device, const char *what, const GError *error)
{
  g_autofree char *outcome =
      error != NULL ? g_strdup_printf ("refused: %s", error->message) : g_strdup ("done");

  say (caller, device, what, outcome);
}
