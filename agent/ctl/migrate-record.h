/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <json-glib/json-glib.h>

/*
 * What the two agents recorded of a migration that this program has just made.
 */

/**
 * migrate_record_last:
 * Returns: the number of this host's newest record; 0 when there is none, or nobody tells
 */
guint64 migrate_record_last (void);

/**
 * migrate_record_read:
 * @uuid: of the domain
 * @after: a number of before
 * @peer: "[user@]host" of the other agent
 * Waits until the record has its figures, 10 s at most, and joins it with the other host's.
 * Returns: (transfer full) (nullable): an accmig-migration/1 document; NULL when there is no record: a guest
 * without VFIO devices, an agent that went away. What is missing besides is said on the standard error
 */
JsonNode *migrate_record_read (const char *uuid, guint64 after, const char *peer);
