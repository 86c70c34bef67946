// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * libvirt's errors as GError. Callers branch on few of them; the rest is a sentence.
 */

#include "hypervisor-private.h"

#include <stdarg.h>

static const struct
{
  int libvirt;
  GIOErrorEnum gio;
} codes[] = {
  { VIR_ERR_NO_DOMAIN, G_IO_ERROR_NOT_FOUND },
  { VIR_ERR_INVALID_ARG, G_IO_ERROR_INVALID_ARGUMENT },
  { VIR_ERR_XML_ERROR, G_IO_ERROR_INVALID_ARGUMENT },
  { VIR_ERR_XML_DETAIL, G_IO_ERROR_INVALID_ARGUMENT },
  { VIR_ERR_NO_SUPPORT, G_IO_ERROR_NOT_SUPPORTED },
  { VIR_ERR_OPERATION_TIMEOUT, G_IO_ERROR_TIMED_OUT }, /* a job of another client holds the domain */
  { VIR_ERR_ACCESS_DENIED, G_IO_ERROR_PERMISSION_DENIED },
  { VIR_ERR_OPERATION_DENIED, G_IO_ERROR_PERMISSION_DENIED },
  { VIR_ERR_AUTH_FAILED, G_IO_ERROR_PERMISSION_DENIED },
};

static GIOErrorEnum
gio_code (int libvirt)
{
  for (gsize i = 0; i < G_N_ELEMENTS (codes); i++)
    if (codes[i].libvirt == libvirt)
      return codes[i].gio;
  return G_IO_ERROR_FAILED;
}

gboolean
libvirt_fail (GError **error, const char *format, ...)
{
  g_autofree char *what = NULL;
  va_list args;

  va_start (args, format);
  what = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error (error, G_IO_ERROR, (int)gio_code (virGetLastErrorCode ()), "%s: %s", what,
               virGetLastErrorMessage ());
  return FALSE;
}

static void
say_nothing (void *user, virErrorPtr error)
{
}

void
libvirt_silence (void)
{
  virSetErrorFunc (NULL, say_nothing);
}
