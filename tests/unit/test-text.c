// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Text that must not speak to a terminal.
 */

#include "common/text.h"

#include <glib.h>
#include <string.h>

static const struct
{
  const char *text;
  const char *printable;
} rows[] = {
  { "", "" },
  { "vm-1 “x” äöü 漢字 🙂", "vm-1 “x” äöü 漢字 🙂" },
  { "a\nb\tc\r", "a b c " },
  { "\033[31mred\177", " [31mred " },
  { "\302\200\302\233m\302\237", "  m " },               /* U+0080, U+009B, U+009F */
  { "\302\240|\302\233\303\244", "\302\240| \303\244" }, /* U+00A0 is none, and ä stays whole */
  { "\302\233\302\233漢\302\233🙂", "  漢 🙂" },
};

static void
test_printable (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *text = g_strdup (rows[i].text);

      text_make_printable (text);
      g_assert_cmpstr (text, ==, rows[i].printable);
    }
}

/* Every character: none is lost but the controls, and the text stays UTF-8. */
static void
test_every_character (void)
{
  for (gunichar c = 1; c <= 0x10ffff; c++)
    {
      char text[8] = "";
      char before[8];

      if (!g_unichar_validate (c))
        continue;
      g_unichar_to_utf8 (c, text);
      g_strlcpy (before, text, sizeof before);
      text_make_printable (text);
      if (c < 0x20 || (c >= 0x7f && c <= 0x9f))
        g_assert_cmpstr (text, ==, " ");
      else
        g_assert_cmpstr (text, ==, before);
    }
}

/* Characters of every length, at every place at the limit. */
static void
test_quotable (void)
{
  static const char *const characters[] = { "x", "ä", "漢", "🙂" };

  g_assert_cmpint (text_quotable (""), ==, 0);
  for (gsize i = 0; i < G_N_ELEMENTS (characters); i++)
    for (int ahead = 50; ahead <= 65; ahead++)
      {
        g_autoptr (GString) text = g_string_new (NULL);
        int size = (int)strlen (characters[i]), quotable;

        for (int n = 0; n < ahead; n++)
          g_string_append_c (text, '-');
        for (int n = 0; n < 3; n++)
          g_string_append (text, characters[i]);
        quotable = text_quotable (text->str);
        g_assert_true (g_utf8_validate (text->str, quotable, NULL));
        g_assert_cmpint (quotable, <=, 64);
        g_assert_cmpint (quotable, >, MIN ((int)text->len, 64) - size);
      }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/text/printable", test_printable);
  g_test_add_func ("/text/every-character", test_every_character);
  g_test_add_func ("/text/quotable", test_quotable);
  return g_test_run ();
}
