// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * org.accmig1.Manager
 *
 * Reads are open to everybody on the bus, so what they cost is bounded: sizes of what comes in, and the
 * number of calls that wait for libvirt or for a device at a time.
 */

#include "description.h"
#include "system-bus-private.h"

#include "config.h"

#define NAME_MAX_BYTES 255  /* of a domain's name */
#define LIST_MAX       1000 /* migrations in one answer */

/* One call that waits. */
typedef struct
{
  SystemBus *bus;
  sd_bus_message *call;
} Waiting;

/* (nullable): NULL when too many wait already, with @ret_error set */
static Waiting *
waiting_new (SystemBus *self, sd_bus_message *call, sd_bus_error *ret_error)
{
  Waiting *waiting = NULL;

  if (!system_bus_begin_wait (self, ret_error))
    return NULL;
  waiting = g_new0 (Waiting, 1);
  waiting->bus = self;
  waiting->call = sd_bus_message_ref (call);
  return waiting;
}

static void
waiting_free (Waiting *waiting)
{
  system_bus_end_wait (waiting->bus);
  sd_bus_message_unref (waiting->call);
  g_free (waiting);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Waiting, waiting_free)

static void
reply_string (sd_bus_message *call, const char *text)
{
  (void)sd_bus_reply_method_return (call, "s", text);
}

/* ---- devices ---- */

static int
method_get_profile (sd_bus_message *m, void *user, sd_bus_error *ret_error)
{
  SystemBus *self = user;
  const char *address = NULL;
  const Device *device = NULL;
  g_autofree char *profile = NULL;
  int r = sd_bus_message_read (m, "s", &address);

  if (r < 0)
    return r;
  device = device_bus_find (self, address, ret_error);
  if (device == NULL)
    return -EINVAL;
  if (device_get_profile (device) == NULL)
    return sd_bus_error_setf (ret_error, ACCMIG_BUS_ERROR ("Failed"), "the profile of %s could not be made",
                              address);
  profile = accmig_profile_to_json (device_get_profile (device));
  return sd_bus_reply_method_return (m, "s", profile);
}

/* ---- domains ---- */

static void
on_found (GObject *source, GAsyncResult *result, gpointer user)
{
  g_autoptr (Waiting) waiting = user;
  const SystemBusSources *sources = &waiting->bus->sources;
  g_autoptr (GError) error = NULL;
  g_autoptr (HypervisorDomain) found = hypervisor_find_finish (sources->hypervisor, result, &error);
  g_autoptr (AccmigDomain) domain = NULL;
  g_autofree char *description = NULL;

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
    {
      (void)sd_bus_reply_method_errorf (waiting->call, ACCMIG_BUS_ERROR ("UnknownDomain"), "%s",
                                        error->message);
      return;
    }
  if (found != NULL)
    {
      const char *xml = hypervisor_domain_get_xml (found);

      domain = accmig_domain_new_from_xml (xml, strlen (xml), &error);
    }
  if (domain == NULL)
    {
      bus_error_reply (waiting->call, error);
      return;
    }
  description = description_format (domain, sources->registry);
  reply_string (waiting->call, description);
}

static int
method_describe_domain (sd_bus_message *m, void *user, sd_bus_error *ret_error)
{
  SystemBus *self = user;
  const char *name = NULL;
  Waiting *waiting = NULL;
  int r = sd_bus_message_read (m, "s", &name);

  if (r < 0)
    return r;
  if (strlen (name) > NAME_MAX_BYTES)
    return sd_bus_error_setf (ret_error, ACCMIG_BUS_ERROR ("UnknownDomain"),
                              "no domain has a name of %zu bytes", strlen (name));
  waiting = waiting_new (self, m, ret_error);
  if (waiting == NULL)
    return -EBUSY;
  hypervisor_find_async (self->sources.hypervisor, name, on_found, waiting);
  return 1;
}

/* ---- migrations ---- */

static int
append_row (sd_bus_message *reply, const HistoryRow *row)
{
  return sd_bus_message_append (reply, "a{sv}", 9,                              /* */
                                "Id", "t", row->id,                             /* */
                                "Domain", "s", row->name,                       /* */
                                "DomainUuid", "s", row->uuid,                   /* */
                                "Role", "s", role_to_string (row->role),        /* */
                                "Phase", "s", phase_to_string (row->phase),     /* */
                                "Cause", "s", row->cause,                       /* */
                                "StartedUSec", "t", (guint64)row->started_usec, /* */
                                "EndedUSec", "t", (guint64)row->ended_usec,     /* */
                                "DowntimeUSec", "t", (guint64)MAX (row->downtime_usec, 0));
}

