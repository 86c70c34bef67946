// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * org.accmig1.Migration
 *
 * One object per migration that is unfinished or ended lately. A migration changes with every look at a
 * device, which mostly finds what the one before did; what was told last is remembered, and only news is
 * told.
 */

#include "system-bus-private.h"

static char *
make_path (const Migration *migration)
{
  return g_strdup_printf (ACCMIG_OBJECT_MIGRATIONS "/%" G_GUINT64_FORMAT, migration_get_id (migration));
}

static const Migration *
find_by_path (SystemBus *self, const char *path)
{
  for (gsize i = 0; i < migrations_size (self->sources.migrations); i++)
    {
      const Migration *migration = migrations_get (self->sources.migrations, i);
      g_autofree char *candidate = make_path (migration);

      if (g_str_equal (candidate, path))
        return migration;
    }
  return NULL;
}

/* ---- properties ---- */

static const char *
get_role (const Migration *migration)
{
  return role_to_string (migration_get_role (migration));
}

static const char *
get_phase (const Migration *migration)
{
  return phase_to_string (migration_get_phase (migration));
}

static const char *
get_downtime_origin (const Migration *migration)
{
  AccmigFigure downtime = migration_get_downtime (migration);

  return accmig_origin_to_string (downtime.known ? downtime.origin : ACCMIG_ORIGIN_NONE);
}

static gint64
get_id (const Migration *migration)
{
  return (gint64)migration_get_id (migration);
}

static gint64
get_bytes_total (const Migration *migration)
{
  return migration_get_job (migration)->data_total;
}

static gint64
get_bytes_processed (const Migration *migration)
{
  return migration_get_job (migration)->data_processed;
}

static gint64
get_bytes_remaining (const Migration *migration)
{
  return migration_get_job (migration)->data_remaining;
}

static gint64
get_device_bytes (const Migration *migration)
{
  return migration_get_job (migration)->device_bytes;
}

static gint64
get_downtime (const Migration *migration)
{
  AccmigFigure downtime = migration_get_downtime (migration);

  return downtime.known ? downtime.usec : 0;
}

static const struct
{
  const char *name;
  const char *(*get) (const Migration *migration);
} texts[] = {
  { "Domain", migration_get_name },
  { "DomainUuid", migration_get_uuid },
  { "Role", get_role },
  { "Phase", get_phase },
  { "Cause", migration_get_cause },
  { "DowntimeOrigin", get_downtime_origin },
};

/* What is not known is -1 inside and 0 outside. */
static const struct
{
  const char *name;
  gint64 (*get) (const Migration *migration);
} numbers[] = {
  { "Id", get_id },
  { "StartedUSec", migration_get_started_usec },
  { "EndedUSec", migration_get_ended_usec },
  { "BytesTotal", get_bytes_total },
  { "BytesProcessed", get_bytes_processed },
  { "BytesRemaining", get_bytes_remaining },
  { "DeviceBytes", get_device_bytes },
  { "DowntimeUSec", get_downtime },
};

static int
get_text (sd_bus *bus, const char *path, const char *interface, const char *property, sd_bus_message *reply,
          void *user, sd_bus_error *ret_error)
{
  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    if (g_str_equal (texts[i].name, property))
      return sd_bus_message_append (reply, "s", texts[i].get (user));
  return -EINVAL;
}

static int
get_number (sd_bus *bus, const char *path, const char *interface, const char *property, sd_bus_message *reply,
            void *user, sd_bus_error *ret_error)
{
  for (gsize i = 0; i < G_N_ELEMENTS (numbers); i++)
    if (g_str_equal (numbers[i].name, property))
      return sd_bus_message_append (reply, "t", (guint64)MAX (numbers[i].get (user), 0));
  return -EINVAL;
}

static int
get_worked_out (sd_bus *bus, const char *path, const char *interface, const char *property,
                sd_bus_message *reply, void *user, sd_bus_error *ret_error)
{
  return sd_bus_message_append (reply, "b", (int)migration_is_worked_out (user));
}

static int
get_iteration (sd_bus *bus, const char *path, const char *interface, const char *property,
               sd_bus_message *reply, void *user, sd_bus_error *ret_error)
{
  return sd_bus_message_append (reply, "u", (guint32)MAX (migration_get_job (user)->iteration, 0));
}

