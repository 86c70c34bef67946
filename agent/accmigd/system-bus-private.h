/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "common/bus-error.h"
#include "common/bus-loop.h"
#include "common/names.h"
#include "system-bus.h"

/*
 * What the *-bus.c files share: the connection and what it shows. The vtables' userdata is the SystemBus, or
 * the object itself where there is one object per path.
 */

struct _SystemBus
{
  sd_bus *bus;
  guint source;
  SystemBusSources sources;
  guint pending;       /* calls of anybody's that wait for libvirt or for a device */
  GHashTable *faces;   /* guint64 * migration id → char *: what was last told of it, condensed */
  GHashTable *holders; /* char * unique name → sd_bus_slot *: who registered devices, until they leave */
  void (*lost) (gpointer user);
  gpointer user;
};

/* Each adds one interface. Return: negative errno */
int manager_bus_attach (SystemBus *self);
int gate_bus_attach (SystemBus *self);
int device_bus_attach (SystemBus *self);
int migration_bus_attach (SystemBus *self);
int log_control_bus_attach (SystemBus *self);
int registered_bus_attach (SystemBus *self);

/* Handlers of the Manager's that move device states; state-bus.c. */
int state_bus_get (sd_bus_message *m, void *user, sd_bus_error *ret_error);
int state_bus_save (sd_bus_message *m, void *user, sd_bus_error *ret_error);
int state_bus_load (sd_bus_message *m, void *user, sd_bus_error *ret_error);

/* Handlers of the Manager's that move and reset devices; walk-bus.c, reset-bus.c. */
int walk_bus_set (sd_bus_message *m, void *user, sd_bus_error *ret_error);
int reset_bus_reset (sd_bus_message *m, void *user, sd_bus_error *ret_error);

/* Handlers of the Manager's that register devices; registration-bus.c. */
int registration_bus_register (sd_bus_message *m, void *user, sd_bus_error *ret_error);
int registration_bus_unregister (sd_bus_message *m, void *user, sd_bus_error *ret_error);

/* Handlers of the Manager's that carry registered devices' states to and from other hosts; carry-bus.c. */
int carry_bus_send (sd_bus_message *m, void *user, sd_bus_error *ret_error);
int carry_bus_receive (sd_bus_message *m, void *user, sd_bus_error *ret_error);

/* (transfer full): of the object of a registered device */
char *registered_bus_make_path (const char *id);

/* Ends what @name, unique on the bus, registered when it leaves, or at once when it is not there. Return:
 * negative errno */
int holder_bus_watch (SystemBus *self, const char *name);

/* Handlers of the Manager's that hold a domain against this host; check-bus.c. */
int check_bus_domain (sd_bus_message *m, void *user, sd_bus_error *ret_error);
int check_bus_domain_with (sd_bus_message *m, void *user, sd_bus_error *ret_error);

/* Handler of the Manager's that lists alarms; alarm-bus.c. */
int alarm_bus_list (sd_bus_message *m, void *user, sd_bus_error *ret_error);

/* Handler of the Manager's that takes a refusal; refusal-bus.c. */
int refusal_bus_report (sd_bus_message *m, void *user, sd_bus_error *ret_error);

/* (nullable): the device that a caller named; else @ret_error says UnknownDevice */
const Device *device_bus_find (SystemBus *self, const char *address, sd_bus_error *ret_error);

/* What anybody may ask and what then waits for libvirt or for a device is counted. FALSE, with the error
 * Limit, when too many wait; each TRUE is followed by system_bus_end_wait(). */
gboolean system_bus_begin_wait (SystemBus *self, sd_bus_error *ret_error);
void system_bus_end_wait (SystemBus *self);

/* Answers a call that waited; the broker's absence has a name of its own. */
void system_bus_reply_error (sd_bus_message *m, const GError *error);
