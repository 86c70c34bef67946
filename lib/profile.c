// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Profiles
 *
 * The document: what its members are, how a text becomes one, and what can be asked of it. A profile is
 * checked once, when it is made, from whatever source; afterwards every known member has its type, and every
 * known text is short, printable and of one line, so that rules and messages can use it as it is. Unknown
 * members stay in the document (and in its digest) and mean nothing here.
 */

#include "profile-private.h"

#include <string.h>

#include "error-private.h"
#include "strict-json.h"

/* Longest known text. */
#define MAX_TEXT 128

/* How much of a text from outside an error message repeats. */
#define MAX_QUOTE 64

struct _AccmigProfile
{
  gatomicrefcount references;
  JsonNode *root;
  char *canonical;
  char *digest;
};

typedef enum
{
  MEMBER_OBJECT,
  MEMBER_TEXT,
  MEMBER_NUMBER, /* 0 … 2^63 - 1 */
  MEMBER_BOOLEAN,
} MemberType;

/* What the error messages call them. */
static const char *const type_names[] = {
  [MEMBER_OBJECT] = "an object",
  [MEMBER_TEXT] = "a printable ASCII text of 1 to 128 characters",
  [MEMBER_NUMBER] = "a whole number, not negative",
  [MEMBER_BOOLEAN] = "true or false",
};

/* Every known member; a member's object comes before it. */
static const struct
{
  const char *path;
  MemberType type;
  gboolean required;
} members[] = {
  { "format", MEMBER_TEXT, TRUE },
  { "host", MEMBER_OBJECT, TRUE },
  { "host.kernel", MEMBER_TEXT },
  { "host.machine", MEMBER_TEXT },
  { "host.page-size", MEMBER_NUMBER },
  { "host.cpu", MEMBER_TEXT },
  { "host.iommu", MEMBER_TEXT },
  { "device", MEMBER_OBJECT, TRUE },
  { "device.address", MEMBER_TEXT, TRUE },
  { "device.kind", MEMBER_TEXT, TRUE },
  { "device.family", MEMBER_TEXT, TRUE },
  { "device.vendor", MEMBER_TEXT },
  { "device.device", MEMBER_TEXT },
  { "device.revision", MEMBER_TEXT },
  { "device.mdev-type", MEMBER_TEXT },
  { "device.driver", MEMBER_TEXT },
  { "device.vfio", MEMBER_BOOLEAN },
  { "device.variant", MEMBER_TEXT },
  { "device.pf", MEMBER_TEXT },
  { "device.pf-driver", MEMBER_TEXT },
  { "device.vf-index", MEMBER_NUMBER },
  { "device.num-vfs", MEMBER_NUMBER },
  { "device.numa-node", MEMBER_NUMBER },
  { "device.migration", MEMBER_BOOLEAN },
  { "device.flags", MEMBER_NUMBER },
  { "device.state-size", MEMBER_NUMBER },
  { "hisi_acc", MEMBER_OBJECT },
  { "hisi_acc.hardware", MEMBER_TEXT },
  { "hisi_acc.magic", MEMBER_TEXT },
  { "hisi_acc.major", MEMBER_NUMBER },
  { "hisi_acc.minor", MEMBER_NUMBER },
  { "hisi_acc.qp-num", MEMBER_NUMBER },
  { "hisi_acc.isolation", MEMBER_NUMBER },
  { "migsim", MEMBER_OBJECT },
  { "migsim.format-version", MEMBER_NUMBER },
  { "migsim.capability", MEMBER_NUMBER },
  { "mtty", MEMBER_OBJECT },
  { "mtty.ports", MEMBER_NUMBER },
};

/* ---- looking up ---- */

/* Returns: (transfer none) (nullable): the member at @path, of whatever type. */
static JsonNode *
find_member (JsonNode *root, const char *path)
{
  g_auto (GStrv) names = g_strsplit (path, ".", -1);
  JsonNode *node = root;

  for (char **name = names; *name != NULL; name++)
    {
      if (!JSON_NODE_HOLDS_OBJECT (node))
        return NULL;
      node = json_object_get_member (json_node_get_object (node), *name);
      if (node == NULL)
        return NULL;
    }
  return node;
}

