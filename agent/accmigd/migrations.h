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
  /* Whether devices are promised to a domain that the gate accepted and that is still to come. */
  gboolean (*is_promised) (const char *uuid, gpointer user);
} MigrationsCallbacks;

Migrations *migrations_new (History *history, const MigrationsCallbacks *callbacks, gpointer user);
void migrations_free (Migrations *migrations);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Migrations, migrations_free)

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
/* Whether looking is worth it now: an unfinished migration of this domain whose devices send no events. */
gboolean migrations_wants_looks (const Migrations *migrations, const char *uuid);

/* After (re)connecting: @domains (of HypervisorDomain) is all there is now. Unfinished records are held
 * against it. */
void migrations_reconcile (Migrations *migrations, const GPtrArray *domains);
