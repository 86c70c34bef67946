/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <glib.h>

/*
 * The journal: a line for the person on call, with the ids that find its sisters. One table of events; each
 * has a MESSAGE_ID, a priority and an entry in the catalog.
 */

typedef enum
{
  LOG_EVENT_PHASE,          /* a migration changed its phase */
  LOG_EVENT_COMPLETED,      /* … and how long it took */
  LOG_EVENT_REFUSED,        /* the gate refused */
  LOG_EVENT_ACCEPTED,       /* the gate accepted */
  LOG_EVENT_REMAPPED,       /* it gave a guest another device than its XML names */
  LOG_EVENT_POLICY,         /* a policy decided in place of a verdict */
  LOG_EVENT_FAILED,         /* a migration failed, was cancelled or lost */
  LOG_EVENT_PROFILE,        /* profiles written to a domain's metadata */
  LOG_EVENT_PROFILE_FAILED, /* … or not */
  LOG_EVENT_HYPERVISOR,     /* connected to libvirt, or lost */
  LOG_EVENT_BROKER,         /* connected to the broker, or lost */
  LOG_EVENT_UNTOLD,         /* the source's agent was not told of a refusal */
  LOG_EVENT_ALARM,          /* an alarm was raised … */
  LOG_EVENT_ALARM_CLEARED,  /* … and is over */
  LOG_EVENT_REPAIR,         /* a guest's device was set running, or could not be */
  LOG_EVENT_REGISTERED,     /* a backend process registered a device, or took it back */
  LOG_EVENT_BY_HAND,        /* somebody set a device's state, or reset it */
  LOG_EVENT_STRANGE,        /* something that cannot happen, did */
} LogEvent;

#define N_LOG_EVENTS (LOG_EVENT_STRANGE + 1)

/* What a line is about; members may be NULL or 0. */
typedef struct
{
  const char *domain;
  const char *uuid;
  const char *device;
  guint64 migration;
} LogContext;

/* Sends one line, to the journal where there is one, else to stderr. */
void log_event (LogEvent event, const LogContext *context, const char *format, ...) G_GNUC_PRINTF (3, 4);

/* Highest syslog priority that is sent; LogControl1's LogLevel. */
void log_set_max_level (int level);
int log_get_max_level (void);
