// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Asking the gate
 *
 * sd_bus_call() has a time-out for the answer, but none of ours for connecting, authenticating and greeting
 * the bus. So the call is sent asynchronously, on a connection that is still being made if need be, and one
 * loop with one deadline drives all of it.
 */

#include "gate-bus.h"

#include "common/names.h"

#include <errno.h>
#include <systemd/sd-bus.h>

G_DEFINE_AUTOPTR_CLEANUP_FUNC (sd_bus, sd_bus_close_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (sd_bus_message, sd_bus_message_unref)

void
gate_answer_clear (GateAnswer *answer)
{
  g_clear_pointer (&answer->message, g_free);
  g_clear_pointer (&answer->new_xml, g_byte_array_unref);
}

/* @error: negative errno */
static gboolean
no_answer (char **ret_cause, const char *what, int error)
{
  *ret_cause = g_strdup_printf ("%s: %s", what, g_strerror (-error));
  return FALSE;
}

static int
on_reply (sd_bus_message *reply, void *user, sd_bus_error *error)
{
  sd_bus_message **ret_reply = user;

  *ret_reply = sd_bus_message_ref (reply);
  return 0;
}

/* D-Bus has no room for text that is not UTF-8, and a domain's name is what somebody chose. */
static int
append_word (sd_bus_message *call, const char *word)
{
  g_autofree char *valid = g_utf8_make_valid (word, -1);

  return sd_bus_message_append (call, "s", valid);
}

static int
build_call (sd_bus *bus, const GateQuestion *question, sd_bus_message **ret_call)
{
  const char *const words[] = { question->domain, question->operation, question->suboperation,
                                question->extra };
  g_autoptr (sd_bus_message) call = NULL;
  int r;

  r = sd_bus_message_new_method_call (bus, &call, ACCMIG_BUS_NAME, ACCMIG_OBJECT_ROOT, ACCMIG_IFACE_GATE,
                                      "Ask");
  for (gsize i = 0; r >= 0 && i < G_N_ELEMENTS (words); i++)
    r = append_word (call, words[i]);
  if (r >= 0)
    r = sd_bus_message_append_array (call, 'y', question->xml->data, question->xml->len);
  if (r < 0)
    return r;
  *ret_call = g_steal_pointer (&call);
  return 0;
}

/* Drives the connection until the reply is there. Returns: 0 or a negative errno; -ETIMEDOUT at the deadline
 */
static int
wait_for_reply (sd_bus *bus, sd_bus_message **reply, gint64 deadline)
{
  while (*reply == NULL)
    {
      gint64 left = deadline - g_get_monotonic_time ();
      int r;

      if (left <= 0)
        return -ETIMEDOUT;
      r = sd_bus_process (bus, NULL);
      if (r == 0)
        r = sd_bus_wait (bus, (uint64_t)left);
      if (r < 0 && r != -EINTR)
        return r;
    }
  return 0;
}

static gboolean
read_answer (sd_bus_message *reply, GateAnswer *ret_answer, char **ret_cause)
{
  const sd_bus_error *error = sd_bus_message_get_error (reply);
  const char *message;
  const void *xml;
  size_t length;
  int allowed, r;

  if (error != NULL && sd_bus_error_has_name (error, SD_BUS_ERROR_NO_REPLY))
    return no_answer (ret_cause, "it went away", -ECONNRESET);
  if (error != NULL)
    {
      *ret_cause = g_strdup (error->message != NULL ? error->message : error->name);
      return FALSE;
    }
  r = sd_bus_message_read (reply, "bs", &allowed, &message);
  if (r >= 0)
    r = sd_bus_message_read_array (reply, 'y', &xml, &length);
  if (r < 0)
    return no_answer (ret_cause, "its answer makes no sense", r);
  ret_answer->allowed = allowed;
  ret_answer->message = g_strdup (message);
  ret_answer->new_xml = g_byte_array_append (g_byte_array_new (), xml, (guint)length);
  return TRUE;
}

gboolean
gate_ask (const GateQuestion *question, gint64 deadline, GateAnswer *ret_answer, char **ret_cause)
{
  g_autoptr (sd_bus) bus = NULL;
  g_autoptr (sd_bus_message) call = NULL;
  g_autoptr (sd_bus_message) reply = NULL;
  int r;

  r = sd_bus_open_system_with_description (&bus, "accmig-hook");
  if (r < 0)
    return no_answer (ret_cause, "cannot reach the system bus", r);
  r = build_call (bus, question, &call);
  if (r < 0)
    return no_answer (ret_cause, "cannot put the question", r);
  r = sd_bus_call_async (bus, NULL, call, on_reply, &reply, UINT64_MAX);
  if (r < 0)
    return no_answer (ret_cause, "cannot send the question", r);
  r = wait_for_reply (bus, &reply, deadline);
  if (r == -ETIMEDOUT)
    {
      *ret_cause = g_strdup ("no answer in time");
      return FALSE;
    }
  if (r < 0)
    return no_answer (ret_cause, "the system bus failed", r);
  return read_answer (reply, ret_answer, ret_cause);
}
