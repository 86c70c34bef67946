// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The broker's interface
 *
 * Reading arguments, one call, writing the reply. A call keeps its message; an answer to a peer that is gone
 * is dropped by sd-bus. Lengths are checked here, before anything else sees the text.
 */

#include "broker-bus.h"

#include "adopted-bus.h"
#include "common/broker-protocol.h"
#include "common/bus-error.h"
#include "common/bus-loop.h"
#include "common/names.h"
#include "common/text.h"
#include "log-tail.h"
#include "peer-bus.h"

#include <accmig/error.h>
#include <string.h>

/* ---- devices ---------------------------------------------------------------------------------- */

static int
ask (Peer *peer, sd_bus_message *m, const DeviceQuestion *question, GAsyncReadyCallback reply)
{
  devices_ask_async (broker_get_devices (peer_get_broker (peer)), question, peer_get_gone (peer), reply,
                     sd_bus_message_ref (m));
  return 1; /* answered later */
}

/* NULL when the call has been answered with the error. */
static DeviceAnswer *
take_answer (GAsyncResult *result, sd_bus_message *m)
{
  g_autoptr (GError) error = NULL;
  DeviceAnswer *answer = devices_ask_finish (result, &error);

  if (answer == NULL)
    bus_error_reply (m, error);
  return answer;
}

static void
reply_probe (GObject *object, GAsyncResult *result, gpointer user)
{
  g_autoptr (sd_bus_message) m = user;
  g_autoptr (sd_bus_message) reply = NULL;
  g_autofree DeviceAnswer *answer = take_answer (result, m);

  if (answer == NULL || sd_bus_message_new_method_return (m, &reply) < 0
      || sd_bus_message_append (reply, "tt", answer->flags, answer->bytes) < 0
      || sd_bus_message_append_array (reply, 'y', answer->match, answer->match_length) < 0
      || sd_bus_message_append (reply, "sb", answer->access, (int)(answer->tracking == ACCMIG_TRACKING_YES))
             < 0)
    return;
  (void)sd_bus_send (NULL, reply, NULL);
}

static void
reply_peek (GObject *object, GAsyncResult *result, gpointer user)
{
  g_autoptr (sd_bus_message) m = user;
  g_autofree DeviceAnswer *answer = take_answer (result, m);

  if (answer != NULL)
    (void)sd_bus_reply_method_return (m, "utsx", (guint32)answer->pid, answer->flags, answer->state,
                                      answer->at_usec);
}

static void
reply_bytes (GObject *object, GAsyncResult *result, gpointer user)
{
  g_autoptr (sd_bus_message) m = user;
  g_autofree DeviceAnswer *answer = take_answer (result, m);

  if (answer != NULL)
    (void)sd_bus_reply_method_return (m, "t", answer->bytes);
}

static void
reply_done (GObject *object, GAsyncResult *result, gpointer user)
{
  g_autoptr (sd_bus_message) m = user;
  g_autofree DeviceAnswer *answer = take_answer (result, m);

  if (answer != NULL)
    (void)sd_bus_reply_method_return (m, NULL);
}

static void
reply_trial (GObject *object, GAsyncResult *result, gpointer user)
{
  g_autoptr (sd_bus_message) m = user;
  g_autofree DeviceAnswer *answer = take_answer (result, m);

  if (answer != NULL)
    (void)sd_bus_reply_method_return (m, "bs", (int)(answer->refusal == 0),
                                      answer->refusal != 0 ? strerrorname_np (answer->refusal) : "");
}

static void
reply_evidence (GObject *object, GAsyncResult *result, gpointer user)
{
  g_autoptr (sd_bus_message) m = user;
  g_autoptr (sd_bus_message) reply = NULL;
  g_autofree DeviceAnswer *answer = take_answer (result, m);

  if (answer == NULL || sd_bus_message_new_method_return (m, &reply) < 0
      || sd_bus_message_append_array (reply, 'y', answer->evidence, answer->evidence_length) < 0)
    return;
  (void)sd_bus_send (NULL, reply, NULL);
}

static int
method_probe (sd_bus_message *m, void *peer, sd_bus_error *ret_error)
{
  DeviceQuestion question = { .verb = DEVICE_PROBE };
  guint32 match_size;
  int r = sd_bus_message_read (m, "su", &question.address, &match_size);

  if (r < 0)
    return r;
  question.match_size = match_size;
  return ask (peer, m, &question, reply_probe);
}

