// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Profiles: what becomes of a text, and everything that must not become a profile.
 */

#include <accmig/profile.h>

#include <string.h>

#include "profile-assert.h"

/* The smallest profile there is, in canonical form, and what sha256sum says of it. */
#define MINIMAL                                                                                              \
  "{\"device\":{\"address\":\"0000:75:00.1\",\"family\":\"hisi_acc\",\"kind\":\"pci\"},"                     \
  "\"format\":\"accmig-profile/1\",\"host\":{}}"
#define MINIMAL_DIGEST "af4203b929455523bd72a4fc1d04f1a604a592d6138785bfde0c9d446e1217b5"

/* Parts for texts that are almost profiles. */
#define FORMAT               "\"format\":\"accmig-profile/1\""
#define HOST                 "\"host\":{}"
#define IDENTITY             "\"address\":\"0000:75:00.1\",\"family\":\"hisi_acc\",\"kind\":\"pci\""
#define DEVICE               "\"device\":{" IDENTITY "}"
#define WITH(members)        "{" FORMAT "," HOST "," DEVICE "," members "}"
#define WITH_DEVICE(members) "{" FORMAT "," HOST ",\"device\":{" members "}}"

/* ---- from a text ---- */

static void
test_canonical (void)
{
  static const char text[] =
      " {\"host\" : {\n}, \"format\":\"accmig-profile\\/1\"\t, \"device\":\r\n"
      "{\"kind\":\"pci\", \"family\":\"hisi_acc\",\"address\":\"0000:75:00.\\u0031\"}} ";
  g_autoptr (GError) error = NULL;
  g_autoptr (AccmigProfile) profile = accmig_profile_new_from_json (text, -1, &error);
  g_autofree char *canonical = NULL;

  g_assert_no_error (error);
  canonical = accmig_profile_to_json (profile);
  g_assert_cmpstr (canonical, ==, MINIMAL);
  g_assert_cmpstr (accmig_profile_get_digest (profile), ==, MINIMAL_DIGEST);
  assert_survives_text (profile);
}

/* Members nobody knows are part of the document, with whatever they hold. */
static void
test_unknown_members (void)
{
  static const char text[] = WITH ("\"zeta\":[1,-2,[],{\"b\":null,\"a\":false}],\"host2\":{\"q\\u0022\":1}");
  static const char good[] = WITH ("\"zeta\":[1,-2,[],{\"b\":null,\"a\":true}],\"t\":"
                                   "\"\\u00e9\\ud83d\\ude00\\u0001\\n\\\"\\\\\\/\\u007f\"");
  g_autoptr (GError) escaped_name = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (AccmigProfile) profile = NULL;
  g_autofree char *canonical = NULL;

  g_assert_null (accmig_profile_new_from_json (text, -1, &escaped_name));
  g_assert_error (escaped_name, ACCMIG_ERROR, ACCMIG_ERROR_INVALID);

  profile = accmig_profile_new_from_json (good, -1, &error);
  g_assert_no_error (error);
  canonical = accmig_profile_to_json (profile);
  g_assert_nonnull (strstr (canonical, ",\"t\":\"é😀\\u0001\\u000a\\\"\\\\/\x7f\","));
  g_assert_nonnull (strstr (canonical, ",\"zeta\":[1,-2,[],{\"a\":true,\"b\":null}]}"));
  assert_survives_text (profile);
}

/* The last values that pass: their neighbours are among the broken texts. */
static void
test_edges (void)
{
  static const struct
  {
    const char *member, *canonical;
  } rows[] = {
    { "\"0123456789012345678901234567890123456789012345678901234567890123\":1", NULL },
    { "\"a name with ~\":1", NULL },
    { "\"x\":\"a b~\"", NULL },
    { "\"x\":9223372036854775807", NULL },
    { "\"x\":-9223372036854775807", NULL },
    { "\"x\":-0", "\"x\":0" },
    { "\"x\":\"\\ud7ff\\ue000\"", "\"x\":\"\xed\x9f\xbf\xee\x80\x80\"" },
    { "\"x\":\"\\ud800\\udc00\"", "\"x\":\"\xf0\x90\x80\x80\"" },
    { "\"x\":\"\\uDBFF\\uDFFF\"", "\"x\":\"\xf4\x8f\xbf\xbf\"" },
    { "\"mtty\":{\"ports\":0}", NULL },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *text = g_strdup_printf (WITH ("%s"), rows[i].member);
      g_autoptr (GError) error = NULL;
      g_autoptr (AccmigProfile) profile = accmig_profile_new_from_json (text, -1, &error);
      g_autofree char *canonical = NULL;

      g_assert_no_error (error);
      canonical = accmig_profile_to_json (profile);
      g_assert_nonnull (strstr (canonical, rows[i].canonical != NULL ? rows[i].canonical : rows[i].member));
      assert_survives_text (profile);
    }
}

