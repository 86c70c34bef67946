// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Interrupts
 */

#include "interrupt.h"

#include <glib-unix.h>
#include <signal.h>

/* What was caught and nobody listened for counts for nothing: the work was as good as done. */
static gboolean
on_signal (gpointer user)
{
  return G_SOURCE_CONTINUE;
}

Interrupt
interrupt_hold (void)
{
  return (Interrupt){ {
      g_unix_signal_add (SIGINT, on_signal, NULL),
      g_unix_signal_add (SIGTERM, on_signal, NULL),
  } };
}

void
interrupt_release (Interrupt *self)
{
  for (gsize i = 0; i < G_N_ELEMENTS (self->sources); i++)
    g_clear_handle_id (&self->sources[i], g_source_remove);
}