static int
method_peek (sd_bus_message *m, void *peer, sd_bus_error *ret_error)
{
  DeviceQuestion question = { .verb = DEVICE_PEEK };
  int r = sd_bus_message_read (m, "s", &question.address);

  return r < 0 ? r : ask (peer, m, &question, reply_peek);
}

static int
method_save (sd_bus_message *m, void *peer, sd_bus_error *ret_error)
{
  DeviceQuestion question = { .verb = DEVICE_SAVE };
  int r = sd_bus_message_read (m, "sh", &question.address, &question.stream_fd);

  return r < 0 ? r : ask (peer, m, &question, reply_bytes);
}

static int
method_load (sd_bus_message *m, void *peer, sd_bus_error *ret_error)
{
  DeviceQuestion question = { .verb = DEVICE_LOAD };
  int r = sd_bus_message_read (m, "sh", &question.address, &question.stream_fd);

  return r < 0 ? r : ask (peer, m, &question, reply_bytes);
}

static int
method_reset (sd_bus_message *m, void *peer, sd_bus_error *ret_error)
{
  DeviceQuestion question = { .verb = DEVICE_RESET };
  int r = sd_bus_message_read (m, "s", &question.address);

  return r < 0 ? r : ask (peer, m, &question, reply_done);
}

static int
method_reset_held (sd_bus_message *m, void *peer, sd_bus_error *ret_error)
{
  DeviceQuestion question = { .verb = DEVICE_RESET_HELD };
  int r = sd_bus_message_read (m, "s", &question.address);

  return r < 0 ? r : ask (peer, m, &question, reply_done);
}

static int
method_trial (sd_bus_message *m, void *peer, sd_bus_error *ret_error)
{
  DeviceQuestion question = { .verb = DEVICE_TRIAL };
  int r = sd_bus_message_read (m, "s", &question.address);

  if (r >= 0)
    r = sd_bus_message_read_array (m, 'y', &question.match, &question.match_length);
  return r < 0 ? r : ask (peer, m, &question, reply_trial);
}

static void
reply_repair (GObject *object, GAsyncResult *result, gpointer user)
{
  g_autoptr (sd_bus_message) m = user;
  g_autofree DeviceAnswer *answer = take_answer (result, m);

  if (answer != NULL)
    (void)sd_bus_reply_method_return (m, "ss", accmig_state_to_string (answer->repair.from),
                                      accmig_state_to_string (answer->repair.to));
}

static int
method_repair (sd_bus_message *m, void *peer, sd_bus_error *ret_error)
{
  DeviceQuestion question = { .verb = DEVICE_REPAIR };
  const char *seen;
  int r = sd_bus_message_read (m, "ss", &question.address, &seen);

  if (r < 0)
    return r;
  if (!accmig_state_from_string (seen, &question.seen))
    return sd_bus_error_setf (ret_error, ACCMIG_BUS_ERROR ("Invalid"), "“%.*s” is no state",
                              text_quotable (seen), seen);
  return ask (peer, m, &question, reply_repair);
}

/* ---- walks ------------------------------------------------------------------------------------ */

static int
append_step (sd_bus_message *reply, const WalkStep *step)
{
  return sd_bus_message_append (reply, "(ssxss)", accmig_state_to_string (step->from),
                                accmig_state_to_string (step->to), step->usec,
                                step->refusal != 0 ? strerrorname_np (step->refusal) : "",
                                accmig_state_to_string (step->left_in));
}

static void
reply_walk (GObject *object, GAsyncResult *result, gpointer user)
{
  g_autoptr (sd_bus_message) m = user;
  g_autoptr (sd_bus_message) reply = NULL;
  g_autofree DeviceAnswer *answer = take_answer (result, m);

  if (answer == NULL || sd_bus_message_new_method_return (m, &reply) < 0
      || sd_bus_message_append (reply, "t", answer->walk.flags) < 0
      || sd_bus_message_open_container (reply, 'a', "(ssxss)") < 0)
    return;
  for (gsize i = 0; i < answer->walk.n_steps; i++)
    if (append_step (reply, &answer->walk.steps[i]) < 0)
      return;
  if (sd_bus_message_close_container (reply) >= 0)
    (void)sd_bus_send (NULL, reply, NULL);
}

