// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A device's state from another agent, and that agent's answer
 *
 * What is taken as whole is no longer whole with its last byte missing or changed, and comes out the same
 * when it is written and read again. The digest would keep the fuzzer out, so that an input whose pieces fit
 * together gets the right one, and then must be whole.
 */

#include "fuzz.h"

#include <accmig/frame.h>
#include <string.h>

#define CODES                                                                                                \
  (FUZZ_CODE (ACCMIG_ERROR_INVALID) | FUZZ_CODE (ACCMIG_ERROR_LIMIT) | FUZZ_CODE (ACCMIG_ERROR_TRUNCATED))
#define ANSWER_CODES                                                                                         \
  (FUZZ_CODE (ACCMIG_ERROR_INVALID) | FUZZ_CODE (ACCMIG_ERROR_REFUSED) | FUZZ_CODE (ACCMIG_ERROR_TRUNCATED))

#define DIGEST_SIZE 32
#define TOTAL_SIZE  8

/* What came of one input. */
typedef struct
{
  AccmigFrameReader *reader;
  GByteArray *data;  /* of the state */
  GByteArray *heard; /* what the digest is of */
  gsize taken;       /* bytes of the input */
  gsize failed;      /* bytes of the piece that was refused; 0 when none was */
} Reading;

static void
reading_clear (Reading *reading)
{
  accmig_frame_reader_free (reading->reader);
  g_byte_array_unref (reading->data);
  g_byte_array_unref (reading->heard);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Reading, reading_clear)

/* The prelude, the header and the chunks' bytes are what the digest is of: all but heads and trailer. */
static void
hear (Reading *reading, const guint8 *piece, gsize size, AccmigFramePiece kind)
{
  if (kind == ACCMIG_FRAME_DATA)
    g_byte_array_append (reading->data, piece, (guint)size);
  if (kind == ACCMIG_FRAME_DATA || kind == ACCMIG_FRAME_HEADER || reading->taken == 0)
    g_byte_array_append (reading->heard, piece, (guint)size);
}

static gboolean
read_all (Reading *reading, const guint8 *data, gsize size, GError **error)
{
  gsize wanted;

  reading->reader = accmig_frame_reader_new ();
  reading->data = g_byte_array_new ();
  reading->heard = g_byte_array_new ();
  while ((wanted = accmig_frame_reader_get_wanted (reading->reader)) > 0)
    {
      AccmigFramePiece piece = ACCMIG_FRAME_MORE;

      g_assert_cmpuint (wanted, <=, ACCMIG_FRAME_CHUNK_MAX);
      if (size - reading->taken < wanted)
        return accmig_frame_reader_end (reading->reader, size - reading->taken, error);
      if (!accmig_frame_reader_take (reading->reader, data + reading->taken, &piece, error))
        {
          g_assert_cmpuint (accmig_frame_reader_get_wanted (reading->reader), ==, 0);
          reading->failed = wanted;
          return FALSE;
        }
      hear (reading, data + reading->taken, wanted, piece);
      reading->taken += wanted;
      g_assert_cmpuint (accmig_frame_reader_get_bytes (reading->reader), ==, reading->data->len);
    }
  return TRUE;
}

static void
check_refused (const guint8 *data, gsize size)
{
  g_auto (Reading) reading = { 0 };
  g_autoptr (GError) error = NULL;

  g_assert_false (read_all (&reading, data, size, &error));
  g_assert_nonnull (error);
}

/* ---- what is promised of a whole one ---- */

static void
check_header (const AccmigFrameHeader *a, const AccmigFrameHeader *b)
{
  g_assert_cmpstr (a->uuid, ==, b->uuid);
  g_assert_cmpstr (a->name, ==, b->name);
  g_assert_cmpuint (a->flags, ==, b->flags);
  g_assert_cmpint (a->profile != NULL, ==, b->profile != NULL);
  if (a->profile != NULL)
    g_assert_cmpstr (accmig_profile_get_digest (a->profile), ==, accmig_profile_get_digest (b->profile));
}

