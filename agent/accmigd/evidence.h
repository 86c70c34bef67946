/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "broker-client.h"
#include "migrations.h"
#include "registry.h"

/*
 * Evidence: what the driver of a device was given when it refused an incoming migration.
 *
 * It explains a migration that has failed, and nothing more: what a driver was given is another device's
 * match data, and never becomes part of a profile of this one.
 */

typedef struct _Evidence Evidence;

/* All borrowed, must outlive it. */
Evidence *evidence_new (BrokerClient *broker, const Registry *registry, Migrations *migrations);
/* What is under way must have ended: the broker client goes first. */
void evidence_free (Evidence *evidence);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Evidence, evidence_free)

/**
 * evidence_look_for:
 * @uuid: of a domain whose incoming migration failed, and which is gone
 * @address: one of the devices it was to have
 * Asks, if the device's family leaves any; what is found is told by migrations_on_evidence().
 */
void evidence_look_for (Evidence *evidence, const char *uuid, const char *address);

/**
 * evidence_explain:
 * @target: the device that was to take the state
 * @text: what its driver kept, any bytes
 * @error: INVALID, LIMIT, TRUNCATED: nothing can be told from it; UNSUPPORTED for a family that leaves none
 * Returns: (transfer full) (nullable): in what the state was not the device's, "the driver was given queue
 * count 8, 0000:75:00.3 has 4"; NULL without @error when no rule refuses it
 */
char *evidence_explain (const AccmigProfile *target, const char *text, gsize length, GError **error);
