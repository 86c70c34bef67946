// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * org.accmig1.Gate
 *
 * For libvirt's hook alone. The bus policy lets only root send here; whoever set up a bus without it meets
 * the same rule again.
 */

#include "polkit.h"
#include "system-bus-private.h"

#define WORD_MAX 255 /* bytes of a domain's name, an operation … */

/* Words that are too long, or none. */
static const char *
find_long_word (const GateQuestion *question)
{
  const char *const words[] = { question->domain, question->operation, question->suboperation,
                                question->extra };

  for (gsize i = 0; i < G_N_ELEMENTS (words); i++)
    if (strlen (words[i]) > WORD_MAX)
      return words[i];
  return NULL;
}

static void
on_answer (GObject *source, GAsyncResult *result, gpointer user)
{
  g_autoptr (sd_bus_message) call = user;
  g_autoptr (GateAnswer) answer = gate_ask_finish (result);
  g_autoptr (sd_bus_message) reply = NULL;
  int r = sd_bus_message_new_method_return (call, &reply);

  if (r >= 0)
    r = sd_bus_message_append (reply, "bs", (int)answer->allowed, answer->message);
  if (r >= 0)
    r = sd_bus_message_append_array (reply, 'y', answer->new_xml, strlen (answer->new_xml));
  if (r >= 0)
    r = sd_bus_send (NULL, reply, NULL);
  if (r < 0)
    g_warning ("the hook did not get its answer: %s", g_strerror (-r));
}

static void
on_root (sd_bus_message *m, uid_t caller, gpointer user)
{
  SystemBus *self = user;
  GateQuestion question = { 0 };
  const void *xml = NULL;
  size_t length = 0;
  int r = sd_bus_message_read (m, "ssss", &question.domain, &question.operation, &question.suboperation,
                               &question.extra);

  if (r >= 0)
    r = sd_bus_message_read_array (m, 'y', &xml, &length);
  if (r < 0)
    {
      (void)sd_bus_reply_method_errorf (m, SD_BUS_ERROR_INVALID_ARGS, "the question cannot be read: %s",
                                        g_strerror (-r));
      return;
    }
  if (find_long_word (&question) != NULL)
    {
      (void)sd_bus_reply_method_errorf (m, ACCMIG_BUS_ERROR ("Limit"),
                                        "a word of the question has more than %d bytes", WORD_MAX);
      return;
    }
  question.xml = length > 0 ? xml : "";
  question.xml_length = length;
  gate_ask_async (self->sources.gate, &question, on_answer, sd_bus_message_ref (m));
}

static int
method_ask (sd_bus_message *m, void *user, sd_bus_error *ret_error)
{
  polkit_authorize (m, NULL, on_root, user);
  return 1;
}

static const sd_bus_vtable gate_vtable[] = {
  SD_BUS_VTABLE_START (0),
  SD_BUS_METHOD_WITH_ARGS (
      "Ask", SD_BUS_ARGS ("s", domain, "s", operation, "s", suboperation, "s", extra, "ay", xml),
      SD_BUS_RESULT ("b", allowed, "s", message, "ay", new_xml), method_ask, SD_BUS_VTABLE_UNPRIVILEGED),
  SD_BUS_VTABLE_END,
};

int
gate_bus_attach (SystemBus *self)
{
  return sd_bus_add_object_vtable (self->bus, NULL, ACCMIG_OBJECT_ROOT, ACCMIG_IFACE_GATE, gate_vtable, self);
}
