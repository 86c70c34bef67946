// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Frames
 *
 * The length of every piece is known before it comes, so that a reader needs no buffer of its own and nothing
 * is ever searched for. The digest covers what the header says as well: a state that came whole but under
 * another device's name was not what was sent.
 */

#include <accmig/frame.h>

#include <accmig/domain.h>
#include <nettle/sha2.h>
#include <string.h>

#include "error-private.h"
#include "frame-private.h"
#include "strict-json.h"

#define HEADER_MAX  (64 * 1024) /* bytes of JSON */
#define DEPTH_MAX   (ACCMIG_PROFILE_MAX_DEPTH + 1)
#define TOTAL_SIZE  8
#define DIGEST_SIZE SHA256_DIGEST_SIZE

G_STATIC_ASSERT (ACCMIG_FRAME_TRAILER_SIZE == ACCMIG_FRAME_HEAD_SIZE + TOTAL_SIZE + DIGEST_SIZE);

static const char magic[] = "accmig-stream/1 ";
G_STATIC_ASSERT (ACCMIG_FRAME_PRELUDE_SIZE == sizeof magic - 1 + 8 + 1);

static void
put_u32 (guint8 *at, guint32 value)
{
  guint32 big = GUINT32_TO_BE (value);

  memcpy (at, &big, sizeof big);
}

static guint32
get_u32 (const guint8 *at)
{
  guint32 big;

  memcpy (&big, at, sizeof big);
  return GUINT32_FROM_BE (big);
}

static void
put_u64 (guint8 *at, guint64 value)
{
  guint64 big = GUINT64_TO_BE (value);

  memcpy (at, &big, sizeof big);
}

static guint64
get_u64 (const guint8 *at)
{
  guint64 big;

  memcpy (&big, at, sizeof big);
  return GUINT64_FROM_BE (big);
}

/* ---- the header ---- */

struct _AccmigFrameWriter
{
  struct sha256_ctx digest;
  guint64 bytes;
};

AccmigFrameWriter *
accmig_frame_writer_new (const AccmigFrameHeader *header, GBytes **ret_bytes, GError **error)
{
  g_autoptr (AccmigFrameWriter) self = NULL;
  g_autofree char *json = frame_header_to_json (header, error);
  g_autofree char *text = NULL;
  gsize length = json != NULL ? strlen (json) : 0;

  if (json == NULL)
    return NULL;
  if (length > HEADER_MAX)
    {
      fail (error, ACCMIG_ERROR_LIMIT, "header: %zu bytes, at most %d are allowed", length, HEADER_MAX);
      return NULL;
    }
  text = g_strdup_printf ("%s%08zx\n%s", magic, length, json);
  self = g_new0 (AccmigFrameWriter, 1);
  sha256_init (&self->digest);
  length = strlen (text);
  sha256_update (&self->digest, length, (const guint8 *)text);
  *ret_bytes = g_bytes_new_take (g_steal_pointer (&text), length);
  return g_steal_pointer (&self);
}

void
accmig_frame_writer_free (AccmigFrameWriter *self)
{
  g_free (self);
}

void
accmig_frame_writer_add (AccmigFrameWriter *self, const guint8 *data, gsize length,
                         guint8 ret_head[ACCMIG_FRAME_HEAD_SIZE])
{
  g_return_if_fail (length > 0 && length <= ACCMIG_FRAME_CHUNK_MAX);

  sha256_update (&self->digest, length, data);
  self->bytes += length;
  put_u32 (ret_head, (guint32)length);
}

guint64
accmig_frame_writer_end (AccmigFrameWriter *self, guint8 ret_trailer[ACCMIG_FRAME_TRAILER_SIZE])
{
  put_u32 (ret_trailer, 0);
  put_u64 (ret_trailer + ACCMIG_FRAME_HEAD_SIZE, self->bytes);
  sha256_digest (&self->digest, DIGEST_SIZE, ret_trailer + ACCMIG_FRAME_HEAD_SIZE + TOTAL_SIZE);
  return self->bytes;
}

/* ---- reading ---- */

/* What comes next. */
typedef enum
{
  NEXT_PRELUDE,
  NEXT_HEADER,
  NEXT_CHUNK_HEAD,
  NEXT_CHUNK,
  NEXT_TRAILER, /* without the head that said 0 */
  NEXT_NOTHING,
} Next;

struct _AccmigFrameReader
{
  Next next;
  gsize wanted;
  struct sha256_ctx digest;
  guint64 bytes;
  FrameHeader header;
};

AccmigFrameReader *
accmig_frame_reader_new (void)
{
  AccmigFrameReader *self = g_new0 (AccmigFrameReader, 1);

  sha256_init (&self->digest);
  self->wanted = ACCMIG_FRAME_PRELUDE_SIZE;
  return self;
}

void
accmig_frame_reader_free (AccmigFrameReader *self)
{
  if (self == NULL)
    return;
  frame_header_clear (&self->header);
  g_free (self);
}

gsize
accmig_frame_reader_get_wanted (const AccmigFrameReader *self)
{
  return self->wanted;
}

static void
expect (AccmigFrameReader *self, Next next, gsize size)
{
  self->next = next;
  self->wanted = size;
}

