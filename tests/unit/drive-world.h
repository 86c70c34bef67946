/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "accmigd/drive.h"

/*
 * A world for a drive: a guest, its devices with the kernel's state machine, a clock that a test turns, and
 * faults on demand. It is the second opinion about what a drive may do: it looks at every step arc by arc and
 * ends the test when one breaks the kernel's contract or was not written down before.
 */

#define WORLD_MAX_DEVICES 3

typedef enum
{
  GUEST_RUNS_HERE,
  GUEST_STOPPED,
  GUEST_ELSEWHERE,
} GuestPlace;

/* What is asked of a device. */
typedef enum
{
  ACT_STEP,
  ACT_RESET,
  ACT_DRAIN,
  ACT_FINAL_DRAIN,
  ACT_FILL,
  ACT_CHECK,
} Act;

#define N_ACTS (ACT_CHECK + 1)

typedef enum
{
  FAULT_NONE,
  FAULT_ONCE,   /* fails, the next time works */
  FAULT_ALWAYS, /* fails */
  FAULT_LATE,   /* works, but is answered after 60 s */
  FAULT_NEVER,  /* is not done and not answered; a stream is, when it is cut */
} FaultKind;

#define N_FAULTS (FAULT_NEVER + 1)

/* What goes wrong with the first device. */
typedef struct
{
  Act act;
  AccmigState to; /* of a step */
  FaultKind kind;
} Fault;

typedef struct
{
  char name[8];
  guint64 flags;
  AccmigState state;
  gboolean known;
  guint open_steps; /* written down and not answered */
  gboolean has_stream, stream_over, stream_good;
  gboolean holds;      /* destination: the state that was sent, whole */
  gboolean was_loaded; /* by the record: a step to stop was written down as done */
  char *alarm;         /* NULL: none */
  guint alarms;        /* ever raised */
  guint told;          /* outcomes but "loaded" */
  DriveOutcome outcome;
} WorldDevice;

typedef struct
{
  Role role;
  Drive *drive;
  GuestPlace guest;
  gint64 now, wake_at;
  WorldDevice devices[WORLD_MAX_DEVICES];
  guint n_devices;
  GArray *pending; /* of what was asked and not answered */
  GString *log;    /* what happened, in order */
  Fault fault;
  guint struck;          /* how often the fault did */
  gboolean cannot_write; /* the record */
  guint records;         /* how often something was written down */
  guint kill_at;         /* at which of them the agent dies; 0: never */
  gboolean killed;
} World;

/* @flags: of each device, 0 ends */
World *world_new (Role role, const guint64 *flags);
void world_free (World *world);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (World, world_free)

/* The drive begins; what the agent was asked before is gone. */
void world_begin (World *world, DriveBeginning how);
/* Answers what was asked, and turns the clock. */
void world_run (World *world, guint seconds);
/* The guest moves, and the drive is told. */
void world_tell (World *world, GuestPlace guest, DriveNews news);
void world_open_streams (World *world);
/* The other side has loaded what was sent whole. */
void world_confirm (World *world);
/* The agent dies; with @done what it asked for last is done all the same. Streams are cut. */
void world_kill (World *world, gboolean done);
/* Every device is where its guest is, or an alarm says why not, and everybody was told. */
void world_check_end (const World *world, const char *label);