static int
method_list_migrations (sd_bus_message *m, void *user, sd_bus_error *ret_error)
{
  SystemBus *self = user;
  guint32 limit = 0;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) rows = NULL;
  g_autoptr (sd_bus_message) reply = NULL;
  int r = sd_bus_message_read (m, "u", &limit);

  if (r < 0)
    return r;
  rows = history_list (self->sources.history, MIN (limit, LIST_MAX), &error);
  if (rows == NULL)
    return bus_error_set (ret_error, error);
  r = sd_bus_message_new_method_return (m, &reply);
  if (r >= 0)
    r = sd_bus_message_open_container (reply, 'a', "a{sv}");
  for (guint i = 0; r >= 0 && i < rows->len; i++)
    r = append_row (reply, rows->pdata[i]);
  if (r >= 0)
    r = sd_bus_message_close_container (reply);
  return r < 0 ? r : sd_bus_send (NULL, reply, NULL);
}

static int
method_describe_migration (sd_bus_message *m, void *user, sd_bus_error *ret_error)
{
  SystemBus *self = user;
  guint64 id = 0;
  g_autoptr (GError) error = NULL;
  g_autoptr (HistoryRow) row = NULL;
  int r = sd_bus_message_read (m, "t", &id);

  if (r < 0)
    return r;
  row = history_get (self->sources.history, id, &error);
  if (row != NULL)
    return sd_bus_reply_method_return (m, "s", row->document);
  if (error != NULL)
    return bus_error_set (ret_error, error);
  return sd_bus_error_setf (ret_error, ACCMIG_BUS_ERROR ("UnknownMigration"),
                            "no migration %" G_GUINT64_FORMAT, id);
}

/* ---- properties ---- */

static int
get_version (sd_bus *bus, const char *path, const char *interface, const char *property,
             sd_bus_message *reply, void *user, sd_bus_error *ret_error)
{
  return sd_bus_message_append (reply, "s", ACCMIG_VERSION);
}

static int
get_hypervisor_connected (sd_bus *bus, const char *path, const char *interface, const char *property,
                          sd_bus_message *reply, void *user, sd_bus_error *ret_error)
{
  SystemBus *self = user;

  return sd_bus_message_append (reply, "b", (int)hypervisor_is_connected (self->sources.hypervisor));
}

static int
get_broker_connected (sd_bus *bus, const char *path, const char *interface, const char *property,
                      sd_bus_message *reply, void *user, sd_bus_error *ret_error)
{
  SystemBus *self = user;

  return sd_bus_message_append (reply, "b", (int)broker_client_is_connected (self->sources.broker));
}

