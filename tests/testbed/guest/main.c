// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The rounds
 */
#include "guest.h"

#define DEFAULT_PAGES    256
#define DEFAULT_DELAY_MS 100

void guest_main (const struct multiboot *info); /* called by boot.S */

static void
tell (const char *what, uint32_t number, const char *end)
{
  serial_text (what);
  serial_number (number);
  serial_text (end);
}

void
guest_main (const struct multiboot *info)
{
  const char *line = info->flags & 4 ? (const char *)info->command_line : "";
  uint32_t pages = memory_fit (option_number (line, "pages=", DEFAULT_PAGES), info);
  uint32_t delay = option_number (line, "delay=", DEFAULT_DELAY_MS);
  uint32_t corrupt = 0;

  serial_init ();
  clock_init ();
  tell ("boot pages=", pages, " ");
  tell ("delay=", delay, "\n");

  memory_write (pages, 0);
  for (uint32_t round = 1;; round++)
    {
      uint32_t found = memory_verify (pages, round - 1);

      corrupt += found;
      if (found)
        tell ("corrupt total ", corrupt, "\n");
      memory_write (pages, round);
      tell ("beat ", round, "\n");
      clock_sleep (delay);
    }
}
