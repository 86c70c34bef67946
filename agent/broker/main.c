// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * accmig-broker: the privileged half
 *
 * systemd starts it when accmigd first needs it. The options are for tests and for a second agent on one
 * host.
 */

#include "broker.h"

#include "config.h"
#include "evidence.h"
#include "log-tail.h"
#include "common/names.h"
#include "common/settings.h"

#include <glib-unix.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <systemd/sd-daemon.h>

#define EXIT_USAGE 2

typedef struct
{
  char *socket, *uri, *log_dir;
  gboolean version;
} Arguments;

static void
arguments_clear (Arguments *arguments)
{
  g_free (arguments->socket);
  g_free (arguments->uri);
  g_free (arguments->log_dir);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Arguments, arguments_clear)

static gboolean
parse (Arguments *a, int argc, char **argv, GError **error)
{
  const GOptionEntry entries[] = {
    { "socket", 0, 0, G_OPTION_ARG_FILENAME, &a->socket, "Listen here instead of on systemd's socket",
      "PATH" },
    { "uri", 0, 0, G_OPTION_ARG_STRING, &a->uri, "Connect to this libvirt instead of the configured one",
      "URI" },
    { "log-dir", 0, 0, G_OPTION_ARG_FILENAME, &a->log_dir, "Look here for QEMU's logs (" LOG_TAIL_DIR ")",
      "DIR" },
    { "version", 0, 0, G_OPTION_ARG_NONE, &a->version, "Print the version", NULL },
    { 0 },
  };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);

  g_option_context_set_summary (context, "Opens devices and listens to QEMU for accmigd.");
  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, error))
    return FALSE;
  if (argc > 1)
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "“%s” is not understood", argv[1]);
  return argc == 1;
}

static void
on_finished (gpointer loop)
{
  g_main_loop_quit (loop);
}

static gboolean
on_signal (gpointer loop)
{
  g_main_loop_quit (loop);
  return G_SOURCE_CONTINUE;
}

static int
run (const BrokerOptions *options)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (GError) error = NULL;
  g_autoptr (Broker) broker = NULL;

  (void)signal (SIGPIPE, SIG_IGN); /* a stream's reader may leave */
  g_unix_signal_add (SIGTERM, on_signal, loop);
  g_unix_signal_add (SIGINT, on_signal, loop);

  broker = broker_new (options, on_finished, loop, &error);
  if (broker == NULL)
    {
      g_printerr ("accmig-broker: %s\n", error->message);
      return EXIT_FAILURE;
    }
  (void)sd_notify (FALSE, "READY=1");
  g_main_loop_run (loop);
  (void)sd_notify (FALSE, "STOPPING=1");
  return EXIT_SUCCESS;
}

int
main (int argc, char **argv)
{
  g_auto (Arguments) arguments = { NULL };
  g_autoptr (Settings) settings = NULL;
  g_autoptr (GError) error = NULL;
  const char *sysfs = g_getenv (ACCMIG_ENV_SYSFS);
  const char *debugfs = g_getenv (ACCMIG_ENV_DEBUGFS);

  if (!parse (&arguments, argc, argv, &error))
    {
      g_printerr ("accmig-broker: %s\n", error->message);
      return EXIT_USAGE;
    }
  if (arguments.version)
    {
      puts ("accmig-broker " ACCMIG_VERSION);
      return EXIT_SUCCESS;
    }

  settings = settings_load (NULL); /* accmigd logs its warnings */
  return run (&(BrokerOptions){
      .socket_path = arguments.socket,
      .uri = arguments.uri != NULL ? arguments.uri : settings_get_string (settings, SETTING_URI),
      .log_dir = arguments.log_dir != NULL ? arguments.log_dir : LOG_TAIL_DIR,
      .sysfs = sysfs != NULL ? sysfs : "/sys",
      .debugfs = debugfs != NULL ? debugfs : EVIDENCE_DEBUGFS,
  });
}
