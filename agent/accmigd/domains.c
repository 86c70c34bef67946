// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Domains
 *
 * What the running domains hold, by UUID. It says what libvirt said last and asks nothing by itself: whoever
 * hears of a change looks the domain up and updates it here.
 */

#include "domains.h"

struct _Domains {
  GHashTable *by_uuid; /* char * → AccmigDomain *, both owned */
};

Domains *
domains_new (void)
{
  Domains *self = g_new0 (Domains, 1);

  self->by_uuid = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify)accmig_domain_free);
  return self;
}

void
domains_free (Domains *self)
{
  if (self == NULL)
    return;
  g_hash_table_unref (self->by_uuid);
  g_free (self);
}

const AccmigDomain *
domains_update (Domains *self, const char *uuid, const char *xml, GError **error)
{
  AccmigDomain *domain = accmig_domain_new_from_xml (xml, strlen (xml), error);

  if (domain == NULL)
    return NULL;
  if (accmig_domain_get_n_hostdevs (domain) == 0)
    {
      accmig_domain_free (domain);
      g_hash_table_remove (self->by_uuid, uuid);
      return NULL;
    }
  g_hash_table_replace (self->by_uuid, g_strdup (uuid), domain);
  return domain;
}

void
domains_remove (Domains *self, const char *uuid)
{
  g_hash_table_remove (self->by_uuid, uuid);
}

const AccmigDomain *
domains_lookup (const Domains *self, const char *uuid)
{
  return g_hash_table_lookup (self->by_uuid, uuid);
}

static gboolean
has_hostdev (const AccmigDomain *domain, const char *address)
{
  for (gsize i = 0; i < accmig_domain_get_n_hostdevs (domain); i++)
    if (g_str_equal (accmig_domain_get_hostdev (domain, i)->address, address))
      return TRUE;
  return FALSE;
}

const AccmigDomain *
domains_find_owner (const Domains *self, const char *address)
{
  GHashTableIter iter;
  gpointer domain = NULL;

  g_hash_table_iter_init (&iter, self->by_uuid);
  while (g_hash_table_iter_next (&iter, NULL, &domain))
    if (has_hostdev (domain, address))
      return domain;
  return NULL;
}

void
domains_foreach (const Domains *self, void (*each) (const AccmigDomain *domain, gpointer user), gpointer user)
{
  GHashTableIter iter;
  gpointer domain = NULL;

  g_hash_table_iter_init (&iter, self->by_uuid);
  while (g_hash_table_iter_next (&iter, NULL, &domain))
    each (domain, user);
}

static gboolean
is_missing (gpointer uuid, gpointer domain, gpointer uuids)
{
  return !g_hash_table_contains (uuids, uuid);
}

void
domains_retain (Domains *self, GHashTable *uuids)
{
  g_hash_table_foreach_remove (self->by_uuid, is_missing, uuids);
}
