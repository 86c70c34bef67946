/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest that can prove it survived
 *
 * It does three things, for ever: it looks whether memory still holds what the
 * round before wrote, writes this round's pattern, and prints a beat. README.md
 * says what a test may read out of that.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* What the loader tells; the fields that we use, at the places the multiboot standard gives them. */
struct multiboot {
  uint32_t flags; /* bit 0: memory sizes are valid, bit 2: the command line is */
  uint32_t lower_kib;
  uint32_t upper_kib; /* from 1 MiB up */
  uint32_t boot_device;
  uint32_t command_line; /* address of a string */
};

static inline void
port_write (uint16_t port, uint8_t value)
{
  __asm__ volatile("outb %0, %1" ::"a"(value), "Nd"(port));
}

static inline uint8_t
port_read (uint16_t port)
{
  uint8_t value;

  __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
  return value;
}

/* The number after “NAME=” in a line of words, or FALLBACK. NAME includes the equals sign. */
uint32_t option_number (const char *line, const char *name, uint32_t fallback);

/* The first serial port. */
void serial_init (void);
void serial_text (const char *text);
void serial_number (uint32_t number);

/* Sleeping, with the processor halted; a tick is 10 ms. */
void clock_init (void);
void clock_sleep (uint32_t ms);

/* The memory that is dirtied. */
uint32_t memory_fit (uint32_t wanted, const struct multiboot *info);
void memory_write (uint32_t pages, uint32_t round);
uint32_t memory_verify (uint32_t pages, uint32_t round);
