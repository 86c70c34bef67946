/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "common/bus-loop.h"

#include <glib.h>

/*
 * Calls on the stub's adopted devices that take their time and are answered from the event loop. Each tells
 * on standard output when it was asked and answered, as the head of broker-stub.c says.
 *
 * All return what a method of a vtable returns.
 */

/* Answers Step after @arc_usec, which may be 0. @asked_usec: monotonic, when it came */
int slow_step (sd_event *event, sd_bus_message *call, const char *id, const char *state, gint64 asked_usec,
               guint64 arc_usec);

/* Answers Drain when @size zeros are written to @fd, which stays the call's. */
int slow_drain (sd_event *event, sd_bus_message *call, const char *id, int fd, guint64 size);

/* Answers Fill when @fd, which stays the call's, has come to its end. */
int slow_fill (sd_event *event, sd_bus_message *call, const char *id, int fd);
