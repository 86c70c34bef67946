// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Registering devices, for org.accmig1.Manager
 *
 * The caller's file descriptor goes on to the broker, unread, which finds out whether it is a device. Nobody
 * finds out which: the address is the caller's word, and only held against what is known about it here.
 */

#include "common/text.h"
#include "polkit.h"
#include "system-bus-private.h"

#define NAME_MAX_BYTES 255 /* of a domain's name */

/* ---- the call that waits ---- */

typedef struct
{
  SystemBus *bus;
  sd_bus_message *call;
  char *uuid; /* of the domain, once it is known */
  gboolean counted;
} Work;

static Work *
work_new (SystemBus *bus, sd_bus_message *call)
{
  Work *work = g_new0 (Work, 1);

  work->bus = bus;
  work->call = sd_bus_message_ref (call);
  return work;
}

static void
work_free (Work *work)
{
  if (work->counted)
    system_bus_end_wait (work->bus);
  sd_bus_message_unref (work->call);
  g_free (work->uuid);
  g_free (work);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Work, work_free)

/* What a call says, from its start. Borrowed from the message. */
typedef struct
{
  const char *domain;
  const char *name;
  int fd;
  const char *address;
} Arguments;

static int
read_options (sd_bus_message *m, Arguments *arguments, sd_bus_error *ret_error)
{
  const char *key = NULL;
  int r = sd_bus_message_enter_container (m, 'a', "{sv}");

  while (r >= 0 && (r = sd_bus_message_enter_container (m, 'e', "sv")) > 0)
    {
      r = sd_bus_message_read (m, "s", &key);
      if (r < 0)
        return r;
      if (strcmp (key, "address") != 0)
        return sd_bus_error_setf (ret_error, ACCMIG_BUS_ERROR ("Invalid"), "there is no option “%.*s”",
                                  text_quotable (key), key);
      r = sd_bus_message_read (m, "v", "s", &arguments->address);
      if (r >= 0)
        r = sd_bus_message_exit_container (m);
    }
  return r < 0 ? r : sd_bus_message_exit_container (m);
}

static int
read_arguments (sd_bus_message *m, Arguments *arguments, sd_bus_error *ret_error)
{
  int r = sd_bus_message_rewind (m, TRUE);

  arguments->address = "";
  if (r >= 0)
    r = sd_bus_message_read (m, "ssh", &arguments->domain, &arguments->name, &arguments->fd);
  return r < 0 ? r : read_options (m, arguments, ret_error);
}

/* ---- which domain ---- */

typedef void (*Resolved) (Work *work);

/* One question to libvirt, and what follows. */
typedef struct
{
  Work *work;
  Resolved resolved;
} Lookup;

static void
on_found (GObject *source, GAsyncResult *result, gpointer user)
{
  g_autofree Lookup *lookup = user;
  g_autoptr (Work) work = lookup->work;
  g_autoptr (GError) error = NULL;
  g_autoptr (HypervisorDomain) found = hypervisor_find_finish (work->bus->sources.hypervisor, result, &error);

  if (found != NULL)
    {
      work->uuid = g_strdup (hypervisor_domain_get_uuid (found));
      lookup->resolved (g_steal_pointer (&work));
    }
  else if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
    (void)sd_bus_reply_method_errorf (work->call, ACCMIG_BUS_ERROR ("UnknownDomain"), "%s", error->message);
  else
    bus_error_reply (work->call, error);
}

/* A UUID is taken as it is: the domain may be one to come. */
static void
resolve_domain (Work *work, const char *domain, Resolved resolved)
{
  Lookup *lookup;

  if (g_uuid_string_is_valid (domain))
    {
      work->uuid = g_ascii_strdown (domain, -1);
      resolved (work);
      return;
    }
  lookup = g_new0 (Lookup, 1);
  lookup->work = work;
  lookup->resolved = resolved;
  hypervisor_find_async (work->bus->sources.hypervisor, domain, on_found, lookup);
}

/* What is plainly wrong is said before anybody is asked anything. */
static int
check_words (const char *domain, const char *name, sd_bus_error *ret_error)
{
  if (*domain == '\0' || strlen (domain) > NAME_MAX_BYTES)
    return sd_bus_error_setf (ret_error, ACCMIG_BUS_ERROR ("UnknownDomain"),
                              "no domain has a name of %zu bytes", strlen (domain));
  if (!registered_name_is_valid (name))
    return sd_bus_error_setf (
        ret_error, ACCMIG_BUS_ERROR ("Invalid"),
        "a device's name has 1 to %d letters, digits, “.”, “_”, “-”, and this one of %zu bytes does not",
        REGISTERED_NAME_MAX, strlen (name));
  return 0;
}

/* ---- RegisterDevice ---- */

static void
on_registered (GObject *source, GAsyncResult *result, gpointer user)
{
  g_autoptr (Work) work = user;
  g_autoptr (GError) error = NULL;
  g_autofree char *id = NULL;
  g_autofree char *path = NULL;
  Arguments arguments = { 0 };

  if (!registered_set_register_finish (result, &error))
    {
      system_bus_reply_error (work->call, error);
      return;
    }
  if (read_arguments (work->call, &arguments, NULL) < 0)
    return;
  id = registered_id_make (work->uuid, arguments.name);
  path = registered_bus_make_path (id);
  (void)sd_bus_reply_method_return (work->call, "o", path);
}

