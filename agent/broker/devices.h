/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "repair.h"
#include "walk.h"

#include <gio/gio.h>

/*
 * The verbs on devices.
 *
 * Each runs in a thread of its own: a reset takes what the hardware takes, a stream as long as its reader.
 * Verbs that open or change a device exclude one another on it; who comes second is told that it is busy, and
 * so is who asks for evidence then.
 */

typedef struct _Devices Devices;

typedef enum
{
  DEVICE_PROBE, /* flags, bytes, match data, access of a free device */
  DEVICE_PEEK,  /* pid, flags, state, time of a device that a process holds */
  DEVICE_SAVE,  /* bytes; the stream goes to the request's fd */
  DEVICE_LOAD,  /* bytes; the stream comes from the request's fd */
  DEVICE_RESET,
  DEVICE_TRIAL, /* what the driver says to another device's match data */
  DEVICE_WALK,
  DEVICE_RESET_HELD, /* that a process holds */
  DEVICE_REPAIR,     /* bring a device that a process holds to running */
  DEVICE_BIND,
  DEVICE_CREATE_MDEV,
  DEVICE_REMOVE_MDEV,
  DEVICE_EVIDENCE, /* what the driver of a free device kept of the last migration */
} DeviceVerb;

#define N_DEVICE_VERBS (DEVICE_EVIDENCE + 1)

/* What is asked. Everything is copied; members that the verb does not need are not looked at. */
typedef struct
{
  DeviceVerb verb;
  const char *address; /* checked with accmig_address_is_valid() here; of an mdev to be made: its UUID */
  gsize match_size;    /* Probe: bytes of match data wanted, at most %BROKER_MATCH_MAX */
  const void *match;   /* Trial: (nullable): another device's match data … */
  gsize match_length;  /* … at most %BROKER_MATCH_MAX */
  int stream_fd;       /* Save, Load: a file, pipe or socket; it is duplicated */
  const AccmigState *states; /* Walk: at most %BROKER_WALK_MAX */
  gsize n_states;
  AccmigState seen;   /* Repair: where the device was seen to stand still */
  const char *driver; /* Bind */
  const char *parent; /* CreateMdev … */
  const char *type;
} DeviceQuestion;

/* What was found; members that the verb does not give are 0, strings are static and never NULL. */
typedef struct
{
  guint64 flags;
  guint64 bytes;
  guint8 match[BROKER_MATCH_MAX];
  gsize match_length;
  AccmigTracking tracking; /* NO for a driver without migration */
  const char *access;      /* "group", "cdev" */
  const char *state;       /* "" when nobody has the device open, or its driver offers no migration */
  pid_t pid;
  gint64 at_usec; /* wall clock */
  int refusal;    /* errno of the driver's no to match data, 0 for a yes */
  char evidence[BROKER_EVIDENCE_MAX];
  gsize evidence_length;
  Walk walk;
  Repair repair;
} DeviceAnswer;

/**
 * devices_new:
 * @sysfs_fd: (transfer full): directory fd of sysfs
 * @debugfs: where debugfs is mounted, if it is
 */
Devices *devices_new (int sysfs_fd, const char *debugfs);

/* Verbs in progress end by themselves. */
void devices_free (Devices *devices);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Devices, devices_free)

/**
 * devices_ask_async:
 * @gone: cancelled when nobody waits for the answer any more, which breaks off Save and Load
 */
void devices_ask_async (Devices *devices, const DeviceQuestion *question, GCancellable *gone,
                        GAsyncReadyCallback callback, gpointer user);

/**
 * devices_ask_finish:
 * @error: INVALID, LIMIT, BUSY, and what include/accmig/device.h, binding.h, evidence.h and mdevs.h say
 * Returns: (transfer full) (nullable): free with g_free()
 */
DeviceAnswer *devices_ask_finish (GAsyncResult *result, GError **error);

/* Breaks off the Save or Load of @address that is at work; nothing when there is none. */
void devices_abort (Devices *devices, const char *address);
