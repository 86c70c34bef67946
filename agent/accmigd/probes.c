// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Probes
 *
 * One small JSON file, replaced as a whole: { "format", "boot", "probes": { ADDRESS: { "driver", "num-vfs",
 * "flags", "stop-copy-size", "match", "tracking" } } }, match data in base64. It is the agent's own, written
 * by nobody else, yet read with suspicion: what does not look right is left out.
 */

#include "probes.h"

#include "boot.h"
#include "json-members.h"

#define PROBES_FORMAT   "accmig-probes/1"
#define PROBES_MAX_SIZE (4 * 1024 * 1024) /* bytes; thousands of devices */

struct _Probes
{
  char *path;
  char *boot;
  GHashTable *by_address; /* char * → Record *, both owned */
  gboolean is_ahead;      /* of the file */
};

typedef struct
{
  char *driver;
  guint num_vfs;
  guint64 flags, stop_copy_size;
  guint8 *match;
  gsize match_length;
  AccmigTracking tracking;
} Record;

static void
record_free (gpointer data)
{
  Record *record = data;

  g_free (record->driver);
  g_free (record->match);
  g_free (record);
}

static AccmigTracking
read_tracking (JsonObject *object)
{
  gint64 number = json_members_get_int (object, "tracking");

  return number == ACCMIG_TRACKING_YES || number == ACCMIG_TRACKING_NO ? (AccmigTracking)number
                                                                       : ACCMIG_TRACKING_UNKNOWN;
}

static Record *
record_from_json (JsonObject *object)
{
  Record *record = g_new0 (Record, 1);
  const char *driver = json_members_get_string (object, "driver");
  const char *match = json_members_get_string (object, "match");

  record->driver = g_strdup (driver != NULL ? driver : "");
  record->num_vfs = (guint)json_members_get_int (object, "num-vfs");
  record->flags = (guint64)json_members_get_int (object, "flags");
  record->stop_copy_size = (guint64)json_members_get_int (object, "stop-copy-size");
  record->match = g_base64_decode (match != NULL ? match : "", &record->match_length);
  record->tracking = read_tracking (object);
  return record;
}

static void
load_record (JsonObject *records, const char *address, JsonNode *node, gpointer user)
{
  Probes *self = user;

  if (!accmig_address_is_valid (address, NULL) || !JSON_NODE_HOLDS_OBJECT (node))
    return;
  g_hash_table_replace (self->by_address, g_strdup (address), record_from_json (json_node_get_object (node)));
}

/* (nullable): the records of this boot in the file's text, borrowed from @parser */
static JsonObject *
parse_records (Probes *self, JsonParser *parser, const char *text, gsize length)
{
  JsonNode *root = NULL;
  JsonObject *object = NULL;

  if (length > PROBES_MAX_SIZE || !json_parser_load_from_data (parser, text, (gssize)length, NULL))
    return NULL;
  root = json_parser_get_root (parser);
  if (root == NULL || !JSON_NODE_HOLDS_OBJECT (root))
    return NULL;
  object = json_node_get_object (root);
  if (g_strcmp0 (json_members_get_string (object, "format"), PROBES_FORMAT) != 0
      || g_strcmp0 (json_members_get_string (object, "boot"), self->boot) != 0)
    return NULL;
  return json_members_get_object (object, "probes");
}

static void
load (Probes *self)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_autofree char *text = NULL;
  gsize length = 0;
  JsonObject *records = NULL;

  if (!g_file_get_contents (self->path, &text, &length, NULL))
    return;
  records = parse_records (self, parser, text, length);
  if (records != NULL)
    json_object_foreach_member (records, load_record, self);
}

Probes *
probes_open (const char *path)
{
  Probes *self = g_new0 (Probes, 1);

  self->path = g_strdup (path);
  self->boot = boot_get_id ();
  self->by_address = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, record_free);
  if (self->path != NULL)
    load (self);
  return self;
}

void
probes_close (Probes *self)
{
  if (self == NULL)
    return;
  g_hash_table_unref (self->by_address);
  g_free (self->boot);
  g_free (self->path);
  g_free (self);
}

static const char *
driver_of (const AccmigDeviceInfo *info)
{
  const char *driver = accmig_device_info_get_driver (info);

  return driver != NULL ? driver : "";
}

