// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Registry
 *
 * A device object lives as long as its address is there; the inventory behind it is replaced whole at every
 * scan. What the outside sees of a device is condensed into one string, and a device has changed when that
 * string has.
 */

#include "registry.h"

#include "log.h"

/* The catch-all driver: it offers no migration whatever the device, so that there is nothing to ask. */
#define CATCH_ALL_DRIVER "vfio-pci"

struct _Device
{
  char *address;
  const AccmigDeviceInfo *info; /* in the registry's inventory */
  Owner owner;
  char *domain;
  AccmigProfile *profile; /* (nullable) */
  char *migration;
  char *driver;         /* at the last scan */
  guint num_vfs;        /* of its PF, then */
  gboolean probed;      /* tried since it appeared or changed its driver */
  guint failures;       /* of its trying, so far … */
  gboolean put_off;     /* … and it shall be tried again */
  gboolean flags_known; /* looked at while a guest had it */
  guint64 flags;
  char *face; /* what the outside sees, condensed */
};

struct _Registry
{
  RegistrySources sources;
  RegistryCallbacks callbacks;
  gpointer user;
  AccmigInventory *inventory; /* (nullable) */
  GPtrArray *devices;         /* of Device, owned, in the inventory's order */
  GHashTable *by_address;     /* char * → Device *, both borrowed from there */
  char *qemu;                 /* (nullable) */
  char *libvirt;              /* (nullable) */
};

static const char *const owner_names[] = {
  [OWNER_FREE] = "free",
  [OWNER_HOST] = "host",
  [OWNER_RESERVED] = "reserved",
  [OWNER_GUEST] = "guest",
  [OWNER_REGISTERED] = "registered",
};
G_STATIC_ASSERT (G_N_ELEMENTS (owner_names) == N_OWNERS);

const char *
owner_to_string (Owner owner)
{
  return owner_names[owner];
}

static const char *
or_empty (const char *text)
{
  return text != NULL ? text : "";
}

static void
device_free (gpointer data)
{
  Device *device = data;

  g_clear_pointer (&device->profile, accmig_profile_unref);
  g_free (device->address);
  g_free (device->domain);
  g_free (device->migration);
  g_free (device->driver);
  g_free (device->face);
  g_free (device);
}

static Device *
device_new (const char *address)
{
  Device *device = g_new0 (Device, 1);

  device->address = g_strdup (address);
  device->domain = g_strdup ("");
  device->migration = g_strdup ("");
  device->driver = g_strdup ("");
  return device;
}

Registry *
registry_new (const RegistrySources *sources, const RegistryCallbacks *callbacks, gpointer user)
{
  Registry *self = g_new0 (Registry, 1);

  self->sources = *sources;
  self->callbacks = *callbacks;
  self->user = user;
  self->devices = g_ptr_array_new_with_free_func (device_free);
  self->by_address = g_hash_table_new (g_str_hash, g_str_equal);
  return self;
}

void
registry_free (Registry *self)
{
  if (self == NULL)
    return;
  g_hash_table_unref (self->by_address);
  g_ptr_array_unref (self->devices);
  g_clear_pointer (&self->inventory, accmig_inventory_free);
  g_free (self->qemu);
  g_free (self->libvirt);
  g_free (self);
}

/* What opening it told, or at least what looking at it did. */
static gboolean
get_probe (const Registry *self, const Device *device, AccmigProbe *ret_probe)
{
  if (probes_lookup (self->sources.probes, device->info, ret_probe))
    return TRUE;
  if (!device->flags_known)
    return FALSE;
  *ret_probe = (AccmigProbe){ .known = TRUE, .flags = device->flags };
  return TRUE;
}

static void
update_profile (Registry *self, Device *device)
{
  g_autoptr (GError) error = NULL;
  AccmigProbe probe = { .known = FALSE };
  const AccmigHost host = { .qemu = self->qemu, .libvirt = self->libvirt };
  gboolean known = get_probe (self, device, &probe);

  g_clear_pointer (&device->profile, accmig_profile_unref);
  device->profile = accmig_profile_new_from_device (self->sources.sysfs_fd, device->info,
                                                    known ? &probe : NULL, &host, &error);
  if (device->profile == NULL)
    log_event (LOG_EVENT_STRANGE, &(LogContext){ .device = device->address }, "no profile of %s: %s",
               device->address, error->message);

  g_free (device->migration);
  if (known)
    device->migration = accmig_flags_to_string (probe.flags);
  else if (g_str_equal (device->driver, CATCH_ALL_DRIVER))
    device->migration = accmig_flags_to_string (0);
  else
    device->migration = g_strdup ("");
}

