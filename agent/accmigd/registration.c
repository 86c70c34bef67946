// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Registered devices: coming and going
 *
 * A registration is under way while the broker is asked to adopt the device. Its holder may leave meanwhile:
 * then what comes of it is undone.
 */

#include "registered-private.h"

#include "common/text.h"

static void
registration_free (gpointer data)
{
  Registration *self = data;

  g_free (self->id);
  g_free (self->address);
  g_free (self->holder);
  g_free (self);
}

static Registration *
registration_new (RegisteredSet *set, const RegisteredRequest *request)
{
  Registration *self = g_new0 (Registration, 1);

  self->set = set;
  self->id = registered_id_make (request->uuid, request->name);
  self->address = g_strdup (request->address);
  self->holder = g_strdup (request->holder);
  return self;
}

/* Whether another registration, finished or under way, has what this one wants. */
static gboolean
check_request (const RegisteredSet *self, const RegisteredRequest *request, GError **error)
{
  g_autofree char *id = registered_id_make (request->uuid, request->name);
  const Registered *same = registered_set_find (self, id);
  const Registered *other =
      *request->address != '\0' ? registered_find_address (self, request->address) : NULL;

  if (!registered_id_is_valid (id))
    g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_INVALID,
                 "“%.*s” is no name of a device: wanted are 1 to %d letters, digits, “.”, “_”, “-”",
                 text_quotable (request->name), request->name, REGISTERED_NAME_MAX);
  else if (g_hash_table_contains (self->underway, id))
    g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_BUSY, "“%s” is being registered already", id);
  else if (same != NULL && !g_str_equal (same->holder, request->holder))
    g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_BUSY, "“%s” is registered by another process (%s)", id,
                 same->holder);
  else if (other != NULL && other != same)
    g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_BUSY, "%s is registered as “%s” already", request->address,
                 other->id);
  else
    return TRUE;
  return FALSE;
}

/* What the broker said goes into the set. */
static void
conclude (RegisteredSet *self, const Registration *registration, const BrokerAdoption *adoption)
{
  Registered *device = registered_set_find (self, registration->id);
  gboolean is_new = device == NULL;

  if (is_new)
    device = registered_set_add (self, registration->id, registration->address, registration->holder);
  g_free (device->address);
  device->address = g_strdup (registration->address);
  device->flags = adoption->flags;
  device->stop_copy_size = adoption->stop_copy_size;
  device->tracking = adoption->tracking;
  device->attached = TRUE;
  device->has_state = TRUE;
  device->state = adoption->state;
  registered_set_write (self);
  if (is_new)
    self->callbacks.added (device, self->user);
  else
    self->callbacks.changed (device, self->user);
}

static void
on_adopted (GObject *source, GAsyncResult *result, gpointer user)
{
  g_autoptr (GTask) task = user;
  Registration *registration = g_task_get_task_data (task);
  RegisteredSet *self = registration->set;
  GError *error = NULL;
  BrokerAdoption adoption;
  gboolean adopted = broker_client_adopt_finish (result, &adoption, &error);

  g_hash_table_remove (self->underway, registration->id);
  if (!adopted)
    {
      g_task_return_error (task, error);
      return;
    }
  if (registration->dropped)
    {
      registered_set_disown (self, registration->id);
      g_task_return_new_error (task, ACCMIG_ERROR, ACCMIG_ERROR_NOT_FOUND,
                               "the holder of “%s” left before it was registered", registration->id);
      return;
    }
  conclude (self, registration, &adoption);
  g_task_return_boolean (task, TRUE);
}

void
registered_set_register_async (RegisteredSet *self, const RegisteredRequest *request,
                               GAsyncReadyCallback callback, gpointer user)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, user);
  GError *error = NULL;
  Registration *registration;

  if (!check_request (self, request, &error))
    {
      g_task_return_error (task, error);
      return;
    }
  registration = registration_new (self, request);
  g_task_set_task_data (task, registration, registration_free);
  g_hash_table_insert (self->underway, registration->id, registration);
  broker_client_adopt_async (self->broker, registration->id, request->fd, on_adopted, g_object_ref (task));
}

gboolean
registered_set_register_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

gboolean
registered_set_unregister (RegisteredSet *self, const char *id)
{
  Registered *device = registered_set_find (self, id);
  Registration *underway = g_hash_table_lookup (self->underway, id);

  if (underway != NULL)
    underway->dropped = TRUE;
  if (device == NULL)
    return underway != NULL;
  registered_set_disown (self, id);
  registered_set_remove (self, device);
  return TRUE;
}

void
registered_set_drop_holder (RegisteredSet *self, const char *holder)
{
  GHashTableIter iter;
  gpointer registration;

  g_hash_table_iter_init (&iter, self->underway);
  while (g_hash_table_iter_next (&iter, NULL, &registration))
    if (g_str_equal (((Registration *)registration)->holder, holder))
      ((Registration *)registration)->dropped = TRUE;

  for (guint i = self->devices->len; i > 0; i--)
    {
      const Registered *device = self->devices->pdata[i - 1];
      g_autofree char *id = g_strdup (device->id);

      if (g_str_equal (device->holder, holder))
        registered_set_unregister (self, id);
    }
}
