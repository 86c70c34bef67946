/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <json-glib/json-glib.h>

/*
 * The same move, as the other host recorded it.
 */

#define MIGRATION_FORMAT "accmig-migration/1"

/**
 * peer_join:
 * @record: an accmig-migration/1 document. Its downtime and every device's outage become the figures of both
 * hosts' timelines together, and it gets a member "peer": the other document
 * @host: "[user@]host", where the other record is looked for
 * @error: NOT_FOUND when it has none
 */
gboolean peer_join (JsonObject *record, const char *host, GError **error);