static const sd_bus_vtable manager_vtable[] = {
  SD_BUS_VTABLE_START (0),
  SD_BUS_PROPERTY ("Version", "s", get_version, 0, SD_BUS_VTABLE_PROPERTY_CONST),
  SD_BUS_PROPERTY ("HypervisorConnected", "b", get_hypervisor_connected, 0,
                   SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
  SD_BUS_PROPERTY ("BrokerConnected", "b", get_broker_connected, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
  SD_BUS_METHOD_WITH_ARGS ("GetProfile", SD_BUS_ARGS ("s", address), SD_BUS_RESULT ("s", profile),
                           method_get_profile, SD_BUS_VTABLE_UNPRIVILEGED),
  SD_BUS_METHOD_WITH_ARGS ("DescribeDomain", SD_BUS_ARGS ("s", domain), SD_BUS_RESULT ("s", description),
                           method_describe_domain, SD_BUS_VTABLE_UNPRIVILEGED),
  SD_BUS_METHOD_WITH_ARGS ("CheckDomain", SD_BUS_ARGS ("s", description), SD_BUS_RESULT ("s", report),
                           check_bus_domain, SD_BUS_VTABLE_UNPRIVILEGED),
  SD_BUS_METHOD_WITH_ARGS ("CheckDomainWith", SD_BUS_ARGS ("s", description, "a{sv}", options),
                           SD_BUS_RESULT ("s", report), check_bus_domain_with, SD_BUS_VTABLE_UNPRIVILEGED),
  SD_BUS_METHOD_WITH_ARGS ("ListMigrations", SD_BUS_ARGS ("u", limit), SD_BUS_RESULT ("aa{sv}", migrations),
                           method_list_migrations, SD_BUS_VTABLE_UNPRIVILEGED),
  SD_BUS_METHOD_WITH_ARGS ("DescribeMigration", SD_BUS_ARGS ("t", id), SD_BUS_RESULT ("s", description),
                           method_describe_migration, SD_BUS_VTABLE_UNPRIVILEGED),
  SD_BUS_METHOD_WITH_ARGS ("GetState", SD_BUS_ARGS ("s", address), SD_BUS_RESULT ("s", state), state_bus_get,
                           SD_BUS_VTABLE_UNPRIVILEGED),
  SD_BUS_METHOD_WITH_ARGS ("SaveState", SD_BUS_ARGS ("s", address, "h", stream), SD_BUS_RESULT ("t", bytes),
                           state_bus_save, SD_BUS_VTABLE_UNPRIVILEGED),
  SD_BUS_METHOD_WITH_ARGS ("LoadState", SD_BUS_ARGS ("s", address, "h", stream), SD_BUS_RESULT ("t", bytes),
                           state_bus_load, SD_BUS_VTABLE_UNPRIVILEGED),
  SD_BUS_METHOD_WITH_ARGS ("SetState", SD_BUS_ARGS ("s", address, "as", states),
                           SD_BUS_RESULT ("a(ssastss)", steps), walk_bus_set, SD_BUS_VTABLE_UNPRIVILEGED),
  SD_BUS_METHOD_WITH_ARGS ("ResetDevice", SD_BUS_ARGS ("s", address), SD_BUS_NO_RESULT, reset_bus_reset,
                           SD_BUS_VTABLE_UNPRIVILEGED),
  SD_BUS_METHOD_WITH_ARGS ("ListAlarms", SD_BUS_NO_ARGS, SD_BUS_RESULT ("aa{sv}", alarms), alarm_bus_list,
                           SD_BUS_VTABLE_UNPRIVILEGED),
  SD_BUS_SIGNAL_WITH_ARGS ("AlarmRaised", SD_BUS_ARGS ("a{sv}", alarm), 0),
  SD_BUS_SIGNAL_WITH_ARGS ("AlarmCleared", SD_BUS_ARGS ("a{sv}", alarm), 0),
  SD_BUS_METHOD_WITH_ARGS ("RegisterDevice",
                           SD_BUS_ARGS ("s", domain, "s", name, "h", device, "a{sv}", options),
                           SD_BUS_RESULT ("o", path), registration_bus_register, SD_BUS_VTABLE_UNPRIVILEGED),
  SD_BUS_METHOD_WITH_ARGS ("UnregisterDevice", SD_BUS_ARGS ("s", domain, "s", name), SD_BUS_NO_RESULT,
                           registration_bus_unregister, SD_BUS_VTABLE_UNPRIVILEGED),
  SD_BUS_METHOD_WITH_ARGS ("SendRegistered", SD_BUS_ARGS ("s", domain, "s", name, "h", stream),
                           SD_BUS_RESULT ("t", bytes), carry_bus_send, SD_BUS_VTABLE_UNPRIVILEGED),
  SD_BUS_METHOD_WITH_ARGS ("ReceiveRegistered", SD_BUS_ARGS ("h", stream_in, "h", stream_out),
                           SD_BUS_RESULT ("s", name), carry_bus_receive, SD_BUS_VTABLE_UNPRIVILEGED),
  SD_BUS_METHOD_WITH_ARGS ("ReportRefusal", SD_BUS_ARGS ("s", uuid, "s", token, "s", host, "s", cause),
                           SD_BUS_NO_RESULT, refusal_bus_report, SD_BUS_VTABLE_UNPRIVILEGED),
  SD_BUS_VTABLE_END,
};

int
manager_bus_attach (SystemBus *self)
{
  return sd_bus_add_object_vtable (self->bus, NULL, ACCMIG_OBJECT_ROOT, ACCMIG_IFACE_MANAGER, manager_vtable,
                                   self);
}

void
system_bus_connections_changed (SystemBus *self)
{
  (void)sd_bus_emit_properties_changed (self->bus, ACCMIG_OBJECT_ROOT, ACCMIG_IFACE_MANAGER,
                                        "HypervisorConnected", "BrokerConnected", NULL);
}
