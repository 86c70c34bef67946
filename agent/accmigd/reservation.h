/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <glib.h>

/*
 * Reservations: which devices are kept for a domain that is about to open them.
 *
 * The gate promises devices to a guest that is to come; that ends with the attempt, or when its time runs
 * out. From libvirt's prepare and start hooks on they are held, for libvirt has given them to the guest:
 * until it says that it took them back, until the guest is seen to run, or is seen not to be there. Nothing
 * in the kernel knows of either, so they are written down, and survive the agent.
 */

typedef struct _Reservations Reservations;

/* Strings are borrowed. */
typedef struct
{
  const char *uuid;
  const char *domain;
  gboolean held; /* by libvirt, as opposed to promised by the gate */
} Reservation;

typedef struct
{
  void (*changed) (gpointer user);                   /* after every change, whoever made it */
  void (*expired) (const char *uuid, gpointer user); /* then, when it was the time that ran out */
  /* Then, when the device had been made for the guest. Whether the guest has it by now is not said. */
  void (*made_ended) (const char *address, gpointer user);
} ReservationCallbacks;

/**
 * reservations_new:
 * @path: (nullable): file; NULL keeps nothing. One that is missing, damaged or of another boot is like an
 *   empty one; what ran out meanwhile expires as soon as the main loop runs
 * @timeout: seconds a promise lasts when nobody ends it
 */
Reservations *reservations_new (const char *path, guint timeout, const ReservationCallbacks *callbacks,
                                gpointer user);
void reservations_free (Reservations *reservations);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Reservations, reservations_free)

/* Promises @addresses (NULL-terminated) to a domain, or renews their time, and ends what else was promised to
 * it. Whoever had one before loses it: look first. What is held for that domain stays held. */
void reservations_promise (Reservations *reservations, const char *uuid, const char *domain,
                           const char *const *addresses);
/* Begins the time of what is promised to a domain anew: it has its answer, and is to come from now on. */
void reservations_renew (Reservations *reservations, const char *uuid);
/* Whether the device is being made, or was, for the domain that it is reserved for. */
void reservations_set_made (Reservations *reservations, const char *address, gboolean made);
/* Holds @address for a domain, without a limit in time; whoever had it before loses it. */
void reservations_hold (Reservations *reservations, const char *address, const char *uuid,
                        const char *domain);
/* Ends what was only promised to a domain. */
void reservations_withdraw (Reservations *reservations, const char *uuid);
/* Ends all of a domain. */
void reservations_release (Reservations *reservations, const char *uuid);
/* Ends what is held for a domain that is gone; what is promised to it is for when it comes back. */
void reservations_let_go (Reservations *reservations, const char *uuid);
/* Ends what is held for domains whose UUIDs are not in @uuids, unless it was taken after @since_usec
 * (monotonic), when somebody looked which there are. */
void reservations_retain (Reservations *reservations, GHashTable *uuids, gint64 since_usec);
/* Returns: whether @address is reserved; @ret_reservation is set then, until the next change */
gboolean reservations_lookup (const Reservations *reservations, const char *address,
                              Reservation *ret_reservation);
/* Whether anything is promised to a domain. */
gboolean reservations_has_promise (const Reservations *reservations, const char *uuid);
