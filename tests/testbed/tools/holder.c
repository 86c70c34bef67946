// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * holder: a backend process, as far as accmig sees one
 *
 *     holder [--group|--cdev] [--once] DOMAIN NAME ADDRESS [NAME ADDRESS …]
 *
 * Opens each device, registers it with the agent, and keeps it until standard input closes. When the agent
 * says that it wants a device, it is registered again, unless --once. Standard input takes, one per line:
 * "register NAME" and "unregister NAME".
 *
 * Standard output, one line each:
 *
 *     open NAME ADDRESS                      it is open
 *     registered NAME PATH                   the agent has it
 *     failed NAME ERROR: SENTENCE            the agent refused
 *     unregistered NAME
 *     wanted NAME                            the agent lost it
 *     finished NAME OUTCOME                  a migration ended for it
 *     state NAME STATE                       the agent says that its state is another now
 */

#include <accmig/device.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "common/bus-loop.h"
#include "common/names.h"
#include "device-private.h"
#include "fd-private.h"

#define EXIT_USAGE   2
#define CALL_USEC    (60 * G_USEC_PER_SEC)
#define LINE_MAX_LEN 256

typedef struct
{
  char *name;
  char *address;
  AccmigDevice *device;
  char *path; /* (nullable): of its object, once the agent has it */
} Held;

typedef struct
{
  char *domain;
  gboolean once;
  AccmigAccess access;
  GPtrArray *held;
  sd_bus *bus;
  sd_event *event;
} Holder;

G_GNUC_PRINTF (1, 2)
static void
say (const char *format, ...)
{
  va_list args;

  va_start (args, format);
  (void)vprintf (format, args);
  va_end (args);
  (void)putchar ('\n');
  (void)fflush (stdout);
}

static void
held_free (gpointer data)
{
  Held *held = data;

  accmig_device_close (held->device);
  g_free (held->name);
  g_free (held->address);
  g_free (held->path);
  g_free (held);
}

static Held *
find_name (const Holder *self, const char *name)
{
  for (guint i = 0; i < self->held->len; i++)
    if (strcmp (((Held *)self->held->pdata[i])->name, name) == 0)
      return self->held->pdata[i];
  return NULL;
}

static Held *
find_path (const Holder *self, const char *path)
{
  for (guint i = 0; i < self->held->len; i++)
    if (g_strcmp0 (((Held *)self->held->pdata[i])->path, path) == 0)
      return self->held->pdata[i];
  return NULL;
}

/* ---- registering ---- */

static void
register_device (Holder *self, Held *held)
{
  sd_bus_error error = SD_BUS_ERROR_NULL;
  g_autoptr (sd_bus_message) call = NULL;
  g_autoptr (sd_bus_message) reply = NULL;
  const char *path = NULL;
  int r = sd_bus_message_new_method_call (self->bus, &call, ACCMIG_BUS_NAME, ACCMIG_OBJECT_ROOT,
                                          ACCMIG_IFACE_MANAGER, "RegisterDevice");

  if (r >= 0)
    r = sd_bus_message_append (call, "ssha{sv}", self->domain, held->name, device_get_fd (held->device), 1,
                               "address", "s", held->address);
  if (r >= 0)
    r = sd_bus_call (self->bus, call, CALL_USEC, &error, &reply);
  if (r >= 0)
    r = sd_bus_message_read (reply, "o", &path);
  if (r >= 0)
    {
      g_free (held->path);
      held->path = g_strdup (path);
      say ("registered %s %s", held->name, path);
    }
  else
    say ("failed %s %s: %s", held->name, error.name != NULL ? error.name : g_strerror (-r),
         error.message != NULL ? error.message : "");
  sd_bus_error_free (&error);
}

static void
unregister_device (Holder *self, Held *held)
{
  sd_bus_error error = SD_BUS_ERROR_NULL;
  int r = sd_bus_call_method (self->bus, ACCMIG_BUS_NAME, ACCMIG_OBJECT_ROOT, ACCMIG_IFACE_MANAGER,
                              "UnregisterDevice", &error, NULL, "ss", self->domain, held->name);

  if (r >= 0)
    say ("unregistered %s", held->name);
  else
    say ("failed %s %s: %s", held->name, error.name, error.message);
  sd_bus_error_free (&error);
}

/* ---- what comes ---- */

static int
on_wanted (sd_bus_message *m, void *user, sd_bus_error *ret_error)
{
  Holder *self = user;
  Held *held = find_path (self, sd_bus_message_get_path (m));

  if (held == NULL)
    return 0;
  say ("wanted %s", held->name);
  if (!self->once)
    register_device (self, held);
  return 0;
}

static int
on_finished (sd_bus_message *m, void *user, sd_bus_error *ret_error)
{
  const Held *held = find_path (user, sd_bus_message_get_path (m));
  const char *outcome = NULL;

  if (held != NULL && sd_bus_message_read (m, "s", &outcome) >= 0)
    say ("finished %s %s", held->name, outcome);
  return 0;
}

