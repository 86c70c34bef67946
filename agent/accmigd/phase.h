/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <glib.h>

/*
 * Phases of a migration: design §6 as one table.
 */

typedef enum
{
  ROLE_SOURCE,
  ROLE_DESTINATION,
} Role;

#define N_ROLES 2

typedef enum
{
  PHASE_IDLE, /* no migration yet; never recorded */
  /* source */
  PHASE_PREPARING,
  PHASE_COPYING,
  PHASE_SWITCHING,
  /* destination */
  PHASE_ANNOUNCED,
  PHASE_ACCEPTED,
  PHASE_STARTING,
  PHASE_INCOMING,
  PHASE_RESUMING,
  /* ends */
  PHASE_COMPLETED,
  PHASE_REFUSED,
  PHASE_FAILED,
  PHASE_CANCELLED,
  PHASE_LOST,
} Phase;

#define N_PHASES (PHASE_LOST + 1)

/* What happened, from whichever witness: libvirt's events, QEMU's, the hook, or our own reconciliation. */
typedef enum
{
  EVENT_SETUP,         /* source: QEMU set up an outgoing migration */
  EVENT_ACTIVE,        /* QEMU copies; or libvirt counted an iteration */
  EVENT_GUEST_STOPPED, /* source: vCPUs stopped for the switch-over */
  EVENT_SENT,          /* QEMU says completed: source sent all, destination loaded all */
  EVENT_GUEST_RESUMED, /* the guest runs: destination done; source taken back */
  EVENT_GONE,          /* source: libvirt stopped the guest as migrated */
  EVENT_FAILED,        /* QEMU or libvirt says failed */
  EVENT_CANCELLED,     /* QEMU says cancelled */
  EVENT_STOPPED,       /* the guest's QEMU ended for any other reason */
  EVENT_ANNOUNCED,     /* destination: hook migrate begin */
  EVENT_ACCEPTED,      /* the gate said yes */
  EVENT_REFUSED,       /* the gate said no; source: the other host's */
  EVENT_STARTING,      /* destination: hook prepare, start or started */
  EVENT_WAITING,       /* destination: QEMU waits for the stream */
  EVENT_LOADING,       /* destination: devices take their state */
  EVENT_EXPIRED,       /* destination: nothing followed the announcement in time */
  EVENT_VANISHED,      /* after an absence: no trace of how it ended */
} Event;

#define N_EVENTS (EVENT_VANISHED + 1)

/* What to do with an event in a phase. */
typedef enum
{
  DECISION_GO,      /* the phase changes */
  DECISION_STAY,    /* expected, changes nothing */
  DECISION_STRANGE, /* not expected here: logged as a bug or a stranger's doing, changes nothing */
} Decision;

const char *role_to_string (Role role);
const char *phase_to_string (Phase phase);
gboolean phase_from_string (const char *name, Phase *ret_phase);
const char *event_to_string (Event event);

/* Whether nothing can follow. */
gboolean phase_is_end (Phase phase);

/**
 * phase_decide:
 * @ret_to: (out): the phase to go to, @from unless the decision is GO
 */
Decision phase_decide (Role role, Phase from, Event event, Phase *ret_to);
