/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <glib.h>

/* Where libvirt keeps what QEMU prints, one file per domain. */
#define LOG_TAIL_DIR "/var/log/libvirt/qemu"

/**
 * log_tail_read:
 * @dir: the folder with the logs
 * @domain: a domain's name, from whom ever
 * @max: how many bytes at most
 * @error: INVALID for a name that cannot be a log's; NOT_FOUND; IO, also for what is no regular file
 * Returns: (transfer full) (nullable): the end of @domain's log, as it is: guests and drivers wrote it
 */
GBytes *log_tail_read (const char *dir, const char *domain, gsize max, GError **error);
