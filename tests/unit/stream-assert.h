/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <accmig/stream.h>

/*
 * Streams made byte by byte, and what must have been found in them.
 */

/* A field that must be there. */
typedef struct
{
  const char *name;
  guint64 offset, size;
  const char *value;
} StreamWanted;

/* Puts @value at @offset, little-endian, in @width bytes. */
void stream_put (guint8 *stream, gsize offset, gsize width, guint64 value);

/* (nullable): the first of this name */
const AccmigStreamField *stream_find_field (const AccmigStreamInfo *info, const char *name);

void stream_assert_fields (const AccmigStreamInfo *info, const StreamWanted *rows, gsize n_rows);

/* Every byte belongs to exactly one field, in order. */
void stream_assert_covered (const AccmigStreamInfo *info);

/* The stream is refused with @code, and the message has @words in it. */
void stream_assert_refused (const guint8 *data, gsize length, AccmigError code, const char *words);
