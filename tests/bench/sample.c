// SPDX-License-Identifier: GPL-2.0-or-later
#include "sample.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static gint64
read_clock (clockid_t clock)
{
  struct timespec now;

  (void)clock_gettime (clock, &now);
  return (gint64)now.tv_sec * 1000000000 + now.tv_nsec;
}

gint64
sample_now (void)
{
  return read_clock (CLOCK_MONOTONIC);
}

gint64
sample_cpu_now (void)
{
  return read_clock (CLOCK_PROCESS_CPUTIME_ID);
}

void
sample_print (const char *variant, gint64 elapsed, guint count)
{
  (void)printf ("%s %.1f\n", variant, (double)elapsed / count);
}

void
sample_fail (const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list arguments;

  va_start (arguments, format);
  text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  (void)fprintf (stderr, "%s: %s\n", g_get_prgname (), text);
  exit (EXIT_FAILURE);
}

guint
sample_number (const char *text, guint min, guint max)
{
  g_autoptr (GError) error = NULL;
  guint64 number;

  if (!g_ascii_string_to_unsigned (text, 10, min, max, &number, &error))
    sample_fail ("%s", error->message);
  return (guint)number;
}

char *
sample_file (const char *path, gsize *ret_length)
{
  g_autoptr (GError) error = NULL;
  char *text;

  if (!g_file_get_contents (path, &text, ret_length, &error))
    sample_fail ("%s", error->message);
  return text;
}
