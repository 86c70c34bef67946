// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * accmigctl devices
 */

#include "call.h"

#include "client.h"
#include "common/names.h"
#include "document.h"
#include "table.h"

#define FORMAT "accmig-devices/1"

static const Member members[] = {
  { "Address", "address" },
  { "Kind", "kind" },
  { "Family", "family" },
  { "Driver", "driver" },
  { "Variant", "variant" },
  { "Owner", "owner" },
  { "Domain", "domain" },
  { "Migration", "migration" },
  { "Parent", "parent" },
  { "ParentDriver", "parent-driver" },
  { "VfIndex", "vf-index" },
  { "NumaNode", "numa-node" },
  { "ProfileDigest", "profile-digest" },
};

static const Member registered_members[] = {
  { "Domain", "domain" },     { "Name", "name" },           { "Address", "address" }, { "State", "state" },
  { "Attached", "attached" }, { "Migration", "migration" }, { "Holder", "holder" },   { "Alarm", "alarm" },
};

static const char *const registered_titles[] = { "REGISTERED", "DOMAIN", "ADDRESS", "STATE",
                                                 "MIGRATION",  "HOLDER", "ALARM",   NULL };

static const char *const registered_columns[] = { "Name",      "Domain", "Address", "State",
                                                  "Migration", "Holder", "Alarm" };

static const char *const titles[] = { "ADDRESS", "KIND",      "FAMILY", "DRIVER", "OWNER",
                                      "DOMAIN",  "MIGRATION", "PARENT", "NUMA",   NULL };

/* The texts among them, in the order of the titles. */
static const char *const columns[] = { "Address", "Kind",   "Family",    "Driver",
                                       "Owner",   "Domain", "Migration", "Parent" };

static const char *
get_text (GVariant *device, const char *property)
{
  const char *text = "";

  (void)g_variant_lookup (device, property, "&s", &text);
  return text;
}

static int
compare_devices (gconstpointer a, gconstpointer b)
{
  GVariant *first = *(GVariant *const *)a, *second = *(GVariant *const *)b;
  int kinds = -g_strcmp0 (get_text (first, "Kind"), get_text (second, "Kind")); /* pci before mdev */

  return kinds != 0 ? kinds : g_strcmp0 (get_text (first, "Address"), get_text (second, "Address"));
}

static int
compare_registered (gconstpointer a, gconstpointer b)
{
  GVariant *first = *(GVariant *const *)a, *second = *(GVariant *const *)b;
  int domains = g_strcmp0 (get_text (first, "Domain"), get_text (second, "Domain"));

  return domains != 0 ? domains : g_strcmp0 (get_text (first, "Name"), get_text (second, "Name"));
}

/* (transfer full): the properties of every object with this interface */
static GPtrArray *
collect (GVariant *objects, const char *interface, GCompareFunc compare)
{
  GPtrArray *found = g_ptr_array_new_with_free_func ((GDestroyNotify)g_variant_unref);
  GVariantIter iter;
  GVariant *interfaces = NULL;

  g_variant_iter_init (&iter, objects);
  while (g_variant_iter_loop (&iter, "{&o@a{sa{sv}}}", NULL, &interfaces))
    {
      GVariant *properties = g_variant_lookup_value (interfaces, interface, G_VARIANT_TYPE_VARDICT);

      if (properties != NULL)
        g_ptr_array_add (found, properties);
    }
  g_ptr_array_sort (found, compare);
  return found;
}

static void
add_array (JsonBuilder *builder, const char *name, const GPtrArray *rows, const Member *row_members, gsize n)
{
  json_builder_set_member_name (builder, name);
  json_builder_begin_array (builder);
  for (guint i = 0; i < rows->len; i++)
    {
      json_builder_begin_object (builder);
      document_add_properties (builder, rows->pdata[i], row_members, n);
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);
}

static void
print_json (const GPtrArray *devices, const GPtrArray *registered)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "format");
  json_builder_add_string_value (builder, FORMAT);
  add_array (builder, "devices", devices, members, G_N_ELEMENTS (members));
  add_array (builder, "registered", registered, registered_members, G_N_ELEMENTS (registered_members));
  json_builder_end_object (builder);
  document_print_built (builder);
}

static void
print_table (const GPtrArray *devices)
{
  g_autoptr (Table) table = table_new (titles);

  for (guint i = 0; i < devices->len; i++)
    {
      gint32 node = -1;

      for (gsize column = 0; column < G_N_ELEMENTS (columns); column++)
        table_add (table, get_text (devices->pdata[i], columns[column]));
      (void)g_variant_lookup (devices->pdata[i], "NumaNode", "i", &node);
      table_take (table, node >= 0 ? g_strdup_printf ("%d", node) : g_strdup (""));
    }
  table_print (table);
}

/* A table of its own, for most hosts have none and its columns are others. */
static void
print_registered (const GPtrArray *registered)
{
  g_autoptr (Table) table = table_new (registered_titles);

  if (registered->len == 0)
    return;
  for (guint i = 0; i < registered->len; i++)
    for (gsize column = 0; column < G_N_ELEMENTS (registered_columns); column++)
      table_add (table, get_text (registered->pdata[i], registered_columns[column]));
  g_print ("\n");
  table_print (table);
}

Status
devices_run (const Call *call, GError **error)
{
  g_autoptr (Client) client = client_new (call->host, error);
  g_autoptr (GVariant) objects = client != NULL ? client_get_objects (client, error) : NULL;
  g_autoptr (GPtrArray) devices = NULL;
  g_autoptr (GPtrArray) registered = NULL;

  if (objects == NULL)
    return STATUS_FAILED;
  devices = collect (objects, ACCMIG_IFACE_DEVICE, compare_devices);
  registered = collect (objects, ACCMIG_IFACE_REGISTERED, compare_registered);
  if (call->json)
    {
      print_json (devices, registered);
      return STATUS_DONE;
    }
  print_table (devices);
  print_registered (registered);
  return STATUS_DONE;
}
