// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * accmigctl state get
 */

#include "call.h"

#include <json-glib/json-glib.h>
#include <stdio.h>

#include "client.h"
#include "document.h"
#include "text.h"

static void
print_json (const char *address, const char *state)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "address");
  json_builder_add_string_value (builder, address);
  json_builder_set_member_name (builder, "state");
  json_builder_add_string_value (builder, state);
  json_builder_end_object (builder);
  document_print_built (builder);
}

Status
state_get_run (const Call *call, GError **error)
{
  g_autoptr (Client) client = client_new (call->host, error);
  g_autofree char *state = client != NULL ? client_get_state (client, call->words[0], error) : NULL;
  g_autofree char *clean = NULL;

  if (state == NULL)
    return STATUS_FAILED;
  clean = text_clean (state);
  if (call->json)
    print_json (call->words[0], state);
  else
    puts (clean);
  return STATUS_DONE;
}
