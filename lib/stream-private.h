/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <accmig/stream.h>

#include "stream-input.h"

/*
 * What stream.c and the families share. A family is one file: a table of fields and a decoder that checks
 * what holds the stream together. All streams known here are little-endian, as are the hosts that write them.
 */

typedef enum
{
  STREAM_HEX,     /* "0x1a" */
  STREAM_DECIMAL, /* "26" */
} StreamFormat;

/* A row of a family's table: @count words of @width bytes (1, 2, 4 or 8) at @offset. */
typedef struct
{
  const char *name; /* the kernel's */
  guint16 offset;
  guint8 width;
  guint8 count;
  StreamFormat format;
} StreamLayout;

/* The start of a stream, or all of it. */
typedef struct
{
  const guint8 *data;
  gsize length;
  gboolean goes_on; /* there is more than this */
} StreamBytes;

/* Reads the whole stream of one family, which begins at @input, into @info. @error: INVALID, TRUNCATED, IO */
typedef gboolean (*StreamDecoder) (AccmigStreamInfo *info, StreamInput *input, GError **error);

/* Of a family whose stream is a chain of blocks without end, this many are shown one by one. */
#define STREAM_SHOWN_BLOCKS 256

gboolean stream_decode_hisi_acc (AccmigStreamInfo *info, StreamInput *input, GError **error);
gboolean stream_decode_migsim (AccmigStreamInfo *info, StreamInput *input, GError **error);
gboolean stream_decode_mtty (AccmigStreamInfo *info, StreamInput *input, GError **error);
gboolean stream_decode_qat (AccmigStreamInfo *info, StreamInput *input, GError **error);
gboolean stream_decode_records (AccmigStreamInfo *info, StreamInput *input, GError **error);
gboolean stream_decode_xe (AccmigStreamInfo *info, StreamInput *input, GError **error);

/* Whether a stream without a magic begins as those of mlx5 and virtio do. */
gboolean stream_begins_with_record (StreamBytes head);

/*
 * The next @size bytes into @buffer, or all that are left; the result borrows @buffer. Tells whether there
 * are more, for which one more byte is read.
 */
gboolean stream_take (StreamInput *input, guint8 *buffer, gsize size, StreamBytes *ret_bytes, GError **error);

/* An unsigned word of @width bytes; it lies within the stream. */
guint64 stream_get_word (StreamBytes stream, gsize offset, gsize width);

/* A field for each of the table's rows. They lie within the stream. */
void stream_info_add_layout (AccmigStreamInfo *info, StreamBytes stream, const StreamLayout *rows,
                             gsize n_rows);
/* The same for a block of the stream that begins at @at: the rows' offsets are the block's, and its @name and
 * a dot stand before theirs. */
void stream_info_add_block (AccmigStreamInfo *info, const char *name, guint64 at, StreamBytes block,
                            const StreamLayout *rows, gsize n_rows);
/* A field whose text the family makes itself. */
void stream_info_add_field (AccmigStreamInfo *info, const char *name, guint64 offset, guint64 size,
                            const char *format, ...) G_GNUC_PRINTF (5, 6);
/* Which families write and read such a stream, the likeliest first: where a magic does not tell. Static. */
void stream_info_set_families (AccmigStreamInfo *info, const char *const *families);
void stream_info_set_summary (AccmigStreamInfo *info, const char *format, ...) G_GNUC_PRINTF (2, 3);

/*
 * @length: of the stream; the least it can be when @goes_on
 * @error: TRUNCATED when the stream is shorter than @wanted, INVALID when it is longer
 */
gboolean stream_check_length (const char *family, guint64 length, gboolean goes_on, guint64 wanted,
                              GError **error);
