/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <glib.h>

/*
 * What the tail of a domain's QEMU log says about the end of a migration. The text is hostile.
 */

/**
 * qemu_log_find_cause:
 * @text: the tail of the log, any bytes
 * @since_usec: lines with an earlier time are of another attempt
 * Returns: (transfer full) (nullable): the most telling line, without time and program name
 */
char *qemu_log_find_cause (const char *text, gsize length, gint64 since_usec);

#define QEMU_LOG_STATE_SIZE 24

/**
 * qemu_log_find_reset:
 * @address: (nullable): of the device as QEMU calls it; NULL for any device
 * @ret_state: (out): the state that QEMU could not set it to, in QEMU's spelling ("STOP_COPY"); "" when it is
 * not told. Untouched when there is no such line
 * Returns: whether QEMU says that it reset the device, since @since_usec
 */
gboolean qemu_log_find_reset (const char *text, gsize length, gint64 since_usec, const char *address,
                              char ret_state[QEMU_LOG_STATE_SIZE]);

/**
 * qemu_log_tells_not_loaded:
 * Returns: whether a part of the guest's state was not taken here: then each of its devices had been told to
 * take one, whether it got to that or not
 */
gboolean qemu_log_tells_not_loaded (const char *text, gsize length, gint64 since_usec);

/**
 * qemu_log_find_end:
 * Returns: (transfer full) (nullable): libvirt's word for why QEMU ended ("migrated", "failed", "destroyed",
 * …), the first one since @since_usec
 */
char *qemu_log_find_end (const char *text, gsize length, gint64 since_usec);
