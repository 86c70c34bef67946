/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <gio/gio.h>

#include "hypervisor/move.h"

/*
 * Errands: calls to libvirt, which wait for it, run by threads. One that takes too long is left behind; it
 * holds what it needs itself.
 */

typedef enum
{
  ERRAND_OPEN,   /* move_open() of the domain @text; answers a Move */
  ERRAND_RUN,    /* move_run() to the URI @text; answers TRUE */
  ERRAND_ABORT,  /* move_abort(); answers TRUE */
  ERRAND_LOOK,   /* move_look(); answers a MoveLook, to be freed with g_free() */
  ERRAND_RESUME, /* move_resume() at the URI @text; answers TRUE */
} ErrandKind;

/**
 * errand_begin:
 * @move: (nullable): for ERRAND_OPEN; a reference is taken
 * @text: (nullable): copied
 * @options: (nullable): of ERRAND_RUN; copied
 * @callback: called from the default main context with a GTask, whose answer is taken with
 * g_task_propagate_pointer() or g_task_propagate_boolean()
 */
void errand_begin (ErrandKind kind, Move *move, const char *text, const MoveOptions *options,
                   GAsyncReadyCallback callback, gpointer user);

/**
 * errand_wait:
 * Runs one, and the main loop meanwhile.
 * Returns: (transfer full) (nullable): NULL with @error set when there was no answer within @limit_usec
 */
GTask *errand_wait (ErrandKind kind, Move *move, const char *text, gint64 limit_usec, GError **error);
