// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The stream of migsim, the driver of our test hosts
 *
 * Match data, a payload of the size it names, and a checksum over both. The payload's first word is the seed
 * from which the rest was made, which stands for the device's state.
 */

#include "stream-private.h"

#include "error-private.h"

#define HEADER_SIZE  32
#define TRAILER_SIZE 8

#define OFFSET_FORMAT_VERSION 8
#define OFFSET_PAYLOAD_SIZE   24
#define SEED_SIZE             8
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

static void
fill_crc_table (guint32 table[256])
{
  for (guint32 byte = 0; byte < 256; byte++)
    {
      guint32 rest = byte;

      for (guint bit = 0; bit < 8; bit++)
        rest = (rest >> 1) ^ ((rest & 1) != 0 ? CRC32_POLYNOMIAL : 0);
      table[byte] = rest;
    }
}

static guint32
crc32_of (const guint8 *data, gsize length)
{
  guint32 table[256];
  guint32 crc = G_MAXUINT32;

  fill_crc_table (table);
  for (gsize i = 0; i < length; i++)
    crc = (crc >> 8) ^ table[(crc ^ data[i]) & 0xff];
  return ~crc;
}

static gboolean
check_size (StreamBytes stream, guint64 *ret_payload_size, GError **error)
{
  guint64 size;

  if (stream.length < HEADER_SIZE && !stream_check_length (stream, "migsim", HEADER_SIZE, error))
    return FALSE;
  size = stream_get_word (stream, OFFSET_PAYLOAD_SIZE, 8);
  if (size < MIN_PAYLOAD || size > MAX_PAYLOAD)
    return fail (error, ACCMIG_ERROR_INVALID,
                 "the migsim stream has a payload of %" G_GUINT64_FORMAT " bytes, allowed are %d to %d", size,
                 MIN_PAYLOAD, MAX_PAYLOAD);
  *ret_payload_size = size;
  return stream_check_length (stream, "migsim", HEADER_SIZE + size + TRAILER_SIZE, error);
}

static gboolean
check_crc (StreamBytes stream, gsize covered, GError **error)
{
  guint32 stored = (guint32)stream_get_word (stream, covered, 4);
  guint32 computed = crc32_of (stream.data, covered);

  if (stored == computed)
    return TRUE;
  return fail (error, ACCMIG_ERROR_INVALID,
               "the migsim stream was changed: its checksum is 0x%08x, that of its bytes is 0x%08x", stored,
               computed);
}

gboolean
stream_decode_migsim (AccmigStreamInfo *info, StreamBytes stream, GError **error)
{
  guint64 payload_size = 0, trailer;

  if (!check_size (stream, &payload_size, error))
    return FALSE;
  trailer = HEADER_SIZE + payload_size;
  if (!check_crc (stream, (gsize)trailer, error))
    return FALSE;
  stream_info_add_layout (info, stream, header, G_N_ELEMENTS (header));
  stream_info_add_field (info, "payload", HEADER_SIZE, payload_size, "seed 0x%" G_GINT64_MODIFIER "x",
                         stream_get_word (stream, HEADER_SIZE, SEED_SIZE));
  stream_info_add_field (info, "crc", trailer, 4, "0x%08x",
                         (guint)stream_get_word (stream, (gsize)trailer, 4));
  stream_info_add_field (info, "pad", trailer + 4, 4, "0x%x",
                         (guint)stream_get_word (stream, (gsize)trailer + 4, 4));
  stream_info_set_summary (info, "whole state of %" G_GUINT64_FORMAT " bytes, checksum right", payload_size);
  return TRUE;
}
