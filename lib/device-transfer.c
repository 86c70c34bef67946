// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Moving bytes in and out of a session
 *
 * One buffer, one read and one write a piece: data fds know neither splice nor, but for one driver, poll. So
 * they are simply read and written, and between two pieces the caller is asked whether to go on.
 *
 * What ends a read depends on the state. In stop-copy 0 is the end of the stream. In pre-copy 0 (some
 * drivers) and ENOMSG (others) both mean that nothing is there right now, and a busy device may go on having
 * more for ever; so there the caller says how much is enough.
 */

#include "device-transfer.h"

#include <errno.h>
#include <unistd.h>

#include "error-private.h"

#define BUFFER_SIZE (1024 * 1024)

void
transfer_clear (Transfer *transfer)
{
  channel_close (&transfer->channel);
  if (transfer->device != NULL && !transfer->keep_session)
    device_close_data_fd (transfer->device, transfer->data_fd);
  g_clear_pointer (&transfer->buffer, g_aligned_free);
}

gboolean
transfer_open (Transfer *transfer, AccmigDevice *device, int fd, int cancel_fd, GError **error)
{
  if (!channel_open (&transfer->channel, fd, cancel_fd, error))
    return FALSE;
  transfer->device = device;
  transfer->buffer = g_aligned_alloc (1, BUFFER_SIZE, (gsize)sysconf (_SC_PAGESIZE));
  return TRUE;
}

ssize_t
device_read_data (AccmigDevice *device, int data_fd, void *buffer, gsize size)
{
  return TEMP_FAILURE_RETRY (device_get_kernel (device)->read (data_fd, buffer, size));
}

/* Whether a read brought nothing because nothing is left, for good or (in pre-copy) for now. */
gboolean
device_is_drained (ssize_t n, AccmigState state)
{
  return n == 0 || (n < 0 && errno == ENOMSG && state != ACCMIG_STATE_STOP_COPY);
}

/* The fd knows it as ENODEV, the FSM as another stream. */
gboolean
transfer_fail_broken_off (const Transfer *transfer, GError **error)
{
  return fail (error, ACCMIG_ERROR_IO,
               "the stream of %s broke off after %" G_GUINT64_FORMAT
               " bytes: the device was reset by somebody",
               device_get_name (transfer->device), transfer->bytes);
}

static gboolean
fail_read (const Transfer *transfer, int number, GError **error)
{
  if (number == ENODEV)
    return transfer_fail_broken_off (transfer, error);
  return fail_errno (error, number, "cannot read the state of %s after %" G_GUINT64_FORMAT " bytes",
                     device_get_name (transfer->device), transfer->bytes);
}

/* Until nothing is left or @limit bytes went through. */
gboolean
transfer_copy_out (Transfer *transfer, AccmigState state, guint64 limit, GError **error)
{
  while (limit > 0)
    {
      ssize_t n;

      if (!channel_check_cancelled (&transfer->channel, error))
        return FALSE;
      n = device_read_data (transfer->device, transfer->data_fd, transfer->buffer, MIN (limit, BUFFER_SIZE));
      if (device_is_drained (n, state))
        return TRUE;
      if (n < 0)
        return fail_read (transfer, errno, error);
      if (!channel_write (&transfer->channel, transfer->buffer, (gsize)n, error))
        return FALSE;
      transfer->bytes += (guint64)n;
      limit -= (guint64)n;
    }
  return TRUE;
}

/*
 * What makes a driver say that a stream is not for this device: EFAULT and EINVAL where it compares,
 * EOPNOTSUPP for a record that it does not know and must not pass over. ENODEV is said of another device's
 * stream, and after a failure before; but also when the session is over, then the device is in resuming no
 * longer.
 */
gboolean
device_is_refusal (AccmigDevice *device, int number)
{
  AccmigState state;

  if (number == ENODEV)
    return accmig_device_get_state (device, &state, NULL) && state == ACCMIG_STATE_RESUMING;
  return number == EFAULT || number == EINVAL || number == EOPNOTSUPP;
}

static gboolean
fail_write (const Transfer *transfer, int number, GError **error)
{
  const char *name = device_get_name (transfer->device);

  if (device_is_refusal (transfer->device, number))
    return fail (error, ACCMIG_ERROR_REFUSED,
                 "%s refuses the stream after %" G_GUINT64_FORMAT
                 " bytes: it was not made for this device (%s)",
                 name, transfer->bytes, g_strerror (number));
  if (number == ENODEV)
    return transfer_fail_broken_off (transfer, error);
  if (number == ENOMEM)
    return fail (error, ACCMIG_ERROR_REFUSED,
                 "%s refuses the stream after %" G_GUINT64_FORMAT
                 " bytes: it is longer than the driver takes (%s)",
                 name, transfer->bytes, g_strerror (number));
  return fail_errno (error, number, "cannot write the state of %s after %" G_GUINT64_FORMAT " bytes", name,
                     transfer->bytes);
}

static gboolean
write_data (Transfer *transfer, gsize length, GError **error)
{
  const AccmigKernel *kernel = device_get_kernel (transfer->device);
  gsize done = 0;

  while (done < length)
    {
      ssize_t n =
          TEMP_FAILURE_RETRY (kernel->write (transfer->data_fd, transfer->buffer + done, length - done));

      if (n < 0)
        {
          transfer->write_errno = errno;
          return fail_write (transfer, errno, error);
        }
      if (n == 0)
        return fail (error, ACCMIG_ERROR_IO, "%s takes no more after %" G_GUINT64_FORMAT " bytes",
                     device_get_name (transfer->device), transfer->bytes);
      done += (gsize)n;
      transfer->bytes += (guint64)n;
    }
  return TRUE;
}

gboolean
transfer_copy_in (Transfer *transfer, GError **error)
{
  gsize length;

  do
    {
      if (!channel_check_cancelled (&transfer->channel, error)
          || !channel_read (&transfer->channel, transfer->buffer, BUFFER_SIZE, &length, error)
          || !write_data (transfer, length, error))
        return FALSE;
  } while (length > 0);
  return transfer->bytes > 0 || fail (error, ACCMIG_ERROR_TRUNCATED, "the stream is empty");
}
