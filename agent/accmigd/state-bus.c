// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * States of devices, for org.accmig1.Manager
 *
 * A guest's device is only looked at. A free one has to be opened, which resets it; so that needs a
 * permission, and nobody else may be about to open it. The caller's file descriptor goes on to the broker,
 * unread. A caller who leaves the bus wants no stream any more: it is broken off, and the device runs again.
 */

#include "state-work.h"
#include "stream-match.h"

/* ---- GetState ---- */

/* A device that could be opened was reset by that, so its state is known. */
static void
on_probed (GObject *source, GAsyncResult *result, gpointer user)
{
  g_autoptr (StateWork) work = user;
  g_autoptr (GError) error = NULL;
  const Device *device = registry_lookup (work->bus->sources.registry, work->address);

  if (!prober_probe_finish (result, &error))
    {
      system_bus_reply_error (work->call, error);
      return;
    }
  if (device == NULL || g_str_equal (device_get_migration (device), "none"))
    {
      (void)sd_bus_reply_method_errorf (work->call, ACCMIG_BUS_ERROR ("Unsupported"),
                                        "the driver of %s offers no migration", work->address);
      return;
    }
  (void)sd_bus_reply_method_return (work->call, "s", accmig_state_to_string (ACCMIG_STATE_RUNNING));
}

static void
on_may_open (sd_bus_message *m, uid_t caller, gpointer user)
{
  SystemBus *self = user;
  const char *address = state_work_read_address (m);
  g_autoptr (GError) error = NULL;

  if (state_work_is_free (self, address, &error))
    prober_probe_async (self->sources.prober, address, on_probed, state_work_new (self, m, address));
  else
    system_bus_reply_error (m, error);
}

static void
on_peeked (GObject *source, GAsyncResult *result, gpointer user)
{
  g_autoptr (StateWork) work = user;
  g_autoptr (GError) error = NULL;
  BrokerPeek peek = { 0 };

  if (!broker_client_peek_finish (result, &peek, &error))
    system_bus_reply_error (work->call, error);
  else if (peek.has_state)
    (void)sd_bus_reply_method_return (work->call, "s", accmig_state_to_string (peek.state));
  else if (peek.pid != 0)
    (void)sd_bus_reply_method_errorf (work->call, ACCMIG_BUS_ERROR ("Unsupported"),
                                      "the driver of %s offers no migration", work->address);
  else
    polkit_authorize (work->call, ACCMIG_ACTION_SAVE, on_may_open, work->bus);
}

static void
on_state_read (GObject *source, GAsyncResult *result, gpointer user)
{
  g_autoptr (StateWork) work = user;
  g_autoptr (GError) error = NULL;
  AccmigState state;

  if (broker_client_state_of_finish (result, &state, &error))
    (void)sd_bus_reply_method_return (work->call, "s", accmig_state_to_string (state));
  else
    system_bus_reply_error (work->call, error);
}

/* A registered device the broker has open itself. */
static void
ask_broker (StateWork *work)
{
  const SystemBusSources *sources = &work->bus->sources;
  const Registered *registered = registered_find_address (sources->registered, work->address);

  if (registered != NULL && registered_is_attached (registered))
    broker_client_state_of_async (sources->broker, registered_get_id (registered), on_state_read, work);
  else
    broker_client_peek_async (sources->broker, work->address, on_peeked, work);
}

int
state_bus_get (sd_bus_message *m, void *user, sd_bus_error *ret_error)
{
  SystemBus *self = user;
  const char *address = NULL;
  StateWork *work;
  int r = sd_bus_message_read (m, "s", &address);

  if (r < 0)
    return r;
  if (device_bus_find (self, address, ret_error) == NULL)
    return -EINVAL;
  if (!system_bus_begin_wait (self, ret_error))
    return -EBUSY;
  work = state_work_new (self, m, address);
  work->counted = TRUE;
  ask_broker (work);
  return 1;
}

