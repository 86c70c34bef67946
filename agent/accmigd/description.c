// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Description
 *
 * { "format": "accmig-domain/1", "name", "uuid", "hostdevs": [ { "alias", "kind", "address", "managed",
 * "transient", "profile" } ], "memory-nodes": [ … ], "guest": { "iommu", "vfio-user", "memory",
 * "memory-limit" } }, the last two, and what is in the last, only where the domain says it; so is
 * "transient". A profile goes in and out as the object it is; the library reads its text, so that its own
 * limits hold for it, too.
 *
 * json-glib recurses as deep as the text says and reads comments and quotes of its own; the text is walked
 * before it sees it.
 */

#include "description.h"

#include "json-members.h"

#define MAX_DEPTH (4 + ACCMIG_PROFILE_MAX_DEPTH)
#define MAX_NAME  255 /* bytes of a domain's name */

/* What JSON has outside of strings. */
#define PLAIN_CHARACTERS " \t\r\n{}[],:\"0123456789+-.eEtrufalsn"

struct _Description
{
  char *name;
  GPtrArray *hostdevs; /* of Hostdev, owned */
  GArray *nodes;       /* of int */
  AccmigGuest guest;
};

typedef struct
{
  AccmigHostdev hostdev; /* its strings are those below */
  char *alias;
  char *address;
  char *profile;
} Hostdev;

/* ---- writing ---- */

static void
add_string (JsonBuilder *builder, const char *name, const char *value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_string_value (builder, value != NULL ? value : "");
}

/* Only what is so is said. */
static void
add_flag (JsonBuilder *builder, const char *name, gboolean value)
{
  if (!value)
    return;
  json_builder_set_member_name (builder, name);
  json_builder_add_boolean_value (builder, TRUE);
}

/* @bytes: 0 when they are not known */
static void
add_bytes (JsonBuilder *builder, const char *name, guint64 bytes)
{
  if (bytes == 0)
    return;
  json_builder_set_member_name (builder, name);
  json_builder_add_int_value (builder, (gint64)MIN (bytes, G_MAXINT64));
}

static void
add_guest (JsonBuilder *builder, const AccmigGuest *guest)
{
  json_builder_set_member_name (builder, "guest");
  json_builder_begin_object (builder);
  add_flag (builder, "iommu", guest->iommu);
  add_flag (builder, "vfio-user", guest->vfio_user);
  add_bytes (builder, "memory", guest->memory);
  add_bytes (builder, "memory-limit", guest->memory_limit);
  json_builder_end_object (builder);
}

static void
add_hostdev (JsonBuilder *builder, const AccmigHostdev *hostdev, const Registry *registry)
{
  const Device *device = registry_lookup (registry, hostdev->address);
  const AccmigProfile *profile = device != NULL ? device_get_profile (device) : NULL;
  g_autofree char *text = profile != NULL ? accmig_profile_to_json (profile) : NULL;
  JsonNode *node = text != NULL ? json_from_string (text, NULL) : NULL;

  json_builder_begin_object (builder);
  add_string (builder, "alias", hostdev->alias);
  add_string (builder, "kind", accmig_kind_to_string (hostdev->kind));
  add_string (builder, "address", hostdev->address);
  json_builder_set_member_name (builder, "managed");
  json_builder_add_boolean_value (builder, hostdev->managed);
  add_flag (builder, "transient", hostdev->transient);
  json_builder_set_member_name (builder, "profile");
  if (node != NULL)
    json_builder_add_value (builder, node);
  else
    json_builder_add_null_value (builder);
  json_builder_end_object (builder);
}

static void
add_nodes (JsonBuilder *builder, const AccmigDomain *domain)
{
  if (!accmig_domain_has_nodes (domain))
    return;
  json_builder_set_member_name (builder, "memory-nodes");
  json_builder_begin_array (builder);
  for (int node = 0; node < ACCMIG_DOMAIN_MAX_NODES; node++)
    if (accmig_domain_has_node (domain, node))
      json_builder_add_int_value (builder, node);
  json_builder_end_array (builder);
}

char *
description_format (const AccmigDomain *domain, const Registry *registry)
{
  g_autoptr (JsonBuilder) builder = json_builder_new_immutable ();
  g_autoptr (JsonNode) root = NULL;

  json_builder_begin_object (builder);
  add_string (builder, "format", DESCRIPTION_FORMAT);
  add_string (builder, "name", accmig_domain_get_name (domain));
  add_string (builder, "uuid", accmig_domain_get_uuid (domain));
  json_builder_set_member_name (builder, "hostdevs");
  json_builder_begin_array (builder);
  for (gsize i = 0; i < accmig_domain_get_n_hostdevs (domain); i++)
    add_hostdev (builder, accmig_domain_get_hostdev (domain, i), registry);
  json_builder_end_array (builder);
  add_nodes (builder, domain);
  add_guest (builder, accmig_domain_get_guest (domain));
  json_builder_end_object (builder);
  root = json_builder_get_root (builder);
  return json_to_string (root, FALSE);
}

