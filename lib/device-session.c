// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A session in the hands of somebody who drives the device himself
 *
 * Saving and loading walk the state machine on their own. Who moves a device in step with its guest takes
 * each step when the guest is there, and has the session read or written in between; the session's fd is his.
 */

#include "device-transfer.h"

#include <errno.h>

#include "error-private.h"

static gboolean
is_pre_copy (AccmigState state)
{
  return state == ACCMIG_STATE_PRE_COPY || state == ACCMIG_STATE_PRE_COPY_P2P;
}

static gboolean
check_session (AccmigDevice *device, int data_fd, const char *what, AccmigState *ret_state, GError **error)
{
  if (data_fd < 0)
    return fail (error, ACCMIG_ERROR_BAD_STATE, "cannot %s %s: no session is open", what,
                 device_get_name (device));
  return accmig_device_get_state (device, ret_state, error);
}

static gboolean
fail_state (const AccmigDevice *device, const char *what, AccmigState state, const char *wanted,
            GError **error)
{
  return fail (error, ACCMIG_ERROR_BAD_STATE, "cannot %s %s: its state is %s, not %s", what,
               device_get_name (device), accmig_state_to_string (state), wanted);
}

static gboolean
session_open (Transfer *transfer, AccmigDevice *device, int data_fd, int fd, int cancellable_fd,
              GError **error)
{
  if (!transfer_open (transfer, device, fd, cancellable_fd, error))
    return FALSE;
  transfer->data_fd = data_fd;
  transfer->keep_session = TRUE;
  return TRUE;
}

gboolean
accmig_device_drain (AccmigDevice *device, int data_fd, int out_fd, int cancellable_fd, guint64 *ret_bytes,
                     GError **error)
{
  g_auto (Transfer) transfer = TRANSFER_INIT;
  AccmigState state;

  if (!check_session (device, data_fd, "read the stream of", &state, error))
    return FALSE;
  if (state != ACCMIG_STATE_STOP_COPY)
    return fail_state (device, "read the stream of", state, "stop-copy", error);
  if (!session_open (&transfer, device, data_fd, out_fd, cancellable_fd, error)
      || !transfer_copy_out (&transfer, state, G_MAXUINT64, error))
    return FALSE;
  *ret_bytes = transfer.bytes;
  return TRUE;
}

/* The guest may stop at any time, and then the next step waits for what is being read: a little at a time. */
#define AHEAD_MAX (4 * 1024 * 1024)

gboolean
accmig_device_drain_precopy (AccmigDevice *device, int data_fd, int out_fd, int cancellable_fd,
                             guint64 *ret_bytes, gboolean *ret_empty, GError **error)
{
  g_auto (Transfer) transfer = TRANSFER_INIT;
  guint64 initial, dirty;
  AccmigState state;

  if (!check_session (device, data_fd, "read the stream of", &state, error))
    return FALSE;
  if (!is_pre_copy (state))
    return fail_state (device, "read ahead in the stream of", state, "pre-copy", error);
  if (!accmig_device_get_precopy_info (device, data_fd, &initial, &dirty, error)
      || !session_open (&transfer, device, data_fd, out_fd, cancellable_fd, error)
      || !transfer_copy_out (&transfer, state, MIN (initial + dirty, AHEAD_MAX), error)
      || !accmig_device_get_precopy_info (device, data_fd, &initial, &dirty, error))
    return FALSE;
  *ret_bytes = transfer.bytes;
  *ret_empty = initial == 0 && dirty == 0;
  return TRUE;
}

gboolean
accmig_device_fill (AccmigDevice *device, int data_fd, int in_fd, int cancellable_fd, guint64 *ret_bytes,
                    int *ret_refusal, GError **error)
{
  g_auto (Transfer) transfer = TRANSFER_INIT;
  g_autoptr (GError) failure = NULL;
  AccmigState state;

  if (!check_session (device, data_fd, "fill", &state, error))
    return FALSE;
  if (state != ACCMIG_STATE_RESUMING)
    return fail_state (device, "fill", state, "resuming", error);
  if (!session_open (&transfer, device, data_fd, in_fd, cancellable_fd, error))
    return FALSE;
  transfer.channel.stall_ms = -1; /* between pre-copy and the rest lies as long as the guest is copied */
  if (!transfer_copy_in (&transfer, &failure) && transfer.write_errno == 0)
    {
      g_propagate_error (error, g_steal_pointer (&failure));
      return FALSE;
    }
  *ret_bytes = transfer.bytes;
  *ret_refusal = transfer.write_errno;
  return TRUE;
}
