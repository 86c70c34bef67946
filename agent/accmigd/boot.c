// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The boot
 *
 * What is written down about devices and guests holds until the host is started anew.
 */

#include "boot.h"

#include <glib.h>

#define BOOT_ID_FILE "/proc/sys/kernel/random/boot_id"

char *
boot_get_id (void)
{
  g_autofree char *text = NULL;

  if (!g_file_get_contents (BOOT_ID_FILE, &text, NULL, NULL))
    return g_strdup ("");
  return g_strdup (g_strstrip (text));
}
