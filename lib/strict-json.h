/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>

/*
 * JSON as accmig's documents use it: one object, members with plain names and each only once, whole numbers.
 *
 * json-glib takes much more than that (comments, two members of one name, numbers that overflow) and recurses
 * as deep as the text says, so a text is walked here before json-glib sees it.
 */

/* Longest member name, in bytes. */
#define STRICT_JSON_MAX_NAME 64

/*
 * @length: bytes in @text; bound it before calling
 * @max_depth: objects and arrays inside one another, the outermost included
 * @error: LIMIT too deep; INVALID everything else
 * Returns: (transfer full) (nullable): a node that holds an object
 */
JsonNode *strict_json_parse (const char *text, gsize length, guint max_depth, GError **error);

/*
 * @node: without doubles, as strict_json_parse() returns them
 * Returns: (transfer full): the canonical form: members sorted by the bytes of their names, no white space,
 * only those characters escaped that must be. Own code, so that a digest does not change with json-glib's
 * taste
 */
char *strict_json_write (JsonNode *node);
