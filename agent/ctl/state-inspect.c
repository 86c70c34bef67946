// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * accmigctl state inspect
 */

#include "call.h"

#include <accmig/stream.h>
#include <json-glib/json-glib.h>
#include <stdio.h>

#include "document.h"
#include "file.h"
#include "table.h"

#define FORMAT "accmig-state/1"

static const char *const titles[] = { "NAME", "OFFSET", "SIZE", "VALUE", NULL };

static void
build_text (JsonBuilder *builder, const char *name, const char *value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_string_value (builder, value);
}

static void
build_number (JsonBuilder *builder, const char *name, guint64 value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_int_value (builder, (gint64)value);
}

static void
print_json (const AccmigStreamInfo *info)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();

  json_builder_begin_object (builder);
  build_text (builder, "format", FORMAT);
  build_text (builder, "family", accmig_stream_info_get_family (info));
  build_number (builder, "length", accmig_stream_info_get_length (info));
  build_text (builder, "summary", accmig_stream_info_get_summary (info));
  json_builder_set_member_name (builder, "fields");
  json_builder_begin_array (builder);
  for (gsize i = 0; i < accmig_stream_info_get_n_fields (info); i++)
    {
      const AccmigStreamField *field = accmig_stream_info_get_field (info, i);

      json_builder_begin_object (builder);
      build_text (builder, "name", field->name);
      build_number (builder, "offset", field->offset);
      build_number (builder, "size", field->size);
      build_text (builder, "value", field->value);
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);
  json_builder_end_object (builder);
  document_print_built (builder);
}

static void
print_table (const AccmigStreamInfo *info)
{
  g_autoptr (Table) table = table_new (titles);

  printf ("%s, %" G_GUINT64_FORMAT " bytes; %s\n", accmig_stream_info_get_family (info),
          accmig_stream_info_get_length (info), accmig_stream_info_get_summary (info));
  for (gsize i = 0; i < accmig_stream_info_get_n_fields (info); i++)
    {
      const AccmigStreamField *field = accmig_stream_info_get_field (info, i);

      table_add (table, field->name);
      table_take (table, g_strdup_printf ("%" G_GUINT64_FORMAT, field->offset));
      table_take (table, g_strdup_printf ("%" G_GUINT64_FORMAT, field->size));
      table_add (table, field->value);
    }
  if (accmig_stream_info_get_n_fields (info) > 0)
    table_print (table);
}

Status
state_inspect_run (const Call *call, GError **error)
{
  const char *name = call->words[0];
  g_auto (FileFd) fd = file_open (name, error);
  g_autoptr (AccmigStreamInfo) info = fd >= 0 ? accmig_stream_inspect (fd, error) : NULL;

  if (info == NULL)
    {
      if (fd >= 0)
        g_prefix_error (error, "%s: ", file_label (name));
      return STATUS_FAILED;
    }
  if (call->json)
    print_json (info);
  else
    print_table (info);
  return STATUS_DONE;
}
