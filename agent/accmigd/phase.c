// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Phases
 *
 *   source:       idle → preparing → copying → switching → completed
 *   destination:  idle → announced → accepted | refused ;  accepted → starting → incoming → resuming →
 * completed any of them:  → failed | cancelled | lost
 *
 * The witnesses are several and speak over different connections, so the same thing is often told twice and
 * sometimes out of order: libvirt's "suspended" may overtake QEMU's "active". An event that says what is
 * already known stays; one that skips a phase goes there directly; one that has no business here is strange,
 * and whoever dispatches it says so in the journal. Every pair of phase and event has one of the three.
 *
 * One arc leads from one end to another: at the source, libvirt's "resumed" may arrive before QEMU's
 * "cancelled", and until then the migration has failed.
 */

#include "phase.h"

/* A row of the tables below: in @from, @event leads to @to. @to equal to @from: expected, nothing changes. */
typedef struct
{
  Phase from;
  Event event;
  Phase to;
} Arc;

static const Arc source_arcs[] = {
  { PHASE_IDLE, EVENT_SETUP, PHASE_PREPARING },
  { PHASE_IDLE, EVENT_ACTIVE, PHASE_COPYING },
  { PHASE_IDLE, EVENT_GUEST_STOPPED, PHASE_SWITCHING },
  { PHASE_IDLE, EVENT_GONE, PHASE_COMPLETED },
  { PHASE_IDLE, EVENT_REFUSED, PHASE_FAILED }, /* the destination told us; nothing had begun here */

  { PHASE_PREPARING, EVENT_SETUP, PHASE_PREPARING },
  { PHASE_PREPARING, EVENT_ACTIVE, PHASE_COPYING },
  { PHASE_PREPARING, EVENT_GUEST_STOPPED, PHASE_SWITCHING },
  { PHASE_PREPARING, EVENT_SENT, PHASE_SWITCHING },
  { PHASE_PREPARING, EVENT_GUEST_RESUMED, PHASE_PREPARING },
  { PHASE_PREPARING, EVENT_GONE, PHASE_COMPLETED },
  { PHASE_PREPARING, EVENT_FAILED, PHASE_FAILED },
  { PHASE_PREPARING, EVENT_CANCELLED, PHASE_CANCELLED },
  { PHASE_PREPARING, EVENT_STOPPED, PHASE_FAILED },
  { PHASE_PREPARING, EVENT_VANISHED, PHASE_LOST },

  { PHASE_COPYING, EVENT_SETUP, PHASE_COPYING },
  { PHASE_COPYING, EVENT_ACTIVE, PHASE_COPYING },
  { PHASE_COPYING, EVENT_GUEST_STOPPED, PHASE_SWITCHING },
  { PHASE_COPYING, EVENT_SENT, PHASE_SWITCHING },
  { PHASE_COPYING, EVENT_GUEST_RESUMED, PHASE_COPYING }, /* somebody suspended and resumed it meanwhile */
  { PHASE_COPYING, EVENT_GONE, PHASE_COMPLETED },
  { PHASE_COPYING, EVENT_FAILED, PHASE_FAILED },
  { PHASE_COPYING, EVENT_CANCELLED, PHASE_CANCELLED },
  { PHASE_COPYING, EVENT_STOPPED, PHASE_FAILED },
  { PHASE_COPYING, EVENT_VANISHED, PHASE_LOST },

  { PHASE_SWITCHING, EVENT_SETUP, PHASE_SWITCHING },
  { PHASE_SWITCHING, EVENT_ACTIVE, PHASE_SWITCHING },
  { PHASE_SWITCHING, EVENT_GUEST_STOPPED, PHASE_SWITCHING },
  { PHASE_SWITCHING, EVENT_SENT, PHASE_SWITCHING },
  { PHASE_SWITCHING, EVENT_GUEST_RESUMED, PHASE_FAILED }, /* taken back */
  { PHASE_SWITCHING, EVENT_GONE, PHASE_COMPLETED },
  { PHASE_SWITCHING, EVENT_FAILED, PHASE_FAILED },
  { PHASE_SWITCHING, EVENT_CANCELLED, PHASE_CANCELLED },
  { PHASE_SWITCHING, EVENT_STOPPED, PHASE_FAILED },
  { PHASE_SWITCHING, EVENT_VANISHED, PHASE_LOST },

  { PHASE_FAILED, EVENT_CANCELLED, PHASE_CANCELLED }, /* told late: see above */
};

