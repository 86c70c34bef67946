// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Refusals, for org.accmig1.Manager
 *
 * The caller is another host's agent, here as the user that its ssh came in as. Nothing but sizes is looked
 * at before polkit has decided, so nobody learns from an error which tokens there are.
 */

#include "polkit.h"
#include "system-bus-private.h"

#include "common/text.h"

#define WORD_MAX_BYTES  255
#define CAUSE_MAX_BYTES 1024

static int
read_refusal (sd_bus_message *m, MigrationsRefusal *ret_refusal)
{
  return sd_bus_message_read (m, "ssss", &ret_refusal->uuid, &ret_refusal->token, &ret_refusal->host,
                              &ret_refusal->cause);
}

static gboolean
sizes_are_good (const MigrationsRefusal *refusal)
{
  return strlen (refusal->uuid) <= WORD_MAX_BYTES && strlen (refusal->token) <= WORD_MAX_BYTES
         && strlen (refusal->host) <= WORD_MAX_BYTES && strlen (refusal->cause) <= CAUSE_MAX_BYTES;
}

static void
reply_error (sd_bus_message *m, const GError *error)
{
  if (g_error_matches (error, ACCMIG_ERROR, ACCMIG_ERROR_NOT_FOUND))
    (void)sd_bus_reply_method_errorf (m, ACCMIG_BUS_ERROR ("UnknownDomain"), "%s", error->message);
  else
    bus_error_reply (m, error);
}

static void
on_may_report (sd_bus_message *m, uid_t caller, gpointer user)
{
  SystemBus *self = user;
  MigrationsRefusal refusal = { 0 };
  g_autofree char *uuid = NULL;
  g_autofree char *host = NULL;
  g_autoptr (GError) error = NULL;

  if (sd_bus_message_rewind (m, TRUE) < 0 || read_refusal (m, &refusal) < 0)
    {
      (void)sd_bus_reply_method_errorf (m, SD_BUS_ERROR_INVALID_ARGS, "the report cannot be read");
      return;
    }
  uuid = g_strdup (refusal.uuid);
  host = g_strdup (refusal.host);
  text_make_printable (uuid); /* an error repeats it */
  text_make_printable (host); /* the cause does its own */
  refusal.uuid = uuid;
  refusal.host = host;
  if (migrations_on_refused_elsewhere (self->sources.migrations, &refusal, &error))
    (void)sd_bus_reply_method_return (m, NULL);
  else
    reply_error (m, error);
}

int
refusal_bus_report (sd_bus_message *m, void *user, sd_bus_error *ret_error)
{
  MigrationsRefusal refusal = { 0 };
  int r = read_refusal (m, &refusal);

  if (r < 0)
    return r;
  if (!sizes_are_good (&refusal))
    return sd_bus_error_setf (ret_error, ACCMIG_BUS_ERROR ("Limit"),
                              "a word of the report has more than %d bytes, or its cause more than %d",
                              WORD_MAX_BYTES, CAUSE_MAX_BYTES);
  polkit_authorize (m, ACCMIG_ACTION_REPORT, on_may_report, user);
  return 1;
}
