// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * accmigctl fleet
 *
 * Who can exchange guests with whom, what keeps them apart, and where guests can go but not come back. The
 * library finds the classes; here they are shown.
 */

#include "call.h"

#include <accmig/fleet.h>
#include <stdio.h>

#include "document.h"
#include "fleet-class.h"
#include "fleet-source.h"
#include "fleet-splits.h"
#include "table.h"
#include "text.h"

#define FORMAT "accmig-fleet/1"

static const char *const class_titles[] = { "CLASS", "HOSTS", "PROFILES", "GROUPS", "NAMES", NULL };
static const char *const split_titles[] = { "RULE", "VALUE", "CLASSES", NULL };

/* Of a group in no class: why it cannot even send to its own like. */
static AccmigVerdict *
explain (const AccmigFleetGroup *group)
{
  return accmig_compat_check (group->profile, group->profile, ACCMIG_COMPAT_NONE);
}

/* ---- JSON ---- */

static void
add_groups (JsonBuilder *builder, const AccmigFleet *fleet, const AccmigFleetClass *class)
{
  json_builder_set_member_name (builder, "groups");
  json_builder_begin_array (builder);
  for (gsize i = 0; i < class->n_groups; i++)
    {
      const AccmigFleetGroup *group = accmig_fleet_get_group (fleet, class->groups[i]);

      json_builder_begin_object (builder);
      fleet_add_text (builder, "signature", group->signature);
      fleet_add_text (builder, "host", group->host);
      fleet_add_text (builder, "address", accmig_profile_get_address (group->profile));
      fleet_add_number (builder, "profiles", group->n_profiles);
      fleet_add_names (builder, "hosts", group->hosts, group->n_hosts);
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);
}

static void
add_classes (JsonBuilder *builder, const AccmigFleet *fleet)
{
  json_builder_set_member_name (builder, "classes");
  json_builder_begin_array (builder);
  for (gsize i = 0; i < accmig_fleet_get_n_classes (fleet); i++)
    {
      const AccmigFleetClass *class = accmig_fleet_get_class (fleet, i);
      g_autofree char *label = fleet_class_label (class);
      g_autofree char *trait = fleet_class_trait (class);

      json_builder_begin_object (builder);
      fleet_add_text (builder, "class", label);
      fleet_add_text (builder, "family", class->family);
      fleet_add_text (builder, "digest", class->digest);
      fleet_add_text (builder, "trait", trait);
      fleet_add_number (builder, "profiles", class->n_profiles);
      fleet_add_names (builder, "hosts", class->hosts, class->n_hosts);
      add_groups (builder, fleet, class);
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);
}

static void
add_outside (JsonBuilder *builder, const AccmigFleetGroup *group)
{
  g_autoptr (AccmigVerdict) verdict = explain (group);
  const AccmigFinding *decisive = accmig_verdict_get_decisive (verdict);

  json_builder_begin_object (builder);
  fleet_add_text (builder, "family", accmig_profile_get_family (group->profile));
  fleet_add_text (builder, "host", group->host);
  fleet_add_text (builder, "address", accmig_profile_get_address (group->profile));
  fleet_add_number (builder, "profiles", group->n_profiles);
  fleet_add_names (builder, "hosts", group->hosts, group->n_hosts);
  json_builder_set_member_name (builder, "finding");
  fleet_add_finding (builder, decisive);
  json_builder_end_object (builder);
}

static void
add_all_outside (JsonBuilder *builder, const AccmigFleet *fleet)
{
  json_builder_set_member_name (builder, "outside");
  json_builder_begin_array (builder);
  for (gsize i = 0; i < accmig_fleet_get_n_groups (fleet); i++)
    if (accmig_fleet_get_group (fleet, i)->class_index < 0)
      add_outside (builder, accmig_fleet_get_group (fleet, i));
  json_builder_end_array (builder);
}

/* ---- pairs of classes ---- */

/* @from can send to @to. */
typedef struct
{
  const AccmigFleetClass *from;
  const AccmigFleetClass *to;
  gboolean all; /* else only in part */
} Reach;

/* (transfer full): of two classes of one family, [first, end) */
static GArray *
find_reaches (const AccmigFleet *fleet, gsize first, gsize end)
{
  GArray *reaches = g_array_new (FALSE, FALSE, sizeof (Reach));

  for (gsize from = first; from < end; from++)
    for (gsize to = first; to < end; to++)
      {
        AccmigFleetReach reach =
            from != to ? accmig_fleet_get_reach (fleet, from, to) : ACCMIG_FLEET_REACH_NONE;
        const Reach one = { accmig_fleet_get_class (fleet, from), accmig_fleet_get_class (fleet, to),
                            reach == ACCMIG_FLEET_REACH_ALL };

        if (reach != ACCMIG_FLEET_REACH_NONE)
          g_array_append_val (reaches, one);
      }
  return reaches;
}

