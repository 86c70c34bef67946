/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "drives.h"
#include "history.h"

/*
 * What the files of the set of drives share: drives.c has the set, takes news and streams, drive-executor.c
 * carries out what one drive decides, driven-guest.c has its guest, drives-recovery.c takes up what a
 * predecessor left, drives-standing.c tells of what nobody drives.
 */

struct _Drives
{
  DrivesSources sources;
  GHashTable *guests;   /* char * uuid → DrivenGuest *, both owned */
  GPtrArray *waiting;   /* of DrivesWaiting: streams for guests that are still to come */
  GHashTable *asked;    /* set of char * uuid: libvirt is asked where it is */
  GHashTable *resumed;  /* char * uuid → gint64 *: when its vCPUs were last heard to run, until they stop */
  GHashTable *standing; /* set of char * id: has an alarm, as it stands still under its guest */
  guint64 last_serial;  /* of a guest or a call */
  guint tidying;        /* source */
  gboolean settled;     /* the broker said which devices it has */
  gboolean census_taken; /* the domains are known */
};

/* A guest whose devices are driven. */
typedef struct
{
  Drives *owner;
  char *uuid;
  guint64 serial; /* answers for one that is gone are not for its successor of the same UUID */
  guint64 migration;
  char *name;  /* of the domain */
  Phase phase; /* that the drive was told of last */
  Drive *drive;
  GHashTable *devices; /* char * name → DrivenDevice *, both owned */
  guint timer;

  gboolean taken_up; /* from a predecessor … */
  gboolean begun;
  guint asking;                /* answers still to come about states */
  guint begin_timer;           /* … which are not waited for longer than this */
  HypervisorDomainState state; /* … where its guest is */
  gboolean was_migrated;
} DrivenGuest;

/* What is asked of the broker about a device. Of each kind the last question counts. */
typedef enum
{
  DRIVEN_TASK, /* step, reset, drain, fill: one at a time */
  DRIVEN_STATE,
} DrivenQuestion;

#define N_DRIVEN_QUESTIONS (DRIVEN_STATE + 1)

/* What the executor knows of a device. */
typedef struct
{
  char *name, *id;
  guint64 calls[N_DRIVEN_QUESTIONS]; /* serials of what was asked last; no other device ever has the same */
  guint64 flags;
  gboolean attached;
  guint64 step;        /* id of the record's row that is open; 0: none */
  gboolean unanswered; /* the broker was lost before it answered a step or a reset … */
  gboolean resetting;
  AccmigState wanted; /* … to this state */
  int fd;             /* of its stream; -1: it has none */
  DrivesStream stream;
  gpointer stream_user;
  guint64 bytes;
} DrivenDevice;

/* A question to the broker. */
typedef struct
{
  Drives *drives;
  char *uuid, *name;
  DrivenQuestion question;
  guint64 guest, serial; /* serials */
} DrivenCall;

/* ---- drive-executor.c ---- */

/* Its user is the #DrivenGuest. */
extern const DriveExecutor driven_executor;
/* It is attached again, and what was asked of it when the broker was lost was done or not. */
void driven_device_answer_late (DrivenGuest *guest, DrivenDevice *device, AccmigState state);
/* Its holder took it back. */
void driven_device_taken_back (DrivenGuest *guest, DrivenDevice *device);

/* ---- driven-guest.c ---- */

/* What was asked before of the same kind counts no more. */
DrivenCall *driven_call_new (const DrivenGuest *guest, DrivenDevice *device, DrivenQuestion question);
void driven_call_free (DrivenCall *call);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DrivenCall, driven_call_free)
/* (nullable): for whom it was asked, whoever its answer is for by now; NULL when that guest is gone */
DrivenGuest *driven_call_find_guest (const DrivenCall *call);
/* (nullable): whose answer it is; NULL when the guest or the device is gone, or was asked again since */
DrivenGuest *driven_call_find (const DrivenCall *call, DrivenDevice **ret_device);
/* (nullable) */
DrivenDevice *driven_guest_find (const DrivenGuest *guest, const char *name);
/* A guest of @migration (0: of a record that is not known any more), with nothing in it. */
DrivenGuest *driven_guest_new (Drives *owner, const char *uuid, const char *name, guint64 migration,
                               Role role);
void driven_guest_free (DrivenGuest *guest);
/* @device joins, or was attached or lost: its state is told to the drive. */
void driven_guest_see (DrivenGuest *guest, const Registered *device);
void driven_guest_lose (DrivenGuest *guest, const char *name);
/* @fd: (transfer full) also on an error */
gboolean driven_guest_open_stream (DrivenGuest *guest, const char *name, int fd, const DrivesStream *stream,
                                   gpointer user, GError **error);

/* ---- drives.c ---- */

/* (nullable) */
DrivenGuest *drives_find (const Drives *drives, const char *uuid);
/* It is known by its UUID from now on, and gets the streams that waited for it. Its drive is to be begun. */
void drives_take (Drives *drives, DrivenGuest *guest);
/* A guest whose devices nobody left anywhere goes with @migration, from where that is. */
void drives_begin (Drives *drives, const Migration *migration);
/* What @phase means to its drive. */
void drives_tell_phase (DrivenGuest *guest, Phase phase);
/* Looks soon which drives are over. */
void drives_tidy_soon (Drives *drives);

/* ---- drives-standing.c ---- */

/* What was heard of a guest's vCPUs, for devices that nobody drives. */
void drives_hear_vcpus (Drives *drives, const char *uuid, gboolean running);
/* @device changed. */
void drives_check_standing (Drives *drives, const Registered *device);
/* The devices of a guest are driven from now on. */
void drives_forget_standing (Drives *drives, const char *uuid);

/* ---- drives-recovery.c ---- */

/* Devices of a guest that nobody drives may have been left somewhere: finds out, and takes them up. Otherwise
 * they go with the guest's migration, if there is one. */
void drives_consider (Drives *drives, const char *uuid);
/* Closes what is open about devices that nobody holds any more: nobody will ever know. */
void drives_close_strays (Drives *drives);
/* The broker has answered a question about a state. */
void drives_on_asked (DrivenGuest *guest);
