// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * accmigctl check
 *
 * With --to: what the gate of that host would say, from its own mouth. Without: whether the guest can be
 * migrated at all. For that each of its devices is held against itself, so that what remains is what would
 * stand in the way everywhere: a driver that offers no migration, a profile that does not say. Both end as an
 * accmig-report/1.
 */

#include "call.h"

#include <accmig/compat.h>
#include <stdio.h>

#include "client.h"
#include "document.h"
#include "finding.h"
#include "table.h"
#include "text.h"

#define FORMAT_DOMAIN "accmig-domain/1"
#define FORMAT_REPORT "accmig-report/1"

static const char *const titles[] = { "HOSTDEV", "SOURCE", "TARGET", "OUTCOME", NULL };

/* ---- without another host ---- */

static void
add_text (JsonBuilder *builder, const char *name, const char *value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_string_value (builder, value);
}

/* (nullable): of a hostdev in a description */
static AccmigProfile *
read_profile (JsonObject *hostdev)
{
  JsonNode *node = json_object_get_member (hostdev, "profile");
  g_autofree char *text = node != NULL && JSON_NODE_HOLDS_OBJECT (node) ? json_to_string (node, FALSE) : NULL;

  return text != NULL ? accmig_profile_new_from_json (text, -1, NULL) : NULL;
}

/* A row of the report. Returns: its outcome */
static AccmigOutcome
add_hostdev (JsonBuilder *builder, JsonObject *hostdev)
{
  g_autoptr (AccmigProfile) profile = read_profile (hostdev);
  g_autoptr (AccmigVerdict) verdict =
      profile != NULL ? accmig_compat_check (profile, profile, ACCMIG_COMPAT_NONE) : NULL;
  g_autofree char *text = verdict != NULL ? accmig_verdict_to_json (verdict) : NULL;
  const AccmigFinding *decisive = verdict != NULL ? accmig_verdict_get_decisive (verdict) : NULL;
  AccmigOutcome outcome = verdict != NULL ? accmig_verdict_get_outcome (verdict) : ACCMIG_OUTCOME_UNKNOWN;

  json_builder_begin_object (builder);
  add_text (builder, "alias", document_get_text (hostdev, "alias"));
  add_text (builder, "target", document_get_text (hostdev, "address"));
  add_text (builder, "outcome", accmig_outcome_to_string (outcome));
  json_builder_set_member_name (builder, "verdict");
  if (text != NULL)
    json_builder_add_value (builder, json_from_string (text, NULL));
  else
    json_builder_add_null_value (builder);
  add_text (builder, "sentence",
            verdict == NULL    ? "the agent has no profile of this device"
            : decisive != NULL ? decisive->sentence
                               : "");
  add_text (builder, "rule", verdict == NULL ? "check.no-profile" : decisive != NULL ? decisive->rule : "");
  json_builder_end_object (builder);
  return outcome;
}

/* (transfer full) */
static JsonNode *
report_alone (JsonObject *domain, const char *host)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  AccmigOutcome worst = ACCMIG_OUTCOME_COMPATIBLE;

  json_builder_begin_object (builder);
  add_text (builder, "format", FORMAT_REPORT);
  add_text (builder, "host", host != NULL ? host : g_get_host_name ());
  add_text (builder, "domain", document_get_text (domain, "name"));
  json_builder_set_member_name (builder, "hostdevs");
  json_builder_begin_array (builder);
  for (guint i = 0; i < document_n_elements (domain, "hostdevs"); i++)
    {
      JsonObject *hostdev = document_get_element (domain, "hostdevs", i);
      AccmigOutcome outcome = hostdev != NULL ? add_hostdev (builder, hostdev) : worst;

      worst = MAX (worst, outcome);
    }
  json_builder_end_array (builder);
  add_text (builder, "outcome", accmig_outcome_to_string (worst));
  json_builder_end_object (builder);
  return json_builder_get_root (builder);
}

/* ---- with one ---- */

/* (nullable) (transfer full) */
static JsonNode *
report_of (const char *host, const char *description, GError **error)
{
  g_autoptr (Client) client = client_new (host, error);
  g_autofree char *text =
      client != NULL ? client_call_text (client, "CheckDomain", description, error) : NULL;

  return text != NULL ? document_parse (text, "the other agent's report", FORMAT_REPORT, error) : NULL;
}

