// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The agent, asked
 *
 * The connection is the system bus of this host, or that of another one through ssh and systemd-stdio-bridge,
 * which sd-bus starts by itself and without a shell. ssh speaks on our standard error; as what goes wrong is
 * to be one line, it gets a file instead, whose last line becomes part of that one.
 */

#include "client-private.h"

#include <accmig/error.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/names.h"
#include "message.h"
#include "text.h"

#define CALL_LIMIT_USEC (30 * (guint64)G_USEC_PER_SEC)
#define COMPLAINT_MAX   2048

#define BUS_ERROR(name) "org.freedesktop.DBus.Error." name
#define IFACE_OBJECTS   "org.freedesktop.DBus.ObjectManager"

/* ---- errors ---- */

/* What the beginning of an error's name tells about who did not answer. */
typedef enum
{
  ABSENT_NOT,        /* the agent did */
  ABSENT_AGENT,      /* the bus says that nobody has the agent's name */
  ABSENT_CONNECTION, /* not even the bus */
} Absent;

static const struct
{
  const char *prefix;
  Absent absent;
} absences[] = {
  { BUS_ERROR ("ServiceUnknown"), ABSENT_AGENT }, { BUS_ERROR ("NameHasNoOwner"), ABSENT_AGENT },
  { BUS_ERROR ("Spawn."), ABSENT_AGENT },         { "org.freedesktop.systemd1.", ABSENT_AGENT },
  { BUS_ERROR ("NoReply"), ABSENT_AGENT },        { BUS_ERROR ("Timeout"), ABSENT_CONNECTION },
  { BUS_ERROR ("TimedOut"), ABSENT_CONNECTION },  { BUS_ERROR ("Disconnected"), ABSENT_CONNECTION },
  { BUS_ERROR ("NoServer"), ABSENT_CONNECTION },  { BUS_ERROR ("FileNotFound"), ABSENT_CONNECTION },
  { "System.Error.", ABSENT_CONNECTION },
};

/* Names whose code callers branch on. */
static const struct
{
  const char *name;
  AccmigError code;
} codes[] = {
  { ACCMIG_BUS_ERROR ("Refused"), ACCMIG_ERROR_REFUSED },
  { ACCMIG_BUS_ERROR ("UnknownDevice"), ACCMIG_ERROR_NOT_FOUND },
  { ACCMIG_BUS_ERROR ("UnknownDomain"), ACCMIG_ERROR_NOT_FOUND },
  { ACCMIG_BUS_ERROR ("UnknownMigration"), ACCMIG_ERROR_NOT_FOUND },
};

static Absent
absent_of (const char *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS (absences); i++)
    if (g_str_has_prefix (name, absences[i].prefix))
      return absences[i].absent;
  return ABSENT_NOT;
}

static AccmigError
code_of (const char *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS (codes); i++)
    if (g_str_equal (name, codes[i].name))
      return codes[i].code;
  return ACCMIG_ERROR_IO;
}

/* (nullable) (transfer full): the last line ssh wrote */
static char *
read_complaint (const Client *self)
{
  char text[COMPLAINT_MAX + 1] = "";
  off_t length = self->complaints >= 0 ? lseek (self->complaints, 0, SEEK_END) : 0;
  ssize_t n = length > 0 ? pread (self->complaints, text, COMPLAINT_MAX, MAX (length - COMPLAINT_MAX, 0)) : 0;
  const char *line = NULL;

  if (n <= 0)
    return NULL;
  g_strchomp (text);
  line = strrchr (text, '\n');
  return text_clean (line != NULL ? line + 1 : text);
}

