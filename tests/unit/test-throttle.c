// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The throttle, on a clock of the test's own.
 */

#include "broker/throttle.h"

#define RATE   3
#define SECOND G_USEC_PER_SEC

typedef struct
{
  Throttle *throttle;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  f->throttle = throttle_new (RATE);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  throttle_free (f->throttle);
}

/* Returns: how many of @n events at @now_usec pass */
static guint
count_passing (Fixture *f, const char *uuid, guint n, gint64 now_usec)
{
  guint passing = 0;

  for (guint i = 0; i < n; i++)
    passing += throttle_ask (f->throttle, uuid, "vm", now_usec) == THROTTLE_PASS ? 1 : 0;
  return passing;
}

static void
expect_warning (void)
{
  g_test_expect_message ("accmig", G_LOG_LEVEL_WARNING, "more than 3 events of domain “vm” in a second*");
}

static void
test_rate (Fixture *f, gconstpointer data)
{
  g_assert_cmpuint (count_passing (f, "a", RATE, 1), ==, RATE);
  expect_warning ();
  g_assert_cmpuint (count_passing (f, "a", 5, SECOND), ==, 0);
  g_test_assert_expected_messages ();
  g_assert_cmpuint (count_passing (f, "a", 1, SECOND + 1), ==, 1); /* the next second */
}

static void
test_each_domain (Fixture *f, gconstpointer data)
{
  expect_warning ();
  g_assert_cmpuint (count_passing (f, "a", 100, 1), ==, RATE);
  g_test_assert_expected_messages ();
  g_assert_cmpuint (count_passing (f, "b", RATE, 2), ==, RATE);
}

/* A flood of many seconds is warned of once; the next one again. An unexpected warning ends the test. */
static void
test_one_warning (Fixture *f, gconstpointer data)
{
  expect_warning ();
  for (int second = 1; second < 10; second++)
    g_assert_cmpuint (count_passing (f, "a", 100, second * SECOND), ==, RATE);
  g_test_assert_expected_messages ();

  g_assert_cmpuint (count_passing (f, "a", 1, 10 * SECOND), ==, 1);
  expect_warning ();
  g_assert_cmpuint (count_passing (f, "a", 100, 11 * SECOND), ==, RATE);
  g_test_assert_expected_messages ();
}

/* The first that is dropped is told from the others, in each second anew. */
static void
test_gap (Fixture *f, gconstpointer data)
{
  static const ThrottleAnswer answers[] = { THROTTLE_PASS,  THROTTLE_PASS, THROTTLE_PASS,
                                            THROTTLE_BEGIN, THROTTLE_DROP, THROTTLE_DROP };

  expect_warning ();
  for (int second = 1; second < 4; second++)
    for (gsize i = 0; i < G_N_ELEMENTS (answers); i++)
      g_assert_cmpint (throttle_ask (f->throttle, "a", "vm", second * SECOND), ==, answers[i]);
  g_test_assert_expected_messages ();
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/throttle/rate", Fixture, NULL, set_up, test_rate, tear_down);
  g_test_add ("/throttle/each-domain", Fixture, NULL, set_up, test_each_domain, tear_down);
  g_test_add ("/throttle/one-warning", Fixture, NULL, set_up, test_one_warning, tear_down);
  g_test_add ("/throttle/gap", Fixture, NULL, set_up, test_gap, tear_down);
  return g_test_run ();
}
