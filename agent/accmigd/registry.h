/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <accmig/accmig.h>

#include "domains.h"
#include "probes.h"
#include "registered.h"
#include "reservation.h"

/*
 * The devices of this host: what sysfs says, who has each, what its last probe told, and the profile made of
 * all that.
 *
 * The registry changes only when it is told to look again; it then tells what became of each device.
 */

typedef struct _Registry Registry;
typedef struct _Device Device;

typedef enum
{
  OWNER_FREE,
  OWNER_HOST,
  OWNER_RESERVED,
  OWNER_GUEST,
  OWNER_REGISTERED,
} Owner;

#define N_OWNERS (OWNER_REGISTERED + 1)

const char *owner_to_string (Owner owner);

/* What a registry sees things through; borrowed, must outlive it. */
typedef struct
{
  int sysfs_fd;
  const Domains *domains;
  const Reservations *reservations;
  Probes *probes;
  const RegisteredSet *registered; /* (nullable) */
} RegistrySources;

typedef struct
{
  void (*added) (const Device *device, gpointer user);
  void (*changed) (const Device *device, gpointer user);
  void (*removed) (const Device *device, gpointer user); /* it can still be looked up */
} RegistryCallbacks;

Registry *registry_new (const RegistrySources *sources, const RegistryCallbacks *callbacks, gpointer user);
void registry_free (Registry *registry);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Registry, registry_free)

/* Reads sysfs again. On error everything stays as it was. */
gboolean registry_rescan (Registry *registry, GError **error);
/* Domains, reservations or registered devices changed: works out the owners again. */
void registry_refresh (Registry *registry);

/* What libvirt told of this host; copied. Profiles that were without it, or had something else, are made
 * anew. */
void registry_set_host (Registry *registry, const AccmigHost *host);

gsize registry_size (const Registry *registry);
const Device *registry_get (const Registry *registry, gsize index);
const Device *registry_lookup (const Registry *registry, const char *address);

/* Opening the device told this. @error: it could not be written down; it counts all the same. */
gboolean registry_set_probe (Registry *registry, const char *address, const AccmigProbe *probe,
                             GError **error);
/* Looking at a guest's device told its flags; of use only where no probe is known. */
void registry_set_flags (Registry *registry, const char *address, guint64 flags);

/* The next free device on a migratable driver that was not yet probed since it appeared or changed its
 * driver; marks it, so that a device that cannot be probed is not tried for ever. NULL when there is none. */
const Device *registry_take_unprobed (Registry *registry);
/* It could not be probed just now: registry_resume() gives it back. Returns: whether that was the first time
 * since it appeared or changed its driver */
gboolean registry_put_off (Registry *registry, const char *address);
/* Lets registry_take_unprobed() find again what was put off. Returns: whether there was anything */
gboolean registry_resume (Registry *registry);

/* A driver was bound to it, perhaps the same as before: what its last probe told may be wrong by now, so that
 * registry_take_unprobed() shall find it once more. */
void registry_renew (Registry *registry, const char *address);

/* Getters. Strings are borrowed until the registry changes, "" where there is nothing to say. */
const char *device_get_address (const Device *device);
const AccmigDeviceInfo *device_get_info (const Device *device);
Owner device_get_owner (const Device *device);
const char *device_get_domain (const Device *device);
const char *device_get_driver (const Device *device);
const char *device_get_variant (const Device *device);
const char *device_get_parent (const Device *device);
const char *device_get_parent_driver (const Device *device);
const char *
device_get_migration (const Device *device); /* "stop-copy+p2p", "none", "" while nobody could ask */
const char *device_get_digest (const Device *device);
/* (nullable) (transfer none) */
const AccmigProfile *device_get_profile (const Device *device);
/* Whether anything is known of what its driver offers. */
gboolean device_is_probed (const Device *device);
/* Whether a migratable driver is bound to it that was not asked since: never tried, or put off. */
gboolean device_is_unasked (const Device *device);
/* Whether a VFIO driver is bound, so that it could be opened. */
gboolean device_is_vfio (const Device *device);
/* Whether a native driver is bound, for the host's own use. */
gboolean device_is_on_host_driver (const Device *device);
