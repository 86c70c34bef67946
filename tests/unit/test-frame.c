// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Frames: what is written is read again, cut anywhere it is said to be cut, and with any byte changed it is
 * refused. The layout is checked against bytes put together here.
 */

#include <accmig/accmig.h>
#include <string.h>

#define UUID "6a0e2d0c-3f1f-4f0e-9a0b-6c1f0a6d9d51"
#define NAME "crypto.0"

/* Chunks of a stream that is small enough to be changed at every byte. */
static const char *const chunks[] = { "first chunk", "x", "the last one of three" };

static const char profile_text[] =
    "{\"format\":\"accmig-profile/1\",\"host\":{\"kernel\":\"6.12.0\"},"
    "\"device\":{\"address\":\"0000:75:00.1\",\"kind\":\"pci\",\"family\":\"generic\"}}";

static AccmigProfile *
make_profile (void)
{
  g_autoptr (GError) error = NULL;
  AccmigProfile *profile = accmig_profile_new_from_json (profile_text, -1, &error);

  g_assert_no_error (error);
  return profile;
}

/* A whole stream of the chunks above. @profile: (nullable) */
static GByteArray *
make_stream (const AccmigProfile *profile)
{
  const AccmigFrameHeader header = { UUID, NAME, ACCMIG_FLAG_STOP_COPY | ACCMIG_FLAG_P2P, profile };
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) start = NULL;
  g_autoptr (AccmigFrameWriter) writer = accmig_frame_writer_new (&header, &start, &error);
  guint8 head[ACCMIG_FRAME_HEAD_SIZE], trailer[ACCMIG_FRAME_TRAILER_SIZE];
  GByteArray *stream = g_byte_array_new ();
  gsize size = 0;

  g_assert_no_error (error);
  g_byte_array_append (stream, g_bytes_get_data (start, NULL), (guint)g_bytes_get_size (start));
  for (gsize i = 0; i < G_N_ELEMENTS (chunks); i++)
    {
      accmig_frame_writer_add (writer, (const guint8 *)chunks[i], strlen (chunks[i]), head);
      g_byte_array_append (stream, head, sizeof head);
      g_byte_array_append (stream, (const guint8 *)chunks[i], (guint)strlen (chunks[i]));
      size += strlen (chunks[i]);
    }
  g_assert_cmpuint (accmig_frame_writer_end (writer, trailer), ==, size);
  g_byte_array_append (stream, trailer, sizeof trailer);
  return stream;
}

/* Reads @length bytes as a receiver does. @data: (nullable): gets what was of the state. */
static gboolean
read_stream (AccmigFrameReader *reader, const guint8 *bytes, gsize length, GString *data, GError **error)
{
  gsize at = 0, wanted;

  while ((wanted = accmig_frame_reader_get_wanted (reader)) > 0)
    {
      AccmigFramePiece piece = ACCMIG_FRAME_MORE;

      if (length - at < wanted)
        return accmig_frame_reader_end (reader, length - at, error);
      if (!accmig_frame_reader_take (reader, bytes + at, &piece, error))
        return FALSE;
      if (piece == ACCMIG_FRAME_DATA && data != NULL)
        g_string_append_len (data, (const char *)bytes + at, (gssize)wanted);
      at += wanted;
    }
  g_assert_cmpuint (at, ==, length);
  return TRUE;
}

static void
test_round (gconstpointer with_profile)
{
  g_autoptr (AccmigProfile) profile = with_profile != NULL ? make_profile () : NULL;
  g_autoptr (GByteArray) stream = make_stream (profile);
  g_autoptr (AccmigFrameReader) reader = accmig_frame_reader_new ();
  g_autoptr (GString) data = g_string_new (NULL);
  g_autoptr (GError) error = NULL;
  AccmigFrameHeader header;

  g_assert_true (read_stream (reader, stream->data, stream->len, data, &error));
  g_assert_no_error (error);
  g_assert_cmpstr (data->str, ==, "first chunkxthe last one of three");
  g_assert_cmpuint (accmig_frame_reader_get_bytes (reader), ==, data->len);
  header = accmig_frame_reader_get_header (reader);
  g_assert_cmpstr (header.uuid, ==, UUID);
  g_assert_cmpstr (header.name, ==, NAME);
  g_assert_cmpuint (header.flags, ==, ACCMIG_FLAG_STOP_COPY | ACCMIG_FLAG_P2P);
  g_assert_cmpint (header.profile != NULL, ==, profile != NULL);
  if (profile != NULL)
    g_assert_cmpstr (accmig_profile_get_digest (header.profile), ==, accmig_profile_get_digest (profile));
}

