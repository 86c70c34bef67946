// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Census
 *
 * libvirt tells that something happened to a domain, not what the domain has become; so each such event makes
 * a question, and the answer, whenever it comes, is what counts. A list takes long where there are many
 * domains: when something happens meanwhile, it is thrown away and asked for again.
 */

#include "census.h"

#include "log.h"

struct _Census {
  CensusSources sources;
  void (*taken) (gpointer user);
  gpointer user;
  gboolean listing;
  gboolean stale; /* something happened since the list was asked for */
};

/* A question about one domain. */
typedef struct {
  Census *census;
  char *uuid;
  gboolean new_stay;
} Lookup;

static void
lookup_free (Lookup *lookup)
{
  g_free (lookup->uuid);
  g_free (lookup);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Lookup, lookup_free)

Census *
census_new (const CensusSources *sources, void (*taken) (gpointer user), gpointer user)
{
  Census *self = g_new0 (Census, 1);

  self->sources = *sources;
  self->taken = taken;
  self->user = user;
  return self;
}

void
census_free (Census *self)
{
  g_free (self);
}

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
  if (domains_update (self->sources.domains, uuid, hypervisor_domain_get_xml (domain), &error) != NULL)
    {
      reservations_release (self->sources.reservations, uuid); /* it runs, so QEMU has the devices */
      return TRUE;
    }
  if (error != NULL)
    log_event (LOG_EVENT_STRANGE, &(LogContext){ .domain = name, .uuid = uuid },
               "the XML of “%s” cannot be read: %s", name, error->message);
  return FALSE;
}

static void
on_looked_up (GObject *source, GAsyncResult *result, gpointer user)
{
  g_autoptr (Lookup) lookup = user;
  Census *self = lookup->census;
  g_autoptr (GError) error = NULL;
  g_autoptr (HypervisorDomain) domain = hypervisor_lookup_finish (self->sources.hypervisor, result, &error);
  gboolean has_devices = domain != NULL && take_domain (self, domain);

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
    census_drop (self, lookup->uuid);
  registry_refresh (self->sources.registry);
  if (!has_devices)
    return;
  if (lookup->new_stay)
    metadata_begin_stay (self->sources.metadata, lookup->uuid);
  metadata_refresh (self->sources.metadata, lookup->uuid);
}

void
census_look_up (Census *self, const char *uuid, gboolean new_stay)
{
  Lookup *lookup = g_new0 (Lookup, 1);

  self->stale = TRUE;
  lookup->census = self;
  lookup->uuid = g_strdup (uuid);
  lookup->new_stay = new_stay;
  hypervisor_lookup_async (self->sources.hypervisor, uuid, on_looked_up, lookup);
}

void
census_drop (Census *self, const char *uuid)
{
  self->stale = TRUE;
  domains_remove (self->sources.domains, uuid);
  metadata_forget (self->sources.metadata, uuid);
  reservations_release (self->sources.reservations, uuid);
  registry_refresh (self->sources.registry);
}

static void
refresh_one (const AccmigDomain *domain, gpointer user)
{
  Census *self = user;

  if (accmig_domain_get_uuid (domain) != NULL)
    metadata_refresh (self->sources.metadata, accmig_domain_get_uuid (domain));
}

void
census_refresh_metadata (Census *self)
{
  domains_foreach (self->sources.domains, refresh_one, self);
}

static void
take_list (Census *self, const GPtrArray *list)
{
  g_autoptr (GHashTable) running = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < list->len; i++)
    if (take_domain (self, list->pdata[i]))
      g_hash_table_add (running, (gpointer)hypervisor_domain_get_uuid (list->pdata[i]));
  domains_retain (self->sources.domains, running);
  registry_refresh (self->sources.registry);
  migrations_reconcile (self->sources.migrations, list);
  census_refresh_metadata (self);
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
  hypervisor_list_async (self->sources.hypervisor, on_listed, self);
}
