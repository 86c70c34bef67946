// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * org.accmig1.Device
 *
 * One object per device, made up from the registry whenever somebody asks.
 */

#include "system-bus-private.h"

#define ADDRESS_MAX 64 /* bytes of an address somebody may send */

static char *
make_path (const char *address)
{
  g_autofree char *name = g_strdup (address);

  g_strcanon (name, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS, '_');
  return g_strconcat (ACCMIG_OBJECT_DEVICES, "/", name, NULL);
}

static const Device *
find_by_path (SystemBus *self, const char *path)
{
  for (gsize i = 0; i < registry_size (self->sources.registry); i++)
    {
      const Device *device = registry_get (self->sources.registry, i);
      g_autofree char *candidate = make_path (device_get_address (device));

      if (g_str_equal (candidate, path))
        return device;
    }
  return NULL;
}

/* A long or invalid address is not repeated: cut within a character it could not travel. */
const Device *
device_bus_find (SystemBus *self, const char *address, sd_bus_error *ret_error)
{
  const Device *device = NULL;

  if (strlen (address) > ADDRESS_MAX || !accmig_address_is_valid (address, NULL))
    {
      (void)sd_bus_error_set (ret_error, ACCMIG_BUS_ERROR ("UnknownDevice"),
                              "this is neither a PCI address like 0000:75:00.1 nor an mdev's UUID");
      return NULL;
    }
  device = registry_lookup (self->sources.registry, address);
  if (device == NULL)
    (void)sd_bus_error_setf (ret_error, ACCMIG_BUS_ERROR ("UnknownDevice"), "no device %s on this host",
                             address);
  return device;
}

/* ---- properties ---- */

static const char *
get_kind (const Device *device)
{
  return accmig_kind_to_string (accmig_device_info_get_kind (device_get_info (device)));
}

static const char *
get_family (const Device *device)
{
  return accmig_device_info_get_family (device_get_info (device));
}

static const char *
get_owner (const Device *device)
{
  return owner_to_string (device_get_owner (device));
}

static const struct
{
  const char *name;
  const char *(*get) (const Device *device);
} texts[] = {
  { "Address", device_get_address },
  { "Kind", get_kind },
  { "Family", get_family },
  { "Driver", device_get_driver },
  { "Variant", device_get_variant },
  { "Owner", get_owner },
  { "Domain", device_get_domain },
  { "Migration", device_get_migration },
  { "Parent", device_get_parent },
  { "ParentDriver", device_get_parent_driver },
  { "ProfileDigest", device_get_digest },
};

static int
get_text (sd_bus *bus, const char *path, const char *interface, const char *property, sd_bus_message *reply,
          void *user, sd_bus_error *ret_error)
{
  const Device *device = user;

  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    if (g_str_equal (texts[i].name, property))
      return sd_bus_message_append (reply, "s", texts[i].get (device));
  return -EINVAL;
}

static int
get_vf_index (sd_bus *bus, const char *path, const char *interface, const char *property,
              sd_bus_message *reply, void *user, sd_bus_error *ret_error)
{
  return sd_bus_message_append (reply, "i", accmig_device_info_get_vf_index (device_get_info (user)));
}

static int
get_numa_node (sd_bus *bus, const char *path, const char *interface, const char *property,
               sd_bus_message *reply, void *user, sd_bus_error *ret_error)
{
  return sd_bus_message_append (reply, "i", accmig_device_info_get_numa_node (device_get_info (user)));
}

static const sd_bus_vtable device_vtable[] = {
  SD_BUS_VTABLE_START (0),
  SD_BUS_PROPERTY ("Address", "s", get_text, 0, SD_BUS_VTABLE_PROPERTY_CONST),
  SD_BUS_PROPERTY ("Kind", "s", get_text, 0, SD_BUS_VTABLE_PROPERTY_CONST),
  SD_BUS_PROPERTY ("Family", "s", get_text, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
  SD_BUS_PROPERTY ("Driver", "s", get_text, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
  SD_BUS_PROPERTY ("Variant", "s", get_text, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
  SD_BUS_PROPERTY ("Owner", "s", get_text, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
  SD_BUS_PROPERTY ("Domain", "s", get_text, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
  SD_BUS_PROPERTY ("Migration", "s", get_text, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
  SD_BUS_PROPERTY ("Parent", "s", get_text, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
  SD_BUS_PROPERTY ("ParentDriver", "s", get_text, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
  SD_BUS_PROPERTY ("VfIndex", "i", get_vf_index, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
  SD_BUS_PROPERTY ("NumaNode", "i", get_numa_node, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
  SD_BUS_PROPERTY ("ProfileDigest", "s", get_text, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
  SD_BUS_VTABLE_END,
};

/* Those that may change: named in PropertiesChanged. */
static const char *const changing[] = {
  "Family", "Driver",       "Variant", "Owner",    "Domain",        "Migration",
  "Parent", "ParentDriver", "VfIndex", "NumaNode", "ProfileDigest", NULL,
};

/* ---- objects ---- */

static int
find_object (sd_bus *bus, const char *path, const char *interface, void *user, void **ret_found,
             sd_bus_error *ret_error)
{
  const Device *device = find_by_path (user, path);

  if (device == NULL)
    return 0;
  *ret_found = (void *)device;
  return 1;
}

static int
list_objects (sd_bus *bus, const char *prefix, void *user, char ***ret_nodes, sd_bus_error *ret_error)
{
  SystemBus *self = user;
  gsize n = registry_size (self->sources.registry);
  char **nodes = calloc (n + 1, sizeof *nodes); /* sd-bus frees it with free() */

  if (nodes == NULL)
    return -ENOMEM;
  for (gsize i = 0; i < n; i++)
    {
      g_autofree char *path = make_path (device_get_address (registry_get (self->sources.registry, i)));

      nodes[i] = strdup (path);
    }
  *ret_nodes = nodes;
  return 1;
}

int
device_bus_attach (SystemBus *self)
{
  int r = sd_bus_add_fallback_vtable (self->bus, NULL, ACCMIG_OBJECT_DEVICES, ACCMIG_IFACE_DEVICE,
                                      device_vtable, find_object, self);

  return r < 0 ? r : sd_bus_add_node_enumerator (self->bus, NULL, ACCMIG_OBJECT_DEVICES, list_objects, self);
}

void
system_bus_device_added (SystemBus *self, const Device *device)
{
  g_autofree char *path = make_path (device_get_address (device));

  (void)sd_bus_emit_object_added (self->bus, path);
}

void
system_bus_device_changed (SystemBus *self, const Device *device)
{
  g_autofree char *path = make_path (device_get_address (device));

  (void)sd_bus_emit_properties_changed_strv (self->bus, path, ACCMIG_IFACE_DEVICE, (char **)changing);
}

void
system_bus_device_removed (SystemBus *self, const Device *device)
{
  g_autofree char *path = make_path (device_get_address (device));

  (void)sd_bus_emit_object_removed (self->bus, path);
}
