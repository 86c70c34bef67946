/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <accmig/error.h>

/*
 * What every fuzz target asserts in the same way. A broken promise aborts, which libFuzzer reports with the
 * input that did it.
 */

/* The target itself: one input, as libFuzzer or a file of the corpus has it. @data: not NUL-terminated */
int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

/* Bits of the errors that a function documents. */
#define FUZZ_CODE(code) (1u << (code))

/* Asserts that a text for people can be shown as it is: UTF-8, of one line, without control characters. */
void fuzz_check_line (const char *text);

/*
 * Asserts that a call did one of the two things it may do: accept its input and set no error, or refuse it
 * with one of @codes and a message of one line.
 *
 * An input that the environment calls good (see README.md) has to be accepted: so a seed cannot turn into one
 * that tests nothing.
 */
void fuzz_check_outcome (gboolean accepted, const GError *error, guint codes);