static gboolean
take_prelude (AccmigFrameReader *self, const guint8 *data, GError **error)
{
  gsize size = 0;

  if (memcmp (data, magic, strlen (magic)) != 0)
    return fail (error, ACCMIG_ERROR_INVALID, "this is no stream of an accmig agent, or of another version");
  for (gsize i = strlen (magic); i < ACCMIG_FRAME_PRELUDE_SIZE - 1; i++)
    {
      /* As it is written, and no other way. */
      if (!g_ascii_isdigit (data[i]) && (data[i] < 'a' || data[i] > 'f'))
        return fail (error, ACCMIG_ERROR_INVALID, "the length of the header is no number");
      size = size * 16 + (gsize)g_ascii_xdigit_value ((char)data[i]);
    }
  if (data[ACCMIG_FRAME_PRELUDE_SIZE - 1] != '\n')
    return fail (error, ACCMIG_ERROR_INVALID, "the first line is too long");
  if (size == 0 || size > HEADER_MAX)
    return fail (error, ACCMIG_ERROR_LIMIT, "header: %zu bytes, must be 1 to %d", size, HEADER_MAX);
  sha256_update (&self->digest, ACCMIG_FRAME_PRELUDE_SIZE, data);
  expect (self, NEXT_HEADER, size);
  return TRUE;
}

static gboolean
take_header (AccmigFrameReader *self, const guint8 *data, GError **error)
{
  g_autoptr (JsonNode) root = strict_json_parse ((const char *)data, self->wanted, DEPTH_MAX, error);

  if (root == NULL)
    {
      g_prefix_error (error, "header: ");
      return FALSE;
    }
  if (!frame_header_read (&self->header, root, error))
    return FALSE;
  sha256_update (&self->digest, self->wanted, data);
  expect (self, NEXT_CHUNK_HEAD, ACCMIG_FRAME_HEAD_SIZE);
  return TRUE;
}

static gboolean
take_chunk_head (AccmigFrameReader *self, const guint8 *data, GError **error)
{
  guint32 size = get_u32 (data);

  if (size > ACCMIG_FRAME_CHUNK_MAX)
    return fail (error, ACCMIG_ERROR_LIMIT, "a chunk has %u bytes, at most %d are allowed", size,
                 ACCMIG_FRAME_CHUNK_MAX);
  if (size == 0)
    expect (self, NEXT_TRAILER, TOTAL_SIZE + DIGEST_SIZE);
  else
    expect (self, NEXT_CHUNK, size);
  return TRUE;
}

static gboolean
take_trailer (AccmigFrameReader *self, const guint8 *data, GError **error)
{
  guint8 digest[DIGEST_SIZE];
  guint64 bytes = get_u64 (data);

  if (bytes != self->bytes)
    return fail (error, ACCMIG_ERROR_INVALID,
                 "%" G_GUINT64_FORMAT " bytes have come, %" G_GUINT64_FORMAT " were sent", self->bytes,
                 bytes);
  sha256_digest (&self->digest, DIGEST_SIZE, digest);
  if (memcmp (digest, data + TOTAL_SIZE, DIGEST_SIZE) != 0)
    return fail (error, ACCMIG_ERROR_INVALID,
                 "of the %" G_GUINT64_FORMAT " bytes that have come some are not those that were sent",
                 bytes);
  expect (self, NEXT_NOTHING, 0);
  return TRUE;
}

/* @ret_piece: what @data was */
static gboolean
take (AccmigFrameReader *self, const guint8 *data, AccmigFramePiece *ret_piece, GError **error)
{
  switch (self->next)
    {
    case NEXT_PRELUDE:
      *ret_piece = ACCMIG_FRAME_MORE;
      return take_prelude (self, data, error);
    case NEXT_HEADER:
      *ret_piece = ACCMIG_FRAME_HEADER;
      return take_header (self, data, error);
    case NEXT_CHUNK_HEAD:
      *ret_piece = ACCMIG_FRAME_MORE;
      return take_chunk_head (self, data, error);
    case NEXT_CHUNK:
      *ret_piece = ACCMIG_FRAME_DATA;
      sha256_update (&self->digest, self->wanted, data);
      self->bytes += self->wanted;
      expect (self, NEXT_CHUNK_HEAD, ACCMIG_FRAME_HEAD_SIZE);
      return TRUE;
    case NEXT_TRAILER:
      *ret_piece = ACCMIG_FRAME_END;
      return take_trailer (self, data, error);
    case NEXT_NOTHING:
      return fail (error, ACCMIG_ERROR_INVALID, "nothing more was expected");
    }
  g_return_val_if_reached (FALSE);
}

gboolean
accmig_frame_reader_take (AccmigFrameReader *self, const guint8 *data, AccmigFramePiece *ret_piece,
                          GError **error)
{
  AccmigFramePiece piece = ACCMIG_FRAME_MORE;

  if (!take (self, data, &piece, error))
    {
      expect (self, NEXT_NOTHING, 0);
      return FALSE;
    }
  *ret_piece = piece;
  return TRUE;
}

gboolean
accmig_frame_reader_end (const AccmigFrameReader *self, gsize length, GError **error)
{
  static const char *const pieces[] = {
    [NEXT_PRELUDE] = "its first line",      [NEXT_HEADER] = "its header",
    [NEXT_CHUNK_HEAD] = "a chunk's length", [NEXT_CHUNK] = "a chunk",
    [NEXT_TRAILER] = "its checksum",
  };

  if (self->next == NEXT_NOTHING)
    return TRUE;
  return fail (error, ACCMIG_ERROR_TRUNCATED,
               "the stream ended after %" G_GUINT64_FORMAT " bytes of state, with %zu of the %zu bytes of %s",
               self->bytes, length, self->wanted, pieces[self->next]);
}

AccmigFrameHeader
accmig_frame_reader_get_header (const AccmigFrameReader *self)
{
  return (AccmigFrameHeader){ .uuid = self->header.uuid,
                              .name = self->header.name,
                              .flags = self->header.flags,
                              .profile = self->header.profile };
}

guint64
accmig_frame_reader_get_bytes (const AccmigFrameReader *self)
{
  return self->bytes;
}
