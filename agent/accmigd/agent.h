/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <glib.h>

#include "common/settings.h"

/*
 * The agent: owns every part, and sorts what one part says to the others.
 */

typedef struct _Agent Agent;

/**
 * agent_new:
 * @settings: borrowed, must outlive the agent
 * @lost: called when the agent cannot go on, because the system bus is gone
 * @error: what it cannot do without: its history, sysfs, the system bus, its name there
 * When it returns, the agent answers; libvirt and the broker are still being connected to.
 */
Agent *agent_new (const Settings *settings, void (*lost) (gpointer user), gpointer user, GError **error);
void agent_free (Agent *agent);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Agent, agent_free)
