/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "prober.h"

/*
 * Binding: giving a target the driver that can migrate it, where libvirt would not.
 *
 * libvirt binds a managed hostdev itself. One that is not managed must have its VFIO driver already, and with
 * plain vfio-pci it cannot be migrated. Where the configuration allows it the gate has it bound to the
 * variant driver before it is probed.
 */

/* Whether @device, free and not managed, has another VFIO driver than the one that can migrate it, or none. A
 * device on a driver of the host's is left to the host. */
gboolean binding_is_needed (const Device *device);

/* Binds it, and has the registry look. @address: of a device that is reserved: nobody else may open it now */
void binding_run_async (Prober *prober, Registry *registry, const char *address, GAsyncReadyCallback callback,
                        gpointer user);
gboolean binding_run_finish (GAsyncResult *result, GError **error);
