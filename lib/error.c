// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Errors
 *
 * The library's one error domain, and the one place where an errno becomes a code of it.
 */

#include "error-private.h"

#include <errno.h>
#include <stdarg.h>

G_DEFINE_QUARK (accmig - error - quark, accmig_error)

/* The kernel's answers that callers branch on; everything else is IO. */
static AccmigError
code_from_errno (int number)
{
  switch (number)
    {
    case EBUSY:
    case EAGAIN:
      return ACCMIG_ERROR_BUSY;
    case ENOTTY:
      return ACCMIG_ERROR_UNSUPPORTED;
    case ENOENT:
    case ENODEV:
    case ESRCH:
      return ACCMIG_ERROR_NOT_FOUND;
    default:
      return ACCMIG_ERROR_IO;
    }
}

void
set_error_errno (GError **error, int number, const char *format, ...)
{
  g_autofree char *what = NULL;
  va_list args;

  va_start (args, format);
  what = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error (error, ACCMIG_ERROR, code_from_errno (number), "%s: %s", what, g_strerror (number));
}

void
set_error (GError **error, AccmigError code, const char *format, ...)
{
  g_autofree char *what = NULL;
  va_list args;

  va_start (args, format);
  what = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error_literal (error, ACCMIG_ERROR, code, what);
}
