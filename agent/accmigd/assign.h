/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <glib.h>

/*
 * The assignment problem: gives each row a column of its own, so that the sum of the costs is least.
 */

#define ASSIGN_MAX_COST   (G_GUINT64_CONSTANT (1) << 50) /* of one pair */
#define ASSIGN_IMPOSSIBLE G_MAXUINT64                    /* a pair that must not be */
#define ASSIGN_MAX_ROWS   64
#define ASSIGN_NONE       (-1)

/**
 * assign_solve:
 * @costs: (array length=n_rows*n_columns): row by row
 * @n_rows: at most ASSIGN_MAX_ROWS
 * @ret_columns: (array length=n_rows): each row's column, ASSIGN_NONE for a row that gets none
 * As many rows as possible get a column; among all ways to do that it finds one that costs least. The same
 * costs have the same answer.
 */
void assign_solve (const guint64 *costs, gsize n_rows, gsize n_columns, int *ret_columns);