/* ---- SaveState, LoadState ---- */

static void
on_moved (GObject *source, GAsyncResult *result, gpointer user)
{
  g_autoptr (StateWork) work = user;
  g_autoptr (GError) error = NULL;
  guint64 bytes = 0;

  if (broker_client_transfer_finish (result, &bytes, &error))
    (void)sd_bus_reply_method_return (work->call, "t", bytes);
  else
    system_bus_reply_error (work->call, error);
}

typedef void (*MoveFunction) (BrokerClient *broker, const char *address, int fd, GAsyncReadyCallback callback,
                              gpointer user);

static void
begin_move (SystemBus *self, sd_bus_message *m, MoveFunction move)
{
  const char *address = state_work_read_address (m);
  g_autoptr (StateWork) work = state_work_new (self, m, address);
  g_autoptr (GError) error = NULL;
  int fd = -1; /* the message's */

  if (sd_bus_message_read (m, "h", &fd) < 0)
    {
      (void)sd_bus_reply_method_errorf (m, SD_BUS_ERROR_INVALID_ARGS, "there is no file descriptor");
      return;
    }
  if (!state_work_begin_use (work, &error))
    {
      system_bus_reply_error (m, error);
      return;
    }
  state_work_abort_on_leave (work);
  move (self->sources.broker, address, fd, on_moved, g_steal_pointer (&work));
}

static void
on_may_save (sd_bus_message *m, uid_t caller, gpointer user)
{
  begin_move (user, m, broker_client_save_async);
}

static void
on_matched (GObject *source, GAsyncResult *result, gpointer user)
{
  g_autoptr (StateWork) work = user;
  g_autoptr (GError) error = NULL;

  if (work->left)
    return; /* nobody is there to load it for */
  if (stream_match_check_finish (result, &error))
    begin_move (work->bus, work->call, broker_client_load_async);
  else
    system_bus_reply_error (work->call, error);
}

/* The device was asked anew; its stream is looked at before it is opened for good. */
static void
on_probed_for_load (GObject *source, GAsyncResult *result, gpointer user)
{
  g_autoptr (StateWork) work = user;
  g_autoptr (GError) error = NULL;
  const Device *device = registry_lookup (work->bus->sources.registry, work->address);
  const AccmigProfile *profile = device != NULL ? device_get_profile (device) : NULL;
  const char *address;
  int fd = -1; /* the message's */

  if (!prober_probe_finish (result, &error))
    {
      system_bus_reply_error (work->call, error);
      return;
    }
  address = state_work_read_address (work->call);
  if (profile == NULL || sd_bus_message_read (work->call, "h", &fd) < 0)
    (void)sd_bus_reply_method_errorf (work->call, ACCMIG_BUS_ERROR ("UnknownDevice"),
                                      "no device %s on this host", address);
  else
    stream_match_check_async (fd, profile, on_matched, g_steal_pointer (&work));
}

static void
on_may_load (sd_bus_message *m, uid_t caller, gpointer user)
{
  SystemBus *self = user;
  const char *address = state_work_read_address (m);
  g_autoptr (StateWork) work = state_work_new (self, m, address);
  g_autoptr (GError) error = NULL;

  if (!state_work_is_free (self, address, &error))
    {
      system_bus_reply_error (m, error);
      return;
    }
  state_work_abort_on_leave (work);
  prober_probe_async (self->sources.prober, address, on_probed_for_load, g_steal_pointer (&work));
}

int
state_bus_save (sd_bus_message *m, void *user, sd_bus_error *ret_error)
{
  return state_work_authorize (m, user, ACCMIG_ACTION_SAVE, on_may_save, ret_error);
}

int
state_bus_load (sd_bus_message *m, void *user, sd_bus_error *ret_error)
{
  return state_work_authorize (m, user, ACCMIG_ACTION_LOAD, on_may_load, ret_error);
}
