// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reservations
 *
 * What the gate took ends by itself, for nothing says that the other host has given up. What libvirt took has
 * an end that libvirt tells, and a guest may take longer to start than anybody's patience lasts; so it has no
 * timer. Each of the others has one of its own, so that there is none when nothing is reserved.
 */

#include "reservation.h"

struct _Reservations
{
  GHashTable *by_address; /* char * → Entry *, both owned */
  guint timeout;          /* seconds */
  ReservationCallbacks callbacks;
  gpointer user;
};

typedef struct
{
  Reservations *owner;
  char *address;
  char *uuid;
  char *domain;
  guint timer;            /* 0: libvirt has it */
  gint64 held_since_usec; /* monotonic, then */
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
is_held (const Entry *entry)
{
  return entry->timer == 0;
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

/* A new entry in place of whatever was there. */
static Entry *
put_entry (Reservations *self, const char *address, const char *uuid, const char *domain)
{
  Entry *entry = g_new0 (Entry, 1);

  entry->owner = self;
  entry->address = g_strdup (address);
  entry->uuid = g_strdup (uuid);
  entry->domain = g_strdup (domain);
  g_hash_table_replace (self->by_address, g_strdup (address), entry);
  return entry;
}

void
reservations_take (Reservations *self, const char *address, const char *uuid, const char *domain)
{
  const Entry *before = g_hash_table_lookup (self->by_address, address);
  Entry *entry;

  if (before != NULL && is_held (before) && g_str_equal (before->uuid, uuid))
    return;
  entry = put_entry (self, address, uuid, domain);
  entry->timer = g_timeout_add_seconds (self->timeout, on_expired, entry);
  self->callbacks.changed (self->user);
}

void
reservations_hold (Reservations *self, const char *address, const char *uuid, const char *domain)
{
  Entry *entry = put_entry (self, address, uuid, domain);

  entry->held_since_usec = g_get_monotonic_time ();
  self->callbacks.changed (self->user);
}

static gboolean
is_of_domain (gpointer address, gpointer entry, gpointer uuid)
{
  return g_str_equal (((Entry *)entry)->uuid, uuid);
}

static gboolean
is_promised_to (gpointer address, gpointer entry, gpointer uuid)
{
  return !is_held (entry) && is_of_domain (address, entry, uuid);
}

void
reservations_withdraw (Reservations *self, const char *uuid)
{
  if (g_hash_table_foreach_remove (self->by_address, is_promised_to, (gpointer)uuid) > 0)
    self->callbacks.changed (self->user);
}

void
reservations_release (Reservations *self, const char *uuid)
{
  if (g_hash_table_foreach_remove (self->by_address, is_of_domain, (gpointer)uuid) > 0)
    self->callbacks.changed (self->user);
}

typedef struct
{
  GHashTable *uuids;
  gint64 since_usec;
} Listing;

static gboolean
is_left_over (gpointer address, gpointer value, gpointer user)
{
  const Entry *entry = value;
  const Listing *listing = user;

  return is_held (entry) && entry->held_since_usec < listing->since_usec
         && !g_hash_table_contains (listing->uuids, entry->uuid);
}

void
reservations_retain (Reservations *self, GHashTable *uuids, gint64 since_usec)
{
  Listing listing = { uuids, since_usec };

  if (g_hash_table_foreach_remove (self->by_address, is_left_over, &listing) > 0)
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
