// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The report of an assessment
 *
 * { "format", "host", "domain", "outcome", "expires", "hostdevs": [ { "alias", "named", "target", "remapped",
 * "outcome", "verdict", "sentence", "rule" } ], "guest": { "outcome", "findings": [ … ] } }: what the gate
 * would say now. The findings are a verdict's.
 */

#include "assessment.h"

#include <json-glib/json-glib.h>

#define REPORT_FORMAT "accmig-report/1"
/* How long a report may be relied on: devices come and go, and nothing was reserved for whoever asked. */
#define REPORT_VALID_USEC (60 * G_USEC_PER_SEC)

static void
add_string (JsonBuilder *builder, const char *name, const char *value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_string_value (builder, value);
}

static void
add_row (JsonBuilder *builder, const AssessmentRow *row)
{
  json_builder_begin_object (builder);
  add_string (builder, "alias", row->alias);
  add_string (builder, "named", row->named);
  add_string (builder, "target", row->address);
  json_builder_set_member_name (builder, "remapped");
  json_builder_add_boolean_value (builder, row->remapped);
  add_string (builder, "outcome", accmig_outcome_to_string (row->outcome));
  json_builder_set_member_name (builder, "verdict");
  if (row->verdict != NULL)
    {
      g_autofree char *text = accmig_verdict_to_json (row->verdict);

      json_builder_add_value (builder, json_from_string (text, NULL));
    }
  else
    json_builder_add_null_value (builder);
  add_string (builder, "sentence", row->sentence);
  add_string (builder, "rule", row->rule);
  json_builder_end_object (builder);
}

char *
assessment_to_json (const Assessment *self)
{
  g_autoptr (JsonBuilder) builder = json_builder_new_immutable ();
  g_autoptr (JsonNode) root = NULL;
  g_autofree char *guest = NULL;

  json_builder_begin_object (builder);
  add_string (builder, "format", REPORT_FORMAT);
  add_string (builder, "host", g_get_host_name ());
  add_string (builder, "domain", assessment_get_domain (self));
  add_string (builder, "outcome", accmig_outcome_to_string (assessment_get_outcome (self)));
  json_builder_set_member_name (builder, "expires");
  json_builder_add_int_value (builder, g_get_real_time () + REPORT_VALID_USEC);
  json_builder_set_member_name (builder, "hostdevs");
  json_builder_begin_array (builder);
  for (gsize i = 0; i < assessment_get_n_rows (self); i++)
    {
      const AssessmentRow row = assessment_get_row (self, i);

      add_row (builder, &row);
    }
  json_builder_end_array (builder);
  guest = accmig_verdict_to_json (assessment_get_guest (self));
  json_builder_set_member_name (builder, "guest");
  json_builder_add_value (builder, json_from_string (guest, NULL));
  json_builder_end_object (builder);
  root = json_builder_get_root (builder);
  return json_to_string (root, FALSE);
}
