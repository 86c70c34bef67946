// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Saving and loading a device's state
 *
 * Pre-copy takes what was there when it began and leaves the rest to stop-copy, which continues the same
 * stream: a busy device may go on having more for ever.
 *
 * Saving takes the device back to running, whatever happens. Loading overwrites it: from the way to resuming
 * on, any failure ends in a reset. A driver may have stopped the device and say that it runs. And one that
 * refused a write keeps the bytes, and would load them if it were asked to leave resuming.
 */

#include "device-transfer.h"

#include <errno.h>

#include "error-private.h"

#define MATCH_MAX_SIZE 4096

/* A reset gives up at once when somebody has the lock of the device or its bridge, for as long as a reset of
 * a neighbour takes. */
#define RESET_RETRIES  20
#define RESET_PAUSE_MS 50

gboolean
device_check_running (AccmigDevice *device, const char *what, GError **error)
{
  AccmigState state;

  if (!device_check_may_drive (device, error) || !device_clear_leftover (device, error)
      || !accmig_device_get_state (device, &state, error))
    return FALSE;
  if (state == ACCMIG_STATE_RUNNING)
    return TRUE;
  return fail (error, ACCMIG_ERROR_BAD_STATE, "cannot %s %s: its state is %s, not running", what,
               device_get_name (device), accmig_state_to_string (state));
}

/* Add to the message of an error that is set. */
static void
append_to_failure (GError **error, const char *text)
{
  char *message;

  if (error == NULL)
    return;
  message = g_strconcat ((*error)->message, text, NULL);
  g_free ((*error)->message);
  (*error)->message = message;
}

/* Put what went wrong last before what went wrong first; code and place of the first stay. */
static void
prepend_failure (GError **error, const GError *later)
{
  g_prefix_error (error, "%s; before that: ", later->message);
}

/* @worked: whether what was done until now did. */
static gboolean
back_to_running (AccmigDevice *device, gboolean worked, GError **error)
{
  g_autoptr (GError) failure = NULL;

  if (accmig_device_set_state (device, ACCMIG_STATE_RUNNING, NULL, &failure))
    return worked;
  if (worked)
    g_propagate_error (error, g_steal_pointer (&failure));
  else
    prepend_failure (error, failure);
  return FALSE;
}

static gboolean
save_precopy (Transfer *transfer, GError **error)
{
  guint64 initial, dirty;

  if (!accmig_device_set_state (transfer->device, ACCMIG_STATE_PRE_COPY, &transfer->data_fd, error)
      || !accmig_device_get_precopy_info (transfer->device, transfer->data_fd, &initial, &dirty, error))
    return FALSE;
  return transfer_copy_out (transfer, ACCMIG_STATE_PRE_COPY, initial + dirty, error);
}

/* hisi_acc pauses the engine first and, when what follows fails, keeps the state it was asked in; on the way
 * back it does not wake the engine. */
#define HALF_STOPPED "; even if it says that it runs, it may stand still until it is reset"

/* Go to stop-copy; the stream begins there, or goes on where pre-copy began it. */
static gboolean
enter_stop_copy (Transfer *transfer, GError **error)
{
  int fd = -1;

  if (!accmig_device_set_state (transfer->device, ACCMIG_STATE_STOP_COPY, &fd, error))
    {
      append_to_failure (error, HALF_STOPPED);
      return FALSE;
    }
  if (transfer->data_fd < 0)
    {
      transfer->data_fd = fd;
      return fd >= 0
             || fail (error, ACCMIG_ERROR_IO, "the kernel opened no stream for %s",
                      device_get_name (transfer->device));
    }
  if (fd < 0)
    return TRUE;
  device_close_data_fd (transfer->device, fd);
  return transfer_fail_broken_off (transfer, error);
}

static gboolean
save_stream (Transfer *transfer, GError **error)
{
  guint64 flags;

  if (!accmig_device_get_flags (transfer->device, &flags, error))
    return FALSE;
  if (accmig_fsm_has_state (flags, ACCMIG_STATE_PRE_COPY) && !save_precopy (transfer, error))
    return FALSE;
  return enter_stop_copy (transfer, error)
         && transfer_copy_out (transfer, ACCMIG_STATE_STOP_COPY, G_MAXUINT64, error);
}

gboolean
accmig_device_save (AccmigDevice *device, int out_fd, int cancellable_fd, guint64 *ret_bytes, GError **error)
{
  g_auto (Transfer) transfer = TRANSFER_INIT;
  gboolean worked;

  if (!device_check_running (device, "save", error)
      || !transfer_open (&transfer, device, out_fd, cancellable_fd, error))
    return FALSE;
  worked = save_stream (&transfer, error);
  if (!back_to_running (device, worked, error))
    return FALSE;
  *ret_bytes = transfer.bytes;
  return TRUE;
}

