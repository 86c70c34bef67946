// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * org.accmig1.RegisteredDevice
 *
 * One object per registered device, made up from the set whenever somebody asks. What its holder has to know
 * is told by signals of that object.
 */

#include "system-bus-private.h"

char *
registered_bus_make_path (const char *id)
{
  char *encoded = NULL;
  char *path = NULL;

  if (sd_bus_path_encode (ACCMIG_OBJECT_REGISTERED, id, &encoded) < 0)
    g_error ("no memory for a path");
  path = g_strdup (encoded);
  free (encoded);
  return path;
}

/* ---- properties ---- */

static const char *
get_state_text (const Registered *device)
{
  AccmigState state;

  return registered_get_state (device, &state) ? accmig_state_to_string (state) : "";
}

static const struct
{
  const char *name;
  const char *(*get) (const Registered *device);
} texts[] = {
  { "Domain", registered_get_uuid },   { "Name", registered_get_name }, { "Address", registered_get_address },
  { "Holder", registered_get_holder }, { "State", get_state_text },     { "Alarm", registered_get_alarm },
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
get_migration (sd_bus *bus, const char *path, const char *interface, const char *property,
               sd_bus_message *reply, void *user, sd_bus_error *ret_error)
{
  g_autofree char *flags = accmig_flags_to_string (registered_get_flags (user));

  return sd_bus_message_append (reply, "s", flags);
}

static int
get_attached (sd_bus *bus, const char *path, const char *interface, const char *property,
              sd_bus_message *reply, void *user, sd_bus_error *ret_error)
{
  return sd_bus_message_append (reply, "b", (int)registered_is_attached (user));
}

static const sd_bus_vtable registered_vtable[] = {
  SD_BUS_VTABLE_START (0),
  SD_BUS_PROPERTY ("Domain", "s", get_text, 0, SD_BUS_VTABLE_PROPERTY_CONST),
  SD_BUS_PROPERTY ("Name", "s", get_text, 0, SD_BUS_VTABLE_PROPERTY_CONST),
  SD_BUS_PROPERTY ("Holder", "s", get_text, 0, SD_BUS_VTABLE_PROPERTY_CONST),
  SD_BUS_PROPERTY ("Address", "s", get_text, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
  SD_BUS_PROPERTY ("State", "s", get_text, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
  SD_BUS_PROPERTY ("Migration", "s", get_migration, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
  SD_BUS_PROPERTY ("Attached", "b", get_attached, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
  SD_BUS_PROPERTY ("Alarm", "s", get_text, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
  SD_BUS_SIGNAL ("Wanted", "", 0),
  SD_BUS_SIGNAL_WITH_ARGS ("Finished", SD_BUS_ARGS ("s", outcome), 0),
  SD_BUS_VTABLE_END,
};

/* Those that may change: named in PropertiesChanged. */
static const char *const changing[] = { "Address", "State", "Migration", "Attached", "Alarm", NULL };

/* ---- objects ---- */

static int
find_object (sd_bus *bus, const char *path, const char *interface, void *user, void **ret_found,
             sd_bus_error *ret_error)
{
  SystemBus *self = user;
  const Registered *device = NULL;
  char *id = NULL;

  if (sd_bus_path_decode (path, ACCMIG_OBJECT_REGISTERED, &id) > 0)
    device = registered_lookup_id (self->sources.registered, id);
  free (id);
  if (device == NULL)
    return 0;
  *ret_found = (void *)device;
  return 1;
}

static int
list_objects (sd_bus *bus, const char *prefix, void *user, char ***ret_nodes, sd_bus_error *ret_error)
{
  const RegisteredSet *set = ((SystemBus *)user)->sources.registered;
  gsize n = registered_set_size (set);
  char **nodes = calloc (n + 1, sizeof *nodes); /* sd-bus frees it with free() */

  if (nodes == NULL)
    return -ENOMEM;
  for (gsize i = 0; i < n; i++)
    if (sd_bus_path_encode (ACCMIG_OBJECT_REGISTERED, registered_get_id (registered_set_get (set, i)),
                            &nodes[i])
        < 0)
      break;
  *ret_nodes = nodes;
  return 1;
}

int
registered_bus_attach (SystemBus *self)
{
  int r = sd_bus_add_fallback_vtable (self->bus, NULL, ACCMIG_OBJECT_REGISTERED, ACCMIG_IFACE_REGISTERED,
                                      registered_vtable, find_object, self);

  return r < 0 ? r
               : sd_bus_add_node_enumerator (self->bus, NULL, ACCMIG_OBJECT_REGISTERED, list_objects, self);
}

/* ---- news ---- */

void
system_bus_registered_added (SystemBus *self, const Registered *device)
{
  g_autofree char *path = registered_bus_make_path (registered_get_id (device));

  (void)sd_bus_emit_object_added (self->bus, path);
}

void
system_bus_registered_changed (SystemBus *self, const Registered *device)
{
  g_autofree char *path = registered_bus_make_path (registered_get_id (device));

  (void)sd_bus_emit_properties_changed_strv (self->bus, path, ACCMIG_IFACE_REGISTERED, (char **)changing);
}

void
system_bus_registered_removed (SystemBus *self, const Registered *device)
{
  g_autofree char *path = registered_bus_make_path (registered_get_id (device));

  (void)sd_bus_emit_object_removed (self->bus, path);
}

void
system_bus_registered_wanted (SystemBus *self, const Registered *device)
{
  g_autofree char *path = registered_bus_make_path (registered_get_id (device));

  (void)sd_bus_emit_signal (self->bus, path, ACCMIG_IFACE_REGISTERED, "Wanted", "");
}

void
system_bus_registered_finished (SystemBus *self, const Registered *device, const char *outcome)
{
  g_autofree char *path = registered_bus_make_path (registered_get_id (device));

  (void)sd_bus_emit_signal (self->bus, path, ACCMIG_IFACE_REGISTERED, "Finished", "s", outcome);
}
