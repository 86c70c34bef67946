/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <json-glib/json-glib.h>

#include "hosts.h"

/*
 * Hosts a guest could move to, the best first: by outcome, then those where it would keep the addresses of
 * its devices, then those with fewer findings, then by name. Those that did not answer come last.
 */

/**
 * ranking_make:
 * @answers: (element-type HostAnswer): reports
 * @error: when no host has given a report
 * Returns: (transfer full) (nullable): an accmig-ranking/1 document
 */
JsonNode *ranking_make (GPtrArray *answers, JsonObject *domain, GError **error);

void ranking_print (JsonObject *ranking);
