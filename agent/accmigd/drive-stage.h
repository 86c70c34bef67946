/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "drive.h"

/*
 * Stages of a drive: what each wants of a device, and what leads from one to another, as tables.
 */

typedef enum
{
  /* source, on the way down */
  STAGE_WAITING,  /* nothing is copied yet */
  STAGE_COPYING,  /* the guest runs; what can be read early is read */
  STAGE_QUIETING, /* the guest stopped: no device may reach another any more */
  STAGE_STOPPING, /* … so they can be stopped */
  STAGE_SAVING,   /* … and read; rests here until the migration ends */
  STAGE_LEAVING,  /* the guest has left: every device is stopped for good */
  STAGE_LEFT,     /* the other side's word is waited for */
  /* source: taken up after an absence, and it is not known yet where the guest is */
  STAGE_UNSURE,
  /* source, on the way back */
  STAGE_HALTING, /* out of stop-copy */
  /* both: to where the guest is */
  STAGE_JOINING, /* every device runs, and none reaches another before all of them do */
  STAGE_RUNNING,
  STAGE_RESTING, /* they run; who comes late is sent after them */
  /* destination */
  STAGE_LOADING,   /* rests here until the guest runs and every device is loaded or refused */
  STAGE_RESETTING, /* the migration failed: what was loaded is thrown away */
  STAGE_OVER,      /* … and who comes late is reset, too */
} Stage;

#define N_STAGES (STAGE_OVER + 1)

/* What becomes of a device whose step failed. */
typedef enum
{
  ON_FAILURE_LET_BE,  /* goes on without that step */
  ON_FAILURE_GIVE_UP, /* all go back to running; this migration is not theirs any more */
  ON_FAILURE_INSIST,  /* the step is tried once more, then the device is left behind with an alarm */
} OnFailure;

const char *stage_to_string (Stage stage);

/* Whether a device with @flags in @from has a step to take in this stage; @ret_to: (out): which. What a
 * device's own progress decides (loading, resetting) is not in the table. */
gboolean stage_find_step (Stage stage, guint64 flags, AccmigState from, AccmigState *ret_to);

OnFailure stage_on_failure (Stage stage);

/* Whether the limit of the whole switching runs in it. */
gboolean stage_is_switching (Stage stage);

/* Where it goes when every device has taken its step; @stage itself where it rests. */
Stage stage_next (Stage stage);

/* Where @news lead; @stage itself when nowhere. */
Stage stage_on_news (Role role, Stage stage, DriveNews news);
