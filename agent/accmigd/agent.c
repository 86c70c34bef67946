// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Agent
 *
 * Every part tells its news through callbacks, and all of them end in one of two files beside this one, which
 * makes the parts and ends them. A callback sorts: it says which parts have to know, and calls them. What a
 * part does with it is the part's.
 */

#include "agent-private.h"

#include <fcntl.h>
#include <glib/gstdio.h>

#include "common/names.h"

#include "config.h"

/* ---- life ---- */

static char *
state_path (const char *file)
{
  const char *directory = g_getenv (ACCMIG_ENV_STATE_DIR);

  return g_build_filename (directory != NULL ? directory : ACCMIG_STATE_DIR, file, NULL);
}

static gboolean
open_sysfs (Agent *self, GError **error)
{
  const char *path = g_getenv (ACCMIG_ENV_SYSFS);

  if (path == NULL)
    path = "/sys";
  self->sysfs_fd = open (path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (self->sysfs_fd < 0)
    {
      int number = errno;

      g_set_error (error, G_IO_ERROR, g_io_error_from_errno (number), "cannot open “%s”: %s", path,
                   g_strerror (number));
      return FALSE;
    }
  return TRUE;
}

static gboolean
open_files (Agent *self, GError **error)
{
  g_autofree char *history = state_path ("history.db");
  g_autofree char *probes = state_path ("probes.json");

  if (!open_sysfs (self, error))
    return FALSE;
  self->history = history_open (history, settings_get_number (self->settings, SETTING_KEEP), error);
  if (self->history == NULL)
    return FALSE;
  self->probes = probes_open (probes);
  return TRUE;
}

static void
make_broker (Agent *self)
{
  self->broker =
      broker_client_new (settings_get_string (self->settings, SETTING_SOCKET), &agent_broker_callbacks, self);
}

static void
make_devices (Agent *self)
{
  RegistrySources sources = { .sysfs_fd = self->sysfs_fd, .probes = self->probes };
  g_autofree char *path = state_path ("reservations.json");
  g_autofree char *registered_path = state_path ("registered.json");
  /* What is promised while the gate still looks at a guest must not end before it has its answer. */
  guint timeout = MAX (settings_get_number (self->settings, SETTING_RESERVATION_TIMEOUT),
                       settings_get_number (self->settings, SETTING_HOOK_TIMEOUT));

  self->domains = domains_new ();
  self->reservations = reservations_new (path, timeout, &agent_reservation_callbacks, self);
  sources.domains = self->domains;
  sources.reservations = self->reservations;
  self->registered = registered_set_new (registered_path, self->broker, &agent_registered_callbacks, self);
  sources.registered = self->registered;
  self->registry = registry_new (&sources, &agent_registry_callbacks, self);
}

static void
make_connections (Agent *self)
{
  self->hypervisor = hypervisor_new (settings_get_string (self->settings, SETTING_URI), HYPERVISOR_READ_ONLY,
                                     &agent_hypervisor_callbacks, self);
  self->prober = prober_new (self->broker, self->registry);
}

static void
make_migrations (Agent *self)
{
  self->migrations = migrations_new (self->history, &agent_migrations_callbacks, self);
  self->watch = watch_new (self->broker, self->domains, self->migrations,
                           settings_get_number (self->settings, SETTING_POLL_PERIOD));
  self->drives = drives_new (&(DrivesSources){
      .broker = self->broker,
      .registered = self->registered,
      .migrations = self->migrations,
      .hypervisor = self->hypervisor,
      .history = self->history,
      .limits = { .step = settings_get_number (self->settings, SETTING_STEP_LIMIT),
                  .switching = settings_get_number (self->settings, SETTING_SWITCH_LIMIT) },
  });
  self->jobs = jobs_new (self->hypervisor, self->migrations);
  self->evidence = evidence_new (self->broker, self->registry, self->migrations);
  self->metadata = metadata_new (
      &(MetadataSources){
          .broker = self->broker,
          .registry = self->registry,
          .domains = self->domains,
          .migrations = self->migrations,
      },
      agent_on_metadata_written, self);
}

static void
make_guard (Agent *self)
{
  self->guard = guard_new (
      &(GuardSources){
          .hypervisor = self->hypervisor,
          .broker = self->broker,
          .registry = self->registry,
          .domains = self->domains,
          .migrations = self->migrations,
      },
      &(InspectionPolicy){
          .grace = settings_get_number (self->settings, SETTING_REPAIR_GRACE),
          .drive = settings_get_choice (self->settings, SETTING_REPAIR) != 0,
          .want_log = agent_on_want_log,
          .user = self,
      });
}

static void
make_census (Agent *self)
{
  const CensusSources sources = {
    .hypervisor = self->hypervisor,
    .domains = self->domains,
    .reservations = self->reservations,
    .registry = self->registry,
    .metadata = self->metadata,
    .migrations = self->migrations,
  };

  self->census = census_new (&sources, agent_on_census_taken, self);
}

static void
make_gate (Agent *self)
{
  const Settings *settings = self->settings;

  self->assessment = (AssessmentSources){
    .registry = self->registry,
    .prober = self->prober,
    .reservations = self->reservations,
    .broker = self->broker,
    .sysfs_fd = self->sysfs_fd,
    .remap = (Remap)settings_get_choice (settings, SETTING_REMAP),
    .create_mdev = settings_get_choice (settings, SETTING_CREATE_MDEV) != 0,
    .trial = settings_get_choice (settings, SETTING_TRIAL) != 0,
    .bind = settings_get_choice (settings, SETTING_BIND) != 0,
  };
  self->link = peer_link_new (settings);
  self->gate = gate_new (
      &(GateSources){
          .assessment = &self->assessment,
          .registry = self->registry,
          .prober = self->prober,
          .reservations = self->reservations,
          .migrations = self->migrations,
          .link = self->link,
      },
      &(GatePolicy){
          .accept_on_agent_failure = settings_is_accept (settings, SETTING_ON_AGENT_FAILURE),
          .accept_on_unknown = settings_is_accept (settings, SETTING_ON_UNKNOWN),
          .accept_on_no_profile = settings_is_accept (settings, SETTING_ON_NO_PROFILE),
          .probe_at_start = settings_get_choice (settings, SETTING_PROBE_AT_START) != 0,
          .hook_timeout = settings_get_number (settings, SETTING_HOOK_TIMEOUT),
      });
}

static void
on_bus_lost (gpointer user)
{
  Agent *self = user;

  self->lost (self->user);
}

static gboolean
open_bus (Agent *self, GError **error)
{
  const SystemBusSources sources = {
    .assessment = &self->assessment,
    .registry = self->registry,
    .migrations = self->migrations,
    .history = self->history,
    .gate = self->gate,
    .hypervisor = self->hypervisor,
    .broker = self->broker,
    .prober = self->prober,
    .reservations = self->reservations,
    .registered = self->registered,
    .drives = self->drives,
    .alarms = guard_get_alarms (self->guard),
  };

  self->bus = system_bus_open (&sources, on_bus_lost, self, error);
  guard_set_bus (self->guard, self->bus);
  return self->bus != NULL;
}

/* The name is taken last: who finds it finds everything behind it. */
static gboolean
begin (Agent *self, GError **error)
{
  g_autoptr (GError) uevents_error = NULL;

  self->uevents = uevents_new (agent_on_uevents, self, &uevents_error);
  if (self->uevents == NULL)
    g_warning ("going on without: %s", uevents_error->message);
  if (!registry_rescan (self->registry, error))
    return FALSE;
  system_bus_restore_registered (self->bus);
  if (!system_bus_take_name (self->bus, error))
    return FALSE;
  hypervisor_start (self->hypervisor);
  broker_client_start (self->broker);
  return TRUE;
}

Agent *
agent_new (const Settings *settings, void (*lost) (gpointer user), gpointer user, GError **error)
{
  g_autoptr (Agent) self = g_new0 (Agent, 1);

  self->settings = settings;
  self->lost = lost;
  self->user = user;
  self->sysfs_fd = -1;
  self->made_ended = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  if (!open_files (self, error))
    return NULL;
  make_broker (self);
  make_devices (self);
  make_connections (self);
  make_migrations (self);
  make_guard (self);
  make_census (self);
  make_gate (self);
  if (!open_bus (self, error) || !begin (self, error))
    return NULL;
  return g_steal_pointer (&self);
}

void
agent_free (Agent *self)
{
  if (self == NULL)
    return;
  g_clear_handle_id (&self->sweep_timer, g_source_remove);
  g_clear_handle_id (&self->tidying, g_source_remove);
  g_clear_pointer (&self->uevents, uevents_free);
  g_clear_pointer (&self->jobs, jobs_free);
  g_clear_pointer (&self->watch, watch_free);
  g_clear_pointer (&self->guard, guard_free);
  g_clear_pointer (&self->hypervisor, hypervisor_free);
  g_clear_pointer (&self->broker, broker_client_free);
  g_clear_pointer (&self->evidence, evidence_free);
  g_clear_pointer (&self->drives, drives_free);
  g_clear_pointer (&self->bus, system_bus_close);
  g_clear_pointer (&self->gate, gate_free);
  g_clear_pointer (&self->link, peer_link_free);
  g_clear_pointer (&self->census, census_free);
  g_clear_pointer (&self->metadata, metadata_free);
  g_clear_pointer (&self->prober, prober_free);
  g_clear_pointer (&self->migrations, migrations_free);
  g_clear_pointer (&self->registry, registry_free);
  g_clear_pointer (&self->registered, registered_set_free);
  g_clear_pointer (&self->reservations, reservations_free);
  g_clear_pointer (&self->domains, domains_free);
  g_clear_pointer (&self->probes, probes_close);
  g_clear_pointer (&self->history, history_close);
  if (self->sysfs_fd >= 0)
    (void)close (self->sysfs_fd);
  g_hash_table_unref (self->made_ended);
  g_free (self);
}
