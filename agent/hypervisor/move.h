/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "hypervisor.h"

/*
 * One domain's move to another host, asked of libvirt with the rights of whoever runs this program.
 *
 * libvirtd of the source does it all, peer to peer; it goes on when we vanish. Every function waits for
 * libvirt, so it belongs into a thread that the caller can leave behind; threads may share a Move. Messages
 * are one sentence, libvirt's own behind what was tried.
 */

typedef struct _Move Move;

typedef struct
{
  guint64 bandwidth_mib;   /* MiB/s at most; 0 for no limit */
  guint64 max_downtime_ms; /* how long the guest may stand still; 0 for what is set */
  int parallel;            /* connections for its memory; 0 for one, and libvirt's usual way */
  gboolean paused;         /* the guest stays paused when it has arrived */
} MoveOptions;

/* How it stands, as libvirtd of the source knows. */
typedef struct
{
  HypervisorDomainState state;
  HypervisorJob job;
} MoveLook;

/**
 * move_open:
 * @domain: UUID or name, of a domain that runs at the default URI: LIBVIRT_DEFAULT_URI, else qemu:///system
 * Returns: (transfer full) (nullable): NULL with @error set, NOT_FOUND when there is no such domain
 */
Move *move_open (const char *domain, GError **error);
Move *move_ref (Move *move);
void move_unref (gpointer move);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Move, move_unref)

const char *move_get_uuid (const Move *move);
const char *move_get_name (const Move *move);

/**
 * move_run:
 * @uri: libvirt's, of the destination, as the source's libvirtd reaches it
 * Moves the domain and comes back when that has ended. A domain that is defined here is defined there
 * afterwards, and no longer here. When it fails, the limit on downtime is what it was before.
 */
gboolean move_run (Move *move, const char *uri, const MoveOptions *options, GError **error);

/**
 * move_abort:
 * Asks libvirt to end the job; move_run() then fails. While the destination prepares there is no job yet that
 * could be ended, which is an error, and the time to ask again.
 */
gboolean move_abort (Move *move, GError **error);

/** move_look: the job is one that has not begun where there is none, or libvirt does not tell of it */
gboolean move_look (Move *move, MoveLook *ret_look, GError **error);

/**
 * move_resume:
 * @uri: of the destination, as this program reaches it
 * Lets a guest run that has arrived paused.
 */
gboolean move_resume (Move *move, const char *uri, GError **error);
