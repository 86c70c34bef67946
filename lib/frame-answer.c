// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The answer to a stream
 *
 * A sentence from another host goes into journals and onto terminals, so what is no plain text is neither
 * written nor read.
 */

#include <accmig/frame.h>

#include <string.h>

#include "error-private.h"

#define LOADED  "loaded "
#define REFUSED "refused "

char *
accmig_frame_answer_loaded (guint64 bytes)
{
  return g_strdup_printf (LOADED "%" G_GUINT64_FORMAT "\n", bytes);
}

char *
accmig_frame_answer_refused (const char *sentence)
{
  g_autofree char *valid = g_utf8_make_valid (sentence, -1);
  GString *line = g_string_new (REFUSED);

  for (const char *c = valid; *c != '\0'; c = g_utf8_next_char (c))
    {
      gunichar u = g_utf8_get_char (c);

      if (line->len + 6 >= ACCMIG_FRAME_ANSWER_MAX) /* a character, and the end */
        break;
      g_string_append_unichar (line, g_unichar_iscntrl (u) ? ' ' : u);
    }
  if (line->len == strlen (REFUSED))
    g_string_append (line, "without a word");
  g_string_append_c (line, '\n');
  return g_string_free (line, FALSE);
}

static gboolean
is_plain (const char *text)
{
  if (*text == '\0' || !g_utf8_validate (text, -1, NULL))
    return FALSE;
  for (; *text != '\0'; text = g_utf8_next_char (text))
    if (g_unichar_iscntrl (g_utf8_get_char (text)))
      return FALSE;
  return TRUE;
}

gboolean
accmig_frame_answer_parse (const char *line, gsize length, guint64 *ret_bytes, GError **error)
{
  const char *end = memchr (line, '\n', length);
  g_autofree char *text = NULL;

  if (end == NULL && length < ACCMIG_FRAME_ANSWER_MAX)
    return fail (error, ACCMIG_ERROR_TRUNCATED, "the other side hung up without an answer");
  if (end == NULL || end != line + length - 1 || memchr (line, '\0', length) != NULL)
    return fail (error, ACCMIG_ERROR_INVALID, "the other side's answer cannot be read");
  text = g_strndup (line, length - 1);
  if (g_str_has_prefix (text, REFUSED) && is_plain (text + strlen (REFUSED)))
    return fail (error, ACCMIG_ERROR_REFUSED, "%s", text + strlen (REFUSED));
  if (!g_str_has_prefix (text, LOADED)
      || !g_ascii_string_to_unsigned (text + strlen (LOADED), 10, 0, G_MAXUINT64, ret_bytes, NULL))
    return fail (error, ACCMIG_ERROR_INVALID, "the other side's answer cannot be read");
  return TRUE;
}
