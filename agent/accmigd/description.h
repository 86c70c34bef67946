/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <accmig/accmig.h>

#include "registry.h"

/*
 * A description: a domain's VFIO hostdevs with their profiles, and the guest they are in, as JSON
 * (accmig-domain/1), as one host writes it for another to check. What comes in is hostile: capped in size,
 * depth and number.
 */

typedef struct _Description Description;

#define DESCRIPTION_FORMAT   "accmig-domain/1"
#define DESCRIPTION_MAX_SIZE (1024 * 1024) /* bytes */

/* (transfer full): @domain as it is on this host; a profile is null where this host has none */
char *description_format (const AccmigDomain *domain, const Registry *registry);

/* @error: #AccmigError LIMIT, INVALID */
Description *description_new_from_json (const char *text, GError **error);
void description_free (Description *description);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Description, description_free)

const char *description_get_name (const Description *description);
gsize description_get_n_hostdevs (const Description *description);
const AccmigHostdev *description_get_hostdev (const Description *description, gsize index);
const AccmigGuest *description_get_guest (const Description *description);
/* The NUMA nodes that the guest's memory shall be on; none when nothing says so. */
gsize description_get_n_nodes (const Description *description);
int description_get_node (const Description *description, gsize index);
