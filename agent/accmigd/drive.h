/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <accmig/accmig.h>

#include "phase.h"

/*
 * A drive: the registered devices of one guest, taken through one migration in step with the guest's vCPUs.
 *
 * It only decides. What is to be done goes to an executor, which answers through one of the drive_on_
 * functions, at once or later; what happens to the guest is told by drive_tell(). It asks no clock and makes
 * no call of its own, so tests can play every answer.
 */

typedef struct _Drive Drive;

/* What happens to the guest and its migration. */
typedef enum
{
  DRIVE_COPYING,       /* source: memory is being copied while the guest runs */
  DRIVE_GUEST_STOPPED, /* its vCPUs do not run any more; whatever the reason */
  DRIVE_GUEST_RUNS,    /* its vCPUs run, or are about to, on this host */
  DRIVE_ARRIVED,       /* destination: the migration is completed; the guest may still be paused */
  DRIVE_GONE,          /* source: it has left this host for good */
  DRIVE_FAILED,        /* the migration ended and the guest is where it was */
  DRIVE_LOST,          /* nobody knows how the migration ended, nor where the guest is */
} DriveNews;

#define N_DRIVE_NEWS (DRIVE_LOST + 1)

/* What is about to be done to one device, as it is written down. */
typedef struct
{
  const char *name; /* of the device */
  AccmigState from;
  AccmigState to;
  gboolean reset; /* by a reset, which loses what the device holds; @to is running */
} DriveIntent;

/* How one device got on; what its holder is told. */
typedef enum
{
  DRIVE_OUTCOME_SENT,    /* source: stopped here, loaded elsewhere */
  DRIVE_OUTCOME_LOADED,  /* destination: its state has arrived, it waits for the guest */
  DRIVE_OUTCOME_RUNNING, /* it runs here, with what it held */
  DRIVE_OUTCOME_LOST,    /* what it held is gone, or stopped here while its guest is elsewhere */
} DriveOutcome;

/* Names and sentences are borrowed for the call. Ends of streams are named by the device, as it has one at
 * most. None of these may call back into the drive before it returns, but for drive_on_step() and its like.
 */
typedef struct
{
  /* Writes down what will be done to all of these devices, durably and in one go. FALSE: cannot. */
  gboolean (*record) (const DriveIntent *intents, gsize n, gpointer user);
  /* Each is answered once by the drive_on_ function of its name; one at a time for a device. */
  void (*step) (const char *name, AccmigState to, gpointer user);
  void (*reset) (const char *name, gpointer user);
  void (*drain) (const char *name, gboolean final, gpointer user);
  void (*fill) (const char *name, gpointer user);
  /* Destination: whether what was filled is what was sent; (transfer full) (nullable): why not. */
  char *(*check) (const char *name, gpointer user);
  /* The device's stream is over: nothing more is read from it or put into it. @failure: (nullable): a
   * sentence, and the other side is to hear it. Whatever drain or fill is under way must end soon. */
  void (*stream_over) (const char *name, const char *failure, gpointer user);
  /* @sentence: what a person has to know; "" when it is over. */
  void (*alarm) (const char *name, const char *sentence, gpointer user);
  void (*finished) (const char *name, DriveOutcome outcome, gpointer user);
  gint64 (*now) (gpointer user);                   /* monotonic, µs */
  void (*wake_at) (gint64 at_usec, gpointer user); /* drive_on_time() is wanted then; replaces the last */
} DriveExecutor;

/* Limits, in seconds. */
typedef struct
{
  guint step;      /* one step or reset of one device */
  guint switching; /* source: from the guest's stop until all is sent; destination: from the guest's arrival
                    * until all is loaded */
} DriveLimits;

/**
 * drive_new:
 * @executor: copied
 * Nothing happens before drive_begin().
 */
Drive *drive_new (Role role, const DriveLimits *limits, const DriveExecutor *executor, gpointer user);
void drive_free (Drive *drive);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Drive, drive_free)

/* How it begins. */
typedef enum
{
  DRIVE_FRESH,   /* the migration begins */
  DRIVE_TAKE_UP, /* the devices are where a predecessor left them, and its streams are cut */
} DriveBeginning;

/* Devices added before are those it begins with. */
void drive_begin (Drive *drive, DriveBeginning how);

/**
 * drive_add_device:
 * @state: (nullable): NULL while it cannot be asked
 * Adds it, or tells what state it was found in after it could not be asked.
 */
void drive_add_device (Drive *drive, const char *name, guint64 flags, const AccmigState *state);
/* A predecessor had loaded it, and it was not started since. Before drive_begin(). */
void drive_set_loaded (Drive *drive, const char *name);
/* Its holder took it back. */
void drive_remove_device (Drive *drive, const char *name);

void drive_tell (Drive *drive, DriveNews news);

/**
 * drive_open_stream:
 * @error: NOT_FOUND: no such device; BUSY: it has had a stream in this migration; BAD_STATE: too late
 * Somebody reads what the device has to say (source), or sends what another said (destination).
 */
gboolean drive_open_stream (Drive *drive, const char *name, GError **error);

/* Source: the other side's word about a stream that went over whole. @refusal: (nullable): it was not loaded,
 * and why. */
void drive_confirm (Drive *drive, const char *name, const char *refusal);

/* ---- answers ---- */

/* @state: (nullable): NULL when it cannot be asked; @failure: "" when it is what was wanted, else an errno's
 * name or a sentence */
void drive_on_step (Drive *drive, const char *name, const AccmigState *state, const char *failure);
void drive_on_reset (Drive *drive, const char *name, const AccmigState *state, const char *failure);
/* @more: not final: there was more when it returned */
void drive_on_drain (Drive *drive, const char *name, gboolean more, const char *failure);
void drive_on_fill (Drive *drive, const char *name, const char *failure);
void drive_on_time (Drive *drive);

/* ---- looking ---- */

/* Whether nothing more can come of it: it may be freed. */
gboolean drive_is_over (const Drive *drive);
Role drive_get_role (const Drive *drive);
/* The stage it is in, for messages and tests. */
const char *drive_get_stage (const Drive *drive);
