// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a transfer of a state came to
 */

#include "transfer.h"

#include <stdio.h>

#include "document.h"
#include "text.h"

static void
print_json (const Call *call, const char *name, guint64 bytes)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autofree char *shown = g_filename_display_name (name);

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "address");
  json_builder_add_string_value (builder, call->words[0]);
  json_builder_set_member_name (builder, "file");
  json_builder_add_string_value (builder, shown);
  json_builder_set_member_name (builder, "bytes");
  json_builder_add_int_value (builder, (gint64)bytes);
  json_builder_end_object (builder);
  document_print_built (builder);
}

void
transfer_print (const Call *call, const char *name, guint64 bytes)
{
  g_autofree char *size = text_bytes (bytes);

  if (call->json)
    print_json (call, name, bytes);
  else
    printf ("%s: %s, %s\n", call->words[0], name, size);
}
