/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <glib.h>

/*
 * The domain XML that libvirt writes to the hook's standard input. It may hold passwords: it is looked at,
 * handed on, and goes nowhere else.
 */

/* Bytes that are handed on. */
#define INPUT_MAX_SIZE (1024 * 1024)

/* Bytes that are read: as much as libvirt sends in one string. Between the two only the question whether
 * there is a host device is answered, so that a large domain without one is not held up. */
#define INPUT_READ_SIZE (4 * 1024 * 1024)

/*
 * @deadline: monotonic time, µs
 * @ret_bytes: (transfer full): what came, up to INPUT_READ_SIZE + 1 bytes, so that more can be told from as
 * much
 * @ret_cause: (transfer full): on failure, why, to follow a colon
 */
gboolean input_read (int fd, gint64 deadline, GByteArray **ret_bytes, char **ret_cause);

/* Whether the XML can hold a VFIO device at all: a <hostdev>, an <interface> of that type, or one of a
 * vfio-user server on QEMU's command line. Errs on the side of yes. */
gboolean input_has_device (const GByteArray *bytes);

/* Writes @bytes to @fd, which may be a pipe that nobody reads. FALSE when they were not all taken before
 * @deadline. */
gboolean output_write (int fd, gint64 deadline, const void *bytes, gsize length);