static void
test_getters (void)
{
  static const char text[] =
      WITH ("\"mtty\":{\"ports\":9223372036854775807,\"x\":\"y\",\"n\":-1,\"a\":[1],\"z\":null}");
  g_autoptr (GError) error = NULL;
  g_autoptr (AccmigProfile) profile = accmig_profile_new_from_json (text, -1, &error);
  g_autoptr (AccmigProfile) another = NULL;
  guint64 value = 77;

  g_assert_no_error (error);
  assert_uint (profile, "mtty.ports", G_MAXINT64);
  g_assert_cmpstr (accmig_profile_get_string (profile, "mtty.x"), ==, "y");
  g_assert_false (accmig_profile_get_uint (profile, "mtty.n", &value));
  g_assert_cmpuint (value, ==, 77);
  assert_missing (profile, "mtty.a");
  assert_missing (profile, "mtty.z");
  assert_missing (profile, "mtty");
  assert_missing (profile, "mtty.ports.x");
  assert_missing (profile, "nothing.at.all");
  assert_missing (profile, "");
  assert_missing (profile, ".");

  accmig_profile_unref (NULL);
  another = accmig_profile_ref (profile);
  g_assert_true (another == profile);
}

static void
test_minor_versions (void)
{
  static const struct
  {
    const char *format;
    gboolean valid;
  } rows[] = {
    { "accmig-profile/1", TRUE },    { "accmig-profile/1.0", TRUE },   { "accmig-profile/1.17", TRUE },
    { "accmig-profile/2", FALSE },   { "accmig-profile/10", FALSE },   { "accmig-profile/1.", FALSE },
    { "accmig-profile/1.x", FALSE }, { "accmig-profile/1.2 ", FALSE }, { "accmig-profile/", FALSE },
    { "ACCMIG-profile/1", FALSE },   { "accmig-timeline/1", FALSE },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *text = g_strdup_printf ("{\"format\":\"%s\"," HOST "," DEVICE "}", rows[i].format);
      g_autoptr (GError) error = NULL;
      g_autoptr (AccmigProfile) profile = accmig_profile_new_from_json (text, -1, &error);

      g_test_message ("%s", rows[i].format);
      g_assert_cmpint (profile != NULL, ==, rows[i].valid);
      if (!rows[i].valid)
        g_assert_error (error, ACCMIG_ERROR, ACCMIG_ERROR_INVALID);
    }
}

#define TEXT(string) string, sizeof string - 1

