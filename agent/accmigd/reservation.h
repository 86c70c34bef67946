/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <glib.h>

/*
 * Reservations: which devices are kept for a domain that is about to open them.
 *
 * One is made by the gate when it accepts, or by libvirt's prepare and start hooks, and ends when the domain
 * is seen to run, when its attempt ends, or when its time runs out. Nothing in the kernel knows of it.
 */

typedef struct _Reservations Reservations;

/* Strings are borrowed. */
typedef struct {
  const char *uuid;
  const char *domain;
} Reservation;

typedef struct {
  void (*changed) (gpointer user);                   /* after every change, whoever made it */
  void (*expired) (const char *uuid, gpointer user); /* then, when it was the time that ran out */
} ReservationCallbacks;

/**
 * reservations_new:
 * @timeout: seconds a reservation lasts when nobody ends it
 */
Reservations *reservations_new (guint timeout, const ReservationCallbacks *callbacks, gpointer user);
void reservations_free (Reservations *reservations);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Reservations, reservations_free)

/* Reserves @address for a domain, or renews its time; whoever had it before loses it: look first. */
void reservations_take (Reservations *reservations, const char *address, const char *uuid,
                        const char *domain);
/* Ends all of a domain. */
void reservations_release (Reservations *reservations, const char *uuid);
/* Returns: whether @address is reserved; @ret_reservation is set then, until the next change */
gboolean reservations_lookup (const Reservations *reservations, const char *address,
                              Reservation *ret_reservation);
