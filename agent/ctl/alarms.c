// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * accmigctl alarms
 */

#include "call.h"

#include <accmig/error.h>
#include <stdio.h>

#include "alarm-view.h"
#include "client.h"
#include "document.h"
#include "table.h"
#include "text.h"

#define FORMAT "accmig-alarms/1"

static const char *const titles[] = { "RAISED", "STATE", "KIND", "DOMAIN", "DEVICE", "MIGRATION", NULL };

static void
print_json (GVariant *rows)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "format");
  json_builder_add_string_value (builder, FORMAT);
  json_builder_set_member_name (builder, "alarms");
  json_builder_begin_array (builder);
  for (gsize i = 0; i < g_variant_n_children (rows); i++)
    {
      g_autoptr (GVariant) row = g_variant_get_child_value (rows, i);

      json_builder_begin_object (builder);
      alarm_view_build (builder, row);
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);
  json_builder_end_object (builder);
  document_print_built (builder);
}

static void
add_note (Table *table, GVariant *row, const char *name)
{
  const char *text = alarm_view_get_text (row, name);
  g_autofree char *clean = text_clean (text);

  if (*clean != '\0')
    table_add_note (table, clean);
}

static void
add_row (Table *table, GVariant *row)
{
  guint64 raised = 0, cleared = 0, migration = 0;

  (void)g_variant_lookup (row, "RaisedUSec", "t", &raised);
  (void)g_variant_lookup (row, "ClearedUSec", "t", &cleared);
  (void)g_variant_lookup (row, "Migration", "t", &migration);
  table_take (table, text_date ((gint64)raised));
  table_add (table, cleared == 0 ? "open" : "cleared");
  table_add (table, alarm_view_get_text (row, "Kind"));
  table_add (table, alarm_view_get_text (row, "Domain"));
  table_add (table, alarm_view_get_text (row, "Device"));
  table_take (table, migration != 0 ? g_strdup_printf ("%" G_GUINT64_FORMAT, migration) : g_strdup (""));
  add_note (table, row, "Sentence");
  add_note (table, row, "Outcome");
  if (cleared == 0)
    add_note (table, row, "Advice");
}

static void
print_table (GVariant *rows)
{
  g_autoptr (Table) table = table_new (titles);

  for (gsize i = 0; i < g_variant_n_children (rows); i++)
    {
      g_autoptr (GVariant) row = g_variant_get_child_value (rows, i);

      add_row (table, row);
    }
  table_print (table);
}

Status
alarms_run (const Call *call, GError **error)
{
  g_autoptr (Client) client = client_new (call->host, error);
  g_autoptr (GVariant) rows = client != NULL ? client_call (client, error, "ListAlarms", "") : NULL;

  if (rows == NULL)
    return STATUS_FAILED;
  if (!g_variant_is_of_type (rows, G_VARIANT_TYPE ("aa{sv}")))
    {
      g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_IO, "the agent's list comes as “%s”, wanted is “aa{sv}”",
                   g_variant_get_type_string (rows));
      return STATUS_FAILED;
    }
  if (call->json)
    print_json (rows);
  else
    print_table (rows);
  return STATUS_DONE;
}
