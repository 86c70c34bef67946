/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <glib.h>
#include <yaml.h>

/*
 * A YAML file as a tree, with the types that YAML 1.1 gives to what has no quotes: 1.0 is a number, “1.0” a
 * text. Nodes are borrowed from the tree.
 *
 * What has more than one reading is refused rather than guessed at: tags, merge keys, keys that are no text.
 */

typedef struct _YamlTree YamlTree;

typedef enum
{
  YAML_KIND_MAP,
  YAML_KIND_LIST,
  YAML_KIND_TEXT,
  YAML_KIND_INTEGER,
  YAML_KIND_NUMBER, /* with a fraction */
  YAML_KIND_OTHER,  /* null, true, a date */
} YamlKind;

/**
 * yaml_tree_new:
 * @error: INVALID, with line and column where they are known
 * Returns: (transfer full) (nullable): of the only document in @text
 */
YamlTree *yaml_tree_new (const char *text, gsize length, GError **error);
void yaml_tree_free (YamlTree *tree);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (YamlTree, yaml_tree_free)

const yaml_node_t *yaml_tree_get_root (const YamlTree *tree);

YamlKind yaml_node_get_kind (const yaml_node_t *node);
/** yaml_kind_to_string: Returns: "a map", "a list", …; static */
const char *yaml_kind_to_string (YamlKind kind);
/** yaml_node_get_text: Returns: as it is written, of a text or a number */
const char *yaml_node_get_text (const yaml_node_t *node);

/** yaml_tree_get_size: Returns: how many items a list, or members a map has */
gsize yaml_tree_get_size (const yaml_node_t *node);
const yaml_node_t *yaml_tree_get_item (const YamlTree *tree, const yaml_node_t *list, gsize index);
/** yaml_tree_get_key: Returns: the name of member @index */
const char *yaml_tree_get_key (const YamlTree *tree, const yaml_node_t *map, gsize index);
const yaml_node_t *yaml_tree_get_value (const YamlTree *tree, const yaml_node_t *map, gsize index);
/** yaml_tree_get_member: Returns: (nullable): the last one of that name, which is the one that counts */
const yaml_node_t *yaml_tree_get_member (const YamlTree *tree, const yaml_node_t *map, const char *name);
