// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reservations, written down
 *
 * One small JSON file: { "format", "boot", "reservations": { ADDRESS: { "uuid", "domain", "made", "until" } }
 * }. Times are those of the monotonic clock, which means something only within one boot; after another one
 * no guest and no promise is left anyway.
 *
 * It is the agent's own, written by nobody else, yet read with suspicion: what does not look right is left
 * out.
 */

#include "reservation-file.h"

#include <accmig/accmig.h>

#include "boot.h"
#include "json-members.h"

#define FORMAT          "accmig-reservations/1"
#define MAX_SIZE        (1024 * 1024) /* bytes; thousands of reservations */
#define MAX_DOMAIN_NAME 255           /* bytes */

/* What reading hands on. */
typedef struct
{
  void (*each) (const ReservationRecord *record, gpointer user);
  gpointer user;
} Reader;

static void
read_record (JsonObject *records, const char *address, JsonNode *node, gpointer user)
{
  const Reader *reader = user;
  JsonObject *object = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
  ReservationRecord record = { .address = address };

  if (object == NULL || !accmig_address_is_valid (address, NULL))
    return;
  record.uuid = json_members_get_string (object, "uuid");
  record.domain = json_members_get_string (object, "domain");
  record.made = json_members_get_boolean (object, "made");
  record.until_usec = json_members_get_int (object, "until");
  if (record.uuid != NULL && g_uuid_string_is_valid (record.uuid) && record.domain != NULL
      && strlen (record.domain) <= MAX_DOMAIN_NAME && record.until_usec >= 0)
    reader->each (&record, reader->user);
}

void
reservation_file_read (const char *path, void (*each) (const ReservationRecord *record, gpointer user),
                       gpointer user)
{
  Reader reader = { each, user };
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_autofree char *text = NULL;
  g_autofree char *boot = boot_get_id ();
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
      || g_strcmp0 (json_members_get_string (object, "boot"), boot) != 0)
    return;
  records = json_members_get_object (object, "reservations");
  if (records != NULL)
    json_object_foreach_member (records, read_record, &reader);
}

static void
add_record (JsonBuilder *builder, const ReservationRecord *record)
{
  json_builder_set_member_name (builder, record->address);
  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "uuid");
  json_builder_add_string_value (builder, record->uuid);
  json_builder_set_member_name (builder, "domain");
  json_builder_add_string_value (builder, record->domain);
  json_builder_set_member_name (builder, "made");
  json_builder_add_boolean_value (builder, record->made);
  json_builder_set_member_name (builder, "until");
  json_builder_add_int_value (builder, record->until_usec);
  json_builder_end_object (builder);
}

gboolean
reservation_file_write (const char *path, const ReservationRecord *records, gsize n, GError **error)
{
  g_autoptr (JsonBuilder) builder = json_builder_new_immutable ();
  g_autoptr (JsonNode) root = NULL;
  g_autofree char *boot = boot_get_id ();
  g_autofree char *text = NULL;

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "format");
  json_builder_add_string_value (builder, FORMAT);
  json_builder_set_member_name (builder, "boot");
  json_builder_add_string_value (builder, boot);
  json_builder_set_member_name (builder, "reservations");
  json_builder_begin_object (builder);
  for (gsize i = 0; i < n; i++)
    add_record (builder, &records[i]);
  json_builder_end_object (builder);
  json_builder_end_object (builder);
  root = json_builder_get_root (builder);
  text = json_to_string (root, FALSE);
  return g_file_set_contents_full (path, text, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0600, error);
}
