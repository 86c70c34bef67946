// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Nova's provider configuration files
 *
 * Unknown members are allowed where Nova allows them, for what a later version adds.
 */

#include "nova-document.h"

#include <accmig/error.h>
#include <string.h>

#include "yaml-tree.h"

#define NAME_MAX_LENGTH 200
#define WORD_PATTERN    "^CUSTOM_[A-Z0-9_]{1,248}$" /* traits and resource classes: 255 at most */
#define UUID_PATTERN    "^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$"
#define VERSION_PATTERN "^1\\.(0|[1-9][0-9]*)$"
#define RESERVED        "__source_file"

/* What is being read. */
typedef struct
{
  const YamlTree *tree;
  GError **error;
} Reading;

static G_GNUC_PRINTF (2, 3) gboolean fail (const Reading *reading, const char *format, ...)
{
  va_list args;
  g_autofree char *message = NULL;

  va_start (args, format);
  message = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error_literal (reading->error, ACCMIG_ERROR, ACCMIG_ERROR_INVALID, message);
  return FALSE;
}

static gboolean
matches (const char *pattern, const char *text)
{
  return g_regex_match_simple (pattern, text, G_REGEX_DOLLAR_ENDONLY, 0);
}

gboolean
nova_is_uuid (const char *text)
{
  return matches (UUID_PATTERN, text);
}

/* @path: where @node is, for the message */
static gboolean
check_kind (const Reading *reading, const yaml_node_t *node, YamlKind wanted, const char *path)
{
  YamlKind kind = yaml_node_get_kind (node);

  if (kind == wanted)
    return TRUE;
  return fail (reading, "line %zu: %s is %s, must be %s%s", node->start_mark.line + 1, path,
               yaml_kind_to_string (kind), yaml_kind_to_string (wanted),
               wanted == YAML_KIND_TEXT ? "; what looks like a number needs quotes" : "");
}

/* ---- identification ---- */

static gboolean
read_identification (const Reading *reading, const yaml_node_t *provider, const char *path,
                     NovaProvider *result)
{
  const yaml_node_t *node = yaml_tree_get_member (reading->tree, provider, "identification");
  g_autofree char *place = g_strconcat (path, ".identification", NULL);
  const yaml_node_t *value = NULL;
  const char *key = NULL;

  if (node == NULL)
    return fail (reading, "%s is missing", place);
  if (!check_kind (reading, node, YAML_KIND_MAP, place))
    return FALSE;
  if (yaml_tree_get_size (node) != 1)
    return fail (reading, "%s has %zu members, must have one: uuid or name", place,
                 yaml_tree_get_size (node));
  key = yaml_tree_get_key (reading->tree, node, 0);
  value = yaml_tree_get_value (reading->tree, node, 0);
  if (!g_str_equal (key, "uuid") && !g_str_equal (key, "name"))
    return fail (reading, "%s has “%s”, must have uuid or name", place, key);
  if (!check_kind (reading, value, YAML_KIND_TEXT, place))
    return FALSE;
  result->by_name = g_str_equal (key, "name");
  result->id = g_strdup (yaml_node_get_text (value));
  if (result->by_name && (*result->id == '\0' || g_utf8_strlen (result->id, -1) > NAME_MAX_LENGTH))
    return fail (reading, "%s.name has %ld characters, must have 1 to %d", place,
                 g_utf8_strlen (result->id, -1), NAME_MAX_LENGTH);
  if (!result->by_name && !nova_is_uuid (result->id) && !g_str_equal (result->id, NOVA_COMPUTE_NODE))
    return fail (reading, "%s.uuid is “%s”, neither a UUID nor " NOVA_COMPUTE_NODE, place, result->id);
  return TRUE;
}

/* ---- traits and inventories ---- */

/*
 * The list “additional” of provider's member @name.
 * @ret_list: (out) (nullable): NULL when there is none
 */
static gboolean
find_additional (const Reading *reading, const yaml_node_t *provider, const char *name, const char *path,
                 const yaml_node_t **ret_list)
{
  const yaml_node_t *node = yaml_tree_get_member (reading->tree, provider, name);
  g_autofree char *place = g_strdup_printf ("%s.%s", path, name);
  g_autofree char *list_place = g_strconcat (place, ".additional", NULL);
  const yaml_node_t *list = NULL;

  if (node != NULL && !check_kind (reading, node, YAML_KIND_MAP, place))
    return FALSE;
  list = node != NULL ? yaml_tree_get_member (reading->tree, node, "additional") : NULL;
  if (list != NULL && !check_kind (reading, list, YAML_KIND_LIST, list_place))
    return FALSE;
  *ret_list = list;
  return TRUE;
}

