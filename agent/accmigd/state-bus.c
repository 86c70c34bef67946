// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * States of devices, for org.accmig1.Manager
 *
 * A guest's device is only looked at. A free one has to be opened, which resets it; so that needs a
 * permission, and nobody else may be about to open it. The caller's file descriptor goes on to the broker,
 * unread.
 */

#include "polkit.h"
#include "stream-match.h"
#include "system-bus-private.h"

/* One call that waits for the broker. */
typedef struct
{
  SystemBus *bus;
  sd_bus_message *call;
  char *address;
  gboolean in_use;  /* the prober was told */
  gboolean counted; /* among the calls that wait */
} Work;

static Work *
work_new (SystemBus *bus, sd_bus_message *call, const char *address)
{
  Work *work = g_new0 (Work, 1);

  work->bus = bus;
  work->call = sd_bus_message_ref (call);
  work->address = g_strdup (address);
  return work;
}

static void
work_free (Work *work)
{
  if (work->in_use)
    prober_end_use (work->bus->sources.prober, work->address);
  if (work->counted)
    system_bus_end_wait (work->bus);
  sd_bus_message_unref (work->call);
  g_free (work->address);
  g_free (work);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Work, work_free)

/* Whether a device may be opened now. */
static gboolean
is_free (SystemBus *self, const char *address, GError **error)
{
  const Device *device = registry_lookup (self->sources.registry, address);

  if (device == NULL)
    g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_NOT_FOUND, "no device %s on this host", address);
  else if (device_get_owner (device) == OWNER_GUEST || device_get_owner (device) == OWNER_RESERVED)
    g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_BUSY, "%s is %s for domain “%s”", address,
                 device_get_owner (device) == OWNER_GUEST ? "in use" : "reserved",
                 device_get_domain (device));
  else if (!device_is_vfio (device))
    g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_UNSUPPORTED, "%s is not bound to a VFIO driver", address);
  else
    return TRUE;
  return FALSE;
}

/* Reads the address of a call from its start. */
static const char *
read_address (sd_bus_message *m)
{
  const char *address = NULL;

  return sd_bus_message_rewind (m, TRUE) >= 0 && sd_bus_message_read (m, "s", &address) >= 0 ? address : "";
}

/* ---- GetState ---- */

/* A device that could be opened was reset by that, so its state is known. */
static void
on_probed (GObject *source, GAsyncResult *result, gpointer user)
{
  g_autoptr (Work) work = user;
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
on_may_open (sd_bus_message *m, gpointer user)
{
  SystemBus *self = user;
  const char *address = read_address (m);
  g_autoptr (GError) error = NULL;

  if (is_free (self, address, &error))
    prober_probe_async (self->sources.prober, address, on_probed, work_new (self, m, address));
  else
    system_bus_reply_error (m, error);
}

static void
on_peeked (GObject *source, GAsyncResult *result, gpointer user)
{
  g_autoptr (Work) work = user;
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

int
state_bus_get (sd_bus_message *m, void *user, sd_bus_error *ret_error)
{
  SystemBus *self = user;
  const char *address = NULL;
  Work *work;
  int r = sd_bus_message_read (m, "s", &address);

  if (r < 0)
    return r;
  if (device_bus_find (self, address, ret_error) == NULL)
    return -EINVAL;
  if (!system_bus_begin_wait (self, ret_error))
    return -EBUSY;
  work = work_new (self, m, address);
  work->counted = TRUE;
  broker_client_peek_async (self->sources.broker, address, on_peeked, work);
  return 1;
}

/* ---- SaveState, LoadState ---- */

static void
on_moved (GObject *source, GAsyncResult *result, gpointer user)
{
  g_autoptr (Work) work = user;
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
  const char *address = read_address (m);
  g_autoptr (Work) work = work_new (self, m, address);
  g_autoptr (GError) error = NULL;
  int fd = -1; /* the message's */

  if (sd_bus_message_read (m, "h", &fd) < 0)
    {
      (void)sd_bus_reply_method_errorf (m, SD_BUS_ERROR_INVALID_ARGS, "there is no file descriptor");
      return;
    }
  if (!is_free (self, address, &error) || !prober_begin_use (self->sources.prober, address, &error))
    {
      system_bus_reply_error (m, error);
      return;
    }
  work->in_use = TRUE;
  move (self->sources.broker, address, fd, on_moved, g_steal_pointer (&work));
}

static void
on_may_save (sd_bus_message *m, gpointer user)
{
  begin_move (user, m, broker_client_save_async);
}

static void
on_matched (GObject *source, GAsyncResult *result, gpointer user)
{
  g_autoptr (Work) work = user;
  g_autoptr (GError) error = NULL;

  if (stream_match_check_finish (result, &error))
    begin_move (work->bus, work->call, broker_client_load_async);
  else
    system_bus_reply_error (work->call, error);
}

/* The device was asked anew; its stream is looked at before it is opened for good. */
static void
on_probed_for_load (GObject *source, GAsyncResult *result, gpointer user)
{
  g_autoptr (Work) work = user;
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
  address = read_address (work->call);
  if (profile == NULL || sd_bus_message_read (work->call, "h", &fd) < 0)
    (void)sd_bus_reply_method_errorf (work->call, ACCMIG_BUS_ERROR ("UnknownDevice"),
                                      "no device %s on this host", address);
  else
    stream_match_check_async (fd, profile, on_matched, g_steal_pointer (&work));
}

static void
on_may_load (sd_bus_message *m, gpointer user)
{
  SystemBus *self = user;
  const char *address = read_address (m);
  g_autoptr (GError) error = NULL;

  if (is_free (self, address, &error))
    prober_probe_async (self->sources.prober, address, on_probed_for_load, work_new (self, m, address));
  else
    system_bus_reply_error (m, error);
}

/* What is plainly wrong is said before anybody is asked for a password. */
static int
authorize_move (sd_bus_message *m, SystemBus *self, const char *action, PolkitGranted granted,
                sd_bus_error *ret_error)
{
  const char *address = NULL;
  int r = sd_bus_message_read (m, "s", &address);

  if (r < 0)
    return r;
  if (device_bus_find (self, address, ret_error) == NULL)
    return -EINVAL;
  polkit_authorize (m, action, granted, self);
  return 1;
}

int
state_bus_save (sd_bus_message *m, void *user, sd_bus_error *ret_error)
{
  return authorize_move (m, user, ACCMIG_ACTION_SAVE, on_may_save, ret_error);
}

int
state_bus_load (sd_bus_message *m, void *user, sd_bus_error *ret_error)
{
  return authorize_move (m, user, ACCMIG_ACTION_LOAD, on_may_load, ret_error);
}
