// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * accmigctl check
 *
 * With --to: what the gate of that host would say, from its own mouth; with several hosts, which of them is
 * the best. Without: whether the guest can be migrated at all. For that each of its devices is held against
 * itself, so that what remains is what would stand in the way everywhere: a driver that offers no migration,
 * a profile that does not say.
 */

#include "call.h"

#include "client.h"
#include "document.h"
#include "hosts.h"
#include "ranking.h"
#include "report.h"

#define FORMAT_DOMAIN "accmig-domain/1"

/* ---- asking ---- */

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

/* ---- one host, or none ---- */

static Status
check_one (const Call *call, const char *host, const char *description, JsonObject *domain, GError **error)
{
  g_autofree char *text = host != NULL ? ask (host, description, call->trial, error) : NULL;
  g_autoptr (JsonNode) report = NULL;

  if (host == NULL)
    report = report_alone (domain, call->host);
  else if (text != NULL)
    report = report_parse (text, domain, error);
  if (report == NULL)
    return STATUS_FAILED;
  if (call->json)
    document_print (report);
  else
    report_print (json_node_get_object (report), domain, host == NULL);
  return status_of_outcome (document_get_text (json_node_get_object (report), "outcome"));
}

/* ---- several ---- */

static Status
check_many (const Call *call, char *const *hosts, const char *description, JsonObject *domain, GError **error)
{
  g_autoptr (GPtrArray) answers =
      hosts_ask (hosts, call->trial ? ask_for_trial : ask_on_paper, description, HOSTS_LIMIT_USEC);
  g_autoptr (JsonNode) ranking = ranking_make (answers, domain, error);

  if (ranking == NULL)
    return STATUS_FAILED;
  if (call->json)
    document_print (ranking);
  else
    ranking_print (json_node_get_object (ranking));
  return status_of_outcome (document_get_text (json_node_get_object (ranking), "outcome"));
}

Status
check_run (const Call *call, GError **error)
{
  g_auto (GStrv) hosts = call->to != NULL ? hosts_split (call->to, error) : NULL;
  g_autoptr (Client) client = NULL;
  g_autofree char *text = NULL;
  g_autoptr (JsonNode) domain = NULL;

  if (call->to != NULL && hosts == NULL)
    return STATUS_USAGE;
  client = client_new (call->host, error);
  text = client != NULL ? client_call_text (client, "DescribeDomain", call->words[0], error) : NULL;
  domain = text != NULL ? document_parse (text, "the agent's description", FORMAT_DOMAIN, error) : NULL;
  if (domain == NULL)
    return STATUS_FAILED;
  if (hosts != NULL && hosts[1] != NULL)
    return check_many (call, hosts, text, json_node_get_object (domain), error);
  return check_one (call, hosts != NULL ? hosts[0] : NULL, text, json_node_get_object (domain), error);
}