static void
add_reaches (JsonBuilder *builder, const GArray *reaches)
{
  for (guint i = 0; i < reaches->len; i++)
    {
      const Reach *reach = &g_array_index (reaches, Reach, i);
      g_autofree char *from = fleet_class_label (reach->from);
      g_autofree char *to = fleet_class_label (reach->to);

      json_builder_begin_object (builder);
      fleet_add_text (builder, "from", from);
      fleet_add_text (builder, "to", to);
      json_builder_set_member_name (builder, "all");
      json_builder_add_boolean_value (builder, reach->all);
      json_builder_end_object (builder);
    }
}

static void
add_directions (JsonBuilder *builder, const AccmigFleet *fleet)
{
  json_builder_set_member_name (builder, "directions");
  json_builder_begin_array (builder);
  for (gsize first = 0, end = 0; first < accmig_fleet_get_n_classes (fleet); first = end)
    {
      g_autoptr (GArray) reaches = NULL;

      end = fleet_class_next_family (fleet, first);
      reaches = find_reaches (fleet, first, end);
      add_reaches (builder, reaches);
    }
  json_builder_end_array (builder);
}

/* ---- splits ---- */

/* The classes, from @first of the family, that have @value where @split looks. */
static GPtrArray *
labels_with (const AccmigFleet *fleet, gsize first, const FleetSplit *split, const char *value)
{
  GPtrArray *labels = g_ptr_array_new_with_free_func (g_free);

  for (gsize i = 0; i < split->n_values; i++)
    if (g_strcmp0 (split->values[i], value) == 0)
      g_ptr_array_add (labels, fleet_class_label (accmig_fleet_get_class (fleet, first + i)));
  return labels;
}

/* Whether the value of class @index was not seen before it. */
static gboolean
is_new_value (const FleetSplit *split, gsize index)
{
  if (split->values[index] == NULL)
    return FALSE;
  for (gsize i = 0; i < index; i++)
    if (g_strcmp0 (split->values[i], split->values[index]) == 0)
      return FALSE;
  return TRUE;
}

static void
add_split (JsonBuilder *builder, const AccmigFleet *fleet, gsize first, const FleetSplit *split)
{
  json_builder_begin_object (builder);
  fleet_add_text (builder, "rule", split->rule);
  fleet_add_text (builder, "field", split->field);
  json_builder_set_member_name (builder, "values");
  json_builder_begin_array (builder);
  for (gsize i = 0; i < split->n_values; i++)
    if (is_new_value (split, i))
      {
        g_autoptr (GPtrArray) labels = labels_with (fleet, first, split, split->values[i]);

        json_builder_begin_object (builder);
        fleet_add_text (builder, "value", split->values[i]);
        fleet_add_names (builder, "classes", (const char *const *)labels->pdata, labels->len);
        json_builder_end_object (builder);
      }
  json_builder_end_array (builder);
  json_builder_end_object (builder);
}

static void
add_splits (JsonBuilder *builder, const AccmigFleet *fleet)
{
  json_builder_set_member_name (builder, "splits");
  json_builder_begin_array (builder);
  for (gsize first = 0, end = 0; first < accmig_fleet_get_n_classes (fleet); first = end)
    {
      g_autoptr (GPtrArray) splits = NULL;

      end = fleet_class_next_family (fleet, first);
      splits = fleet_splits_find (fleet, first, end);
      for (guint i = 0; i < splits->len; i++)
        add_split (builder, fleet, first, splits->pdata[i]);
    }
  json_builder_end_array (builder);
}

static void
print_json (const AccmigFleet *fleet, const GPtrArray *left_out)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();

  json_builder_begin_object (builder);
  fleet_add_text (builder, "format", FORMAT);
  fleet_add_number (builder, "profiles", accmig_fleet_get_n_profiles (fleet));
  fleet_add_number (builder, "hosts", accmig_fleet_get_n_hosts (fleet));
  fleet_add_number (builder, "groups", accmig_fleet_get_n_groups (fleet));
  add_classes (builder, fleet);
  add_directions (builder, fleet);
  add_splits (builder, fleet);
  add_all_outside (builder, fleet);
  fleet_add_left_out (builder, left_out);
  json_builder_end_object (builder);
  document_print_built (builder);
}

