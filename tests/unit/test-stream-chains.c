// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Looking into saved states that are made of parts: sections, records, packets
 *
 * Each says how long it is itself, so each may lie.
 */

#include <accmig/stream.h>
#include <string.h>

#include "stream-assert.h"

/* ---- qat ---- */

#define QAT_SIZE 4096

/* Returns: where the next section begins */
static gsize
put_section (guint8 *stream, gsize at, const char *id, gsize size, guint n_sub_sections)
{
  memcpy (stream + at, id, strlen (id));
  stream_put (stream, at + 8, 4, size);
  stream_put (stream, at + 12, 4, n_sub_sections);
  return at + 16;
}

/* A setup section as the driver makes it, and one whose content is its own. */
static void
make_qat (guint8 stream[QAT_SIZE])
{
  gsize at = 16;

  memset (stream, 0, QAT_SIZE);
  stream_put (stream, 0, 4, 0xadf5caea);
  stream_put (stream, 4, 4, 1);
  stream_put (stream, 8, 2, 16);
  stream_put (stream, 10, 2, 2);
  at = put_section (stream, at, "CONFIG", 16 + 4 + 16 + 2, 2);
  at = put_section (stream, at, "gencap", 4, 0);
  stream_put (stream, at, 4, 0x1234);
  at = put_section (stream, at + 4, "svcmap", 2, 0);
  stream_put (stream, at, 2, 0x5678);
  at = put_section (stream, at + 2, "MISCBAR", 100, 0);
  stream_put (stream, 12, 4, at + 100 - 16);
}

static void
test_qat (void)
{
  static const StreamWanted rows[] = {
    { "magic", 0, 4, "0xadf5caea" },
    { "version", 4, 4, "1" },
    { "n_sects", 10, 2, "2" },
    { "size", 12, 4, "170" },
    { "CONFIG.id", 16, 8, "CONFIG" },
    { "CONFIG.sub_sects", 28, 4, "2" },
    { "CONFIG.gencap.state", 48, 4, "0x1234" },
    { "CONFIG.svcmap.state", 68, 2, "0x5678" },
    { "MISCBAR.state", 86, 100, "100 bytes, not decoded" },
    { "unused", 186, QAT_SIZE - 186, "3910 bytes" },
  };
  guint8 stream[QAT_SIZE];
  g_autoptr (AccmigStreamInfo) info = NULL;

  make_qat (stream);
  info = accmig_stream_inspect_bytes (stream, sizeof stream, NULL);
  g_assert_nonnull (info);
  g_assert_cmpstr (accmig_stream_info_get_family (info), ==, "qat");
  g_assert_cmpstr (accmig_stream_info_get_summary (info), ==, "2 sections in 186 bytes");
  stream_assert_fields (info, rows, G_N_ELEMENTS (rows));
  stream_assert_covered (info);
}

static void
test_qat_broken (void)
{
  static const struct
  {
    gsize at, width;
    guint64 value;
    const char *words;
  } rows[] = {
    { 4, 4, 2, "has version 2, known is 1" },
    { 8, 2, 24, "has a preamble of 24 bytes, wanted are 16" },
    { 12, 4, QAT_SIZE, "has sections of 4096 bytes, there is room for 4080" },
    { 12, 4, 169, "section MISCBAR has 100 bytes, there are 99 left" },
    { 12, 4, 171, "sections end at byte 186, wanted is 187" },
    { 10, 2, 3, "has a section at byte 186, where 0 bytes are left for its head of 16" },
    { 24, 4, G_MAXUINT32, "section CONFIG has 4294967295 bytes" },
    { 28, 4, G_MAXUINT32, "has a section at byte 70, where 0 bytes are left" },
    { 16, 1, 0x1b, "has a section without a name at byte 16" },
    { 16, 1, 0, "has a section without a name at byte 16" },
    { 40, 4, 200, "section gencap has 200 bytes" },
  };
  guint8 stream[QAT_SIZE + 1] = { 0 };

  make_qat (stream);
  stream_assert_refused (stream, sizeof stream, ACCMIG_ERROR_INVALID, "has more than 4096 bytes");
  stream_assert_refused (stream, QAT_SIZE - 1, ACCMIG_ERROR_TRUNCATED, "has 4095 bytes, wanted are 4096");
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      make_qat (stream);
      stream_put (stream, rows[i].at, rows[i].width, rows[i].value);
      stream_assert_refused (stream, QAT_SIZE, ACCMIG_ERROR_INVALID, rows[i].words);
    }
}

