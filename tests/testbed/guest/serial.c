// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The first serial port, COM1
 */
#include "guest.h"

#define COM1         0x3f8
#define LINE_CONTROL (COM1 + 3)
#define LINE_STATUS  (COM1 + 5)
#define CAN_SEND     0x20
#define PATIENCE     100000 /* looks; without a reader we drop text rather than stop beating */

void
serial_init (void)
{
  port_write (COM1 + 1, 0);        /* no interrupts */
  port_write (LINE_CONTROL, 0x80); /* the next two are the divisor: */
  port_write (COM1, 1);            /* 115200 baud */
  port_write (COM1 + 1, 0);
  port_write (LINE_CONTROL, 0x03); /* 8 bits, no parity */
  port_write (COM1 + 2, 0x01);     /* FIFO on */
}

static void
send (char c)
{
  for (int i = 0; i < PATIENCE; i++)
    if (port_read (LINE_STATUS) & CAN_SEND)
      break;
  port_write (COM1, (uint8_t)c);
}

void
serial_text (const char *text)
{
  while (*text)
    send (*text++);
}

void
serial_number (uint32_t number)
{
  char digits[11];
  char *at = digits + sizeof digits - 1;

  *at = '\0';
  do
    *--at = (char)('0' + number % 10);
  while (number /= 10);
  serial_text (at);
}
