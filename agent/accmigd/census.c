// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Census
 *
 * libvirt tells that something happened to a domain, not what the domain has become; so each such event makes
 * a question, and the answer, whenever it comes, is what counts. Unless the domain was dropped meanwhile: the
 * answer may be from before, and the question is put again. A list takes long where there are many domains:
 * when something happens meanwhile, it is thrown away and asked for again.
 *
 * A domain that takes part in a migration is none of ours to write to. Whoever has a record of that migration
 * asks again at its end; without a record, as when libvirt still tidies up after an arrival, it is looked at
 * again until it is over.
 */

#include "census.h"

#include "log.h"

/* Pauses between looks at a domain whose migration nobody watches; each is twice the one before. */
#define RELOOK_FIRST_SECONDS 2
#define RELOOK_LAST_SECONDS  600

struct _Census
{
  CensusSources sources;
  void (*taken) (gpointer user);
  gpointer user;
  gboolean listing;
  gboolean stale;        /* something happened since the list was asked for */
  gint64 listed_at_usec; /* when it was, monotonic */
  guint n_drops;         /* domains dropped so far */
  GHashTable *relooks;   /* char * uuid → Relook *, both owned */
};

/* A question about one domain. */
typedef struct
{
  Census *census;
  char *uuid;
  CensusReason reason;
  guint n_drops; /* when it was asked */
} Lookup;

/* A domain that will be looked at again. */
typedef struct
{
  Census *census;
  char *uuid;
  guint seconds; /* the pause */
  guint timer;   /* 0 while it is being looked at */
} Relook;

static void
lookup_free (Lookup *lookup)
{
  g_free (lookup->uuid);
  g_free (lookup);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Lookup, lookup_free)

static void
relook_free (gpointer data)
{
  Relook *relook = data;

  g_clear_handle_id (&relook->timer, g_source_remove);
  g_free (relook->uuid);
  g_free (relook);
}

Census *
census_new (const CensusSources *sources, void (*taken) (gpointer user), gpointer user)
{
  Census *self = g_new0 (Census, 1);

  self->sources = *sources;
  self->taken = taken;
  self->user = user;
  self->relooks = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, relook_free);
  return self;
}

void
census_free (Census *self)
{
  if (self == NULL)
    return;
  g_hash_table_unref (self->relooks);
  g_free (self);
}

/* ---- migrations that nobody watches ---- */

static gboolean
on_relook (gpointer user)
{
  Relook *relook = user;

  relook->timer = 0;
  census_look_up (relook->census, relook->uuid, CENSUS_CHANGED);
  return G_SOURCE_REMOVE;
}

static void
look_again_later (Census *self, const char *uuid)
{
  Relook *relook = g_hash_table_lookup (self->relooks, uuid);

  if (relook == NULL)
    {
      relook = g_new0 (Relook, 1);
      relook->census = self;
      relook->uuid = g_strdup (uuid);
      relook->seconds = RELOOK_FIRST_SECONDS;
      g_hash_table_insert (self->relooks, g_strdup (uuid), relook);
    }
  if (relook->timer != 0)
    return;
  relook->timer = g_timeout_add_seconds (relook->seconds, on_relook, relook);
  relook->seconds = MIN (2 * relook->seconds, RELOOK_LAST_SECONDS);
}

/* Whether the domain must be left alone; then it is looked at again when it need not. */
static gboolean
is_moving (Census *self, const char *uuid)
{
  gboolean watched = migrations_running (self->sources.migrations, uuid) != NULL;

  if (domains_is_moving (self->sources.domains, uuid) && !watched)
    {
      look_again_later (self, uuid);
      return TRUE;
    }
  g_hash_table_remove (self->relooks, uuid);
  return watched;
}

/* ---- one domain ---- */

/* Takes in what libvirt says of a domain. Returns: whether it runs and has VFIO hostdevs */
static gboolean
take_domain (Census *self, const HypervisorDomain *domain)
{
  const char *uuid = hypervisor_domain_get_uuid (domain);
  const char *name = hypervisor_domain_get_name (domain);
  g_autoptr (GError) error = NULL;

  if (hypervisor_domain_get_state (domain) == HYPERVISOR_DOMAIN_SHUTOFF)
    {
      domains_remove (self->sources.domains, uuid);
      return FALSE;
    }
  if (domains_update (self->sources.domains, uuid, hypervisor_domain_get_xml (domain),
                      hypervisor_domain_is_migrating (domain), &error)
      != NULL)
    {
      reservations_release (self->sources.reservations, uuid); /* it runs, so QEMU has the devices */
      return TRUE;
    }
  if (error != NULL)
    log_event (LOG_EVENT_STRANGE, &(LogContext){ .domain = name, .uuid = uuid },
               "the XML of “%s” cannot be read: %s", name, error->message);
  return FALSE;
}

