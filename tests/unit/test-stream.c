// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Looking into saved states: streams made here byte by byte, then shortened, lengthened and flipped
 */

#include <accmig/stream.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "fd-private.h"
#include "stream-assert.h"

#define HISI_MATCH 40
#define HISI_FULL  176
#define MTTY_ONE   60
#define MTTY_TWO   96

#define MIGSIM_HEADER  32
#define MIGSIM_PAYLOAD 200
#define MIGSIM_SIZE    (MIGSIM_HEADER + MIGSIM_PAYLOAD + 8)
/* CRC-32 of the header and payload made below, worked out with another program (Python's zlib.crc32). */
#define MIGSIM_CRC 0x6d2390d7u

#define HISI_MAGIC_OLD G_GUINT64_CONSTANT (0xcdcdcdcdfeedaacc)
#define HISI_MAGIC_NEW G_GUINT64_CONSTANT (0xaaccfeeddecadede)

static void
make_hisi (guint8 stream[HISI_FULL], guint64 magic)
{
  memset (stream, 0, HISI_FULL);
  stream_put (stream, 0, 8, magic);
  stream_put (stream, 8, 4, 8);
  stream_put (stream, 12, 4, 0xa256);
  stream_put (stream, 16, 4, 0x11);
  stream_put (stream, 20, 4, 40);
  stream_put (stream, 28, 2, magic == HISI_MAGIC_NEW ? 1 : 0);
  stream_put (stream, 60, 4, 0x1000);
  for (gsize i = 0; i < 7; i++)
    stream_put (stream, 64 + 4 * i, 4, 0x100 + i);
  for (gsize i = 0; i < 4; i++)
    stream_put (stream, 144 + 8 * i, 8, 0x100001000 + 0x1000 * i);
}

static void
make_mtty (guint8 stream[MTTY_TWO], guint ports)
{
  memset (stream, 0, MTTY_TWO);
  stream_put (stream, 0, 8, G_GUINT64_CONSTANT (0x7e9d09898c3e2c4e));
  stream_put (stream, 8, 4, 1);
  stream_put (stream, 16, 4, ports);
  stream[24] = 0xab;
}

static void
make_migsim (guint8 stream[MIGSIM_SIZE])
{
  memset (stream, 0, MIGSIM_SIZE);
  memcpy (stream, "MIGSIM\0\1", 8);
  stream_put (stream, 8, 4, 3);
  stream_put (stream, 12, 4, 0x808610ca);
  stream_put (stream, 16, 4, 0xf);
  stream_put (stream, 24, 8, MIGSIM_PAYLOAD);
  stream_put (stream, 32, 8, G_GUINT64_CONSTANT (0x1122334455667788));
  for (gsize i = 40; i < MIGSIM_HEADER + MIGSIM_PAYLOAD; i++)
    stream[i] = (guint8)i;
  stream_put (stream, MIGSIM_HEADER + MIGSIM_PAYLOAD, 4, MIGSIM_CRC);
}

static void
test_hisi_full (void)
{
  static const StreamWanted rows[] = {
    { "acc_magic", 0, 8, "0xaaccfeeddecadede" },
    { "qp_num", 8, 4, "8" },
    { "dev_id", 12, 4, "0xa256" },
    { "que_iso_cfg", 16, 4, "0x11" },
    { "qp_base", 20, 4, "40" },
    { "vf_qm_state", 24, 4, "0" },
    { "major_ver", 28, 2, "1" },
    { "minor_ver", 30, 2, "0" },
    { "qm_rsv_state", 32, 8, "0x0 0x0" },
    { "page_size", 60, 4, "0x1000" },
    { "qm_eqc_dw", 64, 28, "0x100 0x101 0x102 0x103 0x104 0x105 0x106" },
    { "eqe_dma", 144, 8, "0x100001000" },
    { "cqc_dma", 168, 8, "0x100004000" },
  };
  guint8 stream[HISI_FULL];
  g_autoptr (AccmigStreamInfo) info = NULL;

  make_hisi (stream, HISI_MAGIC_NEW);
  info = accmig_stream_inspect_bytes (stream, HISI_FULL, NULL);
  g_assert_nonnull (info);
  g_assert_cmpstr (accmig_stream_info_get_family (info), ==, "hisi_acc");
  g_assert_cmpstr (accmig_stream_info_get_summary (info), ==, "whole state: the guest's driver was ready");
  stream_assert_fields (info, rows, G_N_ELEMENTS (rows));
  stream_assert_covered (info);
}