/* ---- reading ---- */

static gboolean G_GNUC_PRINTF (3, 4) fail (GError **error, AccmigError code, const char *format, ...)
{
  va_list args;
  g_autofree char *message = NULL;

  va_start (args, format);
  message = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error_literal (error, ACCMIG_ERROR, code, message);
  return FALSE;
}

/* Skips a string that begins at @c. Returns: its closing quote, or the text's end */
static const char *
skip_string (const char *c)
{
  for (c++; *c != '\0' && *c != '"'; c++)
    if (*c == '\\' && c[1] != '\0')
      c++;
  return c;
}

/* Whether json-glib may see it. */
static gboolean
check_shape (const char *text, GError **error)
{
  int depth = 0;

  if (strlen (text) > DESCRIPTION_MAX_SIZE)
    return fail (error, ACCMIG_ERROR_LIMIT, "the description has %zu bytes, at most %d are read",
                 strlen (text), DESCRIPTION_MAX_SIZE);
  if (!g_utf8_validate (text, -1, NULL))
    return fail (error, ACCMIG_ERROR_INVALID, "the description is not UTF-8");
  for (const char *c = text; *c != '\0'; c++)
    {
      if (strchr (PLAIN_CHARACTERS, *c) == NULL)
        return fail (error, ACCMIG_ERROR_INVALID, "the description is not JSON: byte 0x%02x at %zu",
                     (guchar)*c, (gsize)(c - text));
      if (*c == '"')
        c = skip_string (c);
      if (*c == '\0')
        return fail (error, ACCMIG_ERROR_INVALID, "the description ends within a string");
      depth += (*c == '{' || *c == '[') - (*c == '}' || *c == ']');
      if (depth > MAX_DEPTH)
        return fail (error, ACCMIG_ERROR_LIMIT, "the description is nested deeper than %d levels", MAX_DEPTH);
    }
  return TRUE;
}

static void
hostdev_free (gpointer data)
{
  Hostdev *self = data;

  g_free (self->alias);
  g_free (self->address);
  g_free (self->profile);
  g_free (self);
}

void
description_free (Description *self)
{
  if (self == NULL)
    return;
  g_ptr_array_unref (self->hostdevs);
  g_array_unref (self->nodes);
  g_free (self->name);
  g_free (self);
}

static gboolean
add_hostdev_from_json (Description *self, JsonObject *object, GError **error)
{
  const char *alias = json_members_get_string (object, "alias");
  const char *address = json_members_get_string (object, "address");
  const char *kind_name = json_members_get_string (object, "kind");
  JsonNode *profile = json_object_get_member (object, "profile");
  AccmigKind kind = ACCMIG_KIND_PCI;
  Hostdev *hostdev = NULL;

  if (!accmig_alias_is_valid (alias))
    return fail (error, ACCMIG_ERROR_INVALID, "a hostdev of the description has no valid alias");
  if (!accmig_address_is_valid (address, &kind) || g_strcmp0 (kind_name, accmig_kind_to_string (kind)) != 0)
    return fail (error, ACCMIG_ERROR_INVALID, "%s of the description has no valid address of its kind",
                 alias);
  if (profile != NULL && !JSON_NODE_HOLDS_OBJECT (profile) && !JSON_NODE_HOLDS_NULL (profile))
    return fail (error, ACCMIG_ERROR_INVALID, "the profile of %s is no object", alias);

  hostdev = g_new0 (Hostdev, 1);
  hostdev->alias = g_strdup (alias);
  hostdev->address = g_strdup (address);
  if (profile != NULL && JSON_NODE_HOLDS_OBJECT (profile))
    hostdev->profile = json_to_string (profile, FALSE);
  hostdev->hostdev = (AccmigHostdev){
    .alias = hostdev->alias,
    .key = hostdev->alias,
    .kind = kind,
    .address = hostdev->address,
    .managed = json_members_get_boolean (object, "managed"),
    .transient = json_members_get_boolean (object, "transient"),
    .profile = hostdev->profile,
  };
  g_ptr_array_add (self->hostdevs, hostdev);
  return TRUE;
}

static gboolean
read_hostdevs (Description *self, JsonArray *array, GError **error)
{
  if (array == NULL)
    return fail (error, ACCMIG_ERROR_INVALID, "the description has no array “hostdevs”");
  if (json_array_get_length (array) > ACCMIG_DOMAIN_MAX_HOSTDEVS)
    return fail (error, ACCMIG_ERROR_LIMIT, "the description has %u hostdevs, at most %d are read",
                 json_array_get_length (array), ACCMIG_DOMAIN_MAX_HOSTDEVS);
  for (guint i = 0; i < json_array_get_length (array); i++)
    {
      JsonNode *node = json_array_get_element (array, i);

      if (!JSON_NODE_HOLDS_OBJECT (node))
        return fail (error, ACCMIG_ERROR_INVALID, "hostdev %u of the description is no object", i);
      if (!add_hostdev_from_json (self, json_node_get_object (node), error))
        return FALSE;
    }
  return TRUE;
}