/* A guest that waits for its state. A source that is being copied moves, too, but runs. */
static gboolean
is_arriving (const HypervisorDomain *domain, CensusReason reason)
{
  return reason == CENSUS_ARRIVING && hypervisor_domain_is_migrating (domain)
         && hypervisor_domain_get_state (domain) == HYPERVISOR_DOMAIN_PAUSED;
}

/* The domain is there and has devices of ours. */
static void
follow_up (Census *self, const char *uuid, CensusReason reason, gboolean arriving)
{
  if (arriving)
    migrations_on_arriving (self->sources.migrations, domains_lookup (self->sources.domains, uuid));
  if (reason == CENSUS_NEW_STAY)
    metadata_begin_stay (self->sources.metadata, uuid);
  if (!is_moving (self, uuid))
    metadata_refresh (self->sources.metadata, uuid);
}

static void ask (Census *self, const char *uuid, CensusReason reason);

static void
on_looked_up (GObject *source, GAsyncResult *result, gpointer user)
{
  g_autoptr (Lookup) lookup = user;
  Census *self = lookup->census;
  g_autoptr (GError) error = NULL;
  g_autoptr (HypervisorDomain) domain = hypervisor_lookup_finish (self->sources.hypervisor, result, &error);
  gboolean has_devices = FALSE, arriving = domain != NULL && is_arriving (domain, lookup->reason);

  if (domain != NULL && lookup->n_drops != self->n_drops)
    {
      ask (self, lookup->uuid, lookup->reason);
      return;
    }
  has_devices = domain != NULL && take_domain (self, domain);
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
    census_drop (self, lookup->uuid);
  registry_refresh (self->sources.registry);
  if (has_devices)
    follow_up (self, lookup->uuid, lookup->reason, arriving);
  else if (arriving)
    migrations_on_arriving_bare (self->sources.migrations, lookup->uuid, hypervisor_domain_get_name (domain));
}

static void
ask (Census *self, const char *uuid, CensusReason reason)
{
  Lookup *lookup = g_new0 (Lookup, 1);

  lookup->census = self;
  lookup->uuid = g_strdup (uuid);
  lookup->reason = reason;
  lookup->n_drops = self->n_drops;
  hypervisor_lookup_async (self->sources.hypervisor, uuid, on_looked_up, lookup);
}

void
census_look_up (Census *self, const char *uuid, CensusReason reason)
{
  self->stale = TRUE;
  ask (self, uuid, reason);
}

void
census_drop (Census *self, const char *uuid)
{
  self->stale = TRUE;
  self->n_drops++;
  g_hash_table_remove (self->relooks, uuid);
  domains_remove (self->sources.domains, uuid);
  metadata_forget (self->sources.metadata, uuid);
  reservations_let_go (self->sources.reservations, uuid);
  registry_refresh (self->sources.registry);
}

/* ---- all of them ---- */

static void
refresh_one (const AccmigDomain *domain, gpointer user)
{
  Census *self = user;
  const char *uuid = accmig_domain_get_uuid (domain);

  if (uuid != NULL && !is_moving (self, uuid))
    metadata_refresh (self->sources.metadata, uuid);
}

static void
take_list (Census *self, const GPtrArray *list)
{
  g_autoptr (GHashTable) running = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < list->len; i++)
    if (take_domain (self, list->pdata[i]))
      g_hash_table_add (running, (gpointer)hypervisor_domain_get_uuid (list->pdata[i]));
  domains_retain (self->sources.domains, running);
  reservations_retain (self->sources.reservations, running, self->listed_at_usec);
  registry_refresh (self->sources.registry);
  migrations_reconcile (self->sources.migrations, list);
  domains_foreach (self->sources.domains, refresh_one, self);
}

static void
on_listed (GObject *source, GAsyncResult *result, gpointer user)
{
  Census *self = user;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) list = hypervisor_list_finish (self->sources.hypervisor, result, &error);

  self->listing = FALSE;
  if (list == NULL)
    g_message ("the domains are not known yet: %s", error->message); /* the next connection lists them */
  else if (self->stale)
    census_list (self);
  else
    {
      take_list (self, list);
      self->taken (self->user);
    }
}

void
census_list (Census *self)
{
  self->stale = self->listing; /* a list under way may be from before the connection was lost */
  if (self->listing)
    return;
  self->listing = TRUE;
  self->listed_at_usec = g_get_monotonic_time ();
  hypervisor_list_async (self->sources.hypervisor, on_listed, self);
}
