/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <accmig/accmig.h>
#include <gio/gio.h>

/*
 * Whether a saved stream fits a device, by the match data it begins with.
 */

/**
 * stream_match_check_async:
 * @fd: borrowed: a regular file, read at its present position, which stays
 * @profile: of the device that would load it, freshly probed
 */
void stream_match_check_async (int fd, const AccmigProfile *profile, GAsyncReadyCallback callback,
                               gpointer user);

/**
 * stream_match_check_finish:
 * @error: REFUSED with the sentence of the rule that decides; TRUNCATED; INVALID for anything but a file; IO
 * Returns: whether nothing speaks against loading it. Families without match data always fit: their drivers
 * check
 */
gboolean stream_match_check_finish (GAsyncResult *result, GError **error);
