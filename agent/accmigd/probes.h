/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <accmig/accmig.h>

/*
 * Probes: what opening each device told last, kept over restarts of the agent.
 *
 * A guest's device cannot be opened, so what was learnt while it was free must not be forgotten. A probe
 * counts only for the boot, driver and number of VFs it was made under.
 */

typedef struct _Probes Probes;

/**
 * probes_open:
 * @path: (nullable): file; NULL keeps nothing
 * A file that is missing, damaged or of another boot is like an empty one: everything in it can be learnt
 * again.
 */
Probes *probes_open (const char *path);
void probes_close (Probes *probes);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Probes, probes_close)

/* Returns: whether there is one for the device as it is now; @ret_probe borrows until the next change */
gboolean probes_lookup (const Probes *probes, const AccmigDeviceInfo *info, AccmigProbe *ret_probe);
/* Keeps a copy and writes the file. @error: the file could not be written; the probe is remembered all the
 * same */
gboolean probes_store (Probes *probes, const AccmigDeviceInfo *info, const AccmigProbe *probe,
                       GError **error);
/* The device is gone. The file follows with the next save, or store. */
void probes_forget (Probes *probes, const char *address);
/* Writes the file if it says something else. @error: it could not be written */
gboolean probes_save (Probes *probes, GError **error);
