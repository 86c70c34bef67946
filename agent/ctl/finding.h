/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <json-glib/json-glib.h>

/**
 * findings_print:
 * @verdict: as accmig_verdict_to_json() writes it
 * Prints a row for each finding, and below it its sentence and what can be done; nothing when there are none.
 */
void findings_print (JsonObject *verdict);
