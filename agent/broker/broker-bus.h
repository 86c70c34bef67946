/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <systemd/sd-bus.h>

/* The interface of common/broker-protocol.h; its user data is a Peer. */
extern const sd_bus_vtable broker_vtable[];
