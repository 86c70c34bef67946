/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "adopted.h"

/*
 * What the table of adopted devices and the requests on them share. All of it belongs to the main loop, but
 * for what a request's thread works with: the device and its session.
 */

struct _AdoptedSet
{
  GHashTable *devices; /* char * id → Adopted *, owned */
  GHashTable *leaving; /* uid → source of the timer after which its devices are let go */
  guint running;       /* requests */
  guint keep_s;
  void (*emptied) (gpointer user);
  gpointer user;
};

/* One device. */
typedef struct
{
  char *id;
  uid_t user;
  AccmigDevice *device;
  int fd;            /* the device's */
  int data_fd;       /* of the session that is open; -1 */
  AccmigState state; /* the last that was read */
  gboolean known;    /* it was asked what it is, and stays */
  gboolean at_work;
  GCancellable *disowned;
} Adopted;

/* (transfer full): references, for a request may outlive both */
AdoptedSet *adopted_set_ref (AdoptedSet *set);
void adopted_set_unref (AdoptedSet *set);
Adopted *adopted_ref (Adopted *adopted);
void adopted_unref (gpointer adopted);

/* (transfer none) (nullable): NOT_FOUND */
Adopted *adopted_set_find (const AdoptedSet *set, const char *id, uid_t user, GError **error);

/* (transfer full) (nullable): the device to adopt; it is in the table only when it was there before.
 * @error: as for adopted_set_ask_finish() */
Adopted *adopted_set_find_or_make (AdoptedSet *set, const AdoptedQuestion *question, GError **error);

/* Takes it out of the table and breaks off what is at work on it. */
void adopted_set_let_go (AdoptedSet *set, Adopted *adopted);

/* Its session is over. */
void adopted_close_session (Adopted *adopted);
