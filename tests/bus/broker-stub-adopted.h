/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "common/bus-loop.h"

/*
 * The stub's adopted devices: what was adopted and not disowned, and the state of each. They last as long as
 * the stub.
 */

typedef struct _Adopted Adopted;

Adopted *adopted_new (void);

/* FALSE: it is there already. @state: (nullable): its first; "running" */
gboolean adopted_add (Adopted *adopted, const char *id, const char *state);
gboolean adopted_remove (Adopted *adopted, const char *id);
/* (nullable) */
const char *adopted_get_state (const Adopted *adopted, const char *id);
void adopted_set_state (Adopted *adopted, const char *id, const char *state);

/* Answers ListAdopted. */
int adopted_reply_list (const Adopted *adopted, sd_bus_message *m);