static void
test_hisi_match_only (void)
{
  guint8 stream[HISI_FULL];
  g_autoptr (AccmigStreamInfo) info = NULL;

  make_hisi (stream, HISI_MAGIC_NEW);
  info = accmig_stream_inspect_bytes (stream, HISI_MATCH, NULL);
  g_assert_nonnull (info);
  g_assert_cmpstr (accmig_stream_info_get_summary (info), ==,
                   "match data only: the guest's driver was not ready");
  stream_assert_covered (info);
  g_assert_null (stream_find_field (info, "eqe_dma"));
}

static void
test_hisi_first_format (void)
{
  guint8 stream[HISI_FULL];
  g_autoptr (AccmigStreamInfo) info = NULL;

  make_hisi (stream, HISI_MAGIC_OLD);
  info = accmig_stream_inspect_bytes (stream, HISI_FULL, NULL);
  g_assert_nonnull (info);
  g_assert_nonnull (strstr (accmig_stream_info_get_summary (info), "first format"));
  g_assert_null (stream_find_field (info, "major_ver"));
  g_assert_cmpuint (stream_find_field (info, "qm_rsv_state")->size, ==, 12);
  stream_assert_covered (info);
}

static void
test_hisi_summaries (void)
{
  guint8 stream[HISI_FULL];
  g_autoptr (AccmigStreamInfo) not_ready = NULL, null_address = NULL;

  make_hisi (stream, HISI_MAGIC_NEW);
  stream_put (stream, 24, 4, 1);
  not_ready = accmig_stream_inspect_bytes (stream, HISI_FULL, NULL);
  g_assert_cmpstr (accmig_stream_info_get_summary (not_ready), ==, "whole state, marked as not ready");
  make_hisi (stream, HISI_MAGIC_NEW);
  stream_put (stream, 160, 8, 0);
  null_address = accmig_stream_inspect_bytes (stream, HISI_FULL, NULL);
  g_assert_nonnull (strstr (accmig_stream_info_get_summary (null_address), "queue address of 0"));
}

static void
test_hisi_lengths (void)
{
  guint8 stream[HISI_FULL + 1] = { 0 };

  make_hisi (stream, HISI_MAGIC_NEW);
  for (gsize length = 8; length <= sizeof stream; length++)
    {
      AccmigError code = length < HISI_FULL ? ACCMIG_ERROR_TRUNCATED : ACCMIG_ERROR_INVALID;
      g_autoptr (GError) error = NULL;
      g_autoptr (AccmigStreamInfo) info = accmig_stream_inspect_bytes (stream, length, &error);

      g_assert_cmpint (info != NULL, ==, length == HISI_MATCH || length == HISI_FULL);
      if (info == NULL)
        g_assert_error (error, ACCMIG_ERROR, (int)code);
    }
  stream_assert_refused (stream, 100, ACCMIG_ERROR_TRUNCATED,
                         "has 100 bytes, wanted are 40 (match data only) or 176");
  stream_assert_refused (stream, sizeof stream, ACCMIG_ERROR_INVALID, "has more than 176 bytes");
  stream_put (stream, 28, 2, 2);
  stream_assert_refused (stream, HISI_FULL, ACCMIG_ERROR_INVALID, "major version 2, known is 1");
}

