// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The stream of the kernel's mtty sample
 *
 * A header that says how many ports there are, and that many blocks of equal size: the registers of a serial
 * port, and the bytes that wait in it.
 */

#include "stream-private.h"

#include "error-private.h"

#define HEADER_SIZE    24
#define PORT_SIZE      36
#define OFFSET_N_PORTS 16
#define MAX_PORTS      2 /* the sample's types have one or two */
#define MAX_SIZE       (HEADER_SIZE + MAX_PORTS * PORT_SIZE)
#define OFFSET_FLAGS   20
#define OFFSET_VERSION 8
#define KNOWN_MAJOR    1

/* clang-format off */
static const StreamLayout header[] = {
  { "magic",     0,              8, 1, STREAM_HEX     },
  { "major_ver", OFFSET_VERSION, 4, 1, STREAM_DECIMAL },
  { "minor_ver", 12,             4, 1, STREAM_DECIMAL },
  { "nr_ports",  OFFSET_N_PORTS, 4, 1, STREAM_DECIMAL },
  { "flags",     OFFSET_FLAGS,   4, 1, STREAM_HEX     },
};
static const StreamLayout port[] = {
  { "uart_reg",           0,  1, 8,  STREAM_HEX     },
  { "fifo",               8,  1, 16, STREAM_HEX     },
  { "head",               24, 1, 1,  STREAM_DECIMAL },
  { "tail",               25, 1, 1,  STREAM_DECIMAL },
  { "count",              26, 1, 1,  STREAM_DECIMAL },
  { "dlab",               27, 1, 1,  STREAM_DECIMAL },
  { "overrun",            28, 1, 1,  STREAM_DECIMAL },
  { "padding",            29, 1, 1,  STREAM_HEX     },
  { "divisor",            30, 2, 1,  STREAM_DECIMAL },
  { "fcr",                32, 1, 1,  STREAM_HEX     },
  { "max_fifo_size",      33, 1, 1,  STREAM_DECIMAL },
  { "intr_trigger_level", 34, 1, 1,  STREAM_DECIMAL },
  { "padding",            35, 1, 1,  STREAM_HEX     },
};
/* clang-format on */

static gboolean
check_header (StreamBytes stream, guint *ret_n_ports, GError **error)
{
  guint major, n_ports;

  if (stream.length < HEADER_SIZE)
    return stream_check_length ("mtty", stream.length, stream.goes_on, HEADER_SIZE, error);
  major = (guint)stream_get_word (stream, OFFSET_VERSION, 4);
  n_ports = (guint)stream_get_word (stream, OFFSET_N_PORTS, 4);
  if (major != KNOWN_MAJOR)
    return fail (error, ACCMIG_ERROR_INVALID, "the mtty stream has major version %u, known is %d", major,
                 KNOWN_MAJOR);
  if (n_ports < 1 || n_ports > MAX_PORTS)
    return fail (error, ACCMIG_ERROR_INVALID, "the mtty stream has %u ports, an mtty has 1 to %d", n_ports,
                 MAX_PORTS);
  *ret_n_ports = n_ports;
  return TRUE;
}

gboolean
stream_decode_mtty (AccmigStreamInfo *info, StreamInput *input, GError **error)
{
  guint8 buffer[MAX_SIZE];
  StreamBytes stream;
  guint n_ports = 0;

  if (!stream_take (input, buffer, sizeof buffer, &stream, error) || !check_header (stream, &n_ports, error)
      || !stream_check_length ("mtty", stream.length, stream.goes_on,
                               HEADER_SIZE + (guint64)n_ports * PORT_SIZE, error))
    return FALSE;
  stream_info_add_layout (info, stream, header, G_N_ELEMENTS (header));
  for (guint i = 0; i < n_ports; i++)
    {
      gsize at = HEADER_SIZE + (gsize)i * PORT_SIZE;
      g_autofree char *name = g_strdup_printf ("port%u", i);
      StreamBytes block = { stream.data + at, PORT_SIZE, FALSE };

      stream_info_add_block (info, name, at, block, port, G_N_ELEMENTS (port));
    }
  stream_info_set_summary (info, "whole state of %u port%s", n_ports, n_ports == 1 ? "" : "s");
  return TRUE;
}
