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
#include "family.h"
#include "strict-json.h"

/* Longest known text. */
#define MAX_TEXT 128

/* How much of a text from outside an error message repeats. */
#define MAX_QUOTE 64

/* ---- members ---- */

/* Every known member besides those of the families. Whatever lacks a name in a sentence is nothing for a
 * rule. */
static const struct
{
  const char *path;
  ValueType type;
  const char *what;
  gboolean required;
} members[] = {
  /* clang-format off */
  [MEMBER_FORMAT]            = { "format",            VALUE_TEXT,    "profile format", TRUE },
  [MEMBER_HOST_KERNEL]       = { "host.kernel",       VALUE_TEXT,    "kernel release" },
  [MEMBER_HOST_KERNEL_LEVEL] = { "host.kernel-level", VALUE_TEXT,    "kernel level" },
  [MEMBER_HOST_MACHINE]      = { "host.machine",      VALUE_TEXT,    "architecture" },
  [MEMBER_HOST_PAGE_SIZE]    = { "host.page-size",    VALUE_NUMBER,  "page size" },
  [MEMBER_HOST_CPU]          = { "host.cpu",          VALUE_TEXT,    "processor" },
  [MEMBER_HOST_IOMMU]        = { "host.iommu",        VALUE_TEXT,    "IOMMU" },
  [MEMBER_HOST_QEMU]         = { "host.qemu",         VALUE_TEXT,    "QEMU version" },
  [MEMBER_HOST_LIBVIRT]      = { "host.libvirt",      VALUE_TEXT,    "libvirt version" },
  [MEMBER_ADDRESS]           = { "device.address",    VALUE_TEXT,    "address", TRUE },
  [MEMBER_KIND]              = { "device.kind",       VALUE_TEXT,    "kind of device", TRUE },
  [MEMBER_FAMILY]            = { "device.family",     VALUE_TEXT,    "driver family", TRUE },
  [MEMBER_VENDOR]            = { "device.vendor",     VALUE_TEXT,    "vendor id" },
  [MEMBER_DEVICE]            = { "device.device",     VALUE_TEXT,    "device id" },
  [MEMBER_REVISION]          = { "device.revision",   VALUE_TEXT,    "PCI revision" },
  [MEMBER_MDEV_TYPE]         = { "device.mdev-type",  VALUE_TEXT,    "mdev type" },
  [MEMBER_DRIVER]            = { "device.driver",     VALUE_TEXT,    "driver" },
  [MEMBER_VFIO]              = { "device.vfio",       VALUE_BOOLEAN, "binding to VFIO" },
  [MEMBER_VARIANT]           = { "device.variant",    VALUE_TEXT,    "variant driver" },
  [MEMBER_PF]                = { "device.pf",         VALUE_TEXT,    "PF" },
  [MEMBER_PF_DRIVER]         = { "device.pf-driver",  VALUE_TEXT,    "PF's driver" },
  [MEMBER_VF_INDEX]          = { "device.vf-index",   VALUE_NUMBER,  "VF index" },
  [MEMBER_NUM_VFS]           = { "device.num-vfs",    VALUE_NUMBER,  "number of VFs" },
  [MEMBER_NUMA_NODE]         = { "device.numa-node",  VALUE_NUMBER,  "NUMA node" },
  [MEMBER_MIGRATION]         = { "device.migration",  VALUE_BOOLEAN, "offer of migration" },
  [MEMBER_FLAGS]             = { "device.flags",      VALUE_FLAGS,   "migration flags" },
  [MEMBER_STATE_SIZE]        = { "device.state-size", VALUE_NUMBER,  "size of the state" },
  [MEMBER_DIRTY_TRACKING] = { "device.dirty-tracking", VALUE_BOOLEAN, "dirty tracking by the device" },
  /* clang-format on */
};
G_STATIC_ASSERT (G_N_ELEMENTS (members) == N_MEMBERS);