/* Sections in sections to the end of the stream: neither the stack nor the fields may grow with them. */
static void
test_qat_deep (void)
{
  guint8 stream[QAT_SIZE];
  gsize at = 16;

  make_qat (stream);
  stream_put (stream, 10, 2, 1);
  stream_put (stream, 12, 4, QAT_SIZE - 16);
  while (at + 16 <= QAT_SIZE)
    at = put_section (stream, at, "deep", QAT_SIZE - at - 16, 1);
  stream_assert_refused (stream, QAT_SIZE, ACCMIG_ERROR_INVALID, "too deep to be the driver's");
}

/* ---- mlx5, virtio ---- */

static gsize
put_record (guint8 *stream, gsize at, guint64 size, guint flags, guint tag)
{
  stream_put (stream, at, 8, size);
  stream_put (stream, at + 8, 4, flags);
  stream_put (stream, at + 12, 4, tag);
  return at + 16;
}

/* What mlx5 sends: how much will come, an image, something that only a later driver knows, an image. */
#define MLX5_SIZE (16 + 8 + 16 + 100 + 16 + 3 + 16 + 50)

static void
make_mlx5 (guint8 stream[MLX5_SIZE])
{
  gsize at = 0;

  memset (stream, 0xee, MLX5_SIZE);
  at = put_record (stream, at, 8, 1, 1);
  stream_put (stream, at, 8, 0x100000);
  at = put_record (stream, at + 8, 100, 0, 0);
  at = put_record (stream, at + 100, 3, 1, 9);
  at = put_record (stream, at + 3, 50, 0, 0);
}

static void
test_mlx5 (void)
{
  static const StreamWanted rows[] = {
    { "record0.record_size", 0, 8, "8" },
    { "record0.flags", 8, 4, "0x1" },
    { "record0.tag", 12, 4, "1" },
    { "record0.stop_copy_size", 16, 8, "1048576" },
    { "record1.data", 40, 100, "the device's own" },
    { "record2.data", 156, 3, "not known, and passed over" },
    { "record3.record_size", 159, 8, "50" },
  };
  guint8 stream[MLX5_SIZE];
  g_autoptr (AccmigStreamInfo) info = NULL;

  make_mlx5 (stream);
  info = accmig_stream_inspect_bytes (stream, sizeof stream, NULL);
  g_assert_nonnull (info);
  g_assert_cmpstr (accmig_stream_info_get_family (info), ==, "mlx5");
  g_assert_null (accmig_stream_info_get_families (info)[1]);
  g_assert_nonnull (strstr (accmig_stream_info_get_summary (info), "4 records with 150 bytes"));
  stream_assert_fields (info, rows, G_N_ELEMENTS (rows));
  stream_assert_covered (info);
}

/* One record looks the same for both. */
static void
test_virtio (void)
{
  guint8 stream[16 + 10] = { 0 };
  g_autoptr (AccmigStreamInfo) info = NULL;

  put_record (stream, 0, 10, 0, 0);
  info = accmig_stream_inspect_bytes (stream, sizeof stream, NULL);
  g_assert_nonnull (info);
  g_assert_cmpstr (accmig_stream_info_get_families (info)[0], ==, "virtio");
  g_assert_cmpstr (accmig_stream_info_get_families (info)[1], ==, "mlx5");
  g_assert_null (accmig_stream_info_get_families (info)[2]);
  stream_assert_covered (info);
}