static void
test_mtty (void)
{
  static const StreamWanted rows[] = {
    { "magic", 0, 8, "0x7e9d09898c3e2c4e" },
    { "major_ver", 8, 4, "1" },
    { "nr_ports", 16, 4, "2" },
    { "port0.uart_reg", 24, 8, "0xab 0x0 0x0 0x0 0x0 0x0 0x0 0x0" },
    { "port0.fifo", 32, 16, "0x0 0x0 0x41 0x0 0x0 0x0 0x0 0x0 0x0 0x0 0x0 0x0 0x0 0x0 0x0 0x0" },
    { "port0.count", 50, 1, "1" },
    { "port0.divisor", 54, 2, "12" },
    { "port1.max_fifo_size", 93, 1, "16" },
  };
  guint8 stream[MTTY_TWO];
  g_autoptr (AccmigStreamInfo) two = NULL, one = NULL;

  make_mtty (stream, 2);
  stream[34] = 'A';
  stream[50] = 1;
  stream_put (stream, 54, 2, 12);
  stream[93] = 16;
  two = accmig_stream_inspect_bytes (stream, MTTY_TWO, NULL);
  g_assert_nonnull (two);
  g_assert_cmpstr (accmig_stream_info_get_summary (two), ==, "whole state of 2 ports");
  stream_assert_fields (two, rows, G_N_ELEMENTS (rows));
  stream_assert_covered (two);
  make_mtty (stream, 1);
  one = accmig_stream_inspect_bytes (stream, MTTY_ONE, NULL);
  g_assert_nonnull (one);
  stream_assert_covered (one);
}

static void
test_mtty_broken (void)
{
  static const guint ports[] = { 0, 3, G_MAXUINT };
  guint8 stream[MTTY_TWO];

  make_mtty (stream, 2);
  stream_assert_refused (stream, 20, ACCMIG_ERROR_TRUNCATED, "has 20 bytes, wanted are 24");
  stream_assert_refused (stream, MTTY_ONE, ACCMIG_ERROR_TRUNCATED, "has 60 bytes, wanted are 96");
  make_mtty (stream, 1);
  stream_assert_refused (stream, MTTY_TWO, ACCMIG_ERROR_INVALID, "has 96 bytes, wanted are 60");
  for (gsize i = 0; i < G_N_ELEMENTS (ports); i++)
    {
      make_mtty (stream, ports[i]);
      stream_assert_refused (stream, MTTY_TWO, ACCMIG_ERROR_INVALID, "ports, an mtty has 1 to 2");
    }
  make_mtty (stream, 2);
  stream_put (stream, 8, 4, 7);
  stream_assert_refused (stream, MTTY_TWO, ACCMIG_ERROR_INVALID, "major version 7, known is 1");
}

static void
test_migsim (void)
{
  static const StreamWanted rows[] = {
    { "magic", 0, 8, "0x1004d495347494d" },
    { "format_version", 8, 4, "3" },
    { "device_id", 12, 4, "0x808610ca" },
    { "capability", 16, 4, "0xf" },
    { "flags", 20, 4, "0x0" },
    { "payload_size", 24, 8, "200" },
    { "payload", 32, 200, "seed 0x1122334455667788" },
    { "pad", 236, 4, "0x0" },
  };
  guint8 stream[MIGSIM_SIZE];
  g_autoptr (AccmigStreamInfo) info = NULL;

  make_migsim (stream);
  info = accmig_stream_inspect_bytes (stream, sizeof stream, NULL);
  g_assert_nonnull (info);
  g_assert_cmpstr (accmig_stream_info_get_family (info), ==, "migsim");
  stream_assert_fields (info, rows, G_N_ELEMENTS (rows));
  stream_assert_covered (info);
}

