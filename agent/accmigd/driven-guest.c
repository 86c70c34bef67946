// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Driven guests
 *
 * A guest whose devices are driven: its drive, what the executor needs of each device, and the calls that are
 * under way for it. Calls outlive the guests and devices they are made for, and a device may be taken back
 * and come anew under the same name: an answer that does not find the device which asks for it is let pass.
 */

#include "drives-private.h"

#include <unistd.h>

/* ---- calls ---- */

DrivenCall *
driven_call_new (const DrivenGuest *guest, DrivenDevice *device, DrivenQuestion question)
{
  DrivenCall *call = g_new0 (DrivenCall, 1);

  call->drives = guest->owner;
  call->uuid = g_strdup (guest->uuid);
  call->name = g_strdup (device->name);
  call->question = question;
  call->guest = guest->serial;
  call->serial = device->calls[question] = ++guest->owner->last_serial;
  return call;
}

void
driven_call_free (DrivenCall *call)
{
  g_free (call->uuid);
  g_free (call->name);
  g_free (call);
}

DrivenDevice *
driven_guest_find (const DrivenGuest *guest, const char *name)
{
  return g_hash_table_lookup (guest->devices, name);
}

DrivenGuest *
driven_call_find_guest (const DrivenCall *call)
{
  DrivenGuest *guest = drives_find (call->drives, call->uuid);

  return guest != NULL && guest->serial == call->guest ? guest : NULL;
}

DrivenGuest *
driven_call_find (const DrivenCall *call, DrivenDevice **ret_device)
{
  DrivenGuest *guest = driven_call_find_guest (call);
  DrivenDevice *device = guest != NULL ? driven_guest_find (guest, call->name) : NULL;

  if (device == NULL || device->calls[call->question] != call->serial)
    return NULL;
  *ret_device = device;
  return guest;
}

/* ---- life ---- */

static void
driven_device_free (gpointer data)
{
  DrivenDevice *device = data;

  if (device->fd >= 0)
    (void)close (device->fd);
  g_free (device->name);
  g_free (device->id);
  g_free (device);
}

DrivenGuest *
driven_guest_new (Drives *owner, const char *uuid, const char *name, guint64 migration, Role role)
{
  DrivenGuest *guest = g_new0 (DrivenGuest, 1);

  guest->owner = owner;
  guest->uuid = g_strdup (uuid);
  guest->name = g_strdup (name);
  guest->serial = ++owner->last_serial;
  guest->migration = migration;
  guest->drive = drive_new (role, &owner->sources.limits, &driven_executor, guest);
  guest->devices = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, driven_device_free);
  return guest;
}

/* Whoever still waits for a stream hears that it is over. */
static void
end_streams (DrivenGuest *guest)
{
  GHashTableIter iter;
  gpointer name = NULL;

  g_hash_table_iter_init (&iter, guest->devices);
  while (g_hash_table_iter_next (&iter, &name, NULL))
    driven_executor.stream_over (name, "the agent drives this migration no longer", guest);
}

void
driven_guest_free (DrivenGuest *guest)
{
  end_streams (guest);
  g_clear_handle_id (&guest->timer, g_source_remove);
  g_clear_handle_id (&guest->begin_timer, g_source_remove);
  drive_free (guest->drive);
  g_hash_table_unref (guest->devices);
  g_free (guest->uuid);
  g_free (guest->name);
  g_free (guest);
}

/* ---- devices ---- */

static void
take_state (DrivenGuest *guest, DrivenDevice *device, AccmigState state)
{
  registered_set_state (guest->owner->sources.registered, device->id, state);
  if (device->unanswered)
    driven_device_answer_late (guest, device, state);
  else
    drive_add_device (guest->drive, device->name, device->flags, &state);
}

/* The broker says what state an attached device is in: asked anew, for what was known before may be from
 * before a step that went on without us. */
static void
on_state_asked (GObject *source, GAsyncResult *result, gpointer user)
{
  g_autoptr (DrivenCall) call = user;
  DrivenDevice *device = NULL;
  DrivenGuest *guest = driven_call_find_guest (call);
  g_autoptr (GError) error = NULL;
  AccmigState state;
  gboolean ok = broker_client_state_of_finish (result, &state, &error);

  if (guest == NULL)
    return;
  if (driven_call_find (call, &device) != NULL && ok)
    take_state (guest, device, state);
  else if (device != NULL)
    g_message ("the state of “%s” cannot be asked: %s", call->name, error->message);
  drives_on_asked (guest);
}

static void
ask_state (DrivenGuest *guest, DrivenDevice *device)
{
  guest->asking++;
  broker_client_state_of_async (guest->owner->sources.broker, device->id, on_state_asked,
                                driven_call_new (guest, device, DRIVEN_STATE));
}

static DrivenDevice *
add_device (DrivenGuest *guest, const Registered *registered)
{
  DrivenDevice *device = g_new0 (DrivenDevice, 1);

  device->name = g_strdup (registered_get_name (registered));
  device->id = g_strdup (registered_get_id (registered));
  device->flags = registered_get_flags (registered);
  device->attached = registered_is_attached (registered);
  device->fd = -1;
  g_hash_table_insert (guest->devices, device->name, device);
  return device;
}

/* One that is new is where the set says: nothing was done to it since it was registered. */
static void
see_new (DrivenGuest *guest, const Registered *registered)
{
  DrivenDevice *device = add_device (guest, registered);
  AccmigState state;
  gboolean known = device->attached && !guest->taken_up && registered_get_state (registered, &state);

  if (!guest->taken_up)
    registered_set_alarm (guest->owner->sources.registered, device->id, ""); /* that was another migration */
  drive_add_device (guest->drive, device->name, device->flags, known ? &state : NULL);
  if (device->attached && !known)
    ask_state (guest, device);
}

void
driven_guest_see (DrivenGuest *guest, const Registered *registered)
{
  DrivenDevice *device = driven_guest_find (guest, registered_get_name (registered));

  if (device == NULL)
    {
      see_new (guest, registered);
      return;
    }
  if (device->attached == registered_is_attached (registered))
    return;
  device->attached = registered_is_attached (registered);
  if (device->attached)
    {
      ask_state (guest, device);
      return;
    }
  device->calls[DRIVEN_STATE] = 0; /* the answer is about what the broker had */
  drive_add_device (guest->drive, device->name, device->flags, NULL);
}

void
driven_guest_lose (DrivenGuest *guest, const char *name)
{
  DrivenDevice *device = driven_guest_find (guest, name);

  if (device == NULL)
    return;
  drive_remove_device (guest->drive, name);
  driven_device_taken_back (guest, device);
  g_hash_table_remove (guest->devices, name);
}

/* ---- streams ---- */

gboolean
driven_guest_open_stream (DrivenGuest *guest, const char *name, int fd, const DrivesStream *stream,
                          gpointer user, GError **error)
{
  DrivenDevice *device = driven_guest_find (guest, name);

  if (device == NULL || device->fd >= 0)
    {
      (void)close (fd);
      g_set_error (error, ACCMIG_ERROR, device == NULL ? ACCMIG_ERROR_NOT_FOUND : ACCMIG_ERROR_BUSY,
                   device == NULL ? "“%s” takes no part in the migration" : "“%s” has a stream", name);
      return FALSE;
    }
  device->fd = fd;
  device->stream = *stream;
  device->stream_user = user;
  device->bytes = 0;
  if (drive_open_stream (guest->drive, name, error))
    return TRUE;
  (void)close (device->fd);
  device->fd = -1;
  return FALSE;
}
