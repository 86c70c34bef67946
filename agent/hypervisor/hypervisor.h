/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <gio/gio.h>

/*
 * The connection to libvirt; this folder is the only one that knows libvirt.
 *
 * A Hypervisor connects by itself, registers for events, watches the connection, and comes back after
 * libvirtd was restarted (back-off 0.5 s doubling to 10 s). Nothing here blocks the main loop: every call
 * that libvirt may hold up — a domain is locked while a hook runs — happens in one worker thread, in the
 * order asked.
 *
 * accmigd uses a read-only connection; the broker a read-write one, which is what QEMU's events and metadata
 * need.
 */

typedef struct _Hypervisor Hypervisor;
typedef struct _HypervisorDomain HypervisorDomain;

typedef enum
{
  HYPERVISOR_READ_ONLY,  /* lifecycle, iteration, job-completed, device added/removed */
  HYPERVISOR_READ_WRITE, /* QEMU monitor events MIGRATION, STOP, RESUME, VFIO_MIGRATION, and metadata */
} HypervisorMode;

/* libvirt's lifecycle events, reduced to what a migration cares about. */
typedef enum
{
  LIFECYCLE_STARTED,            /* booted, restored, from snapshot … */
  LIFECYCLE_STARTED_MIGRATED,   /* destination: QEMU waits for the stream */
  LIFECYCLE_SUSPENDED_MIGRATED, /* source: vCPUs stopped for the switch-over */
  LIFECYCLE_SUSPENDED,          /* anything else */
  LIFECYCLE_RESUMED_MIGRATED,   /* destination: runs; source: resumed because Finish failed */
  LIFECYCLE_RESUMED,            /* anything else; source after a failure: unpaused */
  LIFECYCLE_STOPPED_MIGRATED,   /* source: done */
  LIFECYCLE_STOPPED_FAILED,     /* destination: incoming migration ended */
  LIFECYCLE_STOPPED_SAVED,      /* saved to a file */
  LIFECYCLE_STOPPED,            /* anything else */
  LIFECYCLE_OTHER,              /* defined, undefined, unknown: nothing we act on */
} Lifecycle;

/* What virDomainGetJobStats or JOB_COMPLETED said. -1 where it did not say. */
typedef struct
{
  gboolean active;   /* a migration job is running */
  gboolean other;    /* a job is running that is no migration: save, dump, snapshot */
  gboolean outgoing; /* operation is outgoing migration (FALSE: incoming, or not told) */
  gint64 data_total, data_processed, data_remaining; /* bytes */
  gint64 device_bytes;                               /* VFIO state transferred */
  gint64 downtime_ms, downtime_net_ms;               /* of a completed job */
  gint64 elapsed_ms;
  gint64 iteration;
} HypervisorJob;

/* All callbacks run in the main context; strings are borrowed for the call. Members may be NULL. */
typedef struct
{
  void (*connected) (gpointer user); /* events are registered: enumerate now */
  void (*disconnected) (gpointer user);
  void (*lifecycle) (const char *uuid, const char *name, Lifecycle event, gpointer user);
  void (*iteration) (const char *uuid, const char *name, int iteration, gpointer user);
  void (*job_completed) (const char *uuid, const char *name, const HypervisorJob *job, gpointer user);
  void (*devices_changed) (const char *uuid, const char *name, gpointer user);
  void (*qemu_event) (const char *uuid, const char *name, const char *event, gint64 at_usec,
                      const char *details,
                      gpointer user); /* READ_WRITE only; details is JSON as QEMU wrote it, or "" */
} HypervisorCallbacks;

typedef enum
{
  HYPERVISOR_DOMAIN_SHUTOFF,
  HYPERVISOR_DOMAIN_RUNNING,
  HYPERVISOR_DOMAIN_PAUSED,
  HYPERVISOR_DOMAIN_OTHER,
} HypervisorDomainState;

/**
 * hypervisor_new:
 * @callbacks: copied; events are subscribed to where there is a callback for them. None may free the
 * Hypervisor Makes the default main context libvirt's event loop: it must run for anything to happen.
 */
