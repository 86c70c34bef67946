// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a transfer of a state came to
 */

#include "transfer.h"

#include "document.h"
#include "text.h"

static void
print_json (FILE *stream, const Call *call, const char *name, const Transferred *transferred)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autoptr (JsonNode) root = NULL;
  g_autofree char *shown = g_filename_display_name (name);
  g_autofree char *text = NULL;

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "address");
  json_builder_add_string_value (builder, call->words[0]);
  json_builder_set_member_name (builder, "file");
  json_builder_add_string_value (builder, shown);
  json_builder_set_member_name (builder, "bytes");
  json_builder_add_int_value (builder, (gint64)transferred->bytes);
  json_builder_set_member_name (builder, "usec");
  json_builder_add_int_value (builder, transferred->usec);
  json_builder_end_object (builder);
  root = json_builder_get_root (builder);
  text = json_to_string (root, FALSE);
  fprintf (stream, "%s\n", text);
}

void
transfer_print (FILE *stream, const Call *call, const char *name, const Transferred *transferred)
{
  g_autofree char *bytes = text_bytes (transferred->bytes);
  g_autofree char *time = text_duration (transferred->usec);
  g_autofree char *rate = text_rate (transferred->bytes, transferred->usec);

  if (call->json)
    print_json (stream, call, name, transferred);
  else
    fprintf (stream, "%s: %s, %s in %s, %s\n", call->words[0], name, bytes, time, rate);
}