/* No byte but those of the padding may change. */
static void
test_migsim_every_flip (void)
{
  guint8 stream[MIGSIM_SIZE];

  for (gsize i = 0; i < MIGSIM_SIZE - 4; i++)
    {
      g_autoptr (GError) error = NULL;

      make_migsim (stream);
      stream[i] ^= 0x10;
      g_assert_null (accmig_stream_inspect_bytes (stream, sizeof stream, &error));
      g_assert_nonnull (error);
    }
  make_migsim (stream);
  stream[100] ^= 1;
  stream_assert_refused (stream, sizeof stream, ACCMIG_ERROR_INVALID, "was changed: its checksum is");
}

static void
test_migsim_lengths (void)
{
  guint8 stream[MIGSIM_SIZE + 1] = { 0 };

  make_migsim (stream);
  for (gsize length = 8; length < MIGSIM_SIZE; length++)
    stream_assert_refused (stream, length, ACCMIG_ERROR_TRUNCATED, "wanted are");
  stream_assert_refused (stream, sizeof stream, ACCMIG_ERROR_INVALID,
                         "has more than 240 bytes, wanted are 240");
  stream_put (stream, 24, 8, G_MAXUINT64);
  stream_assert_refused (stream, MIGSIM_SIZE, ACCMIG_ERROR_INVALID, "allowed are 176 to 1073741824");
  stream_put (stream, 24, 8, 175);
  stream_assert_refused (stream, MIGSIM_SIZE, ACCMIG_ERROR_INVALID, "payload of 175 bytes");
}

static void
test_unknown (void)
{
  guint8 noise[64];

  memset (noise, 0xff, sizeof noise);
  stream_assert_refused (noise, sizeof noise, ACCMIG_ERROR_INVALID,
                         "the stream begins with 0xffffffffffffffff, which is no magic of a known family");
  for (gsize length = 0; length < 8; length++)
    stream_assert_refused (noise, length, ACCMIG_ERROR_TRUNCATED, "told by the first 8");
  stream_assert_refused (NULL, 0, ACCMIG_ERROR_TRUNCATED, "has 0 bytes");
}

static int
make_file (const guint8 *data, gsize length)
{
  int fd = memfd_create ("stream", MFD_CLOEXEC);

  g_assert_cmpint (write (fd, data, length), ==, length);
  g_assert_cmpint (lseek (fd, 0, SEEK_SET), ==, 0);
  return fd;
}

static void
test_fd (void)
{
  guint8 stream[HISI_FULL];
  g_auto (AutoFd) whole = -1;
  g_auto (AutoFd) empty = -1;
  g_autoptr (GError) on_empty = NULL, on_bad = NULL;
  g_autoptr (AccmigStreamInfo) info = NULL;

  make_hisi (stream, HISI_MAGIC_NEW);
  whole = make_file (stream, sizeof stream);
  empty = make_file (NULL, 0);
  info = accmig_stream_inspect (whole, NULL);
  g_assert_nonnull (info);
  g_assert_cmpuint (accmig_stream_info_get_length (info), ==, HISI_FULL);
  g_assert_null (accmig_stream_inspect (empty, &on_empty));
  g_assert_error (on_empty, ACCMIG_ERROR, ACCMIG_ERROR_TRUNCATED);
  g_assert_null (accmig_stream_inspect (-1, &on_bad));
  g_assert_error (on_bad, ACCMIG_ERROR, ACCMIG_ERROR_IO);
}

static gpointer
write_byte_by_byte (gpointer data)
{
  int fd = GPOINTER_TO_INT (data);
  guint8 stream[MIGSIM_SIZE];

  make_migsim (stream);
  for (gsize i = 0; i < sizeof stream; i++)
    g_assert_cmpint (write (fd, stream + i, 1), ==, 1);
  close (fd);
  return NULL;
}

static void
test_pipe (void)
{
  g_autoptr (AccmigStreamInfo) info = NULL;
  GThread *writer;
  int ends[2];

  g_assert_cmpint (pipe (ends), ==, 0);
  writer = g_thread_new ("writer", write_byte_by_byte, GINT_TO_POINTER (ends[1]));
  info = accmig_stream_inspect (ends[0], NULL);
  g_thread_join (writer);
  g_assert_nonnull (info);
  g_assert_cmpuint (accmig_stream_info_get_length (info), ==, MIGSIM_SIZE);
  close (ends[0]);
}

