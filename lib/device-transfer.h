/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "channel.h"
#include "device-private.h"

/*
 * Bytes on their way between a device's session and the caller's end of the stream.
 */

typedef struct
{
  AccmigDevice *device;
  Channel channel;
  int data_fd;           /* -1, or the session's, closed at the end */
  gboolean keep_session; /* data_fd is the caller's: it stays open */
  guint8 *buffer;        /* whole pages */
  guint64 bytes;         /* that went through */
  int write_errno;       /* of the device, when it took no more; 0 */
} Transfer;

#define TRANSFER_INIT                                                                                        \
  {                                                                                                          \
    .channel = CHANNEL_INIT, .data_fd = -1                                                                   \
  }

/* @fd, @cancel_fd: as for channel_open() */
gboolean transfer_open (Transfer *transfer, AccmigDevice *device, int fd, int cancel_fd, GError **error);
void transfer_clear (Transfer *transfer);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Transfer, transfer_clear)

/* From the device to the caller, until nothing is left (in pre-copy: for now) or @limit bytes went through.
 */
gboolean transfer_copy_out (Transfer *transfer, AccmigState state, guint64 limit, GError **error);

/* From the caller to the device, until the caller's end; TRUNCATED when that brought nothing at all. When the
 * device took no more, write_errno tells what it said. */
gboolean transfer_copy_in (Transfer *transfer, GError **error);

/* The session ended without our doing: a reset by somebody else. FALSE and IO, always. */
gboolean transfer_fail_broken_off (const Transfer *transfer, GError **error);

/* One read of a session, and whether it brought nothing because nothing is left, for good or (in pre-copy)
 * for now; then errno still says which. */
ssize_t device_read_data (AccmigDevice *device, int data_fd, void *buffer, gsize size);
gboolean device_is_drained (ssize_t n, AccmigState state);
