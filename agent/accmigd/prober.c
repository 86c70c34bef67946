// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Prober
 *
 * A table of the devices that are open because of us. Whoever probes a device waits in its row; whoever wants
 * to see devices closed waits in a list that is looked through whenever a row goes.
 */

#include "prober.h"

/* A device that could not be probed because of something that may pass is tried again after this. */
#define RETRY_SECONDS 60

struct _Prober
{
  BrokerClient *broker;
  Registry *registry;
  GHashTable *uses;     /* char * → Use *, both owned */
  GPtrArray *settlings; /* of Settling, owned */
  char *swept;          /* (nullable): the device that the sweep is at */
  guint retry_timer;
};

/* One device that is open. */
typedef struct
{
  Prober *owner;
  char *address;
  gboolean is_probe;
  GPtrArray *tasks; /* of GTask: who waits for the probe's end */
} Use;

/* One who waits until devices are closed. */
typedef struct
{
  Prober *owner;
  char **addresses;
  GTask *task;
  guint timer;
} Settling;

static void
use_free (gpointer data)
{
  Use *use = data;

  g_ptr_array_unref (use->tasks);
  g_free (use->address);
  g_free (use);
}

static void
settling_free (gpointer data)
{
  Settling *settling = data;

  g_clear_handle_id (&settling->timer, g_source_remove);
  g_strfreev (settling->addresses);
  g_object_unref (settling->task);
  g_free (settling);
}

Prober *
prober_new (BrokerClient *broker, Registry *registry)
{
  Prober *self = g_new0 (Prober, 1);

  self->broker = broker;
  self->registry = registry;
  self->uses = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, use_free);
  self->settlings = g_ptr_array_new_with_free_func (settling_free);
  return self;
}

void
prober_free (Prober *self)
{
  if (self == NULL)
    return;
  g_clear_handle_id (&self->retry_timer, g_source_remove);
  g_ptr_array_unref (self->settlings);
  g_hash_table_unref (self->uses);
  g_free (self->swept);
  g_free (self);
}

static Use *
add_use (Prober *self, const char *address, gboolean is_probe)
{
  Use *use = g_new0 (Use, 1);

  use->owner = self;
  use->address = g_strdup (address);
  use->is_probe = is_probe;
  use->tasks = g_ptr_array_new_with_free_func (g_object_unref);
  g_hash_table_insert (self->uses, g_strdup (address), use);
  return use;
}

static gboolean
is_settled (const Prober *self, char **addresses)
{
  for (char **address = addresses; *address != NULL; address++)
    if (g_hash_table_contains (self->uses, *address))
      return FALSE;
  return TRUE;
}

/* A device was closed: whoever waited for that and for no other goes on. */
static void
check_settlings (Prober *self)
{
  for (guint i = self->settlings->len; i > 0; i--)
    {
      Settling *settling = self->settlings->pdata[i - 1];
      g_autoptr (GTask) task = NULL;

      if (!is_settled (self, settling->addresses))
        continue;
      task = g_object_ref (settling->task);
      g_ptr_array_remove_index (self->settlings, i - 1);
      g_task_return_boolean (task, TRUE);
    }
}

/* ---- probing ---- */

static void
keep_probe (Prober *self, const char *address, const BrokerProbe *answer)
{
  g_autoptr (GError) error = NULL;
  AccmigProbe probe = {
    .known = TRUE,
    .flags = answer->flags,
    .stop_copy_size = answer->stop_copy_size,
    .match = answer->match_length > 0 ? answer->match : NULL,
    .match_length = answer->match_length,
  };

  if (!registry_set_probe (self->registry, address, &probe, &error))
    g_warning ("the probe of %s will not survive a restart: %s", address, error->message);
}

static void
on_probed (GObject *source, GAsyncResult *result, gpointer user)
{
  Use *use = user;
  Prober *self = use->owner;
  g_autoptr (GError) error = NULL;
  g_autoptr (BrokerProbe) answer = broker_client_probe_finish (result, &error);
  g_autoptr (GPtrArray) tasks = g_steal_pointer (&use->tasks);
  g_autofree char *address = g_strdup (use->address);

  use->tasks = g_ptr_array_new ();
  g_hash_table_remove (self->uses, address);
  if (answer != NULL)
    keep_probe (self, address, answer);
  for (guint i = 0; i < tasks->len; i++)
    if (answer != NULL)
      g_task_return_boolean (tasks->pdata[i], TRUE);
    else
      g_task_return_error (tasks->pdata[i], g_error_copy (error));
  check_settlings (self);
}

