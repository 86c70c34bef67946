/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What the files of the agent share: its parts, and what is to be done with their news. agent.c makes the
 * parts and ends them; agent-devices.c and agent-guests.c sort what they say.
 */

#include "agent.h"

#include "census.h"
#include "drives.h"
#include "evidence.h"
#include "guard.h"
#include "jobs.h"
#include "peer-link.h"
#include "system-bus.h"
#include "uevents.h"
#include "watch.h"

struct _Agent
{
  const Settings *settings;
  void (*lost) (gpointer user);
  gpointer user;

  int sysfs_fd;
  History *history;
  Probes *probes;
  Domains *domains;
  Reservations *reservations;
  Registry *registry;
  Hypervisor *hypervisor;
  BrokerClient *broker;
  RegisteredSet *registered;
  Prober *prober;
  AssessmentSources assessment;
  Migrations *migrations;
  PeerLink *link;
  Gate *gate;
  Drives *drives;
  Metadata *metadata;
  Census *census;
  Watch *watch;
  Guard *guard;
  Jobs *jobs;
  Evidence *evidence;
  Uevents *uevents; /* (nullable) */
  SystemBus *bus;   /* (nullable) */

  gboolean domains_known;
  guint sweep_timer;

  GHashTable *made_ended; /* set of char *: mdevs that were made for guests and are reserved no longer */
  guint tidying;          /* source of the next look at them */
};

/* ---- of devices; user is the Agent everywhere ---- */

extern const RegistryCallbacks agent_registry_callbacks;
extern const ReservationCallbacks agent_reservation_callbacks;
extern const RegisteredCallbacks agent_registered_callbacks;
extern const BrokerCallbacks agent_broker_callbacks;

void agent_on_uevents (const char *const *renewed, gpointer user);

/* Reads sysfs anew; what is known stays when it cannot be read. */
void agent_rescan (Agent *self);

/* Puts off the opening of devices that were never opened; nothing is opened before all domains are known. */
void agent_schedule_sweep (Agent *self);

/* Looks, soon, which mdevs that were made for guests nobody wants any more. */
void agent_schedule_tidying (Agent *self);

/* ---- of guests ---- */

extern const HypervisorCallbacks agent_hypervisor_callbacks;
extern const MigrationsCallbacks agent_migrations_callbacks;

void agent_on_census_taken (gpointer user);
void agent_on_metadata_written (const char *uuid, gpointer user);
void agent_on_want_log (const char *uuid, const char *name, gpointer user);
