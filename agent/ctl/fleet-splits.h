/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <accmig/fleet.h>

/*
 * What splits the classes of a family: the rules that do not hold between them, and what each class has where
 * such a rule looks.
 */

typedef struct
{
  char *rule;
  char *field;
  gsize n_values;
  char *
      *values; /* one for each class, from the first of the family; NULL where the rule did not speak of it */
} FleetSplit;

/**
 * fleet_splits_find:
 * @first: the first class of the family
 * @end: the one after its last
 * Returns: (transfer full) (element-type FleetSplit): sorted by rule
 */
GPtrArray *fleet_splits_find (const AccmigFleet *fleet, gsize first, gsize end);
