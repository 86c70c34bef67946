// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Watch
 *
 * A look that takes longer than the period is not overtaken by the next one: each device has at most one
 * under way. The period told with a look is then the time since the look before, for that is how precise it
 * is.
 */

#include "watch.h"

/* A look takes what it takes: finding the holder reads much of /proc. Of the time, one part in this many may
 * go into looking at a device, whatever the period. */
#define SHARE 2

#define LIMITS_SECONDS 1 /* between two checks whether a state lasts too long */

struct _Watch
{
  BrokerClient *broker;
  const Domains *domains;
  Migrations *migrations;
  guint period; /* ms */
  guint timer;
  guint limits_timer; /* for states that last too long */
  GHashTable *looks;  /* char * address → Look *, both owned */
};

/* One device that is watched. */
typedef struct
{
  Watch *owner;
  char *address;
  gboolean busy;        /* a look is under way */
  gint64 began_usec;    /* when it, or the last, began; monotonic */
  gint64 not_till_usec; /* the next one must wait for that */
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
  g_clear_handle_id (&self->limits_timer, g_source_remove);
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
  look->not_till_usec = look->began_usec + SHARE * (g_get_monotonic_time () - look->began_usec);
  if (!broker_client_peek_finish (result, &peek, NULL) || !peek.has_state)
    return;
  migrations_on_look (self->migrations, look->address, peek.state, peek.at_usec);
}

/* @now: monotonic; G_MAXINT64 to look whatever the last look took */
static void
look_at_all (Watch *self, const char *uuid, gint64 now)
{
  const AccmigDomain *domain = domains_lookup (self->domains, uuid);

  for (gsize i = 0; domain != NULL && i < accmig_domain_get_n_hostdevs (domain); i++)
    {
      Look *look = get_look (self, accmig_domain_get_hostdev (domain, i)->address);

      if (look->busy || now < look->not_till_usec)
        continue;
      look->busy = TRUE;
      look->began_usec = g_get_monotonic_time ();
      broker_client_peek_async (self->broker, look->address, on_peeked, look);
    }
}

void
watch_look (Watch *self, const char *uuid)
{
  look_at_all (self, uuid, G_MAXINT64);
}

static void
look_when_due (Watch *self, const char *uuid)
{
  look_at_all (self, uuid, g_get_monotonic_time ());
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

  if (foreach_wanted (self, look_when_due) > 0)
    return G_SOURCE_CONTINUE;
  self->timer = 0;
  g_hash_table_foreach_remove (self->looks, is_idle, NULL);
  return G_SOURCE_REMOVE;
}

static gboolean
is_any_under_way (const Watch *self)
{
  for (gsize i = 0; i < migrations_size (self->migrations); i++)
    if (!phase_is_end (migration_get_phase (migrations_get (self->migrations, i))))
      return TRUE;
  return FALSE;
}

static gboolean
on_limits (gpointer user)
{
  Watch *self = user;

  migrations_check_limits (self->migrations);
  if (is_any_under_way (self))
    return G_SOURCE_CONTINUE;
  self->limits_timer = 0;
  return G_SOURCE_REMOVE;
}

void
watch_update (Watch *self)
{
  if (self->limits_timer == 0 && is_any_under_way (self))
    self->limits_timer = g_timeout_add_seconds (LIMITS_SECONDS, on_limits, self);
  if (self->timer == 0 && foreach_wanted (self, NULL) > 0)
    self->timer = g_timeout_add (self->period, on_tick, self);
}
