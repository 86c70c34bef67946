// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Agent
 *
 * Every part tells its news through callbacks, and all of them end here. A callback sorts: it says which
 * parts have to know, and calls them. What a part does with it is the part's.
 *
 * Three things are kept in step here: who has a device (domains, reservations and the registry that shows
 * both), what is written in a domain's metadata, and when free devices may be opened: not before all domains
 * are known, and not while their drivers are being changed.
 */

#include "agent.h"

#include <fcntl.h>
#include <glib/gstdio.h>

#include "census.h"
#include "common/names.h"
#include "drives.h"
#include "evidence.h"
#include "guard.h"
#include "jobs.h"
#include "log.h"
#include "making.h"
#include "peer-link.h"
#include "system-bus.h"
#include "uevents.h"
#include "watch.h"

#include "config.h"

/* How long a device is left alone after something happened to it: libvirt binds a driver and starts QEMU
 * right after, and QEMU must find the device closed. */
#define SWEEP_DELAY_SECONDS 2

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

/* ---- devices ---- */

static gboolean
on_sweep (gpointer user)
{
  Agent *self = user;

  self->sweep_timer = 0;
  prober_sweep (self->prober);
  return G_SOURCE_REMOVE;
}

/* Puts off the opening of devices that were never opened. */
static void
schedule_sweep (Agent *self)
{
  if (!self->domains_known)
    return;
  g_clear_handle_id (&self->sweep_timer, g_source_remove);
  self->sweep_timer = g_timeout_add_seconds (SWEEP_DELAY_SECONDS, on_sweep, self);
}

static void
rescan (Agent *self)
{
  g_autoptr (GError) error = NULL;

  if (!registry_rescan (self->registry, &error))
    g_warning ("sysfs cannot be read, going on with what is known: %s", error->message);
}

/* What came or was bound is probed again once it is free, also when it looks as it did before. */
static void
on_uevents (const char *const *renewed, gpointer user)
{
  Agent *self = user;

  rescan (self);
  for (gsize i = 0; renewed[i] != NULL; i++)
    registry_renew (self->registry, renewed[i]);
  if (renewed[0] != NULL)
    schedule_sweep (self);
}

static void
on_device_added (const Device *device, gpointer user)
{
  Agent *self = user;

  if (self->bus != NULL)
    system_bus_device_added (self->bus, device);
  schedule_sweep (self);
}

static void
on_device_changed (const Device *device, gpointer user)
{
  Agent *self = user;
  const AccmigDomain *owner = domains_find_owner (self->domains, device_get_address (device));

  if (self->bus != NULL)
    system_bus_device_changed (self->bus, device);
  if (owner != NULL && accmig_domain_get_uuid (owner) != NULL)
    metadata_refresh (self->metadata, accmig_domain_get_uuid (owner));
  schedule_sweep (self); /* it may have become free */
}

static void
on_device_removed (const Device *device, gpointer user)
{
  Agent *self = user;

  if (self->bus != NULL)
    system_bus_device_removed (self->bus, device);
}

static void
on_reservations_changed (gpointer user)
{
  Agent *self = user;

  registry_refresh (self->registry);
}

static void
on_reservation_expired (const char *uuid, gpointer user)
{
  Agent *self = user;

  migrations_on_expired (self->migrations, uuid);
}

/* ---- mdevs that were made ---- */

/* A guest that came has it now, and one that asks once more is to get it again; else nobody wants it. */
static void
tidy_made (Agent *self, const char *address)
{
  Reservation reservation = { 0 };

  if (reservations_lookup (self->reservations, address, &reservation))
    reservations_set_made (self->reservations, address, TRUE);
  else if (domains_find_owner (self->domains, address) == NULL)
    making_undo (self->broker, self->registry, address);
}