/* The format, from its description alone. */
static void
test_layout (void)
{
  static const char json[] = "{\"domain\":\"" UUID "\",\"flags\":1,\"name\":\"" NAME "\"}";
  const AccmigFrameHeader header = { UUID, NAME, ACCMIG_FLAG_STOP_COPY, NULL };
  g_autofree char *start = g_strdup_printf ("accmig-stream/1 %08zx\n%s", strlen (json), json);
  g_autofree char *covered = g_strconcat (start, "ab", NULL);
  g_autofree char *digest = g_compute_checksum_for_string (G_CHECKSUM_SHA256, covered, -1);
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (AccmigFrameWriter) writer = accmig_frame_writer_new (&header, &bytes, NULL);
  g_autoptr (GString) hex = g_string_new (NULL);
  guint8 head[ACCMIG_FRAME_HEAD_SIZE], trailer[ACCMIG_FRAME_TRAILER_SIZE];

  g_assert_cmpmem (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), start, strlen (start));
  accmig_frame_writer_add (writer, (const guint8 *)"ab", 2, head);
  g_assert_cmpmem (head, sizeof head, "\0\0\0\2", 4);
  accmig_frame_writer_end (writer, trailer);
  g_assert_cmpmem (trailer, 12, "\0\0\0\0\0\0\0\0\0\0\0\2", 12);
  for (gsize i = 12; i < sizeof trailer; i++)
    g_string_append_printf (hex, "%02x", trailer[i]);
  g_assert_cmpstr (hex->str, ==, digest);
}

/* Wherever it ends too early it is said to have ended too early. */
static void
test_cut (void)
{
  g_autoptr (AccmigProfile) profile = make_profile ();
  g_autoptr (GByteArray) stream = make_stream (profile);

  for (gsize length = 0; length < stream->len; length++)
    {
      g_autoptr (AccmigFrameReader) reader = accmig_frame_reader_new ();
      g_autoptr (GError) error = NULL;

      g_assert_false (read_stream (reader, stream->data, length, NULL, &error));
      g_assert_error (error, ACCMIG_ERROR, ACCMIG_ERROR_TRUNCATED);
    }
}

/* No bit of it may be another one. */
static void
test_flipped (void)
{
  g_autoptr (AccmigProfile) profile = make_profile ();
  g_autoptr (GByteArray) stream = make_stream (profile);

  for (gsize at = 0; at < stream->len; at++)
    for (guint bit = 0; bit < 8; bit++)
      {
        g_autoptr (AccmigFrameReader) reader = accmig_frame_reader_new ();
        g_autoptr (GError) error = NULL;

        stream->data[at] ^= (guint8)(1u << bit);
        g_assert_false (read_stream (reader, stream->data, stream->len, NULL, &error));
        g_assert_nonnull (error);
        stream->data[at] ^= (guint8)(1u << bit);
      }
}

/* ---- what others may send ---- */

