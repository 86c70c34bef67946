// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reservations: what ends which.
 */

#include "accmigd/reservation.h"

#define VF1      "0000:75:00.1"
#define VF2      "0000:75:00.2"
#define ONE      "11111111-1111-4111-8111-111111111111"
#define TWO      "22222222-2222-4222-8222-222222222222"
#define LIMIT_MS 10000

typedef struct
{
  Reservations *reservations;
  guint changed, expired;
} Fixture;

static void
on_changed (gpointer user)
{
  ((Fixture *)user)->changed++;
}

static void
on_expired (const char *uuid, gpointer user)
{
  ((Fixture *)user)->expired++;
}

static void
set_up (Fixture *f, gconstpointer data)
{
  static const ReservationCallbacks callbacks = { on_changed, on_expired };

  f->reservations = reservations_new (1, &callbacks, f);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  reservations_free (f->reservations);
}

static gboolean
on_limit (gpointer user)
{
  g_error ("nothing has expired for %d ms", LIMIT_MS);
  return G_SOURCE_REMOVE;
}

/* Waits until the next promise has expired. */
static void
await_expiry (Fixture *f)
{
  guint limit = g_timeout_add (LIMIT_MS, on_limit, NULL);
  guint before = f->expired;

  while (f->expired == before)
    g_main_context_iteration (NULL, TRUE);
  g_source_remove (limit);
}

static gboolean
is_reserved (Fixture *f, const char *address, const char *uuid)
{
  Reservation reservation;

  return reservations_lookup (f->reservations, address, &reservation) && g_str_equal (reservation.uuid, uuid);
}

/* A guest that does not come; then a gate that asks again for one that libvirt is starting. */
static void
test_time (Fixture *f, gconstpointer data)
{
  reservations_take (f->reservations, VF1, ONE, "one");
  reservations_hold (f->reservations, VF1, ONE, "one"); /* the promise is kept */
  reservations_take (f->reservations, VF1, ONE, "one"); /* and stays kept */
  reservations_take (f->reservations, VF2, TWO, "two");
  await_expiry (f);
  g_assert_false (is_reserved (f, VF2, TWO));
  g_assert_true (is_reserved (f, VF1, ONE));
}

static void
test_withdraw (Fixture *f, gconstpointer data)
{
  reservations_hold (f->reservations, VF1, ONE, "one");
  reservations_take (f->reservations, VF2, ONE, "one");
  reservations_withdraw (f->reservations, ONE);
  g_assert_true (is_reserved (f, VF1, ONE));
  g_assert_false (is_reserved (f, VF2, ONE));

  reservations_release (f->reservations, TWO);
  g_assert_true (is_reserved (f, VF1, ONE));
  reservations_release (f->reservations, ONE);
  g_assert_false (is_reserved (f, VF1, ONE));
  g_assert_cmpuint (f->changed, ==, 4); /* what ends nothing changes nothing */
}

/* What libvirt does goes before what the gate had in mind. */
static void
test_held_for_another (Fixture *f, gconstpointer data)
{
  reservations_take (f->reservations, VF1, ONE, "one");
  reservations_hold (f->reservations, VF1, TWO, "two");
  reservations_release (f->reservations, ONE);
  g_assert_true (is_reserved (f, VF1, TWO));
}

/* A list of what runs ends what is held for those that do not, if it was asked for after that. */
static void
test_retain (Fixture *f, gconstpointer data)
{
  g_autoptr (GHashTable) running = g_hash_table_new (g_str_hash, g_str_equal);
  gint64 before, after;

  before = g_get_monotonic_time ();
  reservations_hold (f->reservations, VF1, ONE, "one");
  reservations_take (f->reservations, VF2, TWO, "two");
  after = g_get_monotonic_time () + 1;

  reservations_retain (f->reservations, running, before);
  g_assert_true (is_reserved (f, VF1, ONE));
  g_hash_table_add (running, (gpointer)ONE);
  reservations_retain (f->reservations, running, after);
  g_assert_true (is_reserved (f, VF1, ONE));
  g_hash_table_remove_all (running);
  reservations_retain (f->reservations, running, after);
  g_assert_false (is_reserved (f, VF1, ONE));
  g_assert_true (is_reserved (f, VF2, TWO)); /* its guest is still to come */
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/reservation/time", Fixture, NULL, set_up, test_time, tear_down);
  g_test_add ("/reservation/withdraw", Fixture, NULL, set_up, test_withdraw, tear_down);
  g_test_add ("/reservation/held-for-another", Fixture, NULL, set_up, test_held_for_another, tear_down);
  g_test_add ("/reservation/retain", Fixture, NULL, set_up, test_retain, tear_down);
  return g_test_run ();
}
