/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <glib.h>

#include "relay.h"

/*
 * The agent of one host, asked over D-Bus.
 *
 * Errors are one sentence. Their code is REFUSED for what a driver refused, NOT_FOUND where the agent does
 * not know the thing that was named, and IO for everything else.
 */

typedef struct _Client Client;

/**
 * client_new:
 * @host: (nullable): "[user@]host", as systemctl -H takes it: ssh runs systemd-stdio-bridge there; NULL for
 * this host Returns: (transfer full) (nullable)
 */
Client *client_new (const char *host, GError **error);
void client_free (Client *client);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Client, client_free)

/**
 * client_call:
 * @member: a method of org.accmig1.Manager that reads, asked within 30 s
 * @types: of its arguments, which follow as for sd_bus_message_append()
 * Returns: (transfer full) (nullable): the first value of the answer
 */
GVariant *client_call (Client *client, GError **error, const char *member, const char *types, ...);

/** client_call_text: the same for a method that takes and answers a string. Returns: (transfer full)
 * (nullable) */
char *client_call_text (Client *client, const char *member, const char *argument, GError **error);

/**
 * client_check_domain:
 * @description: of a domain, from DescribeDomain of another host's agent
 * @trial: whether the drivers shall be asked, too; then a person may be asked for a password
 * Returns: (transfer full) (nullable): the report of this host
 */
char *client_check_domain (Client *client, const char *description, gboolean trial, GError **error);

/** client_get_objects: Returns: (transfer full) (nullable): a{oa{sa{sv}}}, every object and its properties */
GVariant *client_get_objects (Client *client, GError **error);

/** client_get_state: as client_call_text(), but a person may be asked for a password, and gets time for it */
char *client_get_state (Client *client, const char *address, GError **error);

/**
 * client_set_state:
 * @states: names of states, NULL-terminated
 * Returns: (transfer full) (nullable): a(ssastss), each request to the kernel, as org.accmig1.Manager says;
 * it ends with the first that was refused
 */
GVariant *client_set_state (Client *client, const char *address, char *const *states, GError **error);

/** client_reset: resets a free device, whose contents are lost */
gboolean client_reset (Client *client, const char *address, GError **error);

/* A stream between a device and a file. */
typedef struct
{
  const char *member; /* SaveState or LoadState */
  const char *address;
  int fd;             /* borrowed; the agent of this host gets it */
  guint64 total;      /* how many bytes there will be, 0 when nobody knows */
  const Relay *relay; /* (nullable): whose fd it is; else the fd's position tells how much went through */
} Transfer;

typedef struct
{
  guint64 bytes; /* that went through */
  gint64 usec;   /* that it took, from the question to the answer */
} Transferred;

/**
 * client_transfer:
 * Has no limit in time. Shows its progress where the standard error is a terminal. Ctrl-C ends the wait with
 * an error; the agent breaks the transfer off when we are gone.
 */
gboolean client_transfer (Client *client, const Transfer *transfer, Transferred *ret_transferred,
                          GError **error);

typedef enum
{
  CLIENT_FOUND,   /* it was there when the watch began, or when the agent came back */
  CLIENT_ADDED,   /* it has just begun */
  CLIENT_CHANGED, /* some of its properties have */
} ClientNews;

typedef struct
{
  /* @properties: a{sv} of org.accmig1.Migration, all of them or those that changed. Returns: whether to go on
   */
  gboolean (*migration) (const char *path, GVariant *properties, ClientNews news, gpointer user);
  /* An alarm was raised, or is over. @alarm: a{sv} with the keys of ListAlarms */
  void (*alarm) (GVariant *alarm, gboolean raised, gpointer user);
  /* The agent is gone; it will be watched again when it comes back. */
  void (*away) (gpointer user);
} ClientWatch;

/**
 * client_watch:
 * Calls @watch back until it does not want to go on, or until Ctrl-C.
 * @ret_interrupted: (out): whether it was the latter
 */
gboolean client_watch (Client *client, const ClientWatch *watch, gpointer user, gboolean *ret_interrupted,
                       GError **error);