/* A stream may end behind any record, and nowhere else. */
static void
test_records_lengths (void)
{
  static const gsize ends[] = { 24, 140, 159, MLX5_SIZE };
  guint8 stream[MLX5_SIZE + 1] = { 0 };

  make_mlx5 (stream);
  for (gsize length = 16, i = 0; length <= MLX5_SIZE; length++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (AccmigStreamInfo) info = accmig_stream_inspect_bytes (stream, length, &error);
      gboolean whole = length == ends[i];

      g_assert_cmpint (info != NULL, ==, whole);
      if (!whole)
        g_assert_error (error, ACCMIG_ERROR, ACCMIG_ERROR_TRUNCATED);
      i += whole ? 1 : 0;
    }
  stream_assert_refused (stream, sizeof stream, ACCMIG_ERROR_TRUNCATED,
                         "in the head of record 4, after 1 of its 16");
}

static void
test_records_broken (void)
{
  guint8 stream[MLX5_SIZE];

  make_mlx5 (stream);
  put_record (stream, 140, 3, 0, 9);
  stream_assert_refused (stream, sizeof stream, ACCMIG_ERROR_INVALID, "record 2 of the stream has tag 9");
  make_mlx5 (stream);
  put_record (stream, 140, 3, 1, 1);
  stream_assert_refused (stream, sizeof stream, ACCMIG_ERROR_INVALID,
                         "tells its length in 3 bytes, wanted are 8");
  make_mlx5 (stream);
  put_record (stream, 159, G_MAXUINT64, 0, 0);
  stream_assert_refused (
      stream, sizeof stream, ACCMIG_ERROR_INVALID,
      "record 3 of the stream has 18446744073709551615 bytes, allowed are 1 to 4294967295");
  put_record (stream, 159, 0, 0, 0);
  stream_assert_refused (stream, sizeof stream, ACCMIG_ERROR_INVALID, "record 3 of the stream has 0 bytes");
  put_record (stream, 159, G_MAXUINT32, 0, 0);
  stream_assert_refused (stream, sizeof stream, ACCMIG_ERROR_TRUNCATED,
                         "ends in record 3, after 50 of its 4294967295");
  /* What is no first record is nobody's. */
  put_record (stream, 0, 0, 0, 0);
  stream_assert_refused (stream, sizeof stream, ACCMIG_ERROR_INVALID, "no magic of a known family");
  put_record (stream, 0, 9, 1, 1);
  stream_assert_refused (stream, sizeof stream, ACCMIG_ERROR_INVALID, "no magic of a known family");
  put_record (stream, 0, 8, 2, 1);
  stream_assert_refused (stream, sizeof stream, ACCMIG_ERROR_INVALID, "no magic of a known family");
}

/* Records without end take no fields without end. */
static void
test_records_many (void)
{
  enum
  {
    N = 10000,
    SIZE = 17
  };
  g_autofree guint8 *stream = g_malloc0 (N * SIZE);
  g_autoptr (AccmigStreamInfo) info = NULL;
  const AccmigStreamField *more;

  for (gsize i = 0; i < N; i++)
    put_record (stream, i * SIZE, 1, 0, 0);
  info = accmig_stream_inspect_bytes (stream, N * SIZE, NULL);
  g_assert_nonnull (info);
  g_assert_cmpuint (accmig_stream_info_get_n_fields (info), ==, 4 * 256 + 1);
  more = stream_find_field (info, "more");
  g_assert_cmpstr (more->value, ==, "9744 more records");
  stream_assert_covered (info);
}

/* ---- xe ---- */

static gsize
put_packet (guint8 *stream, gsize at, guint type, guint64 size)
{
  stream[at] = 1;
  stream[at + 1] = (guint8)type;
  stream_put (stream, at + 16, 8, size);
  return at + 24;
}

#define XE_SIZE (24 + 16 + 24 + 70 + 24)

static void
make_xe (guint8 stream[XE_SIZE])
{
  gsize at;

  memset (stream, 0, XE_SIZE);
  at = put_packet (stream, 0, 1, 16);
  stream_put (stream, at, 4, 0xf0010001);
  stream_put (stream, at + 4, 4, 0xe20b);
  stream_put (stream, at + 8, 4, 0xf0020001);
  stream_put (stream, at + 12, 4, 3);
  at = put_packet (stream, at + 16, 5, 70);
  put_packet (stream, at + 70, 2, 0);
}

