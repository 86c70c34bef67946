// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Registered devices: the set
 *
 * Looking, telling, and writing down; who comes and goes is in registration.c, what the broker has in
 * attachment.c.
 */

#include "registered-private.h"

#include "registered-file.h"

#define UUID_LENGTH 36

/* ---- one device ---- */

static void
registered_free (gpointer data)
{
  Registered *device = data;

  g_free (device->id);
  g_free (device->uuid);
  g_free (device->name);
  g_free (device->address);
  g_free (device->holder);
  g_free (device->alarm);
  g_free (device);
}

const char *
registered_get_id (const Registered *device)
{
  return device->id;
}

const char *
registered_get_uuid (const Registered *device)
{
  return device->uuid;
}

const char *
registered_get_name (const Registered *device)
{
  return device->name;
}

const char *
registered_get_address (const Registered *device)
{
  return device->address;
}

const char *
registered_get_holder (const Registered *device)
{
  return device->holder;
}

guint64
registered_get_flags (const Registered *device)
{
  return device->flags;
}

guint64
registered_get_stop_copy_size (const Registered *device)
{
  return device->stop_copy_size;
}

AccmigTracking
registered_get_tracking (const Registered *device)
{
  return device->tracking;
}

gboolean
registered_is_attached (const Registered *device)
{
  return device->attached;
}

gboolean
registered_get_state (const Registered *device, AccmigState *ret_state)
{
  if (!device->has_state)
    return FALSE;
  *ret_state = device->state;
  return TRUE;
}

const char *
registered_get_alarm (const Registered *device)
{
  return device->alarm;
}

/* ---- the set ---- */

gsize
registered_set_size (const RegisteredSet *self)
{
  return self->devices->len;
}

const Registered *
registered_set_get (const RegisteredSet *self, gsize index)
{
  return self->devices->pdata[index];
}

Registered *
registered_set_find (const RegisteredSet *self, const char *id)
{
  for (guint i = 0; i < self->devices->len; i++)
    {
      Registered *device = self->devices->pdata[i];

      if (g_str_equal (device->id, id))
        return device;
    }
  return NULL;
}

const Registered *
registered_lookup_id (const RegisteredSet *self, const char *id)
{
  return registered_set_find (self, id);
}

const Registered *
registered_lookup (const RegisteredSet *self, const char *uuid, const char *name)
{
  g_autofree char *id = registered_id_make (uuid, name);

  return registered_set_find (self, id);
}

const Registered *
registered_find_address (const RegisteredSet *self, const char *address)
{
  for (guint i = 0; i < self->devices->len; i++)
    {
      const Registered *device = self->devices->pdata[i];

      if (!device->leaving && g_str_equal (device->address, address))
        return device;
    }
  return NULL;
}

GPtrArray *
registered_list_domain (const RegisteredSet *self, const char *uuid)
{
  GPtrArray *list = g_ptr_array_new ();

  for (guint i = 0; i < self->devices->len; i++)
    {
      Registered *device = self->devices->pdata[i];

      if (g_str_equal (device->uuid, uuid))
        g_ptr_array_add (list, device);
    }
  return list;
}

static int
compare_devices (gconstpointer a, gconstpointer b)
{
  const Registered *const *first = a, *const *second = b;

  return strcmp ((*first)->id, (*second)->id);
}

Registered *
registered_set_add (RegisteredSet *self, const char *id, const char *address, const char *holder)
{
  Registered *device = g_new0 (Registered, 1);

  device->id = g_strdup (id);
  device->uuid = g_strndup (id, UUID_LENGTH);
  device->name = g_strdup (id + UUID_LENGTH + 1);
  device->address = g_strdup (address);
  device->holder = g_strdup (holder);
  device->alarm = g_strdup ("");
  g_ptr_array_add (self->devices, device);
  g_ptr_array_sort (self->devices, compare_devices);
  return device;
}

void
registered_set_remove (RegisteredSet *self, Registered *device)
{
  device->leaving = TRUE;
  self->callbacks.removed (device, self->user);
  g_ptr_array_remove (self->devices, device);
  registered_set_write (self);
}

void
registered_set_write (RegisteredSet *self)
{
  g_autofree RegisteredRecord *records = g_new0 (RegisteredRecord, self->devices->len + 1);
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < self->devices->len; i++)
    {
      const Registered *device = self->devices->pdata[i];

      records[i] = (RegisteredRecord){
        .id = device->id,
        .address = device->address,
        .holder = device->holder,
        .flags = device->flags,
        .stop_copy_size = device->stop_copy_size,
        .tracking = device->tracking,
      };
    }
  if (!registered_file_write (self->path, self->bus_id, records, self->devices->len, &error))
    g_warning ("registered devices are not written down, their holders must register them again after a "
               "restart of the agent: %s",
               error->message);
}

static void
restore (const RegisteredRecord *record, gpointer user)
{
  RegisteredSet *self = user;
  Registered *device;

  if (registered_set_find (self, record->id) != NULL)
    return;
  device = registered_set_add (self, record->id, record->address, record->holder);
  device->flags = record->flags;
  device->stop_copy_size = record->stop_copy_size;
  device->tracking = record->tracking;
  self->callbacks.added (device, self->user);
}

void
registered_set_restore (RegisteredSet *self, const char *bus_id)
{
  g_free (self->bus_id);
  self->bus_id = g_strdup (bus_id);
  registered_file_read (self->path, bus_id, restore, self);
}

RegisteredSet *
registered_set_new (const char *path, BrokerClient *broker, const RegisteredCallbacks *callbacks,
                    gpointer user)
{
  RegisteredSet *self = g_new0 (RegisteredSet, 1);

  self->path = g_strdup (path);
  self->bus_id = g_strdup ("");
  self->broker = broker;
  self->callbacks = *callbacks;
  self->user = user;
  self->devices = g_ptr_array_new_with_free_func (registered_free);
  self->underway = g_hash_table_new (g_str_hash, g_str_equal);
  return self;
}

void
registered_set_free (RegisteredSet *self)
{
  if (self == NULL)
    return;
  g_hash_table_unref (self->underway);
  g_ptr_array_unref (self->devices);
  g_free (self->bus_id);
  g_free (self->path);
  g_free (self);
}

/* ---- telling ---- */

void
registered_set_state (RegisteredSet *self, const char *id, AccmigState state)
{
  Registered *device = registered_set_find (self, id);

  if (device == NULL || (device->has_state && device->state == state))
    return;
  device->has_state = TRUE;
  device->state = state;
  self->callbacks.changed (device, self->user);
}

void
registered_set_alarm (RegisteredSet *self, const char *id, const char *alarm)
{
  Registered *device = registered_set_find (self, id);

  if (device == NULL || g_str_equal (device->alarm, alarm))
    return;
  g_free (device->alarm);
  device->alarm = g_strdup (alarm);
  self->callbacks.changed (device, self->user);
}

void
registered_finish (RegisteredSet *self, const char *id, const char *outcome)
{
  const Registered *device = registered_set_find (self, id);

  if (device != NULL)
    self->callbacks.finished (device, outcome, self->user);
}
