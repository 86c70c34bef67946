/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <glib.h>

/*
 * Nova's provider configuration files.
 *
 * Any error in any of them keeps nova-compute from starting, so all of Nova's rules are tried here, and where
 * a rule of ours is simpler than Nova's it is the stricter one.
 */

/* One entry of "providers" that does something. */
typedef struct
{
  gboolean by_name; /* else by UUID, or NOVA_COMPUTE_NODE */
  char *id;
  char **traits;
  guint n_inventories;
} NovaProvider;

#define NOVA_COMPUTE_NODE                                                                                    \
  "$COMPUTE_NODE" /* stands for the root provider of every compute node of this host */

/**
 * nova_document_parse:
 * @error: INVALID, names the place: "providers[0].traits.additional[2] is …"
 * Returns: (transfer full) (nullable) (element-type NovaProvider): without those that Nova leaves out because
 * they have neither traits nor inventories
 */
GPtrArray *nova_document_parse (const char *text, gsize length, GError **error);

/* How each of our documents begins. */
#define NOVA_DOCUMENT_HEADING "# Written by accmigctl nova-provider, which also overwrites it.\n"

/**
 * nova_document_write:
 * @traits: (array zero-terminated=1): none make a document without a provider
 * Returns: (transfer full) (nullable): a document with one provider; NULL, with @error set, when what comes
 * out breaks a rule
 */
char *nova_document_write (gboolean by_name, const char *id, const char *const *traits, GError **error);

/** nova_is_uuid: 8-4-4-4-12 hex digits */
gboolean nova_is_uuid (const char *text);
