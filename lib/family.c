// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Families
 *
 * A family is known by its PCI ids where these say it, since the ids are there whatever is bound; otherwise
 * by the VFIO driver that is bound, or would be. The latter holds for drivers of many ids (xe) and for
 * migsim, which borrows the ids of an ordinary network card.
 */

#include "family.h"

#include <string.h>

/* Rows without ids match by driver alone. */
static const struct
{
  const char *family;
  const char *driver;
  guint vendor;
  guint devices[8]; /* ends with 0 */
} families[] = {
  { "hisi_acc", "hisi_acc_vfio_pci", 0x19e5, { 0xa251, 0xa256, 0xa259 } },
  { "mlx5", "mlx5_vfio_pci", 0x15b3, { 0x101e } },
  { "qat", "qat_vfio_pci", 0x8086, { 0x4941, 0x4943, 0x4945, 0x4947, 0x4949 } },
  { "pds", "pds_vfio_pci", 0x1dd8, { 0x1003 } },
  { "virtio", "virtio_vfio_pci", 0x1af4, { 0x1041, 0x1042 } },
  { "xe", "xe-vfio-pci" },
  { "migsim", "migsim" },
};

static const char *
family_of_ids (guint vendor, guint device)
{
  for (gsize i = 0; i < G_N_ELEMENTS (families); i++)
    for (const guint *id = families[i].devices; *id != 0; id++)
      if (families[i].vendor == vendor && *id == device)
        return families[i].family;
  return NULL;
}

static const char *
family_of_driver (const char *driver)
{
  for (gsize i = 0; i < G_N_ELEMENTS (families); i++)
    if (driver_names_equal (families[i].driver, driver))
      return families[i].family;
  return NULL;
}

const char *
family_of_pci (guint vendor, guint device, const char *driver, const char *variant)
{
  const char *family = family_of_ids (vendor, device);

  if (family == NULL)
    family = family_of_driver (driver);
  if (family == NULL)
    family = family_of_driver (variant);
  return family != NULL ? family : "generic";
}

const char *
family_of_mdev (const char *type)
{
  return type != NULL && g_str_has_prefix (type, "mtty-") ? "mtty" : "generic";
}

gboolean
driver_names_equal (const char *a, const char *b)
{
  if (a == NULL || b == NULL)
    return FALSE;
  for (; *a != '\0' && *b != '\0'; a++, b++)
    if (*a != *b && !(strchr ("-_", *a) != NULL && strchr ("-_", *b) != NULL))
      return FALSE;
  return *a == *b;
}

const char *
driver_of_module (const char *module)
{
  for (gsize i = 0; i < G_N_ELEMENTS (families); i++)
    if (driver_names_equal (families[i].driver, module))
      return families[i].driver;
  return driver_names_equal (PLAIN_DRIVER, module) ? PLAIN_DRIVER : module;
}
