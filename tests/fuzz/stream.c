// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A saved device state
 *
 * Whatever is decoded is covered by its fields without a gap, reads the same from memory and from a file, and
 * is refused with one byte less or more. migsim's checksum would keep the fuzzer out, so a stream that has
 * migsim's layout gets the right one, and then must be whole.
 */

#include "fuzz.h"

#include <accmig/stream.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define CODES (FUZZ_CODE (ACCMIG_ERROR_INVALID) | FUZZ_CODE (ACCMIG_ERROR_TRUNCATED))

#define FAMILY_SIZE 8 /* bytes that tell the family */

#define MIGSIM_MAGIC       G_GUINT64_CONSTANT (0x01004d495347494d)
#define MIGSIM_HEADER      32
#define MIGSIM_SIZE_AT     24
#define MIGSIM_MIN_PAYLOAD 176
#define MIGSIM_TRAILER     8

static guint64
get_u64 (const guint8 *data)
{
  guint64 word;

  memcpy (&word, data, sizeof word);
  return GUINT64_FROM_LE (word);
}

/* ---- what is promised of one stream ---- */

static void
check_fields (const AccmigStreamInfo *info)
{
  guint64 at = 0;

  for (gsize i = 0; i < accmig_stream_info_get_n_fields (info); i++)
    {
      const AccmigStreamField *field = accmig_stream_info_get_field (info, i);

      g_assert_cmpuint (field->offset, ==, at);
      g_assert_cmpuint (field->size, >, 0);
      fuzz_check_line (field->name);
      fuzz_check_line (field->value);
      at += field->size;
    }
  if (at > 0)
    g_assert_cmpuint (at, ==, accmig_stream_info_get_length (info));
}

/* Returns: (transfer full): all that was found out, or why nothing was. */
static char *
describe (const AccmigStreamInfo *info, const GError *error)
{
  GString *text = g_string_new (NULL);

  if (info == NULL)
    {
      g_string_printf (text, "%d %s", error->code, error->message);
      return g_string_free (text, FALSE);
    }
  g_string_printf (text, "%s %" G_GUINT64_FORMAT " %s\n", accmig_stream_info_get_family (info),
                   accmig_stream_info_get_length (info), accmig_stream_info_get_summary (info));
  for (gsize i = 0; i < accmig_stream_info_get_n_fields (info); i++)
    {
      const AccmigStreamField *field = accmig_stream_info_get_field (info, i);

      g_string_append_printf (text, "%s=%s\n", field->name, field->value);
    }
  return g_string_free (text, FALSE);
}

/* Returns: an fd, the same one each time, with @data in it. */
static int
fill_file (const guint8 *data, gsize size)
{
  static int file = -1;

  if (file < 0)
    file = memfd_create ("stream", MFD_CLOEXEC);
  g_assert_cmpint (ftruncate (file, 0), ==, 0);
  g_assert_cmpint (pwrite (file, data, size, 0), ==, (gssize)size);
  g_assert_cmpint (lseek (file, 0, SEEK_SET), ==, 0);
  return file;
}

static void
check_file (const guint8 *data, gsize size, const char *wanted)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (AccmigStreamInfo) info = accmig_stream_inspect (fill_file (data, size), &error);
  g_autofree char *got = describe (info, error);

  g_assert_cmpstr (got, ==, wanted);
}

static void
check_refused (const guint8 *data, gsize size)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (AccmigStreamInfo) info = accmig_stream_inspect_bytes (data, size, &error);

  g_assert_null (info);
  g_assert_nonnull (error);
}

/* @info: of a family that is decoded, so that its length follows from what is in it. */
static void
check_length (const AccmigStreamInfo *info, const guint8 *data, gsize size)
{
  g_autofree guint8 *longer = NULL;

  g_assert_cmpuint (accmig_stream_info_get_length (info), ==, size);
  if (accmig_stream_info_get_n_fields (info) == 0)
    return;
  longer = g_malloc0 (size + 1);
  memcpy (longer, data, size);
  check_refused (longer, size + 1);
  check_refused (data, size - 1);
}

/* ---- migsim ---- */

/* Bit by bit, unlike the table of the library. */
static guint32
crc32_of (const guint8 *data, gsize size)
{
  guint32 value = G_MAXUINT32;

  for (gsize i = 0; i < size; i++)
    {
      value ^= data[i];
      for (guint bit = 0; bit < 8; bit++)
        value = (value & 1) != 0 ? (value >> 1) ^ 0xedb88320u : value >> 1;
    }
  return ~value;
}

static gboolean
has_migsim_layout (const guint8 *data, gsize size)
{
  return size >= MIGSIM_HEADER + MIGSIM_MIN_PAYLOAD + MIGSIM_TRAILER && get_u64 (data) == MIGSIM_MAGIC
         && get_u64 (data + MIGSIM_SIZE_AT) == size - MIGSIM_HEADER - MIGSIM_TRAILER;
}

static void
check_migsim (const guint8 *data, gsize size)
{
  g_autofree guint8 *whole = g_memdup2 (data, size);
  guint32 crc = GUINT32_TO_LE (crc32_of (data, size - MIGSIM_TRAILER));
  g_autoptr (AccmigStreamInfo) info = NULL;

  memcpy (whole + size - MIGSIM_TRAILER, &crc, sizeof crc);
  info = accmig_stream_inspect_bytes (whole, size, NULL);
  g_assert_nonnull (info);
  g_assert_cmpstr (accmig_stream_info_get_family (info), ==, "migsim");
  check_fields (info);
  check_length (info, whole, size);
  whole[size / 2] ^= 1;
  check_refused (whole, size);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (AccmigStreamInfo) info = accmig_stream_inspect_bytes (data, size, &error);
  g_autofree char *description = NULL;

  fuzz_check_outcome (info != NULL, error, CODES);
  if (size < FAMILY_SIZE)
    g_assert_error (error, ACCMIG_ERROR, ACCMIG_ERROR_TRUNCATED);
  description = describe (info, error);
  check_file (data, size, description);
  if (has_migsim_layout (data, size))
    check_migsim (data, size);
  if (info == NULL)
    return 0;
  fuzz_check_line (accmig_stream_info_get_summary (info));
  g_assert_cmpstr (accmig_stream_info_get_families (info)[0], ==, accmig_stream_info_get_family (info));
  check_fields (info);
  check_length (info, data, size);
  return 0;
}
