/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "assessment.h"
#include "migrations.h"
#include "peer-link.h"

/*
 * The gate: answers libvirt's hook. It decides on "migrate begin", where it also gives the guest its devices,
 * and on "prepare begin" it stands in the way of a guest that would take a device promised to another. Before
 * QEMU takes devices it hands them over. Everything else it only takes note of and lets through.
 *
 * It makes no libvirt call, for libvirt waits for it; and every answer comes in time, if need be by policy.
 */

typedef struct _Gate Gate;

/* What it works with; borrowed, must outlive it. */
typedef struct
{
  const AssessmentSources *assessment;
  Registry *registry;
  Prober *prober;
  Reservations *reservations;
  Migrations *migrations;
  PeerLink *link;
} GateSources;

typedef struct
{
  gboolean accept_on_agent_failure;
  gboolean accept_on_unknown;
  gboolean accept_on_no_profile;
  gboolean probe_at_start;
  guint hook_timeout; /* seconds the hook waits */
} GatePolicy;

/* libvirt's words. Strings are borrowed for the call. */
typedef struct
{
  const char *domain;
  const char *operation;
  const char *suboperation;
  const char *extra;
  const char *xml; /* as it came: any bytes */
  gsize xml_length;
} GateQuestion;

/* Free with gate_answer_free(). */
typedef struct
{
  gboolean allowed;
  char *message; /* one line, "" when there is nothing to say */
  char *new_xml; /* "" to keep what came; else the same with other devices */
} GateAnswer;

void gate_answer_free (GateAnswer *answer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (GateAnswer, gate_answer_free)

Gate *gate_new (const GateSources *sources, const GatePolicy *policy);
void gate_free (Gate *gate);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Gate, gate_free)

void gate_ask_async (Gate *gate, const GateQuestion *question, GAsyncReadyCallback callback, gpointer user);
/* (transfer full): never NULL; there is always an answer */
GateAnswer *gate_ask_finish (GAsyncResult *result);
