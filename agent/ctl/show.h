/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <json-glib/json-glib.h>

/** show_print_summary: prints what matters of @record, an accmig-migration/1 document: no single moments */
void show_print_summary (JsonObject *record);