/* Each row breaks one thing; @part of the message says that it was found for that reason. */
static const struct
{
  const char *name;
  const char *text;
  gsize length;
  const char *part;
} broken_texts[] = {
  { "empty", TEXT (""), "an object wanted" },
  { "white space", TEXT (" \n"), "an object wanted" },
  { "array", TEXT ("[]"), "an object wanted" },
  { "string", TEXT ("\"accmig-profile/1\""), "an object wanted" },
  { "byte order mark", TEXT ("\xef\xbb\xbf" MINIMAL), "an object wanted" },
  { "trailing text", TEXT (MINIMAL "x"), "text after the end" },
  { "two documents", TEXT (MINIMAL MINIMAL), "text after the end" },
  { "unclosed", TEXT ("{"), "member name" },
  { "comma at the end", TEXT ("{" FORMAT "," HOST "," DEVICE ",}"), "member name" },
  { "no comma", TEXT ("{" FORMAT " " HOST "," DEVICE "}"), "“,” or “}” wanted" },
  { "no colon", TEXT ("{\"format\" 1}"), "“:” wanted" },
  { "comment", TEXT ("{/* x */" FORMAT "," HOST "," DEVICE "}"), "member name" },
  { "single quotes", TEXT ("{'format':'accmig-profile/1'," HOST "," DEVICE "}"), "member name" },
  { "no format", TEXT ("{" HOST "," DEVICE "}"), "format is missing" },
  { "no host", TEXT ("{" FORMAT "," DEVICE "}"), "host is missing" },
  { "no device", TEXT ("{" FORMAT "," HOST "}"), "device is missing" },
  { "no address", TEXT (WITH_DEVICE ("\"family\":\"x\",\"kind\":\"pci\"")), "device.address is missing" },
  { "no kind", TEXT (WITH_DEVICE ("\"family\":\"x\",\"address\":\"0000:75:00.1\"")),
    "device.kind is missing" },
  { "no family", TEXT (WITH_DEVICE ("\"kind\":\"pci\",\"address\":\"0000:75:00.1\"")),
    "device.family is missing" },
  { "host no object", TEXT ("{" FORMAT ",\"host\":[]," DEVICE "}"), "host is not an object" },
  { "device null", TEXT ("{" FORMAT "," HOST ",\"device\":null}"), "device is not an object" },
  { "family no object", TEXT (WITH ("\"hisi_acc\":8")), "hisi_acc is not an object" },
  { "path as address", TEXT (WITH_DEVICE ("\"family\":\"x\",\"kind\":\"pci\",\"address\":\"../../etc\"")),
    "neither PCI" },
  { "upper-case address",
    TEXT (WITH_DEVICE ("\"family\":\"x\",\"kind\":\"pci\",\"address\":\"0000:7A:00.1\"")), "neither PCI" },
  { "wrong kind", TEXT (WITH_DEVICE ("\"family\":\"x\",\"kind\":\"mdev\",\"address\":\"0000:75:00.1\"")),
    "is a pci device" },
  { "unknown kind", TEXT (WITH_DEVICE ("\"family\":\"x\",\"kind\":\"ccw\",\"address\":\"0000:75:00.1\"")),
    "device.kind is “ccw”" },
  { "odd family", TEXT (WITH_DEVICE ("\"family\":\"a b\",\"kind\":\"pci\",\"address\":\"0000:75:00.1\"")),
    "device.family is “a b”" },
  { "negative count", TEXT (WITH ("\"hisi_acc\":{\"qp-num\":-1}")), "hisi_acc.qp-num is not a whole number" },
  { "number as text", TEXT (WITH ("\"hisi_acc\":{\"qp-num\":\"8\"}")),
    "hisi_acc.qp-num is not a whole number" },
  { "text as number", TEXT (WITH ("\"hisi_acc\":{\"magic\":8}")), "hisi_acc.magic is not a printable" },
  { "null as number", TEXT (WITH ("\"hisi_acc\":{\"qp-num\":null}")),
    "hisi_acc.qp-num is not a whole number" },
  { "boolean as text", TEXT (WITH_DEVICE (IDENTITY ",\"vfio\":\"true\"")),
    "device.vfio is not true or false" },
  { "boolean as number", TEXT (WITH_DEVICE (IDENTITY ",\"migration\":1")),
    "device.migration is not true or false" },
  { "fraction", TEXT (WITH ("\"hisi_acc\":{\"qp-num\":8.0}")), "whole number wanted" },
  { "exponent", TEXT (WITH ("\"hisi_acc\":{\"qp-num\":1e3}")), "whole number wanted" },
  { "exponent elsewhere", TEXT (WITH ("\"x\":1E400")), "whole number wanted" },
  { "NaN", TEXT (WITH ("\"x\":NaN")), "a value wanted" },
  { "Infinity", TEXT (WITH ("\"x\":-Infinity")), "a digit wanted" },
  { "hex number", TEXT (WITH ("\"x\":0x10")), "“,” or “}” wanted" },
  { "octal number", TEXT (WITH ("\"x\":010")), "leading zero" },
  { "plus sign", TEXT (WITH ("\"x\":+1")), "a value wanted" },
  { "number too large", TEXT (WITH ("\"x\":9223372036854775808")), "beyond 64 bits" },
  { "number too small", TEXT (WITH ("\"x\":-9223372036854775808")), "beyond 64 bits" },
  { "number much too large", TEXT (WITH ("\"x\":99999999999999999999999999999999")), "beyond 64 bits" },
  { "half a word", TEXT (WITH ("\"x\":tru")), "a value wanted" },
  { "no value", TEXT (WITH ("\"x\":")), "a value wanted" },
  { "twice the same member", TEXT (WITH (HOST)), "second member of one name" },
  { "twice within an object", TEXT (WITH ("\"mtty\":{\"ports\":1,\"ports\":2}")),
    "second member of one name" },
  { "twice within unknown", TEXT (WITH ("\"x\":[{\"a\":1,\"a\":1}]")), "second member of one name" },
  { "twice by escape", TEXT (WITH ("\"x\":1,\"\\u0078\":2")), "member name" },
  { "empty name", TEXT (WITH ("\"\":1")), "member name" },
  { "name of 65", TEXT (WITH ("\"0123456789012345678901234567890123456789012345678901234567890123x\":1")),
    "member name" },
  { "name with a tab", TEXT (WITH ("\"a\tb\":1")), "member name" },
  { "name with DEL", TEXT (WITH ("\"a\x7f\":1")), "member name" },
  { "name beyond ASCII", TEXT (WITH ("\"é\":1")), "member name" },
  { "number as name", TEXT (WITH ("1:1")), "member name" },
  { "NUL between", TEXT ("{" FORMAT "," HOST ",\0" DEVICE "}"), "not UTF-8, or a NUL" },
  { "NUL within", TEXT (WITH ("\"x\":\"a\0b\"")), "not UTF-8, or a NUL" },
  { "NUL at the end", TEXT (MINIMAL "\0"), "not UTF-8, or a NUL" },
  { "NUL by escape", TEXT (WITH ("\"x\":\"a\\u0000b\"")), "\\u0000" },
  { "wrong UTF-8", TEXT (WITH ("\"x\":\"\xff\"")), "not UTF-8, or a NUL" },
  { "overlong UTF-8", TEXT (WITH ("\"x\":\"\xc0\xaf\"")), "not UTF-8, or a NUL" },
  { "surrogate in UTF-8", TEXT (WITH ("\"x\":\"\xed\xa0\x80\"")), "not UTF-8, or a NUL" },
  { "cut UTF-8", TEXT (WITH ("\"x\":\"\xe2\x82\"")), "not UTF-8, or a NUL" },
  { "high surrogate alone", TEXT (WITH ("\"x\":\"\\ud83d\"")), "half a surrogate" },
  { "high surrogate and a letter", TEXT (WITH ("\"x\":\"\\ud83dx\"")), "half a surrogate" },
  { "high surrogate and another escape", TEXT (WITH ("\"x\":\"\\ud83d\\n\"")), "half a surrogate" },
  { "high surrogate without a backslash", TEXT (WITH ("\"x\":\"\\ud83dxude00\"")), "half a surrogate" },
  { "high surrogate and beyond the low ones", TEXT (WITH ("\"x\":\"\\ud83d\\ue000\"")), "half a surrogate" },
  { "two high surrogates", TEXT (WITH ("\"x\":\"\\ud83d\\ud83d\"")), "half a surrogate" },
  { "the last low surrogate alone", TEXT (WITH ("\"x\":\"\\udfff\"")), "half a surrogate" },
  { "low surrogates only", TEXT (WITH ("\"x\":\"\\udc00\\udc00\"")), "half a surrogate" },
  { "the last high surrogate twice", TEXT (WITH ("\"x\":\"\\udbff\\udbff\"")), "half a surrogate" },
  { "low surrogate first", TEXT (WITH ("\"x\":\"\\ude00\\ud83d\"")), "half a surrogate" },
  { "short escape", TEXT (WITH ("\"x\":\"\\u12\"")), "four hex digits" },
  { "unknown escape", TEXT (WITH ("\"x\":\"\\x41\"")), "unknown escape" },
  { "newline in a string", TEXT (WITH ("\"x\":\"a\nb\"")), "control character" },
  { "string without end", TEXT ("{\"format\":\"accmig"), "ends within a string" },
  { "backslash at the end", TEXT ("{\"format\":\"\\"), "unknown escape" },
  { "escape at the end", TEXT ("{\"format\":\"\\ud83d"), "half a surrogate" },
  { "newline in a known text", TEXT (WITH_DEVICE (IDENTITY ",\"driver\":\"a\\nb\"")),
    "device.driver is not a printable" },
  { "escape sequence in a known text", TEXT (WITH_DEVICE (IDENTITY ",\"driver\":\"\\u001b[2J\"")),
    "device.driver is not a printable" },
  { "letters beyond ASCII in a known text", TEXT (WITH_DEVICE (IDENTITY ",\"driver\":\"é\"")),
    "device.driver is not a printable" },
  { "empty known text", TEXT (WITH_DEVICE (IDENTITY ",\"driver\":\"\"")),
    "device.driver is not a printable" },
};

