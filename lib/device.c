// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * An open VFIO device: asking it, moving its state, resetting it
 *
 * One function per request to the kernel. Three facts shape them:
 *
 *   - a feature request without GET, SET or PROBE is an error whatever the device can, so each names what it
 * wants;
 *   - when SET fails, the kernel hands back the state that was asked for, not the one the device is in, which
 * may be any on the way; so every failed SET is followed by a GET, and the message tells what that said;
 *   - some kernels answer stop-copy → pre-copy with an endless loop and some drivers break on a state they
 * lack; so a path is looked up first, and what has none is never asked for.
 */

#include "device-private.h"

#include <errno.h>

#include "error-private.h"
#include "vfio-uapi.h"

#define MAX_HELD 2 /* container and group, or iommufd */

struct _AccmigDevice
{
  const AccmigKernel *kernel;
  int fd; /* -1 until it is open */
  int held[MAX_HELD];
  guint n_held;
  char *name;
  AccmigAccess access;
  gboolean may_drive;
  gboolean leftover; /* its state is what somebody before us left */
  gboolean flags_known;
  guint64 flags; /* the bound driver's, which cannot change while the device is open */
};

AccmigDevice *
device_new (const AccmigKernel *kernel, const char *name, AccmigAccess access, gboolean may_drive)
{
  AccmigDevice *device = g_new0 (AccmigDevice, 1);

  device->kernel = kernel;
  device->fd = -1;
  device->name = g_strdup (name);
  device->access = access;
  device->may_drive = may_drive;
  return device;
}

void
device_hold (AccmigDevice *device, int fd)
{
  g_assert (device->n_held < MAX_HELD);
  device->held[device->n_held++] = fd;
}

void
device_take_fd (AccmigDevice *device, int fd)
{
  g_assert (device->fd < 0);
  device->fd = fd;
}

const AccmigKernel *
device_get_kernel (const AccmigDevice *device)
{
  return device->kernel;
}

const char *
device_get_name (const AccmigDevice *device)
{
  return device->name;
}

int
device_get_fd (const AccmigDevice *device)
{
  return device->fd;
}

void
device_set_leftover (AccmigDevice *device)
{
  device->leftover = TRUE;
}

void
device_close_data_fd (AccmigDevice *device, int data_fd)
{
  if (data_fd >= 0)
    (void)device->kernel->close (data_fd);
}

gboolean
device_let_drive (AccmigDevice *device, gboolean may_drive)
{
  gboolean before = device->may_drive;

  device->may_drive = may_drive;
  return before;
}

gboolean
device_check_may_drive (const AccmigDevice *device, GError **error)
{
  if (device->may_drive)
    return TRUE;
  return fail (error, ACCMIG_ERROR_BAD_STATE, "%s is borrowed from its holder: it may be asked, not driven",
               device->name);
}

void
accmig_device_close (AccmigDevice *device)
{
  if (device == NULL)
    return;
  if (device->fd >= 0)
    (void)device->kernel->close (device->fd);
  while (device->n_held > 0)
    (void)device->kernel->close (device->held[--device->n_held]);
  g_free (device->name);
  g_free (device);
}

AccmigAccess
accmig_device_get_access (const AccmigDevice *device)
{
  return device->access;
}

/* 0 or an errno. @request begins with argsz and flags. */
static int
request_feature (AccmigDevice *device, void *request)
{
  return device->kernel->ioctl (device->fd, UAPI_DEVICE_FEATURE, request) < 0 ? errno : 0;
}

/* @feature: with GET or SET */
static int
probe (AccmigDevice *device, guint32 feature)
{
  struct uapi_feature request = {
    .argsz = sizeof request,
    .flags = feature | UAPI_FEATURE_PROBE,
  };

  return request_feature (device, &request);
}

static int
get_u64 (AccmigDevice *device, guint32 feature, guint64 *ret_value)
{
  struct uapi_feature_u64 request = {
    .argsz = sizeof request,
    .flags = feature | UAPI_FEATURE_GET,
  };
  int number = request_feature (device, &request);

  if (number == 0)
    *ret_value = request.value;
  return number;
}

static int
get_state (AccmigDevice *device, AccmigState *ret_state)
{
  struct uapi_feature_state request = {
    .argsz = sizeof request,
    .flags = UAPI_FEATURE_MIG_DEVICE_STATE | UAPI_FEATURE_GET,
    .data_fd = -1,
  };
  int number = request_feature (device, &request);

  if (number == 0)
    *ret_state = (AccmigState)request.device_state;
  return number;
}

