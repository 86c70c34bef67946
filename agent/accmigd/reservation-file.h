/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <glib.h>

/*
 * The file that reservations are kept in.
 */

/* One reservation as it is written. Borrowed. */
typedef struct
{
  const char *address;
  const char *uuid;
  const char *domain;
  gboolean made;
  gint64 until_usec; /* monotonic; 0: it is held */
} ReservationRecord;

/* Hands over what the file has; nothing when it is missing, damaged or of another boot. */
void reservation_file_read (const char *path, void (*each) (const ReservationRecord *record, gpointer user),
                            gpointer user);
/* Replaces the file as a whole. */
gboolean reservation_file_write (const char *path, const ReservationRecord *records, gsize n, GError **error);
