// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Registered devices, written down
 *
 * One small JSON file: { "format", "bus", "devices": { ID: { "address", "holder", "flags", "size", "tracks" }
 * } }. Holders are named as their bus names them, which means something only as long as that bus lives.
 *
 * It is the agent's own, written by nobody else, yet read with suspicion: what does not look right is left
 * out.
 */

#include "registered-file.h"

#include <accmig/accmig.h>

#include "common/registered-id.h"
#include "json-members.h"

#define FORMAT     "accmig-registered/1"
#define MAX_SIZE   (1024 * 1024) /* bytes; thousands of devices */
#define MAX_HOLDER 255           /* bytes, of any name on a bus */

/* What reading hands on. */
typedef struct
{
  void (*each) (const RegisteredRecord *record, gpointer user);
  gpointer user;
} Reader;

static gboolean
is_holder (const char *name)
{
  return name != NULL && name[0] == ':' && strlen (name) <= MAX_HOLDER;
}

static gboolean
is_address (const char *address)
{
  return address != NULL && (*address == '\0' || accmig_address_is_valid (address, NULL));
}

static void
read_record (JsonObject *records, const char *id, JsonNode *node, gpointer user)
{
  const Reader *reader = user;
  JsonObject *object = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
  RegisteredRecord record = { .id = id };

  if (object == NULL || !registered_id_is_valid (id))
    return;
  record.address = json_members_get_string (object, "address");
  record.holder = json_members_get_string (object, "holder");
  record.flags = (guint64)json_members_get_int (object, "flags");
  record.stop_copy_size = (guint64)json_members_get_int (object, "size");
  record.tracking = json_members_get_boolean (object, "tracks") ? ACCMIG_TRACKING_YES : ACCMIG_TRACKING_NO;
  if (is_address (record.address) && is_holder (record.holder))
    reader->each (&record, reader->user);
}

void
registered_file_read (const char *path, const char *bus_id,
                      void (*each) (const RegisteredRecord *record, gpointer user), gpointer user)
{
  Reader reader = { each, user };
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_autofree char *text = NULL;
  gsize length = 0;
  JsonNode *root = NULL;
  JsonObject *object = NULL, *records = NULL;

  if (!g_file_get_contents (path, &text, &length, NULL) || length > MAX_SIZE
      || !json_parser_load_from_data (parser, text, (gssize)length, NULL))
    return;
  root = json_parser_get_root (parser);
  if (root == NULL || !JSON_NODE_HOLDS_OBJECT (root))
    return;
  object = json_node_get_object (root);
  if (g_strcmp0 (json_members_get_string (object, "format"), FORMAT) != 0
      || g_strcmp0 (json_members_get_string (object, "bus"), bus_id) != 0)
    return;
  records = json_members_get_object (object, "devices");
  if (records != NULL)
    json_object_foreach_member (records, read_record, &reader);
}

static void
add_text (JsonBuilder *builder, const char *name, const char *value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_string_value (builder, value);
}

static void
add_number (JsonBuilder *builder, const char *name, guint64 value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_int_value (builder, (gint64)value);
}

static void
add_record (JsonBuilder *builder, const RegisteredRecord *record)
{
  json_builder_set_member_name (builder, record->id);
  json_builder_begin_object (builder);
  add_text (builder, "address", record->address);
  add_text (builder, "holder", record->holder);
  add_number (builder, "flags", record->flags);
  add_number (builder, "size", record->stop_copy_size);
  json_builder_set_member_name (builder, "tracks");
  json_builder_add_boolean_value (builder, record->tracking == ACCMIG_TRACKING_YES);
  json_builder_end_object (builder);
}

gboolean
registered_file_write (const char *path, const char *bus_id, const RegisteredRecord *records, gsize n,
                       GError **error)
{
  g_autoptr (JsonBuilder) builder = json_builder_new_immutable ();
  g_autoptr (JsonNode) root = NULL;
  g_autofree char *text = NULL;

  json_builder_begin_object (builder);
  add_text (builder, "format", FORMAT);
  add_text (builder, "bus", bus_id);
  json_builder_set_member_name (builder, "devices");
  json_builder_begin_object (builder);
  for (gsize i = 0; i < n; i++)
    add_record (builder, &records[i]);
  json_builder_end_object (builder);
  json_builder_end_object (builder);
  root = json_builder_get_root (builder);
  text = json_to_string (root, FALSE);
  return g_file_set_contents_full (path, text, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0600, error);
}