static void
test_xe (void)
{
  static const StreamWanted rows[] = {
    { "packet0.version", 0, 1, "1" },         { "packet0.type", 1, 1, "1" },
    { "packet0.size", 16, 8, "16" },          { "packet0.device_id.head", 24, 4, "key 0xf001, 1 word" },
    { "packet0.device_id", 28, 4, "0xe20b" }, { "packet0.revision_id", 36, 4, "0x3" },
    { "packet1.type", 41, 1, "5" },           { "packet1.data", 64, 70, "state of the firmware GuC" },
    { "packet2.type", 135, 1, "2" },
  };
  guint8 stream[XE_SIZE];
  g_autoptr (AccmigStreamInfo) info = NULL;

  make_xe (stream);
  info = accmig_stream_inspect_bytes (stream, sizeof stream, NULL);
  g_assert_nonnull (info);
  g_assert_cmpstr (accmig_stream_info_get_family (info), ==, "xe");
  g_assert_cmpstr (accmig_stream_info_get_summary (info), ==,
                   "whole state: 3 packets with 70 bytes of the device's own");
  stream_assert_fields (info, rows, G_N_ELEMENTS (rows));
  stream_assert_covered (info);
}

static void
test_xe_broken (void)
{
  static const struct
  {
    gsize at, width;
    guint64 value;
    const char *words;
  } rows[] = {
    { 40, 1, 2, "packet1 of the xe stream has version 2, known is 1" },
    { 41, 1, 7, "packet1 of the xe stream has type 7, known are 1 to 6" },
    { 41, 1, 0, "type 0, known are 1 to 6" },
    { 41, 1, 2, "the trailer of the xe stream has 70 bytes of content" },
    { 16, 8, 18, "a descriptor of 18 bytes, wanted are whole words" },
    { 16, 8, 4100, "at most 4096 bytes" },
    { 24, 4, 0xf0010004, "a value of 20 bytes where only 16 are left" },
    { 32, 4, 0xf0020002, "a value of 12 bytes where only 8 are left" },
  };
  guint8 stream[XE_SIZE + 1] = { 0 };

  make_xe (stream);
  stream_assert_refused (stream, sizeof stream, ACCMIG_ERROR_INVALID, "goes on after its trailer");
  for (gsize length = 8; length < XE_SIZE; length++)
    stream_assert_refused (stream, length, ACCMIG_ERROR_TRUNCATED, "the xe stream ends");
  stream_assert_refused (stream, XE_SIZE - 24, ACCMIG_ERROR_TRUNCATED, "after 2 packets without a trailer");
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      make_xe (stream);
      stream_put (stream, rows[i].at, rows[i].width, rows[i].value);
      stream_assert_refused (stream, XE_SIZE, ACCMIG_ERROR_INVALID, rows[i].words);
    }
}

/* A key that nobody knows, and words that are none. */
static void
test_xe_keys (void)
{
  guint8 stream[XE_SIZE];
  g_autoptr (AccmigStreamInfo) info = NULL;

  make_xe (stream);
  stream_put (stream, 24, 4, 0xf0070000);
  stream_put (stream, 28, 4, 0xf0080002);
  info = accmig_stream_inspect_bytes (stream, sizeof stream, NULL);
  g_assert_nonnull (info);
  g_assert_cmpstr (stream_find_field (info, "packet0.key_0xf007.head")->value, ==, "key 0xf007, 0 words");
  g_assert_cmpstr (stream_find_field (info, "packet0.key_0xf008")->value, ==, "2 words, not decoded");
  stream_assert_covered (info);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/stream/qat/whole", test_qat);
  g_test_add_func ("/stream/qat/broken", test_qat_broken);
  g_test_add_func ("/stream/qat/deep", test_qat_deep);
  g_test_add_func ("/stream/records/mlx5", test_mlx5);
  g_test_add_func ("/stream/records/virtio", test_virtio);
  g_test_add_func ("/stream/records/lengths", test_records_lengths);
  g_test_add_func ("/stream/records/broken", test_records_broken);
  g_test_add_func ("/stream/records/many", test_records_many);
  g_test_add_func ("/stream/xe/whole", test_xe);
  g_test_add_func ("/stream/xe/broken", test_xe_broken);
  g_test_add_func ("/stream/xe/keys", test_xe_keys);
  return g_test_run ();
}
