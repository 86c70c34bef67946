/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <accmig/profile.h>
#include <accmig/stream.h>
#include <json-glib/json-glib.h>

#include "call.h"

/*
 * The devices that a saved stream is held against, from files or from an agent.
 */

/* What a stream begins with, as far as any family compares it. */
typedef struct
{
  guint8 bytes[4096];
  gsize length;
} StreamMatch;

/**
 * stream_targets_read:
 * @call: --against FILE…, or --here of the host that is asked
 * Returns: (transfer full) (element-type AccmigProfile) (nullable): every device there
 */
GPtrArray *stream_targets_read (const Call *call, GError **error);

/**
 * stream_target_judge:
 * By the rules that the gate and the agent's LoadState go by: the stream's match data stand for the source's.
 * Returns: (transfer full): a verdict, as accmig_verdict_to_json() writes it, with the device's "address" and
 * "family" besides
 */
JsonNode *stream_target_judge (const AccmigStreamInfo *info, const StreamMatch *match,
                               const AccmigProfile *target);
