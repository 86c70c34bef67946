// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * accmigctl migrate
 *
 * A whole migration, with the caller's own rights at libvirt, at both agents and over ssh: asked first
 * whether it can be, then made by libvirt, then told how long it took. The gate of the destination is asked
 * by libvirt all the same, and reserves; what is checked here spares the guest an attempt that would be
 * refused.
 */

#include "call.h"

#include <accmig/error.h>
#include <stdio.h>
#include <string.h>

#include "carriers.h"
#include "document.h"
#include "migrate-check.h"
#include "migrate-job.h"
#include "migrate-record.h"
#include "show.h"
#include "text.h"

#define DEFAULT_LIMIT_S 3600

/* The options that are numbers. */
typedef struct
{
  guint64 max_downtime_ms, bandwidth_mib, parallel, timeout_s;
} Numbers;

static gboolean
read_number (const char *name, const char *text, guint64 max, guint64 *number, GError **error)
{
  if (text == NULL || g_ascii_string_to_unsigned (text, 10, 1, max, number, NULL))
    return TRUE;
  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
               "--%s is “%s”, must be 1 to %" G_GUINT64_FORMAT, name, text, max);
  return FALSE;
}

static gboolean
read_numbers (const Call *call, Numbers *numbers, GError **error)
{
  const struct
  {
    const char *name, *text;
    guint64 max; /* QEMU's limits, where it has one */
    guint64 *number;
  } options[] = {
    { "max-downtime", call->max_downtime, 2000000, &numbers->max_downtime_ms },
    { "bandwidth", call->bandwidth, 1000000, &numbers->bandwidth_mib },
    { "parallel", call->parallel, 255, &numbers->parallel },
    { "timeout", call->timeout, 86400, &numbers->timeout_s },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (options); i++)
    if (!read_number (options[i].name, options[i].text, options[i].max, options[i].number, error))
      return FALSE;
  return TRUE;
}

/* The host that --to names, else the one in libvirt's URI; its user only where that is ssh's. */
static char *
find_host (const Call *call, const char *uri, GError **error)
{
  g_autofree char *scheme = NULL;
  g_autofree char *user = NULL;
  g_autofree char *host = NULL;

  if (!g_uri_split (uri, G_URI_FLAGS_NONE, &scheme, &user, &host, NULL, NULL, NULL, NULL, NULL)
      || scheme == NULL)
    {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                   "“%s” is no URI of a libvirt, such as qemu+tls://cn02/system", uri);
      return NULL;
    }
  if (call->to != NULL && strchr (call->to, ',') == NULL && *call->to != '\0')
    return g_strdup (call->to);
  if (call->to != NULL)
    {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "--to is “%s”, must be one host",
                   call->to);
      return NULL;
    }
  if (host == NULL || *host == '\0')
    {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                   "“%s” names no host; --to says whose agent to ask", uri);
      return NULL;
    }
  if (user != NULL && g_str_has_suffix (scheme, "+ssh"))
    return g_strdup_printf ("%s@%s", user, host);
  return g_steal_pointer (&host);
}

/* ---- the summary ---- */

static void
print_short (const Call *call, const Move *move, const char *host, gint64 took_usec)
{
  g_autoptr (JsonBuilder) builder = NULL;
  g_autofree char *took = text_duration (took_usec);
  g_autofree char *name = text_clean (move_get_name (move));

  if (!call->json)
    {
      printf ("%s has moved to %s in %s\n", name, host, took);
      return;
    }
  builder = json_builder_new ();
  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "domain");
  json_builder_add_string_value (builder, move_get_name (move));
  json_builder_set_member_name (builder, "uuid");
  json_builder_add_string_value (builder, move_get_uuid (move));
  json_builder_set_member_name (builder, "phase");
  json_builder_add_string_value (builder, "completed");
  json_builder_set_member_name (builder, "took-usec");
  json_builder_add_int_value (builder, took_usec);
  json_builder_end_object (builder);
  document_print_built (builder);
}

static void
print_summary (const Call *call, const Move *move, const char *host, guint64 last, gint64 took_usec)
{
  g_autoptr (JsonNode) record = migrate_record_read (move_get_uuid (move), last, host);

  if (record != NULL && call->json)
    {
      document_print (record);
      return;
    }
  print_short (call, move, host, took_usec);
  if (record != NULL)
    show_print_summary (json_node_get_object (record));
}

/* ---- the verb ---- */

static gboolean
migrate (const Call *call, const char *host, const Numbers *numbers, GError **error)
{
  g_autoptr (Move) move = migrate_open (call->words[0], error);
  g_autoptr (Carriers) carriers = move != NULL ? carriers_new (move_get_uuid (move), host, error) : NULL;
  gboolean carried = carriers != NULL && carriers_size (carriers) > 0;
  const MigratePlan plan = {
    .uri = call->words[1],
    .move = { .bandwidth_mib = numbers->bandwidth_mib,
              .max_downtime_ms = numbers->max_downtime_ms,
              .parallel = (int)numbers->parallel,
              .paused = carried },
    .limit_usec = (gint64)numbers->timeout_s * G_USEC_PER_SEC,
    .carriers = carried ? carriers : NULL,
  };
  guint64 last = 0;
  gint64 begin = 0;

  if (carriers == NULL)
    return FALSE;
  last = migrate_record_last ();
  begin = g_get_monotonic_time ();
  if (!migrate_job_run (move, &plan, error))
    return FALSE;
  print_summary (call, move, host, last, g_get_monotonic_time () - begin);
  return TRUE;
}

Status
migrate_run (const Call *call, GError **error)
{
  Numbers numbers = { .timeout_s = DEFAULT_LIMIT_S };
  g_autofree char *host = NULL;

  if (!read_numbers (call, &numbers, error))
    return STATUS_USAGE;
  host = find_host (call, call->words[1], error);
  if (host == NULL)
    return STATUS_USAGE;
  if (!migrate_check (call->words[0], host, call->trial, error) || !migrate (call, host, &numbers, error))
    return STATUS_FAILED;
  return STATUS_DONE;
}