/* Nobody is there. @why: without a full stop */
static gboolean
fail_absent (const Client *self, Absent absent, const char *why, GError **error)
{
  g_autofree char *complaint = absent == ABSENT_CONNECTION ? read_complaint (self) : NULL;

  if (complaint != NULL)
    g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_IO, "%s cannot be reached: %s", self->host, complaint);
  else if (self->host != NULL)
    g_set_error (
        error, ACCMIG_ERROR, ACCMIG_ERROR_IO,
        "the accmig agent does not answer on the system bus of %s: %s; is accmigd.service running there?",
        self->host, why);
  else
    g_set_error (
        error, ACCMIG_ERROR, ACCMIG_ERROR_IO,
        "the accmig agent does not answer on this host's system bus: %s; is accmigd.service running?", why);
  return FALSE;
}

gboolean
client_fail (const Client *self, const sd_bus_error *bus_error, GError **error)
{
  Absent absent = absent_of (bus_error->name);
  const char *message =
      bus_error->message != NULL && *bus_error->message != '\0' ? bus_error->message : bus_error->name;

  if (absent != ABSENT_NOT)
    return fail_absent (self, absent, message, error);
  if (g_str_equal (bus_error->name, BUS_ERROR ("AccessDenied")))
    g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_IO, "not allowed: %s", message);
  else
    g_set_error_literal (error, ACCMIG_ERROR, code_of (bus_error->name), message);
  return FALSE;
}

gboolean
client_fail_errno (const Client *self, int r, GError **error)
{
  return fail_absent (self, ABSENT_CONNECTION, g_strerror (-r), error);
}

/* ---- connection ---- */

/* sd-bus forks ssh at once, so our standard error has to be another one only for that moment. */
static int
open_remote (Client *self)
{
  static GMutex only_one; /* several hosts may be asked at the same time, and there is one standard error */
  g_autoptr (GMutexLocker) G_GNUC_UNUSED locker = g_mutex_locker_new (&only_one);
  int saved = fcntl (STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
  int r = 0;

  self->complaints = memfd_create ("ssh", MFD_CLOEXEC);
  if (saved < 0 || self->complaints < 0 || dup2 (self->complaints, STDERR_FILENO) < 0)
    r = -errno;
  if (r >= 0)
    r = sd_bus_open_system_remote (&self->bus, self->host);
  if (saved >= 0)
    {
      (void)dup2 (saved, STDERR_FILENO);
      (void)close (saved);
    }
  return r;
}

Client *
client_new (const char *host, GError **error)
{
  g_autoptr (Client) self = g_new0 (Client, 1);
  int r = 0;

  self->complaints = -1;
  self->host = g_strdup (host);
  if (host != NULL && *host == '\0')
    {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "a host without a name is none");
      return NULL;
    }
  r = host != NULL ? open_remote (self) : sd_bus_open_system (&self->bus);
  if (r < 0)
    {
      client_fail_errno (self, r, error);
      return NULL;
    }
  return g_steal_pointer (&self);
}

void
client_free (Client *self)
{
  if (self == NULL)
    return;
  sd_bus_flush_close_unref (self->bus);
  if (self->complaints >= 0)
    (void)close (self->complaints);
  g_free (self->host);
  g_free (self);
}

/* ---- calls ---- */

int
client_new_call (const Client *self, const char *interface, const char *member, sd_bus_message **ret_message)
{
  g_autoptr (sd_bus_message) message = NULL;
  int r = sd_bus_message_new_method_call (self->bus, &message, ACCMIG_BUS_NAME, ACCMIG_OBJECT_ROOT, interface,
                                          member);

  if (r >= 0)
    r = sd_bus_message_set_allow_interactive_authorization (message, isatty (STDIN_FILENO));
  if (r >= 0)
    *ret_message = g_steal_pointer (&message);
  return r;
}

gboolean
client_check_text (const char *text, GError **error)
{
  if (g_utf8_validate (text, -1, NULL))
    return TRUE;
  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "“%s” is not UTF-8", text);
  return FALSE;
}

