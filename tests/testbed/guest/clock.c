// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The clock
 *
 * The old timer chip interrupts 100 times a second through the old interrupt
 * controller. Between the ticks the processor is halted: a guest that waits by
 * spinning would take a whole core from the host that emulates it.
 */
#include "guest.h"

#define TICK_MS      10
#define PIT_HZ       1193182
#define PIT_DIVISOR  (PIT_HZ * TICK_MS / 1000)
#define TIMER_VECTOR 32 /* the first one that is no exception */

/* A gate of the interrupt descriptor table. */
struct gate {
  uint16_t offset_low;
  uint16_t selector;
  uint16_t type;
  uint16_t offset_high;
};

struct table {
  uint16_t limit;
  uint32_t base;
} __attribute__ ((packed));

volatile uint32_t ticks; /* counted by on_tick */
void on_tick (void);     /* boot.S */

static struct gate gates[TIMER_VECTOR + 1];

/* The first controller alone, its timer line alone. Any exception shuts the guest down: a reboot shows. */
static void
controller_init (void)
{
  port_write (0x20, 0x11); /* start: edge triggered, with a fourth word */
  port_write (0x21, TIMER_VECTOR);
  port_write (0x21, 0x04); /* the second controller is at line 2 */
  port_write (0x21, 0x01); /* 8086 mode */
  port_write (0x21, 0xfe); /* let line 0 through */
  port_write (0xa1, 0xff); /* and nothing of the second controller */
}

void
clock_init (void)
{
  uint32_t handler = (uint32_t)on_tick;
  struct table table = { sizeof gates - 1, (uint32_t)gates };

  gates[TIMER_VECTOR] = (struct gate){
    .offset_low = handler & 0xffff,
    .selector = 0x08,
    .type = 0x8e00, /* present, 32-bit interrupt gate */
    .offset_high = handler >> 16,
  };
  __asm__ volatile("lidt %0" ::"m"(table));

  controller_init ();
  port_write (0x43, 0x34); /* channel 0, low byte first, rate generator */
  port_write (0x40, PIT_DIVISOR & 0xff);
  port_write (0x40, PIT_DIVISOR >> 8);
}

void
clock_sleep (uint32_t ms)
{
  uint32_t start = ticks;

  /* Interrupts are on only while halted, so none can slip in between the look and the halt. */
  while ((ticks - start) * TICK_MS < ms)
    __asm__ volatile("sti; hlt; cli" ::: "memory");
}
