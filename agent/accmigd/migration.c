// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Migration
 *
 * The record of one move. It holds what was seen and nothing that can be derived: outages and downtime come
 * out of the timeline whenever somebody asks.
 */

#include "migration-record.h"

#include "common/text.h"

#define CAUSE_MAX  500 /* bytes; a cause is one sentence */
#define ALARMS_MAX 64  /* what a QEMU out of its mind may add to a record */

static void
device_free (RecordDevice *device)
{
  g_free (device->alias);
  g_free (device->key);
  g_free (device->address);
  g_free (device->state);
  g_free (device);
}

void
migration_add_device (Migration *self, const char *alias, const char *key, const char *address,
                      const char *state)
{
  RecordDevice *device = g_new0 (RecordDevice, 1);

  device->alias = g_strdup (alias);
  device->key = g_strdup (key);
  device->address = g_strdup (address);
  device->state = g_strdup (state);
  g_ptr_array_add (self->devices, device);
}

/* (nullable) */
static RecordDevice *
find_device (const Migration *self, const char *alias)
{
  for (guint i = 0; i < self->devices->len; i++)
    {
      RecordDevice *device = self->devices->pdata[i];

      if (g_strcmp0 (device->alias, alias) == 0)
        return device;
    }
  return NULL;
}

Migration *
migration_alloc (void)
{
  Migration *self = g_new0 (Migration, 1);

  self->job = (HypervisorJob){ .data_total = -1,
                               .data_processed = -1,
                               .data_remaining = -1,
                               .device_bytes = -1,
                               .downtime_ms = -1,
                               .downtime_net_ms = -1,
                               .elapsed_ms = -1,
                               .iteration = -1 };
  self->timeline = accmig_timeline_new ();
  self->devices = g_ptr_array_new_with_free_func ((GDestroyNotify)device_free);
  self->alarms = g_ptr_array_new_with_free_func ((GDestroyNotify)alarm_free);
  return self;
}

Migration *
migration_new (Role role, const char *uuid, const char *name, const AccmigDomain *domain)
{
  Migration *self = migration_alloc ();
  const char *token = domain != NULL ? accmig_domain_get_token (domain) : NULL;

  self->role = role;
  self->uuid = g_strdup (uuid);
  self->name = g_strdup (name != NULL ? name : "");
  self->token = g_strdup (token != NULL ? token : "");
  self->cause = g_strdup ("");
  self->started_usec = g_get_real_time ();
  for (gsize i = 0; domain != NULL && i < accmig_domain_get_n_hostdevs (domain); i++)
    {
      const AccmigHostdev *hostdev = accmig_domain_get_hostdev (domain, i);

      migration_add_device (self, hostdev->alias, hostdev->key, hostdev->address, "");
    }
  return self;
}

void
migration_free (Migration *self)
{
  if (self == NULL)
    return;
  g_free (self->uuid);
  g_free (self->name);
  g_free (self->token);
  g_free (self->cause);
  accmig_timeline_free (self->timeline);
  g_ptr_array_unref (self->devices);
  g_ptr_array_unref (self->alarms);
  g_free (self);
}

guint64
migration_get_id (const Migration *self)
{
  return self->id;
}

const char *
migration_get_name (const Migration *self)
{
  return self->name;
}

const char *
migration_get_uuid (const Migration *self)
{
  return self->uuid;
}

const char *
migration_get_token (const Migration *self)
{
  return self->token;
}

Role
migration_get_role (const Migration *self)
{
  return self->role;
}

Phase
migration_get_phase (const Migration *self)
{
  return self->phase;
}

const char *
migration_get_cause (const Migration *self)
{
  return self->cause;
}

gboolean
migration_is_worked_out (const Migration *self)
{
  return self->worked_out;
}

gint64
migration_get_started_usec (const Migration *self)
{
  return self->started_usec;
}

gint64
migration_get_ended_usec (const Migration *self)
{
  return self->ended_usec;
}

const HypervisorJob *
migration_get_job (const Migration *self)
{
  return &self->job;
}

AccmigFigure
migration_get_downtime (const Migration *self)
{
  return accmig_timeline_get_downtime (self->timeline, NULL);
}

gsize
migration_get_n_devices (const Migration *self)
{
  return self->devices->len;
}

MigrationDevice
migration_get_device (const Migration *self, gsize index)
{
  const RecordDevice *device = self->devices->pdata[index];

  return (MigrationDevice){
    .alias = device->alias,
    .key = device->key,
    .address = device->address,
    .state = device->state,
    .outage = accmig_timeline_get_outage (self->timeline, device->key, NULL),
  };
}

gsize
migration_get_n_alarms (const Migration *self)
{
  return self->alarms->len;
}

const Alarm *
migration_get_alarm (const Migration *self, gsize index)
{
  return self->alarms->pdata[index];
}