static const Arc destination_arcs[] = {
  { PHASE_IDLE, EVENT_ANNOUNCED, PHASE_ANNOUNCED },
  { PHASE_IDLE, EVENT_WAITING, PHASE_INCOMING }, /* the hook did not reach us */

  { PHASE_ANNOUNCED, EVENT_ACCEPTED, PHASE_ACCEPTED },
  { PHASE_ANNOUNCED, EVENT_REFUSED, PHASE_REFUSED },
  { PHASE_ANNOUNCED, EVENT_STARTING,
    PHASE_STARTING }, /* the hook gave up on us and its policy let the guest in */
  { PHASE_ANNOUNCED, EVENT_WAITING, PHASE_INCOMING },
  { PHASE_ANNOUNCED, EVENT_GUEST_RESUMED, PHASE_COMPLETED },
  { PHASE_ANNOUNCED, EVENT_FAILED, PHASE_FAILED },
  { PHASE_ANNOUNCED, EVENT_STOPPED, PHASE_FAILED },
  { PHASE_ANNOUNCED, EVENT_EXPIRED, PHASE_FAILED },
  { PHASE_ANNOUNCED, EVENT_VANISHED, PHASE_LOST },

  { PHASE_ACCEPTED, EVENT_STARTING, PHASE_STARTING },
  { PHASE_ACCEPTED, EVENT_WAITING, PHASE_INCOMING },
  { PHASE_ACCEPTED, EVENT_GUEST_RESUMED, PHASE_COMPLETED }, /* found running after an absence */
  { PHASE_ACCEPTED, EVENT_FAILED, PHASE_FAILED },
  { PHASE_ACCEPTED, EVENT_STOPPED, PHASE_FAILED },
  { PHASE_ACCEPTED, EVENT_EXPIRED, PHASE_FAILED },
  { PHASE_ACCEPTED, EVENT_VANISHED, PHASE_LOST },

  { PHASE_STARTING, EVENT_STARTING, PHASE_STARTING },
  { PHASE_STARTING, EVENT_SETUP, PHASE_STARTING },
  { PHASE_STARTING, EVENT_ACTIVE, PHASE_INCOMING },
  { PHASE_STARTING, EVENT_WAITING, PHASE_INCOMING },
  { PHASE_STARTING, EVENT_LOADING, PHASE_INCOMING },
  { PHASE_STARTING, EVENT_SENT, PHASE_RESUMING },
  { PHASE_STARTING, EVENT_GUEST_RESUMED, PHASE_COMPLETED },
  { PHASE_STARTING, EVENT_FAILED, PHASE_FAILED },
  { PHASE_STARTING, EVENT_CANCELLED, PHASE_CANCELLED },
  { PHASE_STARTING, EVENT_STOPPED, PHASE_FAILED },
  { PHASE_STARTING, EVENT_EXPIRED,
    PHASE_STARTING }, /* QEMU may take longer to start than a reservation lasts */
  { PHASE_STARTING, EVENT_VANISHED, PHASE_LOST },

  { PHASE_INCOMING, EVENT_STARTING, PHASE_INCOMING },
  { PHASE_INCOMING, EVENT_SETUP, PHASE_INCOMING },
  { PHASE_INCOMING, EVENT_ACTIVE, PHASE_INCOMING },
  { PHASE_INCOMING, EVENT_WAITING, PHASE_INCOMING },
  { PHASE_INCOMING, EVENT_LOADING, PHASE_INCOMING },
  { PHASE_INCOMING, EVENT_SENT, PHASE_RESUMING },
  { PHASE_INCOMING, EVENT_GUEST_RESUMED, PHASE_COMPLETED },
  { PHASE_INCOMING, EVENT_FAILED, PHASE_FAILED },
  { PHASE_INCOMING, EVENT_CANCELLED, PHASE_CANCELLED },
  { PHASE_INCOMING, EVENT_STOPPED, PHASE_FAILED },
  { PHASE_INCOMING, EVENT_VANISHED, PHASE_LOST },

  { PHASE_RESUMING, EVENT_STARTING, PHASE_RESUMING },
  { PHASE_RESUMING, EVENT_SETUP, PHASE_RESUMING },
  { PHASE_RESUMING, EVENT_ACTIVE, PHASE_RESUMING },
  { PHASE_RESUMING, EVENT_WAITING, PHASE_RESUMING },
  { PHASE_RESUMING, EVENT_LOADING, PHASE_RESUMING },
  { PHASE_RESUMING, EVENT_SENT, PHASE_RESUMING },
  { PHASE_RESUMING, EVENT_GUEST_RESUMED, PHASE_COMPLETED },
  { PHASE_RESUMING, EVENT_FAILED, PHASE_FAILED },
  { PHASE_RESUMING, EVENT_CANCELLED, PHASE_CANCELLED },
  { PHASE_RESUMING, EVENT_STOPPED, PHASE_FAILED },
  { PHASE_RESUMING, EVENT_VANISHED, PHASE_LOST },
};

