// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Errors on the bus
 *
 * GError inside, names on the wire. One table serves both directions; what has no row is "Failed" on the way
 * out and IO on the way in.
 */

#include "bus-error.h"

#include "names.h"

#include <accmig/error.h>
#include <errno.h>
#include <gio/gio.h>

static const char *const error_names[] = {
  [ACCMIG_ERROR_INVALID] = ACCMIG_BUS_ERROR ("Invalid"),
  [ACCMIG_ERROR_LIMIT] = ACCMIG_BUS_ERROR ("Limit"),
  [ACCMIG_ERROR_NOT_FOUND] = ACCMIG_BUS_ERROR ("NotFound"),
  [ACCMIG_ERROR_BUSY] = ACCMIG_BUS_ERROR ("Busy"),
  [ACCMIG_ERROR_UNSUPPORTED] = ACCMIG_BUS_ERROR ("Unsupported"),
  [ACCMIG_ERROR_REFUSED] = ACCMIG_BUS_ERROR ("Refused"),
  [ACCMIG_ERROR_TRUNCATED] = ACCMIG_BUS_ERROR ("Truncated"),
  [ACCMIG_ERROR_BAD_STATE] = ACCMIG_BUS_ERROR ("BadState"),
  [ACCMIG_ERROR_IO] = ACCMIG_BUS_ERROR ("Io"),
};
G_STATIC_ASSERT (G_N_ELEMENTS (error_names) == ACCMIG_ERROR_IO + 1);

/* Names that say more than a code does; they are only ever read. */
static const struct
{
  const char *name;
  AccmigError code;
} finer_names[] = {
  { ACCMIG_BUS_ERROR ("UnknownDevice"), ACCMIG_ERROR_NOT_FOUND },
  { ACCMIG_BUS_ERROR ("UnknownDomain"), ACCMIG_ERROR_NOT_FOUND },
  { ACCMIG_BUS_ERROR ("UnknownMigration"), ACCMIG_ERROR_NOT_FOUND },
};

/* What the hypervisor answers with, reduced to what the other side can act on. */
static const struct
{
  GIOErrorEnum gio;
  AccmigError code;
} gio_codes[] = {
  { G_IO_ERROR_NOT_FOUND, ACCMIG_ERROR_NOT_FOUND },
  { G_IO_ERROR_INVALID_ARGUMENT, ACCMIG_ERROR_INVALID },
  { G_IO_ERROR_BUSY, ACCMIG_ERROR_BUSY },
  { G_IO_ERROR_NOT_SUPPORTED, ACCMIG_ERROR_UNSUPPORTED },
};

static const char *
name_of (const GError *error)
{
  if (error->domain == ACCMIG_ERROR && (guint)error->code < G_N_ELEMENTS (error_names))
    return error_names[error->code];
  if (error->domain == G_IO_ERROR)
    for (gsize i = 0; i < G_N_ELEMENTS (gio_codes); i++)
      if ((int)gio_codes[i].gio == error->code)
        return error_names[gio_codes[i].code];
  return ACCMIG_BUS_ERROR ("Failed");
}

static AccmigError
code_of (const char *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS (error_names); i++)
    if (g_strcmp0 (name, error_names[i]) == 0)
      return (AccmigError)i;
  for (gsize i = 0; i < G_N_ELEMENTS (finer_names); i++)
    if (g_strcmp0 (name, finer_names[i].name) == 0)
      return finer_names[i].code;
  return ACCMIG_ERROR_IO;
}

int
bus_error_set (sd_bus_error *ret_error, const GError *error)
{
  g_autofree char *message = g_utf8_make_valid (error->message, -1); /* the wire takes nothing else */

  return sd_bus_error_set (ret_error, name_of (error), message);
}

void
bus_error_reply (sd_bus_message *m, const GError *error)
{
  g_autofree char *message = g_utf8_make_valid (error->message, -1);
  int r = sd_bus_reply_method_errorf (m, name_of (error), "%s", message);

  if (r < 0)
    g_debug ("the caller of %s did not wait for its answer: %s", sd_bus_message_get_member (m),
             g_strerror (-r));
}

gboolean
bus_error_take (GError **error, sd_bus_message *reply)
{
  const sd_bus_error *e = sd_bus_message_get_error (reply);

  if (e == NULL)
    g_set_error_literal (error, ACCMIG_ERROR, ACCMIG_ERROR_IO,
                         "an answer that is no error was taken for one");
  else
    g_set_error_literal (error, ACCMIG_ERROR, code_of (e->name),
                         e->message != NULL && *e->message != '\0' ? e->message : e->name);
  return FALSE;
}
