// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the set of drives works with, under a test's hand
 */

#include "drives-fakes.h"

#include "accmigd/steps.h"

Fakes fakes;

typedef struct
{
  const char *verb;
  char *id;
  AccmigState wanted;
  GTask *task;
} Call;

struct _Registered
{
  char *id, *alarm;
  const char *name;
  gboolean attached;
  AccmigState state;
};

static const guint64 flags = ACCMIG_FLAG_STOP_COPY | ACCMIG_FLAG_P2P;

/* ---- registered devices ---- */

static void
registered_free (gpointer data)
{
  Registered *device = data;

  g_free (device->id);
  g_free (device->alarm);
  g_free (device);
}

static Registered *
find_id (const char *id)
{
  for (guint i = 0; i < fakes.devices->len; i++)
    if (g_str_equal (((Registered *)fakes.devices->pdata[i])->id, id))
      return fakes.devices->pdata[i];
  return NULL;
}

static Registered *
find_name (const char *name)
{
  g_autofree char *id = g_strdup_printf (FAKE_UUID "/%s", name);

  return find_id (id);
}

static void
changed (const Registered *device)
{
  if (fakes.drives != NULL)
    drives_on_registered_changed (fakes.drives, device);
}

gsize
registered_set_size (const RegisteredSet *set)
{
  return fakes.devices->len;
}

const Registered *
registered_set_get (const RegisteredSet *set, gsize index)
{
  return fakes.devices->pdata[index];
}

const Registered *
registered_lookup (const RegisteredSet *set, const char *uuid, const char *name)
{
  return g_str_equal (uuid, FAKE_UUID) ? find_name (name) : NULL;
}

const Registered *
registered_lookup_id (const RegisteredSet *set, const char *id)
{
  return find_id (id);
}

GPtrArray *
registered_list_domain (const RegisteredSet *set, const char *uuid)
{
  GPtrArray *list = g_ptr_array_new ();

  for (guint i = 0; i < fakes.devices->len; i++)
    g_ptr_array_add (list, fakes.devices->pdata[i]);
  return list;
}

const char *
registered_get_id (const Registered *device)
{
  return device->id;
}

const char *
registered_get_uuid (const Registered *device)
{
  return FAKE_UUID;
}

const char *
registered_get_name (const Registered *device)
{
  return device->name;
}

guint64
registered_get_flags (const Registered *device)
{
  return flags;
}

gboolean
registered_is_attached (const Registered *device)
{
  return device->attached;
}

gboolean
registered_get_state (const Registered *device, AccmigState *ret_state)
{
  *ret_state = device->state;
  return TRUE;
}

const char *
registered_get_alarm (const Registered *device)
{
  return device->alarm;
}

void
registered_set_state (RegisteredSet *set, const char *id, AccmigState state)
{
  Registered *device = find_id (id);

  device->state = state;
  changed (device);
}

void
registered_set_alarm (RegisteredSet *set, const char *id, const char *alarm)
{
  Registered *device = find_id (id);

  g_free (device->alarm);
  device->alarm = g_strdup (alarm);
  changed (device);
}

void
registered_finish (RegisteredSet *set, const char *id, const char *outcome)
{
  g_string_append_printf (fakes.told, "%s:%s ", find_id (id)->name, outcome);
}

/* ---- the broker ---- */

static void
call_free (gpointer data)
{
  Call *call = data;

  g_free (call->id);
  g_object_unref (call->task);
  g_free (call);
}

static void
ask (const char *verb, const char *id, AccmigState wanted, GAsyncReadyCallback callback, gpointer user)
{
  Call *call = g_new0 (Call, 1);

  call->verb = verb;
  call->id = g_strdup (id);
  call->wanted = wanted;
  call->task = g_task_new (NULL, NULL, callback, user);
  g_ptr_array_add (fakes.calls, call);
}

/* Whatever is done to a device was written down before. */
static void
check_written (const char *id, const char *to)
{
  g_autoptr (GPtrArray) rows = steps_list_open (fakes.history, NULL);
  gboolean found = FALSE;

  for (guint i = 0; i < rows->len; i++)
    {
      const StepRow *row = rows->pdata[i];

      found = found || (g_str_equal (row->name, find_id (id)->name) && g_str_equal (row->to, to));
    }
  g_assert_true (found);
}

