// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A migration's document: the record as JSON, for the history and for everybody who asks.
 */

#include "migration-record.h"

#include <json-glib/json-glib.h>

#define FORMAT "accmig-migration/1"

/* Members of the job, in the document and in the struct. */
static const struct
{
  const char *name;
  gsize offset;
} job_members[] = {
  { "data-total", G_STRUCT_OFFSET (HypervisorJob, data_total) },
  { "data-processed", G_STRUCT_OFFSET (HypervisorJob, data_processed) },
  { "data-remaining", G_STRUCT_OFFSET (HypervisorJob, data_remaining) },
  { "device-bytes", G_STRUCT_OFFSET (HypervisorJob, device_bytes) },
  { "downtime-ms", G_STRUCT_OFFSET (HypervisorJob, downtime_ms) },
  { "downtime-net-ms", G_STRUCT_OFFSET (HypervisorJob, downtime_net_ms) },
  { "elapsed-ms", G_STRUCT_OFFSET (HypervisorJob, elapsed_ms) },
  { "iteration", G_STRUCT_OFFSET (HypervisorJob, iteration) },
};

static void
build_string (JsonBuilder *builder, const char *name, const char *value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_string_value (builder, value);
}

static void
build_int (JsonBuilder *builder, const char *name, gint64 value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_int_value (builder, value);
}

static void
build_boolean (JsonBuilder *builder, const char *name, gboolean value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_boolean_value (builder, value);
}

static void
build_figure (JsonBuilder *builder, const char *name, const AccmigFigure *figure)
{
  json_builder_set_member_name (builder, name);
  if (!figure->known)
    {
      json_builder_add_null_value (builder);
      return;
    }
  json_builder_begin_object (builder);
  build_int (builder, "usec", figure->usec);
  build_int (builder, "error-usec", figure->error_usec);
  build_boolean (builder, "complete", figure->complete);
  build_string (builder, "origin", accmig_origin_to_string (figure->origin));
  json_builder_end_object (builder);
}

static void
build_job (JsonBuilder *builder, const HypervisorJob *job)
{
  json_builder_set_member_name (builder, "job");
  json_builder_begin_object (builder);
  for (gsize i = 0; i < G_N_ELEMENTS (job_members); i++)
    build_int (builder, job_members[i].name, G_STRUCT_MEMBER (gint64, job, job_members[i].offset));
  json_builder_end_object (builder);
}

static void
build_devices (JsonBuilder *builder, const Migration *self)
{
  json_builder_set_member_name (builder, "devices");
  json_builder_begin_array (builder);
  for (gsize i = 0; i < migration_get_n_devices (self); i++)
    {
      MigrationDevice device = migration_get_device (self, i);

      json_builder_begin_object (builder);
      build_string (builder, "alias", device.alias);
      build_string (builder, "key", device.key);
      build_string (builder, "address", device.address);
      build_string (builder, "state", device.state);
      build_figure (builder, "outage", &device.outage);
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);
}

static void
build_alarms (JsonBuilder *builder, const Migration *self)
{
  json_builder_set_member_name (builder, "alarms");
  json_builder_begin_array (builder);
  for (guint i = 0; i < self->alarms->len; i++)
    {
      const Alarm *alarm = self->alarms->pdata[i];

      json_builder_begin_object (builder);
      build_string (builder, "kind", alarm_kind_to_string (alarm->kind));
      build_string (builder, "device", alarm->device);
      build_int (builder, "raised-usec", alarm->raised_usec);
      build_int (builder, "cleared-usec", alarm->cleared_usec);
      build_string (builder, "sentence", alarm->sentence);
      build_string (builder, "advice", alarm_kind_get_advice (alarm->kind));
      build_string (builder, "outcome", alarm->outcome);
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);
}

char *
migration_to_json (const Migration *self)
{
  g_autoptr (JsonBuilder) builder = json_builder_new_immutable ();
  g_autofree char *timeline = accmig_timeline_to_json (self->timeline);
  AccmigFigure downtime = migration_get_downtime (self);
  g_autoptr (JsonNode) root = NULL;

  json_builder_begin_object (builder);
  build_string (builder, "format", FORMAT);
  build_int (builder, "id", self->id);
  build_string (builder, "domain", self->name);
  build_string (builder, "uuid", self->uuid);
  build_string (builder, "token", self->token);
  build_string (builder, "role", role_to_string (self->role));
  build_string (builder, "phase", phase_to_string (self->phase));
  build_string (builder, "cause", self->cause);
  build_boolean (builder, "worked-out", self->worked_out);
  build_int (builder, "started-usec", self->started_usec);
  build_int (builder, "ended-usec", self->ended_usec);
  build_figure (builder, "downtime", &downtime);
  build_job (builder, &self->job);
  build_devices (builder, self);
  build_alarms (builder, self);
  json_builder_set_member_name (builder, "timeline");
  json_builder_add_value (builder, json_from_string (timeline, NULL));
  json_builder_end_object (builder);

  root = json_builder_get_root (builder);
  return json_to_string (root, FALSE);
}

