// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Drives
 *
 * A guest with registered devices is driven from the moment a migration of it is known until nothing more can
 * come of it, which may be after the migration's end: at the destination the guest may have arrived paused.
 *
 * The guest's vCPUs are told of by two witnesses, QEMU and libvirt, and whichever is first counts; that the
 * second says it again changes nothing.
 */

#include "drives-private.h"

#include <unistd.h>

/* How long a stream waits for the guest it belongs to. It is opened while the guest's memory is copied, so
 * the guest's QEMU is here already; only libvirt's word of it may be late. */
#define WAIT_SECONDS 30

/* A stream for a guest that is still to come. */
typedef struct
{
  Drives *owner;
  char *uuid, *name;
  int fd;
  DrivesStream stream;
  gpointer user;
  guint timer;
} DrivesWaiting;

static void
waiting_free (gpointer data)
{
  DrivesWaiting *waiting = data;

  g_clear_handle_id (&waiting->timer, g_source_remove);
  if (waiting->fd >= 0)
    (void)close (waiting->fd);
  g_free (waiting->uuid);
  g_free (waiting->name);
  g_free (waiting);
}

Drives *
drives_new (const DrivesSources *sources)
{
  Drives *self = g_new0 (Drives, 1);

  self->sources = *sources;
  self->guests = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, (GDestroyNotify)driven_guest_free);
  self->waiting = g_ptr_array_new_with_free_func (waiting_free);
  self->asked = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->resumed = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  self->standing = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  return self;
}

void
drives_free (Drives *self)
{
  if (self == NULL)
    return;
  g_clear_handle_id (&self->tidying, g_source_remove);
  g_ptr_array_unref (self->waiting);
  g_hash_table_unref (self->guests);
  g_hash_table_unref (self->asked);
  g_hash_table_unref (self->resumed);
  g_hash_table_unref (self->standing);
  g_free (self);
}

DrivenGuest *
drives_find (const Drives *self, const char *uuid)
{
  return g_hash_table_lookup (self->guests, uuid);
}

/* It stays as long as its migration does: a drive that was begun anew would begin with what the guest, which
 * may run by now, must not see. */
static gboolean
is_over (gpointer uuid, gpointer value, gpointer user)
{
  const DrivenGuest *guest = value;

  return phase_is_end (guest->phase) && drive_is_over (guest->drive);
}

static gboolean
on_tidy (gpointer user)
{
  Drives *self = user;

  self->tidying = 0;
  g_hash_table_foreach_remove (self->guests, is_over, NULL);
  return G_SOURCE_REMOVE;
}

/* Not at once: it may be in the middle of a turn. */
void
drives_tidy_soon (Drives *self)
{
  if (self->tidying == 0)
    self->tidying = g_idle_add (on_tidy, self);
}

/* ---- guests ---- */

/* The streams that waited for @guest. */
static void
hand_over_waiting (Drives *self, DrivenGuest *guest)
{
  for (guint i = self->waiting->len; i > 0; i--)
    {
      DrivesWaiting *waiting = self->waiting->pdata[i - 1];
      g_autoptr (GError) error = NULL;
      int fd = waiting->fd;

      if (!g_str_equal (waiting->uuid, guest->uuid))
        continue;
      waiting->fd = -1;
      if (!driven_guest_open_stream (guest, waiting->name, fd, &waiting->stream, waiting->user, &error))
        waiting->stream.over (0, error->message, waiting->user);
      g_ptr_array_remove_index (self->waiting, i - 1);
    }
}

void
drives_take (Drives *self, DrivenGuest *guest)
{
  g_autoptr (GPtrArray) devices = registered_list_domain (self->sources.registered, guest->uuid);

  g_hash_table_replace (self->guests, guest->uuid, guest);
  for (guint i = 0; i < devices->len; i++)
    driven_guest_see (guest, devices->pdata[i]);
  drives_forget_standing (self, guest->uuid);
  if (drive_get_role (guest->drive) == ROLE_DESTINATION)
    hand_over_waiting (self, guest);
}

static gboolean
has_devices (const Drives *self, const char *uuid)
{
  g_autoptr (GPtrArray) devices = registered_list_domain (self->sources.registered, uuid);

  return devices->len > 0;
}

/* ---- phases ---- */