static void
test_broken_texts (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (broken_texts); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (AccmigProfile) profile =
          accmig_profile_new_from_json (broken_texts[i].text, (gssize)broken_texts[i].length, &error);

      g_test_message ("%s: %s", broken_texts[i].name, error != NULL ? error->message : "taken");
      g_assert_null (profile);
      g_assert_error (error, ACCMIG_ERROR, ACCMIG_ERROR_INVALID);
      g_assert_nonnull (strstr (error->message, broken_texts[i].part));
      g_assert_true (g_str_has_prefix (error->message, "profile: "));
      g_assert_null (strpbrk (error->message, "\n\t\x1b"));
    }
}

/* ---- limits ---- */

/* A profile of exactly @size bytes in all, by a text of the right length in a member of no meaning. */
static char *
padded_text (gsize size)
{
  static const char head[] = "{" FORMAT "," HOST "," DEVICE ",\"pad\":\"";
  g_autofree char *pad = g_strnfill (size - strlen (head) - 2, 'x');

  return g_strconcat (head, pad, "\"}", NULL);
}

static void
test_size_limit (void)
{
  g_autofree char *largest = padded_text (ACCMIG_PROFILE_MAX_SIZE);
  g_autofree char *larger = padded_text (ACCMIG_PROFILE_MAX_SIZE + 1);
  g_autoptr (GError) none = NULL;
  g_autoptr (GError) too_large = NULL;
  g_autoptr (GError) unbounded = NULL;
  g_autoptr (AccmigProfile) profile = accmig_profile_new_from_json (largest, ACCMIG_PROFILE_MAX_SIZE, &none);

  g_assert_no_error (none);
  g_assert_nonnull (profile);
  g_assert_null (accmig_profile_new_from_json (larger, ACCMIG_PROFILE_MAX_SIZE + 1, &too_large));
  g_assert_error (too_large, ACCMIG_ERROR, ACCMIG_ERROR_LIMIT);
  g_assert_null (accmig_profile_new_from_json (larger, -1, &unbounded));
  g_assert_error (unbounded, ACCMIG_ERROR, ACCMIG_ERROR_LIMIT);
}

