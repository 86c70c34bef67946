/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "judgement.h"

/*
 * Placement: which device of this host each hostdev of a guest gets.
 *
 * It only works out an answer: nothing is reserved or asked here.
 */

/* In the order of the setting's words. */
typedef enum
{
  REMAP_NEVER,   /* the device that the XML names */
  REMAP_SAME_PF, /* else one of the same PF, or of the same mdev parent */
  REMAP_ANY,     /* else any of this host */
} Remap;

#define PLACEMENT_MAX_CANDIDATES 1024

/* Borrowed. */
typedef struct
{
  Remap remap;
  const GArray *nodes; /* of int: NUMA nodes of the guest's memory; empty when nothing says so */
} PlacementWishes;

/* (nullable): the PF, or the mdev parent, of the device that the XML names. If that device is not here, the
 * source's parent of the same name may be. */
const char *placement_get_named_pf (const DeviceView *view, const Claim *claim);

/**
 * placement_solve:
 * @claims: (array length=n)
 * @ret_addresses: (array length=n) (element-type nullable): borrowed from the registry; NULL for a claim that
 *   cannot be met
 */
void placement_solve (const DeviceView *view, const PlacementWishes *wishes, const Claim *claims, gsize n,
                      const char **ret_addresses);
