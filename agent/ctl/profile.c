// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * accmigctl profile
 *
 * Either form can be read by accmigctl compare.
 */

#include "call.h"

#include <accmig/profile.h>
#include <stdio.h>

#include "client.h"

Status
profile_run (const Call *call, GError **error)
{
  g_autoptr (Client) client = client_new (call->host, error);
  g_autofree char *text =
      client != NULL ? client_call_text (client, "GetProfile", call->words[0], error) : NULL;
  g_autoptr (AccmigProfile) profile = NULL;
  g_autofree char *shown = NULL;

  if (text == NULL)
    return STATUS_FAILED;
  profile = accmig_profile_new_from_json (text, -1, error);
  if (profile == NULL)
    {
      g_prefix_error (error, "the agent's profile of %s cannot be read: ", call->words[0]);
      return STATUS_FAILED;
    }
  shown = call->json ? accmig_profile_to_json (profile) : accmig_profile_to_pretty_json (profile);
  puts (shown);
  return STATUS_DONE;
}