/* Escapes make the canonical form longer than the text may have been: it must be readable again all the same.
 */
static void
test_canonical_limit (void)
{
  g_autofree char *pad = g_strnfill (20000, 'x');
  g_autoptr (GString) text = g_string_new (pad);
  g_autofree char *document = NULL;
  g_autoptr (GError) error = NULL;

  g_string_replace (text, "x", "\\n", 0);
  document = g_strdup_printf ("{" FORMAT "," HOST "," DEVICE ",\"pad\":\"%s\"}", text->str);
  g_assert_cmpuint (strlen (document), <, ACCMIG_PROFILE_MAX_SIZE);
  g_assert_null (accmig_profile_new_from_json (document, -1, &error));
  g_assert_error (error, ACCMIG_ERROR, ACCMIG_ERROR_LIMIT);
}

static char *
nested_text (guint depth, const char *open, const char *close)
{
  GString *text = g_string_new ("{" FORMAT "," HOST "," DEVICE ",\"deep\":");

  for (guint i = 0; i < depth; i++)
    g_string_append (text, open);
  g_string_append (text, "1");
  for (guint i = 0; i < depth; i++)
    g_string_append (text, close);
  g_string_append (text, "}");
  return g_string_free (text, FALSE);
}

static void
test_depth_limit (void)
{
  static const char *const brackets[][2] = { { "[", "]" }, { "{\"a\":", "}" } };

  for (gsize i = 0; i < G_N_ELEMENTS (brackets); i++)
    {
      g_autofree char *deepest = nested_text (ACCMIG_PROFILE_MAX_DEPTH - 1, brackets[i][0], brackets[i][1]);
      g_autofree char *deeper = nested_text (ACCMIG_PROFILE_MAX_DEPTH, brackets[i][0], brackets[i][1]);
      g_autofree char *absurd = nested_text (9000, brackets[i][0], brackets[i][1]);
      g_autoptr (GError) none = NULL;
      g_autoptr (GError) deep = NULL;
      g_autoptr (GError) absurdly_deep = NULL;
      g_autoptr (AccmigProfile) profile = accmig_profile_new_from_json (deepest, -1, &none);

      g_assert_no_error (none);
      assert_survives_text (profile);
      g_assert_null (accmig_profile_new_from_json (deeper, -1, &deep));
      g_assert_error (deep, ACCMIG_ERROR, ACCMIG_ERROR_LIMIT);
      g_assert_null (accmig_profile_new_from_json (absurd, -1, &absurdly_deep));
      g_assert_error (absurdly_deep, ACCMIG_ERROR, ACCMIG_ERROR_LIMIT);
    }
}

