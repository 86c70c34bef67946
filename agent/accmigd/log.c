// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Log
 *
 * Few, stable events; the catalog in packaging/catalog explains each to the person on call. Names that come
 * from guests and other hosts travel as journal fields and are quoted in the text by whoever writes it.
 */

#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <syslog.h>
#include <systemd/sd-journal.h>

#include "common/names.h"
#include "common/text.h"

static const struct
{
  const char *message_id;
  int priority;
} events[] = {
  [LOG_EVENT_PHASE] = { "30e2ea63c73265145ec0a3497aca54f5", LOG_INFO },
  [LOG_EVENT_COMPLETED] = { "37d98353adffc5f260a177ba901272ff", LOG_NOTICE },
  [LOG_EVENT_REFUSED] = { "93795d99ee169704459a310166e01b06", LOG_WARNING },
  [LOG_EVENT_ACCEPTED] = { "ccdaeb323f3e1e18f90505da983f2751", LOG_INFO },
  [LOG_EVENT_REMAPPED] = { "5c0d9b3e7a1f4e6d8b2a90c4f71e63d8", LOG_NOTICE },
  [LOG_EVENT_POLICY] = { "5ae5fdfba1937b50b4ec6ffc02375ef1", LOG_WARNING },
  [LOG_EVENT_FAILED] = { "b0ad7520788637f06b84af606961b75c", LOG_WARNING },
  [LOG_EVENT_PROFILE] = { "5ffb8ff527b16bd3eee43c5338250ed7", LOG_INFO },
  [LOG_EVENT_PROFILE_FAILED] = { "a11af382ecf67f80d3e9af226f448c70", LOG_WARNING },
  [LOG_EVENT_HYPERVISOR] = { "9414b26d897b4c4a36966c52a87da8ce", LOG_NOTICE },
  [LOG_EVENT_BROKER] = { "f8bd16ca296418cdf7c048b89c27d842", LOG_NOTICE },
  [LOG_EVENT_UNTOLD] = { "8c1fe2dbe3a64a0f9ad3f1c6eb27c950", LOG_NOTICE },
  [LOG_EVENT_ALARM] = { "d1a4c7e25f0b4f3c9e6b28750f9ac314", LOG_WARNING },
  [LOG_EVENT_ALARM_CLEARED] = { "f3b06d9a41c24e7fa8d52c8e6790b1e5", LOG_NOTICE },
  [LOG_EVENT_REPAIR] = { "6e92b8d03ac54175b0f47d1ec25a98f6", LOG_NOTICE },
  [LOG_EVENT_REGISTERED] = { "a7e05c1b94f24d6ab3c81f6027d9e5b4", LOG_INFO },
  [LOG_EVENT_BY_HAND] = { "944891081c1943aba9b7d5d74ed99a26", LOG_NOTICE },
  [LOG_EVENT_STRANGE] = { "4d99f8ddb50e55b66bbc6ccea5002883", LOG_ERR },
};
G_STATIC_ASSERT (G_N_ELEMENTS (events) == N_LOG_EVENTS);

/* The one mutable variable of this file: LogControl1 turns it at run time. */
static int max_level = LOG_INFO;

/* Appends FIELD=value for sd_journal_sendv() unless there is nothing to say. */
static void
add_field (GPtrArray *fields, const char *name, const char *value)
{
  if (value != NULL && *value != '\0')
    g_ptr_array_add (fields, g_strconcat (name, "=", value, NULL));
}

static int
send_fields (const GPtrArray *fields)
{
  g_autofree struct iovec *iov = g_new0 (struct iovec, fields->len);

  for (guint i = 0; i < fields->len; i++)
    {
      iov[i].iov_base = fields->pdata[i];
      iov[i].iov_len = strlen (fields->pdata[i]);
    }
  return sd_journal_sendv (iov, fields->len);
}

void
log_event (LogEvent event, const LogContext *context, const char *format, ...)
{
  g_autoptr (GPtrArray) fields = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *raw = NULL;
  g_autofree char *text = NULL;
  g_autofree char *priority = g_strdup_printf ("%d", events[event].priority);
  va_list args;

  if (events[event].priority > max_level)
    return;

  va_start (args, format);
  raw = g_strdup_vprintf (format, args);
  va_end (args);
  text = g_utf8_make_valid (raw, -1);
  text_make_printable (text);

  add_field (fields, "MESSAGE", text);
  add_field (fields, "MESSAGE_ID", events[event].message_id);
  add_field (fields, "PRIORITY", priority);
  add_field (fields, "SYSLOG_IDENTIFIER", "accmigd");
  if (context != NULL)
    {
      g_autofree char *id =
          context->migration != 0 ? g_strdup_printf ("%" G_GUINT64_FORMAT, context->migration) : NULL;

      add_field (fields, ACCMIG_FIELD_DOMAIN, context->domain);
      add_field (fields, ACCMIG_FIELD_UUID, context->uuid);
      add_field (fields, ACCMIG_FIELD_DEVICE, context->device);
      add_field (fields, ACCMIG_FIELD_MIGRATION, id);
    }

  if (g_getenv ("JOURNAL_STREAM") == NULL || send_fields (fields) < 0)
    (void)fprintf (stderr, "<%d>%s\n", events[event].priority, text);
}

void
log_set_max_level (int level)
{
  max_level = level;
}

int
log_get_max_level (void)
{
  return max_level;
}