/* A stream without end is left as soon as it is too long. */
static void
test_endless (void)
{
  static const struct
  {
    gsize width;
    guint64 magic;
    off_t taken;
  } rows[] = {
    { 8, HISI_MAGIC_NEW, HISI_FULL + 1 },
    { 8, G_GUINT64_CONSTANT (0x7e9d09898c3e2c4e), MTTY_TWO + 1 },
    { 4, 0xadf5caea, 4096 + 1 },
    { 8, G_GUINT64_CONSTANT (0x1234567890), 16 },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      guint8 stream[64] = { 0 };
      g_auto (AutoFd) file = -1;
      g_autoptr (GError) error = NULL;

      stream_put (stream, 0, rows[i].width, rows[i].magic);
      stream_put (stream, 28, 2, 1);
      file = make_file (stream, sizeof stream);
      g_assert_cmpint (ftruncate (file, (off_t)1 << 40), ==, 0);
      g_assert_null (accmig_stream_inspect (file, &error));
      g_assert_error (error, ACCMIG_ERROR, ACCMIG_ERROR_INVALID);
      g_assert_cmpint (lseek (file, 0, SEEK_CUR), ==, rows[i].taken);
    }
}

static glong
peak_kib (void)
{
  struct rusage usage;

  g_assert_cmpint (getrusage (RUSAGE_SELF, &usage), ==, 0);
  return usage.ru_maxrss;
}

/* A large stream needs no memory of its size. */
static void
test_large (void)
{
  const guint64 payload = 128 * 1024 * 1024;
  guint8 header[MIGSIM_SIZE];
  g_auto (AutoFd) file = -1;
  g_autoptr (GError) error = NULL;
  glong before;

  if (!g_test_subprocess ())
    {
      g_test_trap_subprocess (NULL, 0, 0);
      g_test_trap_assert_passed ();
      return;
    }
  make_migsim (header);
  stream_put (header, 24, 8, payload);
  file = make_file (header, 64);
  g_assert_cmpint (ftruncate (file, (off_t)(MIGSIM_HEADER + payload + 8)), ==, 0);
  before = peak_kib ();
  g_assert_null (accmig_stream_inspect (file, &error));
  g_assert_error (error, ACCMIG_ERROR, ACCMIG_ERROR_INVALID);
  g_assert_nonnull (strstr (error->message, "was changed: its checksum is 0x00000000"));
  g_assert_cmpint (lseek (file, 0, SEEK_CUR), ==, MIGSIM_HEADER + payload + 8);
  g_assert_cmpint (peak_kib () - before, <, 16 * 1024);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/stream/hisi-acc/full", test_hisi_full);
  g_test_add_func ("/stream/hisi-acc/match-only", test_hisi_match_only);
  g_test_add_func ("/stream/hisi-acc/first-format", test_hisi_first_format);
  g_test_add_func ("/stream/hisi-acc/summaries", test_hisi_summaries);
  g_test_add_func ("/stream/hisi-acc/lengths", test_hisi_lengths);
  g_test_add_func ("/stream/mtty/whole", test_mtty);
  g_test_add_func ("/stream/mtty/broken", test_mtty_broken);
  g_test_add_func ("/stream/migsim/whole", test_migsim);
  g_test_add_func ("/stream/migsim/every-flip", test_migsim_every_flip);
  g_test_add_func ("/stream/migsim/lengths", test_migsim_lengths);
  g_test_add_func ("/stream/unknown", test_unknown);
  g_test_add_func ("/stream/fd", test_fd);
  g_test_add_func ("/stream/endless", test_endless);
  g_test_add_func ("/stream/large", test_large);
  g_test_add_func ("/stream/pipe", test_pipe);
  return g_test_run ();
}
