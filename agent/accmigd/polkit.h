/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "common/bus-loop.h"

/*
 * Who may: asks the bus who called, and polkit whether they may. Root may everything and needs no polkit.
 */

/* @caller: the user who may */
typedef void (*PolkitGranted) (sd_bus_message *call, uid_t caller, gpointer user);

/**
 * polkit_authorize:
 * @call: a method call; kept until it is decided
 * @action: (nullable): polkit's name of what is to be done; NULL allows root alone
 * @granted: called from the loop when the caller may. Otherwise @call has been answered with an error, and
 * that is all
 * @user: must live as long as the connection
 */
void polkit_authorize (sd_bus_message *call, const char *action, PolkitGranted granted, gpointer user);
