/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "prober.h"

/*
 * The hand-over: libvirt is about to give a guest's devices to QEMU.
 *
 * By now what libvirt does goes before what the gate had in mind with a device: it is held for that guest.
 * And nobody here may have it open any more when QEMU comes.
 *
 * For a device that libvirt has just bound to its VFIO driver this is the only moment at which it can be
 * opened: before, it had another driver or none, and afterwards QEMU has it.
 */

/* What it works with; borrowed. */
typedef struct
{
  Registry *registry;
  Prober *prober;
  Reservations *reservations;
} HandoverSources;

/**
 * handover_run_async:
 * @domain: with a UUID; needed for the call only
 * @ask: whether devices that could tell something and were never asked, as they are bound now, are opened
 *   first. The registry has to be up to date
 * @limit_msec: called back then, if not before. A device that is open nevertheless is warned of, and one that
 *   could not be asked told of, in one line; neither is an error
 */
void handover_run_async (const HandoverSources *sources, const AccmigDomain *domain, gboolean ask,
                         guint limit_msec, GAsyncReadyCallback callback, gpointer user);
void handover_run_finish (GAsyncResult *result);
