// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * accmigctl fleet baseline
 *
 * For each family its largest class, and what every host without a device of that class would have to change
 * to have one. A host may have several groups that are not in it (the last VF of a PF often has more queues
 * than the others); it is judged by the one that lacks least. Hosts that are judged by the same group are
 * shown together, for they have to change the same.
 */

#include "call.h"

#include <accmig/fleet.h>
#include <stdio.h>
#include <string.h>

#include "document.h"
#include "fleet-class.h"
#include "fleet-source.h"
#include "table.h"
#include "text.h"

#define FORMAT "accmig-baseline/1"

static const char *const titles[] = { "RULE", "HERE", "BASELINE", NULL };

/* One rule that a group does not keep towards the baseline. */
typedef struct
{
  const AccmigFinding *finding;
  gboolean as_source; /* the group is the source in it */
} Lack;

/* What one group lacks, and the hosts that are judged by it. */
typedef struct
{
  const AccmigFleetGroup *group;
  AccmigVerdict *as_source;
  AccmigVerdict *as_target;
  GArray *lacks;    /* of Lack */
  GPtrArray *hosts; /* sorted */
} Change;

/* A family. */
typedef struct
{
  const AccmigFleetClass *class;
  const AccmigFleetGroup *example; /* of the class */
  GPtrArray *changes;              /* of Change */
} Baseline;

static void
change_free (gpointer data)
{
  Change *change = data;

  accmig_verdict_free (change->as_source);
  accmig_verdict_free (change->as_target);
  g_array_unref (change->lacks);
  g_ptr_array_unref (change->hosts);
  g_free (change);
}

static void
baseline_free (gpointer data)
{
  Baseline *baseline = data;

  g_ptr_array_unref (baseline->changes);
  g_free (baseline);
}

/* ---- working it out ---- */

static gboolean
is_lacking (const GArray *lacks, const char *rule)
{
  for (guint i = 0; i < lacks->len; i++)
    if (g_str_equal (g_array_index (lacks, Lack, i).finding->rule, rule))
      return TRUE;
  return FALSE;
}

/* What keeps a guest from moving in this direction; a rule that did so in the other one is said already. */
static void
collect (GArray *lacks, const AccmigVerdict *verdict, gboolean as_source)
{
  for (gsize i = 0; i < accmig_verdict_get_n_findings (verdict); i++)
    {
      const Lack lack = { accmig_verdict_get_finding (verdict, i), as_source };

      if (lack.finding->severity >= ACCMIG_SEVERITY_UNKNOWN && !is_lacking (lacks, lack.finding->rule))
        g_array_append_val (lacks, lack);
    }
}

static Change *
change_new (const AccmigFleetGroup *group, const AccmigFleetGroup *example)
{
  Change *change = g_new0 (Change, 1);

  change->group = group;
  change->as_target = accmig_compat_check (example->profile, group->profile, ACCMIG_COMPAT_NONE);
  change->as_source = accmig_compat_check (group->profile, example->profile, ACCMIG_COMPAT_NONE);
  change->lacks = g_array_new (FALSE, FALSE, sizeof (Lack));
  change->hosts = g_ptr_array_new ();
  collect (change->lacks, change->as_target, FALSE);
  collect (change->lacks, change->as_source, TRUE);
  return change;
}

/* Least first; of two equal ones that of more hosts, which is how groups are sorted. */
static int
compare_changes (gconstpointer a, gconstpointer b)
{
  const Change *first = *(const Change *const *)a, *second = *(const Change *const *)b;

  return (first->lacks->len > second->lacks->len) - (first->lacks->len < second->lacks->len);
}

/* Gives each host to the first change that has it; those that nobody is left for are dropped. */
static void
assign_hosts (Baseline *self)
{
  g_autoptr (GHashTable) settled = g_hash_table_new (g_str_hash, g_str_equal);
  guint i = 0;

  for (gsize h = 0; h < self->class->n_hosts; h++)
    g_hash_table_add (settled, (gpointer)self->class->hosts[h]);
  while (i < self->changes->len)
    {
      Change *change = self->changes->pdata[i];

      for (gsize h = 0; h < change->group->n_hosts; h++)
        if (g_hash_table_add (settled, (gpointer)change->group->hosts[h]))
          g_ptr_array_add (change->hosts, (gpointer)change->group->hosts[h]);
      if (change->hosts->len > 0)
        i++;
      else
        g_ptr_array_remove_index (self->changes, i);
    }
}

/* @index: of the family's first class, which is its largest */
static Baseline *
baseline_new (const AccmigFleet *fleet, gsize index)
{
  Baseline *self = g_new0 (Baseline, 1);

  self->class = accmig_fleet_get_class (fleet, index);
  self->example = accmig_fleet_get_group (fleet, self->class->groups[0]);
  self->changes = g_ptr_array_new_with_free_func (change_free);
  for (gsize i = 0; i < accmig_fleet_get_n_groups (fleet); i++)
    {
      const AccmigFleetGroup *group = accmig_fleet_get_group (fleet, i);

      if (group->class_index != (gssize)index
          && g_str_equal (accmig_profile_get_family (group->profile), self->class->family))
        g_ptr_array_add (self->changes, change_new (group, self->example));
    }
  g_ptr_array_sort (self->changes, compare_changes);
  assign_hosts (self);
  return self;
}

