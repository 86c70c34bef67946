// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The stream of migsim, the driver of our test hosts
 *
 * Match data, a payload of the size it names, and a checksum over both. The payload's first word is the seed
 * from which the rest was made, which stands for the device's state. A payload can be large, so it goes
 * through the checksum piece by piece.
 */

#include "stream-private.h"

#include "error-private.h"

#define HEADER_SIZE  32
#define TRAILER_SIZE 8

#define OFFSET_FORMAT_VERSION 8
#define OFFSET_PAYLOAD_SIZE   24
#define SEED_SIZE             8
#define START_SIZE            (HEADER_SIZE + SEED_SIZE)
#define PIECE_SIZE            (16 * 1024)
#define MIN_PAYLOAD           176
#define MAX_PAYLOAD           (1024 * 1024 * 1024)

#define CRC32_POLYNOMIAL 0xedb88320u /* IEEE 802.3, lowest bit first */

/* clang-format off */
static const StreamLayout header[] = {
  { "magic",          0,                     8, 1, STREAM_HEX     },
  { "format_version", OFFSET_FORMAT_VERSION, 4, 1, STREAM_DECIMAL },
  { "device_id",      12,                    4, 1, STREAM_HEX     },
  { "capability",     16,                    4, 1, STREAM_HEX     },
  { "flags",          20,                    4, 1, STREAM_HEX     },
  { "payload_size",   OFFSET_PAYLOAD_SIZE,   8, 1, STREAM_DECIMAL },
};
/* clang-format on */

typedef struct
{
  guint32 table[256];
  guint32 value;
} Crc;

static void
crc_init (Crc *crc)
{
  crc->value = G_MAXUINT32;
  for (guint32 byte = 0; byte < 256; byte++)
    {
      guint32 rest = byte;

      for (guint bit = 0; bit < 8; bit++)
        rest = (rest >> 1) ^ ((rest & 1) != 0 ? CRC32_POLYNOMIAL : 0);
      crc->table[byte] = rest;
    }
}

static void
crc_add (Crc *crc, const guint8 *data, gsize length)
{
  for (gsize i = 0; i < length; i++)
    crc->value = (crc->value >> 8) ^ crc->table[(crc->value ^ data[i]) & 0xff];
}

/* @start: of the stream, as far as it goes */
static gboolean
read_payload_size (StreamBytes start, guint64 *ret_size, GError **error)
{
  guint64 size;

  if (start.length < HEADER_SIZE)
    return stream_check_length ("migsim", start.length, start.goes_on, HEADER_SIZE, error);
  size = stream_get_word (start, OFFSET_PAYLOAD_SIZE, 8);
  if (size < MIN_PAYLOAD || size > MAX_PAYLOAD)
    return fail (error, ACCMIG_ERROR_INVALID,
                 "the migsim stream has a payload of %" G_GUINT64_FORMAT " bytes, allowed are %d to %d", size,
                 MIN_PAYLOAD, MAX_PAYLOAD);
  *ret_size = size;
  return TRUE;
}

/* Up to where the trailer begins, or the stream ends. */
static gboolean
add_payload (StreamInput *input, guint64 end, Crc *crc, GError **error)
{
  guint8 piece[PIECE_SIZE];
  gsize n;

  do
    {
      if (!stream_input_read (input, piece, MIN (end - input->taken, PIECE_SIZE), &n, error))
        return FALSE;
      crc_add (crc, piece, n);
  } while (n > 0);
  return TRUE;
}

static gboolean
check_crc (const Crc *crc, StreamBytes trailer, GError **error)
{
  guint32 stored = (guint32)stream_get_word (trailer, 0, 4);

  if (stored == ~crc->value)
    return TRUE;
  return fail (error, ACCMIG_ERROR_INVALID,
               "the migsim stream was changed: its checksum is 0x%08x, that of its bytes is 0x%08x", stored,
               ~crc->value);
}

gboolean
stream_decode_migsim (AccmigStreamInfo *info, StreamInput *input, GError **error)
{
  guint8 start_bytes[START_SIZE], trailer_bytes[TRAILER_SIZE];
  StreamBytes start, trailer;
  guint64 payload_size = 0, end;
  Crc crc;

  crc_init (&crc);
  if (!stream_take (input, start_bytes, sizeof start_bytes, &start, error)
      || !read_payload_size (start, &payload_size, error))
    return FALSE;
  end = HEADER_SIZE + payload_size;
  crc_add (&crc, start.data, start.length);
  if (!add_payload (input, end, &crc, error)
      || !stream_take (input, trailer_bytes, sizeof trailer_bytes, &trailer, error)
      || !stream_check_length ("migsim", input->taken, trailer.goes_on, end + TRAILER_SIZE, error)
      || !check_crc (&crc, trailer, error))
    return FALSE;
  stream_info_add_layout (info, start, header, G_N_ELEMENTS (header));
  stream_info_add_field (info, "payload", HEADER_SIZE, payload_size, "seed 0x%" G_GINT64_MODIFIER "x",
                         stream_get_word (start, HEADER_SIZE, SEED_SIZE));
  stream_info_add_field (info, "crc", end, 4, "0x%08x", (guint)stream_get_word (trailer, 0, 4));
  stream_info_add_field (info, "pad", end + 4, 4, "0x%x", (guint)stream_get_word (trailer, 4, 4));
  stream_info_set_summary (info, "whole state of %" G_GUINT64_FORMAT " bytes, checksum right", payload_size);
  return TRUE;
}
