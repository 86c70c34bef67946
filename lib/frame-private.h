/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <accmig/frame.h>
#include <json-glib/json-glib.h>

/*
 * A frame's header as JSON: { "domain", "name", "flags", "digest", "profile" }, the last two where there is a
 * profile.
 */

/* As it was read; clear with frame_header_clear(). */
typedef struct
{
  char *uuid;
  char *name;
  guint64 flags;
  AccmigProfile *profile; /* (nullable) */
} FrameHeader;

/* (transfer full) (nullable). @error: INVALID */
char *frame_header_to_json (const AccmigFrameHeader *header, GError **error);

/*
 * @header: empty before
 * @root: a node that holds an object, as strict_json_parse() returns it
 * @error: INVALID
 */
gboolean frame_header_read (FrameHeader *header, JsonNode *root, GError **error);
void frame_header_clear (FrameHeader *header);