/* (nullable) */
static const Registered *
find_registered (const Registry *self, const char *address)
{
  return self->sources.registered != NULL ? registered_find_address (self->sources.registered, address)
                                          : NULL;
}

static void
update_owner (Registry *self, Device *device)
{
  const AccmigDomain *domain = domains_find_owner (self->sources.domains, device->address);
  const Registered *registered = find_registered (self, device->address);
  Reservation reservation = { 0 };
  const char *name = "";

  if (domain != NULL)
    {
      device->owner = OWNER_GUEST;
      name = accmig_domain_get_name (domain);
    }
  else if (registered != NULL)
    {
      device->owner = OWNER_REGISTERED;
      name = registered_get_uuid (registered);
    }
  else if (reservations_lookup (self->sources.reservations, device->address, &reservation))
    {
      device->owner = OWNER_RESERVED;
      name = reservation.domain;
    }
  else
    device->owner = device_is_on_host_driver (device) ? OWNER_HOST : OWNER_FREE;

  g_free (device->domain);
  device->domain = g_strdup (or_empty (name));
}

/* Tells the outside about a new device, or when it would see a difference. */
static void
announce (Registry *self, Device *device)
{
  g_autofree char *face =
      g_strjoin ("\n", owner_to_string (device->owner), device->domain, device->driver,
                 device_get_variant (device), device_get_parent (device), device_get_parent_driver (device),
                 device->migration, device_get_digest (device), accmig_device_info_get_family (device->info),
                 NULL);

  gboolean is_new = device->face == NULL;

  if (g_strcmp0 (face, device->face) == 0)
    return;
  g_free (device->face);
  device->face = g_steal_pointer (&face);
  if (is_new)
    self->callbacks.added (device, self->user);
  else
    self->callbacks.changed (device, self->user);
}

static Device *
find (const Registry *self, const char *address)
{
  return g_hash_table_lookup (self->by_address, address);
}

/* Devices that the new inventory no longer has; what they offered may have been another set-up's, so it goes,
 * too, and an agent that is started next is not to know it either. */
static void
drop_missing (Registry *self, const AccmigInventory *inventory)
{
  g_autoptr (GError) error = NULL;
  guint n_before = self->devices->len;

  for (guint i = n_before; i > 0; i--)
    {
      Device *device = self->devices->pdata[i - 1];

      if (accmig_inventory_lookup (inventory, device->address) != NULL)
        continue;
      self->callbacks.removed (device, self->user);
      probes_forget (self->sources.probes, device->address);
      g_hash_table_remove (self->by_address, device->address);
      g_ptr_array_remove_index (self->devices, i - 1);
    }
  if (self->devices->len < n_before && !probes_save (self->sources.probes, &error))
    log_event (LOG_EVENT_STRANGE, NULL, "devices that are gone are not forgotten for good: %s",
               error->message);
}

/* What was learnt of a device counts for one driver and one number of VFs. */
static void
update_set_up (Device *device)
{
  const char *driver = or_empty (accmig_device_info_get_driver (device->info));
  guint num_vfs = accmig_device_info_get_num_vfs (device->info);

  if (g_str_equal (device->driver, driver) && device->num_vfs == num_vfs)
    return;
  g_free (device->driver);
  device->driver = g_strdup (driver);
  device->num_vfs = num_vfs;
  device->probed = FALSE;
  device->failures = 0;
  device->put_off = FALSE;
  device->flags_known = FALSE;
}

static void
update_device (Registry *self, const AccmigDeviceInfo *info)
{
  const char *address = accmig_device_info_get_address (info);
  Device *device = find (self, address);

  if (device == NULL)
    {
      device = device_new (address);
      g_ptr_array_add (self->devices, device);
      g_hash_table_insert (self->by_address, device->address, device);
    }
  device->info = info;
  update_set_up (device);
  update_owner (self, device);
  update_profile (self, device);
  announce (self, device);
}

gboolean
registry_rescan (Registry *self, GError **error)
{
  AccmigInventory *inventory = accmig_inventory_read (self->sources.sysfs_fd, error);
  g_autoptr (AccmigInventory) old = NULL;

  if (inventory == NULL)
    return FALSE;
  drop_missing (self, inventory);
  old = g_steal_pointer (&self->inventory);
  self->inventory = inventory;

  /* Everybody leaves the old inventory before anybody is told anything. */
  for (guint i = 0; i < self->devices->len; i++)
    {
      Device *device = self->devices->pdata[i];

      device->info = accmig_inventory_lookup (inventory, device->address);
    }
  for (gsize i = 0; i < accmig_inventory_size (inventory); i++)
    update_device (self, accmig_inventory_get (inventory, i));
  return TRUE;
}

