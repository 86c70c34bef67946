// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * spawn-loop: how long programs take from their start to their end
 *
 * Each round starts every program once, one after the other, as libvirt starts a hook: with the hook's
 * arguments and something on standard input, which is a file here. A program that fails ends the loop.
 */

#include "sample.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define LIMIT_SECONDS 300 /* for all rounds */

static void
run (const char *program, const char *input)
{
  char *argv[] = { (char *)program, (char *)"guest", (char *)"migrate", (char *)"begin", (char *)"-", NULL };
  posix_spawn_file_actions_t actions;
  int r, status;
  pid_t pid;

  (void)posix_spawn_file_actions_init (&actions);
  (void)posix_spawn_file_actions_addopen (&actions, STDIN_FILENO, input, O_RDONLY, 0);
  r = posix_spawn (&pid, program, &actions, NULL, argv, environ);
  (void)posix_spawn_file_actions_destroy (&actions);
  if (r != 0)
    sample_fail ("cannot start %s: %s", program, g_strerror (r));
  if (TEMP_FAILURE_RETRY (waitpid (pid, &status, 0)) != pid)
    sample_fail ("cannot wait for %s: %s", program, g_strerror (errno));
  if (!WIFEXITED (status) || WEXITSTATUS (status) != 0)
    sample_fail ("%s ended with wait status %#x, wanted is 0", program, (guint)status);
}

int
main (int argc, char **argv)
{
  guint rounds;

  g_set_prgname ("spawn-loop");
  if (argc < 4)
    sample_fail ("usage: spawn-loop ROUNDS INPUT PROGRAM…");
  rounds = sample_number (argv[1], 1, 100000);
  (void)alarm (LIMIT_SECONDS);
  for (guint i = 0; i < rounds; i++)
    for (int p = 3; p < argc; p++)
      {
        g_autofree char *name = g_path_get_basename (argv[p]);
        gint64 start = sample_now ();

        run (argv[p], argv[2]);
        sample_print (name, sample_now () - start, 1);
      }
  return 0;
}