/* @array: (nullable) */
static gboolean
read_nodes (Description *self, JsonArray *array, GError **error)
{
  guint n = array != NULL ? json_array_get_length (array) : 0;

  if (n > ACCMIG_DOMAIN_MAX_NODES)
    return fail (error, ACCMIG_ERROR_LIMIT, "the description has %u memory nodes, at most %d are read", n,
                 ACCMIG_DOMAIN_MAX_NODES);
  for (guint i = 0; i < n; i++)
    {
      JsonNode *element = json_array_get_element (array, i);
      gboolean whole = JSON_NODE_HOLDS_VALUE (element) && json_node_get_value_type (element) == G_TYPE_INT64;
      gint64 number = whole ? json_node_get_int (element) : -1;
      int node = (int)number;

      if (number < 0 || number >= ACCMIG_DOMAIN_MAX_NODES)
        return fail (error, ACCMIG_ERROR_INVALID, "memory node %u of the description is no number below %d",
                     i, ACCMIG_DOMAIN_MAX_NODES);
      g_array_append_val (self->nodes, node);
    }
  return TRUE;
}

/* What is no number of bytes is not known. */
static guint64
read_bytes (JsonObject *object, const char *name)
{
  gint64 bytes = json_members_get_int (object, name);

  return (guint64)MAX (bytes, 0);
}

/* @object: (nullable): older agents do not say it */
static void
read_guest (Description *self, JsonObject *object)
{
  if (object == NULL)
    return;
  self->guest = (AccmigGuest){
    .iommu = json_members_get_boolean (object, "iommu"),
    .vfio_user = json_members_get_boolean (object, "vfio-user"),
    .memory = read_bytes (object, "memory"),
    .memory_limit = read_bytes (object, "memory-limit"),
  };
}

Description *
description_new_from_json (const char *text, GError **error)
{
  g_autoptr (Description) self = NULL;
  g_autoptr (JsonParser) parser = NULL;
  g_autoptr (GError) parse_error = NULL;
  JsonNode *root = NULL;
  JsonObject *object = NULL;
  const char *format = NULL, *name = NULL;

  if (!check_shape (text, error))
    return NULL;
  parser = json_parser_new_immutable ();
  if (json_parser_load_from_data (parser, text, -1, &parse_error))
    root = json_parser_get_root (parser);
  if (root == NULL || !JSON_NODE_HOLDS_OBJECT (root))
    {
      fail (error, ACCMIG_ERROR_INVALID, "the description is no JSON object%s%s",
            parse_error != NULL ? ": " : "", parse_error != NULL ? parse_error->message : "");
      return NULL;
    }
  object = json_node_get_object (root);
  format = json_members_get_string (object, "format");
  name = json_members_get_string (object, "name");
  if (g_strcmp0 (format, DESCRIPTION_FORMAT) != 0)
    {
      fail (error, ACCMIG_ERROR_INVALID, "the description's format is not “%s”", DESCRIPTION_FORMAT);
      return NULL;
    }
  if (name == NULL || strlen (name) > MAX_NAME)
    {
      fail (error, ACCMIG_ERROR_INVALID, "the description has no name of at most %d bytes", MAX_NAME);
      return NULL;
    }

  self = g_new0 (Description, 1);
  self->name = g_strdup (name);
  self->hostdevs = g_ptr_array_new_with_free_func (hostdev_free);
  self->nodes = g_array_new (FALSE, FALSE, sizeof (int));
  if (!read_hostdevs (self, json_members_get_array (object, "hostdevs"), error)
      || !read_nodes (self, json_members_get_array (object, "memory-nodes"), error))
    return NULL;
  read_guest (self, json_members_get_object (object, "guest"));
  return g_steal_pointer (&self);
}

const char *
description_get_name (const Description *self)
{
  return self->name;
}

gsize
description_get_n_hostdevs (const Description *self)
{
  return self->hostdevs->len;
}

const AccmigHostdev *
description_get_hostdev (const Description *self, gsize index)
{
  return &((const Hostdev *)self->hostdevs->pdata[index])->hostdev;
}

const AccmigGuest *
description_get_guest (const Description *self)
{
  return &self->guest;
}

gsize
description_get_n_nodes (const Description *self)
{
  return self->nodes->len;
}

int
description_get_node (const Description *self, gsize index)
{
  return g_array_index (self->nodes, int, index);
}
