/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "hypervisor/hypervisor.h"
#include "migrations.h"

/*
 * Jobs: asks libvirt how far outgoing migrations have come, once a second while there are any, and what those
 * that arrived have cost.
 */

typedef struct _Jobs Jobs;

/* Both borrowed. */
Jobs *jobs_new (Hypervisor *hypervisor, Migrations *migrations);
void jobs_free (Jobs *jobs);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Jobs, jobs_free)

/* A migration changed: begins or ends asking. */
void jobs_update (Jobs *jobs);
/* Asks once. @completed: of the job that just ended, and each second until there are figures, at most ten
 * times */
void jobs_ask (Jobs *jobs, const char *uuid, gboolean completed);
