// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reservations: what ends which, and what the next agent finds.
 */

#include "accmigd/reservation.h"

#include <glib/gstdio.h>

#define VF1      "0000:75:00.1"
#define VF2      "0000:75:00.2"
#define VF3      "0000:75:00.3"
#define ONE      "11111111-1111-4111-8111-111111111111"
#define TWO      "22222222-2222-4222-8222-222222222222"
#define LIMIT_MS 10000

typedef struct
{
  char *directory;
  char *path;
  Reservations *reservations;
  guint changed, expired;
  GString *made_ended;
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
on_made_ended (const char *address, gpointer user)
{
  g_string_append_printf (((Fixture *)user)->made_ended, "%s ", address);
}

static void
open_reservations (Fixture *f, guint timeout)
{
  static const ReservationCallbacks callbacks = { on_changed, on_expired, on_made_ended };

  f->reservations = reservations_new (f->path, timeout, &callbacks, f);
}

static void
set_up (Fixture *f, gconstpointer data)
{
  f->directory = g_dir_make_tmp ("accmig-reservation-XXXXXX", NULL);
  g_assert_nonnull (f->directory);
  f->path = g_build_filename (f->directory, "reservations.json", NULL);
  f->made_ended = g_string_new (NULL);
  open_reservations (f, 1);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  reservations_free (f->reservations);
  (void)g_unlink (f->path);
  g_assert_cmpint (g_rmdir (f->directory), ==, 0);
  g_free (f->directory);
  g_free (f->path);
  g_string_free (f->made_ended, TRUE);
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

static void
promise (Fixture *f, const char *uuid, const char *domain, const char *first, const char *second)
{
  const char *const addresses[] = { first, second, NULL };

  reservations_promise (f->reservations, uuid, domain, addresses);
}

static gboolean
is_reserved (Fixture *f, const char *address, const char *uuid)
{
  Reservation reservation;

  return reservations_lookup (f->reservations, address, &reservation) && g_str_equal (reservation.uuid, uuid);
}

static gboolean
is_held (Fixture *f, const char *address)
{
  Reservation reservation;

  return reservations_lookup (f->reservations, address, &reservation) && reservation.held;
}

/* ---- what ends which ------------------------------------------------------------------------- */

/* A guest that does not come; then a gate that asks again for one that libvirt is starting. */
static void
test_time (Fixture *f, gconstpointer data)
{
  promise (f, ONE, "one", VF1, NULL);
  reservations_hold (f->reservations, VF1, ONE, "one"); /* the promise is kept */
  promise (f, ONE, "one", VF1, NULL);                   /* and stays kept */
  promise (f, TWO, "two", VF2, NULL);
  g_assert_true (is_held (f, VF1));
  g_assert_false (is_held (f, VF2));
  g_assert_false (reservations_has_promise (f->reservations, ONE));
  g_assert_true (reservations_has_promise (f->reservations, TWO));
  await_expiry (f);
  g_assert_false (is_reserved (f, VF2, TWO));
  g_assert_false (reservations_has_promise (f->reservations, TWO));
  g_assert_true (is_reserved (f, VF1, ONE));
}

/* A domain is promised what it is promised last, and nothing of before. */
static void
test_promise_anew (Fixture *f, gconstpointer data)
{
  promise (f, ONE, "one", VF1, VF2);
  promise (f, TWO, "two", VF3, NULL);
  promise (f, ONE, "one", VF2, NULL);
  g_assert_false (is_reserved (f, VF1, ONE));
  g_assert_true (is_reserved (f, VF2, ONE));
  g_assert_true (is_reserved (f, VF3, TWO));
  promise (f, ONE, "one", NULL, NULL);
  g_assert_false (is_reserved (f, VF2, ONE));
}

static void
test_withdraw (Fixture *f, gconstpointer data)
{
  reservations_hold (f->reservations, VF1, ONE, "one");
  promise (f, ONE, "one", VF2, NULL);
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
  promise (f, ONE, "one", VF1, NULL);
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
  promise (f, TWO, "two", VF2, NULL);
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

/* Returns: when the one promise in the file ends */
static gint64
read_until (Fixture *f)
{
  static const char member[] = "\"until\":";
  g_autofree char *text = NULL;

  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_true (g_file_get_contents (f->path, &text, NULL, NULL));
  g_assert_nonnull (strstr (text, member));
  return g_ascii_strtoll (strstr (text, member) + strlen (member), NULL, 10);
}

/* The time begins anew for what is promised to that guest, and for nothing else. */
static void
test_renew (Fixture *f, gconstpointer data)
{
  gint64 first, second;

  promise (f, ONE, "one", VF1, NULL);
  first = read_until (f);
  reservations_renew (f->reservations, TWO);
  g_assert_cmpint (read_until (f), ==, first);
  reservations_renew (f->reservations, ONE);
  second = read_until (f);
  g_assert_cmpint (second, >, first);
  await_expiry (f);
  g_assert_cmpint (g_get_monotonic_time (), >=, second - 1000); /* timers count whole milliseconds */
  reservations_hold (f->reservations, VF1, ONE, "one");
  reservations_renew (f->reservations, ONE);
  g_assert_true (is_held (f, VF1));
}

/* Whoever made a device hears when it is no longer kept, in whatever way that comes. */
static void
test_made (Fixture *f, gconstpointer data)
{
  promise (f, ONE, "one", VF1, VF2);
  reservations_set_made (f->reservations, VF2, TRUE);
  reservations_hold (f->reservations, VF2, ONE, "one");
  g_assert_cmpstr (f->made_ended->str, ==, "");
  reservations_release (f->reservations, ONE);
  g_assert_cmpstr (f->made_ended->str, ==, VF2 " ");

  promise (f, ONE, "one", VF1, VF2); /* not made this time */
  reservations_release (f->reservations, ONE);
  g_assert_cmpstr (f->made_ended->str, ==, VF2 " ");

  promise (f, ONE, "one", VF1, NULL);
  reservations_set_made (f->reservations, VF1, TRUE);
  promise (f, ONE, "one", VF3, NULL);
  g_assert_cmpstr (f->made_ended->str, ==, VF2 " " VF1 " ");
  reservations_set_made (f->reservations, VF3, TRUE);
  await_expiry (f);
  g_assert_cmpstr (f->made_ended->str, ==, VF2 " " VF1 " " VF3 " ");
}

/* ---- the next agent -------------------------------------------------------------------------- */

static void
restart (Fixture *f, guint timeout)
{
  g_clear_pointer (&f->reservations, reservations_free);
  open_reservations (f, timeout);
}

static void
test_restart (Fixture *f, gconstpointer data)
{
  Reservation reservation;

  restart (f, 60);
  promise (f, ONE, "eins & \"zwei\"", VF1, NULL);
  reservations_set_made (f->reservations, VF1, TRUE);
  reservations_hold (f->reservations, VF2, TWO, "two");
  restart (f, 60);
  g_assert_true (reservations_lookup (f->reservations, VF1, &reservation));
  g_assert_cmpstr (reservation.uuid, ==, ONE);
  g_assert_cmpstr (reservation.domain, ==, "eins & \"zwei\"");
  g_assert_false (reservation.held);
  g_assert_true (is_held (f, VF2));
  g_assert_false (is_reserved (f, VF3, ONE));
  reservations_release (f->reservations, ONE);
  g_assert_cmpstr (f->made_ended->str, ==, VF1 " ");
  restart (f, 60);
  g_assert_false (is_reserved (f, VF1, ONE));
  g_assert_true (is_held (f, VF2));
}

/* All changes of one turn are one writing, and it comes before whatever else waits. */
static gboolean
on_later (gpointer user)
{
  Fixture *f = user;

  g_assert_true (g_file_test (f->path, G_FILE_TEST_EXISTS));
  g_clear_pointer (&f->path, g_free);
  return G_SOURCE_REMOVE;
}

static void
test_written_at_once (Fixture *f, gconstpointer data)
{
  g_autofree char *path = g_strdup (f->path);

  (void)g_idle_add_full (G_PRIORITY_DEFAULT, on_later, f, NULL);
  promise (f, ONE, "one", VF1, NULL);
  g_assert_false (g_file_test (f->path, G_FILE_TEST_EXISTS));
  while (f->path != NULL)
    g_main_context_iteration (NULL, TRUE);
  f->path = g_steal_pointer (&path);
}

/* The time goes on while nobody is there, and a shorter limit holds for what was promised under a longer. */
static void
test_expired_meanwhile (Fixture *f, gconstpointer data)
{
  promise (f, ONE, "one", VF1, NULL);
  reservations_set_made (f->reservations, VF1, TRUE);
  restart (f, 0);
  g_assert_true (is_reserved (f, VF1, ONE));
  await_expiry (f);
  g_assert_false (is_reserved (f, VF1, ONE));
  g_assert_cmpstr (f->made_ended->str, ==, VF1 " ");
}

/* What the file may have become: everything, or one reservation, is left out, and nothing else happens. */
static const struct
{
  const char *name;
  const char *from; /* what of a good file is … */
  const char *to;   /* … replaced */
  gboolean second;  /* the other one stays */
} damages[] = {
  { "another boot", "\"boot\":\"", "\"boot\":\"x", FALSE },
  { "another format", "reservations/1", "reservations/2", FALSE },
  { "no JSON", "{", "(", FALSE },
  { "no object", "\"reservations\":{", "\"reservations\":7,\"x\":{", FALSE },
  { "address", VF1, "../../etc", TRUE },
  { "uuid", ONE, "one", TRUE },
  { "uuid of another type", "\"" ONE "\"", "1", TRUE },
  { "no domain", "\"domain\":\"one\"", "\"domian\":\"one\"", TRUE },
  { "time", "\"until\":", "\"until\":-", FALSE },
};

static void
test_damaged (Fixture *f, gconstpointer data)
{
  for (gsize i = 0; i < G_N_ELEMENTS (damages); i++)
    {
      g_autofree char *text = NULL;
      g_autoptr (GString) damaged = NULL;

      restart (f, 60);
      promise (f, ONE, "one", VF1, NULL);
      promise (f, TWO, "two", VF2, NULL);
      g_clear_pointer (&f->reservations, reservations_free);
      g_assert_true (g_file_get_contents (f->path, &text, NULL, NULL));
      damaged = g_string_new (text);
      g_assert_cmpuint (g_string_replace (damaged, damages[i].from, damages[i].to, 0), >, 0);
      g_assert_true (g_file_set_contents (f->path, damaged->str, -1, NULL));
      open_reservations (f, 60);
      g_assert_false (is_reserved (f, VF1, ONE));
      g_assert_cmpint (is_reserved (f, VF2, TWO), ==, damages[i].second);
      (void)g_unlink (f->path);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/reservation/time", Fixture, NULL, set_up, test_time, tear_down);
  g_test_add ("/reservation/promise-anew", Fixture, NULL, set_up, test_promise_anew, tear_down);
  g_test_add ("/reservation/withdraw", Fixture, NULL, set_up, test_withdraw, tear_down);
  g_test_add ("/reservation/held-for-another", Fixture, NULL, set_up, test_held_for_another, tear_down);
  g_test_add ("/reservation/retain", Fixture, NULL, set_up, test_retain, tear_down);
  g_test_add ("/reservation/renew", Fixture, NULL, set_up, test_renew, tear_down);
  g_test_add ("/reservation/made", Fixture, NULL, set_up, test_made, tear_down);
  g_test_add ("/reservation/restart", Fixture, NULL, set_up, test_restart, tear_down);
  g_test_add ("/reservation/written-at-once", Fixture, NULL, set_up, test_written_at_once, tear_down);
  g_test_add ("/reservation/expired-meanwhile", Fixture, NULL, set_up, test_expired_meanwhile, tear_down);
  g_test_add ("/reservation/damaged", Fixture, NULL, set_up, test_damaged, tear_down);
  return g_test_run ();
}
