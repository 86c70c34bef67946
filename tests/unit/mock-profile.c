// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The profile of a device of a mock host
 */

#include "mock-profile.h"

#include "inventory-private.h"

AccmigProfile *
profile_of (MockSysfs *mock, const char *address, const AccmigProbe *probe)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (AccmigInventory) inventory =
      inventory_read (mock_sysfs_get_fd (mock), mock_sysfs_get_aliases (mock), &error);
  AccmigProfile *profile;

  g_assert_no_error (error);
  profile =
      accmig_profile_new_from_device (mock_sysfs_get_fd (mock), accmig_inventory_lookup (inventory, address),
                                      probe, NULL, &error);
  g_assert_no_error (error);
  return profile;
}
