// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Node sets
 *
 * Nodes and ranges, separated by commas; '^' before a node takes one away that came earlier in the same text.
 */

#include "nodeset.h"

#include <string.h>

static void
put (Nodeset *set, guint64 node, gboolean in)
{
  guint64 bit = G_GUINT64_CONSTANT (1) << (node % 64);

  if (in)
    set->words[node / 64] |= bit;
  else
    set->words[node / 64] &= ~bit;
}

static gboolean
read_node (const char *text, guint64 *ret_node)
{
  return g_ascii_string_to_unsigned (text, 10, 0, NODESET_MAX - 1, ret_node, NULL);
}

/* @item: "3", "^3" or "3-5"; changed while it is read */
static gboolean
parse_item (Nodeset *set, char *item)
{
  char *dash = strchr (item, '-');
  guint64 first, last;

  if (item[0] == '^')
    {
      if (!read_node (item + 1, &first))
        return FALSE;
      put (set, first, FALSE);
      return TRUE;
    }
  if (dash != NULL)
    *dash = '\0';
  if (!read_node (item, &first) || !read_node (dash != NULL ? dash + 1 : item, &last) || last < first)
    return FALSE;
  for (guint64 node = first; node <= last; node++)
    put (set, node, TRUE);
  return TRUE;
}

gboolean
nodeset_parse (Nodeset *set, const char *text)
{
  g_auto (GStrv) items = g_strsplit (text, ",", NODESET_MAX + 1);
  Nodeset read = { 0 };

  for (char **item = items; *item != NULL; item++)
    if (!parse_item (&read, g_strstrip (*item)))
      return FALSE;
  for (gsize i = 0; i < G_N_ELEMENTS (read.words); i++)
    set->words[i] |= read.words[i];
  return TRUE;
}

gboolean
nodeset_has (const Nodeset *set, guint node)
{
  return node < NODESET_MAX && (set->words[node / 64] >> (node % 64) & 1) != 0;
}

gboolean
nodeset_is_empty (const Nodeset *set)
{
  for (gsize i = 0; i < G_N_ELEMENTS (set->words); i++)
    if (set->words[i] != 0)
      return FALSE;
  return TRUE;
}
