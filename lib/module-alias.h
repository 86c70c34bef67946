/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/* The VFIO override entries of one modules.alias file, and which of them suits a device best. */

typedef struct _ModuleAliases ModuleAliases;

/* Returns: (transfer full) (nullable): /lib/modules/RELEASE/modules.alias of the running kernel, as a path.
 */
char *module_aliases_default_path (void);

/* Returns: (transfer full) (nullable): NULL when @path cannot be read: then nobody knows the variants. */
ModuleAliases *module_aliases_read (const char *path);
void module_aliases_free (ModuleAliases *aliases);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ModuleAliases, module_aliases_free)

/*
 * @modalias: a PCI device's own, "pci:v000019E5d0000A256sv…"
 * Returns: (transfer none): driver of the entry with the fewest wildcards; "vfio-pci" for the catch-all and
 * where nothing matches
 */
const char *module_aliases_best (const ModuleAliases *aliases, const char *modalias);
