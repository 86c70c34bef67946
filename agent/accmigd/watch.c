// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Watch
 *
 * A look that takes longer than the period is not overtaken by the next one: each device has at most one
 * under way. The period told with a look is then the time since the look before, for that is how precise it
 * is.
 */

#include "watch.h"

struct _Watch
{
  BrokerClient *broker;
  const Domains *domains;
  Migrations *migrations;
  guint period; /* ms */
  guint timer;
  GHashTable *looks; /* char * address → Look *, both owned */
};

/* One device that is watched. */
typedef struct
{
  Watch *owner;
  char *address;
  gboolean busy; /* a look is under way */
} Look;

static void
look_free (gpointer data)
{
  Look *look = data;

  g_free (look->address);
  g_free (look);
}

Watch *
watch_new (BrokerClient *broker, const Domains *domains, Migrations *migrations, guint period)
{
  Watch *self = g_new0 (Watch, 1);

  self->broker = broker;
  self->domains = domains;
  self->migrations = migrations;
  self->period = period;
  self->looks = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, look_free);
  return self;
}

void
watch_free (Watch *self)
{
  if (self == NULL)
    return;
  g_clear_handle_id (&self->timer, g_source_remove);
  g_hash_table_unref (self->looks);
  g_free (self);
}

static Look *
get_look (Watch *self, const char *address)
{
  Look *look = g_hash_table_lookup (self->looks, address);

  if (look != NULL)
    return look;
  look = g_new0 (Look, 1);
  look->owner = self;
  look->address = g_strdup (address);
  g_hash_table_insert (self->looks, g_strdup (address), look);
  return look;
}

/* A device that nobody has open, or that went away, has no state: that is for libvirt's events to explain. */
static void
on_peeked (GObject *source, GAsyncResult *result, gpointer user)
{
  Look *look = user;
  Watch *self = look->owner;
  BrokerPeek peek = { 0 };

  look->busy = FALSE;
  if (!broker_client_peek_finish (result, &peek, NULL) || !peek.has_state)
    return;
  migrations_on_look (self->migrations, look->address, peek.state, peek.at_usec);
}

void
watch_look (Watch *self, const char *uuid)
{
  const AccmigDomain *domain = domains_lookup (self->domains, uuid);

  for (gsize i = 0; domain != NULL && i < accmig_domain_get_n_hostdevs (domain); i++)
    {
      Look *look = get_look (self, accmig_domain_get_hostdev (domain, i)->address);

      if (look->busy)
        continue;
      look->busy = TRUE;
      broker_client_peek_async (self->broker, look->address, on_peeked, look);
    }
}

/* Calls back for each domain whose devices are worth a look. Returns: how many */
static guint
foreach_wanted (Watch *self, void (*each) (Watch *self, const char *uuid))
{
  guint n = 0;

  for (gsize i = 0; i < migrations_size (self->migrations); i++)
    {
      const Migration *migration = migrations_get (self->migrations, i);
      const char *uuid = migration_get_uuid (migration);

      if (phase_is_end (migration_get_phase (migration)) || !migrations_wants_looks (self->migrations, uuid))
        continue;
      n++;
      if (each != NULL)
        each (self, uuid);
    }
  return n;
}

static gboolean
is_idle (gpointer address, gpointer look, gpointer user)
{
  return !((const Look *)look)->busy;
}

static gboolean
on_tick (gpointer user)
{
  Watch *self = user;

  if (foreach_wanted (self, watch_look) > 0)
    return G_SOURCE_CONTINUE;
  self->timer = 0;
  g_hash_table_foreach_remove (self->looks, is_idle, NULL);
  return G_SOURCE_REMOVE;
}

void
watch_update (Watch *self)
{
  if (self->timer == 0 && foreach_wanted (self, NULL) > 0)
    self->timer = g_timeout_add (self->period, on_tick, self);
}