/* What a phase means to a drive. What has no row means nothing yet. */
/* clang-format off */
static const struct
{
  Role role;
  Phase phase;
  DriveNews news;
} phase_rows[] = {
  { ROLE_SOURCE,      PHASE_COPYING,   DRIVE_COPYING       },
  { ROLE_SOURCE,      PHASE_SWITCHING, DRIVE_GUEST_STOPPED },
  { ROLE_SOURCE,      PHASE_COMPLETED, DRIVE_GONE          },
  { ROLE_SOURCE,      PHASE_FAILED,    DRIVE_FAILED        },
  { ROLE_SOURCE,      PHASE_CANCELLED, DRIVE_FAILED        },
  { ROLE_SOURCE,      PHASE_LOST,      DRIVE_LOST          },
  { ROLE_DESTINATION, PHASE_RESUMING,  DRIVE_ARRIVED       },
  { ROLE_DESTINATION, PHASE_COMPLETED, DRIVE_ARRIVED       },
  { ROLE_DESTINATION, PHASE_REFUSED,   DRIVE_FAILED        },
  { ROLE_DESTINATION, PHASE_FAILED,    DRIVE_FAILED        },
  { ROLE_DESTINATION, PHASE_CANCELLED, DRIVE_FAILED        },
  { ROLE_DESTINATION, PHASE_LOST,      DRIVE_LOST          },
};
/* clang-format on */

void
drives_tell_phase (DrivenGuest *guest, Phase phase)
{
  Role role = drive_get_role (guest->drive);

  guest->phase = phase;
  for (gsize i = 0; i < G_N_ELEMENTS (phase_rows); i++)
    if (phase_rows[i].role == role && phase_rows[i].phase == phase)
      drive_tell (guest->drive, phase_rows[i].news);
  drives_tidy_soon (guest->owner);
}

/* A migration whose guest has devices for us to drive begins for them, unless it is refused as soon as it is
 * announced. */
static gboolean
is_worth_driving (const Drives *self, const Migration *migration)
{
  Phase phase = migration_get_phase (migration);

  return self->settled && self->census_taken && !phase_is_end (phase) && phase != PHASE_ANNOUNCED
         && has_devices (self, migration_get_uuid (migration));
}

void
drives_begin (Drives *self, const Migration *migration)
{
  DrivenGuest *guest = driven_guest_new (self, migration_get_uuid (migration), migration_get_name (migration),
                                         migration_get_id (migration), migration_get_role (migration));

  guest->phase = PHASE_IDLE;
  guest->begun = TRUE;
  drives_take (self, guest);
  drive_begin (guest->drive, DRIVE_FRESH);
  drives_tell_phase (guest, migration_get_phase (migration));
}

void
drives_on_migration (Drives *self, const Migration *migration)
{
  const char *uuid = migration_get_uuid (migration);
  DrivenGuest *guest = drives_find (self, uuid);
  gboolean ours = guest != NULL && guest->migration == migration_get_id (migration);

  if (ours && guest->phase != migration_get_phase (migration))
    drives_tell_phase (guest, migration_get_phase (migration));
  if (ours || !is_worth_driving (self, migration))
    return;
  g_hash_table_remove (self->guests, uuid); /* what there is of an earlier one comes to no end */
  drives_consider (self, uuid);
}

void
drives_on_migration_removed (Drives *self, const Migration *migration)
{
  DrivenGuest *guest = drives_find (self, migration_get_uuid (migration));

  if (guest == NULL || guest->migration != migration_get_id (migration) || phase_is_end (guest->phase))
    return;
  guest->phase = PHASE_FAILED;
  drive_tell (guest->drive, DRIVE_FAILED); /* it was none: the guest was saved, say */
  drives_tidy_soon (self);
}

/* ---- vCPUs ---- */

void
drives_on_vcpus (Drives *self, const char *uuid, gboolean running)
{
  DrivenGuest *guest = drives_find (self, uuid);

  if (guest != NULL)
    {
      drive_tell (guest->drive, running ? DRIVE_GUEST_RUNS : DRIVE_GUEST_STOPPED);
      drives_tidy_soon (self);
    }
  drives_hear_vcpus (self, uuid, running);
}

/* The destination's record may have ended before the guest runs: libvirt calls one that arrived paused
 * arrived. */
static void
on_stopped (Drives *self, const char *uuid)
{
  DrivenGuest *guest = drives_find (self, uuid);

  drives_hear_vcpus (self, uuid, FALSE);
  if (guest == NULL || drive_get_role (guest->drive) != ROLE_DESTINATION)
    return;
  drive_tell (guest->drive, DRIVE_FAILED);
  drives_tidy_soon (self);
}

void
drives_on_lifecycle (Drives *self, const char *uuid, Lifecycle event)
{
  switch (event)
    {
    case LIFECYCLE_SUSPENDED:
    case LIFECYCLE_SUSPENDED_MIGRATED:
      drives_on_vcpus (self, uuid, FALSE);
      break;
    case LIFECYCLE_RESUMED:
    case LIFECYCLE_RESUMED_MIGRATED:
      drives_on_vcpus (self, uuid, TRUE);
      break;
    case LIFECYCLE_STOPPED:
    case LIFECYCLE_STOPPED_FAILED:
    case LIFECYCLE_STOPPED_SAVED:
      on_stopped (self, uuid);
      break;
    default:
      break;
    }
}

