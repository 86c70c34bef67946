// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * broker-call: the broker's verbs on adopted devices, one per line of standard input
 *
 *     open NAME ADDRESS         open a device here, through whatever the host has
 *     adopt ID NAME             give it to the broker
 *     disown ID
 *     step ID STATE
 *     drain ID FILE             all that is left, appended to a file
 *     drain-ahead ID FILE       what there is now
 *     fill ID FILE
 *     reset ID
 *     state ID
 *     list
 *
 * Each is answered by one line: "VERB: " and the values, or "VERB: ERROR: SENTENCE". Called by root, whose
 * devices accmigd does not see. What was opened is closed at the end; what was adopted is disowned.
 */

#include <accmig/device.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/bus-loop.h"
#include "common/names.h"
#include "device-private.h"
#include "fd-private.h"

#define CALL_USEC    (150 * G_USEC_PER_SEC)
#define LINE_MAX_LEN 512
#define MAX_WORDS    3

typedef struct
{
  sd_bus *bus;
  GHashTable *devices; /* char * name → AccmigDevice * */
  GHashTable *adopted; /* set of char *: ids */
} Session;

typedef struct
{
  const char *name;
  guint n_words; /* after the verb */
  void (*run) (Session *self, char **words);
} Verb;

static sd_bus_message *
new_call (Session *self, const char *member, const char *id)
{
  sd_bus_message *m = NULL;

  if (sd_bus_message_new_method_call (self->bus, &m, NULL, ACCMIG_OBJECT_BROKER, ACCMIG_IFACE_BROKER, member)
          < 0
      || (id != NULL && sd_bus_message_append (m, "s", id) < 0))
    g_error ("no message");
  return m;
}

/* (nullable): the answer; else the error has been said. */
static sd_bus_message *
ask (Session *self, sd_bus_message *m, const char *verb)
{
  sd_bus_error error = SD_BUS_ERROR_NULL;
  sd_bus_message *reply = NULL;

  if (sd_bus_call (self->bus, m, CALL_USEC, &error, &reply) < 0)
    (void)printf ("%s: %s: %s\n", verb, error.name, error.message);
  sd_bus_error_free (&error);
  return reply;
}

/* Says the values of an answer of @types. */
static void
say (const char *verb, sd_bus_message *reply, const char *types)
{
  if (reply == NULL)
    return;
  (void)printf ("%s:", verb);
  for (const char *type = types; *type != '\0'; type++)
    {
      const char *text = NULL;
      guint64 number = 0;
      int truth = 0;

      if (*type == 's' && sd_bus_message_read (reply, "s", &text) > 0)
        (void)printf (" %s", *text != '\0' ? text : "-");
      else if (*type == 't' && sd_bus_message_read (reply, "t", &number) > 0)
        (void)printf (" %" G_GUINT64_FORMAT, number);
      else if (*type == 'b' && sd_bus_message_read (reply, "b", &truth) > 0)
        (void)printf (" %s", truth ? "yes" : "no");
    }
  (void)printf ("\n");
}