void
broker_client_step_async (BrokerClient *client, const char *id, AccmigState wanted,
                          GAsyncReadyCallback callback, gpointer user)
{
  check_written (id, accmig_state_to_string (wanted));
  g_string_append_printf (fakes.log, "%s:%s ", find_id (id)->name, accmig_state_to_string (wanted));
  ask ("step", id, wanted, callback, user);
}

void
broker_client_reset_adopted_async (BrokerClient *client, const char *id, GAsyncReadyCallback callback,
                                   gpointer user)
{
  check_written (id, STEP_RESET);
  g_string_append_printf (fakes.log, "%s:reset ", find_id (id)->name);
  ask ("reset", id, ACCMIG_STATE_RUNNING, callback, user);
}

void
broker_client_state_of_async (BrokerClient *client, const char *id, GAsyncReadyCallback callback,
                              gpointer user)
{
  ask ("state-of", id, 0, callback, user);
}

void
broker_client_drain_async (BrokerClient *client, const char *id, int fd, gboolean final,
                           GAsyncReadyCallback callback, gpointer user)
{
  ask ("drain", id, 0, callback, user);
}

void
broker_client_fill_async (BrokerClient *client, const char *id, int fd, GAsyncReadyCallback callback,
                          gpointer user)
{
  ask ("fill", id, 0, callback, user);
}

gboolean
broker_client_step_finish (GAsyncResult *result, BrokerStep *ret_step, GError **error)
{
  gssize state = g_task_propagate_int (G_TASK (result), error);

  *ret_step = (BrokerStep){ .state = (AccmigState)state };
  return state >= 0;
}

gboolean
broker_client_reset_adopted_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_int (G_TASK (result), error) >= 0;
}

gboolean
broker_client_state_of_finish (GAsyncResult *result, AccmigState *ret_state, GError **error)
{
  gssize state = g_task_propagate_int (G_TASK (result), error);

  *ret_state = (AccmigState)state;
  return state >= 0;
}

gboolean
broker_client_drain_finish (GAsyncResult *result, BrokerDrain *ret_drain, GError **error)
{
  *ret_drain = (BrokerDrain){ .bytes = 10, .ended = TRUE };
  return g_task_propagate_int (G_TASK (result), error) >= 0;
}

gboolean
broker_client_fill_finish (GAsyncResult *result, BrokerFill *ret_fill, GError **error)
{
  *ret_fill = (BrokerFill){ .bytes = 10 };
  return g_task_propagate_int (G_TASK (result), error) >= 0;
}

gboolean
broker_error_is_unavailable (const GError *error)
{
  return g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_CONNECTED);
}

static gboolean
changes_device (const Call *call)
{
  return g_str_equal (call->verb, "step") || g_str_equal (call->verb, "reset");
}

static void
run_loop (void)
{
  while (g_main_context_iteration (NULL, FALSE))
    ;
}

void
fakes_answer_one (void)
{
  Call *call = g_ptr_array_steal_index (fakes.calls, 0);
  Registered *device = find_id (call->id);

  if (changes_device (call))
    device->state = call->wanted;
  g_task_return_int (call->task, device->state);
  call_free (call);
  run_loop ();
}

void
fakes_answer (void)
{
  run_loop ();
  while (fakes.calls->len > 0)
    fakes_answer_one ();
}

void
fakes_lose_broker (gboolean done)
{
  g_autoptr (GPtrArray) calls = g_steal_pointer (&fakes.calls);

  fakes.calls = g_ptr_array_new_with_free_func (call_free);
  for (guint i = 0; i < calls->len; i++)
    {
      const Call *call = calls->pdata[i];

      if (done && changes_device (call))
        find_id (call->id)->state = call->wanted;
      g_task_return_new_error (call->task, G_IO_ERROR, G_IO_ERROR_NOT_CONNECTED, "the broker is gone");
    }
  run_loop ();
}

/* ---- libvirt and the migration ---- */

