// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Events
 *
 * One small function per event of libvirt; all run in the main loop. libvirt adds events and details in every
 * other release, so numbers without a row are ordinary and are never warned about.
 */

#include "hypervisor-private.h"

#include <libvirt/libvirt-qemu.h>

/* Anchored, because MIGRATION_PASS comes with every round over memory. One expression and not four
 * registrations: the daemon then filters, and a connection needs one subscription. */
#define QEMU_EVENTS "^(MIGRATION|STOP|RESUME|VFIO_MIGRATION)$"

#define ANY_DETAIL (-1)

/* The first row that fits counts. */
static const struct
{
  int event, detail;
  Lifecycle lifecycle;
} lifecycle_rows[] = {
  { VIR_DOMAIN_EVENT_STARTED, VIR_DOMAIN_EVENT_STARTED_MIGRATED, LIFECYCLE_STARTED_MIGRATED },
  { VIR_DOMAIN_EVENT_STARTED, ANY_DETAIL, LIFECYCLE_STARTED },
  { VIR_DOMAIN_EVENT_SUSPENDED, VIR_DOMAIN_EVENT_SUSPENDED_MIGRATED, LIFECYCLE_SUSPENDED_MIGRATED },
  { VIR_DOMAIN_EVENT_SUSPENDED, ANY_DETAIL, LIFECYCLE_SUSPENDED },
  { VIR_DOMAIN_EVENT_RESUMED, VIR_DOMAIN_EVENT_RESUMED_MIGRATED, LIFECYCLE_RESUMED_MIGRATED },
  { VIR_DOMAIN_EVENT_RESUMED, ANY_DETAIL, LIFECYCLE_RESUMED },
  { VIR_DOMAIN_EVENT_STOPPED, VIR_DOMAIN_EVENT_STOPPED_MIGRATED, LIFECYCLE_STOPPED_MIGRATED },
  { VIR_DOMAIN_EVENT_STOPPED, VIR_DOMAIN_EVENT_STOPPED_FAILED, LIFECYCLE_STOPPED_FAILED },
  { VIR_DOMAIN_EVENT_STOPPED, VIR_DOMAIN_EVENT_STOPPED_SAVED, LIFECYCLE_STOPPED_SAVED },
  { VIR_DOMAIN_EVENT_STOPPED, ANY_DETAIL, LIFECYCLE_STOPPED },
};

Lifecycle
lifecycle_reduce (int event, int detail)
{
  for (gsize i = 0; i < G_N_ELEMENTS (lifecycle_rows); i++)
    if (lifecycle_rows[i].event == event
        && (lifecycle_rows[i].detail == detail || lifecycle_rows[i].detail == ANY_DETAIL))
      return lifecycle_rows[i].lifecycle;
  return LIFECYCLE_OTHER;
}

typedef struct
{
  const HypervisorCallbacks *callbacks;
  gpointer user;
  char uuid[VIR_UUID_STRING_BUFLEN];
  const char *name;
} Event;

/* FALSE for what comes after the connection was given up. */
static gboolean
event_init (Event *event, virDomainPtr domain, gpointer opaque)
{
  const Link *link = opaque;

  if (link->owner == NULL || virDomainGetUUIDString (domain, event->uuid) < 0)
    return FALSE;
  event->callbacks = &link->owner->callbacks;
  event->user = link->owner->user;
  event->name = virDomainGetName (domain);
  return TRUE;
}

static int
on_lifecycle (virConnectPtr conn, virDomainPtr domain, int event, int detail, void *opaque)
{
  Event e;

  if (event_init (&e, domain, opaque))
    e.callbacks->lifecycle (e.uuid, e.name, lifecycle_reduce (event, detail), e.user);
  return 0;
}

static void
on_iteration (virConnectPtr conn, virDomainPtr domain, int iteration, void *opaque)
{
  Event e;

  if (event_init (&e, domain, opaque))
    e.callbacks->iteration (e.uuid, e.name, iteration, e.user);
}

static void
on_job_completed (virConnectPtr conn, virDomainPtr domain, virTypedParameterPtr params, int n_params,
                  void *opaque)
{
  HypervisorJob job;
  Event e;

  if (!event_init (&e, domain, opaque))
    return;
  job_from_params (params, n_params, &job);
  e.callbacks->job_completed (e.uuid, e.name, &job, e.user);
}