Hypervisor *hypervisor_new (const char *uri, HypervisorMode mode, const HypervisorCallbacks *callbacks,
                            gpointer user);

/**
 * hypervisor_free:
 * @hypervisor: (nullable) (transfer full)
 * No event callback comes after it. Calls that wait for their turn are answered with G_IO_ERROR_CANCELLED,
 * should the loop still run. Waits at most 2 s for a call in progress, and leaves it behind then.
 */
void hypervisor_free (Hypervisor *hypervisor);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Hypervisor, hypervisor_free)

/* What is at the other end. Strings are those of the connection; NULL where it is no libvirt with QEMU. */
typedef struct
{
  const char *qemu;    /* version of the QEMU that guests get by default, "10.0.13" */
  const char *libvirt; /* version of the daemon, "11.3.0" */
} HypervisorVersions;

/* Begins to connect; the answer is a callback. */
void hypervisor_start (Hypervisor *hypervisor);
gboolean hypervisor_is_connected (const Hypervisor *hypervisor);
/* As they were when the connection was made, and as long as it lasts; nothing while there is none. */
HypervisorVersions hypervisor_get_versions (const Hypervisor *hypervisor);

/* A domain as it was when it was asked. XML without secrets. */
const char *hypervisor_domain_get_uuid (const HypervisorDomain *domain);
const char *hypervisor_domain_get_name (const HypervisorDomain *domain);
const char *hypervisor_domain_get_xml (const HypervisorDomain *domain);
HypervisorDomainState hypervisor_domain_get_state (const HypervisorDomain *domain);
gboolean
hypervisor_domain_was_migrated (const HypervisorDomain *domain); /* shut off because it was migrated away */
gboolean hypervisor_domain_is_migrating (
    const HypervisorDomain *domain); /* starting, paused for a migration, or in the middle of one */
void hypervisor_domain_free (HypervisorDomain *domain);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (HypervisorDomain, hypervisor_domain_free)

/* Every call below answers G_IO_ERROR_NOT_CONNECTED while there is no connection, and TIMED_OUT when libvirt
 * gave up waiting for somebody else's job on the domain. */

/* Every domain, active or not: a GPtrArray of HypervisorDomain that frees its elements. */
void hypervisor_list_async (Hypervisor *hypervisor, GAsyncReadyCallback callback, gpointer user);
GPtrArray *hypervisor_list_finish (Hypervisor *hypervisor, GAsyncResult *result, GError **error);

/* One domain, by UUID. G_IO_ERROR_NOT_FOUND when there is none. */
void hypervisor_lookup_async (Hypervisor *hypervisor, const char *uuid, GAsyncReadyCallback callback,
                              gpointer user);
HypervisorDomain *hypervisor_lookup_finish (Hypervisor *hypervisor, GAsyncResult *result, GError **error);

/* The same for what a person typed: a UUID, else a name. */
void hypervisor_find_async (Hypervisor *hypervisor, const char *uuid_or_name, GAsyncReadyCallback callback,
                            gpointer user);
HypervisorDomain *hypervisor_find_finish (Hypervisor *hypervisor, GAsyncResult *result, GError **error);

/* Job statistics; @completed asks for the last completed job and keeps it. */
void hypervisor_job_async (Hypervisor *hypervisor, const char *uuid, gboolean completed,
                           GAsyncReadyCallback callback, gpointer user);
gboolean hypervisor_job_finish (Hypervisor *hypervisor, GAsyncResult *result, HypervisorJob *ret_job,
                                GError **error);

/* READ_WRITE only: virDomainSetMetadata, live, key and URI of ours. NULL for @xml takes the element away. */
void hypervisor_set_metadata_async (Hypervisor *hypervisor, const char *uuid, const char *xml,
                                    GAsyncReadyCallback callback, gpointer user);
gboolean hypervisor_set_metadata_finish (Hypervisor *hypervisor, GAsyncResult *result, GError **error);
