// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Evidence: what hisi_acc's driver shows of a stream that it was given, and what that says of the device that
 * was to take it. The text is a driver's, so most of what is tried here is broken.
 */

#include <string.h>

#include "accmigd/evidence.h"
#include "accmigd/migf-data.h"

#define SIZE 40 /* of the match data */

/* 8 queues, device 0xa256, isolation 1, second format; as the driver writes it after 40 bytes. */
#define LINE1 "Mig Data:00000000: de de ca de ed fe cc aa 08 00 00 00 56 a2 00 00\n"
#define LINE2 "Mig Data:00000010: 01 00 00 00 40 00 00 00 00 00 00 00 01 00 00 00\n"
#define LINE3 "Mig Data:00000020: 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00\n"
#define REST                                                                                                 \
  "Mig Data:00000030: 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00\n"                                     \
  "Mig Data:00000040: 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00\n"                                     \
  "Mig Data:00000050: 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00\n"                                     \
  "Mig Data:00000060: 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00\n"                                     \
  "Mig Data:00000070: 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00\n"                                     \
  "Mig Data:00000080: 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00\n"
#define END   "migrate data length: 40\n"
#define WHOLE LINE1 LINE2 LINE3 REST END

static const guint8 first_bytes[] = { 0xde, 0xde, 0xca, 0xde, 0xed, 0xfe, 0xcc, 0xaa, 0x08 };

/* A VF, by what its own match data said. */
static AccmigProfile *
make_target (const char *family, const char *device, const char *fields)
{
  g_autofree char *text =
      g_strdup_printf ("{\"format\":\"accmig-profile/1\",\"host\":{\"kernel\":\"6.16.0\"},"
                       "\"device\":{\"address\":\"0000:75:00.3\",\"kind\":\"pci\",\"family\":\"%s\","
                       "\"device\":\"%s\"},\"%s\":{%s}}",
                       family, device, family, fields);
  g_autoptr (GError) error = NULL;
  AccmigProfile *profile = accmig_profile_new_from_json (text, -1, &error);

  g_assert_no_error (error);
  return profile;
}

/* ---- the text --------------------------------------------------------------------------------- */

static void
test_parse (void)
{
  static const char *const texts[] = {
    WHOLE, LINE1 LINE2 LINE3 REST "migrate data length: 176\n",     /* beyond the dump */
    LINE1 LINE2 "Mig Data:00000020: 00 00 00 00 00 00 00 00\n" END, /* no more than is wanted */
  };

  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      guint8 match[SIZE] = { 0 };
      g_autoptr (GError) error = NULL;

      g_assert_true (migf_data_parse (texts[i], strlen (texts[i]), match, SIZE, &error));
      g_assert_no_error (error);
      g_assert_cmpmem (match, sizeof first_bytes, first_bytes, sizeof first_bytes);
      g_assert_cmpuint (match[16], ==, 1);
      g_assert_cmpuint (match[20], ==, 0x40);
      g_assert_cmpuint (match[28], ==, 1);
    }
}

static const struct
{
  const char *name, *text;
  AccmigError code;
} broken[] = {
  { "empty", "", ACCMIG_ERROR_INVALID },
  { "other-text", "device not migrated!\n", ACCMIG_ERROR_INVALID },
  { "no-length", LINE1 LINE2 LINE3, ACCMIG_ERROR_INVALID },
  { "no-bytes", END, ACCMIG_ERROR_TRUNCATED },
  { "too-little-sent", LINE1 LINE2 LINE3 REST "migrate data length: 39\n", ACCMIG_ERROR_TRUNCATED },
  { "too-little-shown", LINE1 LINE2 END, ACCMIG_ERROR_TRUNCATED },
  { "cut", LINE1 LINE2 "Mig Data:00000020: 00 0", ACCMIG_ERROR_INVALID },
  { "cut-after-the-length", LINE1 LINE2 LINE3 "migrate data length: 40", ACCMIG_ERROR_INVALID },
  { "no-number", LINE1 LINE2 LINE3 "migrate data length: many\n", ACCMIG_ERROR_INVALID },
  { "negative", LINE1 LINE2 LINE3 "migrate data length: -40\n", ACCMIG_ERROR_INVALID },
  { "too-large", LINE1 LINE2 LINE3 "migrate data length: 99999999999999999999\n", ACCMIG_ERROR_INVALID },
  { "something-behind", WHOLE LINE1, ACCMIG_ERROR_INVALID },
  { "a-word-behind", WHOLE "x", ACCMIG_ERROR_INVALID },
  { "an-empty-line-behind", WHOLE "\n", ACCMIG_ERROR_INVALID },
  { "twice", WHOLE WHOLE, ACCMIG_ERROR_INVALID },
  { "a-line-missing", LINE1 LINE3 END, ACCMIG_ERROR_INVALID },
  { "lines-exchanged", LINE2 LINE1 LINE3 END, ACCMIG_ERROR_INVALID },
  { "other-file", "Dev Data:00000000: de de\n" END, ACCMIG_ERROR_INVALID },
  { "no-hex", "Mig Data:00000000: de gg\n" END, ACCMIG_ERROR_INVALID },
  { "half-a-byte", "Mig Data:00000000: de d\n" END, ACCMIG_ERROR_INVALID },
  { "no-space", "Mig Data:00000000:dedeca\n" END, ACCMIG_ERROR_INVALID },
  { "no-bytes-in-a-line", "Mig Data:00000000:\n" END, ACCMIG_ERROR_INVALID },
  { "short-line-first", "Mig Data:00000000: de\nMig Data:00000001: de\n" END, ACCMIG_ERROR_INVALID },
  { "long-line", "Mig Data:00000000: 00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f 10\n" END,
    ACCMIG_ERROR_INVALID },
  { "carriage-return", "Mig Data:00000000: de de\r\n" END, ACCMIG_ERROR_INVALID },
};