/* Written again in one chunk. */
static void
check_again (const Reading *reading)
{
  AccmigFrameHeader header = accmig_frame_reader_get_header (reading->reader), other;
  g_autoptr (GBytes) start = NULL;
  g_autoptr (AccmigFrameWriter) writer = accmig_frame_writer_new (&header, &start, NULL);
  g_autoptr (GByteArray) whole = g_byte_array_new ();
  guint8 head[ACCMIG_FRAME_HEAD_SIZE], trailer[ACCMIG_FRAME_TRAILER_SIZE];
  g_auto (Reading) again = { 0 };

  g_assert_nonnull (writer);
  g_byte_array_append (whole, g_bytes_get_data (start, NULL), (guint)g_bytes_get_size (start));
  if (reading->data->len > 0)
    {
      accmig_frame_writer_add (writer, reading->data->data, reading->data->len, head);
      g_byte_array_append (whole, head, sizeof head);
      g_byte_array_append (whole, reading->data->data, reading->data->len);
    }
  g_assert_cmpuint (accmig_frame_writer_end (writer, trailer), ==, reading->data->len);
  g_byte_array_append (whole, trailer, sizeof trailer);
  g_assert_true (read_all (&again, whole->data, whole->len, NULL));
  g_assert_cmpmem (again.data->data, again.data->len, reading->data->data, reading->data->len);
  other = accmig_frame_reader_get_header (again.reader);
  check_header (&header, &other);
}

static void
check_whole (const Reading *reading, const guint8 *data)
{
  g_autofree guint8 *changed = g_memdup2 (data, reading->taken);

  check_refused (data, reading->taken - 1);
  changed[reading->taken - 1] ^= 1;
  check_refused (changed, reading->taken);
  check_again (reading);
}

/* @reading: of @data, which went wrong no sooner than with the trailer */
static void
check_mended (const Reading *reading, const guint8 *data)
{
  g_autofree guint8 *mended = g_memdup2 (data, reading->taken + TOTAL_SIZE + DIGEST_SIZE);
  guint64 bytes = GUINT64_TO_BE ((guint64)reading->data->len);
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);
  gsize length = DIGEST_SIZE;
  g_auto (Reading) again = { 0 };
  g_autoptr (GError) error = NULL;

  g_checksum_update (checksum, reading->heard->data, reading->heard->len);
  memcpy (mended + reading->taken, &bytes, sizeof bytes);
  g_checksum_get_digest (checksum, mended + reading->taken + TOTAL_SIZE, &length);
  g_assert_true (read_all (&again, mended, reading->taken + TOTAL_SIZE + DIGEST_SIZE, &error));
  g_assert_no_error (error);
  check_whole (&again, mended);
}

/* After a header nothing else of that size can be refused. */
static gboolean
failed_at_trailer (const Reading *reading)
{
  return reading->failed == TOTAL_SIZE + DIGEST_SIZE
         && accmig_frame_reader_get_header (reading->reader).uuid != NULL;
}

static void
check_answer (const guint8 *data, gsize size)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *line = NULL;
  guint64 bytes = 0;
  gboolean loaded =
      accmig_frame_answer_parse ((const char *)data, MIN (size, ACCMIG_FRAME_ANSWER_MAX), &bytes, &error);

  g_assert_cmpint (loaded, ==, error == NULL);
  if (error == NULL)
    return;
  g_assert_cmpuint (FUZZ_CODE (error->code) & ANSWER_CODES, !=, 0);
  fuzz_check_line (error->message);
  if (!g_error_matches (error, ACCMIG_ERROR, ACCMIG_ERROR_REFUSED))
    return;
  line = accmig_frame_answer_refused (error->message);
  g_assert_cmpmem (line, strlen (line), data, size);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_auto (Reading) reading = { 0 };
  g_autoptr (GError) error = NULL;
  gboolean whole = read_all (&reading, data, size, &error);

  fuzz_check_outcome (whole, error, CODES);
  g_assert_cmpuint (reading.taken, <=, size);
  if (whole)
    check_whole (&reading, data);
  else if (failed_at_trailer (&reading))
    check_mended (&reading, data);
  check_answer (data, size);
  return 0;
}
