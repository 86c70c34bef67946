// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * YAML
 *
 * libyaml reads; what it does not do is to say which type a scalar without quotes has.
 */

#include "yaml-tree.h"

#include <accmig/error.h>
#include <string.h>

struct _YamlTree
{
  yaml_document_t document;
};

/* ---- types of scalars ---- */

/* By the order in which they are tried; a text is what is none of these. */
static const struct
{
  YamlKind kind;
  const char *pattern;
} patterns[] = {
  { YAML_KIND_OTHER, "^(~|null|Null|NULL|)$" },
  { YAML_KIND_OTHER,
    "^(y|Y|n|N|yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF)$" },
  { YAML_KIND_OTHER, "^([0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt \\t].*)?|=)$" },
  { YAML_KIND_INTEGER, "^[-+]?(0b[01_]+|0x[0-9a-fA-F_]+|0[0-7_]*|[1-9][0-9_]*(:[0-5]?[0-9])*)$" },
  { YAML_KIND_NUMBER, "^[-+]?([0-9][0-9_]*(:[0-5]?[0-9])*\\.[0-9_]*|\\.[0-9][0-9_]*)([eE][-+]?[0-9]+)?$" },
  { YAML_KIND_NUMBER, "^[-+]?\\.(inf|Inf|INF|nan|NaN|NAN)$" },
};

static YamlKind
classify (const char *text)
{
  for (gsize i = 0; i < G_N_ELEMENTS (patterns); i++)
    if (g_regex_match_simple (patterns[i].pattern, text, G_REGEX_DOLLAR_ENDONLY, 0))
      return patterns[i].kind;
  return YAML_KIND_TEXT;
}

YamlKind
yaml_node_get_kind (const yaml_node_t *node)
{
  if (node->type == YAML_MAPPING_NODE)
    return YAML_KIND_MAP;
  if (node->type == YAML_SEQUENCE_NODE)
    return YAML_KIND_LIST;
  return node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE ? classify (yaml_node_get_text (node))
                                                            : YAML_KIND_TEXT;
}

const char *
yaml_kind_to_string (YamlKind kind)
{
  static const char *const names[] = {
    [YAML_KIND_MAP] = "a map",          [YAML_KIND_LIST] = "a list",     [YAML_KIND_TEXT] = "a text",
    [YAML_KIND_INTEGER] = "an integer", [YAML_KIND_NUMBER] = "a number", [YAML_KIND_OTHER] = "no text",
  };

  return names[kind];
}

const char *
yaml_node_get_text (const yaml_node_t *node)
{
  return (const char *)node->data.scalar.value;
}

/* ---- reading ---- */

static gboolean
fail (GError **error, const yaml_mark_t *mark, const char *what)
{
  g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_INVALID, "line %zu, column %zu: %s", mark->line + 1,
               mark->column + 1, what);
  return FALSE;
}

static gboolean
fail_parser (GError **error, const yaml_parser_t *parser)
{
  return fail (error, &parser->problem_mark, parser->problem != NULL ? parser->problem : "no YAML");
}

/* The tag libyaml gives to what has none. */
static const char *
default_tag (const yaml_node_t *node)
{
  if (node->type == YAML_MAPPING_NODE)
    return YAML_DEFAULT_MAPPING_TAG;
  return node->type == YAML_SEQUENCE_NODE ? YAML_DEFAULT_SEQUENCE_TAG : YAML_DEFAULT_SCALAR_TAG;
}

static gboolean
check_keys (const YamlTree *self, const yaml_node_t *map, GError **error)
{
  for (gsize i = 0; i < yaml_tree_get_size (map); i++)
    {
      const yaml_node_t *key =
          yaml_document_get_node ((yaml_document_t *)&self->document, map->data.mapping.pairs.start[i].key);

      if (yaml_node_get_kind (key) != YAML_KIND_TEXT)
        return fail (error, &key->start_mark, "a key that is no text");
      if (key->data.scalar.length != strlen (yaml_node_get_text (key)))
        return fail (error, &key->start_mark, "a key with a NUL in it");
      if (key->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && g_str_equal (yaml_node_get_text (key), "<<"))
        return fail (error, &key->start_mark, "a merge key (<<), which is not looked into");
    }
  return TRUE;
}

