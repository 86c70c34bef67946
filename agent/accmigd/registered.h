/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "broker-client-adopted.h"
#include "common/registered-id.h"

/*
 * Registered devices: VFIO devices that a backend process holds on behalf of a guest and gave to the agent,
 * which drives them through the guest's migrations.
 *
 * The set is written down, so that an agent that was restarted knows its devices again without their holders'
 * doing. A device is attached while the broker has a duplicate of its file descriptor; when it lost that, the
 * holder is asked to register it anew, and until it does the device cannot be driven.
 *
 * Who drives tells here what state a device is in now, and how a migration ended; the set tells everybody.
 */

typedef struct _RegisteredSet RegisteredSet;
typedef struct _Registered Registered;

/* Each @device is valid during the call. */
typedef struct
{
  void (*added) (const Registered *device, gpointer user);
  void (*changed) (const Registered *device,
                   gpointer user); /* state, alarm, whether it is attached, holder */
  void (*removed) (const Registered *device, gpointer user); /* it can still be looked up */
  void (*wanted) (const Registered *device, gpointer user);  /* its holder is to register it anew */
  void (*finished) (const Registered *device, const char *outcome, gpointer user); /* registered_finish() */
  /* (nullable) The broker was asked which devices it has: those that it has are attached, with the states
   * that were read last. Once after each connection to the broker; from then on steps left open can be looked
   * into. */
  void (*settled) (gpointer user);
} RegisteredCallbacks;

/**
 * registered_set_new:
 * @path: of the file that survives a restart; copied
 * @broker: borrowed, must outlive the set
 * Returns: (transfer full): an empty set
 */
RegisteredSet *registered_set_new (const char *path, BrokerClient *broker,
                                   const RegisteredCallbacks *callbacks, gpointer user);
void registered_set_free (RegisteredSet *set);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RegisteredSet, registered_set_free)

/**
 * registered_set_restore:
 * @bus_id: of the bus that holders are on; names on another mean nothing
 *
 * Adds what was written down, once and before anything else. These devices are there, not attached, until the
 * broker has been asked (registered_set_broker_connected()); whether their holders still are, the caller
 * finds out.
 */
void registered_set_restore (RegisteredSet *set, const char *bus_id);

/* The connection to the broker is there, or was lost: which devices are attached is found out, or nothing is.
 */
void registered_set_broker_connected (RegisteredSet *set);
void registered_set_broker_lost (RegisteredSet *set);

/* ---- looking ---- */

gsize registered_set_size (const RegisteredSet *set);
/* In the order of their ids, so that one domain's are neighbours. */
const Registered *registered_set_get (const RegisteredSet *set, gsize index);
/* (nullable) */
const Registered *registered_lookup (const RegisteredSet *set, const char *uuid, const char *name);
/* (nullable): by "DOMAINUUID/NAME" */
const Registered *registered_lookup_id (const RegisteredSet *set, const char *id);
/* (nullable): by the address that its holder told; not one that is being removed */
const Registered *registered_find_address (const RegisteredSet *set, const char *address);
/* (transfer container) (element-type Registered): a domain's; valid until the set changes */
GPtrArray *registered_list_domain (const RegisteredSet *set, const char *uuid);

/* Getters; strings are borrowed until the device is removed or changes, "" where there is nothing to say. */
const char *registered_get_id (const Registered *device);
const char *registered_get_uuid (const Registered *device); /* of its domain */
const char *registered_get_name (const Registered *device);
const char *registered_get_address (const Registered *device);
const char *registered_get_holder (const Registered *device); /* unique name on the bus */
guint64 registered_get_flags (const Registered *device);
guint64 registered_get_stop_copy_size (const Registered *device); /* when it was registered; 0 unknown */
AccmigTracking registered_get_tracking (const Registered *device);
/* Whether the broker has it, so that it can be driven. */
gboolean registered_is_attached (const Registered *device);
/* Whether @ret_state is known; the last that anybody read. */
gboolean registered_get_state (const Registered *device, AccmigState *ret_state);
const char *registered_get_alarm (const Registered *device);

/* ---- telling: for who drives. An id that is not there is let pass, for its holder may have left ---- */

void registered_set_state (RegisteredSet *set, const char *id, AccmigState state);
/* @alarm: one sentence for a person; "" ends it */
void registered_set_alarm (RegisteredSet *set, const char *id, const char *alarm);

/* How a migration ended for a device, as its holder is told. */
#define REGISTERED_SENT    "sent"    /* here it is stopped, it goes on elsewhere */
#define REGISTERED_LOADED  "loaded"  /* its state has arrived and it is stopped until the guest runs */
#define REGISTERED_RUNNING "running" /* it runs here, with the guest */
#define REGISTERED_LOST    "lost"    /* its state is gone: it was reset, or the alarm says more */

void registered_finish (RegisteredSet *set, const char *id, const char *outcome);

/* ---- coming and going: for the bus ---- */

/* Everything is copied. */
typedef struct
{
  const char *uuid; /* of the domain, in canonical form */
  const char *name;
  const char *address; /* "" when the holder did not tell */
  const char *holder;
  int fd; /* the open VFIO device; the caller's, a duplicate travels */
} RegisteredRequest;

/**
 * registered_set_register_async:
 *
 * Finishes with INVALID for a name that is none; BUSY when the name is taken by another holder, or
 * another registered device has the address; and what broker_client_adopt_async() says. The same holder may
 * register a name again, which attaches it anew.
 */
void registered_set_register_async (RegisteredSet *set, const RegisteredRequest *request,
                                    GAsyncReadyCallback callback, gpointer user);
gboolean registered_set_register_finish (GAsyncResult *result, GError **error);

/* The holder takes it back: it leaves the set, and the broker closes it. FALSE when it is not there. */
gboolean registered_set_unregister (RegisteredSet *set, const char *id);
/* The same for all of a holder that left the bus. */
void registered_set_drop_holder (RegisteredSet *set, const char *holder);
