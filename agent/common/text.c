// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Text
 *
 * U+0080 to U+009F are controls, too: some terminals take U+009B for the beginning of a command.
 */

#include "text.h"

#include <glib.h>
#include <string.h>

#define QUOTABLE_BYTES 64

void
text_make_printable (char *valid_utf8)
{
  char *to = valid_utf8;
  const char *from = valid_utf8;

  while (*from != '\0')
    {
      const char *next = g_utf8_next_char (from);
      gsize length = (gsize)(next - from);

      if (g_unichar_iscntrl (g_utf8_get_char (from)))
        *to++ = ' ';
      else
        {
          memmove (to, from, length);
          to += length;
        }
      from = next;
    }
  *to = '\0';
}

static gboolean
is_inside_character (char byte)
{
  return (byte & 0xc0) == 0x80;
}

int
text_quotable (const char *utf8)
{
  int length = (int)strnlen (utf8, QUOTABLE_BYTES + 1);

  if (length <= QUOTABLE_BYTES)
    return length;
  length = QUOTABLE_BYTES;
  while (length > 0 && is_inside_character (utf8[length]))
    length--;
  return length;
}