static gboolean
check_word (const Reading *reading, const char *word, const char *path)
{
  return matches (WORD_PATTERN, word)
         || fail (reading, "%s is “%s”, must be CUSTOM_ and then A-Z, 0-9 and _, 255 characters at most",
                  path, word);
}

static gboolean
read_traits (const Reading *reading, const yaml_node_t *provider, const char *path, NovaProvider *result)
{
  g_autoptr (GStrvBuilder) traits = g_strv_builder_new ();
  const yaml_node_t *list = NULL;

  if (!find_additional (reading, provider, "traits", path, &list))
    return FALSE;
  for (gsize i = 0; list != NULL && i < yaml_tree_get_size (list); i++)
    {
      const yaml_node_t *item = yaml_tree_get_item (reading->tree, list, i);
      g_autofree char *place = g_strdup_printf ("%s.traits.additional[%zu]", path, i);

      if (!check_kind (reading, item, YAML_KIND_TEXT, place)
          || !check_word (reading, yaml_node_get_text (item), place))
        return FALSE;
      g_strv_builder_add (traits, yaml_node_get_text (item));
    }
  result->traits = g_strv_builder_end (traits);
  return TRUE;
}

static const struct
{
  const char *name;
  gboolean fraction; /* may have one */
} amounts[] = {
  { "total", FALSE },    { "reserved", FALSE },  { "min_unit", FALSE },
  { "max_unit", FALSE }, { "step_size", FALSE }, { "allocation_ratio", TRUE },
};

static gboolean
check_amount (const Reading *reading, const char *name, const yaml_node_t *value, const char *path)
{
  YamlKind kind = yaml_node_get_kind (value);

  for (gsize i = 0; i < G_N_ELEMENTS (amounts); i++)
    if (g_str_equal (amounts[i].name, name))
      return kind == YAML_KIND_INTEGER || (kind == YAML_KIND_NUMBER && amounts[i].fraction)
             || fail (reading, "%s.%s is %s, must be %s", path, name, yaml_kind_to_string (kind),
                      yaml_kind_to_string (amounts[i].fraction ? YAML_KIND_NUMBER : YAML_KIND_INTEGER));
  return fail (reading, "%s has “%s”, which Nova does not know", path, name);
}

static gboolean
check_inventory (const Reading *reading, const char *class, const yaml_node_t *values, const char *path)
{
  g_autofree char *place = g_strdup_printf ("%s.%s", path, class);

  if (!check_word (reading, class, path) || !check_kind (reading, values, YAML_KIND_MAP, place))
    return FALSE;
  if (yaml_tree_get_member (reading->tree, values, "total") == NULL)
    return fail (reading, "%s.total is missing", place);
  for (gsize i = 0; i < yaml_tree_get_size (values); i++)
    if (!check_amount (reading, yaml_tree_get_key (reading->tree, values, i),
                       yaml_tree_get_value (reading->tree, values, i), place))
      return FALSE;
  return TRUE;
}

static gboolean
read_inventories (const Reading *reading, const yaml_node_t *provider, const char *path, NovaProvider *result)
{
  const yaml_node_t *list = NULL;

  if (!find_additional (reading, provider, "inventories", path, &list))
    return FALSE;
  for (gsize i = 0; list != NULL && i < yaml_tree_get_size (list); i++)
    {
      const yaml_node_t *item = yaml_tree_get_item (reading->tree, list, i);
      g_autofree char *place = g_strdup_printf ("%s.inventories.additional[%zu]", path, i);

      if (!check_kind (reading, item, YAML_KIND_MAP, place))
        return FALSE;
      for (gsize m = 0; m < yaml_tree_get_size (item); m++)
        if (!check_inventory (reading, yaml_tree_get_key (reading->tree, item, m),
                              yaml_tree_get_value (reading->tree, item, m), place))
          return FALSE;
      result->n_inventories++;
    }
  return TRUE;
}

/* ---- the document ---- */

