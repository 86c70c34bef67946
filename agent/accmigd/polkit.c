// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * polkit
 *
 * Two questions, neither of which waits: the bus's "which user is that connection", and for others than root
 * polkit's CheckAuthorization. polkit may have to ask a person for a password; only a caller that agreed to
 * that is kept so long.
 */

#include "polkit.h"

#define BUS_TIMEOUT_USEC      (5 * G_USEC_PER_SEC)
#define POLKIT_TIMEOUT_USEC   (10 * G_USEC_PER_SEC)
#define PASSWORD_TIMEOUT_USEC (120 * G_USEC_PER_SEC)

#define POLKIT_NAME        "org.freedesktop.PolicyKit1"
#define POLKIT_PATH        "/org/freedesktop/PolicyKit1/Authority"
#define POLKIT_IFACE       "org.freedesktop.PolicyKit1.Authority"
#define POLKIT_INTERACTIVE 1 /* flag of CheckAuthorization */

/* One call that waits for a decision. */
typedef struct
{
  sd_bus_message *call;
  uid_t caller; /* once the bus has told */
  char *action; /* (nullable) */
  PolkitGranted granted;
  gpointer user;
} Request;

static void
request_free (void *data)
{
  Request *request = data;

  sd_bus_message_unref (request->call);
  g_free (request->action);
  g_free (request);
}

static void
deny (const Request *request, const char *why)
{
  (void)sd_bus_reply_method_errorf (request->call, SD_BUS_ERROR_ACCESS_DENIED, "%s", why);
}

static int
on_checked (sd_bus_message *reply, void *user, sd_bus_error *ret_error)
{
  Request *request = user;
  int authorized = 0, challenge = 0;

  if (sd_bus_message_is_method_error (reply, NULL))
    deny (request, "polkit does not answer: only root may do this");
  else if (sd_bus_message_enter_container (reply, 'r', "bba{ss}") < 0
           || sd_bus_message_read (reply, "bb", &authorized, &challenge) < 0)
    deny (request, "polkit's answer cannot be read");
  else if (authorized)
    request->granted (request->call, request->caller, request->user);
  else if (challenge)
    (void)sd_bus_reply_method_errorf (request->call, SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED,
                                      "%s needs a password, and the caller does not want to be asked",
                                      request->action);
  else
    deny (request, "polkit does not allow it");
  return 0;
}

/* Sends @message and hands @request over to the slot, which frees it also when the connection goes. */
static int
send_request (sd_bus *bus, sd_bus_message *message, sd_bus_message_handler_t handler, Request *request,
              guint64 timeout_usec)
{
  sd_bus_slot *slot = NULL;
  int r = sd_bus_call_async (bus, &slot, message, handler, request, timeout_usec);

  if (r < 0)
    return r;
  (void)sd_bus_slot_set_destroy_callback (slot, request_free);
  (void)sd_bus_slot_set_floating (slot, TRUE);
  sd_bus_slot_unref (slot);
  return 0;
}

/* @request: (transfer full) */
static void
ask_polkit (Request *request)
{
  sd_bus *bus = sd_bus_message_get_bus (request->call);
  int interactive = sd_bus_message_get_allow_interactive_authorization (request->call);
  g_autoptr (sd_bus_message) message = NULL;
  int r = sd_bus_message_new_method_call (bus, &message, POLKIT_NAME, POLKIT_PATH, POLKIT_IFACE,
                                          "CheckAuthorization");

  if (r >= 0)
    r = sd_bus_message_append (message, "(sa{sv})sa{ss}us", "system-bus-name", 1, "name", "s",
                               sd_bus_message_get_sender (request->call), request->action, 0,
                               interactive > 0 ? POLKIT_INTERACTIVE : 0, "");
  if (r >= 0)
    r = send_request (bus, message, on_checked, request,
                      interactive > 0 ? PASSWORD_TIMEOUT_USEC : POLKIT_TIMEOUT_USEC);
  if (r >= 0)
    return;
  deny (request, "polkit cannot be asked");
  request_free (request);
}

static Request *
request_copy (const Request *request)
{
  Request *copy = g_new0 (Request, 1);

  copy->call = sd_bus_message_ref (request->call);
  copy->caller = request->caller;
  copy->action = g_strdup (request->action);
  copy->granted = request->granted;
  copy->user = request->user;
  return copy;
}

static int
on_user_known (sd_bus_message *reply, void *user, sd_bus_error *ret_error)
{
  Request *request = user;
  guint32 uid = G_MAXUINT32;

  if (sd_bus_message_is_method_error (reply, NULL) || sd_bus_message_read (reply, "u", &uid) < 0)
    {
      deny (request, "the bus does not say who is calling");
      return 0;
    }
  request->caller = uid;
  if (uid == 0)
    request->granted (request->call, uid, request->user);
  else if (request->action == NULL)
    deny (request, "only root may do this");
  else
    ask_polkit (request_copy (request));
  return 0;
}

void
polkit_authorize (sd_bus_message *call, const char *action, PolkitGranted granted, gpointer user)
{
  sd_bus *bus = sd_bus_message_get_bus (call);
  const char *sender = sd_bus_message_get_sender (call);
  Request *request = g_new0 (Request, 1);
  g_autoptr (sd_bus_message) message = NULL;
  int r = 0;

  request->call = sd_bus_message_ref (call);
  request->action = g_strdup (action);
  request->granted = granted;
  request->user = user;
  r = sd_bus_message_new_method_call (bus, &message, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                                      "org.freedesktop.DBus", "GetConnectionUnixUser");
  if (r >= 0)
    r = sd_bus_message_append (message, "s", sender);
  if (r >= 0)
    r = send_request (bus, message, on_user_known, request, BUS_TIMEOUT_USEC);
  if (r >= 0)
    return;
  deny (request, "the bus cannot be asked who is calling");
  request_free (request);
}