/* Reads names of states; more than there is room for are counted, and refused with all else that is wrong. */
static int
read_states (sd_bus_message *m, AccmigState states[BROKER_WALK_MAX], gsize *ret_n, sd_bus_error *ret_error)
{
  const char *name;
  gsize n = 0;
  int r = sd_bus_message_enter_container (m, 'a', "s");

  if (r < 0)
    return r;
  for (; (r = sd_bus_message_read (m, "s", &name)) > 0; n++)
    if (n < BROKER_WALK_MAX && !accmig_state_from_string (name, &states[n]))
      return sd_bus_error_setf (ret_error, ACCMIG_BUS_ERROR ("Invalid"), "“%.*s” is no state",
                                text_quotable (name), name);
  *ret_n = n;
  return r;
}

static int
method_walk (sd_bus_message *m, void *peer, sd_bus_error *ret_error)
{
  AccmigState states[BROKER_WALK_MAX];
  DeviceQuestion question = { .verb = DEVICE_WALK, .states = states };
  int r = sd_bus_message_read (m, "s", &question.address);

  if (r >= 0)
    r = read_states (m, states, &question.n_states, ret_error);
  return r < 0 ? r : ask (peer, m, &question, reply_walk);
}

static int
method_abort (sd_bus_message *m, void *peer, sd_bus_error *ret_error)
{
  const char *address;
  int r = sd_bus_message_read (m, "s", &address);

  if (r < 0)
    return r;
  devices_abort (broker_get_devices (peer_get_broker (peer)), address);
  return sd_bus_reply_method_return (m, NULL);
}

/* ---- what devices there are ------------------------------------------------------------------- */

static int
method_bind (sd_bus_message *m, void *peer, sd_bus_error *ret_error)
{
  DeviceQuestion question = { .verb = DEVICE_BIND };
  int r = sd_bus_message_read (m, "ss", &question.address, &question.driver);

  return r < 0 ? r : ask (peer, m, &question, reply_done);
}

static int
method_create_mdev (sd_bus_message *m, void *peer, sd_bus_error *ret_error)
{
  DeviceQuestion question = { .verb = DEVICE_CREATE_MDEV };
  int r = sd_bus_message_read (m, "sss", &question.parent, &question.type, &question.address);

  return r < 0 ? r : ask (peer, m, &question, reply_done);
}

static int
method_remove_mdev (sd_bus_message *m, void *peer, sd_bus_error *ret_error)
{
  DeviceQuestion question = { .verb = DEVICE_REMOVE_MDEV };
  int r = sd_bus_message_read (m, "s", &question.address);

  return r < 0 ? r : ask (peer, m, &question, reply_done);
}

static int
method_evidence (sd_bus_message *m, void *peer, sd_bus_error *ret_error)
{
  DeviceQuestion question = { .verb = DEVICE_EVIDENCE };
  int r = sd_bus_message_read (m, "s", &question.address);

  return r < 0 ? r : ask (peer, m, &question, reply_evidence);
}

/* ---- domains ---------------------------------------------------------------------------------- */

typedef struct
{
  sd_bus_message *m;
  Hypervisor *hypervisor;
} MetadataCall;

static void
reply_metadata (GObject *object, GAsyncResult *result, gpointer user)
{
  g_autofree MetadataCall *call = user;
  g_autoptr (sd_bus_message) m = call->m;
  g_autoptr (GError) error = NULL;

  if (hypervisor_set_metadata_finish (call->hypervisor, result, &error))
    (void)sd_bus_reply_method_return (m, NULL);
  else
    bus_error_reply (m, error);
}

static gboolean
check_metadata (const char *uuid, const char *xml, GError **error)
{
  gsize length = strlen (xml);

  if (!g_uuid_string_is_valid (uuid))
    g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_INVALID, "“%.*s” is no UUID of a domain",
                 text_quotable (uuid), uuid);
  else if (length > BROKER_METADATA_MAX)
    g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_LIMIT, "the metadata has %zu bytes, %d are the limit",
                 length, BROKER_METADATA_MAX);
  else
    return TRUE;
  return FALSE;
}

static int
method_set_metadata (sd_bus_message *m, void *peer, sd_bus_error *ret_error)
{
  g_autoptr (GError) error = NULL;
  const char *uuid, *xml;
  MetadataCall *call;
  int r = sd_bus_message_read (m, "ss", &uuid, &xml);

  if (r < 0)
    return r;
  if (!check_metadata (uuid, xml, &error))
    return bus_error_set (ret_error, error);

  call = g_new (MetadataCall, 1);
  *call = (MetadataCall){ sd_bus_message_ref (m), broker_get_hypervisor (peer_get_broker (peer)) };
  hypervisor_set_metadata_async (call->hypervisor, uuid, *xml != '\0' ? xml : NULL, reply_metadata, call);
  return 1;
}

