/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <json-glib/json-glib.h>

/*
 * Members of JSON objects, read without trust: json-glib's own getters complain about a member of the wrong
 * type.
 */

/* (nullable): the member's text; NULL when it is missing or no string */
const char *json_members_get_string (JsonObject *object, const char *name);
/* 0 when it is missing or no integer */
gint64 json_members_get_int (JsonObject *object, const char *name);
gboolean json_members_get_boolean (JsonObject *object, const char *name);
/* (nullable) */
JsonObject *json_members_get_object (JsonObject *object, const char *name);
JsonArray *json_members_get_array (JsonObject *object, const char *name);
