// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Classes, for a person and for a program
 */

#include "fleet-class.h"

#include <stdio.h>
#include <string.h>

#include "text.h"

#define DIGITS       12 /* of a digest: two of a thousand classes meet with a probability of 2^-29 */
#define TRAIT_PREFIX "CUSTOM_ACCMIG"

char *
fleet_class_label (const AccmigFleetClass *class)
{
  return g_strdup_printf ("%s/%.*s", class->family, DIGITS, class->digest);
}

/* As os-traits does it: upper-case, and one underscore for any run of what is neither letter nor digit. */
char *
fleet_class_trait (const AccmigFleetClass *class)
{
  g_autofree char *label = fleet_class_label (class);
  GString *trait = g_string_new (TRAIT_PREFIX "_");

  for (const char *c = label; *c != '\0'; c++)
    if (g_ascii_isalnum (*c))
      g_string_append_c (trait, g_ascii_toupper (*c));
    else if (trait->str[trait->len - 1] != '_')
      g_string_append_c (trait, '_');
  return g_string_free (trait, FALSE);
}

gsize
fleet_class_next_family (const AccmigFleet *fleet, gsize index)
{
  const char *family = accmig_fleet_get_class (fleet, index)->family;

  while (index < accmig_fleet_get_n_classes (fleet)
         && g_str_equal (accmig_fleet_get_class (fleet, index)->family, family))
    index++;
  return index;
}

/* ---- JSON ---- */

void
fleet_add_text (JsonBuilder *builder, const char *name, const char *value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_string_value (builder, value);
}

void
fleet_add_number (JsonBuilder *builder, const char *name, guint64 value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_int_value (builder, (gint64)value);
}

void
fleet_add_names (JsonBuilder *builder, const char *name, const char *const *names, gsize n)
{
  json_builder_set_member_name (builder, name);
  json_builder_begin_array (builder);
  for (gsize i = 0; i < n; i++)
    json_builder_add_string_value (builder, names[i]);
  json_builder_end_array (builder);
}

void
fleet_add_finding (JsonBuilder *builder, const AccmigFinding *finding)
{
  json_builder_begin_object (builder);
  fleet_add_text (builder, "rule", finding->rule);
  fleet_add_text (builder, "severity", accmig_severity_to_string (finding->severity));
  fleet_add_text (builder, "field", finding->field);
  fleet_add_text (builder, "source", finding->source_value);
  fleet_add_text (builder, "target", finding->target_value);
  fleet_add_text (builder, "sentence", finding->sentence);
  fleet_add_text (builder, "remedy", finding->remedy);
  json_builder_end_object (builder);
}

void
fleet_add_left_out (JsonBuilder *builder, const GPtrArray *left_out)
{
  json_builder_set_member_name (builder, "left-out");
  json_builder_begin_array (builder);
  for (guint i = 0; i < left_out->len; i++)
    {
      const LeftOut *one = left_out->pdata[i];

      json_builder_begin_object (builder);
      fleet_add_text (builder, "name", one->name);
      fleet_add_text (builder, "cause", one->cause);
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);
}

/* ---- tables ---- */

void
fleet_table_names (Table *table, const char *const *names, gsize n)
{
  g_autoptr (GString) line = g_string_new (NULL);

  for (gsize i = 0; i < n; i++)
    g_string_append_printf (line, "%s%s", i > 0 ? " " : "", names[i]);
  table_add (table, line->str);
}

void
fleet_table_number (Table *table, guint64 number)
{
  table_take (table, g_strdup_printf ("%" G_GUINT64_FORMAT, number));
}

void
fleet_print_left_out (const GPtrArray *left_out)
{
  if (left_out->len > 0)
    puts ("\nLeft out:");
  for (guint i = 0; i < left_out->len; i++)
    {
      const LeftOut *one = left_out->pdata[i];
      g_autofree char *line = g_strdup_printf ("%s: %s", one->name, one->cause);

      text_print_wrapped (line, 2);
    }
}
