// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Watching migrations
 *
 * Subscribed first, asked afterwards, so that nothing falls in between. An agent that restarts takes its
 * objects along and brings them back; they are asked for again then.
 */

#include "client-private.h"

#include <accmig/error.h>
#include <errno.h>
#include <glib-unix.h>

#include "common/names.h"
#include "message.h"

#define IFACE_OBJECTS    "org.freedesktop.DBus.ObjectManager"
#define IFACE_PROPERTIES "org.freedesktop.DBus.Properties"

typedef struct
{
  Client *client;
  const ClientWatch *callbacks;
  gpointer user;
  GMainLoop *loop;
  gboolean interrupted;
  GError *error; /* (nullable) */
} Watch;

static void
tell (Watch *watch, const char *path, GVariant *properties, ClientNews news)
{
  if (!watch->callbacks->migration (path, properties, news, watch->user))
    g_main_loop_quit (watch->loop);
}

/* @interfaces: a{sa{sv}} of one object */
static void
tell_object (Watch *watch, const char *path, GVariant *interfaces, ClientNews news)
{
  g_autoptr (GVariant) properties =
      g_variant_lookup_value (interfaces, ACCMIG_IFACE_MIGRATION, G_VARIANT_TYPE_VARDICT);

  if (properties != NULL)
    tell (watch, path, properties, news);
}

static gboolean
tell_all (Watch *watch, GError **error)
{
  g_autoptr (GVariant) objects = client_get_objects (watch->client, error);
  GVariantIter iter;
  const char *path = NULL;
  GVariant *interfaces = NULL;

  if (objects == NULL)
    return FALSE;
  g_variant_iter_init (&iter, objects);
  while (g_variant_iter_loop (&iter, "{&o@a{sa{sv}}}", &path, &interfaces))
    tell_object (watch, path, interfaces, CLIENT_FOUND);
  return TRUE;
}

/* ---- what comes in ---- */

static int
on_added (sd_bus_message *m, void *user, sd_bus_error *ret_error)
{
  const char *path = NULL;
  g_autoptr (GVariant) interfaces = NULL;

  if (sd_bus_message_read (m, "o", &path) >= 0 && message_read (m, &interfaces) >= 0
      && g_variant_is_of_type (interfaces, G_VARIANT_TYPE ("a{sa{sv}}")))
    tell_object (user, path, interfaces, CLIENT_ADDED);
  return 0;
}

static int
on_changed (sd_bus_message *m, void *user, sd_bus_error *ret_error)
{
  const char *interface = NULL;
  g_autoptr (GVariant) properties = NULL;

  if (sd_bus_message_read (m, "s", &interface) >= 0 && g_str_equal (interface, ACCMIG_IFACE_MIGRATION)
      && message_read (m, &properties) >= 0 && g_variant_is_of_type (properties, G_VARIANT_TYPE_VARDICT))
    tell (user, sd_bus_message_get_path (m), properties, CLIENT_CHANGED);
  return 0;
}

static int
on_alarm (sd_bus_message *m, void *user, sd_bus_error *ret_error)
{
  Watch *watch = user;
  g_autoptr (GVariant) alarm = NULL;

  if (message_read (m, &alarm) >= 0 && g_variant_is_of_type (alarm, G_VARIANT_TYPE_VARDICT))
    watch->callbacks->alarm (alarm, g_str_equal (sd_bus_message_get_member (m), "AlarmRaised"), watch->user);
  return 0;
}

static int
on_owner_changed (sd_bus_message *m, void *user, sd_bus_error *ret_error)
{
  Watch *watch = user;
  const char *name = NULL, *before = NULL, *now = NULL;

  if (sd_bus_message_read (m, "sss", &name, &before, &now) < 0)
    return 0;
  if (*now == '\0')
    watch->callbacks->away (watch->user);
  else if (!tell_all (watch, &watch->error))
    g_main_loop_quit (watch->loop);
  return 0;
}

static gboolean
on_signal (gpointer user)
{
  Watch *watch = user;

  watch->interrupted = TRUE;
  g_main_loop_quit (watch->loop);
  return G_SOURCE_CONTINUE;
}

static void
on_closed (sd_bus *bus, gpointer user)
{
  Watch *watch = user;

  if (watch->error == NULL)
    client_fail_errno (watch->client, -ECONNRESET, &watch->error);
  g_main_loop_quit (watch->loop);
}

/* ---- the watch ---- */

static const struct
{
  const char *sender, *path, *interface, *member, *more;
  sd_bus_message_handler_t handler;
} matches[] = {
  { ACCMIG_BUS_NAME, "path='" ACCMIG_OBJECT_ROOT "'", IFACE_OBJECTS, "InterfacesAdded", "", on_added },
  { ACCMIG_BUS_NAME, "path_namespace='" ACCMIG_OBJECT_MIGRATIONS "'", IFACE_PROPERTIES, "PropertiesChanged",
    "", on_changed },
  { ACCMIG_BUS_NAME, "path='" ACCMIG_OBJECT_ROOT "'", ACCMIG_IFACE_MANAGER, "AlarmRaised", "", on_alarm },
  { ACCMIG_BUS_NAME, "path='" ACCMIG_OBJECT_ROOT "'", ACCMIG_IFACE_MANAGER, "AlarmCleared", "", on_alarm },
  { "org.freedesktop.DBus", "path='/org/freedesktop/DBus'", "org.freedesktop.DBus", "NameOwnerChanged",
    ",arg0='" ACCMIG_BUS_NAME "'", on_owner_changed },
};

static int
subscribe (Watch *watch)
{
  int r = 0;

  for (gsize i = 0; r >= 0 && i < G_N_ELEMENTS (matches); i++)
    {
      g_autofree char *rule =
          g_strdup_printf ("type='signal',sender='%s',%s,interface='%s',member='%s'%s", matches[i].sender,
                           matches[i].path, matches[i].interface, matches[i].member, matches[i].more);

      r = sd_bus_add_match (watch->client->bus, NULL, rule, matches[i].handler, watch);
    }
  return r;
}

/* Until nobody wants to go on. */
static void
run (Watch *watch)
{
  guint sources[] = {
    bus_loop_attach (watch->client->bus, on_closed, watch),
    g_unix_signal_add (SIGINT, on_signal, watch),
    g_unix_signal_add (SIGTERM, on_signal, watch),
  };

  g_main_loop_run (watch->loop);
  for (gsize i = 0; i < G_N_ELEMENTS (sources); i++)
    g_clear_handle_id (&sources[i], g_source_remove);
}

gboolean
client_watch (Client *self, const ClientWatch *callbacks, gpointer user, gboolean *ret_interrupted,
              GError **error)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  Watch watch = { .client = self, .callbacks = callbacks, .user = user, .loop = loop };
  int r = subscribe (&watch);

  if (r < 0)
    return client_fail_errno (self, r, error);
  if (!tell_all (&watch, error))
    return FALSE;
  run (&watch);
  if (watch.error != NULL)
    {
      g_propagate_error (error, watch.error);
      return FALSE;
    }
  *ret_interrupted = watch.interrupted;
  return TRUE;
}
