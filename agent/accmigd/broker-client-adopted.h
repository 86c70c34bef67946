/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "broker-client.h"

/*
 * The broker's verbs on adopted devices: those whose file descriptor a holder gave us.
 *
 * An id is "DOMAINUUID/NAME"; broker_client_adopt_async() makes it known, and it stays so until it is
 * disowned or the broker ends; for 30 s also while we are not connected. On one id the broker does one thing
 * at a time and answers Busy to the next; only broker_client_state_of_async() and the disowning never wait.
 *
 * What the kernel says no to is an answer with the errno's name in it; an error is all else: an id that the
 * broker does not have (NOT_FOUND), one at work (BUSY), a request that makes no sense in the present state
 * (BAD_STATE), a stream that broke (IO), no broker (broker_error_is_unavailable()).
 *
 * Answers are waited for 150 s, those of Drain and Fill for 6 hours: longer than any limit of who drives, who
 * may hear late how it ended.
 */

/* What Adopt answered. */
typedef struct
{
  guint64 flags;          /* #AccmigFlags; at least STOP_COPY */
  guint64 stop_copy_size; /* bytes, the driver's estimate; 0 unknown */
  AccmigState state;
  AccmigTracking tracking;
} BrokerAdoption;

/* What Step answered. */
typedef struct
{
  AccmigState state; /* afterwards, always asked for with GET, also when the step was refused */
  char refusal[16];  /* the errno's name, "EINVAL"; "" when the kernel did it */
} BrokerStep;

/* What Drain answered. */
typedef struct
{
  guint64 bytes;
  gboolean ended; /* final: the stream ended, always TRUE. Else: nothing was left when it returned */
} BrokerDrain;

/* What Fill answered. */
typedef struct
{
  guint64 bytes;    /* that the driver took */
  char refusal[16]; /* the errno's name with which it refused more; "" when it took all of them */
} BrokerFill;

/* One row of what ListAdopted answered. */
typedef struct
{
  char *id;
  AccmigState state; /* as it was last read; broker_client_state_of_async() reads it now */
} BrokerAdopted;

/**
 * broker_client_adopt_async:
 * @id: "DOMAINUUID/NAME", checked with registered_id_is_valid() by both sides
 * @fd: an open VFIO device; borrowed, a duplicate travels and is kept
 *
 * Finishes with INVALID when @fd is none, UNSUPPORTED when its driver offers no migration, BUSY when the id
 * is there with another device. The very same open device adopted again answers as the first time, and
 * a session that is open stays so.
 */
void broker_client_adopt_async (BrokerClient *client, const char *id, int fd, GAsyncReadyCallback callback,
                                gpointer user);
gboolean broker_client_adopt_finish (GAsyncResult *result, BrokerAdoption *ret_adoption, GError **error);

/* Closes the duplicate and breaks off what is at work on it; changes nothing on the device. */
void broker_client_disown_async (BrokerClient *client, const char *id, GAsyncReadyCallback callback,
                                 gpointer user);
gboolean broker_client_disown_finish (GAsyncResult *result, GError **error);

/**
 * broker_client_step_async:
 * @wanted: the state to go to. The broker takes it there by every arc in between; for a state per step, ask
 *   for the next one only
 *
 * What has no way (stop-copy → pre-copy, a state without its flag) is refused with BAD_STATE, unasked. The
 * session that an arc opens is kept for Drain and Fill, and closed by the arc that ends it.
 */
void broker_client_step_async (BrokerClient *client, const char *id, AccmigState wanted,
                               GAsyncReadyCallback callback, gpointer user);
gboolean broker_client_step_finish (GAsyncResult *result, BrokerStep *ret_step, GError **error);

/**
 * broker_client_drain_async:
 * @fd: file, pipe or socket that the present session is read into; borrowed, a duplicate travels
 * @final: FALSE, in pre-copy or pre-copy-p2p: what there is now; returns when nothing is left, or as much was
 *   read as there was when it began, and the session goes on. TRUE, in stop-copy: until the stream ends
 *
 * BAD_STATE in any other state. An @fd whose other end is closed or moves no byte for 30 s is IO, and the
 * session cannot be trusted from then on. The caller closes its copy of a pipe's writing end after the call
 * was made, if its reader shall see the end; the broker's is closed before it answers.
 */
void broker_client_drain_async (BrokerClient *client, const char *id, int fd, gboolean final,
                                GAsyncReadyCallback callback, gpointer user);
gboolean broker_client_drain_finish (GAsyncResult *result, BrokerDrain *ret_drain, GError **error);

/**
 * broker_client_fill_async:
 * @fd: file, pipe or socket, read until its end into the session of resuming; borrowed, a duplicate travels
 *
 * Does not leave resuming: who has checked what was written asks for stop. May be called again for what comes
 * later in the same stream; an empty @fd is TRUNCATED. After a refusal or an error the device is to be reset,
 * and nothing else. BAD_STATE in any other state.
 */
void broker_client_fill_async (BrokerClient *client, const char *id, int fd, GAsyncReadyCallback callback,
                               gpointer user);
gboolean broker_client_fill_finish (GAsyncResult *result, BrokerFill *ret_fill, GError **error);

/* Its contents are lost; its state is running. BUSY is tried again for a second first. */
void broker_client_reset_adopted_async (BrokerClient *client, const char *id, GAsyncReadyCallback callback,
                                        gpointer user);
gboolean broker_client_reset_adopted_finish (GAsyncResult *result, GError **error);

/* May wait for a step that hangs in the kernel, for it asks the driver. */
void broker_client_state_of_async (BrokerClient *client, const char *id, GAsyncReadyCallback callback,
                                   gpointer user);
gboolean broker_client_state_of_finish (GAsyncResult *result, AccmigState *ret_state, GError **error);

void broker_client_list_adopted_async (BrokerClient *client, GAsyncReadyCallback callback, gpointer user);
/* (transfer full) (element-type BrokerAdopted) (nullable): in the order of their ids */
GPtrArray *broker_client_list_adopted_finish (GAsyncResult *result, GError **error);
