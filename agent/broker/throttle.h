/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <glib.h>

/*
 * The throttle: how many events of one domain are passed on.
 *
 * A guest's QEMU belongs to the guest once it is broken into, and may then say as much as it likes. What it
 * says too often is lost to itself alone.
 */

typedef struct _Throttle Throttle;

typedef enum
{
  THROTTLE_PASS,
  THROTTLE_BEGIN, /* drop it, and it is the first after one that passed: whoever listens has a gap */
  THROTTLE_DROP,
} ThrottleAnswer;

/* @rate: events of one domain in a second */
Throttle *throttle_new (guint rate);
void throttle_free (Throttle *throttle);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Throttle, throttle_free)

/**
 * throttle_ask:
 * @name: the domain's, for the warning, of which there is one per flood
 * @now_usec: monotonic
 * Returns: what is to be done with this event of the domain @uuid
 */
ThrottleAnswer throttle_ask (Throttle *throttle, const char *uuid, const char *name, gint64 now_usec);
