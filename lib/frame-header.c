// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The header of a frame
 *
 * Members that are not known are ignored, as in a profile. The profile's digest stands beside it for people
 * who look for it in a journal, so it has to be the right one.
 */

#include "frame-private.h"

#include <accmig/domain.h>
#include <string.h>

#include "error-private.h"
#include "strict-json.h"

void
frame_header_clear (FrameHeader *self)
{
  g_free (self->uuid);
  g_free (self->name);
  accmig_profile_unref (self->profile);
  *self = (FrameHeader){ 0 };
}

/* In the one form in which it is compared. @text: (nullable) */
static gboolean
is_uuid (const char *text)
{
  if (text == NULL || !g_uuid_string_is_valid (text))
    return FALSE;
  for (; *text != '\0'; text++)
    if (g_ascii_isupper (*text))
      return FALSE;
  return TRUE;
}

static gboolean
check (const char *uuid, const char *name, GError **error)
{
  if (!is_uuid (uuid))
    return fail (error, ACCMIG_ERROR_INVALID, "header: the domain is no UUID in small letters");
  if (!accmig_alias_is_valid (name))
    return fail (error, ACCMIG_ERROR_INVALID, "header: the name is none of a registered device");
  return TRUE;
}

char *
frame_header_to_json (const AccmigFrameHeader *header, GError **error)
{
  g_autoptr (JsonNode) root = json_node_new (JSON_NODE_OBJECT);
  g_autofree char *profile = header->profile != NULL ? accmig_profile_to_json (header->profile) : NULL;
  JsonObject *object = json_object_new ();

  json_node_take_object (root, object);
  if (!check (header->uuid, header->name, error))
    return NULL;
  json_object_set_string_member (object, "domain", header->uuid);
  json_object_set_string_member (object, "name", header->name);
  json_object_set_int_member (object, "flags", (gint64)header->flags);
  if (profile != NULL)
    {
      json_object_set_string_member (object, "digest", accmig_profile_get_digest (header->profile));
      json_object_set_member (object, "profile", json_from_string (profile, NULL));
    }
  return strict_json_write (root);
}

/* (nullable): borrowed */
static const char *
get_text (JsonObject *object, const char *name)
{
  JsonNode *node = json_object_get_member (object, name);

  return node != NULL && JSON_NODE_HOLDS_VALUE (node) ? json_node_get_string (node) : NULL;
}

static gboolean
read_profile (FrameHeader *self, JsonObject *object, GError **error)
{
  JsonNode *node = json_object_get_member (object, "profile");
  g_autofree char *text = NULL;

  if (node == NULL)
    return TRUE;
  if (!JSON_NODE_HOLDS_OBJECT (node))
    return fail (error, ACCMIG_ERROR_INVALID, "header: the profile is no object");
  text = strict_json_write (node);
  self->profile = accmig_profile_new_from_json (text, -1, error);
  if (self->profile == NULL)
    {
      g_prefix_error (error, "header: ");
      return FALSE;
    }
  if (g_strcmp0 (get_text (object, "digest"), accmig_profile_get_digest (self->profile)) != 0)
    return fail (error, ACCMIG_ERROR_INVALID, "header: the digest is not the profile's, which is %s",
                 accmig_profile_get_digest (self->profile));
  return TRUE;
}

gboolean
frame_header_read (FrameHeader *self, JsonNode *root, GError **error)
{
  JsonObject *object = json_node_get_object (root);
  const char *uuid = get_text (object, "domain"), *name = get_text (object, "name");
  JsonNode *flags = json_object_get_member (object, "flags");

  if (!check (uuid, name, error))
    return FALSE;
  if (flags == NULL || !JSON_NODE_HOLDS_VALUE (flags) || json_node_get_value_type (flags) != G_TYPE_INT64
      || json_node_get_int (flags) < 0)
    return fail (error, ACCMIG_ERROR_INVALID, "header: the flags are no number");
  self->uuid = g_strdup (uuid);
  self->name = g_strdup (name);
  self->flags = (guint64)json_node_get_int (flags);
  return read_profile (self, object, error);
}
