/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "adopted.h"
#include "devices.h"
#include "hypervisor/hypervisor.h"

/*
 * The broker: whom it serves, and with what.
 */

typedef struct _Broker Broker;

/* What main() was told. Strings are borrowed for as long as the broker lives. */
typedef struct
{
  const char *socket_path; /* NULL: systemd's socket, and leave when nobody needs us */
  const char *uri;         /* libvirt's, for a read-write connection */
  const char *log_dir;     /* of QEMU's logs */
  const char *sysfs;
  const char *debugfs; /* need not be there */
} BrokerOptions;

/**
 * broker_new:
 * @finished: called from the loop when nobody has been connected for a while and systemd will start us again
 */
Broker *broker_new (const BrokerOptions *options, void (*finished) (gpointer user), gpointer user,
                    GError **error);
void broker_free (Broker *broker);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Broker, broker_free)

/* What the verbs work with; owned by the broker. */
Devices *broker_get_devices (const Broker *broker);
AdoptedSet *broker_get_adopted (const Broker *broker);
Hypervisor *broker_get_hypervisor (const Broker *broker);
const char *broker_get_log_dir (const Broker *broker);
