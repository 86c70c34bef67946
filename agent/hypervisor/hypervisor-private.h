/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "hypervisor.h"

#include "worker.h"

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

/*
 * What the files of this folder share. Two threads: the main loop's, which owns the Hypervisor and runs every
 * callback, and the worker's, which makes every call into libvirt that may wait.
 */

/*
 * One open connection. The worker opens and closes it; libvirt's callbacks hold references, so that an event
 * which is already queued when the connection is given up finds a link without an owner, and is dropped.
 */
typedef struct
{
  virConnectPtr handle; /* worker */
  GArray *event_ids;    /* worker: int, from virConnectDomainEventRegisterAny */
  int qemu_event_id;    /* worker: -1 for none */
  char *qemu;           /* (nullable): version; like the next, written before anybody else has the link */
  char *libvirt;        /* (nullable): version */
  Hypervisor *owner;    /* main loop; NULL before it is adopted and after it is given up */
} Link;

struct _Hypervisor
{
  char *uri;
  HypervisorMode mode;
  HypervisorCallbacks callbacks;
  gpointer user;
  Worker *worker;
  Link *link;            /* NULL while not connected */
  GCancellable *opening; /* cancelled when the answer of an open in progress is no longer wanted */
  guint retry_source;
  guint retry_ms;    /* the next pause before a new try */
  gboolean grumbled; /* this outage has been logged */
};

/* Worker. Opens, sets keep-alive, subscribes to what @wanted has callbacks for. Both may wait for libvirt. */
Link *link_open (const char *uri, HypervisorMode mode, const HypervisorCallbacks *wanted, GError **error);
void link_close (Link *link);

Link *link_ref (Link *link);
void link_unref (gpointer link);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Link, link_unref)

/* Main loop: libvirt says that the connection of @hypervisor is gone. */
void hypervisor_lost (Hypervisor *hypervisor, const char *why);

/* Worker. QEMU's events are missing on drivers that have none, which is survived. */
gboolean events_register (Link *link, HypervisorMode mode, const HypervisorCallbacks *wanted, GError **error);
void events_deregister (Link *link);
/* Any pair of numbers, also ones this libvirt does not know. */
Lifecycle lifecycle_reduce (int event, int detail);

/* Worker. */
HypervisorDomain *domain_read (virDomainPtr domain, GError **error);
HypervisorDomainState domain_state_from_libvirt (int state);
gboolean job_read (virDomainPtr domain, gboolean completed, HypervisorJob *ret_job, GError **error);
void job_from_params (virTypedParameterPtr params, int n_params, HypervisorJob *ret_job);

/* Sets @error from libvirt's last error in this thread, after what was tried; always FALSE. Nearly every call
 * into libvirt clears that error, also getters: none may stand among the arguments. */
gboolean libvirt_fail (GError **error, const char *format, ...) G_GNUC_PRINTF (2, 3);
/* Keeps libvirt from printing each error to stderr; we report those that matter. */
void libvirt_silence (void);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (virDomain, virDomainFree)
