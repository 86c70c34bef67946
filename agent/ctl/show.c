// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * accmigctl show
 */

#include "call.h"

#include <accmig/error.h>
#include <stdio.h>

#include "client.h"
#include "document.h"
#include "peer.h"
#include "show.h"
#include "table.h"
#include "text.h"

#define LABEL_WIDTH 10

static const char *const device_titles[] = { "DEVICE", "ADDRESS", "STATE", "OUTAGE", "ORIGIN", "NOTE", NULL };
static const char *const moment_titles[] = { "TIME", "MOMENT", "DEVICE", "ORIGIN", "PRECISION", NULL };

/* ---- figures ---- */

/* (transfer full): "812.3 ms ± 1.2 ms", "at least 80.0 ms", "-". @figure: (nullable) */
static char *
format_figure (JsonObject *figure)
{
  g_autofree char *value = figure != NULL ? text_duration (document_get_number (figure, "usec")) : NULL;
  g_autofree char *off = figure != NULL ? text_duration (document_get_number (figure, "error-usec")) : NULL;

  if (figure == NULL)
    return g_strdup ("-");
  if (!document_get_boolean (figure, "complete"))
    return g_strdup_printf ("at least %s", value);
  return g_strdup_printf ("%s ± %s", value, off);
}

/* What else is to be said about a figure. @figure: (nullable) */
static const char *
get_remark (JsonObject *figure)
{
  if (figure == NULL)
    return "not known";
  return document_get_boolean (figure, "complete") ? "complete"
                                                   : "the part that only the other host knows is missing";
}

/* ---- the head ---- */

static void
print_line (const char *label, const char *text)
{
  g_autofree char *clean = text_clean (text);

  printf ("%-*s%s\n", LABEL_WIDTH, label, clean);
}

/* What libvirt told of the bytes; nothing at a destination. */
static void
print_job (JsonObject *job)
{
  gint64 total = document_get_number (job, "data-total"), done = document_get_number (job, "data-processed");
  gint64 of_devices = document_get_number (job, "device-bytes"),
         iteration = document_get_number (job, "iteration");
  g_autofree char *total_text = text_bytes ((guint64)MAX (total, 0));
  g_autofree char *done_text = text_bytes ((guint64)MAX (done, 0));
  g_autofree char *device_text = text_bytes ((guint64)MAX (of_devices, 0));
  g_autofree char *line = NULL;

  if (total < 0 || done < 0)
    return;
  line = g_strdup_printf ("%s sent, the guest has %s%s%s", done_text, total_text,
                          of_devices > 0 ? "; of devices " : "", of_devices > 0 ? device_text : "");
  print_line ("Data", line);
  if (iteration > 0)
    {
      g_autofree char *passes = g_strdup_printf ("%" G_GINT64_FORMAT " over memory", iteration);

      print_line ("Passes", passes);
    }
}

static void
print_downtime (JsonObject *record)
{
  JsonObject *figure = document_get_object (record, "downtime");
  g_autofree char *value = format_figure (figure);
  g_autofree char *line =
      figure != NULL
          ? g_strdup_printf ("%s (%s, %s)", value, document_get_text (figure, "origin"), get_remark (figure))
          : g_strdup ("not known");

  print_line ("Downtime", line);
}

static void
print_end (JsonObject *record)
{
  gint64 started = document_get_number (record, "started-usec"),
         ended = document_get_number (record, "ended-usec");
  g_autofree char *date = text_date (ended);
  g_autofree char *took = ended > started ? text_duration (ended - started) : NULL;
  g_autofree char *line = took != NULL ? g_strdup_printf ("%s, after %s", date, took) : g_strdup ("not yet");

  print_line ("Ended", line);
}

static void
print_head (JsonObject *record)
{
  g_autofree char *domain = text_clean (document_get_text (record, "domain"));
  g_autofree char *started = text_date (document_get_number (record, "started-usec"));
  const char *cause = document_get_text (record, "cause");
  JsonObject *job = document_get_object (record, "job");

  printf ("Migration %" G_GINT64_FORMAT " of %s, seen from its %s: %s%s\n",
          document_get_number (record, "id"), domain, document_get_text (record, "role"),
          document_get_text (record, "phase"),
          document_get_boolean (record, "worked-out") ? " (worked out afterwards)" : "");
  if (*cause != '\0')
    print_line ("Cause", cause);
  print_line ("Guest", document_get_text (record, "uuid"));
  print_line ("Started", started);
  print_end (record);
  if (job != NULL)
    print_job (job);
  print_downtime (record);
}

/* ---- devices and moments ---- */

static void
print_devices (JsonObject *record)
{
  g_autoptr (Table) table = table_new (device_titles);
  guint n = document_n_elements (record, "devices");

  for (guint i = 0; i < n; i++)
    {
      JsonObject *device = document_get_element (record, "devices", i);
      JsonObject *outage = device != NULL ? document_get_object (device, "outage") : NULL;

      if (device == NULL)
        continue;
      table_add (table, document_get_text (device, "alias"));
      table_add (table, document_get_text (device, "address"));
      table_add (table, document_get_text (device, "state"));
      table_take (table, format_figure (outage));
      table_add (table, outage != NULL ? document_get_text (outage, "origin") : "");
      table_add (table, get_remark (outage));
    }
  if (n == 0)
    return;
  putchar ('\n');
  table_print (table);
}