static gboolean
check_nodes (const YamlTree *self, GError **error)
{
  for (const yaml_node_t *node = self->document.nodes.start; node < self->document.nodes.top; node++)
    {
      if (g_strcmp0 ((const char *)node->tag, default_tag (node)) != 0)
        return fail (error, &node->start_mark, "a tag, which is not looked into");
      if (node->type == YAML_SCALAR_NODE && node->data.scalar.length != strlen (yaml_node_get_text (node)))
        return fail (error, &node->start_mark, "a NUL");
      if (node->type == YAML_MAPPING_NODE && !check_keys (self, node, error))
        return FALSE;
    }
  return TRUE;
}

/* Whether nothing follows the document that was read. */
static gboolean
check_end (yaml_parser_t *parser, GError **error)
{
  yaml_document_t next;
  gboolean is_end = FALSE;

  if (!yaml_parser_load (parser, &next))
    return fail_parser (error, parser);
  is_end = yaml_document_get_root_node (&next) == NULL;
  yaml_document_delete (&next);
  return is_end || fail (error, &parser->mark, "a second document");
}

static gboolean
load (YamlTree *self, yaml_parser_t *parser, GError **error)
{
  if (!yaml_parser_load (parser, &self->document))
    return fail_parser (error, parser);
  if (yaml_document_get_root_node (&self->document) == NULL)
    return fail (error, &parser->mark, "there is nothing in it");
  return check_end (parser, error) && check_nodes (self, error);
}

YamlTree *
yaml_tree_new (const char *text, gsize length, GError **error)
{
  g_autoptr (YamlTree) self = g_new0 (YamlTree, 1);
  yaml_parser_t parser;
  gboolean ok = FALSE;

  if (!yaml_parser_initialize (&parser))
    g_error ("no memory for a YAML parser");
  yaml_parser_set_input_string (&parser, (const guint8 *)text, length);
  ok = load (self, &parser, error);
  yaml_parser_delete (&parser);
  return ok ? g_steal_pointer (&self) : NULL;
}

void
yaml_tree_free (YamlTree *self)
{
  if (self == NULL)
    return;
  yaml_document_delete (&self->document);
  g_free (self);
}

/* ---- looking up ---- */

static const yaml_node_t *
get_node (const YamlTree *self, int index)
{
  return yaml_document_get_node ((yaml_document_t *)&self->document, index);
}

const yaml_node_t *
yaml_tree_get_root (const YamlTree *self)
{
  return get_node (self, 1);
}

gsize
yaml_tree_get_size (const yaml_node_t *node)
{
  if (node->type == YAML_MAPPING_NODE)
    return (gsize)(node->data.mapping.pairs.top - node->data.mapping.pairs.start);
  return (gsize)(node->data.sequence.items.top - node->data.sequence.items.start);
}

const yaml_node_t *
yaml_tree_get_item (const YamlTree *self, const yaml_node_t *list, gsize index)
{
  return get_node (self, list->data.sequence.items.start[index]);
}

const char *
yaml_tree_get_key (const YamlTree *self, const yaml_node_t *map, gsize index)
{
  return yaml_node_get_text (get_node (self, map->data.mapping.pairs.start[index].key));
}

const yaml_node_t *
yaml_tree_get_value (const YamlTree *self, const yaml_node_t *map, gsize index)
{
  return get_node (self, map->data.mapping.pairs.start[index].value);
}

const yaml_node_t *
yaml_tree_get_member (const YamlTree *self, const yaml_node_t *map, const char *name)
{
  for (gsize i = yaml_tree_get_size (map); i > 0; i--)
    if (g_str_equal (yaml_tree_get_key (self, map, i - 1), name))
      return yaml_tree_get_value (self, map, i - 1);
  return NULL;
}
