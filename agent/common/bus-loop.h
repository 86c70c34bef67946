/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <glib.h>
#include <systemd/sd-bus.h>

/*
 * sd-bus on GLib's loop.
 */

/**
 * bus_loop_attach:
 * @bus: a started connection; the source keeps a reference
 * @closed: (nullable): called once, from the loop, when the connection is gone
 * Returns: id of the source, for g_source_remove()
 */
guint bus_loop_attach (sd_bus *bus, void (*closed) (sd_bus *bus, gpointer user), gpointer user);

/* Auto types for sd-bus handles, declared once. */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (sd_bus, sd_bus_flush_close_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (sd_bus_message, sd_bus_message_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (sd_bus_slot, sd_bus_slot_unref)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (sd_bus_error, sd_bus_error_free)