void
hypervisor_lookup_async (Hypervisor *hypervisor, const char *uuid, GAsyncReadyCallback callback,
                         gpointer user)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, user);

  if (!fakes.is_connected)
    g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_NOT_CONNECTED, "libvirt is away");
  else if (!fakes.has_domain)
    g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "no such domain");
  else
    g_task_return_pointer (task, &fakes, NULL);
}

HypervisorDomain *
hypervisor_lookup_finish (Hypervisor *hypervisor, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

void
hypervisor_domain_free (HypervisorDomain *domain)
{
}

HypervisorDomainState
hypervisor_domain_get_state (const HypervisorDomain *domain)
{
  return fakes.state;
}

const char *
hypervisor_domain_get_name (const HypervisorDomain *domain)
{
  return "web1";
}

gboolean
hypervisor_domain_was_migrated (const HypervisorDomain *domain)
{
  return fakes.was_migrated;
}

const Migration *
migrations_running (const Migrations *migrations, const char *uuid)
{
  return fakes.has_migration && !phase_is_end (fakes.phase) ? (const Migration *)&fakes : NULL;
}

guint64
migration_get_id (const Migration *migration)
{
  return FAKE_ID;
}

const char *
migration_get_uuid (const Migration *migration)
{
  return FAKE_UUID;
}

const char *
migration_get_name (const Migration *migration)
{
  return "web1";
}

Role
migration_get_role (const Migration *migration)
{
  return fakes.role;
}

Phase
migration_get_phase (const Migration *migration)
{
  return fakes.phase;
}

/* As the record of it is kept. */
static void
write_phase (void)
{
  HistoryRow row = { .id = FAKE_ID,
                     .uuid = (char *)FAKE_UUID,
                     .name = (char *)"web1",
                     .role = fakes.role,
                     .phase = fakes.phase,
                     .document = (char *)"{}" };

  g_assert_true (history_write (fakes.history, &row, NULL));
}

void
fakes_tell (Phase phase)
{
  fakes.has_migration = TRUE;
  fakes.phase = phase;
  write_phase ();
  if (fakes.drives != NULL)
    drives_on_migration (fakes.drives, (const Migration *)&fakes);
}

/* ---- the test's hand ---- */

void
fakes_set_up (const char *history_path)
{
  g_autoptr (GError) error = NULL;

  fakes = (Fakes){ .is_connected = TRUE, .has_domain = TRUE, .state = HYPERVISOR_DOMAIN_RUNNING };
  fakes.history = history_open (history_path, 100, &error);
  g_assert_no_error (error);
  fakes.devices = g_ptr_array_new_with_free_func (registered_free);
  fakes.calls = g_ptr_array_new_with_free_func (call_free);
  fakes.log = g_string_new (NULL);
  fakes.told = g_string_new (NULL);
}

void
fakes_tear_down (void)
{
  if (fakes.drives != NULL)
    fakes_lose_broker (FALSE); /* whoever waits is freed */
  g_clear_pointer (&fakes.drives, drives_free);
  g_ptr_array_unref (fakes.calls);
  g_ptr_array_unref (fakes.devices);
  g_string_free (fakes.log, TRUE);
  g_string_free (fakes.told, TRUE);
  history_close (fakes.history);
}

void
fakes_add_device (const char *name, AccmigState state)
{
  Registered *device = g_new0 (Registered, 1);

  device->id = g_strdup_printf (FAKE_UUID "/%s", name);
  device->name = device->id + strlen (FAKE_UUID "/");
  device->alarm = g_strdup ("");
  device->attached = TRUE;
  device->state = state;
  g_ptr_array_add (fakes.devices, device);
}

void
fakes_set_device (const char *name, AccmigState state)
{
  find_name (name)->state = state;
}

AccmigState
fakes_get_state (const char *name)
{
  return find_name (name)->state;
}

const char *
fakes_get_alarm (const char *name)
{
  return find_name (name)->alarm;
}

void
fakes_attach (const char *name, gboolean attached)
{
  Registered *device = find_name (name);

  device->attached = attached;
  changed (device);
  run_loop ();
}
