/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <glib.h>

/*
 * The carriers of one migration: for each registered device of the guest an ssh to the destination, through
 * which this host's agent sends the device's state and the other one says what became of it.
 *
 * The connections are made before the guest is touched, so that none is set up while it stands still.
 */

typedef struct _Carriers Carriers;

/* What a carrier at the other end, "accmigctl receive", says first: it has reached its agent. */
#define CARRIER_READY "accmig: ready to receive\n"

/* @error: (nullable): NULL: every device is loaded there; else why one is not. The others are given up then
 */
typedef void (*CarriersEnded) (const GError *error, gpointer user);

/**
 * carriers_new:
 * @uuid: of the domain
 * @host: "[user@]host" that ssh goes to
 * Asks this host's agent which devices are registered for the domain, and runs "accmigctl receive" on @host
 * once for each. Waits until all of these are ready, 60 s at most.
 * Returns: (transfer full) (nullable)
 */
Carriers *carriers_new (const char *uuid, const char *host, GError **error);

/* Ends what has not ended. */
void carriers_free (Carriers *carriers);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Carriers, carriers_free)

/** carriers_size: Returns: of how many devices; 0 when none is registered for the guest */
guint carriers_size (const Carriers *carriers);

/**
 * carriers_start:
 * Lets the agent send, now that the guest is being copied. Needs the default main context.
 * @ended: called once, maybe at once
 */
void carriers_start (Carriers *carriers, CarriersEnded ended, gpointer user);

/** carriers_have_ended: Returns: whether that was told */
gboolean carriers_have_ended (const Carriers *carriers);
