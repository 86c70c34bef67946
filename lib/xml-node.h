/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <libxml/tree.h>

/*
 * Looking around in XML: what libxml2 gives, as GLib's strings.
 */

/* @uri: (nullable): the namespace it must be in; NULL: in none */
gboolean xml_node_is (const xmlNode *node, const char *name, const char *uri);

/* @parent: (nullable). Returns: (nullable): its first child element of that name */
xmlNode *xml_node_find (const xmlNode *parent, const char *name, const char *uri);

/* @node: (nullable). Returns: (transfer full) (nullable) */
char *xml_node_get_attribute (const xmlNode *node, const char *name);

/* @node: (nullable). Returns: whether its attribute @name is @wanted */
gboolean xml_node_attribute_is (const xmlNode *node, const char *name, const char *wanted);

/* Returns: (transfer full): "" for an element without text */
char *xml_node_get_text (const xmlNode *node);
