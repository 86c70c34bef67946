// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * accmig-link: the way to another host's agent
 *
 * systemd starts one for each connection of accmigd's, which is its standard input and output. It reads one
 * line, the name of a host, and becomes the ssh that carries D-Bus to that host's system bus: what follows
 * the line, and what comes back, it never sees. So accmigd needs no network and no key, and which hosts are
 * reached does not depend on accmigd alone.
 */

#include "common/settings.h"

#include "config.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#define NAME_MAX_BYTES 256 /* the line, with its end */
#define LIMIT_MSEC     5000

/* Waits until there is something to read, or the end of it. FALSE: neither came in time. */
static gboolean
wait_readable (gint64 until_usec)
{
  struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
  gint64 left_usec = until_usec - g_get_monotonic_time ();
  int r = 0;

  if (left_usec <= 0)
    return FALSE;
  r = poll (&input, 1, (int)(left_usec / 1000) + 1);
  return r > 0 || (r < 0 && errno == EINTR);
}

/* Reads a line and not one byte more, for the next one is D-Bus's. @line: NAME_MAX_BYTES large; the end of
 * the line is not kept. Returns: (nullable): what is wrong */
static const char *
read_line (char *line)
{
  gint64 until_usec = g_get_monotonic_time () + LIMIT_MSEC * 1000;
  gsize length = 0;

  while (length < NAME_MAX_BYTES)
    {
      gssize n = 0;

      if (!wait_readable (until_usec))
        return "no name of a host came in time";
      n = read (STDIN_FILENO, line + length, 1);
      if (n < 0 && (errno == EINTR || errno == EAGAIN))
        continue;
      if (n <= 0)
        return "the connection ended before the name of a host";
      if (line[length] == '\n')
        {
          line[length] = '\0';
          return NULL;
        }
      length++;
    }
  return "the name of a host is too long";
}

/* The command is the one that D-Bus clients use for other hosts' buses. Returns only when it cannot be run.
 */
static void
become_ssh (const char *host)
{
  const char *const argv[] = {
    "ssh", "-xT", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10", "--", host, "systemd-stdio-bridge", NULL
  };

  (void)execvp (argv[0], (char *const *)argv);
}

static int
run_link (void)
{
  g_autoptr (Settings) settings = settings_load (NULL);
  char host[NAME_MAX_BYTES];
  const char *wrong = read_line (host);

  if (wrong != NULL)
    {
      g_printerr ("accmig-link: %s\n", wrong);
      return EXIT_FAILURE;
    }
  if (!settings_has_name (settings, SETTING_LINK_HOSTS, host))
    {
      g_autofree char *shown = g_strescape (host, NULL);

      g_printerr ("accmig-link: “%s” is none of the hosts in the setting link.hosts\n", shown);
      return EXIT_FAILURE;
    }
  become_ssh (host);
  g_printerr ("accmig-link: cannot run ssh: %s\n", g_strerror (errno));
  return EXIT_FAILURE;
}

int
main (int argc, char **argv)
{
  if (argc == 1)
    return run_link ();
  if (argc == 2 && g_str_equal (argv[1], "--version"))
    {
      g_print ("accmig-link %s\n", ACCMIG_VERSION);
      return EXIT_SUCCESS;
    }
  g_printerr ("accmig-link: it takes no arguments but --version\n");
  return 2;
}