static void
on_device_changed (virConnectPtr conn, virDomainPtr domain, const char *alias, void *opaque)
{
  Event e;

  if (event_init (&e, domain, opaque))
    e.callbacks->devices_changed (e.uuid, e.name, e.user);
}

static void
on_qemu_event (virConnectPtr conn, virDomainPtr domain, const char *event, long long seconds,
               unsigned int micros, const char *details, void *opaque)
{
  Event e;

  if (event_init (&e, domain, opaque))
    e.callbacks->qemu_event (e.uuid, e.name, event, seconds * G_USEC_PER_SEC + micros,
                             details != NULL ? details : "", e.user);
}

/* Subscribed to where the owner has a callback for it. */
static const struct
{
  int id;
  gsize wanted; /* the member of HypervisorCallbacks */
  GCallback callback;
  const char *name;
} domain_events[] = {
  { VIR_DOMAIN_EVENT_ID_LIFECYCLE, G_STRUCT_OFFSET (HypervisorCallbacks, lifecycle),
    G_CALLBACK (on_lifecycle), "lifecycle" },
  { VIR_DOMAIN_EVENT_ID_MIGRATION_ITERATION, G_STRUCT_OFFSET (HypervisorCallbacks, iteration),
    G_CALLBACK (on_iteration), "migration-iteration" },
  { VIR_DOMAIN_EVENT_ID_JOB_COMPLETED, G_STRUCT_OFFSET (HypervisorCallbacks, job_completed),
    G_CALLBACK (on_job_completed), "job-completed" },
  { VIR_DOMAIN_EVENT_ID_DEVICE_ADDED, G_STRUCT_OFFSET (HypervisorCallbacks, devices_changed),
    G_CALLBACK (on_device_changed), "device-added" },
  { VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED, G_STRUCT_OFFSET (HypervisorCallbacks, devices_changed),
    G_CALLBACK (on_device_changed), "device-removed" },
};

static gboolean
register_domain_events (Link *link, const HypervisorCallbacks *wanted, GError **error)
{
  for (gsize i = 0; i < G_N_ELEMENTS (domain_events); i++)
    {
      virConnectDomainEventGenericCallback callback =
          (virConnectDomainEventGenericCallback)domain_events[i].callback;
      int id;

      if (G_STRUCT_MEMBER (GCallback, wanted, domain_events[i].wanted) == NULL)
        continue;
      id = virConnectDomainEventRegisterAny (link->handle, NULL, domain_events[i].id, callback,
                                             link_ref (link), link_unref);
      if (id < 0)
        {
          link_unref (link); /* not registered: libvirt will not let go of it */
          return libvirt_fail (error, "cannot listen to libvirt's event “%s”", domain_events[i].name);
        }
      g_array_append_val (link->event_ids, id);
    }
  return TRUE;
}

/* Survived where it fails: libvirt's test driver has no QEMU. */
static void
register_qemu_events (Link *link)
{
  link->qemu_event_id =
      virConnectDomainQemuMonitorEventRegister (link->handle, NULL, QEMU_EVENTS, on_qemu_event,
                                                link_ref (link), link_unref,
                                                VIR_CONNECT_DOMAIN_QEMU_MONITOR_EVENT_REGISTER_REGEX);
  if (link->qemu_event_id >= 0)
    return;
  link_unref (link);
  g_message ("no events from QEMU, going on without: %s", virGetLastErrorMessage ());
}

gboolean
events_register (Link *link, HypervisorMode mode, const HypervisorCallbacks *wanted, GError **error)
{
  if (mode == HYPERVISOR_READ_WRITE && wanted->qemu_event != NULL)
    register_qemu_events (link);
  return register_domain_events (link, wanted, error);
}

void
events_deregister (Link *link)
{
  for (guint i = 0; i < link->event_ids->len; i++)
    (void)virConnectDomainEventDeregisterAny (link->handle, g_array_index (link->event_ids, int, i));
  g_array_set_size (link->event_ids, 0);

  if (link->qemu_event_id >= 0)
    (void)virConnectDomainQemuMonitorEventDeregister (link->handle, link->qemu_event_id);
  link->qemu_event_id = -1;
}