static int
get_devices (sd_bus *bus, const char *path, const char *interface, const char *property,
             sd_bus_message *reply, void *user, sd_bus_error *ret_error)
{
  const Migration *migration = user;
  int r = sd_bus_message_open_container (reply, 'a', "(sssxxbs)");

  for (gsize i = 0; r >= 0 && i < migration_get_n_devices (migration); i++)
    {
      MigrationDevice device = migration_get_device (migration, i);
      const AccmigFigure *outage = &device.outage;

      r = sd_bus_message_append (reply, "(sssxxbs)", device.alias, device.address, device.state,
                                 outage->known ? outage->usec : -1, outage->known ? outage->error_usec : 0,
                                 (int)(outage->known && outage->complete),
                                 accmig_origin_to_string (outage->known ? outage->origin
                                                                        : ACCMIG_ORIGIN_NONE));
    }
  return r < 0 ? r : sd_bus_message_close_container (reply);
}

static int
get_alarms (sd_bus *bus, const char *path, const char *interface, const char *property, sd_bus_message *reply,
            void *user, sd_bus_error *ret_error)
{
  const Migration *migration = user;
  int r = sd_bus_message_open_container (reply, 'a', "(ssttss)");

  for (gsize i = 0; r >= 0 && i < migration_get_n_alarms (migration); i++)
    {
      const Alarm *alarm = migration_get_alarm (migration, i);

      r = sd_bus_message_append (reply, "(ssttss)", alarm_kind_to_string (alarm->kind), alarm->device,
                                 (guint64)alarm->raised_usec, (guint64)alarm->cleared_usec, alarm->sentence,
                                 alarm->outcome);
    }
  return r < 0 ? r : sd_bus_message_close_container (reply);
}

