/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "common/broker-protocol.h"

#include <accmig/device.h>
#include <gio/gio.h>

/*
 * The verbs on devices.
 *
 * Each runs in a thread of its own: a reset takes what the hardware takes, a stream as long as its reader.
 * Verbs that open a device exclude one another on it; who comes second is told that it is busy.
 */

typedef struct _Devices Devices;

typedef enum
{
  DEVICE_PROBE, /* flags, bytes, match data, access of a free device */
  DEVICE_PEEK,  /* pid, flags, state, time of a device that a process holds */
  DEVICE_SAVE,  /* bytes; the stream goes to the request's fd */
  DEVICE_LOAD,  /* bytes; the stream comes from the request's fd */
  DEVICE_RESET,
} DeviceVerb;

#define N_DEVICE_VERBS 5

/* What was found; members that the verb does not give are 0, strings are static and never NULL. */
typedef struct
{
  guint64 flags;
  guint64 bytes;
  guint8 match[BROKER_MATCH_MAX];
  gsize match_length;
  const char *access; /* "group", "cdev" */
  const char *state;  /* "" when nobody has the device open, or its driver offers no migration */
  pid_t pid;
  gint64 at_usec; /* wall clock */
} DeviceAnswer;

/**
 * devices_new:
 * @sysfs_fd: (transfer full): directory fd of sysfs
 */
Devices *devices_new (int sysfs_fd);

/* Verbs in progress end by themselves. */
void devices_free (Devices *devices);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Devices, devices_free)

/**
 * devices_ask_async:
 * @address: checked with accmig_address_is_valid() here
 * @match_size: for Probe, how many bytes of match data; at most %BROKER_MATCH_MAX
 * @stream_fd: for Save and Load, a file, pipe or socket; it is duplicated. -1 for the others
 * @gone: cancelled when nobody waits for the answer any more, which breaks off Save and Load
 */
void devices_ask_async (Devices *devices, DeviceVerb verb, const char *address, gsize match_size,
                        int stream_fd, GCancellable *gone, GAsyncReadyCallback callback, gpointer user);

/**
 * devices_ask_finish:
 * @error: INVALID, LIMIT, BUSY, and what include/accmig/device.h says
 * Returns: (transfer full) (nullable): free with g_free()
 */
DeviceAnswer *devices_ask_finish (GAsyncResult *result, GError **error);
