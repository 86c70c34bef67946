/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <glib.h>

/*
 * The id of a registered device: "DOMAINUUID/NAME", the UUID in canonical form and small letters, the name 1
 * to 64 of A-Z a-z 0-9 . _ -, the same on both hosts.
 */

#define REGISTERED_NAME_MAX 64
#define REGISTERED_ID_MAX   (36 + 1 + REGISTERED_NAME_MAX)

gboolean registered_name_is_valid (const char *name);

gboolean registered_id_is_valid (const char *id);

/* (transfer full): of parts that are valid */
char *registered_id_make (const char *uuid, const char *name);
