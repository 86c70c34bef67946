// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Evidence
 *
 * The driver copies a session's buffer when the session ends, which is at the last close of the device at the
 * latest. After a migration that it refused the copy holds what the source sent.
 *
 * Reading asks no hardware and takes no lock. It is safe while the driver is being unbound: VFIO removes the
 * file, and waits for its readers, before the driver lets go of the copy. That is not so for every file below
 * /sys/kernel/debug/vfio on every kernel: "state" of many a device outlives what it shows.
 */

#include "evidence.h"

#include <accmig/error.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static char *
make_path (const char *debugfs, const char *address)
{
  return g_build_filename (debugfs, "vfio", address, "migration/hisi_acc/migf_data", NULL);
}

gboolean
evidence_exists (const char *debugfs, const char *address)
{
  g_autofree char *path = make_path (debugfs, address);

  return access (path, F_OK) == 0;
}

/* 0 or an errno. */
static int
read_all (int fd, char *text, gsize max, gsize *ret_length)
{
  gsize length = 0;

  while (length < max)
    {
      ssize_t n = TEMP_FAILURE_RETRY (read (fd, text + length, max - length));

      if (n < 0)
        return errno;
      if (n == 0)
        break;
      length += (gsize)n;
    }
  *ret_length = length;
  return 0;
}

gboolean
evidence_read (const char *debugfs, const char *address, char *text, gsize max, gsize *ret_length,
               GError **error)
{
  g_autofree char *path = make_path (debugfs, address);
  int fd = open (path, O_RDONLY | O_CLOEXEC);
  int number = fd < 0 ? errno : read_all (fd, text, max, ret_length);

  if (fd >= 0)
    (void)close (fd);
  if (number == 0)
    return TRUE;
  *ret_length = 0;
  if (number == ENOENT || number == EAGAIN) /* it was unbound just now; no session has ended yet */
    return TRUE;
  g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_IO, "cannot read what the driver of %s kept: %s", address,
               g_strerror (number));
  return FALSE;
}