static int
on_changed (sd_bus_message *m, void *user, sd_bus_error *ret_error)
{
  const Held *held = find_path (user, sd_bus_message_get_path (m));
  const char *name = NULL;
  int r = held != NULL ? sd_bus_message_skip (m, "s") : -1;

  if (r >= 0)
    r = sd_bus_message_enter_container (m, 'a', "{sv}");
  while (r >= 0 && (r = sd_bus_message_enter_container (m, 'e', "sv")) > 0)
    {
      const char *state = NULL;

      r = sd_bus_message_read (m, "s", &name);
      if (r >= 0 && strcmp (name, "State") == 0)
        r = sd_bus_message_read (m, "v", "s", &state);
      else if (r >= 0)
        r = sd_bus_message_skip (m, "v");
      if (r >= 0 && state != NULL)
        say ("state %s %s", held->name, state);
      if (r >= 0)
        r = sd_bus_message_exit_container (m);
    }
  return 0;
}

static void
obey (Holder *self, char *line)
{
  g_auto (GStrv) words = g_strsplit (g_strchomp (line), " ", 2);
  Held *held = g_strv_length (words) == 2 ? find_name (self, words[1]) : NULL;

  if (held == NULL)
    say ("failed %s what: no such device", line);
  else if (strcmp (words[0], "register") == 0)
    register_device (self, held);
  else if (strcmp (words[0], "unregister") == 0)
    unregister_device (self, held);
  else
    say ("failed %s what: “%s” is not understood", words[1], words[0]);
}

static int
on_input (sd_event_source *source, int fd, uint32_t revents, void *user)
{
  Holder *self = user;
  char line[LINE_MAX_LEN];

  if (fgets (line, sizeof line, stdin) == NULL)
    return sd_event_exit (self->event, EXIT_SUCCESS);
  obey (self, line);
  return 0;
}

/* ---- life ---- */

static gboolean
open_devices (Holder *self, char **words, GError **error)
{
  g_auto (AutoFd) sysfs_fd = open ("/sys", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

  for (; words[0] != NULL; words += 2)
    {
      AccmigDevice *device = accmig_device_open (sysfs_fd, words[1], self->access, error);
      Held *held;

      if (device == NULL)
        return FALSE;
      held = g_new0 (Held, 1);
      held->name = g_strdup (words[0]);
      held->address = g_strdup (words[1]);
      held->device = device;
      g_ptr_array_add (self->held, held);
      say ("open %s %s", held->name, held->address);
    }
  return TRUE;
}

static int
match (Holder *self, const char *interface, const char *member, sd_bus_message_handler_t handler)
{
  return sd_bus_match_signal (self->bus, NULL, ACCMIG_BUS_NAME, NULL, interface, member, handler, self);
}

static int
run (Holder *self)
{
  int r = sd_event_default (&self->event);

  if (r >= 0)
    r = sd_bus_open_system (&self->bus);
  if (r >= 0)
    r = match (self, ACCMIG_IFACE_REGISTERED, "Wanted", on_wanted);
  if (r >= 0)
    r = match (self, ACCMIG_IFACE_REGISTERED, "Finished", on_finished);
  if (r >= 0)
    r = match (self, "org.freedesktop.DBus.Properties", "PropertiesChanged", on_changed);
  if (r >= 0)
    r = sd_bus_attach_event (self->bus, self->event, SD_EVENT_PRIORITY_NORMAL);
  if (r >= 0)
    r = sd_event_add_io (self->event, NULL, STDIN_FILENO, G_IO_IN | G_IO_HUP, on_input, self);
  if (r < 0)
    {
      (void)fprintf (stderr, "holder: %s\n", g_strerror (-r));
      return EXIT_FAILURE;
    }
  for (guint i = 0; i < self->held->len; i++)
    register_device (self, self->held->pdata[i]);
  return sd_event_loop (self->event);
}

static void
holder_clear (Holder *self)
{
  g_clear_pointer (&self->bus, sd_bus_flush_close_unref);
  g_clear_pointer (&self->event, sd_event_unref);
  g_ptr_array_unref (self->held);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Holder, holder_clear)

int
main (int argc, char **argv)
{
  g_auto (Holder) self = { .held = g_ptr_array_new_with_free_func (held_free) };
  gboolean group = FALSE, cdev = FALSE;
  const GOptionEntry options[] = {
    { "group", 0, 0, G_OPTION_ARG_NONE, &group, "Open through the group", NULL },
    { "cdev", 0, 0, G_OPTION_ARG_NONE, &cdev, "Open through the cdev", NULL },
    { "once", 0, 0, G_OPTION_ARG_NONE, &self.once, "Do not register what is wanted again", NULL },
    { 0 },
  };
  g_autoptr (GOptionContext) context = g_option_context_new ("DOMAIN NAME ADDRESS [NAME ADDRESS …]");
  g_autoptr (GError) error = NULL;

  g_option_context_add_main_entries (context, options, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error) || argc < 4 || argc % 2 != 0)
    {
      (void)fprintf (stderr, "holder: %s\n",
                     error != NULL ? error->message : "DOMAIN NAME ADDRESS are wanted");
      return EXIT_USAGE;
    }
  self.domain = argv[1];
  self.access = group ? ACCMIG_ACCESS_GROUP : cdev ? ACCMIG_ACCESS_CDEV : ACCMIG_ACCESS_AUTO;
  if (!open_devices (&self, argv + 2, &error))
    {
      (void)fprintf (stderr, "holder: %s\n", error->message);
      return EXIT_FAILURE;
    }
  return run (&self);
}
