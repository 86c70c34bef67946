/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <json-glib/json-glib.h>

/*
 * One alarm as the agent tells it, a{sv} with the keys of ListAlarms.
 */

/* The members of the object that is being built. */
void alarm_view_build (JsonBuilder *builder, GVariant *alarm);

/** alarm_view_get_text: Returns: (transfer none): "" when there is none */
const char *alarm_view_get_text (GVariant *alarm, const char *key);
