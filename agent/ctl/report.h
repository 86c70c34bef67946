/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <json-glib/json-glib.h>

/*
 * Reports (accmig-report/1): whether a guest can move to one host, hostdev by hostdev.
 *
 * An agent's report is what it would say at its gate. Here it gets two members more: "transfer", how much
 * state the devices will send, as far as the source's profiles say; and "remedies", what would have to
 * change.
 */

/**
 * report_alone:
 * @domain: an agent's description of it
 * @host: (nullable): whose agent that was
 * Returns: (transfer full): what would stand in the way on any host, for which each device is held against
 * itself
 */
JsonNode *report_alone (JsonObject *domain, const char *host);

/**
 * report_parse:
 * @text: an agent's report
 * @domain: what it is about
 * Returns: (transfer full) (nullable)
 */
JsonNode *report_parse (const char *text, JsonObject *domain, GError **error);

/**
 * report_print:
 * @alone: whether it is one of report_alone()
 */
void report_print (JsonObject *report, JsonObject *domain, gboolean alone);
