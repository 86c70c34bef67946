/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <accmig/frame.h>

/*
 * A receiver: a device's state as another agent frames it, taken apart and written into a pipe, and answered.
 *
 * All that comes is hostile until its digest was right. One thread for each, which asks twice: with the
 * header, what is to be done, and at the end, what to answer.
 */

typedef struct _Receiver Receiver;

/* Called from the default main context. */
typedef struct
{
  /* The header is there: receiver_accept() or receiver_refuse() is wanted, now or later. Borrowed. */
  void (*header) (const AccmigFrameHeader *header, gpointer user);
  /* The other agent has its answer, or cannot be answered. The last call. @error: (nullable): NULL when it
   * was told that all is loaded; REFUSED with what it was told; else what went wrong with it */
  void (*ended) (guint64 bytes, const GError *error, gpointer user);
} ReceiverCallbacks;

/**
 * receiver_new:
 * @in: pipe or socket that the stream comes from
 * @out: where the answer goes; may be the same. Duplicates of both are used, which do not block
 * @callbacks: copied
 */
Receiver *receiver_new (int in, int out, const ReceiverCallbacks *callbacks, gpointer user, GError **error);

/* It lives until it has ended, at least; no callback comes after it. */
void receiver_free (Receiver *receiver);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Receiver, receiver_free)

/**
 * receiver_accept:
 * @pipe: (transfer full): the state is written to it, and it is closed when no more comes
 * @target: (nullable): the device here; what the stream begins with is held against it
 * Afterwards receiver_check() tells whether all that was written is what was sent.
 */
void receiver_accept (Receiver *receiver, int pipe, const AccmigProfile *target);

/* At any time: what came is of no use. Nothing more is read. */
void receiver_refuse (Receiver *receiver, const char *sentence);

/**
 * receiver_check:
 * When the pipe is at its end: Returns: (transfer full) (nullable): why what was written must not be used;
 * NULL when it is whole
 */
char *receiver_check (Receiver *receiver);

/* The device has loaded it: that is what is answered. */
void receiver_confirm (Receiver *receiver);
