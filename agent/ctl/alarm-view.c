// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One alarm, for the verbs that show them.
 */

#include "alarm-view.h"

#include "document.h"

static const Member members[] = {
  { "Kind", "kind" },
  { "Domain", "domain" },
  { "DomainUuid", "uuid" },
  { "Device", "device" },
  { "Migration", "migration" },
  { "RaisedUSec", "raised-usec" },
  { "ClearedUSec", "cleared-usec" },
  { "Sentence", "sentence" },
  { "Advice", "advice" },
  { "Outcome", "outcome" },
};

void
alarm_view_build (JsonBuilder *builder, GVariant *alarm)
{
  document_add_properties (builder, alarm, members, G_N_ELEMENTS (members));
}

const char *
alarm_view_get_text (GVariant *alarm, const char *key)
{
  const char *text = "";

  (void)g_variant_lookup (alarm, key, "&s", &text);
  return text;
}
