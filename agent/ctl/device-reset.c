// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * accmigctl device reset
 */

#include "call.h"

#include <accmig/error.h>
#include <stdio.h>
#include <unistd.h>

#include "client.h"
#include "document.h"
#include "text.h"

/* Whoever sits there says yes; whoever does not has said so beforehand. */
static gboolean
confirm (const Call *call, const char *address, GError **error)
{
  char answer[16] = "";

  if (call->yes)
    return TRUE;
  if (!isatty (STDIN_FILENO))
    {
      g_set_error (
          error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
          "device reset loses what is in %s, and nobody is there to be asked: --yes says that it may",
          address);
      return FALSE;
    }
  fprintf (stderr, "What is in %s will be lost, and cannot be brought back. Reset it? [y/N] ", address);
  if (fgets (answer, sizeof answer, stdin) != NULL && g_ascii_tolower (answer[0]) == 'y')
    return TRUE;
  g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_IO, "%s is as it was", address);
  return FALSE;
}

static void
print_json (const char *address)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "address");
  json_builder_add_string_value (builder, address);
  json_builder_set_member_name (builder, "reset");
  json_builder_add_boolean_value (builder, TRUE);
  json_builder_end_object (builder);
  document_print_built (builder);
}

Status
device_reset_run (const Call *call, GError **error)
{
  g_autofree char *address = text_clean (call->words[0]);
  g_autoptr (Client) client = confirm (call, address, error) ? client_new (call->host, error) : NULL;

  if (client == NULL || !client_reset (client, call->words[0], error))
    return STATUS_FAILED;
  if (call->json)
    print_json (call->words[0]);
  else
    printf ("%s was reset\n", address);
  return STATUS_DONE;
}
