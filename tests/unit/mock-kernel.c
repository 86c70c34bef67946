// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The kernel that follows a script: see mock-kernel.h
 */

#include "mock-kernel.h"

#include <errno.h>
#include <string.h>

static struct
{
  const MockCall *script;
  guint next;
  guint64 read;    /* bytes handed out so far */
  guint64 written; /* bytes taken so far */
  GHashTable *open_fds;
} mock;

guint8
mock_kernel_byte (guint64 offset)
{
  return (guint8)(offset * 31 + (offset >> 8));
}

void
mock_kernel_expect (const MockCall *script)
{
  memset (&mock, 0, sizeof mock);
  mock.script = script;
  mock.open_fds = g_hash_table_new (NULL, NULL);
}

void
mock_kernel_done (void)
{
  if (mock.script[mock.next].kind != MOCK_END)
    g_error ("row %u of the script did not happen", mock.next);
  g_assert_cmpuint (g_hash_table_size (mock.open_fds), ==, 0);
  g_clear_pointer (&mock.open_fds, g_hash_table_unref);
}

static const MockCall *
take_call (MockKind kind, int fd)
{
  const MockCall *call = &mock.script[mock.next];

  if (call->kind != kind || call->fd != fd)
    g_error ("row %u of the script expects a call of kind %d on fd %d, made was one of kind %d on fd %d",
             mock.next, call->kind, call->fd, kind, fd);
  mock.next++;
  return call;
}

static int
hand_out (gint64 fd)
{
  if (fd >= 0)
    g_assert_true (g_hash_table_add (mock.open_fds, GINT_TO_POINTER ((int)fd)));
  return (int)fd;
}

static gint64
answer (const MockCall *call, gint64 result)
{
  if (call->number == 0)
    return result;
  errno = call->number;
  return -1;
}

static int
mock_open (const char *path, int flags)
{
  const MockCall *call = take_call (MOCK_OPEN, 0);

  g_assert_cmpstr (path, ==, call->path);
  return (int)answer (call, call->number == 0 ? hand_out (call->result) : -1);
}

static int
mock_close (int fd)
{
  if (fd != MOCK_DEVICE_FD && !g_hash_table_remove (mock.open_fds, GINT_TO_POINTER (fd)))
    g_error ("fd %d is closed, which is not open", fd);
  return 0;
}

static int
feature (int fd, void *argument)
{
  const MockCall *call = take_call (MOCK_FEATURE, fd);
  struct uapi_feature *request = argument;
  struct uapi_feature_u64 *word = argument;
  struct uapi_feature_state *state = argument;
  gboolean about_state = (request->flags & 0xffff) == UAPI_FEATURE_MIG_DEVICE_STATE;

  g_assert_cmphex (request->flags, ==, call->request);
  if ((request->flags & UAPI_FEATURE_PROBE) != 0)
    {
      g_assert_cmpuint (request->argsz, ==, 8);
      return (int)answer (call, 0);
    }
  g_assert_cmpuint (request->argsz, ==, 16);
  if ((request->flags & UAPI_FEATURE_SET) != 0)
    {
      g_assert_cmpuint (state->device_state, ==, call->in);
      state->data_fd = call->number == 0 ? hand_out (call->result) : -1;
    }
  else if (call->number == 0 && about_state)
    state->device_state = (guint32)call->out[0];
  else if (call->number == 0)
    word->value = call->out[0];
  return (int)answer (call, 0);
}

static int
precopy_info (int fd, void *argument)
{
  const MockCall *call = take_call (MOCK_PRECOPY, fd);
  struct uapi_precopy_info *info = argument;

  g_assert_cmpuint (info->argsz, ==, 24);
  info->initial_bytes = call->out[0];
  info->dirty_bytes = call->out[1];
  return (int)answer (call, 0);
}

static int
bind_iommufd (int fd, void *argument)
{
  const MockCall *call = take_call (MOCK_BIND, fd);
  struct uapi_bind_iommufd *bind = argument;

  g_assert_cmpuint (bind->argsz, ==, 16);
  g_assert_cmpuint (bind->flags, ==, 0);
  g_assert_cmpint (bind->iommufd, ==, call->in);
  return (int)answer (call, 0);
}

