// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * JSON documents
 */

#include "document.h"

#include <accmig/error.h>
#include <stdio.h>

JsonNode *
document_parse (const char *text, const char *what, const char *format, GError **error)
{
  g_autoptr (GError) parse_error = NULL;
  g_autoptr (JsonNode) node = json_from_string (text, &parse_error);

  if (node == NULL || !JSON_NODE_HOLDS_OBJECT (node))
    {
      g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_INVALID, "%s is no JSON object%s%s", what,
                   parse_error != NULL ? ": " : "", parse_error != NULL ? parse_error->message : "");
      return NULL;
    }
  if (!g_str_equal (document_get_text (json_node_get_object (node), "format"), format))
    {
      g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_INVALID, "%s has the format “%s”, wanted is %s", what,
                   document_get_text (json_node_get_object (node), "format"), format);
      return NULL;
    }
  return g_steal_pointer (&node);
}

/* (nullable): a member with a value of @type */
static JsonNode *
find_value (JsonObject *object, const char *name, GType type)
{
  JsonNode *node = json_object_get_member (object, name);

  return node != NULL && JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == type ? node
                                                                                                 : NULL;
}

const char *
document_get_text (JsonObject *object, const char *name)
{
  JsonNode *node = find_value (object, name, G_TYPE_STRING);

  return node != NULL ? json_node_get_string (node) : "";
}

gint64
document_get_number (JsonObject *object, const char *name)
{
  JsonNode *node = find_value (object, name, G_TYPE_INT64);

  return node != NULL ? json_node_get_int (node) : -1;
}

gboolean
document_get_boolean (JsonObject *object, const char *name)
{
  JsonNode *node = find_value (object, name, G_TYPE_BOOLEAN);

  return node != NULL && json_node_get_boolean (node);
}

JsonObject *
document_get_object (JsonObject *object, const char *name)
{
  JsonNode *node = json_object_get_member (object, name);

  return node != NULL && JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
}

/* (nullable) */
static JsonArray *
find_array (JsonObject *object, const char *name)
{
  JsonNode *node = json_object_get_member (object, name);

  return node != NULL && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
}

guint
document_n_elements (JsonObject *object, const char *name)
{
  JsonArray *array = find_array (object, name);

  return array != NULL ? json_array_get_length (array) : 0;
}

JsonObject *
document_get_element (JsonObject *object, const char *name, guint index)
{
  JsonNode *node = json_array_get_element (find_array (object, name), index);

  return JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
}

void
document_print (JsonNode *node)
{
  g_autofree char *text = json_to_string (node, FALSE);

  puts (text);
}

void
document_print_built (JsonBuilder *builder)
{
  g_autoptr (JsonNode) root = json_builder_get_root (builder);

  document_print (root);
}

void
document_add_properties (JsonBuilder *builder, GVariant *properties, const Member *members, gsize n)
{
  for (gsize i = 0; i < n; i++)
    {
      g_autoptr (GVariant) value = g_variant_lookup_value (properties, members[i].property, NULL);

      json_builder_set_member_name (builder, members[i].member);
      if (value != NULL)
        json_builder_add_value (builder, json_gvariant_serialize (value));
      else
        json_builder_add_null_value (builder);
    }
}
