/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <accmig/domain.h>

/*
 * A set of NUMA nodes, as libvirt writes it: "0-3,^2,8".
 */

#define NODESET_MAX ACCMIG_DOMAIN_MAX_NODES /* a kernel has no more */

/* Fill with zero for the empty set. */
typedef struct
{
  guint64 words[NODESET_MAX / 64];
} Nodeset;

/* Adds what @text names; FALSE, and nothing is added, when it is none. */
gboolean nodeset_parse (Nodeset *set, const char *text);
gboolean nodeset_has (const Nodeset *set, guint node);
gboolean nodeset_is_empty (const Nodeset *set);
