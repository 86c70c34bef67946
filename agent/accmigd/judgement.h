/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "registry.h"

/*
 * A judgement: what becomes of one hostdev of a guest on one device of this host, from what is known now.
 */

/* Which setting decides on what nothing else decides. */
typedef enum
{
  POLICY_NONE,
  POLICY_ON_NO_PROFILE,
  POLICY_ON_UNKNOWN,
} Policy;

/* A hostdev that is to be given a device here. Borrowed. */
typedef struct
{
  AccmigKind kind;
  const char *address; /* of the device that the guest's XML names */
  gboolean managed;
  const AccmigProfile *source; /* (nullable): of the device it has at the source */
} Claim;

/* How one assessment sees the devices of this host. Borrowed. */
typedef struct
{
  const Registry *registry;
  const Reservations *reservations;
  const char
      *uuid; /* (nullable): of the guest; NULL: nothing is reserved, what was opened once is not again */
  GHashTable *asked; /* char * address → GError * (nullable): devices opened for this, and what came of it */
  GHashTable
      *tried;    /* char * trial_key() → char * (nullable): how a driver refused the source's match data */
  gboolean bind; /* a device may be bound to its variant driver */
} DeviceView;

/* Clear with judgement_clear(). */
typedef struct
{
  gboolean available; /* it is there and nobody else has it */
  AccmigOutcome outcome;
  Policy policy;          /* for outcome unknown */
  char *sentence;         /* (nullable): NULL when compatible */
  char *rule;             /* (nullable): with the sentence */
  AccmigVerdict *verdict; /* (nullable): when there were two profiles to compare */
} Judgement;

void judgement_clear (Judgement *judgement);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Judgement, judgement_clear)

/* Replaces outcome, policy, rule and sentence. */
void judgement_set (Judgement *judgement, AccmigOutcome outcome, Policy policy, const char *rule,
                    const char *format, ...) G_GNUC_PRINTF (5, 6);

/* Judges the device @address. @ret_judgement: empty before */
void judgement_make (const DeviceView *view, const Claim *claim, const char *address,
                     Judgement *ret_judgement);

/* Whether @device is to be bound before it is opened; until then it is judged by the driver it will have. */
gboolean device_view_may_bind (const DeviceView *view, const Claim *claim, const Device *device);
/* Whether opening @device may still tell something. */
gboolean device_view_may_ask (const DeviceView *view, const Device *device);
