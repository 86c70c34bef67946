/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "drive-stage.h"

/*
 * What the files of a drive share: drive.c takes what it is told, drive-turn.c finds what is to be done next,
 * drive-device.c keeps what becomes of one device.
 */

typedef enum
{
  TASK_NONE,
  TASK_STEP,
  TASK_RESET,
  TASK_DRAIN, /* what is there now */
  TASK_FINAL_DRAIN,
  TASK_FILL,
} Task;

typedef enum
{
  STREAM_NONE,      /* nobody has asked for it, or sent it */
  STREAM_OPEN,      /* it is on its way */
  STREAM_WHOLE,     /* source: read to its end; destination: written to its end */
  STREAM_CONFIRMED, /* source: loaded at the other side */
  STREAM_BROKEN,
} Stream;

typedef struct
{
  char *name;
  guint64 flags;
  gboolean known; /* the broker has it, so @state is worth something */
  AccmigState state;

  Task task;            /* what the executor has not answered yet */
  AccmigState wanted;   /* TASK_STEP: the state asked for */
  gint64 deadline_usec; /* of a step, a reset, or of what works on a stream that was cut */
  gboolean overdue;     /* … which has passed */
  guint attempts;       /* steps that failed in this stage */
  gboolean passed_over; /* nothing more is tried in this stage */

  Stream stream;
  gint64 drain_at_usec; /* when a look for more in pre-copy is worth it */
  gboolean filled;      /* destination: all of its state was written to it */
  gboolean loaded;      /* destination: what it holds has arrived */
  gboolean refused;     /* destination: what came is of no use */
  gboolean reset;       /* what it held was thrown away here */
  gboolean alarmed;
  gboolean told; /* how it ended */
} DriveDevice;

struct _Drive
{
  Role role;
  DriveLimits limits;
  DriveExecutor executor;
  gpointer user;

  GPtrArray *devices; /* of DriveDevice, in the order they came */
  Stage stage;
  gboolean begun;
  gboolean given_up; /* source: the devices stay, wherever the guest goes */
  gboolean gone;     /* source: the guest has left */
  gboolean ended;    /* the migration has ended */
  gboolean lost;     /* … and nobody knows how */
  gboolean guest_runs;
  gint64 switch_deadline_usec; /* 0: it has not begun */

  gboolean turning; /* answers that come meanwhile make another turn */
  gboolean again;
};

/* Between two looks for more in pre-copy. A device that is at work has always a little more. */
#define DRIVE_DRAIN_PAUSE_USEC (G_USEC_PER_SEC / 2)

/* ---- drive-turn.c ---- */

/* Does what is to be done now, until nothing is. After every change. */
void drive_turn (Drive *drive);
void drive_enter (Drive *drive, Stage stage);
/* Source: this migration is not the devices' any more. @why: what their readers are told. */
void drive_give_up (Drive *drive, const char *why);
/* A step or a reset of @device failed; decides by the stage what comes of it. */
void drive_on_failure (Drive *drive, DriveDevice *device, const char *why);
/* What did not end in time. */
void drive_check_limits (Drive *drive);

/* ---- drive-device.c ---- */

DriveDevice *drive_device_new (const char *name, guint64 flags);
void drive_device_free (DriveDevice *device);
/* Whether it can be given something to do. */
gboolean drive_device_is_idle (const DriveDevice *device);
/* What it is busy with, for a sentence. */
const char *drive_device_describe_task (const DriveDevice *device);
void drive_device_alarm (Drive *drive, DriveDevice *device, const char *format, ...) G_GNUC_PRINTF (3, 4);
void drive_device_calm (Drive *drive, DriveDevice *device);
/* Ends its stream; @failure: (nullable). Nothing happens where none is open. */
void drive_device_end_stream (Drive *drive, DriveDevice *device, const char *failure);
/* Destination: what came is of no use; it will be reset. */
void drive_device_refuse (Drive *drive, DriveDevice *device, const char *why);
/* Tells how it ended, once. */
void drive_device_finish (Drive *drive, DriveDevice *device, DriveOutcome outcome);