/* ---- printing ---- */

/* The source's address of the hostdev with @alias; "" when there is none. */
static const char *
find_source (JsonObject *domain, const char *alias)
{
  for (guint i = 0; i < document_n_elements (domain, "hostdevs"); i++)
    {
      JsonObject *hostdev = document_get_element (domain, "hostdevs", i);

      if (hostdev != NULL && g_str_equal (document_get_text (hostdev, "alias"), alias))
        return document_get_text (hostdev, "address");
    }
  return "";
}

/* Whether the finding that decided about @row will be shown among the verdict's. */
static gboolean
is_found (JsonObject *row)
{
  JsonObject *verdict = document_get_object (row, "verdict");

  for (guint i = 0; verdict != NULL && i < document_n_elements (verdict, "findings"); i++)
    {
      JsonObject *finding = document_get_element (verdict, "findings", i);

      if (finding != NULL
          && g_str_equal (document_get_text (finding, "rule"), document_get_text (row, "rule")))
        return TRUE;
    }
  return FALSE;
}

static void
add_row (Table *table, JsonObject *domain, JsonObject *row)
{
  const char *sentence = document_get_text (row, "sentence");
  g_autofree char *note = g_strdup_printf ("%s [%s]", sentence, document_get_text (row, "rule"));

  table_add (table, document_get_text (row, "alias"));
  table_add (table, find_source (domain, document_get_text (row, "alias")));
  table_add (table, document_get_text (row, "target"));
  table_add (table, document_get_text (row, "outcome"));
  if (*sentence != '\0' && !is_found (row))
    table_add_note (table, note);
}

static void
print_rows (JsonObject *domain, JsonObject *report)
{
  g_autoptr (Table) table = table_new (titles);

  for (guint i = 0; i < document_n_elements (report, "hostdevs"); i++)
    {
      JsonObject *row = document_get_element (report, "hostdevs", i);

      if (row != NULL)
        add_row (table, domain, row);
    }
  table_print (table);
}

/* The findings of every hostdev that has some. */
static void
print_findings (JsonObject *report)
{
  for (guint i = 0; i < document_n_elements (report, "hostdevs"); i++)
    {
      JsonObject *row = document_get_element (report, "hostdevs", i);
      JsonObject *verdict = row != NULL ? document_get_object (row, "verdict") : NULL;
      g_autofree char *alias = row != NULL ? text_clean (document_get_text (row, "alias")) : NULL;

      if (verdict == NULL || document_n_elements (verdict, "findings") == 0)
        continue;
      printf ("\nFindings about %s:\n", alias);
      findings_print (verdict);
    }
}

static void
print_report (JsonObject *domain, JsonObject *report, gboolean alone)
{
  g_autofree char *name = text_clean (document_get_text (domain, "name"));
  g_autofree char *host = text_clean (document_get_text (report, "host"));

  printf ("%s%s%s: %s\n", name, alone ? " on " : " → ", host, document_get_text (report, "outcome"));
  if (document_n_elements (report, "hostdevs") == 0)
    {
      puts ("It has no VFIO hostdevs.");
      return;
    }
  print_rows (domain, report);
  print_findings (report);
}

Status
check_run (const Call *call, GError **error)
{
  g_autoptr (Client) client = client_new (call->host, error);
  g_autofree char *text =
      client != NULL ? client_call_text (client, "DescribeDomain", call->words[0], error) : NULL;
  g_autoptr (JsonNode) domain =
      text != NULL ? document_parse (text, "the agent's description", FORMAT_DOMAIN, error) : NULL;
  g_autoptr (JsonNode) report = NULL;

  if (domain == NULL)
    return STATUS_FAILED;
  report = call->to != NULL ? report_of (call->to, text, error)
                            : report_alone (json_node_get_object (domain), call->host);
  if (report == NULL)
    return STATUS_FAILED;
  if (call->json)
    document_print (report);
  else
    print_report (json_node_get_object (domain), json_node_get_object (report), call->to == NULL);
  return status_of_outcome (document_get_text (json_node_get_object (report), "outcome"));
}