static const struct
{
  const Arc *arcs;
  gsize n;
} tables[] = {
  [ROLE_SOURCE] = { source_arcs, G_N_ELEMENTS (source_arcs) },
  [ROLE_DESTINATION] = { destination_arcs, G_N_ELEMENTS (destination_arcs) },
};
G_STATIC_ASSERT (G_N_ELEMENTS (tables) == N_ROLES);

static const char *const role_names[] = {
  [ROLE_SOURCE] = "source",
  [ROLE_DESTINATION] = "destination",
};
G_STATIC_ASSERT (G_N_ELEMENTS (role_names) == N_ROLES);

static const char *const phase_names[] = {
  [PHASE_IDLE] = "idle",           [PHASE_PREPARING] = "preparing", [PHASE_COPYING] = "copying",
  [PHASE_SWITCHING] = "switching", [PHASE_ANNOUNCED] = "announced", [PHASE_ACCEPTED] = "accepted",
  [PHASE_STARTING] = "starting",   [PHASE_INCOMING] = "incoming",   [PHASE_RESUMING] = "resuming",
  [PHASE_COMPLETED] = "completed", [PHASE_REFUSED] = "refused",     [PHASE_FAILED] = "failed",
  [PHASE_CANCELLED] = "cancelled", [PHASE_LOST] = "lost",
};
G_STATIC_ASSERT (G_N_ELEMENTS (phase_names) == N_PHASES);

static const char *const event_names[] = {
  [EVENT_SETUP] = "setup",
  [EVENT_ACTIVE] = "active",
  [EVENT_GUEST_STOPPED] = "guest-stopped",
  [EVENT_SENT] = "sent",
  [EVENT_GUEST_RESUMED] = "guest-resumed",
  [EVENT_GONE] = "gone",
  [EVENT_FAILED] = "failed",
  [EVENT_CANCELLED] = "cancelled",
  [EVENT_STOPPED] = "stopped",
  [EVENT_ANNOUNCED] = "announced",
  [EVENT_ACCEPTED] = "accepted",
  [EVENT_REFUSED] = "refused",
  [EVENT_STARTING] = "starting",
  [EVENT_WAITING] = "waiting",
  [EVENT_LOADING] = "loading",
  [EVENT_EXPIRED] = "expired",
  [EVENT_VANISHED] = "vanished",
};
G_STATIC_ASSERT (G_N_ELEMENTS (event_names) == N_EVENTS);

const char *
role_to_string (Role role)
{
  return role_names[role];
}

const char *
phase_to_string (Phase phase)
{
  return phase_names[phase];
}

gboolean
phase_from_string (const char *name, Phase *ret_phase)
{
  for (int i = 0; i < N_PHASES; i++)
    if (g_strcmp0 (name, phase_names[i]) == 0)
      {
        *ret_phase = i;
        return TRUE;
      }
  return FALSE;
}

const char *
event_to_string (Event event)
{
  return event_names[event];
}

gboolean
phase_is_end (Phase phase)
{
  return phase >= PHASE_COMPLETED;
}

/* What has no row: an ended migration and an idle domain hear much that is not meant for them; the rest is
 * strange. */
static Decision
decide_unlisted (Phase from)
{
  return from == PHASE_IDLE || phase_is_end (from) ? DECISION_STAY : DECISION_STRANGE;
}

Decision
phase_decide (Role role, Phase from, Event event, Phase *ret_to)
{
  *ret_to = from;
  for (gsize i = 0; i < tables[role].n; i++)
    {
      const Arc *arc = &tables[role].arcs[i];

      if (arc->from != from || arc->event != event)
        continue;
      *ret_to = arc->to;
      return arc->to == from ? DECISION_STAY : DECISION_GO;
    }
  return decide_unlisted (from);
}