/* ---- for a person ---- */

static void
print_classes (const AccmigFleet *fleet)
{
  g_autoptr (Table) table = table_new (class_titles);

  for (gsize i = 0; i < accmig_fleet_get_n_classes (fleet); i++)
    {
      const AccmigFleetClass *class = accmig_fleet_get_class (fleet, i);

      table_take (table, fleet_class_label (class));
      fleet_table_number (table, class->n_hosts);
      fleet_table_number (table, class->n_profiles);
      fleet_table_number (table, class->n_groups);
      fleet_table_names (table, class->hosts, class->n_hosts);
    }
  for (gsize i = 0; i < accmig_fleet_get_n_groups (fleet); i++)
    {
      const AccmigFleetGroup *group = accmig_fleet_get_group (fleet, i);
      g_autoptr (AccmigVerdict) verdict = group->class_index < 0 ? explain (group) : NULL;
      g_autofree char *note = NULL;

      if (verdict == NULL)
        continue;
      note = g_strdup_printf ("as %s on %s: %s [%s]", accmig_profile_get_address (group->profile),
                              group->host, accmig_verdict_get_decisive (verdict)->sentence,
                              accmig_verdict_get_decisive (verdict)->rule);
      table_take (table, g_strdup_printf ("%s, none", accmig_profile_get_family (group->profile)));
      fleet_table_number (table, group->n_hosts);
      fleet_table_number (table, group->n_profiles);
      fleet_table_number (table, 1);
      fleet_table_names (table, group->hosts, group->n_hosts);
      table_add_note (table, note);
    }
  table_print (table);
}

static void
print_directions (const AccmigFleet *fleet, gsize first, gsize end)
{
  g_autoptr (GArray) reaches = find_reaches (fleet, first, end);

  if (reaches->len > 0)
    puts ("\nOne way:");
  for (guint i = 0; i < reaches->len; i++)
    {
      const Reach *reach = &g_array_index (reaches, Reach, i);
      g_autofree char *from = fleet_class_label (reach->from);
      g_autofree char *to = fleet_class_label (reach->to);

      printf ("  %s → %s%s\n", from, to, reach->all ? "" : ", in part");
    }
}

static void
print_split (Table *table, const AccmigFleet *fleet, gsize first, const FleetSplit *split)
{
  for (gsize i = 0; i < split->n_values; i++)
    if (is_new_value (split, i))
      {
        g_autoptr (GPtrArray) labels = labels_with (fleet, first, split, split->values[i]);

        table_add (table, split->rule);
        table_add (table, split->values[i]);
        fleet_table_names (table, (const char *const *)labels->pdata, labels->len);
      }
}

static void
print_splits (const AccmigFleet *fleet, gsize first, gsize end)
{
  g_autoptr (GPtrArray) splits = fleet_splits_find (fleet, first, end);
  g_autoptr (Table) table = table_new (split_titles);

  if (splits->len == 0)
    return;
  printf ("\nWhat splits %s:\n", accmig_fleet_get_class (fleet, first)->family);
  for (guint i = 0; i < splits->len; i++)
    print_split (table, fleet, first, splits->pdata[i]);
  table_print (table);
}

static void
print_fleet (const AccmigFleet *fleet)
{
  printf ("%" G_GUINT64_FORMAT " profiles of %zu hosts; the rules can tell %zu apart.\n\n",
          accmig_fleet_get_n_profiles (fleet), accmig_fleet_get_n_hosts (fleet),
          accmig_fleet_get_n_groups (fleet));
  print_classes (fleet);
  for (gsize first = 0, end = 0; first < accmig_fleet_get_n_classes (fleet); first = end)
    {
      end = fleet_class_next_family (fleet, first);
      print_directions (fleet, first, end);
      print_splits (fleet, first, end);
    }
}

Status
fleet_run (const Call *call, GError **error)
{
  g_autoptr (GPtrArray) left_out = NULL;
  g_autoptr (AccmigFleet) fleet = fleet_source_read (call->words[0], &left_out, error);

  if (fleet == NULL)
    return STATUS_FAILED;
  if (call->json)
    print_json (fleet, left_out);
  else
    {
      print_fleet (fleet);
      fleet_print_left_out (left_out);
    }
  return left_out->len == 0 ? STATUS_DONE : STATUS_UNKNOWN;
}
