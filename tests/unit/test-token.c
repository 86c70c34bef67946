// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Tokens: whose they are.
 */

#include <string.h>

#include "accmigd/token.h"

#define HOST  "5d1a2b7c9e0f4a3b8c6d7e8f90a1b2c3"
#define OTHER "5d1a2b7c9e0f4a3b8c6d7e8f90a1b2c4"

/* sha256("5d1a2b7c9e0f4a3b8c6d7e8f90a1b2c3deadbeef") begins with MARK; worked out with sha256sum. */
#define MARK     "3e5189db"
#define KNOWN    "deadbeef" MARK
#define TOO_LONG KNOWN "0"
#define CHANGED  "deadbeff" MARK

static void
test_own (void)
{
  g_autofree char *token = token_new (HOST);
  g_autofree char *next = token_new (HOST);

  g_assert_cmpuint (strlen (token), ==, 16);
  g_assert_cmpuint (strspn (token, "0123456789abcdef"), ==, 16);
  g_assert_cmpstr (token, !=, next);
  g_assert_true (token_is_of (token, HOST));
  g_assert_false (token_is_of (token, OTHER));
  g_assert_true (token_is_of (KNOWN, HOST));
}

static void
test_foreign (void)
{
  static const char *const tokens[] = { "", "0123456789abcdef", "deadbeef", TOO_LONG, CHANGED };

  for (gsize i = 0; i < G_N_ELEMENTS (tokens); i++)
    g_assert_false (token_is_of (tokens[i], HOST));
}

/* The host has a name, and it stays. */
static void
test_host (void)
{
  g_autofree char *host = token_make_host ();
  g_autofree char *again = token_make_host ();

  g_assert_cmpstr (host, !=, "");
  g_assert_cmpstr (host, ==, again);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/token/own", test_own);
  g_test_add_func ("/token/foreign", test_foreign);
  g_test_add_func ("/token/host", test_host);
  return g_test_run ();
}
