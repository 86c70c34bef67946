// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Binding
 *
 * The broker does it and checks once more that it may. What was known of the device is worth nothing
 * afterwards: the registry sees the new driver and forgets it.
 */

#include "binding.h"

#define PLAIN_DRIVER "vfio-pci" /* for every device, and migrates none */

gboolean
binding_is_needed (const Device *device)
{
  const char *variant = device_get_variant (device);

  return accmig_device_info_get_kind (device_get_info (device)) == ACCMIG_KIND_PCI && *variant != '\0'
         && !g_str_equal (variant, PLAIN_DRIVER) && !g_str_equal (variant, device_get_driver (device))
         && (device_is_vfio (device) || *device_get_driver (device) == '\0');
}

static void
on_bound (GObject *source, GAsyncResult *result, gpointer user)
{
  g_autoptr (GTask) task = user;
  Registry *registry = g_task_get_task_data (task); /* borrowed */
  GError *error = NULL;

  if (!prober_bind_finish (result, &error) || !registry_rescan (registry, &error))
    g_task_return_error (task, error);
  else
    g_task_return_boolean (task, TRUE);
}

void
binding_run_async (Prober *prober, Registry *registry, const char *address, GAsyncReadyCallback callback,
                   gpointer user)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, user);
  const Device *device = registry_lookup (registry, address);

  if (device == NULL)
    {
      g_task_return_new_error (task, ACCMIG_ERROR, ACCMIG_ERROR_NOT_FOUND, "no device %s on this host",
                               address);
      return;
    }
  g_task_set_task_data (task, registry, NULL);
  g_message ("binding %s to %s, to be able to migrate it", address, device_get_variant (device));
  prober_bind_async (prober, address, device_get_variant (device), on_bound, g_steal_pointer (&task));
}

gboolean
binding_run_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}
