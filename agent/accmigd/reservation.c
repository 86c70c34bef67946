// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reservations
 *
 * Each has a timer of its own, so that there is none when nothing is reserved.
 */

#include "reservation.h"

struct _Reservations {
  GHashTable *by_address; /* char * → Entry *, both owned */
  guint timeout;          /* seconds */
  ReservationCallbacks callbacks;
  gpointer user;
};

typedef struct {
  Reservations *owner;
  char *address;
  char *uuid;
  char *domain;
  guint timer;
} Entry;

static void
entry_free (gpointer data)
{
  Entry *entry = data;

  g_clear_handle_id (&entry->timer, g_source_remove);
  g_free (entry->address);
  g_free (entry->uuid);
  g_free (entry->domain);
  g_free (entry);
}

Reservations *
reservations_new (guint timeout, const ReservationCallbacks *callbacks, gpointer user)
{
  Reservations *self = g_new0 (Reservations, 1);

  self->by_address = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, entry_free);
  self->timeout = timeout;
  self->callbacks = *callbacks;
  self->user = user;
  return self;
}

void
reservations_free (Reservations *self)
{
  if (self == NULL)
    return;
  g_hash_table_unref (self->by_address);
  g_free (self);
}

static gboolean
on_expired (gpointer data)
{
  Entry *entry = data;
  Reservations *self = entry->owner;
  g_autofree char *uuid = g_strdup (entry->uuid);

  entry->timer = 0;
  g_hash_table_remove (self->by_address, entry->address);
  self->callbacks.changed (self->user);
  self->callbacks.expired (uuid, self->user);
  return G_SOURCE_REMOVE;
}

void
reservations_take (Reservations *self, const char *address, const char *uuid, const char *domain)
{
  Entry *entry = g_new0 (Entry, 1);

  entry->owner = self;
  entry->address = g_strdup (address);
  entry->uuid = g_strdup (uuid);
  entry->domain = g_strdup (domain);
  entry->timer = g_timeout_add_seconds (self->timeout, on_expired, entry);
  g_hash_table_replace (self->by_address, g_strdup (address), entry);
  self->callbacks.changed (self->user);
}

static gboolean
is_of_domain (gpointer address, gpointer entry, gpointer uuid)
{
  return g_str_equal (((Entry *)entry)->uuid, uuid);
}

void
reservations_release (Reservations *self, const char *uuid)
{
  if (g_hash_table_foreach_remove (self->by_address, is_of_domain, (gpointer)uuid) > 0)
    self->callbacks.changed (self->user);
}

gboolean
reservations_lookup (const Reservations *self, const char *address, Reservation *ret_reservation)
{
  const Entry *entry = g_hash_table_lookup (self->by_address, address);

  if (entry == NULL)
    return FALSE;
  *ret_reservation = (Reservation){ .uuid = entry->uuid, .domain = entry->domain };
  return TRUE;
}
