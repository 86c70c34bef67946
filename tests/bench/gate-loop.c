// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * gate-loop: how long the agent's answer to "migrate begin" takes
 *
 * Each round asks the agent for a sign of life (Peer.Ping, which libsystemd answers in the agent without any
 * code of ours) and then for a decision, which must be yes. Afterwards the guest is said not to have come, so
 * that its devices are free again for the next round; that is not measured.
 */

#include "common/names.h"
#include "sample.h"

#include <systemd/sd-bus.h>

#define CALL_LIMIT_USEC (15 * G_USEC_PER_SEC) /* longer than the agent may take for its answer */

typedef struct
{
  sd_bus *bus;
  const char *domain;
  char *xml;
  gsize length;
} Guest;

static sd_bus_message *
call (Guest *guest, sd_bus_message *question)
{
  sd_bus_error error = SD_BUS_ERROR_NULL;
  sd_bus_message *answer = NULL;
  int r = sd_bus_call (guest->bus, question, CALL_LIMIT_USEC, &error, &answer);

  if (r < 0)
    sample_fail ("%s: %s", sd_bus_message_get_member (question),
                 error.message != NULL ? error.message : g_strerror (-r));
  sd_bus_message_unref (question);
  return answer;
}

static sd_bus_message *
new_question (Guest *guest, const char *interface, const char *member)
{
  sd_bus_message *question = NULL;
  int r = sd_bus_message_new_method_call (guest->bus, &question, ACCMIG_BUS_NAME, ACCMIG_OBJECT_ROOT,
                                          interface, member);

  if (r < 0)
    sample_fail ("cannot make a call of %s: %s", member, g_strerror (-r));
  return question;
}

static void
ping (Guest *guest)
{
  sd_bus_message_unref (call (guest, new_question (guest, "org.freedesktop.DBus.Peer", "Ping")));
}

static void
ask (Guest *guest, const char *operation, const char *suboperation)
{
  sd_bus_message *question = new_question (guest, ACCMIG_IFACE_GATE, "Ask");
  sd_bus_message *answer;
  const char *message = NULL;
  int allowed = FALSE;
  int r = sd_bus_message_append (question, "ssss", guest->domain, operation, suboperation, "-");

  if (r >= 0)
    r = sd_bus_message_append_array (question, 'y', guest->xml, guest->length);
  if (r < 0)
    sample_fail ("cannot make a question: %s", g_strerror (-r));
  answer = call (guest, question);
  r = sd_bus_message_read (answer, "bs", &allowed, &message);
  if (r < 0 || !allowed)
    sample_fail ("%s %s was not allowed: %s", operation, suboperation, r < 0 ? g_strerror (-r) : message);
  sd_bus_message_unref (answer);
}

static void
measure (Guest *guest)
{
  gint64 start = sample_now ();

  ping (guest);
  sample_print ("ping", sample_now () - start, 1);

  start = sample_now ();
  ask (guest, "migrate", "begin");
  sample_print ("ask", sample_now () - start, 1);

  ask (guest, "release", "end");
}

int
main (int argc, char **argv)
{
  Guest guest = { 0 };
  guint rounds;
  int r;

  g_set_prgname ("gate-loop");
  if (argc != 4)
    sample_fail ("usage: gate-loop ROUNDS DOMAIN XML");
  rounds = sample_number (argv[1], 1, 100000);
  guest.domain = argv[2];
  guest.xml = sample_file (argv[3], &guest.length);
  r = sd_bus_open_system (&guest.bus);
  if (r < 0)
    sample_fail ("cannot reach the bus: %s", g_strerror (-r));

  for (guint i = 0; i < rounds; i++)
    measure (&guest);

  sd_bus_flush_close_unref (guest.bus);
  g_free (guest.xml);
  return 0;
}
