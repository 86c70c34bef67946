// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Agent: what becomes of the news of guests
 *
 * Kept in step here: which domains there are, what their metadata says, and what is under way with them.
 */

#include "agent-private.h"

#include "log.h"

/* ---- domains ---- */

void
agent_on_metadata_written (const char *uuid, gpointer user)
{
  Agent *self = user;

  census_look_up (self->census, uuid, CENSUS_CHANGED);
}

void
agent_on_census_taken (gpointer user)
{
  Agent *self = user;

  self->domains_known = TRUE;
  drives_on_census (self->drives);
  guard_on_census (self->guard);
  agent_schedule_sweep (self);
  agent_schedule_tidying (self);
}

/* ---- libvirt ---- */

/* Every profile has them, and keeps them while libvirt is away. */
static void
take_versions (Agent *self)
{
  const HypervisorVersions versions = hypervisor_get_versions (self->hypervisor);

  registry_set_host (self->registry, &(AccmigHost){ .qemu = versions.qemu, .libvirt = versions.libvirt });
}

static void
on_hypervisor_connected (gpointer user)
{
  Agent *self = user;

  log_event (LOG_EVENT_HYPERVISOR, NULL, "connected to libvirt");
  take_versions (self);
  system_bus_connections_changed (self->bus);
  census_list (self->census);
}

static void
on_hypervisor_disconnected (gpointer user)
{
  Agent *self = user;

  log_event (LOG_EVENT_HYPERVISOR, NULL, "libvirt does not answer; migrations are not seen until it does");
  migrations_on_gap (self->migrations, NULL);
  system_bus_connections_changed (self->bus);
}

static void
on_lifecycle (const char *uuid, const char *name, Lifecycle event, gpointer user)
{
  Agent *self = user;

  drives_on_lifecycle (self->drives, uuid, event); /* first: the guest stands still while they stop */
  migrations_on_lifecycle (self->migrations, uuid, name, event);
  guard_on_lifecycle (self->guard, uuid);
  switch (event)
    {
    case LIFECYCLE_STARTED:
      census_look_up (self->census, uuid, CENSUS_NEW_STAY);
      break;
    case LIFECYCLE_STARTED_MIGRATED: /* its stay begins when it has arrived; see on_migration_ended() */
      census_look_up (self->census, uuid, CENSUS_ARRIVING);
      break;
    case LIFECYCLE_STOPPED_MIGRATED:
    case LIFECYCLE_STOPPED_FAILED:
    case LIFECYCLE_STOPPED_SAVED:
    case LIFECYCLE_STOPPED:
      census_drop (self->census, uuid);
      guard_on_gone (self->guard, uuid);
      break;
    default:
      break;
    }
}

static void
on_iteration (const char *uuid, const char *name, int iteration, gpointer user)
{
  Agent *self = user;

  migrations_on_iteration (self->migrations, uuid, name, iteration);
}

static void
on_job_completed (const char *uuid, const char *name, const HypervisorJob *job, gpointer user)
{
  Agent *self = user;

  if (job->outgoing) /* also saves and dumps complete */
    migrations_on_job (self->migrations, uuid, job, TRUE);
}

static void
on_devices_changed (const char *uuid, const char *name, gpointer user)
{
  Agent *self = user;

  census_look_up (self->census, uuid, CENSUS_CHANGED);
}

const HypervisorCallbacks agent_hypervisor_callbacks = {
  .connected = on_hypervisor_connected,
  .disconnected = on_hypervisor_disconnected,
  .lifecycle = on_lifecycle,
  .iteration = on_iteration,
  .job_completed = on_job_completed,
  .devices_changed = on_devices_changed,
};

/* ---- migrations ---- */

static void
on_migration_added (const Migration *migration, gpointer user)
{
  Agent *self = user;

  system_bus_migration_added (self->bus, migration);
  drives_on_migration (self->drives, migration);
  watch_update (self->watch);
  jobs_update (self->jobs);
}

static void
on_migration_changed (const Migration *migration, gpointer user)
{
  Agent *self = user;

  system_bus_migration_changed (self->bus, migration);
  drives_on_migration (self->drives, migration);
  watch_update (self->watch);
  jobs_update (self->jobs);
}

static void
on_migration_removed (const Migration *migration, gpointer user)
{
  Agent *self = user;

  system_bus_migration_removed (self->bus, migration);
  drives_on_migration_removed (self->drives, migration);
}

static void
on_migration_ended (const Migration *migration, gpointer user)
{
  Agent *self = user;
  const char *uuid = migration_get_uuid (migration);
  gboolean arrived = migration_get_role (migration) == ROLE_DESTINATION
                     && migration_get_phase (migration) == PHASE_COMPLETED;

  reservations_withdraw (self->reservations, uuid); /* libvirt says itself when it let go of the rest */
  watch_look (self->watch, uuid);
  guard_on_migration_ended (self->guard, migration);
  agent_rescan (self);
  if (arrived || domains_lookup (self->domains, uuid) != NULL) /* else it is not, or no longer, here */
    census_look_up (self->census, uuid, arrived ? CENSUS_NEW_STAY : CENSUS_CHANGED);
}

static void
on_want_job (const char *uuid, gboolean completed, gpointer user)
{
  Agent *self = user;

  jobs_ask (self->jobs, uuid, completed);
}

/* A question about one domain's log. */
typedef struct
{
  Agent *agent;
  char *uuid;
} LogQuestion;

static void
on_log_read (GObject *source, GAsyncResult *result, gpointer user)
{
  g_autofree LogQuestion *question = user;
  g_autofree char *uuid = question->uuid;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) text = broker_client_read_log_finish (result, &error);
  gsize length = 0;
  const char *bytes = text != NULL ? g_bytes_get_data (text, &length) : NULL;

  if (broker_error_is_unavailable (error))
    return; /* no answer is no empty log: on_broker_connected() makes it be asked for again */

  migrations_on_qemu_log (question->agent->migrations, uuid, bytes != NULL ? bytes : "", length);
}

void
agent_on_want_log (const char *uuid, const char *name, gpointer user)
{
  Agent *self = user;
  LogQuestion *question = g_new0 (LogQuestion, 1);

  question->agent = self;
  question->uuid = g_strdup (uuid);
  broker_client_read_log_async (self->broker, name, on_log_read, question);
}

static void
on_want_evidence (const char *uuid, const char *address, gpointer user)
{
  Agent *self = user;

  evidence_look_for (self->evidence, uuid, address);
}

static gboolean
on_is_registered (const char *uuid, gpointer user)
{
  Agent *self = user;
  g_autoptr (GPtrArray) devices = registered_list_domain (self->registered, uuid);

  return devices->len > 0;
}

static gboolean
on_is_promised (const char *uuid, gpointer user)
{
  Agent *self = user;

  return reservations_has_promise (self->reservations, uuid);
}

static const AccmigDomain *
on_get_domain (const char *uuid, gpointer user)
{
  Agent *self = user;

  return domains_lookup (self->domains, uuid);
}

const MigrationsCallbacks agent_migrations_callbacks = {
  .added = on_migration_added,
  .changed = on_migration_changed,
  .removed = on_migration_removed,
  .ended = on_migration_ended,
  .want_job = on_want_job,
  .want_log = agent_on_want_log,
  .want_evidence = on_want_evidence,
  .get_domain = on_get_domain,
  .is_registered = on_is_registered,
  .is_promised = on_is_promised,
};
