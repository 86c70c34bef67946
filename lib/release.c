// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Releases
 *
 * Of the kernel, mostly. Distributions put what they like after the last number, and bring changes to older
 * releases that the numbers do not show. So it is asked only where nothing else tells. A release candidate
 * counts as what it is a candidate for.
 */

#include "release.h"

#include <string.h>

#define MAX_DIGITS 5

/* @text: (inout): moved behind the number. Returns: whether there is one */
static gboolean
take_number (const char **text, guint *ret_number)
{
  guint number = 0;
  guint n = 0;

  for (; n <= MAX_DIGITS && g_ascii_isdigit (**text); n++, (*text)++)
    number = number * 10 + (guint)g_ascii_digit_value (**text);
  *ret_number = number;
  return n > 0 && n <= MAX_DIGITS;
}

static gboolean
take_point (const char **text)
{
  if (**text != '.')
    return FALSE;
  (*text)++;
  return TRUE;
}

Release
release_parse (const char *text)
{
  guint major, minor, patch = 0;

  if (text == NULL || !take_number (&text, &major) || !take_point (&text) || !take_number (&text, &minor))
    return 0;
  if (take_point (&text) && !take_number (&text, &patch))
    return 0;
  return RELEASE (major, minor, patch);
}

/* Older Debian kernels have the number of their ABI for a name, so that the last number of the release stands
 * only in the version, with the package's. Where Debian's own name is the release, both say the same. */
static Release
parse_debian (const char *version)
{
  static const char mark[] = " Debian ";
  const char *found = strstr (version, mark);

  return found != NULL ? release_parse (found + strlen (mark)) : 0;
}

char *
release_format_level (const char *release, const char *version)
{
  const guint mask = (1u << RELEASE_BITS) - 1;
  Release level = parse_debian (version);

  if (level == 0)
    level = release_parse (release);
  if (level == 0)
    return NULL;
  return g_strdup_printf ("%u.%u.%u", (guint)(level >> (2 * RELEASE_BITS)),
                          (guint)(level >> RELEASE_BITS) & mask, (guint)level & mask);
}