static const sd_bus_vtable migration_vtable[] = {
  SD_BUS_VTABLE_START (0),
  SD_BUS_PROPERTY ("Id", "t", get_number, 0, SD_BUS_VTABLE_PROPERTY_CONST),
  SD_BUS_PROPERTY ("Domain", "s", get_text, 0, SD_BUS_VTABLE_PROPERTY_CONST),
  SD_BUS_PROPERTY ("DomainUuid", "s", get_text, 0, SD_BUS_VTABLE_PROPERTY_CONST),
  SD_BUS_PROPERTY ("Role", "s", get_text, 0, SD_BUS_VTABLE_PROPERTY_CONST),
  SD_BUS_PROPERTY ("Phase", "s", get_text, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
  SD_BUS_PROPERTY ("Cause", "s", get_text, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
  SD_BUS_PROPERTY ("WorkedOut", "b", get_worked_out, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
  SD_BUS_PROPERTY ("StartedUSec", "t", get_number, 0, SD_BUS_VTABLE_PROPERTY_CONST),
  SD_BUS_PROPERTY ("EndedUSec", "t", get_number, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
  SD_BUS_PROPERTY ("BytesTotal", "t", get_number, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
  SD_BUS_PROPERTY ("BytesProcessed", "t", get_number, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
  SD_BUS_PROPERTY ("BytesRemaining", "t", get_number, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
  SD_BUS_PROPERTY ("DeviceBytes", "t", get_number, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
  SD_BUS_PROPERTY ("Iteration", "u", get_iteration, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
  SD_BUS_PROPERTY ("DowntimeUSec", "t", get_number, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
  SD_BUS_PROPERTY ("DowntimeOrigin", "s", get_text, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
  SD_BUS_PROPERTY ("Devices", "a(sssxxbs)", get_devices, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
  SD_BUS_PROPERTY ("Alarms", "a(ssttss)", get_alarms, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
  SD_BUS_VTABLE_END,
};

/* Those that may change: named in PropertiesChanged. */
static const char *const changing[] = {
  "Phase",          "Cause",          "WorkedOut",   "EndedUSec", "BytesTotal",
  "BytesProcessed", "BytesRemaining", "DeviceBytes", "Iteration", "DowntimeUSec",
  "DowntimeOrigin", "Devices",        "Alarms",      NULL,
};

/* Everything that may change, in one string. */
static char *
make_face (const Migration *migration)
{
  GString *face = g_string_new (NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    g_string_append_printf (face, "%s\n", texts[i].get (migration));
  for (gsize i = 0; i < G_N_ELEMENTS (numbers); i++)
    g_string_append_printf (face, "%" G_GINT64_FORMAT "\n", numbers[i].get (migration));
  g_string_append_printf (face, "%d %" G_GINT64_FORMAT "\n", migration_is_worked_out (migration),
                          migration_get_job (migration)->iteration);
  for (gsize i = 0; i < migration_get_n_devices (migration); i++)
    {
      MigrationDevice device = migration_get_device (migration, i);

      g_string_append_printf (face, "%s %s %s %d %d %d %" G_GINT64_FORMAT " %" G_GINT64_FORMAT "\n",
                              device.alias, device.address, device.state, device.outage.known,
                              device.outage.complete, device.outage.origin, device.outage.usec,
                              device.outage.error_usec);
    }
  for (gsize i = 0; i < migration_get_n_alarms (migration); i++)
    {
      const Alarm *alarm = migration_get_alarm (migration, i);

      g_string_append_printf (face, "%d %s %" G_GINT64_FORMAT " %s\n", alarm->kind, alarm->device,
                              alarm->cleared_usec, alarm->outcome);
    }
  return g_string_free (face, FALSE);
}

/* ---- objects ---- */

static int
find_object (sd_bus *bus, const char *path, const char *interface, void *user, void **ret_found,
             sd_bus_error *ret_error)
{
  const Migration *migration = find_by_path (user, path);

  if (migration == NULL)
    return 0;
  *ret_found = (void *)migration;
  return 1;
}

static int
list_objects (sd_bus *bus, const char *prefix, void *user, char ***ret_nodes, sd_bus_error *ret_error)
{
  SystemBus *self = user;
  gsize n = migrations_size (self->sources.migrations);
  char **nodes = calloc (n + 1, sizeof *nodes); /* sd-bus frees it with free() */

  if (nodes == NULL)
    return -ENOMEM;
  for (gsize i = 0; i < n; i++)
    {
      g_autofree char *path = make_path (migrations_get (self->sources.migrations, i));

      nodes[i] = strdup (path);
    }
  *ret_nodes = nodes;
  return 1;
}

int
migration_bus_attach (SystemBus *self)
{
  int r = sd_bus_add_fallback_vtable (self->bus, NULL, ACCMIG_OBJECT_MIGRATIONS, ACCMIG_IFACE_MIGRATION,
                                      migration_vtable, find_object, self);

  return r < 0 ? r
               : sd_bus_add_node_enumerator (self->bus, NULL, ACCMIG_OBJECT_MIGRATIONS, list_objects, self);
}

static void
keep_face (SystemBus *self, const Migration *migration, char *face)
{
  guint64 id = migration_get_id (migration);

  g_hash_table_replace (self->faces, g_memdup2 (&id, sizeof id), face);
}

void
system_bus_migration_added (SystemBus *self, const Migration *migration)
{
  g_autofree char *path = make_path (migration);

  keep_face (self, migration, make_face (migration));
  (void)sd_bus_emit_object_added (self->bus, path);
}

void
system_bus_migration_changed (SystemBus *self, const Migration *migration)
{
  guint64 id = migration_get_id (migration);
  g_autofree char *path = make_path (migration);
  g_autofree char *face = make_face (migration);

  if (g_strcmp0 (face, g_hash_table_lookup (self->faces, &id)) == 0)
    return;
  keep_face (self, migration, g_steal_pointer (&face));
  (void)sd_bus_emit_properties_changed_strv (self->bus, path, ACCMIG_IFACE_MIGRATION, (char **)changing);
}

/* It may be out of the list already, so that sd-bus could not find out what it was. */
void
system_bus_migration_removed (SystemBus *self, const Migration *migration)
{
  guint64 id = migration_get_id (migration);
  g_autofree char *path = make_path (migration);

  g_hash_table_remove (self->faces, &id);
  (void)sd_bus_emit_interfaces_removed (self->bus, path, "org.freedesktop.DBus.Peer",
                                        "org.freedesktop.DBus.Introspectable",
                                        "org.freedesktop.DBus.Properties", ACCMIG_IFACE_MIGRATION, NULL);
}
