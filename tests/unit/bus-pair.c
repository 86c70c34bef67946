// SPDX-License-Identifier: GPL-2.0-or-later
#include "bus-pair.h"

#include <sys/socket.h>

#define IDLE_LIMIT_MS 10000

void
bus_pair_init (BusPair *pair, const sd_bus_vtable *vtable, gpointer user)
{
  sd_id128_t id = SD_ID128_NULL;
  int fds[2];

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), ==, 0);
  g_assert_cmpint (sd_id128_randomize (&id), >=, 0);

  g_assert_cmpint (sd_bus_new (&pair->server), >=, 0);
  g_assert_cmpint (sd_bus_set_fd (pair->server, fds[0], fds[0]), >=, 0);
  g_assert_cmpint (sd_bus_set_server (pair->server, TRUE, id), >=, 0);
  g_assert_cmpint (sd_bus_add_object_vtable (pair->server, NULL, BUS_PAIR_OBJECT, BUS_PAIR_IFACE, vtable,
                                             user),
                   >=, 0);
  g_assert_cmpint (sd_bus_start (pair->server), >=, 0);

  g_assert_cmpint (sd_bus_new (&pair->client), >=, 0);
  g_assert_cmpint (sd_bus_set_fd (pair->client, fds[1], fds[1]), >=, 0);
  g_assert_cmpint (sd_bus_start (pair->client), >=, 0);
}

void
bus_pair_clear (BusPair *pair)
{
  sd_bus_close_unref (pair->client);
  sd_bus_close_unref (pair->server);
}

sd_bus_message *
bus_pair_new_call (const BusPair *pair, const char *member)
{
  sd_bus_message *m = NULL;

  g_assert_cmpint (sd_bus_message_new_method_call (pair->client, &m, NULL, BUS_PAIR_OBJECT, BUS_PAIR_IFACE,
                                                   member),
                   >=, 0);
  return m;
}

static gboolean
on_idle_limit (gpointer user)
{
  g_error ("nothing has happened for %d ms", IDLE_LIMIT_MS);
  return G_SOURCE_REMOVE;
}

void
bus_pair_iterate (void)
{
  guint limit = g_timeout_add (IDLE_LIMIT_MS, on_idle_limit, NULL);

  g_main_context_iteration (NULL, TRUE);
  g_source_remove (limit);
}

void
bus_pair_iterate_until (const gboolean *flag)
{
  while (!*flag)
    bus_pair_iterate ();
}
