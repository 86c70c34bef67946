// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Migrations, as the other host's agent tells them
 *
 * A destination that refuses a guest does so before its source has begun anything. Who says so must know the
 * token of the guest's stay here: the guest's XML has it, which goes to a host that was asked to take it.
 * What is said is believed as far as it goes: it becomes the cause of a record, and nothing else.
 */

#include "migrations-private.h"

#include "token.h"

#define SAME_USEC (2 * G_USEC_PER_SEC) /* what is told twice within this is told once */

static gboolean
is_of_this_stay (const AccmigDomain *domain, const char *token)
{
  g_autofree char *host = token_make_host ();

  return g_strcmp0 (accmig_domain_get_token (domain), token) == 0 && token_is_of (token, host);
}

/* (nullable): the domain that may be spoken of */
static const AccmigDomain *
find_domain (const Migrations *self, const MigrationsRefusal *refusal, GError **error)
{
  const AccmigDomain *domain = self->callbacks.get_domain (refusal->uuid, self->user);
  const char *name = domain != NULL ? accmig_domain_get_name (domain) : NULL;

  if (domain == NULL)
    g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_NOT_FOUND,
                 "no domain %s with VFIO hostdevs runs on this host", refusal->uuid);
  else if (!is_of_this_stay (domain, refusal->token))
    g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_REFUSED,
                 "the token is not that of the stay of “%s” on this host", name);
  else if (migrations_find_running (self, refusal->uuid) != NULL)
    g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_BUSY, "“%s” takes part in a migration at the moment",
                 name);
  else
    return domain;
  return NULL;
}

static gboolean
was_told (const Migrations *self, const Migration *migration)
{
  for (guint i = 0; i < self->watched->len; i++)
    {
      const Watched *watched = self->watched->pdata[i];

      if (watched->reported
          && g_str_equal (migration_get_token (watched->migration), migration_get_token (migration))
          && g_str_equal (migration_get_cause (watched->migration), migration_get_cause (migration))
          && migration_get_started_usec (migration) - migration_get_ended_usec (watched->migration)
                 < SAME_USEC)
        return TRUE;
    }
  return FALSE;
}

gboolean
migrations_on_refused_elsewhere (Migrations *self, const MigrationsRefusal *refusal, GError **error)
{
  const AccmigDomain *domain = find_domain (self, refusal, error);
  g_autoptr (Migration) migration = NULL;
  g_autofree char *cause = NULL;
  Watched *watched = NULL;

  if (domain == NULL)
    return FALSE;
  cause = g_strdup_printf ("refused by %s: %s", refusal->host, refusal->cause);
  migration = migration_new (ROLE_SOURCE, refusal->uuid, accmig_domain_get_name (domain), domain);
  migration_set_cause (migration, cause);
  if (was_told (self, migration))
    return TRUE;
  watched = migrations_watch (self, g_steal_pointer (&migration));
  watched->reported = TRUE;
  migrations_dispatch (self, watched, EVENT_REFUSED, NULL);
  return TRUE;
}
