/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <glib.h>

/*
 * Evidence: what a driver kept of the last migration of a device, in debugfs. Of the drivers that migrate
 * only hisi_acc keeps any, from Linux 6.13 on, on kernels with CONFIG_VFIO_DEBUGFS.
 */

/* Where debugfs is mounted. */
#define EVIDENCE_DEBUGFS "/sys/kernel/debug"

/**
 * evidence_exists:
 * @debugfs: the mount point
 * @address: of a device; valid
 * Returns: whether the driver of the device offers any
 */
gboolean evidence_exists (const char *debugfs, const char *address);

/**
 * evidence_read:
 * @text: (out): room for @max bytes
 * @ret_length: (out): how many came; 0 when there is no evidence, or none yet
 * @error: IO
 * The text is the driver's, as it is, cut after @max bytes.
 */
gboolean evidence_read (const char *debugfs, const char *address, char *text, gsize max, gsize *ret_length,
                        GError **error);