void
migration_put_alarm (Migration *self, const Alarm *alarm)
{
  for (guint i = 0; i < self->alarms->len; i++)
    {
      Alarm *mine = self->alarms->pdata[i];

      if (mine->kind != alarm->kind || mine->raised_usec != alarm->raised_usec
          || !g_str_equal (mine->device, alarm->device))
        continue;
      alarm_free (mine);
      self->alarms->pdata[i] = alarm_copy (alarm);
      return;
    }
  if (self->alarms->len < ALARMS_MAX)
    g_ptr_array_add (self->alarms, alarm_copy (alarm));
}

const char *
migration_find_alias (const Migration *self, const char *address)
{
  for (guint i = 0; i < self->devices->len; i++)
    {
      const RecordDevice *device = self->devices->pdata[i];

      if (g_strcmp0 (device->address, address) == 0)
        return device->alias;
    }
  return NULL;
}

gboolean
migration_has_device (const Migration *self, const char *alias)
{
  return find_device (self, alias) != NULL;
}

void
migration_set_phase (Migration *self, Phase phase)
{
  self->phase = phase;
  if (phase_is_end (phase) && self->ended_usec == 0)
    self->ended_usec = g_get_real_time ();
}

void
migration_replace_cause (Migration *self, const char *cause)
{
  g_autofree char *valid = g_utf8_make_valid (cause, -1);

  text_make_printable (valid);
  g_strstrip (valid);
  if (strlen (valid) > CAUSE_MAX)
    *g_utf8_find_prev_char (valid, valid + CAUSE_MAX) = '\0';
  g_free (self->cause);
  self->cause = g_steal_pointer (&valid);
}

void
migration_set_cause (Migration *self, const char *cause)
{
  if (*self->cause == '\0')
    migration_replace_cause (self, cause);
}

void
migration_set_worked_out (Migration *self)
{
  self->worked_out = TRUE;
}

void
migration_set_job (Migration *self, const HypervisorJob *job)
{
  gint64 iteration = MAX (self->job.iteration, job->iteration);

  self->job = *job;
  self->job.iteration = iteration;
}

void
migration_set_iteration (Migration *self, int iteration)
{
  self->job.iteration = MAX (self->job.iteration, iteration);
}

void
migration_set_downtime (Migration *self, const HypervisorJob *job)
{
  accmig_timeline_set_libvirt (self->timeline, job->downtime_ms >= 0 ? job->downtime_ms * 1000 : -1,
                               job->downtime_net_ms >= 0 ? job->downtime_net_ms * 1000 : -1);
}

/* (nullable): what the timeline calls the device with this alias; NULL for a moment of the guest */
static const char *
key_of (const Migration *self, const char *alias)
{
  const RecordDevice *device = alias != NULL ? find_device (self, alias) : NULL;

  return device != NULL ? device->key : NULL;
}

void
migration_mark (Migration *self, AccmigMoment moment, const char *alias, gint64 at_usec, AccmigOrigin origin,
                gint64 precision_usec)
{
  accmig_timeline_mark (self->timeline, moment, key_of (self, alias), at_usec, origin, precision_usec);
}

void
migration_unmark (Migration *self, AccmigMoment moment, const char *alias)
{
  accmig_timeline_unmark (self->timeline, moment, key_of (self, alias));
}

gboolean
migration_look (Migration *self, const char *alias, const char *state, gint64 at_usec, gint64 *ret_since_usec)
{
  RecordDevice *device = find_device (self, alias);
  gint64 before;

  if (device == NULL)
    return FALSE;
  before = device->looked_usec != 0 ? device->looked_usec : self->started_usec;
  device->looked_usec = at_usec;
  if (g_strcmp0 (device->state, state) == 0)
    return FALSE;
  migration_set_device_state (self, alias, state);
  *ret_since_usec = MAX (at_usec - before, 0);
  return TRUE;
}

void
migration_set_device_address (Migration *self, const char *alias, const char *address)
{
  RecordDevice *device = find_device (self, alias);

  if (device == NULL)
    return;
  g_free (device->address);
  device->address = g_strdup (address);
}

void
migration_set_device_state (Migration *self, const char *alias, const char *state)
{
  RecordDevice *device = find_device (self, alias);

  if (device == NULL)
    return;
  g_free (device->state);
  device->state = g_strdup (state);
}

/* A row that borrows the record's strings; only its document is its own. */
static HistoryRow
row_of (const Migration *self)
{
  AccmigFigure downtime = migration_get_downtime (self);

  return (HistoryRow){
    .id = self->id,
    .uuid = self->uuid,
    .name = self->name,
    .token = self->token,
    .cause = self->cause,
    .role = self->role,
    .phase = self->phase,
    .worked_out = self->worked_out,
    .started_usec = self->started_usec,
    .ended_usec = self->ended_usec,
    .downtime_usec = downtime.known ? downtime.usec : 0,
    .document = migration_to_json (self),
  };
}

gboolean
migration_save (Migration *self, History *history, GError **error)
{
  HistoryRow row;
  gboolean ok;

  if (self->id == 0)
    self->id = history_reserve_id (history); /* the document carries it, written or not */
  row = row_of (self);
  ok = history_write (history, &row, error);
  g_free (row.document);
  return ok;
}
