/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <accmig/profile.h>

/*
 * Frames: a device's state on its way from one agent to another.
 *
 *     "accmig-stream/1 " 8 hex digits "\n"     how many bytes of JSON follow
 *     JSON                                     whose state it is
 *     { u32 length, length bytes }             chunks, 1 to 1 MiB each
 *     u32 0                                    no more of them
 *     u64 bytes in all chunks, SHA-256         of everything before the first chunk, and of the chunks' bytes
 *
 * Numbers are big-endian. The receiver answers with one line: "loaded BYTES" or "refused SENTENCE".
 *
 * What is read comes from another host, and is hostile. Nothing here reads or writes by itself: the caller
 * moves bytes, and is told how many the next piece has.
 */

#define ACCMIG_FRAME_PRELUDE_SIZE 25
#define ACCMIG_FRAME_CHUNK_MAX    (1024 * 1024)
#define ACCMIG_FRAME_HEAD_SIZE    4  /* of a chunk */
#define ACCMIG_FRAME_TRAILER_SIZE 44 /* from the last chunk's head on, which says 0 */
#define ACCMIG_FRAME_ANSWER_MAX   1024

/* Whose state it is. Borrowed. */
typedef struct
{
  const char *uuid;             /* of the domain, in small letters */
  const char *name;             /* of the registered device: letters, digits, ".", "_", "-", at most 64 */
  guint64 flags;                /* #AccmigFlags */
  const AccmigProfile *profile; /* (nullable): of the device at the source */
} AccmigFrameHeader;

/* ---- writing ---- */

typedef struct _AccmigFrameWriter AccmigFrameWriter;

/**
 * accmig_frame_writer_new:
 * @ret_bytes: (out) (transfer full): what is to be sent first
 * @error: INVALID; LIMIT when the profile makes the header too long
 * Returns: (transfer full) (nullable)
 */
ACCMIG_API AccmigFrameWriter *accmig_frame_writer_new (const AccmigFrameHeader *header, GBytes **ret_bytes,
                                                       GError **error);
ACCMIG_API void accmig_frame_writer_free (AccmigFrameWriter *writer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (AccmigFrameWriter, accmig_frame_writer_free)

/**
 * accmig_frame_writer_add:
 * @data: the next chunk, 1 to %ACCMIG_FRAME_CHUNK_MAX bytes
 * @ret_head: (out): is to be sent before it
 */
ACCMIG_API void accmig_frame_writer_add (AccmigFrameWriter *writer, const guint8 *data, gsize length,
                                         guint8 ret_head[ACCMIG_FRAME_HEAD_SIZE]);

/**
 * accmig_frame_writer_end:
 * @ret_trailer: (out): is to be sent last
 * Returns: bytes in all chunks
 */
ACCMIG_API guint64 accmig_frame_writer_end (AccmigFrameWriter *writer,
                                            guint8 ret_trailer[ACCMIG_FRAME_TRAILER_SIZE]);

/* ---- reading ---- */

typedef struct _AccmigFrameReader AccmigFrameReader;

typedef enum
{
  ACCMIG_FRAME_MORE,   /* nothing for the caller */
  ACCMIG_FRAME_HEADER, /* accmig_frame_reader_get_header() has something now */
  ACCMIG_FRAME_DATA,   /* the piece is of the device's state */
  ACCMIG_FRAME_END,    /* that was all, and it is what was sent */
} AccmigFramePiece;

ACCMIG_API AccmigFrameReader *accmig_frame_reader_new (void);
ACCMIG_API void accmig_frame_reader_free (AccmigFrameReader *reader);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (AccmigFrameReader, accmig_frame_reader_free)

/**
 * accmig_frame_reader_get_wanted:
 * Returns: bytes that the next piece has, %ACCMIG_FRAME_CHUNK_MAX at most; 0 after the end and after an error
 */
ACCMIG_API gsize accmig_frame_reader_get_wanted (const AccmigFrameReader *reader);

/**
 * accmig_frame_reader_take:
 * @data: the next piece: as many bytes as are wanted
 * @error: INVALID, LIMIT; the reader is of no more use then
 * Data is handed on before it is known to be what was sent: whoever uses it has to be able to throw it away.
 */
ACCMIG_API gboolean accmig_frame_reader_take (AccmigFrameReader *reader, const guint8 *data,
                                              AccmigFramePiece *ret_piece, GError **error);

/**
 * accmig_frame_reader_end:
 * @length: bytes that came of the piece that was wanted, when no more did
 * @error: TRUNCATED, saying where
 * Returns: whether nothing is missing
 */
ACCMIG_API gboolean accmig_frame_reader_end (const AccmigFrameReader *reader, gsize length, GError **error);

/** accmig_frame_reader_get_header: Returns: (transfer none): all zero before it was there */
ACCMIG_API AccmigFrameHeader accmig_frame_reader_get_header (const AccmigFrameReader *reader);
/** accmig_frame_reader_get_bytes: Returns: of data, so far */
ACCMIG_API guint64 accmig_frame_reader_get_bytes (const AccmigFrameReader *reader);

/* ---- the answer ---- */

/** accmig_frame_answer_loaded: Returns: (transfer full): the line, with its end */
ACCMIG_API char *accmig_frame_answer_loaded (guint64 bytes);

/**
 * accmig_frame_answer_refused:
 * @sentence: any text; what cannot be shown is replaced, what is too long is cut
 * Returns: (transfer full): the line, with its end
 */
ACCMIG_API char *accmig_frame_answer_refused (const char *sentence);

/**
 * accmig_frame_answer_parse:
 * @line: what came, with its end
 * @length: bytes, at most %ACCMIG_FRAME_ANSWER_MAX are taken
 * @error: REFUSED with the sentence; INVALID when it is no answer; TRUNCATED without its end
 * Returns: whether it was loaded
 */
ACCMIG_API gboolean accmig_frame_answer_parse (const char *line, gsize length, guint64 *ret_bytes,
                                               GError **error);
