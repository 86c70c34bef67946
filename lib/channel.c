// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The caller's end of a stream
 *
 * A blocking write of a large piece into a pipe or socket cannot be interrupted, so the fd is made
 * non-blocking and waited for together with the one that cancels. Regular files never make us wait.
 */

#include "channel.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "error-private.h"

/* A device stands still while its stream is written: give up an end that moved no byte for this long. */
#define STALL_LIMIT_MS (30 * 1000)

gboolean
channel_open (Channel *channel, int fd, int cancel_fd, GError **error)
{
  int flags = fcntl (fd, F_GETFL);

  if (flags < 0 || fcntl (fd, F_SETFL, flags | O_NONBLOCK) < 0)
    return fail_errno (error, errno, "cannot use fd %d for the stream", fd);
  *channel = (Channel){ fd, cancel_fd, flags, STALL_LIMIT_MS };
  return TRUE;
}

void
channel_close (Channel *channel)
{
  if (channel->fd >= 0)
    (void)fcntl (channel->fd, F_SETFL, channel->old_flags);
  channel->fd = -1;
}

/* FALSE after @timeout_ms or when cancelled. @events 0 looks at the cancel fd alone. */
static gboolean
wait_for (const Channel *channel, short events, int timeout_ms, GError **error)
{
  struct pollfd fds[] = {
    { .fd = channel->cancel_fd, .events = POLLIN },
    { .fd = events != 0 ? channel->fd : -1, .events = events },
  };
  int n = TEMP_FAILURE_RETRY (poll (fds, G_N_ELEMENTS (fds), timeout_ms));

  if (n < 0)
    return fail_errno (error, errno, "cannot wait for the stream's other end");
  if (fds[0].revents != 0)
    return fail (error, ACCMIG_ERROR_IO, "cancelled");
  if (n == 0 && events != 0)
    return fail (error, ACCMIG_ERROR_IO, "the stream's other end stalled for %d s", timeout_ms / 1000);
  return TRUE;
}

gboolean
channel_check_cancelled (const Channel *channel, GError **error)
{
  return channel->cancel_fd < 0 || wait_for (channel, 0, 0, error);
}

gboolean
channel_read (Channel *channel, void *buffer, gsize size, gsize *ret_length, GError **error)
{
  ssize_t n;

  while ((n = TEMP_FAILURE_RETRY (read (channel->fd, buffer, size))) < 0)
    {
      if (errno != EAGAIN)
        return fail_errno (error, errno, "cannot read the stream from fd %d", channel->fd);
      if (!wait_for (channel, POLLIN, channel->stall_ms, error))
        return FALSE;
    }
  *ret_length = (gsize)n;
  return TRUE;
}

gboolean
channel_write (Channel *channel, const void *data, gsize length, GError **error)
{
  const char *at = data;

  while (length > 0)
    {
      ssize_t n = TEMP_FAILURE_RETRY (write (channel->fd, at, length));

      if (n < 0 && errno != EAGAIN)
        return fail_errno (error, errno, "cannot write the stream to fd %d", channel->fd);
      if (n < 0)
        {
          if (!wait_for (channel, POLLOUT, channel->stall_ms, error))
            return FALSE;
          continue;
        }
      at += n;
      length -= (gsize)n;
    }
  return TRUE;
}