GVariant *
client_send (Client *self, sd_bus_message *message, guint64 limit_usec, GError **error)
{
  g_auto (sd_bus_error) bus_error = SD_BUS_ERROR_NULL;
  g_autoptr (sd_bus_message) reply = NULL;
  GVariant *value = NULL;
  int r = sd_bus_call (self->bus, message, limit_usec, &bus_error, &reply);

  if (r < 0)
    {
      client_fail (self, &bus_error, error);
      return NULL;
    }
  r = message_read (reply, &value);
  if (r < 0)
    g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_IO, "the agent's answer to %s cannot be read: %s",
                 sd_bus_message_get_member (message), g_strerror (-r));
  return value;
}

GVariant *
client_call (Client *self, GError **error, const char *member, const char *types, ...)
{
  g_autoptr (sd_bus_message) message = NULL;
  va_list args;
  int r = client_new_call (self, ACCMIG_IFACE_MANAGER, member, &message);

  if (r >= 0)
    {
      va_start (args, types);
      r = sd_bus_message_appendv (message, types, args);
      va_end (args);
    }
  if (r < 0)
    {
      client_fail_errno (self, r, error);
      return NULL;
    }
  return client_send (self, message, CALL_LIMIT_USEC, error);
}

/* (nullable) (transfer full) */
static char *
take_text (GVariant *value, const char *member, GError **error)
{
  g_autoptr (GVariant) owned = value;

  if (owned == NULL)
    return NULL;
  if (g_variant_is_of_type (owned, G_VARIANT_TYPE_STRING))
    return g_variant_dup_string (owned, NULL);
  g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_IO,
               "the agent answers %s with a value of type “%s”, wanted is “s”", member,
               g_variant_get_type_string (owned));
  return NULL;
}

char *
client_call_text (Client *self, const char *member, const char *argument, GError **error)
{
  if (!client_check_text (argument, error))
    return NULL;
  return take_text (client_call (self, error, member, "s", argument), member, error);
}

GVariant *
client_get_objects (Client *self, GError **error)
{
  g_autoptr (sd_bus_message) message = NULL;
  g_autoptr (GVariant) objects = NULL;
  int r = client_new_call (self, IFACE_OBJECTS, "GetManagedObjects", &message);

  if (r < 0)
    {
      client_fail_errno (self, r, error);
      return NULL;
    }
  objects = client_send (self, message, CALL_LIMIT_USEC, error);
  if (objects == NULL || g_variant_is_of_type (objects, G_VARIANT_TYPE ("a{oa{sa{sv}}}")))
    return g_steal_pointer (&objects);
  g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_IO,
               "the agent's objects come as “%s”, wanted is “a{oa{sa{sv}}}”",
               g_variant_get_type_string (objects));
  return NULL;
}

char *
client_check_domain (Client *self, const char *description, gboolean trial, GError **error)
{
  g_autoptr (sd_bus_message) message = NULL;
  int r = 0;

  if (!trial)
    return client_call_text (self, "CheckDomain", description, error);
  if (!client_check_text (description, error))
    return NULL;
  r = client_new_call (self, ACCMIG_IFACE_MANAGER, "CheckDomainWith", &message);
  if (r >= 0)
    r = sd_bus_message_append (message, "sa{sv}", description, 1, "trial", "b", 1);
  if (r < 0)
    {
      client_fail_errno (self, r, error);
      return NULL;
    }
  return take_text (client_send (self, message,
                                 isatty (STDIN_FILENO) ? CLIENT_PASSWORD_LIMIT_USEC : CALL_LIMIT_USEC, error),
                    "CheckDomainWith", error);
}

char *
client_get_state (Client *self, const char *address, GError **error)
{
  g_autoptr (sd_bus_message) message = NULL;
  int r = 0;

  if (!client_check_text (address, error))
    return NULL;
  r = client_new_call (self, ACCMIG_IFACE_MANAGER, "GetState", &message);
  if (r >= 0)
    r = sd_bus_message_append (message, "s", address);
  if (r < 0)
    {
      client_fail_errno (self, r, error);
      return NULL;
    }
  return take_text (client_send (self, message,
                                 isatty (STDIN_FILENO) ? CLIENT_PASSWORD_LIMIT_USEC : CALL_LIMIT_USEC, error),
                    "GetState", error);
}
