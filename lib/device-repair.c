// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Repairing a device
 *
 * A hypervisor drives its device from memory: it never asks for the state, so one that was left behind stays
 * where it is. Whoever knows that the guest runs and that nothing moves it may bring the device back; after
 * that the hypervisor's memory is true again.
 *
 * That nothing moves it was found out when it was looked at. One that has left the state it was seen in is
 * moved by somebody.
 */

#include "device-private.h"

#include "error-private.h"

gboolean
accmig_device_repair (AccmigDevice *device, AccmigState seen, AccmigState *ret_from, AccmigState *ret_to,
                      GError **error)
{
  AccmigState from;
  gboolean before, ok;

  if (!accmig_device_get_state (device, &from, error))
    return FALSE;
  *ret_from = *ret_to = from;
  if (from == ACCMIG_STATE_RUNNING)
    return TRUE;
  if (from == ACCMIG_STATE_ERROR)
    return fail (error, ACCMIG_ERROR_BAD_STATE, "%s is in error, and only a reset helps",
                 device_get_name (device));
  if (from != seen)
    return fail (error, ACCMIG_ERROR_BUSY, "%s was in %s and is in %s now, so somebody moves it",
                 device_get_name (device), accmig_state_to_string (seen), accmig_state_to_string (from));

  before = device_let_drive (device, TRUE);
  ok = accmig_device_set_state (device, ACCMIG_STATE_RUNNING, NULL, error);
  (void)device_let_drive (device, before);
  /* What SET says is not where the device is. */
  return accmig_device_get_state (device, ret_to, ok ? error : NULL) && ok;
}

gboolean
accmig_device_reset_borrowed (AccmigDevice *device, GError **error)
{
  gboolean before = device_let_drive (device, TRUE);
  gboolean ok = accmig_device_reset_patiently (device, error);

  (void)device_let_drive (device, before);
  return ok;
}
