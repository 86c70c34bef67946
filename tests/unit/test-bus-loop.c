// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The loop adapter: two ends of one socket pair, both on the same GLib loop, talk sd-bus to each other.
 */

#include "bus-pair.h"

typedef struct
{
  BusPair pair;
  guint client_source, server_source;
  guint closed; /* how often the server heard that it was closed */
  guint signals;
  gboolean answered;
  char *answer; /* name of an error, or the text */
} Fixture;

#define N_SIGNALS 500

static int
method_echo (sd_bus_message *m, void *user, sd_bus_error *ret_error)
{
  const char *text;
  int r = sd_bus_message_read (m, "s", &text);

  return r < 0 ? r : sd_bus_reply_method_return (m, "s", text);
}

static int
method_silent (sd_bus_message *m, void *user, sd_bus_error *ret_error)
{
  return 1; /* never answered */
}

static int
method_chatter (sd_bus_message *m, void *user, sd_bus_error *ret_error)
{
  for (guint i = 0; i < N_SIGNALS; i++)
    g_assert_cmpint (sd_bus_emit_signal (sd_bus_message_get_bus (m), BUS_PAIR_OBJECT, BUS_PAIR_IFACE, "Word",
                                         "u", i),
                     >=, 0);
  return sd_bus_reply_method_return (m, "s", "done");
}

static const sd_bus_vtable vtable[] = {
  SD_BUS_VTABLE_START (0),
  SD_BUS_METHOD ("Echo", "s", "s", method_echo, SD_BUS_VTABLE_UNPRIVILEGED),
  SD_BUS_METHOD ("Silent", "s", "s", method_silent, SD_BUS_VTABLE_UNPRIVILEGED),
  SD_BUS_METHOD ("Chatter", "s", "s", method_chatter, SD_BUS_VTABLE_UNPRIVILEGED),
  SD_BUS_SIGNAL ("Word", "u", 0),
  SD_BUS_VTABLE_END,
};

static void
on_server_closed (sd_bus *bus, gpointer user)
{
  Fixture *f = user;

  f->closed++;
}

static int
on_answer (sd_bus_message *m, void *user, sd_bus_error *ret_error)
{
  Fixture *f = user;
  const char *text = NULL;

  if (sd_bus_message_is_method_error (m, NULL))
    text = sd_bus_message_get_error (m)->name;
  else
    g_assert_cmpint (sd_bus_message_read (m, "s", &text), >=, 0);
  f->answered = TRUE;
  g_free (f->answer);
  f->answer = g_strdup (text);
  return 0;
}

static int
on_signal (sd_bus_message *m, void *user, sd_bus_error *ret_error)
{
  Fixture *f = user;
  guint32 i;

  g_assert_cmpint (sd_bus_message_read (m, "u", &i), >=, 0);
  g_assert_cmpuint (i, ==, f->signals); /* in order, none lost */
  f->signals++;
  return 0;
}

static void
set_up (Fixture *f, gconstpointer data)
{
  bus_pair_init (&f->pair, vtable, f);
  f->client_source = bus_loop_attach (f->pair.client, NULL, NULL);
  f->server_source = bus_loop_attach (f->pair.server, on_server_closed, f);
}

/* A source whose connection was closed has removed itself. */
static void
detach (guint id)
{
  if (g_main_context_find_source_by_id (NULL, id) != NULL)
    g_source_remove (id);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  detach (f->client_source);
  detach (f->server_source);
  bus_pair_clear (&f->pair);
  g_free (f->answer);
}

static void
call (Fixture *f, const char *member, guint64 timeout_usec)
{
  g_autoptr (sd_bus_message) m = bus_pair_new_call (&f->pair, member);

  g_assert_cmpint (sd_bus_message_append (m, "s", "hello"), >=, 0);
  g_assert_cmpint (sd_bus_call_async (f->pair.client, NULL, m, on_answer, f, timeout_usec), >=, 0);
  bus_pair_iterate_until (&f->answered);
}

static void
test_call (Fixture *f, gconstpointer data)
{
  call (f, "Echo", 0);
  g_assert_cmpstr (f->answer, ==, "hello");
}

