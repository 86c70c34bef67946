// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * accmigctl receive
 *
 * What accmigctl migrate runs at the destination, over ssh, once for each registered device: the standard
 * input and output go to the agent. It says first that it is there, and is no verb for people.
 */

#include "call.h"

#include <accmig/error.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "carriers.h"
#include "client-carry.h"

#define WAIT_MSEC (24 * 3600 * 1000) /* for the guest to be copied, as long as accmigctl migrate may wait */

/* FALSE without @error: the other end went away before it had anything to send. */
static gboolean
wait_input (GError **error)
{
  struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };
  int n = poll (&in, 1, WAIT_MSEC);

  if (n > 0)
    return (in.revents & POLLIN) != 0;
  if (n == 0)
    g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_IO, "nothing was sent for %d s", WAIT_MSEC / 1000);
  else
    g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_IO, "the standard input cannot be waited for: %s",
                 g_strerror (errno));
  return FALSE;
}

Status
receive_run (const Call *call, GError **error)
{
  g_autoptr (Client) client = NULL;

  if (isatty (STDIN_FILENO) || isatty (STDOUT_FILENO))
    {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                   "receive is run by accmigctl migrate; it takes a device's state from its standard input");
      return STATUS_USAGE;
    }
  client = client_new (NULL, error);
  if (client == NULL || !client_ping (client, error))
    return STATUS_FAILED;
  if (fputs (CARRIER_READY, stdout) == EOF || fflush (stdout) != 0)
    {
      g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_IO, "the standard output cannot be written: %s",
                   g_strerror (errno));
      return STATUS_FAILED;
    }
  if (!wait_input (error) || !client_receive_registered (client, STDIN_FILENO, STDOUT_FILENO, error))
    return STATUS_FAILED;
  return STATUS_DONE;
}