static int
set_state (AccmigDevice *device, AccmigState state, int *ret_data_fd)
{
  struct uapi_feature_state request = {
    .argsz = sizeof request,
    .flags = UAPI_FEATURE_MIG_DEVICE_STATE | UAPI_FEATURE_SET,
    .device_state = state,
    .data_fd = -1,
  };
  int number = request_feature (device, &request);

  if (number == 0)
    *ret_data_fd = request.data_fd;
  return number;
}

/* What an errno of a migration query means; one that is not here says enough itself. */
static const struct
{
  int number;
  AccmigError code;
  const char *meaning;
} query_errors[] = {
  { ENOTTY, ACCMIG_ERROR_UNSUPPORTED, "the bound driver offers no migration" },
  { EINVAL, ACCMIG_ERROR_IO,
    "the kernel rejects the question: its cdev is not bound, or the kernel is older than 5.18" },
  { EIO, ACCMIG_ERROR_IO, "it could not be powered up" },
  { EBADF, ACCMIG_ERROR_IO, "its file descriptor is not open" },
};

static gboolean
fail_query (const AccmigDevice *device, int number, const char *what, GError **error)
{
  for (gsize i = 0; i < G_N_ELEMENTS (query_errors); i++)
    if (query_errors[i].number == number)
      return fail (error, query_errors[i].code, "cannot read %s of %s: %s (%s)", what, device->name,
                   query_errors[i].meaning, g_strerror (number));
  return fail_errno (error, number, "cannot read %s of %s", what, device->name);
}

gboolean
accmig_device_get_flags (AccmigDevice *device, guint64 *ret_flags, GError **error)
{
  int number;

  if (!device->flags_known)
    {
      number = probe (device, UAPI_FEATURE_MIGRATION | UAPI_FEATURE_GET);
      if (number == 0)
        number = get_u64 (device, UAPI_FEATURE_MIGRATION, &device->flags);
      if (number != 0)
        return fail_query (device, number, "the migration flags", error);
      device->flags_known = TRUE;
    }
  *ret_flags = device->flags;
  return TRUE;
}

gboolean
accmig_device_get_state (AccmigDevice *device, AccmigState *ret_state, GError **error)
{
  int number = get_state (device, ret_state);

  return number == 0 || fail_query (device, number, "the migration state", error);
}

/* Drivers without feature requests of their own answered EINVAL for an unknown one before 6.18. */
static gboolean
is_unknown_feature (int number)
{
  return number == ENOTTY || number == EINVAL;
}

gboolean
accmig_device_get_tracking (AccmigDevice *device, AccmigTracking *ret_tracking, GError **error)
{
  int number = probe (device, UAPI_FEATURE_DMA_LOGGING | UAPI_FEATURE_SET);

  if (number != 0 && !is_unknown_feature (number))
    return fail_query (device, number, "the offer of dirty tracking", error);
  *ret_tracking = number == 0 ? ACCMIG_TRACKING_YES : ACCMIG_TRACKING_NO;
  return TRUE;
}

gboolean
accmig_device_get_stop_copy_size (AccmigDevice *device, guint64 *ret_bytes, GError **error)
{
  int number = probe (device, UAPI_FEATURE_MIG_DATA_SIZE | UAPI_FEATURE_GET);

  if (is_unknown_feature (number))
    return fail (error, ACCMIG_ERROR_UNSUPPORTED,
                 "cannot read the state size of %s: no migration, or a kernel older than 6.2 (%s)",
                 device->name, g_strerror (number));
  if (number == 0)
    number = get_u64 (device, UAPI_FEATURE_MIG_DATA_SIZE, ret_bytes);
  return number == 0 || fail_query (device, number, "the state size", error);
}

gboolean
accmig_device_get_precopy_info (AccmigDevice *device, int data_fd, guint64 *ret_initial, guint64 *ret_dirty,
                                GError **error)
{
  struct uapi_precopy_info info = { .argsz = sizeof info };
  int number = device->kernel->ioctl (data_fd, UAPI_MIG_GET_PRECOPY_INFO, &info) < 0 ? errno : 0;

  if (number == EINVAL || number == ENODEV)
    return fail (error, ACCMIG_ERROR_BAD_STATE,
                 "cannot read the pre-copy sizes of %s: it is not in pre-copy (%s)", device->name,
                 g_strerror (number));
  if (number != 0)
    return fail_errno (error, number, "cannot read the pre-copy sizes of %s", device->name);
  *ret_initial = info.initial_bytes;
  *ret_dirty = info.dirty_bytes;
  return TRUE;
}