static void
test_broken (gconstpointer data)
{
  const guint i = GPOINTER_TO_UINT (data);
  guint8 match[SIZE], untouched[SIZE];
  g_autoptr (GError) error = NULL;

  memset (match, 0x5a, sizeof match);
  memset (untouched, 0x5a, sizeof untouched);
  g_assert_false (migf_data_parse (broken[i].text, strlen (broken[i].text), match, SIZE, &error));
  g_assert_error (error, ACCMIG_ERROR, (int)broken[i].code);
  g_assert_cmpmem (match, SIZE, untouched, SIZE);
}

/* A NUL byte ends the text; whatever byte is changed, the text is refused or read, and nothing else. */
static void
test_damaged (void)
{
  const gsize length = strlen (WHOLE);

  for (gsize at = 0; at < length; at++)
    for (guint value = 0; value < 256; value += 5)
      {
        g_autofree char *text = g_memdup2 (WHOLE, length);
        g_autoptr (GError) error = NULL;
        guint8 match[SIZE];

        text[at] = (char)value;
        if (!migf_data_parse (text, length, match, SIZE, &error))
          g_assert_nonnull (error);
        g_clear_error (&error);
        if (value == 0)
          g_assert_false (migf_data_parse (text, length, match, SIZE, &error));
      }
}

/* ---- what it says ----------------------------------------------------------------------------- */

#define SAME "\"magic\":\"0xaaccfeeddecadede\",\"major\":1,\"minor\":0,\"hardware\":\"v3+\""

static const struct
{
  const char *name, *device, *fields;
  const char *sentence; /* (nullable) */
} explanations[] = {
  { "same", "0xa256", SAME ",\"qp-num\":8,\"isolation\":1", NULL },
  { "queues", "0xa256", SAME ",\"qp-num\":4,\"isolation\":1",
    "the driver was given queue count 8, 0000:75:00.3 has 4" },
  { "isolation", "0xa256", SAME ",\"qp-num\":8,\"isolation\":0",
    "the driver was given queue isolation 0x1, 0000:75:00.3 has 0x0" },
  { "engine", "0xa259", SAME ",\"qp-num\":8,\"isolation\":1",
    "the driver was given device id 0xa256, 0000:75:00.3 has 0xa259" },
  { "magic", "0xa256", "\"magic\":\"0xcdcdcdcdfeedaacc\",\"hardware\":\"v3+\",\"qp-num\":8,\"isolation\":1",
    "the driver was given stream format 0xaaccfeeddecadede, 0000:75:00.3 has 0xcdcdcdcdfeedaacc" },
  { "two", "0xa256", SAME ",\"qp-num\":4,\"isolation\":0",
    "the driver was given queue isolation 0x1, 0000:75:00.3 has 0x0; queue count 8, 0000:75:00.3 has 4" },
  { "nothing-known-of-the-device", "0xa256", "\"hardware\":\"v3+\"", NULL },
};

static void
test_explain (gconstpointer data)
{
  const guint i = GPOINTER_TO_UINT (data);
  g_autoptr (AccmigProfile) target = make_target ("hisi_acc", explanations[i].device, explanations[i].fields);
  g_autoptr (GError) error = NULL;
  g_autofree char *sentence = evidence_explain (target, WHOLE, strlen (WHOLE), &error);

  g_assert_no_error (error);
  g_assert_cmpstr (sentence, ==, explanations[i].sentence);
}

static void
test_explains_nothing (void)
{
  g_autoptr (AccmigProfile) other = make_target ("mlx5", "0x101e", "");
  g_autoptr (AccmigProfile) target = make_target ("hisi_acc", "0xa256", SAME ",\"qp-num\":4");
  g_autoptr (GError) unsupported = NULL;
  g_autoptr (GError) invalid = NULL;

  g_assert_null (evidence_explain (other, WHOLE, strlen (WHOLE), &unsupported));
  g_assert_error (unsupported, ACCMIG_ERROR, ACCMIG_ERROR_UNSUPPORTED);
  g_assert_null (evidence_explain (target, "noise", 5, &invalid));
  g_assert_error (invalid, ACCMIG_ERROR, ACCMIG_ERROR_INVALID);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/evidence/parse", test_parse);
  for (guint i = 0; i < G_N_ELEMENTS (broken); i++)
    {
      g_autofree char *path = g_strconcat ("/evidence/broken/", broken[i].name, NULL);

      g_test_add_data_func (path, GUINT_TO_POINTER (i), test_broken);
    }
  g_test_add_func ("/evidence/damaged", test_damaged);
  for (guint i = 0; i < G_N_ELEMENTS (explanations); i++)
    {
      g_autofree char *path = g_strconcat ("/evidence/explain/", explanations[i].name, NULL);

      g_test_add_data_func (path, GUINT_TO_POINTER (i), test_explain);
    }
  g_test_add_func ("/evidence/explains-nothing", test_explains_nothing);
  return g_test_run ();
}
