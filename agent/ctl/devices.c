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

/* (transfer full): the properties of every device */
static GPtrArray *
collect (GVariant *objects)
{
  GPtrArray *devices = g_ptr_array_new_with_free_func ((GDestroyNotify)g_variant_unref);
  GVariantIter iter;
  GVariant *interfaces = NULL;

  g_variant_iter_init (&iter, objects);
  while (g_variant_iter_loop (&iter, "{&o@a{sa{sv}}}", NULL, &interfaces))
    {
      GVariant *device = g_variant_lookup_value (interfaces, ACCMIG_IFACE_DEVICE, G_VARIANT_TYPE_VARDICT);

      if (device != NULL)
        g_ptr_array_add (devices, device);
    }
  g_ptr_array_sort (devices, compare_devices);
  return devices;
}

static void
print_json (const GPtrArray *devices)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "format");
  json_builder_add_string_value (builder, FORMAT);
  json_builder_set_member_name (builder, "devices");
  json_builder_begin_array (builder);
  for (guint i = 0; i < devices->len; i++)
    {
      json_builder_begin_object (builder);
      document_add_properties (builder, devices->pdata[i], members, G_N_ELEMENTS (members));
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);
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

Status
devices_run (const Call *call, GError **error)
{
  g_autoptr (Client) client = client_new (call->host, error);
  g_autoptr (GVariant) objects = client != NULL ? client_get_objects (client, error) : NULL;
  g_autoptr (GPtrArray) devices = NULL;

  if (objects == NULL)
    return STATUS_FAILED;
  devices = collect (objects);
  if (call->json)
    print_json (devices);
  else
    print_table (devices);
  return STATUS_DONE;
}
