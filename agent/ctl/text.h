/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <glib.h>

/*
 * Texts for a person's terminal. Output is UTF-8.
 *
 * Names and sentences may come from another host or a guest: whatever is not plain text is replaced before a
 * terminal sees it.
 */

/** text_clean: Returns: (transfer full): @text as one line of printable characters */
char *text_clean (const char *text);

/** text_width: Returns: how many columns @text takes */
guint text_width (const char *text);

/** text_columns: Returns: the terminal's width; 0 when the standard output is none */
guint text_columns (void);

/** text_cut: Returns: (transfer full): @text in at most @columns, its end replaced by "…" where it is longer
 */
char *text_cut (const char *text, guint columns);

/** text_print_wrapped: prints @text, cleaned, every line after @indent spaces and within the terminal's width
 */
void text_print_wrapped (const char *text, guint indent);

/* All of these: (transfer full) */

/** text_bytes: "176 B", "1.5 MiB" */
char *text_bytes (guint64 bytes);
/** text_rate: @bytes in @usec: "12.5 MiB/s"; "-" when there was no time */
char *text_rate (guint64 bytes, gint64 usec);
/** text_duration: "812 µs", "82.3 ms", "1.204 s", "2 min 5 s" */
char *text_duration (gint64 usec);
/** text_date: local time, "2025-03-01 12:00:01"; "-" for 0 */
char *text_date (gint64 usec);
/** text_time: local time of day with microseconds, "12:00:01.000123" */
char *text_time (gint64 usec);