void
registry_refresh (Registry *self)
{
  for (guint i = 0; i < self->devices->len; i++)
    {
      Device *device = self->devices->pdata[i];

      update_owner (self, device);
      announce (self, device);
    }
}

void
registry_set_host (Registry *self, const AccmigHost *host)
{
  if (g_strcmp0 (self->qemu, host->qemu) == 0 && g_strcmp0 (self->libvirt, host->libvirt) == 0)
    return;
  g_free (self->qemu);
  g_free (self->libvirt);
  self->qemu = g_strdup (host->qemu);
  self->libvirt = g_strdup (host->libvirt);
  for (guint i = 0; i < self->devices->len; i++)
    update_profile (self, self->devices->pdata[i]);
  for (guint i = 0; i < self->devices->len; i++)
    announce (self, self->devices->pdata[i]);
}

gsize
registry_size (const Registry *self)
{
  return self->devices->len;
}

const Device *
registry_get (const Registry *self, gsize index)
{
  return self->devices->pdata[index];
}

const Device *
registry_lookup (const Registry *self, const char *address)
{
  return find (self, address);
}

gboolean
registry_set_probe (Registry *self, const char *address, const AccmigProbe *probe, GError **error)
{
  Device *device = find (self, address);
  gboolean stored = FALSE;

  if (device == NULL)
    return TRUE;
  stored = probes_store (self->sources.probes, device->info, probe, error);
  device->probed = TRUE;
  device->put_off = FALSE; /* perhaps somebody else was before us */
  update_profile (self, device);
  announce (self, device);
  return stored;
}

void
registry_set_flags (Registry *self, const char *address, guint64 flags)
{
  Device *device = find (self, address);

  if (device == NULL)
    return;
  device->flags_known = TRUE;
  device->flags = flags;
  update_profile (self, device);
  announce (self, device);
}

/* Whether a driver is bound that may have something to tell. */
static gboolean
has_answers (const Device *device)
{
  return device_is_vfio (device) && !g_str_equal (device->driver, CATCH_ALL_DRIVER);
}

const Device *
registry_take_unprobed (Registry *self)
{
  for (guint i = 0; i < self->devices->len; i++)
    {
      Device *device = self->devices->pdata[i];

      if (device->probed || device->owner != OWNER_FREE || !has_answers (device))
        continue;
      device->probed = TRUE;
      return device;
    }
  return NULL;
}

gboolean
registry_put_off (Registry *self, const char *address)
{
  Device *device = find (self, address);

  if (device == NULL)
    return FALSE;
  device->put_off = TRUE;
  return device->failures++ == 0;
}

gboolean
registry_resume (Registry *self)
{
  gboolean any = FALSE;

  for (guint i = 0; i < self->devices->len; i++)
    {
      Device *device = self->devices->pdata[i];

      if (!device->put_off)
        continue;
      device->put_off = FALSE;
      device->probed = FALSE;
      any = TRUE;
    }
  return any;
}

void
registry_renew (Registry *self, const char *address)
{
  Device *device = find (self, address);

  if (device == NULL)
    return;
  device->probed = FALSE;
  device->failures = 0;
  device->put_off = FALSE;
}

const char *
device_get_address (const Device *device)
{
  return device->address;
}

const AccmigDeviceInfo *
device_get_info (const Device *device)
{
  return device->info;
}

Owner
device_get_owner (const Device *device)
{
  return device->owner;
}

const char *
device_get_domain (const Device *device)
{
  return device->domain;
}

const char *
device_get_driver (const Device *device)
{
  return device->driver;
}

const char *
device_get_variant (const Device *device)
{
  return or_empty (accmig_device_info_get_variant (device->info));
}

const char *
device_get_parent (const Device *device)
{
  return or_empty (accmig_device_info_get_pf (device->info));
}

const char *
device_get_parent_driver (const Device *device)
{
  return or_empty (accmig_device_info_get_pf_driver (device->info));
}

const char *
device_get_migration (const Device *device)
{
  return device->migration;
}

const char *
device_get_digest (const Device *device)
{
  return device->profile != NULL ? accmig_profile_get_digest (device->profile) : "";
}

const AccmigProfile *
device_get_profile (const Device *device)
{
  return device->profile;
}

gboolean
device_is_probed (const Device *device)
{
  return *device->migration != '\0';
}

gboolean
device_is_unasked (const Device *device)
{
  return has_answers (device) && (!device->probed || device->put_off);
}

gboolean
device_is_vfio (const Device *device)
{
  return accmig_device_info_is_vfio (device->info);
}

gboolean
device_is_on_host_driver (const Device *device)
{
  return g_str_equal (accmig_device_info_get_owner (device->info), "host");
}
