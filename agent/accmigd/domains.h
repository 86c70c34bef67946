/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <accmig/accmig.h>

/*
 * Running domains with VFIO hostdevs: what each holds, and the profiles written into its metadata.
 * Domains without VFIO devices cost a hash entry at most, not an XML document.
 */

typedef struct _Domains Domains;

Domains *domains_new (void);
void domains_free (Domains *domains);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Domains, domains_free)

/* Remembers (or replaces) what a running domain's XML says; a domain without VFIO hostdevs is forgotten.
 * @xml: as libvirt gave it. @moving: it takes part in a migration. Returns: (nullable) (transfer none) */
const AccmigDomain *domains_update (Domains *domains, const char *uuid, const char *xml, gboolean moving,
                                    GError **error);
void domains_remove (Domains *domains, const char *uuid);
/* (nullable) (transfer none) by UUID */
const AccmigDomain *domains_lookup (const Domains *domains, const char *uuid);
/* Whether it took part in a migration when it was looked at last. */
gboolean domains_is_moving (const Domains *domains, const char *uuid);
/* (nullable) (transfer none): the domain that has a hostdev with this host address */
const AccmigDomain *domains_find_owner (const Domains *domains, const char *address);
void domains_foreach (const Domains *domains, void (*each) (const AccmigDomain *domain, gpointer user),
                      gpointer user);
/* Forgets those whose UUIDs are not in @uuids. */
void domains_retain (Domains *domains, GHashTable *uuids);
