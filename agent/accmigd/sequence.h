/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <accmig/fsm.h>

#include "alarm.h"
#include "phase.h"

/*
 * The sequence of states of one device through one migration that QEMU drives, held against what QEMU does
 * when all goes well, and when it does not. A pure function of what is fed to it: no clock, no I/O.
 */

typedef enum
{
  SIGN_EVENT,  /* QEMU's VFIO_MIGRATION event; word: the state */
  SIGN_LOOK,   /* the device was looked at; word: the state */
  SIGN_STOP,   /* QEMU's STOP: vCPUs and devices have stopped */
  SIGN_RESUME, /* QEMU's RESUME: devices are about to be started, then vCPUs */
  SIGN_STATUS, /* QEMU's MIGRATION event; word: the status */
  SIGN_GAP,    /* a witness was away: something may have been missed */
  SIGN_END,    /* the record ended; what comes now is late */
  SIGN_TIME,   /* nothing but that time has passed */
} SignKind;

typedef struct
{
  SignKind kind;
  const char *word; /* (nullable) */
  gint64 at_usec;   /* monotonic; of its arrival */
} Sign;

/* What is wrong. */
typedef struct
{
  AlarmKind kind;
  char detail[160]; /* what was seen of the device, which is the subject */
} Suspicion;

/* Made by sequence_init(); its members are sequence.c's. */
typedef struct
{
  Role role;
  guint64 flags; /* 0: not known */
  guint last;    /* the last step that was seen */
  gint64 since_usec;
  gint64 switching_usec; /* QEMU switches over since; 0: it does not */
  gint64 resumed_usec;   /* vCPUs run since QEMU's RESUME; 0: no */
  gboolean stopped;      /* QEMU said STOP, and not RESUME since */
  gboolean has_events;   /* QEMU reports this device */
  gboolean from_start;   /* every event since the migration began was seen */
  gboolean completed;    /* so QEMU said */
  gboolean moved;        /* its state was read (source), or taken (destination) */
  gboolean ended;
  guint overdue; /* the step of which it was said */
} Sequence;

/* @flags: of the device on this host, 0 when not known: then less can be said */
void sequence_init (Sequence *sequence, Role role, guint64 flags);

gboolean sequence_knows_flags (const Sequence *sequence);
void sequence_set_flags (Sequence *sequence, guint64 flags);

/**
 * sequence_feed:
 * @ret_suspicion: (out): untouched when nothing is wrong
 * Returns: whether this sign is that of something wrong
 */
gboolean sequence_feed (Sequence *sequence, const Sign *sign, Suspicion *ret_suspicion);

/* Whether it was found overdue in a step, and has left that since; told once. */
gboolean sequence_take_went_on (Sequence *sequence);