gboolean
probes_lookup (const Probes *self, const AccmigDeviceInfo *info, AccmigProbe *ret_probe)
{
  const Record *record = g_hash_table_lookup (self->by_address, accmig_device_info_get_address (info));

  if (record == NULL || record->num_vfs != accmig_device_info_get_num_vfs (info)
      || !g_str_equal (record->driver, driver_of (info)))
    return FALSE;
  *ret_probe = (AccmigProbe){
    .known = TRUE,
    .flags = record->flags,
    .stop_copy_size = record->stop_copy_size,
    .match = record->match_length > 0 ? record->match : NULL,
    .match_length = record->match_length,
    .tracking = record->tracking,
  };
  return TRUE;
}

static void
add_record (JsonBuilder *builder, const char *address, const Record *record)
{
  g_autofree char *match = g_base64_encode (record->match, record->match_length);

  json_builder_set_member_name (builder, address);
  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "driver");
  json_builder_add_string_value (builder, record->driver);
  json_builder_set_member_name (builder, "num-vfs");
  json_builder_add_int_value (builder, record->num_vfs);
  json_builder_set_member_name (builder, "flags");
  json_builder_add_int_value (builder, (gint64)record->flags);
  json_builder_set_member_name (builder, "stop-copy-size");
  json_builder_add_int_value (builder, (gint64)record->stop_copy_size);
  json_builder_set_member_name (builder, "match");
  json_builder_add_string_value (builder, match);
  json_builder_set_member_name (builder, "tracking");
  json_builder_add_int_value (builder, record->tracking);
  json_builder_end_object (builder);
}

static char *
to_json (const Probes *self)
{
  g_autoptr (JsonBuilder) builder = json_builder_new_immutable ();
  g_autoptr (JsonNode) root = NULL;
  GHashTableIter iter;
  gpointer address = NULL, record = NULL;

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "format");
  json_builder_add_string_value (builder, PROBES_FORMAT);
  json_builder_set_member_name (builder, "boot");
  json_builder_add_string_value (builder, self->boot);
  json_builder_set_member_name (builder, "probes");
  json_builder_begin_object (builder);
  g_hash_table_iter_init (&iter, self->by_address);
  while (g_hash_table_iter_next (&iter, &address, &record))
    add_record (builder, address, record);
  json_builder_end_object (builder);
  json_builder_end_object (builder);
  root = json_builder_get_root (builder);
  return json_to_string (root, FALSE);
}

/* Whether the file says this already, as after most probes at the gate. */
static gboolean
is_known (const Probes *self, const AccmigDeviceInfo *info, const AccmigProbe *probe)
{
  AccmigProbe known;

  return probes_lookup (self, info, &known) && known.flags == probe->flags
         && known.stop_copy_size == probe->stop_copy_size && known.match_length == probe->match_length
         && known.tracking == probe->tracking
         && (probe->match_length == 0 || memcmp (known.match, probe->match, probe->match_length) == 0);
}

gboolean
probes_save (Probes *self, GError **error)
{
  g_autofree char *text = NULL;

  if (!self->is_ahead || self->path == NULL)
    return TRUE;
  text = to_json (self);
  self->is_ahead =
      !g_file_set_contents_full (self->path, text, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0600, error);
  return !self->is_ahead;
}

gboolean
probes_store (Probes *self, const AccmigDeviceInfo *info, const AccmigProbe *probe, GError **error)
{
  Record *record = NULL;

  if (is_known (self, info, probe))
    return TRUE;
  record = g_new0 (Record, 1);

  record->driver = g_strdup (driver_of (info));
  record->num_vfs = accmig_device_info_get_num_vfs (info);
  record->flags = probe->flags;
  record->stop_copy_size = probe->stop_copy_size;
  record->match = g_memdup2 (probe->match, probe->match_length);
  record->match_length = probe->match_length;
  record->tracking = probe->tracking;
  g_hash_table_replace (self->by_address, g_strdup (accmig_device_info_get_address (info)), record);
  self->is_ahead = TRUE;
  return probes_save (self, error);
}

void
probes_forget (Probes *self, const char *address)
{
  if (g_hash_table_remove (self->by_address, address))
    self->is_ahead = TRUE;
}