static gboolean
holds (JsonNode *node, GType type)
{
  return JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == type;
}

static const char *
text_at (JsonNode *root, const char *path)
{
  JsonNode *node = find_member (root, path);

  return node != NULL && holds (node, G_TYPE_STRING) ? json_node_get_string (node) : NULL;
}

/* ---- checking ---- */

/* Returns: (transfer full): @text made safe for one line of a message. */
static char *
quote (const char *text)
{
  g_autofree char *start = g_strndup (text, MAX_QUOTE);

  return g_strescape (start, NULL);
}

static gboolean
is_plain_text (const char *text)
{
  gsize length = strlen (text);

  if (length == 0 || length > MAX_TEXT)
    return FALSE;
  for (; *text != '\0'; text++)
    if (!g_ascii_isprint (*text))
      return FALSE;
  return TRUE;
}

static gboolean
has_type (JsonNode *node, MemberType type)
{
  switch (type)
    {
    case MEMBER_OBJECT:
      return JSON_NODE_HOLDS_OBJECT (node);
    case MEMBER_TEXT:
      return holds (node, G_TYPE_STRING) && is_plain_text (json_node_get_string (node));
    case MEMBER_NUMBER:
      return holds (node, G_TYPE_INT64) && json_node_get_int (node) >= 0;
    case MEMBER_BOOLEAN:
      return holds (node, G_TYPE_BOOLEAN);
    }
  return FALSE;
}

static gboolean
check_members (JsonNode *root, GError **error)
{
  for (gsize i = 0; i < G_N_ELEMENTS (members); i++)
    {
      JsonNode *node = find_member (root, members[i].path);

      if (node == NULL && members[i].required)
        return fail (error, ACCMIG_ERROR_INVALID, "profile: %s is missing", members[i].path);
      if (node != NULL && !has_type (node, members[i].type))
        return fail (error, ACCMIG_ERROR_INVALID, "profile: %s is not %s", members[i].path,
                     type_names[members[i].type]);
    }
  return TRUE;
}

/* "accmig-profile/1", or with a minor number: "accmig-profile/1.4". What a minor adds may be ignored. */
static gboolean
check_format (JsonNode *root, GError **error)
{
  const char *format = text_at (root, "format");
  g_autofree char *quoted = quote (format);
  const char *rest;

  if (g_str_has_prefix (format, ACCMIG_PROFILE_FORMAT))
    {
      rest = format + strlen (ACCMIG_PROFILE_FORMAT);
      if (*rest == '\0'
          || (rest[0] == '.' && rest[1] != '\0' && rest[1 + strspn (rest + 1, "0123456789")] == '\0'))
        return TRUE;
    }
  return fail (error, ACCMIG_ERROR_INVALID, "profile: format is “%s”, not “" ACCMIG_PROFILE_FORMAT "”",
               quoted);
}

static gboolean
check_identity (JsonNode *root, GError **error)
{
  const char *address = text_at (root, "device.address");
  const char *kind = text_at (root, "device.kind");
  const char *family = text_at (root, "device.family");
  g_autofree char *quoted_address = quote (address);
  g_autofree char *quoted_kind = quote (kind);
  g_autofree char *quoted_family = quote (family);
  AccmigKind named;

  if (!accmig_address_is_valid (address, &named))
    return fail (error, ACCMIG_ERROR_INVALID, "profile: device.address is “%s”, neither PCI address nor UUID",
                 quoted_address);
  if (strcmp (kind, accmig_kind_to_string (named)) != 0)
    return fail (error, ACCMIG_ERROR_INVALID, "profile: device.kind is “%s”, but %s is a %s device",
                 quoted_kind, quoted_address, accmig_kind_to_string (named));
  if (family[strspn (family, "abcdefghijklmnopqrstuvwxyz0123456789_")] != '\0')
    return fail (error, ACCMIG_ERROR_INVALID,
                 "profile: device.family is “%s”, not a name of lower-case letters, digits and underscores",
                 quoted_family);
  return TRUE;
}

