// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the targets share: how an input may end, and that nothing is complained about on the way
 */

#include "fuzz.h"

#include <string.h>

/* Bytes of an error message. One about a family file repeats a line of it. */
#define MAX_MESSAGE 4096

/* libFuzzer calls it once, if it is there. */
int LLVMFuzzerInitialize (int *argc, char ***argv);

static gboolean must_accept;

int
LLVMFuzzerInitialize (int *argc, char ***argv)
{
  g_log_set_always_fatal (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_WARNING);
  g_setenv ("ACCMIG_FAMILIES_PATH", FUZZ_FAMILIES_PATH, FALSE);
  must_accept = g_getenv ("ACCMIG_FUZZ_GOOD") != NULL;
  return 0;
}

void
fuzz_check_line (const char *text)
{
  g_assert_nonnull (text);
  g_assert_true (g_utf8_validate (text, -1, NULL));
  for (; *text != '\0'; text = g_utf8_next_char (text))
    g_assert_false (g_unichar_iscntrl (g_utf8_get_char (text)));
}

void
fuzz_check_outcome (gboolean accepted, const GError *error, guint codes)
{
  g_assert_cmpint (accepted, ==, error == NULL);
  if (accepted)
    return;
  if (must_accept)
    g_error ("a good input was refused: %s", error->message);
  g_assert_true (error->domain == ACCMIG_ERROR);
  g_assert_cmpuint (FUZZ_CODE (error->code) & codes, !=, 0);
  g_assert_cmpuint (strlen (error->message) - 1, <, MAX_MESSAGE);
  fuzz_check_line (error->message);
}
