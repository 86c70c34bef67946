// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The command line: words with a number each
 */
#include "guest.h"

/* What follows PREFIX in TEXT, or NULL. */
static const char *
after (const char *text, const char *prefix)
{
  while (*prefix)
    if (*text++ != *prefix++)
      return 0;
  return text;
}

static uint32_t
number (const char *digits)
{
  uint32_t value = 0;

  while (*digits >= '0' && *digits <= '9')
    value = value * 10 + (uint32_t)(*digits++ - '0');
  return value;
}

uint32_t
option_number (const char *line, const char *name, uint32_t fallback)
{
  bool at_word = true;

  for (; *line; line++)
    {
      const char *digits = at_word ? after (line, name) : 0;

      if (digits)
        return number (digits);
      at_word = *line == ' ';
    }
  return fallback;
}
