/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "registered.h"

/* What the set and those who put devices in and take them out of it share. */

struct _Registered
{
  char *id;
  char *uuid;
  char *name;
  char *address;
  char *holder;
  guint64 flags;
  guint64 stop_copy_size;
  AccmigTracking tracking;
  gboolean leaving; /* it is being taken out, and has no claim to its address any more */
  gboolean attached;
  gboolean has_state;
  AccmigState state;
  char *alarm;
};

/* A device that the broker is being asked to adopt. Not in the set yet, or there before. */
typedef struct
{
  RegisteredSet *set;
  char *id;
  char *address;
  char *holder;
  gboolean dropped; /* its holder left meanwhile, or took it back */
} Registration;

struct _RegisteredSet
{
  char *path;
  char *bus_id;
  BrokerClient *broker;
  RegisteredCallbacks callbacks;
  gpointer user;
  GPtrArray *devices;   /* of Registered, owned, by their ids */
  GHashTable *underway; /* char * id → Registration *, borrowed from their tasks */
  guint generation;     /* of the connection to the broker: an answer of an old one is none */
};

/* (transfer none) (nullable) */
Registered *registered_set_find (const RegisteredSet *set, const char *id);
/* (transfer none): a new member, announced to nobody yet */
Registered *registered_set_add (RegisteredSet *set, const char *id, const char *address, const char *holder);
/* Announces and takes out; @device is gone then. */
void registered_set_remove (RegisteredSet *set, Registered *device);
/* What the file is for changed. */
void registered_set_write (RegisteredSet *set);
/* Lets the broker close a device; what it answers changes nothing. */
void registered_set_disown (RegisteredSet *set, const char *id);
