/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <glib.h>

/*
 * A relay: hands on what is written into it, and counts. For a stream that goes into a pipe, where nobody can
 * see how much has.
 */

typedef struct _Relay Relay;

/**
 * relay_new:
 * @to_fd: where everything goes; borrowed, must stay open as long as the process
 * Returns: (transfer full) (nullable)
 */
Relay *relay_new (int to_fd, GError **error);

/* Returns: the end to write into; the relay's */
int relay_get_fd (const Relay *relay);

/* Returns: bytes handed on so far */
guint64 relay_get_bytes (const Relay *relay);

/**
 * relay_finish:
 * Waits until everything that was written, by whoever has the end to write into, was handed on.
 * @error: IO
 */
gboolean relay_finish (Relay *relay, GError **error);

/* Of one that was not finished: what is in it may still be handed on. */
void relay_free (Relay *relay);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Relay, relay_free)
