/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "drive.h"
#include "hypervisor/hypervisor.h"
#include "migrations.h"
#include "registered.h"

/*
 * The drives of all guests with registered devices: one for each that takes part in a migration. Carries out
 * what they decide through the broker, and writes each step down before it is taken.
 */

typedef struct _Drives Drives;

/* What it works with; borrowed, must outlive it. */
typedef struct
{
  BrokerClient *broker;
  RegisteredSet *registered;
  Migrations *migrations;
  Hypervisor *hypervisor;
  History *history;
  DriveLimits limits;
} DrivesSources;

Drives *drives_new (const DrivesSources *sources);
void drives_free (Drives *drives);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Drives, drives_free)

/* ---- news ---- */

/* A migration began, changed its phase, or ended. */
void drives_on_migration (Drives *drives, const Migration *migration);
/* A record was taken back, for it was no migration, or forgotten. */
void drives_on_migration_removed (Drives *drives, const Migration *migration);
/* The vCPUs of a guest stopped or run, by QEMU's word. Call it before anything that takes time. */
void drives_on_vcpus (Drives *drives, const char *uuid, gboolean running);
/* When the vCPUs of a guest with registered devices were last heard to run, monotonic; 0: they were heard to
 * stop since, or nothing was. */
gint64 drives_get_resumed_usec (const Drives *drives, const char *uuid);
void drives_on_lifecycle (Drives *drives, const char *uuid, Lifecycle event);
void drives_on_registered_added (Drives *drives, const Registered *device);
void drives_on_registered_changed (Drives *drives, const Registered *device);
void drives_on_registered_removed (Drives *drives, const Registered *device);
/* The broker has said which devices it has. */
void drives_on_settled (Drives *drives);
/* All domains are known, and the unfinished migrations were held against them. */
void drives_on_census (Drives *drives);

/* ---- streams ---- */

/* One stream; called in the main context. Neither may call drives_send(), drives_confirm() or
 * drives_receive() before it returns. */
typedef struct
{
  /* Destination, when all that came was taken: whether it is what was sent. (transfer full) (nullable): a
   * sentence why not */
  char *(*check) (gpointer user);
  /* It is over; the last call. @failure: (nullable). Source, NULL: all was read, and drives_confirm() is
   * waited for. Destination, NULL: it is loaded. On a failure, whoever is at the other end of the fd must
   * close it. Not called when the call that opened the stream failed. */
  void (*over) (guint64 bytes, const char *failure, gpointer user);
} DrivesStream;

/**
 * drives_send:
 * @fd: (transfer full): a pipe or socket that the device's state is written to; closed when the stream is
 *   over, before @stream->over is called, also on an error here
 * @error: NOT_FOUND: no such registered device, or no migration of its guest leaves this host; BUSY: it is
 *   being sent; BAD_STATE: too late
 * Source: while the guest runs where the device can, the rest after the guest stopped.
 */
gboolean drives_send (Drives *drives, const char *uuid, const char *name, int fd, const DrivesStream *stream,
                      gpointer user, GError **error);

/* Source, after over() without a failure: what the other side said. @refusal: (nullable): NULL when it is
 * loaded there. A device that was sent and is never confirmed counts as lost. */
void drives_confirm (Drives *drives, const char *uuid, const char *name, const char *refusal);

/**
 * drives_receive:
 * @fd: (transfer full): a pipe or socket with the device's state, read to its end; closed as with
 *   drives_send()
 * @error: NOT_FOUND: no such registered device; BUSY: it is being loaded, or was; BAD_STATE: too late
 * Destination. Waits for the device to be in resuming; 30 s also for the guest's migration to begin here.
 */
gboolean drives_receive (Drives *drives, const char *uuid, const char *name, int fd,
                         const DrivesStream *stream, gpointer user, GError **error);
