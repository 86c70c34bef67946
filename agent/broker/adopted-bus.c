// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The verbs on adopted devices, as they come and go on the wire
 *
 * Reading arguments, one call, writing the reply. A call keeps its message; an answer to a peer that is gone
 * is dropped by sd-bus.
 */

#include "adopted-bus.h"

#include "common/bus-error.h"
#include "common/bus-loop.h"
#include "common/text.h"
#include "peer-bus.h"

#include <string.h>

static AdoptedSet *
get_set (Peer *peer)
{
  return broker_get_adopted (peer_get_broker (peer));
}

/* @question: without its user */
static int
ask (Peer *peer, sd_bus_message *m, AdoptedQuestion *question, GAsyncReadyCallback reply)
{
  question->user = peer_get_user (peer);
  adopted_set_ask_async (get_set (peer), question, peer_get_gone (peer), reply, sd_bus_message_ref (m));
  return 1; /* answered later */
}

/* NULL when the call has been answered with the error. */
static AdoptedAnswer *
take_answer (GAsyncResult *result, sd_bus_message *m)
{
  g_autoptr (GError) error = NULL;
  AdoptedAnswer *answer = adopted_set_ask_finish (result, &error);

  if (answer == NULL)
    bus_error_reply (m, error);
  return answer;
}

static const char *
get_refusal (const AdoptedAnswer *answer)
{
  const char *name = answer->refusal != 0 ? strerrorname_np (answer->refusal) : "";

  return name != NULL ? name : "EIO";
}

static void
reply_adopt (GObject *object, GAsyncResult *result, gpointer user)
{
  g_autoptr (sd_bus_message) m = user;
  g_autofree AdoptedAnswer *answer = take_answer (result, m);

  if (answer != NULL)
    (void)sd_bus_reply_method_return (m, "ttsb", answer->flags, answer->bytes,
                                      accmig_state_to_string (answer->state),
                                      (int)(answer->tracking == ACCMIG_TRACKING_YES));
}

static void
reply_step (GObject *object, GAsyncResult *result, gpointer user)
{
  g_autoptr (sd_bus_message) m = user;
  g_autofree AdoptedAnswer *answer = take_answer (result, m);

  if (answer != NULL)
    (void)sd_bus_reply_method_return (m, "ss", accmig_state_to_string (answer->state), get_refusal (answer));
}

static void
reply_drain (GObject *object, GAsyncResult *result, gpointer user)
{
  g_autoptr (sd_bus_message) m = user;
  g_autofree AdoptedAnswer *answer = take_answer (result, m);

  if (answer != NULL)
    (void)sd_bus_reply_method_return (m, "tb", answer->bytes, (int)answer->ended);
}

static void
reply_fill (GObject *object, GAsyncResult *result, gpointer user)
{
  g_autoptr (sd_bus_message) m = user;
  g_autofree AdoptedAnswer *answer = take_answer (result, m);

  if (answer != NULL)
    (void)sd_bus_reply_method_return (m, "ts", answer->bytes, get_refusal (answer));
}

static void
reply_state (GObject *object, GAsyncResult *result, gpointer user)
{
  g_autoptr (sd_bus_message) m = user;
  g_autofree AdoptedAnswer *answer = take_answer (result, m);

  if (answer != NULL)
    (void)sd_bus_reply_method_return (m, "s", accmig_state_to_string (answer->state));
}

static void
reply_done (GObject *object, GAsyncResult *result, gpointer user)
{
  g_autoptr (sd_bus_message) m = user;
  g_autofree AdoptedAnswer *answer = take_answer (result, m);

  if (answer != NULL)
    (void)sd_bus_reply_method_return (m, NULL);
}

int
adopted_bus_adopt (sd_bus_message *m, void *peer, sd_bus_error *ret_error)
{
  AdoptedQuestion question = { .verb = ADOPTED_ADOPT };
  int r = sd_bus_message_read (m, "sh", &question.id, &question.fd);

  return r < 0 ? r : ask (peer, m, &question, reply_adopt);
}

int
adopted_bus_disown (sd_bus_message *m, void *peer, sd_bus_error *ret_error)
{
  g_autoptr (GError) error = NULL;
  const char *id;
  int r = sd_bus_message_read (m, "s", &id);

  if (r < 0)
    return r;
  if (!adopted_set_disown (get_set (peer), id, peer_get_user (peer), &error))
    return bus_error_set (ret_error, error);
  return sd_bus_reply_method_return (m, NULL);
}

int
adopted_bus_step (sd_bus_message *m, void *peer, sd_bus_error *ret_error)
{
  AdoptedQuestion question = { .verb = ADOPTED_STEP };
  g_autoptr (GError) error = NULL;
  const char *wanted;
  int r = sd_bus_message_read (m, "ss", &question.id, &wanted);

  if (r < 0)
    return r;
  if (accmig_state_from_string (wanted, &question.state))
    return ask (peer, m, &question, reply_step);
  g_set_error (&error, ACCMIG_ERROR, ACCMIG_ERROR_INVALID, "“%.*s” is no state", text_quotable (wanted),
               wanted);
  return bus_error_set (ret_error, error);
}

int
adopted_bus_drain (sd_bus_message *m, void *peer, sd_bus_error *ret_error)
{
  AdoptedQuestion question = { 0 };
  int final;
  int r = sd_bus_message_read (m, "shb", &question.id, &question.fd, &final);

  if (r < 0)
    return r;
  question.verb = final != 0 ? ADOPTED_DRAIN : ADOPTED_DRAIN_PRECOPY;
  return ask (peer, m, &question, reply_drain);
}

int
adopted_bus_fill (sd_bus_message *m, void *peer, sd_bus_error *ret_error)
{
  AdoptedQuestion question = { .verb = ADOPTED_FILL };
  int r = sd_bus_message_read (m, "sh", &question.id, &question.fd);

  return r < 0 ? r : ask (peer, m, &question, reply_fill);
}

int
adopted_bus_reset (sd_bus_message *m, void *peer, sd_bus_error *ret_error)
{
  AdoptedQuestion question = { .verb = ADOPTED_RESET };
  int r = sd_bus_message_read (m, "s", &question.id);

  return r < 0 ? r : ask (peer, m, &question, reply_done);
}

int
adopted_bus_state_of (sd_bus_message *m, void *peer, sd_bus_error *ret_error)
{
  AdoptedQuestion question = { .verb = ADOPTED_STATE_OF };
  int r = sd_bus_message_read (m, "s", &question.id);

  return r < 0 ? r : ask (peer, m, &question, reply_state);
}

int
adopted_bus_list (sd_bus_message *m, void *peer, sd_bus_error *ret_error)
{
  g_autoptr (GArray) rows = adopted_set_list (get_set (peer), peer_get_user (peer));
  g_autoptr (sd_bus_message) reply = NULL;
  int r = sd_bus_message_new_method_return (m, &reply);

  if (r >= 0)
    r = sd_bus_message_open_container (reply, 'a', "(ss)");
  for (guint i = 0; r >= 0 && i < rows->len; i++)
    {
      const AdoptedRow *row = &g_array_index (rows, AdoptedRow, i);

      r = sd_bus_message_append (reply, "(ss)", row->id, accmig_state_to_string (row->state));
    }
  if (r >= 0)
    r = sd_bus_message_close_container (reply);
  return r < 0 ? r : sd_bus_send (NULL, reply, NULL);
}
