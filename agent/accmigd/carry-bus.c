// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * States of registered devices between two agents, for org.accmig1.Manager
 *
 * Here a stream's two ends meet: whoever drives the device has a pipe, a thread has the other agent. Both
 * come to an end by themselves and in any order; what belongs to a stream stays until both have.
 */

#include <accmig/compat.h>
#include <glib-unix.h>
#include <string.h>
#include <unistd.h>

#include "drives.h"
#include "log.h"
#include "polkit.h"
#include "receiver.h"
#include "sender.h"
#include "system-bus-private.h"

/* One stream, in either direction. */
typedef struct
{
  SystemBus *bus;
  sd_bus_message *call; /* (nullable): NULL once it is answered */
  char *uuid, *name;
  Sender *sender;     /* (nullable) */
  Receiver *receiver; /* (nullable) */
  gboolean driven;    /* whoever drives the device has the pipe, and will say when it is over */
  gboolean whole;     /* it was over without a failure */
  gboolean ended;     /* the thread has */
} Carry;

static Carry *
carry_new (SystemBus *bus, sd_bus_message *call)
{
  Carry *carry = g_new0 (Carry, 1);

  carry->bus = bus;
  carry->call = sd_bus_message_ref (call);
  return carry;
}

static void
carry_free (Carry *carry)
{
  sender_free (carry->sender);
  receiver_free (carry->receiver);
  sd_bus_message_unref (carry->call);
  g_free (carry->uuid);
  g_free (carry->name);
  g_free (carry);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Carry, carry_free)

/* Once it is answered: the call has the caller's end of the stream, and while that is open the other side
 * waits. */
static void
carry_let_go (Carry *carry)
{
  g_clear_pointer (&carry->call, sd_bus_message_unref);
}

/* Lets go of it when nobody will call back any more. */
static void
carry_settle (Carry *carry)
{
  if (carry->ended && !carry->driven)
    carry_free (carry);
}

static void
carry_fail (Carry *carry, const char *what, const GError *error)
{
  log_event (LOG_EVENT_REGISTERED, &(LogContext){ .uuid = carry->uuid }, "“%s/%s” was not %s: %s",
             carry->uuid != NULL ? carry->uuid : "-", carry->name != NULL ? carry->name : "-", what,
             error->message);
  system_bus_reply_error (carry->call, error);
}

/* (nullable): what is known of a registered device, as a device of this host */
static const AccmigProfile *
find_profile (SystemBus *bus, const Registered *registered)
{
  const Device *device = registry_lookup (bus->sources.registry, registered_get_address (registered));

  return device != NULL ? device_get_profile (device) : NULL;
}

/* ---- sending ---- */

static void
on_sent (guint64 bytes, const GError *error, gpointer user)
{
  Carry *carry = user;

  carry->ended = TRUE;
  /* Without an answer nobody knows, and it stays unconfirmed. */
  if (carry->whole && (error == NULL || g_error_matches (error, ACCMIG_ERROR, ACCMIG_ERROR_REFUSED)))
    drives_confirm (carry->bus->sources.drives, carry->uuid, carry->name,
                    error != NULL ? error->message : NULL);
  if (error == NULL)
    (void)sd_bus_reply_method_return (carry->call, "t", bytes);
  else
    carry_fail (carry, "sent", error);
  carry_let_go (carry);
  carry_settle (carry);
}

static void
on_send_over (guint64 bytes, const char *failure, gpointer user)
{
  Carry *carry = user;

  carry->driven = FALSE;
  carry->whole = failure == NULL;
  if (!carry->ended)
    sender_finish (carry->sender, failure);
  carry_settle (carry);
}

static gboolean
begin_send (Carry *carry, int fd, GError **error)
{
  static const DrivesStream stream = { .over = on_send_over };
  const Registered *registered = registered_lookup (carry->bus->sources.registered, carry->uuid, carry->name);
  AccmigFrameHeader header = { .uuid = carry->uuid, .name = carry->name };
  int pipe = -1;

  if (registered == NULL)
    {
      g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_NOT_FOUND,
                   "no device “%s” is registered for domain %s on this host", carry->name, carry->uuid);
      return FALSE;
    }
  header.flags = registered_get_flags (registered);
  header.profile = find_profile (carry->bus, registered);
  carry->sender = sender_new (&header, fd, &pipe, on_sent, carry, error);
  if (carry->sender == NULL)
    return FALSE;
  carry->driven = TRUE;
  if (drives_send (carry->bus->sources.drives, carry->uuid, carry->name, pipe, &stream, carry, error))
    return TRUE;
  carry->driven = FALSE;
  return FALSE;
}

