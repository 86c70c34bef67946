// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Prober
 *
 * A table of the devices that are open because of us. Whoever probes a device that is being probed waits in
 * its row for the same answer; whoever wants something else of it waits there, too, and has their turn when
 * the row goes. Whoever wants to see devices closed waits in a list that is looked through then, and goes
 * before those who wait for their turn: libvirt does not wait for long.
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

typedef enum
{
  USE_PROBE,
  USE_TRIAL,
  USE_BIND,
  USE_OTHER, /* saving or loading: not ours to wait for */
} UseKind;

/* What somebody wants of a device. */
typedef struct
{
  UseKind kind;
  GBytes *match; /* of a trial */
  char *driver;  /* to bind to */
  GTask *task;
} Turn;

/* One device that is open. */
typedef struct
{
  Prober *owner;
  char *address;
  UseKind kind;
  GPtrArray *tasks; /* of GTask: who waits for its end */
  GPtrArray *turns; /* of Turn: who comes next */
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
turn_free (gpointer data)
{
  Turn *turn = data;

  g_clear_pointer (&turn->match, g_bytes_unref);
  g_free (turn->driver);
  g_object_unref (turn->task);
  g_free (turn);
}

static Turn *
turn_new (UseKind kind, GAsyncReadyCallback callback, gpointer user)
{
  Turn *turn = g_new0 (Turn, 1);

  turn->kind = kind;
  turn->task = g_task_new (NULL, NULL, callback, user);
  return turn;
}

static void
use_free (gpointer data)
{
  Use *use = data;

  g_ptr_array_unref (use->tasks);
  g_ptr_array_unref (use->turns);
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
add_use (Prober *self, const char *address, UseKind kind)
{
  Use *use = g_new0 (Use, 1);

  use->owner = self;
  use->address = g_strdup (address);
  use->kind = kind;
  use->tasks = g_ptr_array_new_with_free_func (g_object_unref);
  use->turns = g_ptr_array_new_with_free_func (turn_free);
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

/* ---- turns ---- */

static void take_turn (Prober *self, const char *address, Turn *turn);

/* The device is closed: whoever is next has it, before anybody hears of it and wants it, too.
 * Returns: (transfer full): who waited for this */
static GPtrArray *
end_use (Use *use)
{
  Prober *self = use->owner;
  GPtrArray *tasks = g_ptr_array_ref (use->tasks);
  g_autoptr (GPtrArray) turns = g_ptr_array_ref (use->turns);
  g_autofree char *address = g_strdup (use->address);

  g_ptr_array_set_free_func (turns, NULL); /* each is handed on */
  g_hash_table_remove (self->uses, address);
  for (guint i = 0; i < turns->len; i++)
    take_turn (self, address, turns->pdata[i]);
  return tasks;
}

static void
keep_probe (Prober *self, const char *address, const BrokerProbe *answer)
{
  g_autoptr (GError) error = NULL;
  AccmigProbe probe = {
    .known = TRUE,
    .flags = answer->flags,
    .stop_copy_size = answer->stop_copy_size,
    .tracking = answer->tracking,
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
  g_autoptr (GPtrArray) tasks = NULL;

  if (answer != NULL)
    keep_probe (self, use->address, answer);
  tasks = end_use (use);
  for (guint i = 0; i < tasks->len; i++)
    if (answer != NULL)
      g_task_return_boolean (tasks->pdata[i], TRUE);
    else
      g_task_return_error (tasks->pdata[i], g_error_copy (error));
  check_settlings (self);
}

static void
on_tried (GObject *source, GAsyncResult *result, gpointer user)
{
  Use *use = user;
  Prober *self = use->owner;
  g_autoptr (GPtrArray) tasks = end_use (use);
  g_autoptr (GError) error = NULL;
  BrokerTrial trial;

  if (broker_client_trial_finish (result, &trial, &error))
    g_task_return_pointer (tasks->pdata[0], g_memdup2 (&trial, sizeof trial), g_free);
  else
    g_task_return_error (tasks->pdata[0], g_steal_pointer (&error));
  check_settlings (self);
}

static void
on_bound (GObject *source, GAsyncResult *result, gpointer user)
{
  Use *use = user;
  Prober *self = use->owner;
  g_autoptr (GPtrArray) tasks = end_use (use);
  g_autoptr (GError) error = NULL;

  if (broker_client_bind_finish (result, &error))
    g_task_return_boolean (tasks->pdata[0], TRUE);
  else
    g_task_return_error (tasks->pdata[0], g_steal_pointer (&error));
  check_settlings (self);
}

static void
begin_use (Prober *self, const Device *device, const Turn *turn)
{
  const char *address = device_get_address (device);
  Use *use = add_use (self, address, turn->kind);

  g_ptr_array_add (use->tasks, g_object_ref (turn->task));
  if (turn->kind == USE_TRIAL)
    broker_client_trial_async (self->broker, address, turn->match, on_tried, use);
  else if (turn->kind == USE_BIND)
    broker_client_bind_async (self->broker, address, turn->driver, on_bound, use);
  else
    broker_client_probe_async (self->broker, address,
                               accmig_profile_match_size (
                                   accmig_device_info_get_family (device_get_info (device))),
                               on_probed, use);
}

/* Whether somebody waits until nobody here has it open. */
static gboolean
is_awaited (const Prober *self, const char *address)
{
  for (guint i = 0; i < self->settlings->len; i++)
    {
      const Settling *settling = self->settlings->pdata[i];

      if (g_strv_contains ((const char *const *)settling->addresses, address))
        return TRUE;
    }
  return FALSE;
}

/* @turn: (transfer full) */
static void
take_turn (Prober *self, const char *address, Turn *turn)
{
  Use *use = g_hash_table_lookup (self->uses, address);
  const Device *device = registry_lookup (self->registry, address);

  if (device == NULL)
    g_task_return_new_error (turn->task, ACCMIG_ERROR, ACCMIG_ERROR_NOT_FOUND, "no device %s on this host",
                             address);
  else if (use != NULL && use->kind == USE_PROBE && turn->kind == USE_PROBE)
    g_ptr_array_add (use->tasks, g_object_ref (turn->task));
  else if (is_awaited (self, address) || (use != NULL && use->kind == USE_OTHER))
    g_task_return_new_error (turn->task, ACCMIG_ERROR, ACCMIG_ERROR_BUSY, "%s is in use", address);
  else if (use == NULL)
    begin_use (self, device, turn);
  else
    {
      g_ptr_array_add (use->turns, turn);
      return;
    }
  turn_free (turn);
}

void
prober_probe_async (Prober *self, const char *address, GAsyncReadyCallback callback, gpointer user)
{
  take_turn (self, address, turn_new (USE_PROBE, callback, user));
}

gboolean
prober_probe_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

void
prober_trial_async (Prober *self, const char *address, GBytes *match, GAsyncReadyCallback callback,
                    gpointer user)
{
  Turn *turn = turn_new (USE_TRIAL, callback, user);

  turn->match = g_bytes_ref (match);
  take_turn (self, address, turn);
}

gboolean
prober_trial_finish (GAsyncResult *result, BrokerTrial *ret_trial, GError **error)
{
  g_autofree BrokerTrial *trial = g_task_propagate_pointer (G_TASK (result), error);

  if (trial == NULL)
    return FALSE;
  *ret_trial = *trial;
  return TRUE;
}

void
prober_bind_async (Prober *self, const char *address, const char *driver, GAsyncReadyCallback callback,
                   gpointer user)
{
  Turn *turn = turn_new (USE_BIND, callback, user);

  turn->driver = g_strdup (driver);
  take_turn (self, address, turn);
}

gboolean
prober_bind_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

/* ---- the sweep ---- */

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
  add_use (self, address, USE_OTHER);
  return TRUE;
}

void
prober_end_use (Prober *self, const char *address)
{
  g_hash_table_remove (self->uses, address); /* nobody waits for their turn behind it */
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
