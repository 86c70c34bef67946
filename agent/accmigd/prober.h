/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "broker-client.h"
#include "registry.h"

/*
 * The prober: who may open a free device, and when.
 *
 * A device that we hold open is one that QEMU cannot open. So everything that opens one, or changes its
 * driver, goes through here, one at a time per device, and libvirt's hooks are answered only when their
 * devices have settled. Whether it may be done is the caller's question.
 */

typedef struct _Prober Prober;

/* Both borrowed. */
Prober *prober_new (BrokerClient *broker, Registry *registry);
void prober_free (Prober *prober);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Prober, prober_free)

/* Opens @address, or joins who does already, and leaves what was learnt in the registry. */
void prober_probe_async (Prober *prober, const char *address, GAsyncReadyCallback callback, gpointer user);
gboolean prober_probe_finish (GAsyncResult *result, GError **error);

/* Asks the driver of @address whether it takes @match, another device's match data; after whoever is at the
 * device already. */
void prober_trial_async (Prober *prober, const char *address, GBytes *match, GAsyncReadyCallback callback,
                         gpointer user);
gboolean prober_trial_finish (GAsyncResult *result, BrokerTrial *ret_trial, GError **error);

/* Binds @address to its VFIO variant driver; after whoever is at the device already. The registry does not
 * know of it yet when this returns. */
void prober_bind_async (Prober *prober, const char *address, const char *driver, GAsyncReadyCallback callback,
                        gpointer user);
gboolean prober_bind_finish (GAsyncResult *result, GError **error);

/* Probes, one after the other, whatever the registry has that was never probed; what fails for a reason that
 * may pass, once a minute. Does nothing without a broker. */
void prober_sweep (Prober *prober);

/* For saving and loading: FALSE and BUSY when the device is in use already. */
gboolean prober_begin_use (Prober *prober, const char *address, GError **error);
void prober_end_use (Prober *prober, const char *address);

/* Called back when none of @addresses (NULL-terminated) is open any more, or after @timeout_msec. */
void prober_settle_async (Prober *prober, const char *const *addresses, guint timeout_msec,
                          GAsyncReadyCallback callback, gpointer user);
/* Returns: FALSE when the time ran out */
gboolean prober_settle_finish (GAsyncResult *result);
