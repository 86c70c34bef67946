// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Texts for a terminal
 */

#include "text.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define MIN_COLUMNS 40 /* a terminal that says it is narrower is not believed */

/* Characters that take no place or change how others are shown: a terminal's commands, text direction. */
static gboolean
is_plain (gunichar c)
{
  GUnicodeType type = g_unichar_type (c);

  return type != G_UNICODE_CONTROL && type != G_UNICODE_FORMAT && type != G_UNICODE_LINE_SEPARATOR
         && type != G_UNICODE_PARAGRAPH_SEPARATOR;
}

char *
text_clean (const char *text)
{
  g_autofree char *valid = g_utf8_make_valid (text, -1);
  GString *clean = g_string_new (NULL);

  g_strstrip (valid);
  for (const char *c = valid; *c != '\0'; c = g_utf8_next_char (c))
    {
      gunichar u = g_utf8_get_char (c);

      if (u == '\n' || u == '\t')
        g_string_append_c (clean, ' ');
      else
        g_string_append_unichar (clean, is_plain (u) ? u : 0xfffd);
    }
  return g_string_free (clean, FALSE);
}

static guint
width_of (gunichar c)
{
  if (g_unichar_iszerowidth (c))
    return 0;
  return g_unichar_iswide (c) ? 2 : 1;
}

guint
text_width (const char *text)
{
  guint width = 0;

  for (const char *c = text; *c != '\0'; c = g_utf8_next_char (c))
    width += width_of (g_utf8_get_char (c));
  return width;
}

guint
text_columns (void)
{
  struct winsize size = { 0 };

  if (!isatty (STDOUT_FILENO))
    return 0;
  if (ioctl (STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
    return 80;
  return MAX (size.ws_col, MIN_COLUMNS);
}

char *
text_cut (const char *text, guint columns)
{
  guint width = 0;
  const char *end = text;

  if (text_width (text) <= columns)
    return g_strdup (text);
  while (*end != '\0' && width + width_of (g_utf8_get_char (end)) < columns)
    {
      width += width_of (g_utf8_get_char (end));
      end = g_utf8_next_char (end);
    }
  return g_strdup_printf ("%.*s…", (int)(end - text), text);
}

void
text_print_wrapped (const char *text, guint indent)
{
  g_autofree char *clean = text_clean (text);
  g_auto (GStrv) words = g_strsplit (clean, " ", -1);
  guint columns = text_columns ();
  guint column = indent;

  printf ("%*s", (int)indent, "");
  for (char **word = words; *word != NULL; word++)
    {
      guint width = text_width (*word);
      gboolean first = column == indent;

      if (!first && columns > 0 && column + 1 + width > columns)
        {
          printf ("\n%*s", (int)indent, "");
          column = indent;
          first = TRUE;
        }
      printf ("%s%s", first ? "" : " ", *word);
      column += width + (first ? 0 : 1);
    }
  putchar ('\n');
}

char *
text_bytes (guint64 bytes)
{
  static const char *const units[] = { "KiB", "MiB", "GiB", "TiB" };
  double value = (double)bytes;
  gsize unit = 0;

  if (bytes < 1024)
    return g_strdup_printf ("%" G_GUINT64_FORMAT " B", bytes);
  for (value /= 1024; value >= 1023.95 && unit + 1 < G_N_ELEMENTS (units); unit++)
    value /= 1024;
  return g_strdup_printf ("%.1f %s", value, units[unit]);
}

char *
text_rate (guint64 bytes, gint64 usec)
{
  g_autofree char *amount =
      usec > 0 ? text_bytes ((guint64)((double)bytes * G_USEC_PER_SEC / (double)usec)) : NULL;

  return amount != NULL ? g_strconcat (amount, "/s", NULL) : g_strdup ("-");
}

char *
text_duration (gint64 usec)
{
  if (usec < 1000)
    return g_strdup_printf ("%" G_GINT64_FORMAT " µs", usec);
  if (usec < G_USEC_PER_SEC)
    return g_strdup_printf ("%.1f ms", (double)usec / 1000);
  if (usec < 60 * (gint64)G_USEC_PER_SEC)
    return g_strdup_printf ("%.3f s", (double)usec / G_USEC_PER_SEC);
  return g_strdup_printf ("%" G_GINT64_FORMAT " min %" G_GINT64_FORMAT " s", usec / G_USEC_PER_SEC / 60,
                          usec / G_USEC_PER_SEC % 60);
}

/* (nullable) */
static char *
format_time (gint64 usec, const char *format)
{
  g_autoptr (GDateTime) utc = g_date_time_new_from_unix_utc (usec / G_USEC_PER_SEC);
  g_autoptr (GDateTime) local = utc != NULL ? g_date_time_to_local (utc) : NULL;

  return local != NULL ? g_date_time_format (local, format) : NULL;
}

char *
text_date (gint64 usec)
{
  char *date = usec > 0 ? format_time (usec, "%Y-%m-%d %H:%M:%S") : NULL;

  return date != NULL ? date : g_strdup ("-");
}

char *
text_time (gint64 usec)
{
  g_autofree char *seconds = usec > 0 ? format_time (usec, "%H:%M:%S") : NULL;

  return seconds != NULL ? g_strdup_printf ("%s.%06d", seconds, (int)(usec % G_USEC_PER_SEC))
                         : g_strdup ("-");
}