static const struct
{
  const char *start; /* all of it, with the lengths as they are */
  gsize more;        /* bytes of 0xff behind it */
  int code;
  const char *sentence;
} hostile[] = {
  { "accmig-stream/2 00000010\n", 0, ACCMIG_ERROR_INVALID, "another version" },
  { "SSH-2.0-OpenSSH_9.2p1 Debian", 0, ACCMIG_ERROR_INVALID, "no stream of an accmig agent" },
  { "accmig-stream/1 00010001\n", 0, ACCMIG_ERROR_LIMIT, "65537 bytes, must be 1 to 65536" },
  { "accmig-stream/1 00000000\n", 0, ACCMIG_ERROR_LIMIT, "0 bytes" },
  { "accmig-stream/1 ffffffff\n", 0, ACCMIG_ERROR_LIMIT, "4294967295 bytes" },
  { "accmig-stream/1 0000000A\n", 0, ACCMIG_ERROR_INVALID, "no number" },
  { "accmig-stream/1 +000000a\n", 0, ACCMIG_ERROR_INVALID, "no number" },
  { "accmig-stream/1 00000002 {}", 0, ACCMIG_ERROR_INVALID, "first line is too long" },
  { "accmig-stream/1 00000002\n[]", 0, ACCMIG_ERROR_INVALID, "header: " },
  { "accmig-stream/1 00000002\n{}", 0, ACCMIG_ERROR_INVALID, "no UUID" },
  { "accmig-stream/1 0000003c\n{\"domain\":\"6A0E2D0C-3F1F-4F0E-9A0B-6C1F0A6D9D51\",\"name\":\"x\"}", 0,
    ACCMIG_ERROR_INVALID, "no UUID in small letters" },
  { "accmig-stream/1 0000003c\n{\"domain\":\"" UUID "\",\"name\":\"/\"}", 0, ACCMIG_ERROR_INVALID,
    "the name is none" },
  { "accmig-stream/1 0000003b\n{\"domain\":\"" UUID "\",\"name\":\"\"}", 0, ACCMIG_ERROR_INVALID,
    "the name is none" },
  { "accmig-stream/1 0000003b\n{\"domain\":\"" UUID "\",\"name\":1 }", 0, ACCMIG_ERROR_INVALID,
    "the name is none" },
  { "accmig-stream/1 0000003c\n{\"domain\":\"" UUID "\",\"name\":\"x\"}", 0, ACCMIG_ERROR_INVALID,
    "the flags are no number" },
  { "accmig-stream/1 0000004a\n{\"domain\":\"" UUID "\",\"name\":\"x\",\"flags\":\"all\"}", 0,
    ACCMIG_ERROR_INVALID, "the flags are no number" },
  { "accmig-stream/1 00000056\n{\"domain\":\"" UUID "\",\"name\":\"x\",\"flags\":0,\"profile\":7}    ", 0,
    ACCMIG_ERROR_INVALID, "the profile is no object" },
  { "accmig-stream/1 00000056\n{\"domain\":\"" UUID "\",\"name\":\"x\",\"flags\":0,\"profile\":{}}   ", 0,
    ACCMIG_ERROR_INVALID, "header: profile" },
  { "accmig-stream/1 00000046\n{\"domain\":\"" UUID "\",\"name\":\"x\",\"flags\":0}", 4, ACCMIG_ERROR_LIMIT,
    "a chunk has 4294967295 bytes, at most 1048576" },
};

static void
test_hostile (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (hostile); i++)
    {
      g_autoptr (AccmigFrameReader) reader = accmig_frame_reader_new ();
      g_autoptr (GByteArray) bytes = g_byte_array_new ();
      g_autoptr (GError) error = NULL;

      g_byte_array_append (bytes, (const guint8 *)hostile[i].start, (guint)strlen (hostile[i].start));
      for (gsize n = 0; n < hostile[i].more; n++)
        g_byte_array_append (bytes, (const guint8 *)"\xff", 1);
      g_assert_false (read_stream (reader, bytes->data, bytes->len, NULL, &error));
      g_assert_error (error, ACCMIG_ERROR, hostile[i].code);
      if (strstr (error->message, hostile[i].sentence) == NULL)
        g_error ("row %zu: “%s” has no “%s” in it", i, error->message, hostile[i].sentence);
      g_assert_cmpuint (accmig_frame_reader_get_wanted (reader), ==, 0);
    }
}

/* A digest beside the profile that is another one's. */
static void
test_other_digest (void)
{
  g_autofree char *json = g_strdup_printf ("{\"domain\":\"" UUID
                                           "\",\"name\":\"x\",\"flags\":0,\"digest\":\"00\",\"profile\":%s}",
                                           profile_text);
  g_autofree char *text = g_strdup_printf ("accmig-stream/1 %08zx\n%s", strlen (json), json);
  g_autoptr (AccmigFrameReader) reader = accmig_frame_reader_new ();
  g_autoptr (GError) error = NULL;

  g_assert_false (read_stream (reader, (const guint8 *)text, strlen (text), NULL, &error));
  g_assert_error (error, ACCMIG_ERROR, ACCMIG_ERROR_INVALID);
  g_assert_nonnull (strstr (error->message, "the digest is not the profile's"));
}

