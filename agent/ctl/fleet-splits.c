// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Splits
 *
 * A class is represented by its first group. Every class is held against the largest ones only: what keeps
 * two of the others apart differs between one of them and any third one, so it is found all the same.
 */

#include "fleet-splits.h"

#include <string.h>

#define LARGEST 16

typedef struct
{
  const AccmigFleet *fleet;
  gsize first, end;
  GHashTable *by_rule; /* FleetSplit.rule → FleetSplit, borrowed */
  GPtrArray *splits;
} Search;

static void
split_free (gpointer data)
{
  FleetSplit *split = data;

  for (gsize i = 0; i < split->n_values; i++)
    g_free (split->values[i]);
  g_free (split->values);
  g_free (split->rule);
  g_free (split->field);
  g_free (split);
}

/* The split that @finding's rule makes. */
static FleetSplit *
ensure_split (Search *self, const AccmigFinding *finding)
{
  FleetSplit *split = g_hash_table_lookup (self->by_rule, finding->rule);

  if (split != NULL)
    return split;
  split = g_new0 (FleetSplit, 1);
  split->rule = g_strdup (finding->rule);
  split->field = g_strdup (finding->field);
  split->n_values = self->end - self->first;
  split->values = g_new0 (char *, split->n_values);
  g_hash_table_insert (self->by_rule, split->rule, split);
  g_ptr_array_add (self->splits, split);
  return split;
}

static void
note_value (const Search *self, FleetSplit *split, gsize class, const char *value)
{
  char **place = &split->values[class - self->first];

  if (*place == NULL)
    *place = g_strdup (value);
}

static const AccmigProfile *
get_profile (const Search *self, gsize class)
{
  gsize group = accmig_fleet_get_class (self->fleet, class)->groups[0];

  return accmig_fleet_get_group (self->fleet, group)->profile;
}

static void
hold (Search *self, gsize source, gsize target)
{
  g_autoptr (AccmigVerdict) verdict =
      accmig_compat_check (get_profile (self, source), get_profile (self, target), ACCMIG_COMPAT_NONE);

  for (gsize i = 0; i < accmig_verdict_get_n_findings (verdict); i++)
    {
      const AccmigFinding *finding = accmig_verdict_get_finding (verdict, i);
      FleetSplit *split = NULL;

      if (finding->severity < ACCMIG_SEVERITY_UNKNOWN)
        continue;
      split = ensure_split (self, finding);
      note_value (self, split, source, finding->source_value);
      note_value (self, split, target, finding->target_value);
    }
}

static int
compare_splits (gconstpointer a, gconstpointer b)
{
  const FleetSplit *first = *(const FleetSplit *const *)a, *second = *(const FleetSplit *const *)b;

  return strcmp (first->rule, second->rule);
}

GPtrArray *
fleet_splits_find (const AccmigFleet *fleet, gsize first, gsize end)
{
  g_autoptr (GHashTable) by_rule = g_hash_table_new (g_str_hash, g_str_equal);
  Search self = { fleet, first, end, by_rule, g_ptr_array_new_with_free_func (split_free) };

  for (gsize large = first; large < MIN (end, first + LARGEST); large++)
    for (gsize other = first; other < end; other++)
      if (other != large)
        {
          hold (&self, large, other);
          hold (&self, other, large);
        }
  g_ptr_array_sort (self.splits, compare_splits);
  return self.splits;
}
