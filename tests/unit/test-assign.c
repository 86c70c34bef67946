// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Assignment: held against trying everything.
 */

#include "accmigd/assign.h"

#include <string.h>

#define N_RANDOM 4000
#define MOST     5

/* The best of all ways, by trying them: first how many rows get a column, then what it costs. */
typedef struct
{
  const guint64 *costs;
  gsize n_rows, n_columns;
  gboolean taken[MOST];
  gsize best_placed;
  guint64 best_cost;
} Search;

static void
try_row (Search *search, gsize row, gsize placed, guint64 cost)
{
  if (row == search->n_rows)
    {
      if (placed > search->best_placed || (placed == search->best_placed && cost < search->best_cost))
        {
          search->best_placed = placed;
          search->best_cost = cost;
        }
      return;
    }
  try_row (search, row + 1, placed, cost);
  for (gsize column = 0; column < search->n_columns; column++)
    {
      guint64 one = search->costs[row * search->n_columns + column];

      if (search->taken[column] || one == ASSIGN_IMPOSSIBLE)
        continue;
      search->taken[column] = TRUE;
      try_row (search, row + 1, placed + 1, cost + one);
      search->taken[column] = FALSE;
    }
}

/* Adds up an answer, and sees to it that it is one. */
static void
measure (const guint64 *costs, gsize n_rows, gsize n_columns, const int *columns, gsize *ret_placed,
         guint64 *ret_cost)
{
  gboolean taken[MOST] = { FALSE };

  *ret_placed = 0;
  *ret_cost = 0;
  for (gsize row = 0; row < n_rows; row++)
    {
      int column = columns[row];

      if (column == ASSIGN_NONE)
        continue;
      g_assert_cmpint (column, >=, 0);
      g_assert_cmpint (column, <, (int)n_columns);
      g_assert_false (taken[column]);
      g_assert_cmpuint (costs[row * n_columns + (gsize)column], !=, ASSIGN_IMPOSSIBLE);
      taken[column] = TRUE;
      *ret_cost += costs[row * n_columns + (gsize)column];
      (*ret_placed)++;
    }
}

/* Small costs make many equal ones, large ones need all bits, and some pairs must not be. */
static guint64
random_cost (void)
{
  switch (g_test_rand_int_range (0, 4))
    {
    case 0:
      return ASSIGN_IMPOSSIBLE;
    case 1:
      return (guint64)g_test_rand_int_range (0, 4);
    case 2:
      return ASSIGN_MAX_COST - (guint64)g_test_rand_int_range (0, 4);
    default:
      return (guint64)g_test_rand_int_range (0, G_MAXINT32) << g_test_rand_int_range (0, 19);
    }
}

static void
test_random (void)
{
  for (int i = 0; i < N_RANDOM; i++)
    {
      gsize n_rows = (gsize)g_test_rand_int_range (0, MOST + 1);
      gsize n_columns = (gsize)g_test_rand_int_range (0, MOST + 1);
      guint64 costs[MOST * MOST];
      int columns[MOST], again[MOST];
      Search search = { .costs = costs, .n_rows = n_rows, .n_columns = n_columns, .best_cost = G_MAXUINT64 };
      gsize placed;
      guint64 cost;

      for (gsize c = 0; c < n_rows * n_columns; c++)
        costs[c] = random_cost ();
      assign_solve (costs, n_rows, n_columns, columns);
      try_row (&search, 0, 0, 0);
      measure (costs, n_rows, n_columns, columns, &placed, &cost);
      g_assert_cmpuint (placed, ==, search.best_placed);
      g_assert_cmpuint (cost, ==, search.best_cost);

      assign_solve (costs, n_rows, n_columns, again);
      g_assert_cmpmem (columns, n_rows * sizeof *columns, again, n_rows * sizeof *again);
    }
}

/* First come, first served would leave the second row with nothing. */
static void
test_gives_way (void)
{
  static const guint64 costs[] = { 0, 7, 0, ASSIGN_IMPOSSIBLE };
  int columns[2];

  assign_solve (costs, 2, 2, columns);
  g_assert_cmpint (columns[0], ==, 1);
  g_assert_cmpint (columns[1], ==, 0);
}

static void
test_equal_costs (void)
{
  static const guint64 costs[] = { 3, 3, 3, 3, 3, 3 };
  int columns[2];

  assign_solve (costs, 2, 3, columns);
  g_assert_cmpint (columns[0], ==, 0);
  g_assert_cmpint (columns[1], ==, 1);
}

/* One row more than columns. */
static void
test_too_few (void)
{
  static const guint64 costs[] = { 1, 2, ASSIGN_MAX_COST, ASSIGN_MAX_COST, 2, 1 };
  int columns[3];

  assign_solve (costs, 3, 2, columns);
  g_assert_cmpint (columns[0], ==, 0);
  g_assert_cmpint (columns[1], ==, ASSIGN_NONE);
  g_assert_cmpint (columns[2], ==, 1);
}

/* The largest there is, the dearest pairs on the way of the cheapest. */
static void
test_largest (void)
{
  gsize n = ASSIGN_MAX_ROWS, m = 1024;
  g_autofree guint64 *costs = g_new (guint64, n * m);
  int columns[ASSIGN_MAX_ROWS];

  for (gsize row = 0; row < n; row++)
    for (gsize column = 0; column < m; column++)
      costs[row * m + column] = column == m - 1 - row ? 0 : ASSIGN_MAX_COST;
  assign_solve (costs, n, m, columns);
  for (gsize row = 0; row < n; row++)
    g_assert_cmpint (columns[row], ==, (int)(m - 1 - row));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/assign/random", test_random);
  g_test_add_func ("/assign/gives-way", test_gives_way);
  g_test_add_func ("/assign/equal-costs", test_equal_costs);
  g_test_add_func ("/assign/too-few", test_too_few);
  g_test_add_func ("/assign/largest", test_largest);
  return g_test_run ();
}