/* ---- making ---- */

AccmigProfile *
profile_new_take_root (JsonNode *root, GError **error)
{
  g_autoptr (JsonNode) owned = root;
  g_autofree char *canonical = NULL;
  AccmigProfile *self;

  if (!check_members (owned, error) || !check_format (owned, error) || !check_identity (owned, error))
    return NULL;
  canonical = strict_json_write (owned);
  if (strlen (canonical) > ACCMIG_PROFILE_MAX_SIZE)
    {
      fail (error, ACCMIG_ERROR_LIMIT, "profile: %zu bytes in canonical form, at most %d are allowed",
            strlen (canonical), ACCMIG_PROFILE_MAX_SIZE);
      return NULL;
    }

  self = g_new0 (AccmigProfile, 1);
  g_atomic_ref_count_init (&self->references);
  self->digest = g_compute_checksum_for_string (G_CHECKSUM_SHA256, canonical, -1);
  self->canonical = g_steal_pointer (&canonical);
  self->root = g_steal_pointer (&owned);
  return self;
}

AccmigProfile *
accmig_profile_new_from_json (const char *text, gssize length, GError **error)
{
  gsize size = length >= 0 ? (gsize)length : strlen (text);
  JsonNode *root;

  if (size > ACCMIG_PROFILE_MAX_SIZE)
    {
      fail (error, ACCMIG_ERROR_LIMIT, "profile: %zu bytes, at most %d are allowed", size,
            ACCMIG_PROFILE_MAX_SIZE);
      return NULL;
    }
  root = strict_json_parse (text, size, ACCMIG_PROFILE_MAX_DEPTH, error);
  if (root == NULL)
    {
      g_prefix_error (error, "profile: ");
      return NULL;
    }
  return profile_new_take_root (root, error);
}

AccmigProfile *
accmig_profile_ref (AccmigProfile *self)
{
  g_atomic_ref_count_inc (&self->references);
  return self;
}

void
accmig_profile_unref (AccmigProfile *self)
{
  if (self == NULL || !g_atomic_ref_count_dec (&self->references))
    return;
  json_node_unref (self->root);
  g_free (self->canonical);
  g_free (self->digest);
  g_free (self);
}

/* ---- asking ---- */

char *
accmig_profile_to_json (const AccmigProfile *self)
{
  return g_strdup (self->canonical);
}

char *
accmig_profile_to_pretty_json (const AccmigProfile *self)
{
  /* json-glib keeps the order of a text, and the canonical one is sorted. */
  g_autoptr (JsonNode) sorted = json_from_string (self->canonical, NULL);

  return json_to_string (sorted, TRUE);
}

const char *
accmig_profile_get_digest (const AccmigProfile *self)
{
  return self->digest;
}

const char *
accmig_profile_get_address (const AccmigProfile *self)
{
  return text_at (self->root, "device.address");
}

const char *
accmig_profile_get_family (const AccmigProfile *self)
{
  return text_at (self->root, "device.family");
}

const char *
accmig_profile_get_string (const AccmigProfile *self, const char *path)
{
  return text_at (self->root, path);
}

gboolean
accmig_profile_get_uint (const AccmigProfile *self, const char *path, guint64 *ret_value)
{
  JsonNode *node = find_member (self->root, path);

  if (node == NULL || !holds (node, G_TYPE_INT64) || json_node_get_int (node) < 0)
    return FALSE;
  *ret_value = (guint64)json_node_get_int (node);
  return TRUE;
}

gboolean
profile_get_boolean (const AccmigProfile *self, const char *path, gboolean *ret_value)
{
  JsonNode *node = find_member (self->root, path);

  if (node == NULL || !holds (node, G_TYPE_BOOLEAN))
    return FALSE;
  *ret_value = json_node_get_boolean (node);
  return TRUE;
}
