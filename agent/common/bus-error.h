/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <glib.h>
#include <systemd/sd-bus.h>

/*
 * The one seam between GError and D-Bus errors, both ways.
 */

/**
 * bus_error_set:
 * @ret_error: (out): gets the D-Bus name for @error's code (org.accmig1.Error.*, or Failed) and its message
 * Returns: negative errno, to be returned from an sd-bus handler
 */
int bus_error_set (sd_bus_error *ret_error, const GError *error);

/**
 * bus_error_reply:
 * Answers the call @m with @error, for calls that are answered later.
 */
void bus_error_reply (sd_bus_message *m, const GError *error);

/**
 * bus_error_take:
 * @reply: an error message that came back
 * Sets @error to the #AccmigError that @reply's name stands for (IO for foreign names), with its message.
 * Returns: FALSE, always
 */
gboolean bus_error_take (GError **error, sd_bus_message *reply);
