/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <accmig/accmig.h>
#include <gio/gio.h>

/*
 * The agent's side of the private connection to the broker: it connects by itself, comes back when the broker
 * went away (back-off 0.5 s doubling to 10 s), and never blocks. While there is no broker every call fails at
 * once.
 */

typedef struct _BrokerClient BrokerClient;

typedef struct
{
  void (*connected) (gpointer user);
  /* @why: one sentence; called once per loss, and once when the first attempt fails */
  void (*disconnected) (const char *why, gpointer user);
  void (*qemu_event) (const char *uuid, const char *name, const char *event, gint64 at_usec,
                      const char *details, gpointer user);
  /* Some events were missed. @uuid: (nullable): of which domain; NULL for all */
  void (*qemu_gap) (const char *uuid, gpointer user);
} BrokerCallbacks;

/* What Probe answered; free with broker_probe_free(). */
typedef struct
{
  guint64 flags;
  guint64 stop_copy_size;
  guint8 *match;
  gsize match_length;
  AccmigTracking tracking;
} BrokerProbe;

/* What Peek answered. @pid 0: nobody has the device open, and there is no state. */
typedef struct
{
  guint pid;
  guint64 flags;
  gboolean has_state;
  AccmigState state;
  gint64 at_usec; /* wall clock */
} BrokerPeek;

/* What Trial answered. */
typedef struct
{
  gboolean accepted;
  char refusal[16]; /* the errno's name, "EFAULT"; "" when accepted */
} BrokerTrial;

void broker_probe_free (BrokerProbe *probe);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (BrokerProbe, broker_probe_free)

BrokerClient *broker_client_new (const char *socket, const BrokerCallbacks *callbacks, gpointer user);
void broker_client_free (BrokerClient *client);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (BrokerClient, broker_client_free)

/* Begins to connect; the answer is a callback. */
void broker_client_start (BrokerClient *client);
gboolean broker_client_is_connected (const BrokerClient *client);

/* Whether a call failed because there is no broker to answer it, as opposed to the broker's own answer. */
gboolean broker_error_is_unavailable (const GError *error);

/* The verbs of common/broker-protocol.h. Errors: #AccmigError as the broker said, or unavailable. */
void broker_client_probe_async (BrokerClient *client, const char *address, gsize match_size,
                                GAsyncReadyCallback callback, gpointer user);
BrokerProbe *broker_client_probe_finish (GAsyncResult *result, GError **error);

void broker_client_peek_async (BrokerClient *client, const char *address, GAsyncReadyCallback callback,
                               gpointer user);
gboolean broker_client_peek_finish (GAsyncResult *result, BrokerPeek *ret_peek, GError **error);

/* Brings a guest's device to running, if it is in @seen still. @ret_found, @ret_left: states before and after
 */
void broker_client_repair_async (BrokerClient *client, const char *address, AccmigState seen,
                                 GAsyncReadyCallback callback, gpointer user);
gboolean broker_client_repair_finish (GAsyncResult *result, AccmigState *ret_found, AccmigState *ret_left,
                                      GError **error);

/* @fd: borrowed; a duplicate travels */
void broker_client_save_async (BrokerClient *client, const char *address, int fd,
                               GAsyncReadyCallback callback, gpointer user);
void broker_client_load_async (BrokerClient *client, const char *address, int fd,
                               GAsyncReadyCallback callback, gpointer user);
/* Of either. */
gboolean broker_client_transfer_finish (GAsyncResult *result, guint64 *ret_bytes, GError **error);

/* @match: another device's match data; copied */
void broker_client_trial_async (BrokerClient *client, const char *address, GBytes *match,
                                GAsyncReadyCallback callback, gpointer user);
gboolean broker_client_trial_finish (GAsyncResult *result, BrokerTrial *ret_trial, GError **error);

void broker_client_bind_async (BrokerClient *client, const char *address, const char *driver,
                               GAsyncReadyCallback callback, gpointer user);
gboolean broker_client_bind_finish (GAsyncResult *result, GError **error);

/* @parent: a name in /sys/class/mdev_bus, accmig_device_info_get_pf() of its mdevs */
void broker_client_create_mdev_async (BrokerClient *client, const char *parent, const char *type,
                                      const char *uuid, GAsyncReadyCallback callback, gpointer user);
gboolean broker_client_create_mdev_finish (GAsyncResult *result, GError **error);

void broker_client_remove_mdev_async (BrokerClient *client, const char *uuid, GAsyncReadyCallback callback,
                                      gpointer user);
gboolean broker_client_remove_mdev_finish (GAsyncResult *result, GError **error);

void broker_client_evidence_async (BrokerClient *client, const char *address, GAsyncReadyCallback callback,
                                   gpointer user);
/* (transfer full) (nullable): a driver's words, any bytes; empty when it left none */
GBytes *broker_client_evidence_finish (GAsyncResult *result, GError **error);

void broker_client_set_metadata_async (BrokerClient *client, const char *uuid, const char *xml,
                                       GAsyncReadyCallback callback, gpointer user);
gboolean broker_client_set_metadata_finish (GAsyncResult *result, GError **error);

void broker_client_read_log_async (BrokerClient *client, const char *name, GAsyncReadyCallback callback,
                                   gpointer user);
/* (transfer full) (nullable): bytes, not necessarily UTF-8 */
GBytes *broker_client_read_log_finish (GAsyncResult *result, GError **error);
