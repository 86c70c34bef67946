// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Guard
 *
 * A guest that has left is no concern of this host's any more, nor are alarms about it: they are told, and
 * closed at once.
 */

#include "guard.h"

#include <stdio.h>

#include "log.h"

struct _Guard
{
  GuardSources sources;
  Alarms *alarms;
  Inspection *inspection;
  SystemBus *bus; /* (nullable) */
};

/* ---- what the sequences ask and tell ---- */

static void
on_get_facts (const char *address, MigrationsFacts *ret_facts, gpointer user)
{
  const Guard *self = user;
  const Device *device = registry_lookup (self->sources.registry, address);
  const AccmigProfile *profile = device != NULL ? device_get_profile (device) : NULL;
  const AccmigFamily *family = NULL;

  if (device == NULL)
    return;
  (void)accmig_flags_from_string (device_get_migration (device), &ret_facts->flags, NULL);
  if (profile != NULL)
    family = accmig_families_lookup (accmig_families_get_default (), accmig_profile_get_family (profile));
  if (family != NULL)
    ret_facts->stream_min = accmig_family_get_stream_min (family);
}

/* libvirt does since 10.6. */
static gboolean
on_counts_bytes (gpointer user)
{
  const Guard *self = user;
  const char *version = hypervisor_get_versions (self->sources.hypervisor).libvirt;
  int major = 0, minor = 0;

  return version != NULL && sscanf (version, "%d.%d", &major, &minor) == 2
         && (major > 10 || (major == 10 && minor >= 6));
}

static void
on_suspect (const Migration *migration, const char *address, AlarmKind kind, const char *detail,
            gpointer user)
{
  Guard *self = user;
  Phase phase = migration_get_phase (migration);
  gboolean has_left = migration_get_role (migration) == ROLE_SOURCE && phase == PHASE_COMPLETED;
  /* What QEMU's log tells may come when the guest is gone. */
  gboolean is_gone =
      phase_is_end (phase) && domains_lookup (self->sources.domains, migration_get_uuid (migration)) == NULL;

  (void)alarms_raise (self->alarms,
                      alarm_new (kind, migration_get_uuid (migration), migration_get_name (migration),
                                 address, migration_get_id (migration), detail),
                      !has_left && !is_gone);
}

static void
on_relax (const Migration *migration, const char *address, AlarmKind kind, gpointer user)
{
  Guard *self = user;

  alarms_clear (self->alarms, migration_get_uuid (migration), address, kind);
}

/* ---- telling ---- */

static LogContext
make_context (const Alarm *alarm)
{
  return (LogContext){
    .domain = alarm->domain, .uuid = alarm->uuid, .device = alarm->device, .migration = alarm->migration
  };
}

static void
on_raised (const Alarm *alarm, gpointer user)
{
  Guard *self = user;
  LogContext context = make_context (alarm);

  log_event (LOG_EVENT_ALARM, &context, "alarm %s: “%s”: %s; %s", alarm_kind_to_string (alarm->kind),
             alarm->domain, alarm->sentence, alarm_kind_get_advice (alarm->kind));
  migrations_on_alarm (self->sources.migrations, alarm);
  if (self->bus != NULL)
    system_bus_alarm_raised (self->bus, alarm);
}

static void
on_cleared (const Alarm *alarm, gpointer user)
{
  Guard *self = user;
  LogContext context = make_context (alarm);

  log_event (LOG_EVENT_ALARM_CLEARED, &context, "alarm %s is over: “%s” %s",
             alarm_kind_to_string (alarm->kind), alarm->domain, alarm->device);
  migrations_on_alarm (self->sources.migrations, alarm);
  if (self->bus != NULL)
    system_bus_alarm_cleared (self->bus, alarm);
}

static void
on_amended (const Alarm *alarm, gpointer user)
{
  Guard *self = user;

  migrations_on_alarm (self->sources.migrations, alarm);
}

/* ---- life ---- */

/* Takes up what a predecessor raised and did not see the end of. */
static void
restore (Guard *self)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) alarms = migrations_list_open_alarms (self->sources.migrations, &error);

  if (alarms == NULL)
    log_event (LOG_EVENT_STRANGE, NULL, "alarms are not taken up: %s", error->message);
  for (guint i = 0; alarms != NULL && i < alarms->len; i++)
    alarms_restore (self->alarms, alarms->pdata[i]);
}

Guard *
guard_new (const GuardSources *sources, const InspectionPolicy *policy)
{
  static const AlarmsCallbacks alarms_callbacks = { on_raised, on_cleared, on_amended };
  static const MigrationsGuard migrations_guard = { on_get_facts, on_counts_bytes, on_suspect, on_relax };
  Guard *self = g_new0 (Guard, 1);

  self->sources = *sources;
  self->alarms = alarms_new (&alarms_callbacks, self);
  self->inspection = inspection_new (
      &(InspectionSources){
          .hypervisor = sources->hypervisor,
          .broker = sources->broker,
          .domains = sources->domains,
          .migrations = sources->migrations,
          .alarms = self->alarms,
      },
      policy);
  migrations_set_guard (sources->migrations, &migrations_guard, self);
  restore (self);
  return self;
}

void
guard_free (Guard *self)
{
  if (self == NULL)
    return;
  migrations_set_guard (self->sources.migrations, NULL, NULL);
  inspection_free (self->inspection);
  alarms_free (self->alarms);
  g_free (self);
}

const Alarms *
guard_get_alarms (const Guard *self)
{
  return self->alarms;
}

void
guard_set_bus (Guard *self, SystemBus *bus)
{
  self->bus = bus;
}

/* ---- news ---- */

static gboolean
is_here (const char *uuid, gpointer user)
{
  const Guard *self = user;

  return domains_lookup (self->sources.domains, uuid) != NULL;
}

/* Nobody knows what became of its devices while nobody looked. */
static void
inspect (const AccmigDomain *domain, gpointer user)
{
  Guard *self = user;

  if (accmig_domain_get_uuid (domain) != NULL)
    inspection_schedule (self->inspection, accmig_domain_get_uuid (domain));
}

void
guard_on_census (Guard *self)
{
  alarms_retain (self->alarms, is_here, self);
  domains_foreach (self->sources.domains, inspect, self);
}

void
guard_on_lifecycle (Guard *self, const char *uuid)
{
  inspection_disturb (self->inspection, uuid);
  if (alarms_has_open (self->alarms, uuid))
    inspection_schedule (self->inspection, uuid); /* what was wrong may be right now */
}

void
guard_on_gone (Guard *self, const char *uuid)
{
  alarms_clear_guest (self->alarms, uuid);
}

void
guard_on_migration_ended (Guard *self, const Migration *migration)
{
  if (migration_get_role (migration) == ROLE_DESTINATION
      || migration_get_phase (migration) != PHASE_COMPLETED)
    inspection_schedule (self->inspection, migration_get_uuid (migration));
}
