// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * migf_data
 *
 * Lines of at most 16 bytes, each with its offset, and then how much of it came:
 *
 *     Mig Data:00000000: de de ca de ed fe cc aa 08 00 00 00 56 a2 00 00
 *     Mig Data:00000010: 01 00 00 00 00 00 00 00 00 00 00 00 01 00 00 00
 *     …
 *     migrate data length: 40
 *
 * The driver dumps a buffer of fixed size, so what stands behind that length was never sent; and the length
 * may be beyond the dump, which leaves a part out.
 */

#include "migf-data.h"

#include <accmig/error.h>
#include <stdio.h>
#include <string.h>

#define LINE_PREFIX   "Mig Data:"
#define LENGTH_PREFIX "migrate data length: "
#define LINE_BYTES    16
#define BYTE_CHARS    3 /* " de" */

static gboolean
read_byte (const char *text, guint8 *ret_byte)
{
  if (text[0] != ' ' || !g_ascii_isxdigit (text[1]) || !g_ascii_isxdigit (text[2]))
    return FALSE;
  *ret_byte = (guint8)(g_ascii_xdigit_value (text[1]) << 4 | g_ascii_xdigit_value (text[2]));
  return TRUE;
}

/* Adds a line's bytes. Returns: whether it is the line that comes next; it is when every one before was full
 */
static gboolean
read_line (const char *line, GByteArray *bytes)
{
  g_autofree char *prefix = g_strdup_printf (LINE_PREFIX "%08x:", bytes->len);
  const char *rest = NULL;
  gsize length = 0;

  if (!g_str_has_prefix (line, prefix) || bytes->len % LINE_BYTES != 0)
    return FALSE;
  rest = line + strlen (prefix);
  length = strlen (rest);
  if (length == 0 || length % BYTE_CHARS != 0 || length / BYTE_CHARS > LINE_BYTES)
    return FALSE;
  for (; *rest != '\0'; rest += BYTE_CHARS)
    {
      guint8 byte;

      if (!read_byte (rest, &byte))
        return FALSE;
      g_byte_array_append (bytes, &byte, 1);
    }
  return TRUE;
}

static gboolean
fail_line (GError **error, guint number)
{
  g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_INVALID,
               "line %u of migf_data is not what the driver writes", number);
  return FALSE;
}

/* @ret_sent: how much of a stream came, by the driver's own account */
static gboolean
read_lines (char **lines, GByteArray *bytes, guint64 *ret_sent, GError **error)
{
  guint n = 0;

  while (lines[n] != NULL && !g_str_has_prefix (lines[n], LENGTH_PREFIX))
    {
      if (!read_line (lines[n], bytes))
        return fail_line (error, n + 1);
      n++;
    }
  if (lines[n] == NULL
      || !g_ascii_string_to_unsigned (lines[n] + strlen (LENGTH_PREFIX), 10, 0, G_MAXUINT64, ret_sent, NULL))
    return fail_line (error, n + 1);
  if (lines[n + 1] == NULL || *lines[n + 1] != '\0'
      || lines[n + 2] != NULL) /* the text ends with this line */
    return fail_line (error, n + 2);
  return TRUE;
}

gboolean
migf_data_parse (const char *text, gsize length, guint8 *match, gsize size, GError **error)
{
  g_autofree char *copy = g_strndup (text, length); /* ends at a NUL byte, should there be one */
  g_auto (GStrv) lines = g_strsplit (copy, "\n", -1);
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  guint64 sent = 0;

  if (!read_lines (lines, bytes, &sent, error))
    return FALSE;
  sent = MIN (sent, bytes->len);
  if (sent < size)
    {
      g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_TRUNCATED,
                   "%" G_GUINT64_FORMAT " bytes of a stream in migf_data, %" G_GSIZE_FORMAT " wanted", sent,
                   size);
      return FALSE;
    }
  memcpy (match, bytes->data, size);
  return TRUE;
}
