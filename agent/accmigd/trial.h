/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "prober.h"

/*
 * The trial: what the target's driver itself says to the source's match data.
 *
 * The rules judge what is known of two devices; the driver judges the bytes. It can only be asked where the
 * source's profile carries them ("device.match") and the family is one whose driver compares them by
 * themselves. A no is a no. A yes adds nothing to what the rules said: some drivers compare once and then no
 * more.
 */

/* (transfer full): what tells one trial from another: the target and what it is shown */
char *trial_key (const char *address, const AccmigProfile *source);

/**
 * trial_run_async:
 * @address: of a device that may be opened; it is reset
 * @source: the profile of the device whose state is to come
 */
void trial_run_async (Prober *prober, const Registry *registry, const char *address,
                      const AccmigProfile *source, GAsyncReadyCallback callback, gpointer user);

/**
 * trial_run_finish:
 * @ret_refusal: (out) (nullable) (transfer full): a sentence when the driver said no; NULL when it said yes,
 * and when there is nothing to ask, or nobody who would know
 * @error: the device could not be asked: BUSY and the other codes of the broker's, or unavailable
 */
gboolean trial_run_finish (GAsyncResult *result, char **ret_refusal, GError **error);
