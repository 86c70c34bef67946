/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <accmig/error.h>

/* Both set @error and return FALSE, so that a guard is one statement: return fail (error, …). */

gboolean fail (GError **error, AccmigError code, const char *format, ...) G_GNUC_PRINTF (3, 4);

/* @number: an errno, whose text is appended after ": " and which picks the code. */
gboolean fail_errno (GError **error, int number, const char *format, ...) G_GNUC_PRINTF (3, 4);
