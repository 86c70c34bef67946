/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <glib.h>

/*
 * Uevents: says when PCI devices or mdevs came, went, or changed their driver.
 */

typedef struct _Uevents Uevents;

/* @renewed: (NULL-terminated): addresses of devices that came or got a driver since the last call */
typedef void (*UeventsChanged) (const char *const *renewed, gpointer user);

/**
 * uevents_new:
 * @changed: called from the main loop, once for events that come close together
 * @error: the kernel's events cannot be listened to
 */
Uevents *uevents_new (UeventsChanged changed, gpointer user, GError **error);
void uevents_free (Uevents *uevents);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Uevents, uevents_free)
