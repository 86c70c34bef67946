/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <glib.h>

/*
 * While one is held, Ctrl-C and SIGTERM do not end the process: for a time in which a file is there that
 * somebody has to take away. They are caught here; whoever waits meanwhile listens for them as well.
 *
 *   g_auto (Interrupt) interrupt = interrupt_hold ();
 */
typedef struct
{
  guint sources[2];
} Interrupt;

Interrupt interrupt_hold (void);
void interrupt_release (Interrupt *interrupt);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Interrupt, interrupt_release)