static void
verb_open (Session *self, char **words)
{
  g_auto (AutoFd) sysfs_fd = open ("/sys", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  g_autoptr (GError) error = NULL;
  AccmigDevice *device = accmig_device_open (sysfs_fd, words[1], ACCMIG_ACCESS_AUTO, &error);

  if (device == NULL)
    {
      (void)printf ("open: %s\n", error->message);
      return;
    }
  g_hash_table_insert (self->devices, g_strdup (words[0]), device);
  (void)printf ("open: %s\n", accmig_device_get_access (device) == ACCMIG_ACCESS_CDEV ? "cdev" : "group");
}

static void
verb_adopt (Session *self, char **words)
{
  const AccmigDevice *device = g_hash_table_lookup (self->devices, words[1]);
  g_autoptr (sd_bus_message) m = new_call (self, "Adopt", words[0]);
  g_autoptr (sd_bus_message) reply = NULL;

  if (device == NULL || sd_bus_message_append (m, "h", device_get_fd (device)) < 0)
    g_error ("“%s” is not open", words[1]);
  reply = ask (self, m, "adopt");
  say ("adopt", reply, "ttsb");
  if (reply != NULL)
    g_hash_table_add (self->adopted, g_strdup (words[0]));
}

static void
call_simply (Session *self, const char *verb, const char *member, const char *id, const char *answer)
{
  g_autoptr (sd_bus_message) m = new_call (self, member, id);
  g_autoptr (sd_bus_message) reply = ask (self, m, verb);

  say (verb, reply, answer);
}

static void
verb_disown (Session *self, char **words)
{
  call_simply (self, "disown", "Disown", words[0], "");
  g_hash_table_remove (self->adopted, words[0]);
}

static void
verb_reset (Session *self, char **words)
{
  call_simply (self, "reset", "ResetAdopted", words[0], "");
}

static void
verb_state (Session *self, char **words)
{
  call_simply (self, "state", "StateOf", words[0], "s");
}

static void
verb_step (Session *self, char **words)
{
  g_autoptr (sd_bus_message) m = new_call (self, "Step", words[0]);
  g_autoptr (sd_bus_message) reply = NULL;

  if (sd_bus_message_append (m, "s", words[1]) < 0)
    g_error ("no message");
  reply = ask (self, m, "step");
  say ("step", reply, "ss");
}

static void
drain (Session *self, char **words, gboolean final)
{
  g_auto (AutoFd) fd = open (words[1], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  g_autoptr (sd_bus_message) m = new_call (self, "Drain", words[0]);
  g_autoptr (sd_bus_message) reply = NULL;

  if (sd_bus_message_append (m, "hb", fd, (int) final) < 0)
    g_error ("“%s” cannot be written", words[1]);
  reply = ask (self, m, "drain");
  say ("drain", reply, "tb");
}

static void
verb_drain (Session *self, char **words)
{
  drain (self, words, TRUE);
}

static void
verb_drain_ahead (Session *self, char **words)
{
  drain (self, words, FALSE);
}

static void
verb_fill (Session *self, char **words)
{
  g_auto (AutoFd) fd = open (words[1], O_RDONLY | O_CLOEXEC);
  g_autoptr (sd_bus_message) m = new_call (self, "Fill", words[0]);
  g_autoptr (sd_bus_message) reply = NULL;

  if (sd_bus_message_append (m, "h", fd) < 0)
    g_error ("“%s” cannot be read", words[1]);
  reply = ask (self, m, "fill");
  say ("fill", reply, "ts");
}

static void
verb_list (Session *self, char **words)
{
  g_autoptr (sd_bus_message) m = new_call (self, "ListAdopted", NULL);
  g_autoptr (sd_bus_message) reply = ask (self, m, "list");
  const char *id = NULL, *state = NULL;

  if (reply == NULL || sd_bus_message_enter_container (reply, 'a', "(ss)") < 0)
    return;
  (void)printf ("list:");
  while (sd_bus_message_read (reply, "(ss)", &id, &state) > 0)
    (void)printf (" %s=%s", id, state);
  (void)printf ("\n");
}

static const Verb verbs[] = {
  { "open", 2, verb_open }, { "adopt", 2, verb_adopt }, { "disown", 1, verb_disown },
  { "step", 2, verb_step }, { "drain", 2, verb_drain }, { "drain-ahead", 2, verb_drain_ahead },
  { "fill", 2, verb_fill }, { "reset", 1, verb_reset }, { "state", 1, verb_state },
  { "list", 0, verb_list },
};

static void
obey (Session *self, char *line)
{
  g_auto (GStrv) words = g_strsplit (g_strchomp (line), " ", MAX_WORDS);

  for (gsize i = 0; i < G_N_ELEMENTS (verbs); i++)
    if (g_strcmp0 (words[0], verbs[i].name) == 0 && g_strv_length (words) == verbs[i].n_words + 1)
      {
        verbs[i].run (self, words + 1);
        (void)fflush (stdout);
        return;
      }
  g_error ("“%s” is not understood", line);
}

static int
connect_to_broker (Session *self)
{
  int r = sd_bus_new (&self->bus);

  if (r >= 0)
    r = sd_bus_set_address (self->bus, "unix:path=" ACCMIG_BROKER_SOCKET);
  if (r >= 0)
    r = sd_bus_negotiate_fds (self->bus, TRUE);
  return r < 0 ? r : sd_bus_start (self->bus);
}

static void
disown_all (Session *self)
{
  GHashTableIter iter;
  gpointer id;

  g_hash_table_iter_init (&iter, self->adopted);
  while (g_hash_table_iter_next (&iter, &id, NULL))
    {
      g_autoptr (sd_bus_message) m = new_call (self, "Disown", id);

      sd_bus_message_unref (ask (self, m, "disown"));
    }
}

int
main (void)
{
  Session self = {
    .devices = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify)accmig_device_close),
    .adopted = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL),
  };
  char line[LINE_MAX_LEN];
  int r = connect_to_broker (&self);

  if (r < 0)
    {
      (void)fprintf (stderr, "broker-call: %s\n", g_strerror (-r));
      return EXIT_FAILURE;
    }
  while (fgets (line, sizeof line, stdin) != NULL)
    obey (&self, line);
  disown_all (&self);
  sd_bus_flush_close_unref (self.bus);
  g_hash_table_unref (self.devices);
  g_hash_table_unref (self.adopted);
  return EXIT_SUCCESS;
}