static int
method_read_log (sd_bus_message *m, void *peer, sd_bus_error *ret_error)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) tail = NULL;
  g_autoptr (sd_bus_message) reply = NULL;
  const char *domain;
  gconstpointer data;
  gsize length;
  int r = sd_bus_message_read (m, "s", &domain);

  if (r < 0)
    return r;
  tail = log_tail_read (broker_get_log_dir (peer_get_broker (peer)), domain, BROKER_LOG_TAIL, &error);
  if (tail == NULL)
    return bus_error_set (ret_error, error);

  data = g_bytes_get_data (tail, &length);
  if ((r = sd_bus_message_new_method_return (m, &reply)) < 0
      || (r = sd_bus_message_append_array (reply, 'y', data, length)) < 0)
    return r;
  return sd_bus_send (NULL, reply, NULL);
}

static int
get_hypervisor_connected (sd_bus *bus, const char *path, const char *interface, const char *property,
                          sd_bus_message *reply, void *peer, sd_bus_error *ret_error)
{
  const Hypervisor *hypervisor = broker_get_hypervisor (peer_get_broker (peer));

  return sd_bus_message_append (reply, "b", hypervisor_is_connected (hypervisor));
}

/* Who may call was decided when the connection was accepted; without the flag sd-bus would want a peer with
 * CAP_SYS_ADMIN, which the agent has not. */