/* The driver judges the whole stream when resuming is left. One that is shorter than its own would be is cut
 * off. */
static gboolean
finish_load (Transfer *transfer, GError **error)
{
  g_autoptr (GError) failure = NULL;
  guint64 size;

  if (accmig_device_set_state (transfer->device, ACCMIG_STATE_RUNNING, NULL, &failure))
    return TRUE;
  if (g_error_matches (failure, ACCMIG_ERROR, ACCMIG_ERROR_REFUSED)
      && accmig_device_get_stop_copy_size (transfer->device, &size, NULL) && transfer->bytes < size)
    return fail (error, ACCMIG_ERROR_TRUNCATED,
                 "the stream ends after %" G_GUINT64_FORMAT " bytes, %s wants %" G_GUINT64_FORMAT ": %s",
                 transfer->bytes, device_get_name (transfer->device), size, failure->message);
  g_propagate_error (error, g_steal_pointer (&failure));
  return FALSE;
}

static gboolean
load_stream (Transfer *transfer, GError **error)
{
  if (transfer->data_fd < 0)
    return fail (error, ACCMIG_ERROR_IO, "the kernel opened no stream for %s",
                 device_get_name (transfer->device));
  return transfer_copy_in (transfer, error) && finish_load (transfer, error);
}

gboolean
accmig_device_reset_patiently (AccmigDevice *device, GError **error)
{
  for (guint i = 0; i < RESET_RETRIES; i++)
    {
      g_autoptr (GError) failure = NULL;

      if (accmig_device_reset (device, &failure))
        return TRUE;
      if (!g_error_matches (failure, ACCMIG_ERROR, ACCMIG_ERROR_BUSY))
        {
          g_propagate_error (error, g_steal_pointer (&failure));
          return FALSE;
        }
      device_get_kernel (device)->sleep (RESET_PAUSE_MS);
    }
  return accmig_device_reset (device, error);
}

/* The message so far may name a state: say that it is over. */
gboolean
device_reset_after_failure (AccmigDevice *device, GError **error)
{
  g_autoptr (GError) failure = NULL;

  if (accmig_device_reset_patiently (device, &failure))
    append_to_failure (error, "; the device was reset");
  else
    prepend_failure (error, failure);
  return FALSE;
}

gboolean
accmig_device_load (AccmigDevice *device, int in_fd, int cancellable_fd, guint64 *ret_bytes, GError **error)
{
  g_auto (Transfer) transfer = TRANSFER_INIT;

  if (!device_check_running (device, "load", error)
      || !transfer_open (&transfer, device, in_fd, cancellable_fd, error))
    return FALSE;
  if (!accmig_device_set_state (device, ACCMIG_STATE_RESUMING, &transfer.data_fd, error)
      || !load_stream (&transfer, error))
    return device_reset_after_failure (device, error);
  *ret_bytes = transfer.bytes;
  return TRUE;
}

static gboolean
read_start (AccmigDevice *device, int data_fd, guint8 *match, gsize size, gsize *ret_length, GError **error)
{
  gsize length = 0;

  while (length < size)
    {
      ssize_t n = device_read_data (device, data_fd, match + length, size - length);

      if (device_is_drained (n, ACCMIG_STATE_PRE_COPY))
        break;
      if (n < 0)
        return fail_errno (error, errno, "cannot read the match data of %s", device_get_name (device));
      length += (gsize)n;
    }
  *ret_length = length;
  return TRUE;
}

gboolean
accmig_device_read_match (AccmigDevice *device, gsize size, guint8 *match, gsize *ret_length, GError **error)
{
  guint64 flags;
  gsize length = 0;
  int data_fd = -1;
  gboolean worked;

  if (size > MATCH_MAX_SIZE)
    return fail (error, ACCMIG_ERROR_LIMIT, "cannot read %" G_GSIZE_FORMAT " bytes of match data, at most %d",
                 size, MATCH_MAX_SIZE);
  if (!accmig_device_get_flags (device, &flags, error))
    return FALSE;
  if (!accmig_fsm_has_state (flags, ACCMIG_STATE_PRE_COPY))
    return fail (error, ACCMIG_ERROR_UNSUPPORTED, "cannot read the match data of %s: it has no pre-copy",
                 device_get_name (device));
  if (!device_check_running (device, "read the match data of", error))
    return FALSE;
  worked = accmig_device_set_state (device, ACCMIG_STATE_PRE_COPY, &data_fd, error)
           && read_start (device, data_fd, match, size, &length, error);
  device_close_data_fd (device, data_fd);
  if (!back_to_running (device, worked, error))
    return FALSE;
  *ret_length = length;
  return TRUE;
}
