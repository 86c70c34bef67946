/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <json-glib/json-glib.h>

/*
 * JSON documents: those the agent answers with, and those printed for --json.
 *
 * The agent may be another host's, and of another version: a member that is missing or of another type reads
 * as nothing.
 */

/**
 * document_parse:
 * @what: names the document, for the message
 * @format: its member "format" must be this
 * Returns: (transfer full) (nullable): a node that holds an object
 */
JsonNode *document_parse (const char *text, const char *what, const char *format, GError **error);

/** document_get_text: Returns: (transfer none): "" when there is none */
const char *document_get_text (JsonObject *object, const char *name);
/** document_get_number: Returns: -1 when there is none */
gint64 document_get_number (JsonObject *object, const char *name);
gboolean document_get_boolean (JsonObject *object, const char *name);
/** document_get_object: Returns: (transfer none) (nullable) */
JsonObject *document_get_object (JsonObject *object, const char *name);

/** document_n_elements: Returns: of the array @name; 0 when there is none */
guint document_n_elements (JsonObject *object, const char *name);
/** document_get_element: Returns: (transfer none) (nullable): an object in the array @name; NULL for anything
 * else */
JsonObject *document_get_element (JsonObject *object, const char *name, guint index);

/** document_print: @node on one line of the standard output */
void document_print (JsonNode *node);
/** document_print_built: what @builder has built */
void document_print_built (JsonBuilder *builder);

/* One property of a D-Bus object and the member it becomes. */
typedef struct
{
  const char *property;
  const char *member;
} Member;

/**
 * document_add_properties:
 * @properties: a{sv}, basic types
 * @members: (array length=n): those to add to the object that is being built; one that is missing is null
 */
void document_add_properties (JsonBuilder *builder, GVariant *properties, const Member *members, gsize n);
