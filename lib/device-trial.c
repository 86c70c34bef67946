// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The dry run: a driver is asked whether it would take a stream, by its beginning
 *
 * Some drivers compare the first bytes of a stream with their device as soon as these are written. So they
 * can be asked with those bytes alone, and whatever they answered, a reset makes the device forget it. There
 * is no other way out: a driver that refused a write keeps the bytes, and one that took them would call the
 * stream cut off.
 *
 * When this process ends in the middle, the kernel closes the device, and that resets a PCI function as well.
 * An mdev stays in resuming until somebody resets it, which whoever drives it next does first.
 */

#include "device-private.h"

#include <errno.h>
#include <unistd.h>

#include "error-private.h"

#define MATCH_MAX_SIZE 4096

/* 0, or the errno of the write that failed; EIO when the driver takes nothing and does not say why. */
static int
write_all (AccmigDevice *device, int data_fd, const guint8 *match, gsize length)
{
  const AccmigKernel *kernel = device_get_kernel (device);
  gsize done = 0;

  while (done < length)
    {
      ssize_t n = TEMP_FAILURE_RETRY (kernel->write (data_fd, match + done, length - done));

      if (n < 0)
        return errno;
      if (n == 0)
        return EIO;
      done += (gsize)n;
    }
  return 0;
}

/* Leaves the device in resuming, or wherever a failure left it. */
static gboolean
offer (AccmigDevice *device, const guint8 *match, gsize length, int *ret_refusal, GError **error)
{
  int data_fd = -1, number;

  if (!accmig_device_set_state (device, ACCMIG_STATE_RESUMING, &data_fd, error))
    return FALSE;
  if (data_fd < 0)
    return fail (error, ACCMIG_ERROR_IO, "the kernel opened no stream for %s", device_get_name (device));
  number = write_all (device, data_fd, match, length);
  device_close_data_fd (device, data_fd);
  if (number == 0 || device_is_refusal (device, number))
    {
      *ret_refusal = number;
      return TRUE;
    }
  if (number == ENODEV)
    return fail (error, ACCMIG_ERROR_IO, "somebody reset %s meanwhile", device_get_name (device));
  return fail_errno (error, number, "cannot write match data to %s", device_get_name (device));
}

static gboolean
check_length (const AccmigDevice *device, gsize length, GError **error)
{
  if (length == 0)
    return fail (error, ACCMIG_ERROR_INVALID, "there is no match data to try on %s",
                 device_get_name (device));
  if (length > MATCH_MAX_SIZE)
    return fail (error, ACCMIG_ERROR_LIMIT, "cannot try %" G_GSIZE_FORMAT " bytes of match data, at most %d",
                 length, MATCH_MAX_SIZE);
  return TRUE;
}

gboolean
accmig_device_try_match (AccmigDevice *device, const guint8 *match, gsize length, int *ret_refusal,
                         GError **error)
{
  int refusal;

  if (!check_length (device, length, error) || !device_check_running (device, "try", error))
    return FALSE;
  if (!offer (device, match, length, &refusal, error))
    return device_reset_after_failure (device, error);
  if (!accmig_device_reset_patiently (device, error))
    return FALSE;
  *ret_refusal = refusal;
  return TRUE;
}
