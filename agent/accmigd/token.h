/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <glib.h>

/*
 * A token: 16 hex digits that name one stay of a guest on one host.
 *
 * A host knows its own tokens again. So the one that a guest brought along is never taken for that of its
 * stay here, also by an agent that was not there when the guest arrived.
 */

/* (transfer full): what names this host to the functions below: its machine id, else its host name */
char *token_make_host (void);

/* (transfer full) */
char *token_new (const char *host);

/* Whether @host made @token. Two hosts may be confused once in 2³² times. */
gboolean token_is_of (const char *token, const char *host);
