/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <accmig/fleet.h>

/*
 * Where the profiles of a fleet come from.
 *
 * A directory is searched for files *.json, each with a profile, an array of profiles, or profiles one after
 * the other; whose they are says the first part of the path below the directory, without “.json”: cn01.json
 * and cn01/0000:75:00.1.json are both cn01's. A single file is read in the same way. Everything else is a
 * list of hosts whose agents are asked.
 */

/* A file or a host that was left out. */
typedef struct
{
  char *name;
  char *cause;
} LeftOut;

/**
 * fleet_source_read:
 * @where: a directory, a file, or "[user@]host,[user@]host"; what has a slash in it is one of the former
 * @left_out: (out) (element-type LeftOut) (transfer full): what could not be read to its end
 * @error: when there is no fleet to speak of
 * Returns: (transfer full) (nullable): classified
 */
AccmigFleet *fleet_source_read (const char *where, GPtrArray **left_out, GError **error);

/**
 * fleet_source_ask:
 * @host: (nullable): "[user@]host", NULL for this one
 * Returns: (transfer full) (nullable): the profiles of all its devices, one on each line
 */
char *fleet_source_ask (const char *host, GError **error);
