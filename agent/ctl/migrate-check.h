/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <glib.h>

/*
 * What is looked at before a guest is moved.
 */

/**
 * migrate_check:
 * @domain: a name or UUID that this host's agent knows
 * @host: "[user@]host", whose agent answers for the destination
 * @trial: whether the drivers there are asked, too
 * Returns: whether nothing is known that stands in the way; what cannot be told is said on the standard
 * error, and left to the gate, which has a policy for that. Else @error is set: REFUSED with the first
 * finding, or why nobody could be asked
 */
gboolean migrate_check (const char *domain, const char *host, gboolean trial, GError **error);
