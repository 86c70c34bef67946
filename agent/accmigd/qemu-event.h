/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <glib.h>

/*
 * QEMU's raw events, as far as they concern a migration. QEMU is hostile: sizes are capped, unknown words
 * survive.
 */

typedef enum
{
  QEMU_EVENT_MIGRATION, /* word: setup, active, pre-switchover, device, completed, failed, cancelling, … */
  QEMU_EVENT_STOP,
  QEMU_EVENT_RESUME,
  QEMU_EVENT_VFIO, /* word: device state; device: qdev id, which is libvirt's alias */
} QemuEventKind;

typedef struct
{
  QemuEventKind kind;
  char word[32];
  char device[64];
} QemuEvent;

/**
 * qemu_event_parse:
 * @details: JSON, or "" where an event has none
 * @ret_event: (out): untouched on failure
 * @error: an event accmig knows with details it cannot read. Not set for events it does not know
 * Returns: whether this is an event to act on
 */
gboolean qemu_event_parse (const char *event, const char *details, QemuEvent *ret_event, GError **error);
