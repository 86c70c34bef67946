/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <glib.h>
#include <systemd/sd-bus.h>

/**
 * message_read:
 * @m: a D-Bus message, read up to some point
 * @ret_value: (out) (transfer full): the value that follows, of whatever type but a file descriptor; not
 * floating Returns: negative errno; -ENXIO when nothing follows
 */
int message_read (sd_bus_message *m, GVariant **ret_value);
