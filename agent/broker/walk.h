/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "common/broker-protocol.h"

#include <accmig/device.h>

/*
 * A walk: a free device is taken through states, one SET after the other, to see what its driver does.
 */

/* One SET. */
typedef struct
{
  AccmigState from;
  AccmigState to;
  AccmigState left_in; /* afterwards, as GET says */
  int refusal;         /* 0, or the errno with which the kernel refused */
  gint64 usec;         /* that it took, with a GET before and after it */
} WalkStep;

typedef struct
{
  guint64 flags; /* what the device offers */
  WalkStep steps[BROKER_WALK_MAX];
  gsize n_steps;
} Walk;

/**
 * walk_device:
 * @device: free, and opened for this
 * @states: where to go; at most %BROKER_WALK_MAX
 * @ret_walk: (out): ends with the first refusal
 * @error: BAD_STATE when there is no way from one state to the next, before anything is done; LIMIT; and what
 *   include/accmig/device.h says
 *
 * Begins in running, and the device is in running again afterwards: it is reset where that was not the end.
 */
gboolean walk_device (AccmigDevice *device, const AccmigState *states, gsize n_states, Walk *ret_walk,
                      GError **error);