static void
restore_devices (Migration *self, JsonArray *devices)
{
  for (guint i = 0; i < json_array_get_length (devices); i++)
    {
      JsonObject *device = json_array_get_object_element (devices, i);

      migration_add_device (self, json_object_get_string_member_with_default (device, "alias", ""),
                            json_object_get_string_member_with_default (device, "key", ""),
                            json_object_get_string_member_with_default (device, "address", ""),
                            json_object_get_string_member_with_default (device, "state", ""));
    }
}

/* Records of an older agent have none. */
static void
restore_alarms (Migration *self, JsonObject *object)
{
  JsonNode *member = json_object_get_member (object, "alarms");
  JsonArray *alarms = member != NULL && JSON_NODE_HOLDS_ARRAY (member) ? json_node_get_array (member) : NULL;

  for (guint i = 0; alarms != NULL && i < json_array_get_length (alarms); i++)
    {
      JsonObject *row = json_array_get_object_element (alarms, i);
      Alarm alarm = {
        .uuid = self->uuid,
        .domain = self->name,
        .device = (char *)json_object_get_string_member_with_default (row, "device", ""),
        .migration = self->id,
        .raised_usec = json_object_get_int_member_with_default (row, "raised-usec", 0),
        .cleared_usec = json_object_get_int_member_with_default (row, "cleared-usec", 0),
        .sentence = (char *)json_object_get_string_member_with_default (row, "sentence", ""),
        .outcome = (char *)json_object_get_string_member_with_default (row, "outcome", ""),
      };

      if (alarm_kind_from_string (json_object_get_string_member_with_default (row, "kind", ""), &alarm.kind))
        migration_put_alarm (self, &alarm);
    }
}

static void
restore_job (Migration *self, JsonObject *job)
{
  for (gsize i = 0; i < G_N_ELEMENTS (job_members); i++)
    G_STRUCT_MEMBER (gint64, &self->job, job_members[i].offset) =
        json_object_get_int_member_with_default (job, job_members[i].name, -1);
}

/* The parts of a record that have no column of their own. */
static gboolean
restore_document (Migration *self, const char *document, GError **error)
{
  g_autoptr (JsonNode) root = json_from_string (document, error);
  g_autoptr (AccmigTimeline) timeline = NULL;
  g_autofree char *timeline_json = NULL;
  JsonObject *object;

  if (root == NULL)
    return FALSE;
  if (!JSON_NODE_HOLDS_OBJECT (root) || !json_object_has_member (json_node_get_object (root), "timeline")
      || !json_object_has_member (json_node_get_object (root), "devices")
      || !json_object_has_member (json_node_get_object (root), "job"))
    {
      g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_INVALID, "record is no %s document", FORMAT);
      return FALSE;
    }

  object = json_node_get_object (root);
  timeline_json = json_to_string (json_object_get_member (object, "timeline"), FALSE);
  timeline = accmig_timeline_new_from_json (timeline_json, error);
  if (timeline == NULL)
    return FALSE;
  accmig_timeline_free (self->timeline);
  self->timeline = g_steal_pointer (&timeline);
  restore_devices (self, json_object_get_array_member (object, "devices"));
  restore_alarms (self, object);
  restore_job (self, json_object_get_object_member (object, "job"));
  return TRUE;
}

Migration *
migration_new_from_row (const HistoryRow *row, GError **error)
{
  g_autoptr (Migration) self = migration_alloc ();

  self->id = row->id;
  self->uuid = g_strdup (row->uuid);
  self->name = g_strdup (row->name);
  self->token = g_strdup (row->token);
  self->cause = g_strdup (row->cause);
  self->role = row->role;
  self->phase = row->phase;
  self->worked_out = row->worked_out;
  self->started_usec = row->started_usec;
  self->ended_usec = row->ended_usec;
  if (!restore_document (self, row->document, error))
    {
      g_prefix_error (error, "migration %" G_GUINT64_FORMAT ": ", row->id);
      return NULL;
    }
  return g_steal_pointer (&self);
}
