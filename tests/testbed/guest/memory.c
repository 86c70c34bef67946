// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The memory that is dirtied
 *
 * It begins at 16 MiB. A page is marked at eight places with a word made from
 * the round and the place's address, so that a page that was lost, left behind
 * or put elsewhere does not fit. The last MiB belongs to the firmware's tables.
 */
#include "guest.h"

#define BASE        0x1000000u
#define PAGE_SIZE   4096u
#define STRIDE      512u
#define MIB         0x100000u
#define DEFAULT_END (32 * MIB)
#define TOLD_MAX    16 /* lines a round; the count goes on */

static volatile uint32_t *
place (uint32_t page, uint32_t offset)
{
  return (volatile uint32_t *)(BASE + page * PAGE_SIZE + offset);
}

static uint32_t
mark (uint32_t page, uint32_t offset, uint32_t round)
{
  return (BASE + page * PAGE_SIZE + offset) ^ round;
}

/* How many of the wanted pages there is room for. */
uint32_t
memory_fit (uint32_t wanted, const struct multiboot *info)
{
  /* Counted from 1 MiB up, which is just the MiB that we leave at the end. */
  uint32_t end = info->flags & 1 ? info->upper_kib * 1024 : DEFAULT_END;
  uint32_t room = end > BASE ? (end - BASE) / PAGE_SIZE : 0;

  return wanted < room ? wanted : room;
}

void
memory_write (uint32_t pages, uint32_t round)
{
  for (uint32_t page = 0; page < pages; page++)
    for (uint32_t offset = 0; offset < PAGE_SIZE; offset += STRIDE)
      *place (page, offset) = mark (page, offset, round);
}

static bool
page_fits (uint32_t page, uint32_t round)
{
  for (uint32_t offset = 0; offset < PAGE_SIZE; offset += STRIDE)
    if (*place (page, offset) != mark (page, offset, round))
      return false;
  return true;
}

/* How many pages do not hold what ROUND wrote; the first few are told. */
uint32_t
memory_verify (uint32_t pages, uint32_t round)
{
  uint32_t corrupt = 0;

  for (uint32_t page = 0; page < pages; page++)
    {
      if (page_fits (page, round))
        continue;
      if (corrupt++ >= TOLD_MAX)
        continue;
      serial_text ("corrupt page ");
      serial_number (page);
      serial_text ("\n");
    }
  return corrupt;
}