static void
test_text_limit (void)
{
  g_autofree char *longest = g_strnfill (128, 'x');
  g_autofree char *longer = g_strnfill (129, 'x');
  g_autofree char *good = g_strdup_printf (WITH_DEVICE (IDENTITY ",\"driver\":\"%s\""), longest);
  g_autofree char *bad = g_strdup_printf (WITH_DEVICE (IDENTITY ",\"driver\":\"%s\""), longer);
  g_autoptr (GError) none = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (AccmigProfile) profile = accmig_profile_new_from_json (good, -1, &none);

  g_assert_no_error (none);
  g_assert_cmpstr (accmig_profile_get_string (profile, "device.driver"), ==, longest);
  g_assert_null (accmig_profile_new_from_json (bad, -1, &error));
  g_assert_error (error, ACCMIG_ERROR, ACCMIG_ERROR_INVALID);
}

/* ---- noise ---- */

/* Whatever comes: a profile that reads itself, or an error of our domain. Exactly one of them. */
static void
assert_answered (const char *text, gsize length)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (AccmigProfile) profile = accmig_profile_new_from_json (text, (gssize)length, &error);

  g_assert_true ((profile == NULL) == (error != NULL));
  if (profile != NULL)
    assert_survives_text (profile);
  else
    g_assert_true (error->domain == ACCMIG_ERROR);
}

static void
fill_with_noise (char *bytes, gsize length)
{
  for (gsize i = 0; i < length; i++)
    bytes[i] = (char)g_test_rand_int_range (0, 256);
}

static void
test_noise (void)
{
  const gsize large = 1024 * 1024;
  g_autofree char *noise = g_malloc (large);

  fill_with_noise (noise, large);
  assert_answered (noise, large);
  for (gsize length = 0; length < 2000; length++)
    assert_answered (noise + length * 100, length);
}

/* Noise made of JSON's own words gets further than bytes at random. */
static void
test_word_noise (void)
{
  static const char *const words[] = {
    "{", "}", "[", "]", ":",    ",",    "\"a\"", "\"b\"", "\"\\u", "d83d", "\\",   "\"", "1",
    "-", "0", ".", "e", "true", "null", " ",     FORMAT,  HOST,    DEVICE, "\xc3", "\n",
  };

  for (guint round = 0; round < 20000; round++)
    {
      g_autoptr (GString) text = g_string_new ("{");

      for (int n = g_test_rand_int_range (0, 24); n > 0; n--)
        g_string_append (text, words[g_test_rand_int_range (0, G_N_ELEMENTS (words))]);
      assert_answered (text->str, text->len);
    }
}

/* Every cut and every changed byte of a profile as hosts make them. */
static void
test_damage (void)
{
  static const char changes[] = { '\0', '"', '\\', '{', '}', '9', '-', '\x80', '\xff' };
  char text[] =
      "{\"device\":{" IDENTITY ",\"driver\":\"hisi_acc_vfio_pci\",\"flags\":5,\"migration\":true}," FORMAT
      ",\"hisi_acc\":{\"qp-num\":8},\"host\":{\"page-size\":4096}}";
  gsize length = strlen (text);

  for (gsize i = 0; i < length; i++)
    {
      g_autoptr (GError) cut = NULL;
      char kept = text[i];

      g_assert_null (accmig_profile_new_from_json (text, (gssize)i, &cut));
      g_assert_error (cut, ACCMIG_ERROR, ACCMIG_ERROR_INVALID);
      for (gsize k = 0; k < G_N_ELEMENTS (changes); k++)
        {
          text[i] = changes[k];
          assert_answered (text, length);
        }
      text[i] = kept;
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/profile/text/canonical", test_canonical);
  g_test_add_func ("/profile/text/unknown-members", test_unknown_members);
  g_test_add_func ("/profile/text/edges", test_edges);
  g_test_add_func ("/profile/text/getters", test_getters);
  g_test_add_func ("/profile/text/minor-versions", test_minor_versions);
  g_test_add_func ("/profile/text/broken", test_broken_texts);
  g_test_add_func ("/profile/limit/size", test_size_limit);
  g_test_add_func ("/profile/limit/canonical-size", test_canonical_limit);
  g_test_add_func ("/profile/limit/depth", test_depth_limit);
  g_test_add_func ("/profile/limit/text", test_text_limit);
  g_test_add_func ("/profile/noise/bytes", test_noise);
  g_test_add_func ("/profile/noise/words", test_word_noise);
  g_test_add_func ("/profile/noise/damage", test_damage);
  return g_test_run ();
}