static void
test_unknown_method (Fixture *f, gconstpointer data)
{
  call (f, "Nothing", 0);
  g_assert_cmpstr (f->answer, ==, "org.freedesktop.DBus.Error.UnknownMethod");
}

/* The only thing that wakes the loop here is the time sd-bus asked for. */
static void
test_timeout (Fixture *f, gconstpointer data)
{
  call (f, "Silent", 20 * G_TIME_SPAN_MILLISECOND);
  g_assert_cmpstr (f->answer, ==, "org.freedesktop.DBus.Error.NoReply");
}

static void
test_many (Fixture *f, gconstpointer data)
{
  g_assert_cmpint (sd_bus_match_signal (f->pair.client, NULL, NULL, BUS_PAIR_OBJECT, BUS_PAIR_IFACE, "Word",
                                        on_signal, f),
                   >=, 0);
  call (f, "Chatter", 0);
  g_assert_cmpuint (f->signals, ==, N_SIGNALS);
}

static gboolean
count_up (gpointer user)
{
  guint *n = user;

  (*n)++;
  return G_SOURCE_CONTINUE;
}

/* One message a turn: a source of the same priority gets as many turns as the connection with much to say. */
static void
test_fair (Fixture *f, gconstpointer data)
{
  guint turns = 0;
  guint other = g_timeout_add (0, count_up, &turns);

  g_assert_cmpint (sd_bus_match_signal (f->pair.client, NULL, NULL, BUS_PAIR_OBJECT, BUS_PAIR_IFACE, "Word",
                                        on_signal, f),
                   >=, 0);
  call (f, "Chatter", 0);
  g_source_remove (other);
  g_assert_cmpuint (turns, >=, N_SIGNALS / 2);
}

static void
test_closed (Fixture *f, gconstpointer data)
{
  call (f, "Echo", 0);
  sd_bus_close (f->pair.client);
  while (f->closed == 0)
    bus_pair_iterate ();
  g_assert_null (g_main_context_find_source_by_id (NULL, f->server_source));
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_cmpuint (f->closed, ==, 1);
}

/* The side that closes hears of it too, once. */
static void
test_closed_here (Fixture *f, gconstpointer data)
{
  call (f, "Echo", 0);
  sd_bus_close (f->pair.server);
  while (f->closed == 0)
    bus_pair_iterate ();
  g_assert_null (g_main_context_find_source_by_id (NULL, f->server_source));
}

static void
test_removed (Fixture *f, gconstpointer data)
{
  call (f, "Echo", 0);
  g_source_remove (f->server_source);
  sd_bus_close (f->pair.client);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_cmpuint (f->closed, ==, 0);
}

static guint n_polls;

static gint
poll_and_count (GPollFD *fds, guint n_fds, gint timeout_ms)
{
  n_polls++;
  return g_poll (fds, n_fds, timeout_ms);
}

static gboolean
set_flag (gpointer flag)
{
  *(gboolean *)flag = TRUE;
  return G_SOURCE_REMOVE;
}

/* Connections that say nothing let the loop sleep until the timer. */
static void
test_idle (Fixture *f, gconstpointer data)
{
  gboolean over = FALSE;

  call (f, "Echo", 0);
  g_timeout_add (50, set_flag, &over);
  g_main_context_set_poll_func (NULL, poll_and_count);
  bus_pair_iterate_until (&over);
  g_main_context_set_poll_func (NULL, NULL);
  g_assert_cmpuint (n_polls, <, 20);
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *path;
    void (*run) (Fixture *f, gconstpointer data);
  } tests[] = {
    { "/bus-loop/call", test_call },
    { "/bus-loop/unknown-method", test_unknown_method },
    { "/bus-loop/timeout", test_timeout },
    { "/bus-loop/many", test_many },
    { "/bus-loop/fair", test_fair },
    { "/bus-loop/closed", test_closed },
    { "/bus-loop/closed-here", test_closed_here },
    { "/bus-loop/removed", test_removed },
    { "/bus-loop/idle", test_idle },
  };

  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (tests); i++)
    g_test_add (tests[i].path, Fixture, NULL, set_up, tests[i].run, tear_down);
  return g_test_run ();
}
