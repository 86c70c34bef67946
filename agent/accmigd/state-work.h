/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "polkit.h"
#include "system-bus-private.h"

/*
 * A call of org.accmig1.Manager's that waits while somebody is at a free device, and what all of these ask
 * first.
 */

typedef struct
{
  SystemBus *bus;
  sd_bus_message *call;
  char *address;
  gboolean in_use;    /* the prober was told */
  gboolean counted;   /* among the calls that wait */
  sd_bus_slot *leave; /* (nullable): tells when the caller leaves the bus */
  gboolean left;      /* the caller has, since that was asked for */
  char *deed;         /* (nullable): what is done by hand, for the journal … */
  uid_t caller;       /* … and by whom */
} StateWork;

StateWork *state_work_new (SystemBus *bus, sd_bus_message *call, const char *address);
void state_work_free (StateWork *work);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (StateWork, state_work_free)

/* As state_work_new(), for what is written to the journal. @deed: (transfer full): "reset" */
StateWork *state_work_new_by_hand (SystemBus *bus, sd_bus_message *call, const char *address, uid_t caller,
                                   char *deed);

/* Answers the call with @error, and writes it to the journal when it was to be done by hand. */
void state_work_fail (const StateWork *work, const GError *error);

/**
 * state_work_begin_use:
 * @error: NOT_FOUND, BUSY when the device is somebody's or in use already, UNSUPPORTED
 * Returns: whether the device is @work's alone from now on
 */
gboolean state_work_begin_use (StateWork *work, GError **error);

/* Has the transfer that is about to begin broken off when its caller leaves the bus, and @work->left set. */
void state_work_abort_on_leave (StateWork *work);

/**
 * state_work_is_free:
 * @error: NOT_FOUND; BUSY, naming the guest that has the device; UNSUPPORTED
 * Returns: whether the device may be opened now
 */
gboolean state_work_is_free (SystemBus *bus, const char *address, GError **error);

/* Returns: the address that @call begins with; what comes after it is read next */
const char *state_work_read_address (sd_bus_message *call);

/* Reads the address from @m's start and asks polkit whether the caller may. What is plainly wrong is said
 * before anybody is asked for a password. Returns: as a handler of sd-bus's */
int state_work_authorize (sd_bus_message *m, SystemBus *bus, const char *action, PolkitGranted granted,
                          sd_bus_error *ret_error);