const sd_bus_vtable broker_vtable[] = {
  SD_BUS_VTABLE_START (0),
  SD_BUS_METHOD_WITH_ARGS ("Probe", SD_BUS_ARGS ("s", address, "u", match_size),
                           SD_BUS_RESULT ("t", flags, "t", stop_copy_size, "ay", match, "s", access, "b",
                                          tracks_dirty),
                           method_probe, SD_BUS_VTABLE_UNPRIVILEGED),
  SD_BUS_METHOD_WITH_ARGS ("Peek", SD_BUS_ARGS ("s", address),
                           SD_BUS_RESULT ("u", pid, "t", flags, "s", state, "x", at_usec), method_peek,
                           SD_BUS_VTABLE_UNPRIVILEGED),
  SD_BUS_METHOD_WITH_ARGS ("Save", SD_BUS_ARGS ("s", address, "h", stream), SD_BUS_RESULT ("t", bytes),
                           method_save, SD_BUS_VTABLE_UNPRIVILEGED),
  SD_BUS_METHOD_WITH_ARGS ("Load", SD_BUS_ARGS ("s", address, "h", stream), SD_BUS_RESULT ("t", bytes),
                           method_load, SD_BUS_VTABLE_UNPRIVILEGED),
  SD_BUS_METHOD_WITH_ARGS ("Reset", SD_BUS_ARGS ("s", address), SD_BUS_NO_RESULT, method_reset,
                           SD_BUS_VTABLE_UNPRIVILEGED),
  SD_BUS_METHOD_WITH_ARGS ("Trial", SD_BUS_ARGS ("s", address, "ay", match),
                           SD_BUS_RESULT ("b", accepted, "s", refusal), method_trial,
                           SD_BUS_VTABLE_UNPRIVILEGED),
  SD_BUS_METHOD_WITH_ARGS ("Walk", SD_BUS_ARGS ("s", address, "as", states),
                           SD_BUS_RESULT ("t", flags, "a(ssxss)", steps), method_walk,
                           SD_BUS_VTABLE_UNPRIVILEGED),
  SD_BUS_METHOD_WITH_ARGS ("Repair", SD_BUS_ARGS ("s", address, "s", seen),
                           SD_BUS_RESULT ("s", found, "s", left), method_repair, SD_BUS_VTABLE_UNPRIVILEGED),
  SD_BUS_METHOD_WITH_ARGS ("ResetHeld", SD_BUS_ARGS ("s", address), SD_BUS_NO_RESULT, method_reset_held,
                           SD_BUS_VTABLE_UNPRIVILEGED),
  SD_BUS_METHOD_WITH_ARGS ("Abort", SD_BUS_ARGS ("s", address), SD_BUS_NO_RESULT, method_abort,
                           SD_BUS_VTABLE_UNPRIVILEGED),
  SD_BUS_METHOD_WITH_ARGS ("Bind", SD_BUS_ARGS ("s", address, "s", driver), SD_BUS_NO_RESULT, method_bind,
                           SD_BUS_VTABLE_UNPRIVILEGED),
  SD_BUS_METHOD_WITH_ARGS ("CreateMdev", SD_BUS_ARGS ("s", parent, "s", type, "s", uuid), SD_BUS_NO_RESULT,
                           method_create_mdev, SD_BUS_VTABLE_UNPRIVILEGED),
  SD_BUS_METHOD_WITH_ARGS ("RemoveMdev", SD_BUS_ARGS ("s", uuid), SD_BUS_NO_RESULT, method_remove_mdev,
                           SD_BUS_VTABLE_UNPRIVILEGED),
  SD_BUS_METHOD_WITH_ARGS ("Evidence", SD_BUS_ARGS ("s", address), SD_BUS_RESULT ("ay", text),
                           method_evidence, SD_BUS_VTABLE_UNPRIVILEGED),
  SD_BUS_METHOD_WITH_ARGS ("SetMetadata", SD_BUS_ARGS ("s", uuid, "s", xml), SD_BUS_NO_RESULT,
                           method_set_metadata, SD_BUS_VTABLE_UNPRIVILEGED),
  SD_BUS_METHOD_WITH_ARGS ("ReadLog", SD_BUS_ARGS ("s", domain), SD_BUS_RESULT ("ay", tail), method_read_log,
                           SD_BUS_VTABLE_UNPRIVILEGED),
  SD_BUS_METHOD_WITH_ARGS ("Adopt", SD_BUS_ARGS ("s", id, "h", device),
                           SD_BUS_RESULT ("t", flags, "t", stop_copy_size, "s", state, "b", tracks_dirty),
                           adopted_bus_adopt, SD_BUS_VTABLE_UNPRIVILEGED),
  SD_BUS_METHOD_WITH_ARGS ("Disown", SD_BUS_ARGS ("s", id), SD_BUS_NO_RESULT, adopted_bus_disown,
                           SD_BUS_VTABLE_UNPRIVILEGED),
  SD_BUS_METHOD_WITH_ARGS ("Step", SD_BUS_ARGS ("s", id, "s", wanted),
                           SD_BUS_RESULT ("s", state, "s", refusal), adopted_bus_step,
                           SD_BUS_VTABLE_UNPRIVILEGED),
  SD_BUS_METHOD_WITH_ARGS ("Drain", SD_BUS_ARGS ("s", id, "h", stream, "b", final),
                           SD_BUS_RESULT ("t", bytes, "b", ended), adopted_bus_drain,
                           SD_BUS_VTABLE_UNPRIVILEGED),
  SD_BUS_METHOD_WITH_ARGS ("Fill", SD_BUS_ARGS ("s", id, "h", stream),
                           SD_BUS_RESULT ("t", bytes, "s", refusal), adopted_bus_fill,
                           SD_BUS_VTABLE_UNPRIVILEGED),
  SD_BUS_METHOD_WITH_ARGS ("ResetAdopted", SD_BUS_ARGS ("s", id), SD_BUS_NO_RESULT, adopted_bus_reset,
                           SD_BUS_VTABLE_UNPRIVILEGED),
  SD_BUS_METHOD_WITH_ARGS ("StateOf", SD_BUS_ARGS ("s", id), SD_BUS_RESULT ("s", state), adopted_bus_state_of,
                           SD_BUS_VTABLE_UNPRIVILEGED),
  SD_BUS_METHOD_WITH_ARGS ("ListAdopted", SD_BUS_NO_ARGS, SD_BUS_RESULT ("a(ss)", devices), adopted_bus_list,
                           SD_BUS_VTABLE_UNPRIVILEGED),
  SD_BUS_PROPERTY ("HypervisorConnected", "b", get_hypervisor_connected, 0,
                   SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
  SD_BUS_SIGNAL_WITH_ARGS ("QemuEvent",
                           SD_BUS_ARGS ("s", uuid, "s", domain, "s", event, "x", at_usec, "s", details), 0),
  SD_BUS_SIGNAL_WITH_ARGS ("QemuGap", SD_BUS_ARGS ("s", uuid), 0),
  SD_BUS_VTABLE_END
};