void
prober_probe_async (Prober *self, const char *address, GAsyncReadyCallback callback, gpointer user)
{
  GTask *task = g_task_new (NULL, NULL, callback, user);
  Use *use = g_hash_table_lookup (self->uses, address);
  const Device *device = registry_lookup (self->registry, address);
  gsize match_size = 0;

  if (device == NULL || (use != NULL && !use->is_probe))
    {
      g_task_return_new_error (task, ACCMIG_ERROR,
                               device == NULL ? ACCMIG_ERROR_NOT_FOUND : ACCMIG_ERROR_BUSY,
                               device == NULL ? "no device %s on this host" : "%s is in use", address);
      g_object_unref (task);
      return;
    }
  if (use != NULL)
    {
      g_ptr_array_add (use->tasks, task);
      return;
    }
  use = add_use (self, address, TRUE);
  g_ptr_array_add (use->tasks, task);
  match_size = accmig_profile_match_size (accmig_device_info_get_family (device_get_info (device)));
  broker_client_probe_async (self->broker, address, match_size, on_probed, use);
}

gboolean
prober_probe_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

static gboolean
on_retry (gpointer user)
{
  Prober *self = user;

  self->retry_timer = 0;
  if (registry_resume (self->registry))
    prober_sweep (self);
  return G_SOURCE_REMOVE;
}

/* What cannot be done with this driver and kernel stays so; anything else may pass. */
static void
give_up (Prober *self, const char *address, const GError *error)
{
  gboolean busy = g_error_matches (error, ACCMIG_ERROR, ACCMIG_ERROR_BUSY); /* another program has it */

  if (g_error_matches (error, ACCMIG_ERROR, ACCMIG_ERROR_UNSUPPORTED))
    {
      g_message ("%s is not probed: %s", address, error->message);
      return;
    }
  if (registry_put_off (self->registry, address) && !busy)
    g_message ("%s was not probed, trying again later: %s", address, error->message);
  if (self->retry_timer == 0)
    self->retry_timer = g_timeout_add_seconds (RETRY_SECONDS, on_retry, self);
}

static void
on_swept (GObject *source, GAsyncResult *result, gpointer user)
{
  Prober *self = user;
  g_autofree char *address = g_steal_pointer (&self->swept);
  g_autoptr (GError) error = NULL;

  if (!prober_probe_finish (result, &error))
    give_up (self, address, error);
  prober_sweep (self);
}

void
prober_sweep (Prober *self)
{
  const Device *device = NULL;

  if (self->swept != NULL || !broker_client_is_connected (self->broker))
    return;
  device = registry_take_unprobed (self->registry);
  if (device == NULL)
    return;
  self->swept = g_strdup (device_get_address (device));
  prober_probe_async (self, self->swept, on_swept, self);
}

/* ---- other uses ---- */

gboolean
prober_begin_use (Prober *self, const char *address, GError **error)
{
  if (g_hash_table_contains (self->uses, address))
    {
      g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_BUSY, "%s is in use", address);
      return FALSE;
    }
  add_use (self, address, FALSE);
  return TRUE;
}

void
prober_end_use (Prober *self, const char *address)
{
  g_hash_table_remove (self->uses, address);
  check_settlings (self);
}

/* ---- settling ---- */

static gboolean
on_settle_timeout (gpointer user)
{
  Settling *settling = user;
  g_autoptr (GTask) task = g_object_ref (settling->task);

  settling->timer = 0;
  g_ptr_array_remove (settling->owner->settlings, settling);
  g_task_return_boolean (task, FALSE);
  return G_SOURCE_REMOVE;
}

void
prober_settle_async (Prober *self, const char *const *addresses, guint timeout_msec,
                     GAsyncReadyCallback callback, gpointer user)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, user);
  Settling *settling = NULL;

  if (is_settled (self, (char **)addresses))
    {
      g_task_return_boolean (task, TRUE);
      return;
    }
  settling = g_new0 (Settling, 1);
  settling->owner = self;
  settling->addresses = g_strdupv ((char **)addresses);
  settling->task = g_steal_pointer (&task);
  settling->timer = g_timeout_add (timeout_msec, on_settle_timeout, settling);
  g_ptr_array_add (self->settlings, settling);
}

gboolean
prober_settle_finish (GAsyncResult *result)
{
  return g_task_propagate_boolean (G_TASK (result), NULL);
}
