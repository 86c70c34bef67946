/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <accmig/device.h>
#include <gio/gio.h>
#include <sys/types.h>

/*
 * The verbs on adopted devices: those whose file descriptor somebody else opened and gave away. The broker
 * keeps a duplicate and the session that is open on it, and does what it is asked; when, is accmigd's.
 *
 * Each verb that reaches the kernel runs in a thread of its own, for a driver may take its time or hang. On
 * one device one thing is at work; who comes second is told that it is busy. All functions here are for the
 * main loop.
 */

typedef struct _AdoptedSet AdoptedSet;

typedef enum
{
  ADOPTED_ADOPT,
  ADOPTED_STEP,
  ADOPTED_DRAIN,         /* the rest of the stream, in stop-copy */
  ADOPTED_DRAIN_PRECOPY, /* what there is now, in pre-copy */
  ADOPTED_FILL,
  ADOPTED_RESET,
  ADOPTED_STATE_OF, /* excludes nothing: it may be asked while something hangs */
} AdoptedVerb;

#define N_ADOPTED_VERBS (ADOPTED_STATE_OF + 1)

/* What is asked. Everything is copied; members that the verb does not need are not looked at. */
typedef struct
{
  AdoptedVerb verb;
  const char *id;    /* checked with registered_id_is_valid() here */
  uid_t user;        /* who asks; a device is there for the user that gave it alone */
  int fd;            /* Adopt: the device. Drain, Fill: a file, pipe or socket. It is duplicated */
  AccmigState state; /* Step: wanted */
} AdoptedQuestion;

/* What came of it; members that the verb does not give are 0. */
typedef struct
{
  guint64 flags;
  guint64 bytes;
  AccmigTracking tracking;
  AccmigState state;
  gboolean ended;
  int refusal; /* errno of the kernel's no, 0 for a yes */
} AdoptedAnswer;

/* One device. */
typedef struct
{
  const char *id;    /* borrowed until the main loop's next turn */
  AccmigState state; /* the last that was read */
} AdoptedRow;

/**
 * adopted_set_new:
 * @keep_s: seconds for which devices are kept whose user is not connected
 * @emptied: called when the last of them has left, for whatever reason
 */
AdoptedSet *adopted_set_new (guint keep_s, void (*emptied) (gpointer user), gpointer user);

/* Verbs in progress end by themselves; nobody gets an answer any more. */
void adopted_set_free (AdoptedSet *set);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (AdoptedSet, adopted_set_free)

gboolean adopted_set_is_empty (const AdoptedSet *set);

/* Somebody of this user is connected; nobody is any more. */
void adopted_set_user_came (AdoptedSet *set, uid_t user);
void adopted_set_user_left (AdoptedSet *set, uid_t user);

/**
 * adopted_set_ask_async:
 * @gone: cancelled when nobody waits for the answer any more, which breaks off Drain and Fill
 */
void adopted_set_ask_async (AdoptedSet *set, const AdoptedQuestion *question, GCancellable *gone,
                            GAsyncReadyCallback callback, gpointer user);

/**
 * adopted_set_ask_finish:
 * @error: INVALID for what is no id, no device or no stream; NOT_FOUND; BUSY; LIMIT; and what
 *   include/accmig/device.h says
 * Returns: (transfer full) (nullable): free with g_free()
 */
AdoptedAnswer *adopted_set_ask_finish (GAsyncResult *result, GError **error);

/* Lets go of a device at once; what is at work on it is broken off where that can be, and keeps the device
 * open until it has ended. FALSE: NOT_FOUND. */
gboolean adopted_set_disown (AdoptedSet *set, const char *id, uid_t user, GError **error);

/* (transfer full) (element-type AdoptedRow): a user's, by their ids */
GArray *adopted_set_list (const AdoptedSet *set, uid_t user);
