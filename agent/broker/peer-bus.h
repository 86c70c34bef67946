/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "broker.h"

/*
 * One client on its own connection.
 */

typedef struct _Peer Peer;

/**
 * peer_new:
 * @fd: (transfer full): a connection whose other end has been checked
 * @closed: called once, from the loop, when it is gone; frees the peer
 */
Peer *peer_new (Broker *broker, int fd, void (*closed) (Peer *peer, gpointer user), gpointer user,
                GError **error);

/* Breaks off what the peer asked for and has not got yet. */
void peer_free (Peer *peer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Peer, peer_free)

Broker *peer_get_broker (const Peer *peer);

/* Whose process is at the other end. */
uid_t peer_get_user (const Peer *peer);

/* Cancelled when the peer goes. */
GCancellable *peer_get_gone (const Peer *peer);

/* To the peer: one event of QEMU; whether its events come at all has changed. */
void peer_emit_qemu_event (Peer *peer, const char *uuid, const char *name, const char *event, gint64 at_usec,
                           const char *details);
/* Events of a domain were not passed on. @uuid: its; "" for all */
void peer_emit_qemu_gap (Peer *peer, const char *uuid);
void peer_emit_hypervisor_changed (Peer *peer);
