/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Returns: (transfer full): what names this run of the kernel; "" when it cannot be read */
char *boot_get_id (void);