/* ---- registered devices ---- */

void
drives_on_registered_added (Drives *self, const Registered *device)
{
  drives_on_registered_changed (self, device);
}

void
drives_on_registered_changed (Drives *self, const Registered *device)
{
  const char *uuid = registered_get_uuid (device);
  DrivenGuest *guest = drives_find (self, uuid);

  if (guest != NULL)
    {
      driven_guest_see (guest, device);
      drives_tidy_soon (self);
    }
  else if (registered_is_attached (device))
    drives_consider (self, uuid);
  drives_check_standing (self, device);
}

void
drives_on_registered_removed (Drives *self, const Registered *device)
{
  DrivenGuest *guest = drives_find (self, registered_get_uuid (device));

  g_hash_table_remove (self->standing, registered_get_id (device));
  if (guest == NULL)
    return;
  driven_guest_lose (guest, registered_get_name (device));
  drives_tidy_soon (self);
}

/* Every guest that has devices, once. */
static void
consider_all (Drives *self)
{
  const char *last = "";

  if (!self->settled || !self->census_taken)
    return;
  drives_close_strays (self);
  for (gsize i = 0; i < registered_set_size (self->sources.registered); i++)
    {
      const char *uuid = registered_get_uuid (registered_set_get (self->sources.registered, i));

      if (!g_str_equal (uuid, last))
        drives_consider (self, uuid);
      last = uuid;
    }
}

void
drives_on_settled (Drives *self)
{
  self->settled = TRUE;
  consider_all (self);
}

void
drives_on_census (Drives *self)
{
  self->census_taken = TRUE;
  g_hash_table_remove_all (self->resumed); /* libvirt was away, and a guest may have stopped meanwhile */
  consider_all (self);
}

/* ---- streams ---- */

/* (nullable): the guest, when it is in @role */
static DrivenGuest *
find_in_role (const Drives *self, const char *uuid, Role role)
{
  DrivenGuest *guest = drives_find (self, uuid);

  return guest != NULL && drive_get_role (guest->drive) == role ? guest : NULL;
}

gboolean
drives_send (Drives *self, const char *uuid, const char *name, int fd, const DrivesStream *stream,
             gpointer user, GError **error)
{
  DrivenGuest *guest = find_in_role (self, uuid, ROLE_SOURCE);

  if (guest != NULL)
    return driven_guest_open_stream (guest, name, fd, stream, user, error);
  (void)close (fd);
  g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_NOT_FOUND,
               "no guest %s with registered devices is leaving this host", uuid);
  return FALSE;
}

void
drives_confirm (Drives *self, const char *uuid, const char *name, const char *refusal)
{
  DrivenGuest *guest = find_in_role (self, uuid, ROLE_SOURCE);

  if (guest == NULL)
    return;
  drive_confirm (guest->drive, name, refusal);
  drives_tidy_soon (self);
}

static gboolean
on_waited (gpointer user)
{
  DrivesWaiting *waiting = user;
  Drives *self = waiting->owner;
  g_autofree char *sentence =
      g_strdup_printf ("no migration of guest %s has begun here within %d s", waiting->uuid, WAIT_SECONDS);

  waiting->timer = 0;
  waiting->stream.over (0, sentence, waiting->user);
  g_ptr_array_remove (self->waiting, waiting);
  return G_SOURCE_REMOVE;
}

gboolean
drives_receive (Drives *self, const char *uuid, const char *name, int fd, const DrivesStream *stream,
                gpointer user, GError **error)
{
  DrivenGuest *guest = find_in_role (self, uuid, ROLE_DESTINATION);
  DrivesWaiting *waiting;

  if (guest != NULL)
    return driven_guest_open_stream (guest, name, fd, stream, user, error);
  if (registered_lookup (self->sources.registered, uuid, name) == NULL)
    {
      (void)close (fd);
      g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_NOT_FOUND,
                   "no device “%s” is registered here for guest %s", name, uuid);
      return FALSE;
    }
  waiting = g_new0 (DrivesWaiting, 1);
  waiting->owner = self;
  waiting->uuid = g_strdup (uuid);
  waiting->name = g_strdup (name);
  waiting->fd = fd;
  waiting->stream = *stream;
  waiting->user = user;
  waiting->timer = g_timeout_add_seconds (WAIT_SECONDS, on_waited, waiting);
  g_ptr_array_add (self->waiting, waiting);
  return TRUE;
}