static gboolean
on_tidy (gpointer user)
{
  Agent *self = user;
  g_autoptr (GHashTable) addresses = NULL;
  GHashTableIter iter;
  gpointer address = NULL;

  self->tidying = 0;
  if (!self->domains_known || !broker_client_is_connected (self->broker))
    return G_SOURCE_REMOVE; /* another look comes when that changes */
  addresses = g_steal_pointer (&self->made_ended);
  self->made_ended = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_hash_table_iter_init (&iter, addresses);
  while (g_hash_table_iter_next (&iter, &address, NULL))
    tidy_made (self, address);
  return G_SOURCE_REMOVE;
}

static void
schedule_tidying (Agent *self)
{
  if (self->tidying == 0 && g_hash_table_size (self->made_ended) > 0)
    self->tidying = g_idle_add (on_tidy, self);
}

/* Not in this turn of the main loop: what ends in it may be promised anew in it. */
static void
on_made_ended (const char *address, gpointer user)
{
  Agent *self = user;

  g_hash_table_add (self->made_ended, g_strdup (address));
  schedule_tidying (self);
}

/* ---- domains ---- */

static void
on_metadata_written (const char *uuid, gpointer user)
{
  Agent *self = user;

  census_look_up (self->census, uuid, CENSUS_CHANGED);
}

static void
on_census_taken (gpointer user)
{
  Agent *self = user;

  self->domains_known = TRUE;
  drives_on_census (self->drives);
  guard_on_census (self->guard);
  schedule_sweep (self);
  schedule_tidying (self);
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

/* ---- registered devices ---- */

G_GNUC_PRINTF (2, 3)
static void
log_registered (const Registered *device, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  log_event (LOG_EVENT_REGISTERED,
             &(LogContext){ .uuid = registered_get_uuid (device), .device = registered_get_address (device) },
             "“%s” %s", registered_get_id (device), text);
}

/* Flags and owner of the device at its address come from it. */
static void
show_registered (Agent *self, const Registered *device)
{
  registry_refresh (self->registry);
  if (registered_is_attached (device) && *registered_get_address (device) != '\0')
    registry_set_flags (self->registry, registered_get_address (device), registered_get_flags (device));
}

static void
on_registered_added (const Registered *device, gpointer user)
{
  Agent *self = user;

  show_registered (self, device);
  system_bus_registered_added (self->bus, device);
  drives_on_registered_added (self->drives, device);
  if (self->domains_known) /* its guest may be on its way */
    census_look_up (self->census, registered_get_uuid (device), CENSUS_ARRIVING);
  log_registered (device, "is registered by %s", registered_get_holder (device));
}

static void
on_registered_changed (const Registered *device, gpointer user)
{
  Agent *self = user;

  show_registered (self, device);
  system_bus_registered_changed (self->bus, device);
  drives_on_registered_changed (self->drives, device);
}

static void
on_registered_removed (const Registered *device, gpointer user)
{
  Agent *self = user;

  drives_on_registered_removed (self->drives, device);
  system_bus_registered_removed (self->bus, device);
  log_registered (device, "is registered no longer");
  registry_refresh (self->registry);
  schedule_sweep (self);
}

static void
on_registered_wanted (const Registered *device, gpointer user)
{
  Agent *self = user;

  system_bus_registered_wanted (self->bus, device);
  log_registered (device, "was lost by the broker, %s is asked to register it again",
                  registered_get_holder (device));
}

static void
on_registered_finished (const Registered *device, const char *outcome, gpointer user)
{
  Agent *self = user;

  system_bus_registered_finished (self->bus, device, outcome);
}

static void
on_registered_settled (gpointer user)
{
  Agent *self = user;

  drives_on_settled (self->drives);
}

/* ---- the broker ---- */

static void
on_broker_connected (gpointer user)
{
  Agent *self = user;

  log_event (LOG_EVENT_BROKER, NULL, "connected to the broker");
  system_bus_connections_changed (self->bus);
  registered_set_broker_connected (self->registered);
  if (hypervisor_is_connected (self->hypervisor))
    census_list (self->census); /* what could not be asked while there was no broker is asked now */
  schedule_sweep (self);
  schedule_tidying (self);
}

static void
on_broker_disconnected (const char *why, gpointer user)
{
  Agent *self = user;

  log_event (LOG_EVENT_BROKER, NULL, "no connection to the broker, devices cannot be asked: %s", why);
  migrations_on_gap (self->migrations, NULL);
  system_bus_connections_changed (self->bus);
  registered_set_broker_lost (self->registered);
}

static void
on_qemu_event (const char *uuid, const char *name, const char *event, gint64 at_usec, const char *details,
               gpointer user)
{
  Agent *self = user;

  if (g_str_equal (event, "STOP") || g_str_equal (event, "RESUME"))
    drives_on_vcpus (self->drives, uuid, g_str_equal (event, "RESUME"));
  migrations_on_qemu_event (self->migrations, uuid, name, event, at_usec, details);
}

static void
on_qemu_gap (const char *uuid, gpointer user)
{
  Agent *self = user;

  migrations_on_gap (self->migrations, uuid);
}

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
  rescan (self);
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

static void
on_want_log (const char *uuid, const char *name, gpointer user)
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
  static const BrokerCallbacks callbacks = {
    .connected = on_broker_connected,
    .disconnected = on_broker_disconnected,
    .qemu_event = on_qemu_event,
    .qemu_gap = on_qemu_gap,
  };

  self->broker = broker_client_new (settings_get_string (self->settings, SETTING_SOCKET), &callbacks, self);
}

