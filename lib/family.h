/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/* The driver for every PCI function, which offers no migration. */
#define PLAIN_DRIVER "vfio-pci"

/*
 * Which driver family's rules apply to a device.
 *
 * @driver: (nullable): the bound driver
 * @variant: (nullable): the best VFIO variant driver
 * Returns: the family's name, "generic" when none is known; static
 */
const char *family_of_pci (guint vendor, guint device, const char *driver, const char *variant);

/* @type: (nullable): type id, "mtty-1". Returns: as family_of_pci() */
const char *family_of_mdev (const char *type);

/* Whether two names mean the same driver: modules are named with underscores where drivers may have dashes.
 */
gboolean driver_names_equal (const char *a, const char *b);

/*
 * @module: name of a VFIO driver's module
 * Returns: (transfer none): the driver in it, as sysfs spells it; @module itself for one that is not known
 */
const char *driver_of_module (const char *module);
