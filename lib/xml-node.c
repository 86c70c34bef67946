// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * XML nodes
 */

#include "xml-node.h"

gboolean
xml_node_is (const xmlNode *node, const char *name, const char *uri)
{
  const char *found = node->ns == NULL ? NULL : (const char *)node->ns->href;

  return node->type == XML_ELEMENT_NODE && g_str_equal ((const char *)node->name, name)
         && g_strcmp0 (found, uri) == 0;
}

xmlNode *
xml_node_find (const xmlNode *parent, const char *name, const char *uri)
{
  for (xmlNode *node = parent == NULL ? NULL : parent->children; node != NULL; node = node->next)
    if (xml_node_is (node, name, uri))
      return node;
  return NULL;
}

char *
xml_node_get_attribute (const xmlNode *node, const char *name)
{
  xmlChar *value = node == NULL ? NULL : xmlGetNoNsProp (node, (const xmlChar *)name);
  char *copy = g_strdup ((const char *)value);

  xmlFree (value);
  return copy;
}

gboolean
xml_node_attribute_is (const xmlNode *node, const char *name, const char *wanted)
{
  g_autofree char *value = xml_node_get_attribute (node, name);

  return g_strcmp0 (value, wanted) == 0;
}

char *
xml_node_get_text (const xmlNode *node)
{
  xmlChar *value = xmlNodeGetContent (node);
  char *copy = g_strdup (value == NULL ? "" : (const char *)value);

  xmlFree (value);
  return copy;
}
