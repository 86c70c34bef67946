/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "common/bus-loop.h"

#include <sys/un.h>

/* The user "accmig" as the broker sees it; where this process is not root, or may not mount, as the host has
 * it. */
#define BROKER_PROCESS_AGENT_UID 65533

/*
 * The broker named by $ACCMIG_BROKER, in a folder of its own: libvirt's test driver, an empty sysfs ("sys"),
 * no debugfs ("debug") and no logs yet.
 */
typedef struct
{
  char *dir, *socket, *logs;
  GPid pid;
} BrokerProcess;

/* As set-up and tear-down of a GLib test. Stopping it also checks that it was still there, ends cleanly when
 * told, and takes its socket along. */
void broker_process_start (BrokerProcess *f, gconstpointer data);
void broker_process_stop (BrokerProcess *f, gconstpointer data);

/* (transfer full) */
sd_bus *broker_process_connect (const BrokerProcess *f);
/* (transfer full) (nullable): NULL when the broker hung up at once */
sd_bus *broker_process_try_connect (const BrokerProcess *f);
/* (transfer full): an empty call of @member */
sd_bus_message *broker_process_call (sd_bus *bus, const char *member);

struct sockaddr_un socket_address (const char *path);
void remove_tree (const char *path);

/* For a child's set-up: a test that fails takes its broker along. */
void die_with_parent (gpointer data);
