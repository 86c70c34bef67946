// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * org.freedesktop.LogControl1
 *
 * So that "systemctl service-log-level accmigd debug" works. Where lines go is decided by who started the
 * agent and is not to be changed.
 */

#include "log.h"
#include "system-bus-private.h"

#define LOG_CONTROL_PATH  "/org/freedesktop/LogControl1"
#define LOG_CONTROL_IFACE "org.freedesktop.LogControl1"
#define LOG_TARGET        "auto"
#define LOG_IDENTIFIER    "accmigd"

/* By syslog's numbers. */
static const char *const levels[] = { "emerg", "alert", "crit", "err", "warning", "notice", "info", "debug" };

static int
get_level (sd_bus *bus, const char *path, const char *interface, const char *property, sd_bus_message *reply,
           void *user, sd_bus_error *ret_error)
{
  return sd_bus_message_append (reply, "s",
                                levels[CLAMP (log_get_max_level (), 0, (int)G_N_ELEMENTS (levels) - 1)]);
}

static int
set_level (sd_bus *bus, const char *path, const char *interface, const char *property, sd_bus_message *value,
           void *user, sd_bus_error *ret_error)
{
  const char *name = NULL;
  int r = sd_bus_message_read (value, "s", &name);

  if (r < 0)
    return r;
  for (gsize i = 0; i < G_N_ELEMENTS (levels); i++)
    if (g_str_equal (levels[i], name))
      {
        log_set_max_level ((int)i);
        return 0;
      }
  return sd_bus_error_set (ret_error, SD_BUS_ERROR_INVALID_ARGS, "no such log level");
}

static int
get_target (sd_bus *bus, const char *path, const char *interface, const char *property, sd_bus_message *reply,
            void *user, sd_bus_error *ret_error)
{
  return sd_bus_message_append (reply, "s", LOG_TARGET);
}

static int
set_target (sd_bus *bus, const char *path, const char *interface, const char *property, sd_bus_message *value,
            void *user, sd_bus_error *ret_error)
{
  const char *name = NULL;
  int r = sd_bus_message_read (value, "s", &name);

  if (r < 0)
    return r;
  if (g_str_equal (name, LOG_TARGET))
    return 0;
  return sd_bus_error_set (ret_error, SD_BUS_ERROR_NOT_SUPPORTED, "the only log target is “" LOG_TARGET "”");
}

static int
get_identifier (sd_bus *bus, const char *path, const char *interface, const char *property,
                sd_bus_message *reply, void *user, sd_bus_error *ret_error)
{
  return sd_bus_message_append (reply, "s", LOG_IDENTIFIER);
}

/* Not marked as unprivileged: sd-bus itself keeps others than root from writing. */
static const sd_bus_vtable log_control_vtable[] = {
  SD_BUS_VTABLE_START (0),
  SD_BUS_WRITABLE_PROPERTY ("LogLevel", "s", get_level, set_level, 0, 0),
  SD_BUS_WRITABLE_PROPERTY ("LogTarget", "s", get_target, set_target, 0, 0),
  SD_BUS_PROPERTY ("SyslogIdentifier", "s", get_identifier, 0, SD_BUS_VTABLE_PROPERTY_CONST),
  SD_BUS_VTABLE_END,
};

int
log_control_bus_attach (SystemBus *self)
{
  return sd_bus_add_object_vtable (self->bus, NULL, LOG_CONTROL_PATH, LOG_CONTROL_IFACE, log_control_vtable,
                                   self);
}
