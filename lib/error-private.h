/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <accmig/error.h>

/*
 * Both set @error and are FALSE, so that a guard is one statement: return fail (error, …). They are macros
 * because the compiler has to see that a failed call has set none of its outputs.
 */

#define fail(error, code, ...)                                                                               \
  ({                                                                                                         \
    set_error (error, code, __VA_ARGS__);                                                                    \
    FALSE;                                                                                                   \
  })

/* @number: an errno, whose text is appended after ": " and which picks the code. */
#define fail_errno(error, number, ...)                                                                       \
  ({                                                                                                         \
    set_error_errno (error, number, __VA_ARGS__);                                                            \
    FALSE;                                                                                                   \
  })

void set_error (GError **error, AccmigError code, const char *format, ...) G_GNUC_PRINTF (3, 4);
void set_error_errno (GError **error, int number, const char *format, ...) G_GNUC_PRINTF (3, 4);
