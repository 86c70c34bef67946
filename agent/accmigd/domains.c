// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Domains
 *
 * What the running domains hold, by UUID. It says what libvirt said last and asks nothing by itself: whoever
 * hears of a change looks the domain up and updates it here.
 */

#include "domains.h"

struct _Domains
{
  GHashTable *by_uuid; /* char * → Resident *, both owned */
};

typedef struct
{
  AccmigDomain *domain;
  gboolean moving;
} Resident;

static void
resident_free (gpointer data)
{
  Resident *resident = data;

  accmig_domain_free (resident->domain);
  g_free (resident);
}

Domains *
domains_new (void)
{
  Domains *self = g_new0 (Domains, 1);

  self->by_uuid = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, resident_free);
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
domains_update (Domains *self, const char *uuid, const char *xml, gboolean moving, GError **error)
{
  g_autoptr (AccmigDomain) domain = accmig_domain_new_from_xml (xml, strlen (xml), error);
  Resident *resident;

  if (domain == NULL)
    return NULL;
  if (accmig_domain_get_n_hostdevs (domain) == 0)
    {
      g_hash_table_remove (self->by_uuid, uuid);
      return NULL;
    }
  resident = g_new0 (Resident, 1);
  resident->domain = g_steal_pointer (&domain);
  resident->moving = moving;
  g_hash_table_replace (self->by_uuid, g_strdup (uuid), resident);
  return resident->domain;
}

void
domains_remove (Domains *self, const char *uuid)
{
  g_hash_table_remove (self->by_uuid, uuid);
}

const AccmigDomain *
domains_lookup (const Domains *self, const char *uuid)
{
  const Resident *resident = g_hash_table_lookup (self->by_uuid, uuid);

  return resident != NULL ? resident->domain : NULL;
}

gboolean
domains_is_moving (const Domains *self, const char *uuid)
{
  const Resident *resident = g_hash_table_lookup (self->by_uuid, uuid);

  return resident != NULL && resident->moving;
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
  gpointer resident = NULL;

  g_hash_table_iter_init (&iter, self->by_uuid);
  while (g_hash_table_iter_next (&iter, NULL, &resident))
    if (has_hostdev (((const Resident *)resident)->domain, address))
      return ((const Resident *)resident)->domain;
  return NULL;
}

void
domains_foreach (const Domains *self, void (*each) (const AccmigDomain *domain, gpointer user), gpointer user)
{
  GHashTableIter iter;
  gpointer resident = NULL;

  g_hash_table_iter_init (&iter, self->by_uuid);
  while (g_hash_table_iter_next (&iter, NULL, &resident))
    each (((const Resident *)resident)->domain, user);
}

static gboolean
is_missing (gpointer uuid, gpointer resident, gpointer uuids)
{
  return !g_hash_table_contains (uuids, uuid);
}

void
domains_retain (Domains *self, GHashTable *uuids)
{
  g_hash_table_foreach_remove (self->by_uuid, is_missing, uuids);
}
