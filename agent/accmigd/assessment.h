/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "placement.h"
#include "prober.h"

/*
 * An assessment: one domain's hostdevs held against the devices of this host, and each given the one it is to
 * have.
 *
 * It is what the gate and CheckDomain share. For the gate it has a domain that the devices are reserved for;
 * the dry one reserves and makes nothing and opens only what was never opened before.
 */

typedef struct _Assessment Assessment;

/* What it works with; borrowed, must outlive it. */
typedef struct
{
  Registry *registry;
  Prober *prober;
  Reservations *reservations;
  BrokerClient *broker;
  int sysfs_fd;
  Remap remap;
  gboolean create_mdev;
  gboolean trial;
  gboolean bind;
} AssessmentSources;

/* One hostdev. Strings are borrowed. */
typedef struct
{
  const char *alias;
  const char *named;   /* the device that the XML names */
  const char *address; /* the target: the device that it gets, or, when it gets none, the one named */
  gboolean remapped;   /* these are two */
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

/* @hostdev: copied; its profile is the source's. At most ACCMIG_DOMAIN_MAX_HOSTDEVS */
void assessment_add (Assessment *assessment, const AccmigHostdev *hostdev);
/* What is said of the guest itself; copied. */
void assessment_set_guest (Assessment *assessment, const AccmigGuest *guest);
/* The guest's memory shall be on this NUMA node, or on another one that is added. */
void assessment_add_node (Assessment *assessment, int node);

/* Places, reserves, probes and compares, until it stays that way; called back when every hostdev has its
 * answer. It has no limit of its own. */
void assessment_run_async (Assessment *assessment, GAsyncReadyCallback callback, gpointer user);
void assessment_run_finish (GAsyncResult *result);
/* Nobody waits for it any more: it reserves nothing from now on. */
void assessment_stop (Assessment *assessment);

const char *assessment_get_domain (const Assessment *assessment);
gsize assessment_get_n_rows (const Assessment *assessment);
/* While it runs, only what is known so far: names and targets. */
AssessmentRow assessment_get_row (const Assessment *assessment, gsize index);

/* When it is over: what of the guest as a whole stands in the way, wherever it would go. */
const AccmigVerdict *assessment_get_guest (const Assessment *assessment);

/* When it is over: the worst of the rows and the guest; compatible when there is nothing. */
AccmigOutcome assessment_get_outcome (const Assessment *assessment);

/* (transfer full): accmig-report/1 */
char *assessment_to_json (const Assessment *assessment);
