/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <glib.h>

/*
 * The socket on which the broker is asked, and who may.
 */

typedef struct _Listener Listener;

/* @fd: (transfer full): a connection whose peer is welcome */
typedef void (*ListenerFunc) (int fd, gpointer user);

/**
 * listener_new_from_systemd:
 * Returns: (nullable): the one socket that systemd hands over; an error when it handed over none, or several
 */
Listener *listener_new_from_systemd (ListenerFunc accepted, gpointer user, GError **error);

/**
 * listener_new_at:
 * @path: where to make a socket, mode 0600; a socket that is already there is replaced
 */
Listener *listener_new_at (const char *path, ListenerFunc accepted, gpointer user, GError **error);

/* Stops listening; removes a socket that listener_new_at() made. */
void listener_free (Listener *listener);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Listener, listener_free)