/* What cannot be sent is not begun. */
static void
test_bad_header (void)
{
  const AccmigFrameHeader headers[] = {
    { "not a uuid", NAME, 1, NULL },
    { UUID, "with space", 1, NULL },
    { UUID, "", 1, NULL },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (headers); i++)
    {
      g_autoptr (GError) error = NULL;
      GBytes *bytes = NULL;

      g_assert_null (accmig_frame_writer_new (&headers[i], &bytes, &error));
      g_assert_error (error, ACCMIG_ERROR, ACCMIG_ERROR_INVALID);
      g_assert_null (bytes);
    }
}

/* ---- answers ---- */

static const struct
{
  const char *line;
  int code; /* -1: loaded */
  const char *sentence;
} answers[] = {
  { "loaded 0\n", -1, NULL },
  { "loaded 18446744073709551615\n", -1, NULL },
  { "refused queue count differs: source has 8\n", ACCMIG_ERROR_REFUSED,
    "queue count differs: source has 8" },
  { "refused “so” it is\n", ACCMIG_ERROR_REFUSED, "“so” it is" },
  { "", ACCMIG_ERROR_TRUNCATED, "hung up" },
  { "loaded 17", ACCMIG_ERROR_TRUNCATED, "hung up" },
  { "refused half a sen", ACCMIG_ERROR_TRUNCATED, "hung up" },
  { "loaded 18446744073709551616\n", ACCMIG_ERROR_INVALID, "cannot be read" },
  { "loaded -1\n", ACCMIG_ERROR_INVALID, "cannot be read" },
  { "loaded \n", ACCMIG_ERROR_INVALID, "cannot be read" },
  { "loaded 1\nloaded 2\n", ACCMIG_ERROR_INVALID, "cannot be read" },
  { "refused \n", ACCMIG_ERROR_INVALID, "cannot be read" },
  { "refused a\x1b[2Jb\n", ACCMIG_ERROR_INVALID, "cannot be read" },
  { "refused \xff\n", ACCMIG_ERROR_INVALID, "cannot be read" },
  { "fine\n", ACCMIG_ERROR_INVALID, "cannot be read" },
  { "\n", ACCMIG_ERROR_INVALID, "cannot be read" },
};

static void
test_answers (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (answers); i++)
    {
      g_autoptr (GError) error = NULL;
      guint64 bytes = 7;
      gboolean loaded = accmig_frame_answer_parse (answers[i].line, strlen (answers[i].line), &bytes, &error);

      g_assert_cmpint (loaded, ==, answers[i].code < 0);
      if (loaded)
        {
          g_autofree char *line = accmig_frame_answer_loaded (bytes);

          g_assert_cmpstr (line, ==, answers[i].line);
          continue;
        }
      g_assert_error (error, ACCMIG_ERROR, answers[i].code);
      g_assert_nonnull (strstr (error->message, answers[i].sentence));
      g_assert_cmpuint (bytes, ==, 7);
    }
}

/* Whatever the sentence is, its line can be read. */
static void
test_refusals (void)
{
  g_autofree char *lengthy = g_strnfill (5000, 'x');
  g_autoptr (GString) wide = g_string_new (NULL);

  for (guint i = 0; i < 1000; i++)
    g_string_append (wide, "→");
  {
    const char *const sentences[] = { "it does not fit", "",      "two\nlines", "\xff\xfe",
                                      "\x1b[31mred",     lengthy, wide->str };

    for (gsize i = 0; i < G_N_ELEMENTS (sentences); i++)
      {
        g_autofree char *line = accmig_frame_answer_refused (sentences[i]);
        g_autoptr (GError) error = NULL;
        guint64 bytes = 0;

        g_assert_cmpuint (strlen (line), <=, ACCMIG_FRAME_ANSWER_MAX);
        g_assert_false (accmig_frame_answer_parse (line, strlen (line), &bytes, &error));
        g_assert_error (error, ACCMIG_ERROR, ACCMIG_ERROR_REFUSED);
      }
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/frame/round/without-profile", NULL, test_round);
  g_test_add_data_func ("/frame/round/with-profile", "", test_round);
  g_test_add_func ("/frame/layout", test_layout);
  g_test_add_func ("/frame/cut", test_cut);
  g_test_add_func ("/frame/flipped", test_flipped);
  g_test_add_func ("/frame/hostile", test_hostile);
  g_test_add_func ("/frame/other-digest", test_other_digest);
  g_test_add_func ("/frame/bad-header", test_bad_header);
  g_test_add_func ("/frame/answers", test_answers);
  g_test_add_func ("/frame/refusals", test_refusals);
  return g_test_run ();
}
