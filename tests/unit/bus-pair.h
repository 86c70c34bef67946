/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "common/bus-loop.h"

/*
 * Two sd-bus connections that are each other's peers, for tests of what lies between them.
 */

#define BUS_PAIR_OBJECT "/org/accmig1/Test"
#define BUS_PAIR_IFACE  "org.accmig1.Test"

typedef struct
{
  sd_bus *client, *server;
} BusPair;

/* The server serves @vtable at BUS_PAIR_OBJECT. */
void bus_pair_init (BusPair *pair, const sd_bus_vtable *vtable, gpointer user);
void bus_pair_clear (BusPair *pair);

/* (transfer full): an empty call of @member from client to server */
sd_bus_message *bus_pair_new_call (const BusPair *pair, const char *member);

/* One turn of the loop, resp. as many as it takes; a loop that stays idle for 10 s fails the test. */
void bus_pair_iterate (void);
void bus_pair_iterate_until (const gboolean *flag);