gboolean
profile_find_member (const char *path, ProfileMember *ret_member)
{
  for (ProfileMember i = 0; i < N_MEMBERS; i++)
    if (strcmp (members[i].path, path) == 0)
      {
        *ret_member = i;
        return TRUE;
      }
  return FALSE;
}

ValueType
profile_member_get_type (ProfileMember member)
{
  return members[member].type;
}

const char *
profile_member_get_what (ProfileMember member)
{
  return members[member].what;
}

/* What the error messages call them. */
static const char *
describe_type (ValueType type)
{
  if (type == VALUE_TEXT)
    return "a printable ASCII text of 1 to 128 characters";
  return type == VALUE_BOOLEAN ? "true or false" : "a whole number, not negative";
}

/* ---- looking up ---- */

/* Returns: (transfer none) (nullable): the member at @path, of whatever type. */
static JsonNode *
find_member (JsonNode *root, const char *path)
{
  JsonNode *node = root;
  char name[STRICT_JSON_MAX_NAME + 1];

  for (gboolean last = FALSE; !last; path++)
    {
      gsize length = strcspn (path, ".");

      if (!JSON_NODE_HOLDS_OBJECT (node) || length > STRICT_JSON_MAX_NAME)
        return NULL;
      memcpy (name, path, length);
      name[length] = '\0';
      node = json_object_get_member (json_node_get_object (node), name);
      if (node == NULL)
        return NULL;
      path += length;
      last = *path == '\0';
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

/* @node: a member of a type. @value: (out caller-allocates): set on success */
static gboolean
read_value (JsonNode *node, ValueType type, Value *value)
{
  if (type == VALUE_TEXT)
    {
      if (!holds (node, G_TYPE_STRING) || !is_plain_text (json_node_get_string (node)))
        return FALSE;
      value_set_text (value, json_node_get_string (node));
      return TRUE;
    }
  if (type == VALUE_BOOLEAN)
    {
      if (!holds (node, G_TYPE_BOOLEAN))
        return FALSE;
      value_set_number (value, json_node_get_boolean (node));
      return TRUE;
    }
  if (!holds (node, G_TYPE_INT64) || json_node_get_int (node) < 0)
    return FALSE;
  value_set_number (value, (guint64)json_node_get_int (node));
  return TRUE;
}

/* The objects that others are members of. */
static gboolean
check_objects (JsonNode *root, GError **error)
{
  static const char *const names[] = { "host", "device" };
  JsonObject *object = json_node_get_object (root);

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      JsonNode *node = json_object_get_member (object, names[i]);

      if (node == NULL)
        return fail (error, ACCMIG_ERROR_INVALID, "profile: %s is missing", names[i]);
      if (!JSON_NODE_HOLDS_OBJECT (node))
        return fail (error, ACCMIG_ERROR_INVALID, "profile: %s is not an object", names[i]);
    }
  return TRUE;
}

/* @values: by member. @error: as far as that they are set */
static gboolean
read_members (JsonNode *root, Value *values, GError **error)
{
  for (ProfileMember i = 0; i < N_MEMBERS; i++)
    {
      JsonNode *node = find_member (root, members[i].path);

      if (node == NULL && members[i].required)
        return fail (error, ACCMIG_ERROR_INVALID, "profile: %s is missing", members[i].path);
      if (node != NULL && !read_value (node, members[i].type, &values[i]))
        return fail (error, ACCMIG_ERROR_INVALID, "profile: %s is not %s", members[i].path,
                     describe_type (members[i].type));
    }
  return TRUE;
}

/* @values: by field of @family */
static gboolean
read_fields (JsonObject *object, const AccmigFamily *family, Value *values, GError **error)
{
  for (guint i = 0; i < family->fields->len; i++)
    {
      const FamilyField *field = g_ptr_array_index (family->fields, i);
      JsonNode *node = json_object_get_member (object, field->name);

      if (node != NULL && !read_value (node, field->type, &values[i]))
        return fail (error, ACCMIG_ERROR_INVALID, "profile: %s.%s is not %s", family->name, field->name,
                     describe_type (field->type));
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

/* Match data is for drivers, not for rules: it has no value of its own. */
static gboolean
check_match (JsonNode *root, GError **error)
{
  JsonNode *node = find_member (root, "device.match");
  const char *hex = text_at (root, "device.match");
  gsize length = hex != NULL ? strlen (hex) : 0;

  if (node == NULL)
    return TRUE;
  if (length > 0 && length <= 2 * PROFILE_MAX_MATCH && length % 2 == 0
      && hex[strspn (hex, "0123456789abcdef")] == '\0')
    return TRUE;
  return fail (error, ACCMIG_ERROR_INVALID,
               "profile: device.match is not a text of 1 to %d pairs of hex digits", PROFILE_MAX_MATCH);
}

/* ---- making ---- */

/* Returns: (transfer full): a profile without a document, values for @family (nullable) all unknown */
static AccmigProfile *
profile_new (AccmigFamilies *families, const AccmigFamily *family)
{
  guint n_values = family_count_slots (family);
  AccmigProfile *self = g_malloc0 (sizeof (AccmigProfile) + n_values * sizeof (Value));

  g_atomic_ref_count_init (&self->references);
  self->families = accmig_families_ref (families);
  self->family = family;
  self->n_values = n_values;
  return self;
}

/* The object of a family that is not the device's means nothing, but is no less checked than its own. */
static gboolean
check_other_family (JsonObject *object, const AccmigFamily *family, GError **error)
{
  g_autofree Value *values = g_new0 (Value, family->fields->len);
  gboolean good = read_fields (object, family, values, error);

  for (guint i = 0; i < family->fields->len; i++)
    value_clear (&values[i]);
  return good;
}

static gboolean
read_families (AccmigProfile *self, JsonNode *root, GError **error)
{
  for (gsize i = 0; i < accmig_families_get_n (self->families); i++)
    {
      const AccmigFamily *family = accmig_families_get (self->families, i);
      JsonNode *node = json_object_get_member (json_node_get_object (root), family->name);

      if (node == NULL || family->fields->len == 0)
        continue;
      if (!JSON_NODE_HOLDS_OBJECT (node))
        return fail (error, ACCMIG_ERROR_INVALID, "profile: %s is not an object", family->name);
      if (!(family == self->family
                ? read_fields (json_node_get_object (node), family, self->values + N_MEMBERS, error)
                : check_other_family (json_node_get_object (node), family, error)))
        return FALSE;
    }
  return TRUE;
}

static gboolean
read_root (AccmigProfile *self, JsonNode *root, GError **error)
{
  return check_objects (root, error) && read_members (root, self->values, error)
         && read_families (self, root, error) && check_format (root, error) && check_identity (root, error)
         && check_match (root, error);
}

AccmigProfile *
profile_new_take_root (JsonNode *root, GError **error)
{
  g_autoptr (JsonNode) owned = root;
  AccmigFamilies *families = accmig_families_get_default ();
  g_autoptr (AccmigProfile) self =
      profile_new (families, accmig_families_lookup (families, text_at (root, "device.family")));

  if (!read_root (self, owned, error))
    return NULL;
  self->canonical = strict_json_write (owned);
  if (strlen (self->canonical) > ACCMIG_PROFILE_MAX_SIZE)
    {
      fail (error, ACCMIG_ERROR_LIMIT, "profile: %zu bytes in canonical form, at most %d are allowed",
            strlen (self->canonical), ACCMIG_PROFILE_MAX_SIZE);
      return NULL;
    }
  self->digest = g_compute_checksum_for_string (G_CHECKSUM_SHA256, self->canonical, -1);
  self->root = g_steal_pointer (&owned);
  return g_steal_pointer (&self);
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
  for (guint i = 0; i < self->n_values; i++)
    value_clear (&self->values[i]);
  g_clear_pointer (&self->root, json_node_unref);
  accmig_families_unref (self->families);
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
  return profile_get_text (self, MEMBER_ADDRESS);
}

const char *
accmig_profile_get_family (const AccmigProfile *self)
{
  return profile_get_text (self, MEMBER_FAMILY);
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
