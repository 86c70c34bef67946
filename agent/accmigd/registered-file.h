/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <accmig/fsm.h>

/*
 * The file that registered devices are kept in.
 */

/* One device as it is written. Borrowed. */
typedef struct
{
  const char *id;
  const char *address;
  const char *holder;
  guint64 flags;
  guint64 stop_copy_size;
  AccmigTracking tracking;
} RegisteredRecord;

/* Hands over what the file has; nothing when it is missing, damaged, or of another bus. */
void registered_file_read (const char *path, const char *bus_id,
                           void (*each) (const RegisteredRecord *record, gpointer user), gpointer user);
/* Replaces the file as a whole. */
gboolean registered_file_write (const char *path, const char *bus_id, const RegisteredRecord *records,
                                gsize n, GError **error);
