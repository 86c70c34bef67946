// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * measure-program: how long one program takes, and how much memory at most
 *
 * Its output goes to a file. A process begins with the peak of the one that started it, so whoever asks the
 * kernel for it has to be small, which no Python is.
 */

#include "sample.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define LIMIT_SECONDS 600

int
main (int argc, char **argv)
{
  posix_spawn_file_actions_t actions;
  struct rusage usage;
  gint64 start;
  int r, status;
  pid_t pid;

  g_set_prgname ("measure-program");
  if (argc < 3)
    sample_fail ("usage: measure-program OUTPUT PROGRAM [ARGUMENT…]");
  (void)alarm (LIMIT_SECONDS);
  (void)posix_spawn_file_actions_init (&actions);
  (void)posix_spawn_file_actions_addopen (&actions, STDOUT_FILENO, argv[1], O_WRONLY | O_CREAT | O_TRUNC,
                                          0600);
  start = sample_now ();
  r = posix_spawn (&pid, argv[2], &actions, NULL, argv + 2, environ);
  (void)posix_spawn_file_actions_destroy (&actions);
  if (r != 0)
    sample_fail ("cannot start %s: %s", argv[2], g_strerror (r));
  if (TEMP_FAILURE_RETRY (wait4 (pid, &status, 0, &usage)) != pid)
    sample_fail ("cannot wait for %s: %s", argv[2], g_strerror (errno));
  if (!WIFEXITED (status) || WEXITSTATUS (status) != 0)
    sample_fail ("%s ended with wait status %#x, wanted is 0", argv[2], (guint)status);
  (void)printf ("%" G_GINT64_FORMAT " nanoseconds, %ld KiB\n", sample_now () - start, usage.ru_maxrss);
  return 0;
}