static GPtrArray *
find_baselines (const AccmigFleet *fleet)
{
  GPtrArray *baselines = g_ptr_array_new_with_free_func (baseline_free);

  for (gsize i = 0; i < accmig_fleet_get_n_classes (fleet); i = fleet_class_next_family (fleet, i))
    g_ptr_array_add (baselines, baseline_new (fleet, i));
  return baselines;
}

/* ---- JSON ---- */

static void
add_example (JsonBuilder *builder, const AccmigFleetGroup *group)
{
  fleet_add_text (builder, "host", group->host);
  fleet_add_text (builder, "address", accmig_profile_get_address (group->profile));
}

static void
add_change (JsonBuilder *builder, const Change *change)
{
  json_builder_begin_object (builder);
  fleet_add_names (builder, "hosts", (const char *const *)change->hosts->pdata, change->hosts->len);
  json_builder_set_member_name (builder, "like");
  json_builder_begin_object (builder);
  add_example (builder, change->group);
  json_builder_end_object (builder);
  json_builder_set_member_name (builder, "findings");
  json_builder_begin_array (builder);
  for (guint i = 0; i < change->lacks->len; i++)
    fleet_add_finding (builder, g_array_index (change->lacks, Lack, i).finding);
  json_builder_end_array (builder);
  json_builder_end_object (builder);
}

static void
add_baseline (JsonBuilder *builder, const Baseline *baseline)
{
  g_autofree char *label = fleet_class_label (baseline->class);

  json_builder_begin_object (builder);
  fleet_add_text (builder, "family", baseline->class->family);
  fleet_add_text (builder, "class", label);
  fleet_add_names (builder, "hosts", baseline->class->hosts, baseline->class->n_hosts);
  json_builder_set_member_name (builder, "like");
  json_builder_begin_object (builder);
  add_example (builder, baseline->example);
  json_builder_end_object (builder);
  json_builder_set_member_name (builder, "changes");
  json_builder_begin_array (builder);
  for (guint i = 0; i < baseline->changes->len; i++)
    add_change (builder, baseline->changes->pdata[i]);
  json_builder_end_array (builder);
  json_builder_end_object (builder);
}

static void
print_json (const GPtrArray *baselines, const GPtrArray *left_out)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();

  json_builder_begin_object (builder);
  fleet_add_text (builder, "format", FORMAT);
  json_builder_set_member_name (builder, "baselines");
  json_builder_begin_array (builder);
  for (guint i = 0; i < baselines->len; i++)
    add_baseline (builder, baselines->pdata[i]);
  json_builder_end_array (builder);
  fleet_add_left_out (builder, left_out);
  json_builder_end_object (builder);
  document_print_built (builder);
}

/* ---- for a person ---- */

static void
print_names (const char *head, const GPtrArray *names)
{
  g_autoptr (GString) line = g_string_new (head);

  for (guint i = 0; i < names->len; i++)
    g_string_append_printf (line, " %s", (const char *)names->pdata[i]);
  text_print_wrapped (line->str, 0);
}

static void
print_change (const Change *change)
{
  g_autoptr (Table) table = table_new (titles);
  g_autofree char *head =
      g_strdup_printf ("As %s on %s,", accmig_profile_get_address (change->group->profile),
                       change->group->host);

  putchar ('\n');
  print_names (head, change->hosts);
  for (guint i = 0; i < change->lacks->len; i++)
    {
      const Lack *lack = &g_array_index (change->lacks, Lack, i);
      const AccmigFinding *finding = lack->finding;

      table_add (table, finding->rule);
      table_add (table, lack->as_source ? finding->source_value : finding->target_value);
      table_add (table, lack->as_source ? finding->target_value : finding->source_value);
      table_add_note (table, finding->sentence);
      if (*finding->remedy != '\0')
        {
          g_autofree char *remedy = g_strconcat ("→ ", finding->remedy, NULL);

          table_add_note (table, remedy);
        }
    }
  table_print (table);
}

static void
print_baseline (const Baseline *baseline)
{
  g_autofree char *label = fleet_class_label (baseline->class);
  gsize n_others = 0;

  for (guint i = 0; i < baseline->changes->len; i++)
    n_others += ((const Change *)baseline->changes->pdata[i])->hosts->len;
  printf ("%s: %zu of %zu hosts, as %s on %s\n", label, baseline->class->n_hosts,
          baseline->class->n_hosts + n_others, accmig_profile_get_address (baseline->example->profile),
          baseline->example->host);
  for (guint i = 0; i < baseline->changes->len; i++)
    print_change (baseline->changes->pdata[i]);
}

static void
print_baselines (const GPtrArray *baselines)
{
  if (baselines->len == 0)
    puts ("No device of these can be migrated at all; accmigctl fleet says why.");
  for (guint i = 0; i < baselines->len; i++)
    {
      if (i > 0)
        putchar ('\n');
      print_baseline (baselines->pdata[i]);
    }
}

Status
fleet_baseline_run (const Call *call, GError **error)
{
  g_autoptr (GPtrArray) left_out = NULL;
  g_autoptr (AccmigFleet) fleet = fleet_source_read (call->words[0], &left_out, error);
  g_autoptr (GPtrArray) baselines = NULL;

  if (fleet == NULL)
    return STATUS_FAILED;
  baselines = find_baselines (fleet);
  if (call->json)
    print_json (baselines, left_out);
  else
    {
      print_baselines (baselines);
      fleet_print_left_out (left_out);
    }
  return left_out->len == 0 ? STATUS_DONE : STATUS_UNKNOWN;
}
