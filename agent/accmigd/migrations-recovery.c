// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Migrations, after an absence
 *
 * libvirtd was restarted, or the agent was: what is there now decides what became of the unfinished ones.
 */

#include "migrations-private.h"

/* A source whose guest is still defined here. */
static void
reconcile_source (Migrations *self, Watched *watched, const HypervisorDomain *domain)
{
  if (hypervisor_domain_was_migrated (domain))
    {
      migration_set_worked_out (watched->migration);
      migrations_dispatch (self, watched, EVENT_GONE, NULL);
      return;
    }
  if (hypervisor_domain_get_state (domain) == HYPERVISOR_DOMAIN_SHUTOFF)
    {
      migration_set_worked_out (watched->migration);
      migrations_dispatch (self, watched, EVENT_STOPPED, NULL);
      return;
    }
  watched->reconciling = TRUE; /* the job decides */
  self->callbacks.want_job (migration_get_uuid (watched->migration), FALSE, self->user);
}

/* The gate was asked and libvirt had not made the guest yet. If the answer was given, its promise outlives
 * the agent that gave it, and has an end of its own; if not, nobody gives it any more. */
static void
reconcile_promised (Migrations *self, Watched *watched)
{
  const Migration *migration = watched->migration;

  if (!watched->restored)
    return;
  if (migration_get_phase (migration) == PHASE_ACCEPTED
      && self->callbacks.is_promised (migration_get_uuid (migration), self->user))
    return;
  migration_set_worked_out (watched->migration);
  migrations_dispatch (self, watched, EVENT_EXPIRED, NULL);
}

static void
reconcile_destination (Migrations *self, Watched *watched, const HypervisorDomain *domain)
{
  gboolean here = hypervisor_domain_get_state (domain) != HYPERVISOR_DOMAIN_SHUTOFF;

  if (here && hypervisor_domain_is_migrating (domain))
    return; /* still on its way */
  migration_set_worked_out (watched->migration);
  migrations_dispatch (self, watched, here ? EVENT_GUEST_RESUMED : EVENT_STOPPED, NULL);
}

/* (nullable) */
static const HypervisorDomain *
find_domain (const GPtrArray *domains, const char *uuid)
{
  for (guint i = 0; i < domains->len; i++)
    if (g_strcmp0 (hypervisor_domain_get_uuid (domains->pdata[i]), uuid) == 0)
      return domains->pdata[i];
  return NULL;
}

static gboolean
is_shut_off (const HypervisorDomain *domain)
{
  return domain == NULL || hypervisor_domain_get_state (domain) == HYPERVISOR_DOMAIN_SHUTOFF;
}

static void
reconcile (Migrations *self, Watched *watched, const GPtrArray *domains)
{
  const Migration *migration = watched->migration;
  const char *uuid = migration_get_uuid (migration);
  const HypervisorDomain *domain = find_domain (domains, uuid);
  gboolean source = migration_get_role (migration) == ROLE_SOURCE;
  Phase phase = migration_get_phase (migration);

  if (source && domain != NULL)
    reconcile_source (self, watched, domain);
  else if (source)
    {
      watched->reconciling = TRUE; /* the log decides */
      self->callbacks.want_log (uuid, migration_get_name (migration), self->user);
    }
  else if ((phase == PHASE_ANNOUNCED || phase == PHASE_ACCEPTED) && is_shut_off (domain))
    reconcile_promised (self, watched);
  else if (domain != NULL)
    reconcile_destination (self, watched, domain);
  else
    {
      migration_set_worked_out (watched->migration);
      migrations_dispatch (self, watched, EVENT_STOPPED, NULL);
    }
}

void
migrations_reconcile (Migrations *self, const GPtrArray *domains)
{
  g_autoptr (GPtrArray) unfinished = g_ptr_array_new ();

  for (guint i = 0; i < self->watched->len; i++)
    {
      Watched *watched = self->watched->pdata[i];

      if (!phase_is_end (migration_get_phase (watched->migration)))
        g_ptr_array_add (unfinished, watched);
    }
  for (guint i = 0; i < unfinished->len; i++)
    reconcile (self, unfinished->pdata[i], domains);
}