static void
print_alarms (JsonObject *record)
{
  for (guint i = 0; i < document_n_elements (record, "alarms"); i++)
    {
      JsonObject *alarm = document_get_element (record, "alarms", i);
      const char *outcome = alarm != NULL ? document_get_text (alarm, "outcome") : "";
      g_autofree char *line =
          alarm != NULL
              ? g_strdup_printf ("%s%s: %s%s%s", document_get_text (alarm, "kind"),
                                 document_get_number (alarm, "cleared-usec") > 0 ? ", over" : "",
                                 document_get_text (alarm, "sentence"), *outcome != '\0' ? "; " : "", outcome)
              : NULL;

      if (line != NULL)
        print_line ("Alarm", line);
    }
}

static int
compare_moments (gconstpointer a, gconstpointer b)
{
  gint64 first = document_get_number (*(JsonObject *const *)a, "at_usec");
  gint64 second = document_get_number (*(JsonObject *const *)b, "at_usec");

  return first < second ? -1 : first > second;
}

/* (transfer container): in the order of time */
static GPtrArray *
sort_moments (JsonObject *timeline)
{
  GPtrArray *moments = g_ptr_array_new ();

  for (guint i = 0; i < document_n_elements (timeline, "moments"); i++)
    {
      JsonObject *moment = document_get_element (timeline, "moments", i);

      if (moment != NULL)
        g_ptr_array_add (moments, moment);
    }
  g_ptr_array_sort (moments, compare_moments);
  return moments;
}

static void
print_moments (JsonObject *record)
{
  g_autoptr (Table) table = table_new (moment_titles);
  JsonObject *timeline = document_get_object (record, "timeline");
  g_autoptr (GPtrArray) moments = timeline != NULL ? sort_moments (timeline) : g_ptr_array_new ();

  if (moments->len == 0)
    return;
  for (guint i = 0; i < moments->len; i++)
    {
      JsonObject *moment = moments->pdata[i];

      table_take (table, text_time (document_get_number (moment, "at_usec")));
      table_add (table, document_get_text (moment, "moment"));
      table_add (table, document_get_text (moment, "device"));
      table_add (table, document_get_text (moment, "origin"));
      table_take (table, text_duration (document_get_number (moment, "precision_usec")));
    }
  printf ("\nOn the %s's clock:\n", document_get_text (record, "role"));
  table_print (table);
}

static void
print_record (JsonObject *record, const char *peer_host)
{
  JsonObject *peer = document_get_object (record, "peer");

  print_head (record);
  if (peer != NULL)
    {
      g_autofree char *line =
          g_strdup_printf ("%s, where it is migration %" G_GINT64_FORMAT ": %s", peer_host,
                           document_get_number (peer, "id"), document_get_text (peer, "phase"));

      print_line ("Peer", line);
    }
  print_alarms (record);
  print_devices (record);
  print_moments (record);
  if (peer != NULL)
    print_moments (peer);
}

void
show_print_summary (JsonObject *record)
{
  print_head (record);
  print_alarms (record);
  print_devices (record);
}

/* ---- the verb ---- */

/* (nullable) (transfer full) */
static JsonNode *
read_record (const Call *call, guint64 id, GError **error)
{
  g_autoptr (Client) client = client_new (call->host, error);
  g_autoptr (GError) failure = NULL;
  g_autoptr (GVariant) answer =
      client != NULL ? client_call (client, &failure, "DescribeMigration", "t", id) : NULL;

  if (client == NULL)
    return NULL;
  if (answer == NULL && id == 0 && g_error_matches (failure, ACCMIG_ERROR, ACCMIG_ERROR_NOT_FOUND))
    g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_NOT_FOUND, "no migration was recorded yet");
  else if (answer == NULL)
    g_propagate_error (error, g_steal_pointer (&failure));
  else
    return document_parse (g_variant_is_of_type (answer, G_VARIANT_TYPE_STRING)
                               ? g_variant_get_string (answer, NULL)
                               : "",
                           "the agent's record", MIGRATION_FORMAT, error);
  return NULL;
}

Status
show_run (const Call *call, GError **error)
{
  guint64 id = 0;
  g_autoptr (JsonNode) record = NULL;

  if (call->words[0] != NULL && !g_ascii_string_to_unsigned (call->words[0], 10, 1, G_MAXINT64, &id, NULL))
    {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                   "“%s” is no migration's number; accmigctl migrations lists them", call->words[0]);
      return STATUS_USAGE;
    }
  record = read_record (call, id, error);
  if (record == NULL || (call->peer != NULL && !peer_join (json_node_get_object (record), call->peer, error)))
    return STATUS_FAILED;
  if (call->json)
    document_print (record);
  else
    print_record (json_node_get_object (record), call->peer);
  return STATUS_DONE;
}
