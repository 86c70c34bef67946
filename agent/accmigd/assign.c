// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Assignment
 *
 * The Hungarian method, in the form of shortest augmenting paths. Rows are taken in one after the other. For
 * each the shortest path is looked for that begins at it, leads over columns that are taken and the rows that
 * have them, and ends at a column that is free; then everybody on the path moves on by one. The length of a
 * step is its cost less the potentials of its row and its column. These are kept so that no length is
 * negative and the steps to the columns that are taken are of length 0, which makes Dijkstra's search right
 * and the result the best one for the rows taken in so far. n rows and m columns cost n² m steps.
 *
 * Each row has, behind the given columns, one more that nobody else may have and that costs more than all
 * other pairs together. So there always is a solution, and a row that ends there could not be placed.
 *
 * Columns are looked through in order, and only a shorter path replaces one that was found: of equally short
 * ones the first wins. The rows' own columns stand in reverse order, so that it is the later row that goes
 * without when two are in each other's way.
 */

#include "assign.h"

#define OWN_COLUMN_COST ((gint64)(ASSIGN_MAX_COST * (ASSIGN_MAX_ROWS + 1)))
#define FAR_AWAY        G_MAXINT64

typedef struct
{
  const guint64 *costs;
  gsize n_rows, n_given, n_columns; /* n_columns: the rows' own included */
  gint64 *row_potentials, *column_potentials;
  int *rows; /* per column: the row that has it, ASSIGN_NONE */

  /* Of the search for one row: */
  gint64 *distances; /* per column: the shortest path found so far */
  int *before;       /* per column: the column before it on that path, ASSIGN_NONE: it follows the row */
  gboolean *settled; /* per column: its distance is final */
} Problem;

/* The length of the step from @row to @column; FAR_AWAY where there is none. */
static gint64
get_length (const Problem *p, int row, gsize column)
{
  gint64 cost;

  if (column >= p->n_given)
    cost = p->n_columns - 1 - column == (gsize)row ? OWN_COLUMN_COST : FAR_AWAY;
  else
    {
      guint64 given = p->costs[(gsize)row * p->n_given + column];

      cost = given == ASSIGN_IMPOSSIBLE ? FAR_AWAY : (gint64)given;
    }
  return cost == FAR_AWAY ? FAR_AWAY : cost - p->row_potentials[row] - p->column_potentials[column];
}

/* Follows every step from @row, which is reached over @from (or ASSIGN_NONE) at @distance. */
static void
relax (Problem *p, int row, int from, gint64 distance)
{
  for (gsize column = 0; column < p->n_columns; column++)
    {
      gint64 length = p->settled[column] ? FAR_AWAY : get_length (p, row, column);

      if (length == FAR_AWAY || distance + length >= p->distances[column])
        continue;
      p->distances[column] = distance + length;
      p->before[column] = from;
    }
}

/* The nearest column that is not settled; there is one, for the row's own is always free. */
static gsize
find_nearest (const Problem *p)
{
  gsize nearest = p->n_columns;

  for (gsize column = 0; column < p->n_columns; column++)
    if (!p->settled[column] && p->distances[column] < FAR_AWAY
        && (nearest == p->n_columns || p->distances[column] < p->distances[nearest]))
      nearest = column;
  g_assert (nearest < p->n_columns);
  return nearest;
}

/* Keeps all lengths from becoming negative when the path of length @distance is taken. */
static void
update_potentials (Problem *p, int start, gint64 distance)
{
  p->row_potentials[start] += distance;
  for (gsize column = 0; column < p->n_columns; column++)
    if (p->settled[column])
      {
        p->row_potentials[p->rows[column]] += distance - p->distances[column];
        p->column_potentials[column] -= distance - p->distances[column];
      }
}

static void
take_in (Problem *p, int start)
{
  int row = start, from = ASSIGN_NONE, end;
  gint64 distance = 0;

  for (gsize column = 0; column < p->n_columns; column++)
    {
      p->distances[column] = FAR_AWAY;
      p->settled[column] = FALSE;
    }
  for (;;)
    {
      relax (p, row, from, distance);
      end = (int)find_nearest (p);
      distance = p->distances[end];
      if (p->rows[end] == ASSIGN_NONE)
        break;
      p->settled[end] = TRUE;
      row = p->rows[end];
      from = end;
    }
  update_potentials (p, start, distance);
  for (; p->before[end] != ASSIGN_NONE; end = p->before[end])
    p->rows[end] = p->rows[p->before[end]];
  p->rows[end] = start;
}

void
assign_solve (const guint64 *costs, gsize n_rows, gsize n_columns, int *ret_columns)
{
  gsize all = n_columns + n_rows;
  g_autofree gint64 *row_potentials = g_new0 (gint64, n_rows);
  g_autofree gint64 *column_potentials = g_new0 (gint64, all);
  g_autofree int *rows = g_new (int, all);
  g_autofree gint64 *distances = g_new (gint64, all);
  g_autofree int *before = g_new (int, all);
  g_autofree gboolean *settled = g_new (gboolean, all);
  Problem problem = { costs, n_rows,    n_columns, all,    row_potentials, column_potentials,
                      rows,  distances, before,    settled };

  g_return_if_fail (n_rows <= ASSIGN_MAX_ROWS);

  for (gsize column = 0; column < all; column++)
    rows[column] = ASSIGN_NONE;
  for (gsize row = 0; row < n_rows; row++)
    {
      ret_columns[row] = ASSIGN_NONE;
      take_in (&problem, (int)row);
    }
  for (gsize column = 0; column < n_columns; column++)
    if (rows[column] != ASSIGN_NONE)
      ret_columns[rows[column]] = (int)column;
}
