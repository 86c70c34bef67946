/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "broker-client-walk.h"

/*
 * What somebody who may does to a device by hand: a line in the journal each, with who it was and what came
 * of it. That somebody asked and may not is polkit's to tell.
 */

/* (transfer full): how setting it to @states is called: "set to stop, stop-copy". Names that are none are
 * left out. */
char *hand_log_describe_states (char *const *states);

/**
 * hand_log_walk:
 * @caller: the user who asked
 * @device: address or id
 * @what: was done to it: hand_log_describe_states()
 */
void hand_log_walk (uid_t caller, const char *device, const char *what, const BrokerWalk *walk);

/* @error: (nullable): NULL when it was done */
void hand_log_outcome (uid_t caller, const char *device, const char *what, const GError *error);
