// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The check before a migration
 *
 * The gate of the destination asks the same again when libvirt does, and it alone reserves. Asked before, it
 * costs a guest that cannot move no more than a question.
 */

#include "migrate-check.h"

#include <accmig/compat.h>
#include <accmig/error.h>
#include <stdio.h>

#include "call.h"
#include "client.h"
#include "document.h"
#include "hosts.h"
#include "report.h"
#include "text.h"

#define FORMAT_DOMAIN "accmig-domain/1"

/* The reasons for an outcome. */
typedef struct
{
  char *first; /* (nullable): "hostdev0: sentence [rule]" */
  guint n;
} Reasons;

static char *
ask (const char *host, const char *description, gboolean trial, GError **error)
{
  g_autoptr (Client) client = client_new (host, error);

  return client != NULL ? client_check_domain (client, description, trial, error) : NULL;
}

static char *
ask_on_paper (const char *host, const char *description, GError **error)
{
  return ask (host, description, FALSE, error);
}

static char *
ask_for_trial (const char *host, const char *description, GError **error)
{
  return ask (host, description, TRUE, error);
}

/* ---- reasons ---- */

/* @object: what has "sentence" and "rule": a hostdev's row, or a finding about the guest */
static void
add_reason (Reasons *reasons, const char *whose, JsonObject *object)
{
  if (reasons->n++ == 0)
    reasons->first = g_strdup_printf ("%s: %s [%s]", whose, document_get_text (object, "sentence"),
                                      document_get_text (object, "rule"));
}

static void
add_hostdevs (Reasons *reasons, JsonObject *report, const char *outcome)
{
  for (guint i = 0; i < document_n_elements (report, "hostdevs"); i++)
    {
      JsonObject *row = document_get_element (report, "hostdevs", i);

      if (row != NULL && g_str_equal (document_get_text (row, "outcome"), outcome))
        add_reason (reasons, document_get_text (row, "alias"), row);
    }
}

/* @severity: of the findings that lead to that outcome */
static void
add_guest (Reasons *reasons, JsonObject *report, const char *severity)
{
  JsonObject *guest = document_get_object (report, "guest");

  for (guint i = 0; guest != NULL && i < document_n_elements (guest, "findings"); i++)
    {
      JsonObject *finding = document_get_element (guest, "findings", i);

      if (finding != NULL && g_str_equal (document_get_text (finding, "severity"), severity))
        add_reason (reasons, "guest", finding);
    }
}

/* (transfer full): the first reason for @outcome, and how many there are besides */
static char *
describe (JsonObject *report, const char *outcome, AccmigSeverity severity)
{
  Reasons reasons = { 0 };
  g_autofree char *first = NULL;

  add_hostdevs (&reasons, report, outcome);
  add_guest (&reasons, report, accmig_severity_to_string (severity));
  if (reasons.n == 0)
    return g_strdup ("the report does not say why");
  first = reasons.first;
  if (reasons.n > 1)
    return g_strdup_printf ("%s (and %u more; accmigctl check lists them)", first, reasons.n - 1);
  return g_steal_pointer (&first);
}

static gboolean
judge (JsonObject *report, const char *domain, const char *host, GError **error)
{
  const char *outcome = document_get_text (report, "outcome");
  g_autofree char *why = NULL;
  g_autofree char *line = NULL;

  switch (status_of_outcome (outcome))
    {
    case STATUS_DONE:
      return TRUE;
    case STATUS_REFUSED:
      why = describe (report, outcome, ACCMIG_SEVERITY_REFUSE);
      g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_REFUSED, "“%s” cannot move to %s: %s", domain, host,
                   why);
      return FALSE;
    default:
      why = describe (report, outcome, ACCMIG_SEVERITY_UNKNOWN);
      line = text_clean (why);
      fprintf (stderr, "accmigctl: warning: whether “%s” can move to %s is not known, its gate decides: %s\n",
               domain, host, line);
      return TRUE;
    }
}

/* ---- asking ---- */

/* (nullable) (transfer full): what this host's agent says of @domain */
static JsonNode *
describe_domain (const char *domain, char **ret_text, GError **error)
{
  g_autoptr (Client) client = client_new (NULL, error);
  g_autofree char *text = client != NULL ? client_call_text (client, "DescribeDomain", domain, error) : NULL;
  JsonNode *node =
      text != NULL ? document_parse (text, "the agent's description", FORMAT_DOMAIN, error) : NULL;

  if (node != NULL)
    *ret_text = g_steal_pointer (&text);
  return node;
}

gboolean
migrate_check (const char *domain, const char *host, gboolean trial, GError **error)
{
  char *hosts[] = { (char *)host, NULL };
  g_autofree char *description = NULL;
  g_autoptr (JsonNode) node = describe_domain (domain, &description, error);
  g_autoptr (GPtrArray) answers = NULL;
  g_autoptr (JsonNode) report = NULL;
  HostAnswer *answer = NULL;

  if (node == NULL)
    return FALSE;
  answers = hosts_ask (hosts, trial ? ask_for_trial : ask_on_paper, description, HOSTS_LIMIT_USEC);
  answer = answers->pdata[0];
  if (answer->error != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&answer->error));
      return FALSE;
    }
  report = report_parse (answer->text, json_node_get_object (node), error);
  return report != NULL && judge (json_node_get_object (report), domain, host, error);
}