/* The stream is judged when resuming is left; there EINVAL means the stream, not the request. */
static gboolean
is_refusal (AccmigState from, AccmigState left_in, int number)
{
  return number == EINVAL && from == ACCMIG_STATE_RESUMING && left_in == ACCMIG_STATE_RESUMING;
}

static gboolean
fail_set (AccmigDevice *device, AccmigState from, AccmigState to, int number, GError **error)
{
  const char *from_name = accmig_state_to_string (from);
  const char *to_name = accmig_state_to_string (to);
  AccmigState left_in;

  if (get_state (device, &left_in) != 0)
    return fail_errno (error, number, "%s cannot go from %s to %s, and cannot tell its state now",
                       device->name, from_name, to_name);
  if (is_refusal (from, left_in, number))
    return fail (error, ACCMIG_ERROR_REFUSED,
                 "%s cannot go from %s to %s, was left in %s: it refuses the stream (%s)", device->name,
                 from_name, to_name, accmig_state_to_string (left_in), g_strerror (number));
  return fail_errno (error, number, "%s cannot go from %s to %s, was left in %s", device->name, from_name,
                     to_name, accmig_state_to_string (left_in));
}

/* Whether there is a way, found out without the kernel. */
static gboolean
check_path (AccmigDevice *device, AccmigState from, AccmigState to, GError **error)
{
  AccmigState next;
  guint64 flags;

  if (!accmig_device_get_flags (device, &flags, error))
    return FALSE;
  if (accmig_fsm_next (flags, from, to, &next, error))
    return TRUE;
  g_prefix_error (error, "%s: ", device->name);
  return FALSE;
}

gboolean
accmig_device_set_state (AccmigDevice *device, AccmigState state, int *ret_data_fd, GError **error)
{
  AccmigState from;
  int data_fd = -1, number;

  if (!device_check_may_drive (device, error) || !accmig_device_get_state (device, &from, error)
      || !check_path (device, from, state, error))
    return FALSE;
  device->leftover = FALSE;
  number = from == state ? 0 : set_state (device, state, &data_fd);
  if (number != 0)
    return fail_set (device, from, state, number, error);
  if (ret_data_fd != NULL)
    *ret_data_fd = data_fd;
  else
    device_close_data_fd (device, data_fd);
  return TRUE;
}

gboolean
accmig_device_step (AccmigDevice *device, AccmigState state, int *ret_data_fd, AccmigState *ret_left_in,
                    int *ret_refusal, GError **error)
{
  AccmigState from, left_in;
  int data_fd = -1, number;

  if (!device_check_may_drive (device, error) || !accmig_device_get_state (device, &from, error)
      || !check_path (device, from, state, error))
    return FALSE;
  device->leftover = FALSE;
  number = from == state ? 0 : set_state (device, state, &data_fd);
  if (!accmig_device_get_state (device, &left_in, error))
    {
      device_close_data_fd (device, data_fd);
      return FALSE;
    }
  *ret_data_fd = data_fd;
  *ret_left_in = left_in;
  *ret_refusal = number;
  return TRUE;
}

gboolean
accmig_device_reset (AccmigDevice *device, GError **error)
{
  if (!device_check_may_drive (device, error))
    return FALSE;
  if (device->kernel->ioctl (device->fd, UAPI_DEVICE_RESET, NULL) == 0)
    return TRUE;
  if (errno == EINVAL)
    return fail (error, ACCMIG_ERROR_UNSUPPORTED, "%s has no way to be reset", device->name);
  return fail_errno (error, errno, "cannot reset %s", device->name);
}

gboolean
device_clear_leftover (AccmigDevice *device, GError **error)
{
  AccmigState state;

  if (!device->leftover)
    return TRUE;
  if (!accmig_device_get_state (device, &state, error)
      || (state != ACCMIG_STATE_RUNNING && !accmig_device_reset (device, error)))
    return FALSE;
  device->leftover = FALSE;
  return TRUE;
}
