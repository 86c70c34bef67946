/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "common/settings.h"

/*
 * The peer link: speaks to the agents of other hosts, by way of accmig-link.
 *
 * It reaches nobody but the hosts in the setting link.hosts, so what a stranger writes into a guest's XML
 * makes it reach nobody else. It waits for nobody: what cannot be said in time, or at once with too many
 * others, is not said, and the journal has a line about that.
 */

typedef struct _PeerLink PeerLink;

/* A guest that this host's gate refused. Strings are borrowed for the call. */
typedef struct
{
  const char *domain;
  const char *uuid;
  const char *token; /* (nullable): of its stay at the source */
  const char *host;  /* (nullable): the source's name */
  const char *cause;
} PeerRefusal;

/* @settings: borrowed, must outlive it */
PeerLink *peer_link_new (const Settings *settings);
/* What is under way is broken off. */
void peer_link_free (PeerLink *link);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PeerLink, peer_link_free)

/**
 * peer_link_report_refusal:
 * Tells the source's agent, if the source is known and one of those that are told. Returns at once; nothing
 * is sent before the loop has nothing better to do, so an answer to the hook goes first.
 */
void peer_link_report_refusal (PeerLink *link, const PeerRefusal *refusal);