static void
provider_free (gpointer data)
{
  NovaProvider *provider = data;

  g_free (provider->id);
  g_strfreev (provider->traits);
  g_free (provider);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (NovaProvider, provider_free)

static gboolean
check_meta (const Reading *reading, const yaml_node_t *root)
{
  const yaml_node_t *meta = NULL;
  const yaml_node_t *version = NULL;

  if (!check_kind (reading, root, YAML_KIND_MAP, "the document"))
    return FALSE;
  if (yaml_tree_get_member (reading->tree, root, RESERVED) != NULL)
    return fail (reading, RESERVED " is there, which Nova keeps for itself");
  meta = yaml_tree_get_member (reading->tree, root, "meta");
  if (meta == NULL)
    return fail (reading, "meta is missing");
  if (!check_kind (reading, meta, YAML_KIND_MAP, "meta"))
    return FALSE;
  version = yaml_tree_get_member (reading->tree, meta, "schema_version");
  if (version == NULL)
    return fail (reading, "meta.schema_version is missing");
  if (!check_kind (reading, version, YAML_KIND_TEXT, "meta.schema_version"))
    return FALSE;
  return matches (VERSION_PATTERN, yaml_node_get_text (version))
         || fail (reading, "meta.schema_version is “%s”, must be 1.0 or a later minor version of 1",
                  yaml_node_get_text (version));
}

/* Nova looks through the entries by their id alone, whether it is a UUID or a name. */
static gboolean
check_unique (const Reading *reading, const GPtrArray *providers, const NovaProvider *provider,
              const char *path)
{
  for (guint i = 0; i < providers->len; i++)
    if (g_ascii_strcasecmp (((const NovaProvider *)providers->pdata[i])->id, provider->id) == 0)
      return fail (reading, "%s is “%s” for the second time", path, provider->id);
  return TRUE;
}

static gboolean
read_provider (const Reading *reading, const yaml_node_t *node, const char *path, GPtrArray *providers)
{
  g_autoptr (NovaProvider) provider = g_new0 (NovaProvider, 1);

  if (!check_kind (reading, node, YAML_KIND_MAP, path))
    return FALSE;
  if (yaml_tree_get_member (reading->tree, node, RESERVED) != NULL)
    return fail (reading, "%s has " RESERVED ", which Nova keeps for itself", path);
  if (!read_identification (reading, node, path, provider) || !read_traits (reading, node, path, provider)
      || !read_inventories (reading, node, path, provider))
    return FALSE;
  if (*provider->traits == NULL && provider->n_inventories == 0)
    return TRUE;
  if (!check_unique (reading, providers, provider, path))
    return FALSE;
  g_ptr_array_add (providers, g_steal_pointer (&provider));
  return TRUE;
}

GPtrArray *
nova_document_parse (const char *text, gsize length, GError **error)
{
  g_autoptr (YamlTree) tree = yaml_tree_new (text, length, error);
  g_autoptr (GPtrArray) providers = g_ptr_array_new_with_free_func (provider_free);
  const Reading reading = { tree, error };
  const yaml_node_t *list = NULL;

  if (tree == NULL || !check_meta (&reading, yaml_tree_get_root (tree)))
    return NULL;
  list = yaml_tree_get_member (tree, yaml_tree_get_root (tree), "providers");
  if (list != NULL && !check_kind (&reading, list, YAML_KIND_LIST, "providers"))
    return NULL;
  for (gsize i = 0; list != NULL && i < yaml_tree_get_size (list); i++)
    {
      g_autofree char *path = g_strdup_printf ("providers[%zu]", i);

      if (!read_provider (&reading, yaml_tree_get_item (tree, list, i), path, providers))
        return NULL;
    }
  return g_steal_pointer (&providers);
}

/* ---- writing ---- */

/* Whether @providers are one with this id and these traits; none at all without traits. */
static gboolean
is_as_meant (const GPtrArray *providers, gboolean by_name, const char *id, const char *const *traits)
{
  const NovaProvider *provider = providers->len == 1 ? providers->pdata[0] : NULL;

  if (*traits == NULL)
    return providers->len == 0;
  return provider != NULL && provider->by_name == by_name && g_str_equal (provider->id, id)
         && provider->n_inventories == 0 && g_strv_equal ((const char *const *)provider->traits, traits);
}

static void
append_provider (GString *text, gboolean by_name, const char *id, const char *const *traits)
{
  g_string_append_printf (text,
                          "providers:\n"
                          "  - identification:\n"
                          "      %s: '%s'\n"
                          "    traits:\n"
                          "      additional:\n",
                          by_name ? "name" : "uuid", id);
  for (; *traits != NULL; traits++)
    g_string_append_printf (text, "        - '%s'\n", *traits);
}

char *
nova_document_write (gboolean by_name, const char *id, const char *const *traits, GError **error)
{
  g_autoptr (GString) text = g_string_new (NOVA_DOCUMENT_HEADING "meta:\n"
                                                                 "  schema_version: '1.0'\n");
  g_autoptr (GPtrArray) providers = NULL;

  if (*traits != NULL)
    append_provider (text, by_name, id, traits);
  else
    g_string_append (text, "providers: []\n");
  providers = nova_document_parse (text->str, text->len, error);
  if (providers == NULL)
    return NULL;
  if (is_as_meant (providers, by_name, id, traits))
    return g_string_free (g_steal_pointer (&text), FALSE);
  g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_INVALID,
               "the provider “%s” with its traits does not come back as it was written", id);
  return NULL;
}
