// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Binding a VF to its variant driver
 *
 * The kernel binds such a driver only to a device whose driver_override names it: so that is written, the
 * driver before is unbound, and the bus is told to look for a driver again. Writing says little about the
 * outcome; what counts is which driver is bound in the end.
 *
 * Unbinding a VFIO driver from a device that a guest has makes the kernel take it from the guest. So nobody
 * may have it open. Between that look and the unbinding somebody could; hence the agent reserves a device
 * before it asks for this.
 */

#include "binding.h"

#include <accmig/device.h>
#include <accmig/inventory.h>

#include "attribute.h"
#include "common/text.h"

#define DEVICES  "bus/pci/devices/"
#define DRIVERS  "bus/pci/drivers/"
#define PROBE    "bus/pci/drivers_probe"
#define PLAIN    "vfio-pci" /* for every device, and migrates none */
#define NO_VALUE "(null)"   /* how the kernel spells an override that is not set */

typedef struct
{
  int sysfs_fd;
  const char *address;
  const char *driver;    /* the one wanted */
  char *override_before; /* "" for none */
  char *driver_before;   /* (nullable) */
} Binding;

static void
binding_clear (Binding *self)
{
  g_free (self->override_before);
  g_free (self->driver_before);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Binding, binding_clear)

/* ---- whether it may be done ------------------------------------------------------------------- */

static gboolean
check_driver (const Binding *self, const AccmigDeviceInfo *info, GError **error)
{
  const char *variant = accmig_device_info_get_variant (info);
  g_autofree char *path = g_strconcat (DRIVERS, self->driver, NULL);

  if (variant == NULL || g_str_equal (variant, PLAIN))
    g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_INVALID, "this kernel has no VFIO variant driver for %s",
                 self->address);
  else if (!g_str_equal (variant, self->driver))
    g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_INVALID, "the VFIO variant driver of %s is %s, not “%.*s”",
                 self->address, variant, text_quotable (self->driver), self->driver);
  else if (!attribute_exists (self->sysfs_fd, path))
    g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_UNSUPPORTED, "the driver %s is not loaded", self->driver);
  else
    return TRUE;
  return FALSE;
}

static gboolean
check_unused (const Binding *self, const AccmigDeviceInfo *info, GError **error)
{
  pid_t pid = 0;

  if (accmig_device_info_get_driver (info) == NULL)
    return TRUE;
  if (!accmig_device_info_is_vfio (info))
    {
      g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_BUSY, "%s is bound to the host's driver %s",
                   self->address, accmig_device_info_get_driver (info));
      return FALSE;
    }
  if (!accmig_device_find_holder (self->sysfs_fd, self->address, &pid, error))
    return FALSE;
  if (pid != 0)
    g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_BUSY, "%s is open in process %d", self->address, (int)pid);
  return pid == 0;
}

/* ---- doing it --------------------------------------------------------------------------------- */

static char *
read_driver (const Binding *self)
{
  g_autofree char *path = g_strconcat (DEVICES, self->address, "/driver", NULL);

  return attribute_read_link (self->sysfs_fd, path);
}

static char *
read_override (const Binding *self)
{
  g_autofree char *path = g_strconcat (DEVICES, self->address, "/driver_override", NULL);
  char *text = attribute_read (self->sysfs_fd, path);

  if (text != NULL && !g_str_equal (text, NO_VALUE))
    return text;
  g_free (text);
  return g_strdup ("");
}

/* @driver: "" takes the override away */
static gboolean
write_override (const Binding *self, const char *driver, GError **error)
{
  g_autofree char *path = g_strconcat (DEVICES, self->address, "/driver_override", NULL);
  g_autofree char *line = g_strconcat (driver, "\n", NULL);

  return attribute_write (self->sysfs_fd, path, line, error);
}

static gboolean
tell_driver (const Binding *self, const char *driver, const char *what, GError **error)
{
  g_autofree char *path = g_strconcat (DRIVERS, driver, "/", what, NULL);

  return attribute_write (self->sysfs_fd, path, self->address, error);
}

static gboolean
change (const Binding *self, GError **error)
{
  g_autoptr (GError) failure = NULL;
  g_autofree char *bound = NULL;

  if (!write_override (self, self->driver, error)
      || (self->driver_before != NULL && !tell_driver (self, self->driver_before, "unbind", error)))
    return FALSE;
  (void)attribute_write (self->sysfs_fd, PROBE, self->address, &failure);
  bound = read_driver (self);
  if (g_strcmp0 (bound, self->driver) == 0)
    return TRUE;
  g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_IO, "%s did not take %s%s%s", self->driver, self->address,
               failure != NULL ? ": " : "", failure != NULL ? failure->message : "");
  return FALSE;
}

/* Makes everything as it was, and says in @error when that failed. FALSE, always. */
static gboolean
change_back (const Binding *self, GError **error)
{
  g_autofree char *bound = read_driver (self);
  g_autoptr (GError) failure = NULL;

  if (write_override (self, self->override_before, &failure)
      && (self->driver_before == NULL || g_strcmp0 (bound, self->driver_before) == 0
          || tell_driver (self, self->driver_before, "bind", &failure)))
    return FALSE;
  g_prefix_error (error, "%s is not as it was before: %s; before that: ", self->address, failure->message);
  return FALSE;
}

gboolean
binding_bind (int sysfs_fd, const char *address, const char *driver, GError **error)
{
  g_autoptr (AccmigInventory) inventory = accmig_inventory_read (sysfs_fd, error);
  g_auto (Binding) self = { .sysfs_fd = sysfs_fd, .address = address, .driver = driver };
  const AccmigDeviceInfo *info;

  if (inventory == NULL)
    return FALSE;
  info = accmig_inventory_lookup (inventory, address);
  if (info == NULL || accmig_device_info_get_kind (info) != ACCMIG_KIND_PCI)
    {
      g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_NOT_FOUND, "there is no VF %s", address);
      return FALSE;
    }
  if (!check_driver (&self, info, error))
    return FALSE;
  if (g_strcmp0 (accmig_device_info_get_driver (info), driver) == 0)
    return TRUE;
  if (!check_unused (&self, info, error))
    return FALSE;

  self.override_before = read_override (&self);
  self.driver_before = read_driver (&self);
  return change (&self, error) || change_back (&self, error);
}
