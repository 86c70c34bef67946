// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * accmigctl migrations
 */

#include "call.h"

#include <accmig/error.h>

#include "client.h"
#include "document.h"
#include "table.h"
#include "text.h"

#define FORMAT        "accmig-migrations/1"
#define LIMIT_DEFAULT 20

static const Member members[] = {
  { "Id", "id" },
  { "Domain", "domain" },
  { "DomainUuid", "uuid" },
  { "Role", "role" },
  { "Phase", "phase" },
  { "Cause", "cause" },
  { "StartedUSec", "started-usec" },
  { "EndedUSec", "ended-usec" },
  { "DowntimeUSec", "downtime-usec" },
};

static const char *const titles[] = { "ID", "STARTED", "DOMAIN", "ROLE", "PHASE", "DOWNTIME", "CAUSE", NULL };

static void
print_json (GVariant *rows)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "format");
  json_builder_add_string_value (builder, FORMAT);
  json_builder_set_member_name (builder, "migrations");
  json_builder_begin_array (builder);
  for (gsize i = 0; i < g_variant_n_children (rows); i++)
    {
      g_autoptr (GVariant) row = g_variant_get_child_value (rows, i);

      json_builder_begin_object (builder);
      document_add_properties (builder, row, members, G_N_ELEMENTS (members));
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);
  json_builder_end_object (builder);
  document_print_built (builder);
}

static void
add_row (Table *table, GVariant *row)
{
  guint64 id = 0, started = 0, downtime = 0;
  const char *domain = "", *role = "", *phase = "", *cause = "";

  (void)g_variant_lookup (row, "Id", "t", &id);
  (void)g_variant_lookup (row, "StartedUSec", "t", &started);
  (void)g_variant_lookup (row, "DowntimeUSec", "t", &downtime);
  (void)g_variant_lookup (row, "Domain", "&s", &domain);
  (void)g_variant_lookup (row, "Role", "&s", &role);
  (void)g_variant_lookup (row, "Phase", "&s", &phase);
  (void)g_variant_lookup (row, "Cause", "&s", &cause);

  table_take (table, g_strdup_printf ("%" G_GUINT64_FORMAT, id));
  table_take (table, text_date ((gint64)started));
  table_add (table, domain);
  table_add (table, role);
  table_add (table, phase);
  table_take (table, downtime > 0 ? text_duration ((gint64)downtime) : g_strdup (""));
  table_add (table, cause);
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
migrations_run (const Call *call, GError **error)
{
  guint32 limit = call->limit > 0 ? (guint32)call->limit : LIMIT_DEFAULT;
  g_autoptr (Client) client = client_new (call->host, error);
  g_autoptr (GVariant) rows =
      client != NULL ? client_call (client, error, "ListMigrations", "u", limit) : NULL;

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
