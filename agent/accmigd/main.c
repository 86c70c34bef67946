// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * accmigd: the agent
 *
 * It runs without privileges; what needs any is asked of accmig-broker. Everything beyond --version and
 * --help comes from accmig.conf.
 */

#include <accmig/families.h>
#include <glib-unix.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <systemd/sd-daemon.h>

#include "agent.h"

#include "config.h"

typedef struct
{
  GMainLoop *loop;
  int status;
} Run;

static gboolean
on_signal (gpointer user)
{
  Run *run = user;

  g_main_loop_quit (run->loop);
  return G_SOURCE_CONTINUE;
}

static void
on_lost (gpointer user)
{
  Run *run = user;

  g_warning ("the system bus is gone");
  run->status = EXIT_FAILURE;
  g_main_loop_quit (run->loop);
}

static int
run_agent (void)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (Settings) settings = settings_load (NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (Agent) agent = NULL;
  Run run = { .loop = loop, .status = EXIT_SUCCESS };

  for (const char *const *warning = settings_get_warnings (settings); *warning != NULL; warning++)
    g_warning ("%s", *warning);
  for (const char *const *warning = accmig_families_get_warnings (accmig_families_get_default ());
       *warning != NULL; warning++)
    g_warning ("%s", *warning);
  g_unix_signal_add (SIGTERM, on_signal, &run);
  g_unix_signal_add (SIGINT, on_signal, &run);

  agent = agent_new (settings, on_lost, &run, &error);
  if (agent == NULL)
    {
      g_printerr ("accmigd: %s\n", error->message);
      return EXIT_FAILURE;
    }
  (void)sd_notify (FALSE, "READY=1");
  g_main_loop_run (loop);
  (void)sd_notify (FALSE, "STOPPING=1");
  return run.status;
}

int
main (int argc, char **argv)
{
  gboolean version = FALSE;
  const GOptionEntry entries[] = {
    { "version", 0, 0, G_OPTION_ARG_NONE, &version, "Print the version and leave", NULL },
    G_OPTION_ENTRY_NULL,
  };
  g_autoptr (GOptionContext) context =
      g_option_context_new ("- watch over the live migration of accelerators");
  g_autoptr (GError) error = NULL;

  setlocale (LC_ALL, "");
  (void)signal (SIGPIPE, SIG_IGN); /* the other end of a stream may leave */
  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error))
    {
      g_printerr ("accmigd: %s\n", error->message);
      return 2;
    }
  if (argc > 1)
    {
      g_printerr ("accmigd: it takes no arguments, “%s” found\n", argv[1]);
      return 2;
    }
  if (version)
    {
      g_print ("accmigd %s\n", ACCMIG_VERSION);
      return EXIT_SUCCESS;
    }
  return run_agent ();
}
