/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <accmig/error.h>
#include <sys/types.h>

/*
 * The caller's end of a stream: a file, pipe or socket that is read or written in large pieces, waited for
 * when it is slow, and left when the caller cancels or the other end stalls.
 *
 * While a channel is open its fd does not block, also for others who share it. Nobody may close it meanwhile.
 */
typedef struct
{
  int fd;
  int cancel_fd; /* -1, or readable when the work must stop */
  int old_flags; /* of fd, put back at the end */
  int stall_ms;  /* the other end is given up when it moved no byte for this long; -1 never */
} Channel;

/* Gives the other end 30 s. @error: IO when @fd is none. */
gboolean channel_open (Channel *channel, int fd, int cancel_fd, GError **error);
void channel_close (Channel *channel);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Channel, channel_close)

/* What a zero-initialised Channel is not: one that channel_close() leaves alone. */
#define CHANNEL_INIT                                                                                         \
  {                                                                                                          \
    .fd = -1, .cancel_fd = -1                                                                                \
  }

/* FALSE and IO when the caller cancelled. */
gboolean channel_check_cancelled (const Channel *channel, GError **error);

/* Up to @size bytes; 0 at the end. FALSE: IO, cancelled or stalled. */
gboolean channel_read (Channel *channel, void *buffer, gsize size, gsize *ret_length, GError **error);

/* All of them. */
gboolean channel_write (Channel *channel, const void *data, gsize length, GError **error);
