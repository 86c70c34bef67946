/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <glib.h>

/*
 * What a loop measured: one line "VARIANT NANOSECONDS" on standard output for each time a variant was done.
 * The runner makes medians and ratios of them, so a loop computes nothing.
 */

/* Nanoseconds of the monotonic clock. */
gint64 sample_now (void);

/* Nanoseconds of processor time that this process has had. For what only computes: it leaves out the turns of
 * other processes, which a long piece of work meets more often than a short one. */
gint64 sample_cpu_now (void);

/* @variant: one word. @elapsed: nanoseconds, for doing it @count times; the mean is printed. */
void sample_print (const char *variant, gint64 elapsed, guint count);

/* Prints why and ends the process with status 1. */
G_NORETURN void sample_fail (const char *format, ...) G_GNUC_PRINTF (1, 2);

/* A command line argument that is a number between @min and @max; anything else ends the process. */
guint sample_number (const char *text, guint min, guint max);

/* Returns: (transfer full): a file's content; a file that cannot be read ends the process. */
char *sample_file (const char *path, gsize *ret_length);