static void
make_devices (Agent *self)
{
  static const ReservationCallbacks reservation_callbacks = { on_reservations_changed, on_reservation_expired,
                                                              on_made_ended };
  static const RegisteredCallbacks registered_callbacks = {
    .added = on_registered_added,
    .changed = on_registered_changed,
    .removed = on_registered_removed,
    .wanted = on_registered_wanted,
    .finished = on_registered_finished,
    .settled = on_registered_settled,
  };
  static const RegistryCallbacks registry_callbacks = { on_device_added, on_device_changed,
                                                        on_device_removed };
  RegistrySources sources = { .sysfs_fd = self->sysfs_fd, .probes = self->probes };
  g_autofree char *path = state_path ("reservations.json");
  g_autofree char *registered_path = state_path ("registered.json");
  /* What is promised while the gate still looks at a guest must not end before it has its answer. */
  guint timeout = MAX (settings_get_number (self->settings, SETTING_RESERVATION_TIMEOUT),
                       settings_get_number (self->settings, SETTING_HOOK_TIMEOUT));

  self->domains = domains_new ();
  self->reservations = reservations_new (path, timeout, &reservation_callbacks, self);
  sources.domains = self->domains;
  sources.reservations = self->reservations;
  self->registered = registered_set_new (registered_path, self->broker, &registered_callbacks, self);
  sources.registered = self->registered;
  self->registry = registry_new (&sources, &registry_callbacks, self);
}

static void
make_connections (Agent *self)
{
  static const HypervisorCallbacks hypervisor_callbacks = {
    .connected = on_hypervisor_connected,
    .disconnected = on_hypervisor_disconnected,
    .lifecycle = on_lifecycle,
    .iteration = on_iteration,
    .job_completed = on_job_completed,
    .devices_changed = on_devices_changed,
  };
  self->hypervisor = hypervisor_new (settings_get_string (self->settings, SETTING_URI), HYPERVISOR_READ_ONLY,
                                     &hypervisor_callbacks, self);
  self->prober = prober_new (self->broker, self->registry);
}

static void
make_migrations (Agent *self)
{
  static const MigrationsCallbacks callbacks = {
    .added = on_migration_added,
    .changed = on_migration_changed,
    .removed = on_migration_removed,
    .ended = on_migration_ended,
    .want_job = on_want_job,
    .want_log = on_want_log,
    .want_evidence = on_want_evidence,
    .get_domain = on_get_domain,
    .is_registered = on_is_registered,
    .is_promised = on_is_promised,
  };

  self->migrations = migrations_new (self->history, &callbacks, self);
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
      on_metadata_written, self);
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
          .want_log = on_want_log,
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

  self->census = census_new (&sources, on_census_taken, self);
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

  self->uevents = uevents_new (on_uevents, self, &uevents_error);
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