static int
group_status (int fd, void *argument)
{
  const MockCall *call = take_call (MOCK_STATUS, fd);
  struct uapi_group_status *status = argument;

  g_assert_cmpuint (status->argsz, ==, 8);
  status->flags = (guint32)call->out[0];
  return (int)answer (call, 0);
}

/* Requests with a name, a number or nothing as argument. */
static int
plain_ioctl (int fd, unsigned long request, void *argument)
{
  const MockCall *call = take_call (MOCK_IOCTL, fd);

  g_assert_cmphex (request, ==, call->request);
  if (call->path != NULL)
    g_assert_cmpstr (argument, ==, call->path);
  if (request == UAPI_SET_IOMMU)
    g_assert_cmpuint (GPOINTER_TO_SIZE (argument), ==, call->in);
  if (request == UAPI_GROUP_SET_CONTAINER)
    g_assert_cmpint (*(int *)argument, ==, call->in);
  if (request == UAPI_GROUP_GET_DEVICE_FD && call->number == 0)
    return hand_out (call->result);
  return (int)answer (call, 0);
}

static int
mock_ioctl (int fd, unsigned long request, void *argument)
{
  switch (request)
    {
    case UAPI_DEVICE_FEATURE:
      return feature (fd, argument);
    case UAPI_MIG_GET_PRECOPY_INFO:
      return precopy_info (fd, argument);
    case UAPI_DEVICE_BIND_IOMMUFD:
      return bind_iommufd (fd, argument);
    case UAPI_GROUP_GET_STATUS:
      return group_status (fd, argument);
    default:
      return plain_ioctl (fd, request, argument);
    }
}

static ssize_t
mock_read (int fd, void *buffer, size_t size)
{
  const MockCall *call = take_call (MOCK_READ, fd);
  guint8 *bytes = buffer;

  g_assert_cmpint (call->result, <=, size);
  for (gint64 i = 0; i < call->result; i++)
    bytes[i] = mock_kernel_byte (mock.read++);
  return answer (call, call->result);
}

static ssize_t
mock_write (int fd, const void *buffer, size_t size)
{
  const MockCall *call = take_call (MOCK_WRITE, fd);
  const guint8 *bytes = buffer;

  g_assert_cmpuint (size, ==, call->request);
  for (gint64 i = 0; i < call->result; i++)
    g_assert_cmphex (bytes[i], ==, mock_kernel_byte (mock.written++));
  return answer (call, call->result);
}

static int
mock_pidfd_open (pid_t pid)
{
  const MockCall *call = take_call (MOCK_PIDFD_OPEN, 0);

  g_assert_cmpint (pid, ==, call->request);
  return (int)answer (call, call->number == 0 ? hand_out (call->result) : -1);
}

static int
mock_pidfd_getfd (int pidfd, int fd)
{
  const MockCall *call = take_call (MOCK_PIDFD_GETFD, pidfd);

  g_assert_cmpint (fd, ==, call->request);
  return (int)answer (call, call->number == 0 ? hand_out (call->result) : -1);
}

static int
mock_uname (struct utsname *ret_host)
{
  const MockCall *call = take_call (MOCK_UNAME, 0);

  memset (ret_host, 0, sizeof *ret_host);
  g_strlcpy (ret_host->release, call->path, sizeof ret_host->release);
  return 0;
}

static void
mock_sleep (unsigned int milliseconds)
{
  const MockCall *call = take_call (MOCK_SLEEP, 0);

  g_assert_cmpuint (milliseconds, ==, call->request);
}

const AccmigKernel mock_kernel = {
  .open = mock_open,
  .close = mock_close,
  .ioctl = mock_ioctl,
  .read = mock_read,
  .write = mock_write,
  .pidfd_open = mock_pidfd_open,
  .pidfd_getfd = mock_pidfd_getfd,
  .uname = mock_uname,
  .sleep = mock_sleep,
};