static void
on_may_send (sd_bus_message *m, uid_t caller, gpointer user)
{
  g_autoptr (Carry) carry = carry_new (user, m);
  g_autoptr (GError) error = NULL;
  const char *uuid = NULL, *name = NULL;
  int fd = -1; /* the message's */

  if (sd_bus_message_rewind (m, TRUE) < 0 || sd_bus_message_read (m, "ssh", &uuid, &name, &fd) < 0)
    {
      (void)sd_bus_reply_method_errorf (m, SD_BUS_ERROR_INVALID_ARGS, "there is no file descriptor");
      return;
    }
  carry->uuid = g_ascii_strdown (uuid, -1);
  carry->name = g_strdup (name);
  if (begin_send (carry, fd, &error))
    (void)g_steal_pointer (&carry);
  else
    carry_fail (carry, "sent", error);
}

int
carry_bus_send (sd_bus_message *m, void *user, sd_bus_error *ret_error)
{
  polkit_authorize (m, ACCMIG_ACTION_SAVE, on_may_send, user);
  return 1;
}

/* ---- receiving ---- */

static char *
on_check (gpointer user)
{
  Carry *carry = user;

  return receiver_check (carry->receiver);
}

static void
on_receive_over (guint64 bytes, const char *failure, gpointer user)
{
  Carry *carry = user;

  carry->driven = FALSE;
  if (failure != NULL)
    receiver_refuse (carry->receiver, failure);
  else
    receiver_confirm (carry->receiver);
  carry_settle (carry);
}

static gboolean
check_profiles (const AccmigProfile *source, const AccmigProfile *target, GError **error)
{
  g_autoptr (AccmigVerdict) verdict = NULL;
  const AccmigFinding *decisive = NULL;

  if (source == NULL || target == NULL)
    return TRUE;
  verdict = accmig_compat_check (source, target, ACCMIG_COMPAT_NONE);
  if (accmig_verdict_get_outcome (verdict) != ACCMIG_OUTCOME_INCOMPATIBLE)
    return TRUE;
  decisive = accmig_verdict_get_decisive (verdict);
  g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_REFUSED, "%s [%s]", decisive->sentence, decisive->rule);
  return FALSE;
}

/* A pipe between the thread and whoever drives the device. */
static gboolean
connect_device (Carry *carry, const AccmigProfile *target, GError **error)
{
  static const DrivesStream stream = { .check = on_check, .over = on_receive_over };
  int ends[2] = { -1, -1 };

  if (!g_unix_open_pipe (ends, FD_CLOEXEC, error))
    return FALSE;
  carry->driven = TRUE;
  if (drives_receive (carry->bus->sources.drives, carry->uuid, carry->name, ends[0], &stream, carry, error))
    {
      receiver_accept (carry->receiver, ends[1], target);
      return TRUE;
    }
  carry->driven = FALSE;
  (void)close (ends[1]);
  return FALSE;
}

static gboolean
begin_receive (Carry *carry, const AccmigFrameHeader *header, GError **error)
{
  const Registered *registered =
      registered_lookup (carry->bus->sources.registered, header->uuid, header->name);
  const AccmigProfile *target = registered != NULL ? find_profile (carry->bus, registered) : NULL;

  if (registered != NULL)
    return check_profiles (header->profile, target, error) && connect_device (carry, target, error);
  g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_NOT_FOUND,
               "no device “%s” is registered for domain %s on this host", header->name, header->uuid);
  return FALSE;
}

static void
on_header (const AccmigFrameHeader *header, gpointer user)
{
  Carry *carry = user;
  g_autoptr (GError) error = NULL;

  carry->uuid = g_strdup (header->uuid);
  carry->name = g_strdup (header->name);
  if (!begin_receive (carry, header, &error))
    receiver_refuse (carry->receiver, error->message);
}

static void
on_received (guint64 bytes, const GError *error, gpointer user)
{
  Carry *carry = user;

  carry->ended = TRUE;
  if (error == NULL)
    (void)sd_bus_reply_method_return (carry->call, "s", carry->name);
  else
    carry_fail (carry, "received", error);
  carry_let_go (carry);
  carry_settle (carry);
}

static void
on_may_receive (sd_bus_message *m, uid_t caller, gpointer user)
{
  static const ReceiverCallbacks callbacks = { .header = on_header, .ended = on_received };
  g_autoptr (Carry) carry = carry_new (user, m);
  g_autoptr (GError) error = NULL;
  int in = -1, out = -1; /* the message's */

  if (sd_bus_message_rewind (m, TRUE) < 0 || sd_bus_message_read (m, "hh", &in, &out) < 0)
    {
      (void)sd_bus_reply_method_errorf (m, SD_BUS_ERROR_INVALID_ARGS, "there are no file descriptors");
      return;
    }
  carry->receiver = receiver_new (in, out, &callbacks, carry, &error);
  if (carry->receiver != NULL)
    (void)g_steal_pointer (&carry);
  else
    carry_fail (carry, "received", error);
}

int
carry_bus_receive (sd_bus_message *m, void *user, sd_bus_error *ret_error)
{
  polkit_authorize (m, ACCMIG_ACTION_LOAD, on_may_receive, user);
  return 1;
}
