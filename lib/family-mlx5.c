// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * mlx5: board and firmware
 *
 * The InfiniBand device of the PF shows both, as attributes that are world-readable. Its name is the kernel's
 * choice ("mlx5_0"), so it is found below the PF, which has one at most.
 */

#include "family-code.h"

#include "sysfs.h"

static gboolean
read_attribute (const FamilyDevice *device, const char *attribute, FieldValue *ret_value)
{
  const char *pf = device->info != NULL ? accmig_device_info_get_pf (device->info) : NULL;
  g_autofree char *directory = NULL;
  g_autofree char *path = NULL;
  g_auto (GStrv) names = NULL;

  if (pf == NULL)
    return FALSE;
  directory = g_strdup_printf ("bus/pci/devices/%s/infiniband", pf);
  names = sysfs_list (device->sysfs_fd, directory);
  if (names[0] == NULL)
    return FALSE;
  path = g_build_filename (directory, names[0], attribute, NULL);
  ret_value->text = sysfs_read_text (device->sysfs_fd, path);
  return ret_value->text != NULL;
}

/* The board id is what the vendor calls PSID. */
static gboolean
read_board (const FamilyDevice *device, FieldValue *ret_value)
{
  return read_attribute (device, "board_id", ret_value);
}

static gboolean
read_firmware (const FamilyDevice *device, FieldValue *ret_value)
{
  return read_attribute (device, "fw_ver", ret_value);
}

static const FieldReader readers[] = {
  { "board", FALSE, read_board },
  { "firmware", FALSE, read_firmware },
  { 0 },
};

static const FamilyCheck checks[] = {
  { 0 },
};

const FamilyCode family_code_mlx5 = {
  .family = "mlx5",
  .readers = readers,
  .checks = checks,
};
