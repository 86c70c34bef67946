// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What QEMU's log says of resets. That of causes and ends is seen in test-migrations.c.
 */

#include "accmigd/qemu-log.h"

#include <string.h>

#define T     "2026-11-23T10:00:00.000000Z qemu-system-x86_64: "
#define LATER "2026-11-23T10:00:05.000000Z qemu-system-x86_64: "
#define VF    "0000:75:00.1"

#define FAILED(state)                                                                                        \
  ": Failed setting device state to " state ". Recover state is ERROR. Resetting device: x\n"

static const struct
{
  const char *name;
  const char *text;
  const char *address; /* (nullable) */
  const char *state;   /* (nullable): NULL when there is no reset */
} rows[] = {
  { "stop-copy", T VF FAILED ("STOP_COPY"), VF, "STOP_COPY" },
  { "p2p", T VF FAILED ("RUNNING_P2P"), VF, "RUNNING_P2P" },
  { "recover-fails",
    T VF ": Failed setting device state to STOP_COPY. Setting device in recover state STOP: x\n" T VF
         ": Failed setting device in recover state, err: x. Resetting device\n",
    VF, "" },
  { "recover-works",
    T VF ": Failed setting device state to RESUMING. Setting device in recover state RUNNING: x\n", VF,
    NULL },
  { "another-device", T "0000:75:00.2" FAILED ("STOP"), VF, NULL },
  { "any-device", T "VFIO_FD7" FAILED ("STOP"), NULL, "STOP" },
  { "of-another-time", "2026-11-23T09:00:00.000000Z qemu-system-x86_64: " VF FAILED ("STOP"), VF, NULL },
  { "the-first-counts", T VF FAILED ("STOP_COPY") LATER VF FAILED ("RUNNING"), VF, "STOP_COPY" },
  { "no-name", T VF FAILED ("\x1b[2J"), VF, "" },
  { "a-long-name", T VF FAILED ("ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGH"), VF, "ABCDEFGHIJKLMNOPQRSTUVW" },
  { "without-a-time", VF FAILED ("STOP"), VF, NULL },
  { "in-a-command", T "started\n-msg timestamp=on\n" VF FAILED ("RUNNING"), VF, "RUNNING" },
  { "in-a-command-of-another-time", "2026-11-23T09:00:00.000000Z started\n" VF FAILED ("RUNNING"), VF, NULL },
  { "empty", "", VF, NULL },
};

static void
test_row (gconstpointer data)
{
  gsize i = GPOINTER_TO_SIZE (data);
  g_autoptr (GTimeZone) utc = g_time_zone_new_utc ();
  g_autoptr (GDateTime) since = g_date_time_new (utc, 2026, 11, 23, 10, 0, 0);
  char state[QEMU_LOG_STATE_SIZE] = "untouched";
  gboolean found = qemu_log_find_reset (rows[i].text, strlen (rows[i].text),
                                        g_date_time_to_unix (since) * G_USEC_PER_SEC, rows[i].address, state);

  g_assert_cmpint (found, ==, rows[i].state != NULL);
  g_assert_cmpstr (state, ==, rows[i].state != NULL ? rows[i].state : "untouched");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *path = g_strconcat ("/qemu-log/reset/", rows[i].name, NULL);

      g_test_add_data_func (path, GSIZE_TO_POINTER (i), test_row);
    }
  return g_test_run ();
}
