/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <glib.h>

#include "hypervisor/move.h"

/*
 * How far a migration is, for a person who waits: on the standard error, one line that is written anew on a
 * terminal, else a line for each phase and now and then one in between.
 */

typedef struct _Progress Progress;

typedef enum
{
  PROGRESS_PREPARING, /* the destination is asked and gets ready */
  PROGRESS_COPYING,   /* memory is copied while the guest runs */
  PROGRESS_SWITCHING, /* the guest stands still */
} ProgressPhase;

/**
 * progress_new:
 * @name: of the guest; copied
 * @paused: the guest stood still before, so that this means nothing
 */
Progress *progress_new (const char *name, gboolean paused);
void progress_free (Progress *progress);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Progress, progress_free)

/** progress_update: Returns: the phase that @look shows */
ProgressPhase progress_update (Progress *progress, const MoveLook *look);

/** progress_note: one line of its own, @text, for what happens besides */
void progress_note (Progress *progress, const char *text);

/** progress_end: takes the line away; nothing comes after it */
void progress_end (Progress *progress);
