/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <glib.h>

/*
 * A table with aligned columns. On a terminal the last column is cut where the line would be too long; into a
 * pipe or a file everything is written.
 */

typedef struct _Table Table;

/** table_new: @titles: (array zero-terminated=1): static */
Table *table_new (const char *const *titles);
void table_free (Table *table);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Table, table_free)

/** table_add: the next cell, row by row. @text: (nullable): copied and cleaned; shown as "-" when there is
 * none */
void table_add (Table *table, const char *text);

/** table_take: the same. @text: (transfer full) */
void table_take (Table *table, char *text);

/** table_add_note: @note: a paragraph below the row that just ended, indented and wrapped */
void table_add_note (Table *table, const char *note);

/** table_print: on the standard output */
void table_print (const Table *table);
