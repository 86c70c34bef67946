/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <glib.h>

/*
 * One thread that does what may take long, in the order it was asked.
 */

typedef struct _Worker Worker;

/* @cancelled: the worker is being freed; do not begin, only answer and let go of @data. */
typedef void (*WorkerFunc) (gpointer data, gboolean cancelled);

Worker *worker_new (const char *name);

/**
 * worker_push:
 * @run: called once, from the thread, with @data; also when the worker ends before its turn came
 */
void worker_push (Worker *worker, WorkerFunc run, gpointer data);

/**
 * worker_free:
 * @wait_ms: how long the call in progress may take to end
 * Runs what is queued with cancelled set, and ends the thread. A thread that is held up for longer is left
 * behind; it lets go of everything when its call ends.
 */
void worker_free (Worker *worker, guint wait_ms);