/* Whether there is a device at the address, where one was told, and it is nobody else's. That the caller's
 * file descriptor is this device's is not checked. */
static gboolean
check_address (SystemBus *self, const char *address, GError **error)
{
  const Device *device = NULL;

  if (*address == '\0')
    return TRUE;
  if (accmig_address_is_valid (address, NULL))
    device = registry_lookup (self->sources.registry, address);
  if (device == NULL)
    g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_NOT_FOUND, "no device “%.*s” on this host",
                 text_quotable (address), address);
  else if (device_get_owner (device) == OWNER_GUEST || device_get_owner (device) == OWNER_RESERVED)
    g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_BUSY, "%s is %s for domain “%s”", address,
                 device_get_owner (device) == OWNER_GUEST ? "in use" : "reserved",
                 device_get_domain (device));
  else
    return TRUE;
  return FALSE;
}

/* @work: (transfer full) */
static void
register_resolved (Work *work)
{
  g_autoptr (Work) owned = work;
  SystemBus *self = work->bus;
  const char *sender = sd_bus_message_get_sender (work->call);
  g_autoptr (GError) error = NULL;
  Arguments arguments = { 0 };
  int r = read_arguments (work->call, &arguments, NULL);

  if (r >= 0 && !check_address (self, arguments.address, &error))
    {
      system_bus_reply_error (work->call, error);
      return;
    }
  if (r >= 0)
    r = holder_bus_watch (self, sender);
  if (r < 0)
    {
      (void)sd_bus_reply_method_errorf (work->call, ACCMIG_BUS_ERROR ("Failed"),
                                        "the bus cannot be asked to watch the caller: %s", g_strerror (-r));
      return;
    }
  registered_set_register_async (self->sources.registered,
                                 &(RegisteredRequest){
                                     .uuid = work->uuid,
                                     .name = arguments.name,
                                     .address = arguments.address,
                                     .holder = sender,
                                     .fd = arguments.fd,
                                 },
                                 on_registered, g_steal_pointer (&owned));
}

static void
on_may_register (sd_bus_message *m, uid_t caller, gpointer user)
{
  SystemBus *self = user;
  sd_bus_error error = SD_BUS_ERROR_NULL;
  Arguments arguments = { 0 };
  Work *work;

  if (read_arguments (m, &arguments, NULL) < 0 || !system_bus_begin_wait (self, &error))
    {
      (void)sd_bus_reply_method_error (m, &error);
      sd_bus_error_free (&error);
      return;
    }
  work = work_new (self, m);
  work->counted = TRUE;
  resolve_domain (work, arguments.domain, register_resolved);
}

int
registration_bus_register (sd_bus_message *m, void *user, sd_bus_error *ret_error)
{
  Arguments arguments = { 0 };
  int r = read_arguments (m, &arguments, ret_error);

  if (r >= 0)
    r = check_words (arguments.domain, arguments.name, ret_error);
  if (r < 0)
    return r;
  polkit_authorize (m, ACCMIG_ACTION_REGISTER, on_may_register, user);
  return 1;
}

/* ---- UnregisterDevice ---- */

/* @resolved: (transfer full) */
static void
unregister_resolved (Work *resolved)
{
  g_autoptr (Work) work = resolved;
  RegisteredSet *set = work->bus->sources.registered;
  const char *domain = NULL, *name = NULL;
  g_autofree char *id = NULL;
  const Registered *device;

  if (sd_bus_message_rewind (work->call, TRUE) < 0
      || sd_bus_message_read (work->call, "ss", &domain, &name) < 0)
    return;
  id = registered_id_make (work->uuid, name);
  device = registered_lookup_id (set, id);
  if (device == NULL)
    (void)sd_bus_reply_method_errorf (work->call, ACCMIG_BUS_ERROR ("UnknownDevice"),
                                      "“%s” is not registered", id);
  else if (g_strcmp0 (registered_get_holder (device), sd_bus_message_get_sender (work->call)) != 0)
    (void)sd_bus_reply_method_errorf (work->call, SD_BUS_ERROR_ACCESS_DENIED,
                                      "“%s” was registered by %s, who alone may take it back", id,
                                      registered_get_holder (device));
  else
    {
      registered_set_unregister (set, id);
      (void)sd_bus_reply_method_return (work->call, NULL);
    }
}

int
registration_bus_unregister (sd_bus_message *m, void *user, sd_bus_error *ret_error)
{
  SystemBus *self = user;
  const char *domain = NULL, *name = NULL;
  Work *work;
  int r = sd_bus_message_read (m, "ss", &domain, &name);

  if (r >= 0)
    r = check_words (domain, name, ret_error);
  if (r < 0)
    return r;
  if (!system_bus_begin_wait (self, ret_error))
    return -EBUSY;
  work = work_new (self, m);
  work->counted = TRUE;
  resolve_domain (work, domain, unregister_resolved);
  return 1;
}
