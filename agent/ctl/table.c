// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Tables
 */

#include "table.h"

#include <stdio.h>

#include "text.h"

#define GAP         2 /* spaces between columns */
#define NOTE_INDENT 4
#define LAST_MIN    10 /* columns of the terminal that the last column gets in any case */

/* A paragraph below a row. */
typedef struct
{
  guint row;
  char *text;
} Note;

struct _Table
{
  const char *const *titles;
  guint n_columns;
  GPtrArray *cells; /* row by row */
  GArray *notes;    /* of Note, by row */
};

static void
note_clear (gpointer item)
{
  g_free (((Note *)item)->text);
}

Table *
table_new (const char *const *titles)
{
  Table *self = g_new0 (Table, 1);

  self->titles = titles;
  self->n_columns = g_strv_length ((char **)titles);
  self->cells = g_ptr_array_new_with_free_func (g_free);
  self->notes = g_array_new (FALSE, FALSE, sizeof (Note));
  g_array_set_clear_func (self->notes, note_clear);
  return self;
}

void
table_free (Table *self)
{
  if (self == NULL)
    return;
  g_ptr_array_unref (self->cells);
  g_array_unref (self->notes);
  g_free (self);
}

void
table_add (Table *self, const char *text)
{
  char *clean = text_clean (text != NULL ? text : "");

  if (*clean == '\0')
    {
      g_free (clean);
      clean = g_strdup ("-");
    }
  g_ptr_array_add (self->cells, clean);
}

void
table_take (Table *self, char *text)
{
  table_add (self, text);
  g_free (text);
}

void
table_add_note (Table *self, const char *text)
{
  Note note = { self->cells->len / self->n_columns, g_strdup (text) };

  g_array_append_val (self->notes, note);
}

static const char *
get_cell (const Table *self, guint row, guint column)
{
  return self->cells->pdata[row * self->n_columns + column];
}

/* Of one column, its title included. */
static guint
measure (const Table *self, guint column)
{
  guint width = text_width (self->titles[column]);

  for (guint row = 0; row < self->cells->len / self->n_columns; row++)
    width = MAX (width, text_width (get_cell (self, row, column)));
  return width;
}

static void
print_last (const char *text, guint start)
{
  guint columns = text_columns ();
  guint room = columns > start + LAST_MIN ? columns - start : LAST_MIN;
  g_autofree char *cut = columns > 0 ? text_cut (text, room) : g_strdup (text);

  puts (cut);
}

/* @cells: as many as there are columns */
static void
print_row (const Table *self, const char *const *cells, const guint *widths)
{
  guint start = 0;

  for (guint i = 0; i + 1 < self->n_columns; i++)
    {
      printf ("%s%*s", cells[i], (int)(widths[i] - text_width (cells[i]) + GAP), "");
      start += widths[i] + GAP;
    }
  print_last (cells[self->n_columns - 1], start);
}

static void
print_notes (const Table *self, guint row)
{
  for (guint i = 0; i < self->notes->len; i++)
    if (g_array_index (self->notes, Note, i).row == row)
      text_print_wrapped (g_array_index (self->notes, Note, i).text, NOTE_INDENT);
}

void
table_print (const Table *self)
{
  g_autofree guint *widths = g_new (guint, self->n_columns);

  for (guint i = 0; i < self->n_columns; i++)
    widths[i] = measure (self, i);
  print_row (self, self->titles, widths);
  for (guint row = 0; row < self->cells->len / self->n_columns; row++)
    {
      print_row (self, (const char *const *)self->cells->pdata + (gsize)row * self->n_columns, widths);
      print_notes (self, row + 1);
    }
}
