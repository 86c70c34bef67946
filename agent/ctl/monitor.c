// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * accmigctl monitor
 *
 * A line for each change, and for each alarm. What is known of a migration is kept, as a signal brings only
 * what changed.
 *
 * A migration is watched when it was seen before its end. Those that had ended before are of no interest
 * here.
 */

#include "call.h"

#include <accmig/error.h>
#include <stdio.h>
#include <string.h>

#include "alarm-view.h"
#include "client.h"
#include "document.h"
#include "text.h"

typedef struct
{
  const Call *call;
  GHashTable *views; /* object path → View */
  Status status;
} Monitor;

/* One migration. */
typedef struct
{
  GVariantDict properties;
  gboolean watched;
} View;

/* Devices are added by hand. */
static const Member members[] = {
  { "Id", "id" },
  { "Domain", "domain" },
  { "DomainUuid", "uuid" },
  { "Role", "role" },
  { "Phase", "phase" },
  { "Cause", "cause" },
  { "WorkedOut", "worked-out" },
  { "StartedUSec", "started-usec" },
  { "EndedUSec", "ended-usec" },
  { "BytesTotal", "bytes-total" },
  { "BytesProcessed", "bytes-processed" },
  { "BytesRemaining", "bytes-remaining" },
  { "DeviceBytes", "device-bytes" },
  { "Iteration", "iteration" },
  { "DowntimeUSec", "downtime-usec" },
  { "DowntimeOrigin", "downtime-origin" },
};

static const struct
{
  const char *phase;
  Status status;
} ends[] = {
  { "completed", STATUS_DONE },   { "refused", STATUS_REFUSED }, { "failed", STATUS_FAILED },
  { "cancelled", STATUS_FAILED }, { "lost", STATUS_FAILED },
};

static gboolean
is_end (const char *phase, Status *ret_status)
{
  for (gsize i = 0; i < G_N_ELEMENTS (ends); i++)
    if (g_str_equal (phase, ends[i].phase))
      {
        *ret_status = ends[i].status;
        return TRUE;
      }
  return FALSE;
}

/* ---- views ---- */

static void
view_free (gpointer data)
{
  View *view = data;

  g_variant_dict_clear (&view->properties);
  g_free (view);
}

static View *
get_view (Monitor *self, const char *path)
{
  View *view = g_hash_table_lookup (self->views, path);

  if (view != NULL)
    return view;
  view = g_new0 (View, 1);
  g_variant_dict_init (&view->properties, NULL);
  g_hash_table_insert (self->views, g_strdup (path), view);
  return view;
}

static void
view_merge (View *view, GVariant *properties)
{
  GVariantIter iter;
  const char *name = NULL;
  GVariant *value = NULL;

  g_variant_iter_init (&iter, properties);
  while (g_variant_iter_loop (&iter, "{&sv}", &name, &value))
    g_variant_dict_insert_value (&view->properties, name, value);
}

static const char *
view_get_text (View *view, const char *property)
{
  const char *text = "";

  (void)g_variant_dict_lookup (&view->properties, property, "&s", &text);
  return text;
}

static guint64
view_get_number (View *view, const char *property)
{
  guint64 number = 0;

  (void)g_variant_dict_lookup (&view->properties, property, "t", &number);
  return number;
}

/* ---- devices ---- */

/* One element of the property Devices. Texts are borrowed from it. */
typedef struct
{
  const char *alias, *address, *state, *origin;
  gint64 outage_usec, error_usec;
  gboolean complete;
} Device;

/* Calls @add for every device. */
static void
view_each_device (View *view, void (*add) (const Device *device, gpointer user), gpointer user)
{
  g_autoptr (GVariant) devices =
      g_variant_dict_lookup_value (&view->properties, "Devices", G_VARIANT_TYPE ("a(sssxxbs)"));
  GVariantIter iter;
  Device device = { 0 };

  if (devices == NULL)
    return;
  g_variant_iter_init (&iter, devices);
  while (g_variant_iter_loop (&iter, "(&s&s&sxxb&s)", &device.alias, &device.address, &device.state,
                              &device.outage_usec, &device.error_usec, &device.complete, &device.origin))
    add (&device, user);
}

/* ---- as JSON ---- */

static void
build_text (JsonBuilder *builder, const char *name, const char *value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_string_value (builder, value);
}

/* As in an accmig-migration/1 document. */
static void
build_device (const Device *device, gpointer user)
{
  JsonBuilder *builder = user;

  json_builder_begin_object (builder);
  build_text (builder, "alias", device->alias);
  build_text (builder, "address", device->address);
  build_text (builder, "state", device->state);
  json_builder_set_member_name (builder, "outage");
  if (device->outage_usec < 0)
    json_builder_add_null_value (builder);
  else
    {
      json_builder_begin_object (builder);
      json_builder_set_member_name (builder, "usec");
      json_builder_add_int_value (builder, device->outage_usec);
      json_builder_set_member_name (builder, "error-usec");
      json_builder_add_int_value (builder, device->error_usec);
      json_builder_set_member_name (builder, "complete");
      json_builder_add_boolean_value (builder, device->complete);
      build_text (builder, "origin", device->origin);
      json_builder_end_object (builder);
    }
  json_builder_end_object (builder);
}

