/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "prober.h"
#include "registry.h"

/*
 * An assessment: one domain's hostdevs held against the devices of this host.
 *
 * It is what the gate and CheckDomain share. For the gate it has a domain that the devices are reserved for;
 * the dry one reserves nothing and opens only what was never opened before.
 */

typedef struct _Assessment Assessment;

/* What it works with; borrowed, must outlive it. */
typedef struct
{
  Registry *registry;
  Prober *prober;
  Reservations *reservations;
} AssessmentSources;

/* Which setting decides on a row that nothing else decides. */
typedef enum
{
  POLICY_NONE,
  POLICY_ON_NO_PROFILE,
  POLICY_ON_UNKNOWN,
} Policy;

/* One hostdev. Strings are borrowed. */
typedef struct
{
  const char *alias;
  const char *address; /* the target */
  AccmigOutcome outcome;
  Policy policy;                /* for outcome unknown */
  const char *sentence;         /* "" when compatible */
  const char *rule;             /* "" when compatible */
  const AccmigVerdict *verdict; /* (nullable): when there were two profiles to compare */
} AssessmentRow;

/**
 * assessment_new:
 * @domain: its name, for messages
 * @uuid: (nullable): NULL makes it dry
 */
Assessment *assessment_new (const AssessmentSources *sources, const char *domain, const char *uuid);
Assessment *assessment_ref (Assessment *assessment);
void assessment_unref (Assessment *assessment);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Assessment, assessment_unref)

/* @hostdev: copied; its profile is the source's */
void assessment_add (Assessment *assessment, const AccmigHostdev *hostdev);

/* Reserves, probes and compares; called back when every hostdev has been looked at. It has no limit of its
 * own. */
void assessment_run_async (Assessment *assessment, GAsyncReadyCallback callback, gpointer user);
void assessment_run_finish (GAsyncResult *result);

gsize assessment_get_n_rows (const Assessment *assessment);
AssessmentRow assessment_get_row (const Assessment *assessment, gsize index);

/* The worst of the rows; compatible when there are none. */
AccmigOutcome assessment_get_outcome (const Assessment *assessment);

/* (transfer full): accmig-report/1 */
char *assessment_to_json (const Assessment *assessment);
