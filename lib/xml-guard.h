/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <libxml/tree.h>

/*
 * Reads XML that nobody vouches for: UTF-8 only, no DTD and so no entities, nothing fetched, bounded in size,
 * depth, attributes and namespaces, nothing printed.
 *
 * @what: what the text is, for the message
 * @max_size: bytes
 * @max_depth: elements inside one another, the root included
 * @error: LIMIT or INVALID; the message gives the place but no part of the text
 * Returns: (transfer full) (nullable): the document, which has a root element
 */
xmlDoc *xml_guard_parse (const char *what, const char *text, gsize length, gsize max_size, guint max_depth,
                         GError **error);

/**
 * xml_guard_get_tag_end:
 * @element: of a document that was read here
 * Returns: where in the text the '>' or "/>" of its start tag is, in bytes; the text must have no byte order
 * mark, and no other encoding than UTF-8 behind it
 */
gsize xml_guard_get_tag_end (const xmlNode *element);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (xmlDoc, xmlFreeDoc)
