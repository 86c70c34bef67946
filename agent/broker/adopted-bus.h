/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <systemd/sd-bus.h>

/* Handlers of the verbs on adopted devices; their user data is a Peer. */
int adopted_bus_adopt (sd_bus_message *m, void *peer, sd_bus_error *ret_error);
int adopted_bus_disown (sd_bus_message *m, void *peer, sd_bus_error *ret_error);
int adopted_bus_step (sd_bus_message *m, void *peer, sd_bus_error *ret_error);
int adopted_bus_drain (sd_bus_message *m, void *peer, sd_bus_error *ret_error);
int adopted_bus_fill (sd_bus_message *m, void *peer, sd_bus_error *ret_error);
int adopted_bus_reset (sd_bus_message *m, void *peer, sd_bus_error *ret_error);
int adopted_bus_state_of (sd_bus_message *m, void *peer, sd_bus_error *ret_error);
int adopted_bus_list (sd_bus_message *m, void *peer, sd_bus_error *ret_error);
