/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "history.h"
#include "migration.h"

/*
 * All migrations this host takes part in: turns what libvirt, QEMU and the hook say into phases, moments and
 * records.
 *
 * It makes no call of its own: what it wants to know it asks for through callbacks, and the answer comes back
 * through one of the on_ functions, or never.
 */

typedef struct _Migrations Migrations;

typedef struct
{
  /* A record appeared, changed in any way, or (ended ones beyond the last few) was forgotten. */
  void (*added) (const Migration *migration, gpointer user);
  void (*changed) (const Migration *migration, gpointer user);
  void (*removed) (const Migration *migration, gpointer user);
  /* It just ended: let go of reservations, look at devices, rewrite metadata, … */
  void (*ended) (const Migration *migration, gpointer user);
  /* Please call migrations_on_job() for this domain, soon; @completed: of the job that just ended. No answer
   * is an answer, too: nothing happens then. */
  void (*want_job) (const char *uuid, gboolean completed, gpointer user);
  /* Please call migrations_on_qemu_log() for this domain: the cause of a failure is wanted. */
  void (*want_log) (const char *uuid, const char *name, gpointer user);
  /* Please call migrations_on_evidence(), if the driver of this device can tell what it was given: a state
   * was not taken here, and the guest is gone. */
  void (*want_evidence) (const char *uuid, const char *address, gpointer user);
  /* The VFIO hostdevs of a domain, borrowed; NULL when it has none or is not known. */
  const AccmigDomain *(*get_domain) (const char *uuid, gpointer user);
  /* Whether devices are registered for a domain, so that it counts although it may have no hostdevs. */
  gboolean (*is_registered) (const char *uuid, gpointer user);
  /* Whether devices are promised to a domain that the gate accepted and that is still to come. */
  gboolean (*is_promised) (const char *uuid, gpointer user);
} MigrationsCallbacks;

/* What the agent knows of one device. */
typedef struct
{
  guint64 flags;    /* 0 when nobody could ask */
  gsize stream_min; /* bytes of a stream with its whole state; 0 when not known */
} MigrationsFacts;

/* Who hears of what is wrong with devices, and what has to be known to find it. */
typedef struct
{
  /* What is known of a device here; nothing is set when nothing is. */
  void (*get_facts) (const char *address, MigrationsFacts *ret_facts, gpointer user);
  /* Whether libvirt tells how many bytes devices sent, unless it is none. */
  gboolean (*counts_bytes) (gpointer user);
  /* Something is wrong with a device of it. @address: "" when it cannot be told which */
  void (*suspect) (const Migration *migration, const char *address, AlarmKind kind, const char *detail,
                   gpointer user);
  /* A condition of that kind is over. */
  void (*relax) (const Migration *migration, const char *address, AlarmKind kind, gpointer user);
} MigrationsGuard;

Migrations *migrations_new (History *history, const MigrationsCallbacks *callbacks, gpointer user);
void migrations_free (Migrations *migrations);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Migrations, migrations_free)

/* @guard: (nullable): copied; without one, nothing is held against what should happen. */
void migrations_set_guard (Migrations *migrations, const MigrationsGuard *guard, gpointer user);

/* Unfinished ones, and the last few that ended, oldest first. */
gsize migrations_size (const Migrations *migrations);
const Migration *migrations_get (const Migrations *migrations, gsize index);
/* The unfinished one of a domain; NULL when there is none. */
const Migration *migrations_running (const Migrations *migrations, const char *uuid);

/* From the gate, destination. @domain: the incoming XML. Begins a record (ends a stale one of the same domain
 * as lost). */
const Migration *migrations_announce (Migrations *migrations, const AccmigDomain *domain);
/* The guest gets @address for the hostdev @alias, whatever its XML names. */
void migrations_on_placed (Migrations *migrations, const char *uuid, const char *alias, const char *address);
void migrations_on_gate (Migrations *migrations, const char *uuid, gboolean accepted, const char *cause);
/* An incoming guest that the hook did not announce: @domain is there and waits for its state. */
void migrations_on_arriving (Migrations *migrations, const AccmigDomain *domain);
/* The same for one without hostdevs; nothing happens unless devices are registered for it. */
void migrations_on_arriving_bare (Migrations *migrations, const char *uuid, const char *name);
/* From the hook: any other call. @operation as libvirt gave it. */
void migrations_on_hook (Migrations *migrations, const char *uuid, const char *operation);

/* What another host's agent says that it refused. Strings are borrowed for the call. */
typedef struct
{
  const char *uuid;
  const char *token;
  const char *host; /* which one it is, by its own account */
  const char *cause;
} MigrationsRefusal;

/**
 * migrations_on_refused_elsewhere:
 * @error: NOT_FOUND: no such domain with VFIO hostdevs runs here; REFUSED: the token is not that of its stay
 *   here; BUSY: it takes part in a migration
 * Makes a record of it, ended as failed. The same thing told again within two seconds makes none.
 */
gboolean migrations_on_refused_elsewhere (Migrations *migrations, const MigrationsRefusal *refusal,
                                          GError **error);

/* The gate's reservation ran out and nothing had followed. */
void migrations_on_expired (Migrations *migrations, const char *uuid);

/* From the hypervisor. */
void migrations_on_lifecycle (Migrations *migrations, const char *uuid, const char *name, Lifecycle event);
void migrations_on_iteration (Migrations *migrations, const char *uuid, const char *name, int iteration);
void migrations_on_job (Migrations *migrations, const char *uuid, const HypervisorJob *job,
                        gboolean completed);
void migrations_on_qemu_event (Migrations *migrations, const char *uuid, const char *name, const char *event,
                               gint64 at_usec, const char *details);
/* The answer to want_log; @length 0 when the log cannot be had. */
void migrations_on_qemu_log (Migrations *migrations, const char *uuid, const char *text, gsize length);

/* The answer to want_evidence: @sentence is better than a cause, and is put before it. */
void migrations_on_evidence (Migrations *migrations, const char *uuid, const char *sentence);

/* A device was looked at: @address was in @state at @at_usec, wall clock. */
void migrations_on_look (Migrations *migrations, const char *address, AccmigState state, gint64 at_usec);
/* A witness was away: the broker, or libvirt; or events of one guest's QEMU were dropped. What devices did
 * meanwhile is not known. @uuid: (nullable): of the guest; NULL for all */
void migrations_on_gap (Migrations *migrations, const char *uuid);
/* Time has passed: looks for devices that stay too long where they are. */
void migrations_check_limits (Migrations *migrations);
/* (transfer full): of Alarm: those in the newest records that nobody saw the end of */
GPtrArray *migrations_list_open_alarms (Migrations *migrations, GError **error);
/* An alarm about a migration was raised, cleared or amended: writes it to the record. */
void migrations_on_alarm (Migrations *migrations, const Alarm *alarm);
/* (nullable): the unfinished record of a domain, or the one that has just ended */
const Migration *migrations_recent (const Migrations *migrations, const char *uuid);
/* Whether looking is worth it now: an unfinished migration of this domain whose devices send no events. */
gboolean migrations_wants_looks (const Migrations *migrations, const char *uuid);

/* After (re)connecting: @domains (of HypervisorDomain) is all there is now. Unfinished records are held
 * against it. */
void migrations_reconcile (Migrations *migrations, const GPtrArray *domains);