static void
print_json (View *view)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autoptr (GVariant) properties = g_variant_ref_sink (g_variant_dict_end (&view->properties));

  g_variant_dict_init (&view->properties, properties); /* ending it emptied it */
  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "at-usec");
  json_builder_add_int_value (builder, g_get_real_time ());
  document_add_properties (builder, properties, members, G_N_ELEMENTS (members));
  json_builder_set_member_name (builder, "devices");
  json_builder_begin_array (builder);
  view_each_device (view, build_device, builder);
  json_builder_end_array (builder);
  json_builder_end_object (builder);
  document_print_built (builder);
}

/* ---- for a person ---- */

static void
append_device (const Device *device, gpointer user)
{
  GString *line = user;

  g_string_append_printf (line, "  %s %s", device->alias, *device->state != '\0' ? device->state : "-");
  if (device->outage_usec >= 0)
    {
      g_autofree char *outage = text_duration (device->outage_usec);

      g_string_append_printf (line, " (out %s%s)", device->complete ? "" : "at least ", outage);
    }
}

/* (transfer full): "12.0 MiB of 900.0 MiB"; "" at a destination */
static char *
format_bytes (View *view)
{
  guint64 total = view_get_number (view, "BytesTotal");
  g_autofree char *all = text_bytes (total);
  g_autofree char *done = text_bytes (view_get_number (view, "BytesProcessed"));

  return total > 0 ? g_strdup_printf ("%s of %s", done, all) : g_strdup ("");
}

static void
print_line (View *view)
{
  g_autofree char *now = text_time (g_get_real_time ());
  g_autofree char *bytes = format_bytes (view);
  g_autofree char *domain = text_clean (view_get_text (view, "Domain"));
  g_autofree char *cause = text_clean (view_get_text (view, "Cause"));
  g_autoptr (GString) devices = g_string_new (NULL);
  g_autofree char *clean = NULL;

  view_each_device (view, append_device, devices);
  clean = text_clean (devices->str);
  now[strlen ("12:00:00.000")] = '\0';
  printf ("%s  %-12s  %-11s  %-9s  %-22s  %s%s%s\n", now, domain, view_get_text (view, "Role"),
          view_get_text (view, "Phase"), bytes, clean, *cause != '\0' ? "  " : "", cause);
}

/* ---- what happens ---- */

static gboolean
on_migration (const char *path, GVariant *properties, ClientNews news, gpointer user)
{
  Monitor *self = user;
  View *view = get_view (self, path);
  Status status = STATUS_DONE;
  gboolean ended = FALSE;

  view_merge (view, properties);
  ended = is_end (view_get_text (view, "Phase"), &status);
  if (!ended || news == CLIENT_ADDED)
    view->watched = TRUE;
  if (!view->watched)
    return TRUE;
  if (self->call->json)
    print_json (view);
  else
    print_line (view);
  (void)fflush (stdout);
  if (!ended || !self->call->until_end)
    return TRUE;
  self->status = status;
  return FALSE;
}

static void
print_alarm_json (GVariant *alarm, gboolean raised)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "at-usec");
  json_builder_add_int_value (builder, g_get_real_time ());
  build_text (builder, "alarm", raised ? "raised" : "cleared");
  alarm_view_build (builder, alarm);
  json_builder_end_object (builder);
  document_print_built (builder);
}

static void
print_alarm_line (GVariant *alarm, gboolean raised)
{
  g_autofree char *now = text_time (g_get_real_time ());
  g_autofree char *domain = text_clean (alarm_view_get_text (alarm, "Domain"));
  g_autofree char *sentence = text_clean (alarm_view_get_text (alarm, "Sentence"));

  now[strlen ("12:00:00.000")] = '\0';
  printf ("%s  %-12s  %-11s  %s  %s\n", now, domain, raised ? "ALARM" : "alarm over",
          alarm_view_get_text (alarm, "Kind"), sentence);
}

static void
on_alarm (GVariant *alarm, gboolean raised, gpointer user)
{
  const Monitor *self = user;

  if (self->call->json)
    print_alarm_json (alarm, raised);
  else
    print_alarm_line (alarm, raised);
  (void)fflush (stdout);
}

static void
on_away (gpointer user)
{
  fputs ("accmigctl: the agent is gone; waiting for it to come back\n", stderr);
}

Status
monitor_run (const Call *call, GError **error)
{
  static const ClientWatch watch = { on_migration, on_alarm, on_away };
  Monitor self = { .call = call, .status = STATUS_DONE };
  g_autoptr (Client) client = client_new (call->host, error);
  g_autoptr (GHashTable) views = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, view_free);
  gboolean interrupted = FALSE;

  self.views = views;
  if (client == NULL || !client_watch (client, &watch, &self, &interrupted, error))
    return STATUS_FAILED;
  if (!interrupted || !call->until_end)
    return self.status;
  g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_IO, "interrupted before a migration ended");
  return STATUS_FAILED;
}
