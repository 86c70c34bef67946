// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reservations
 *
 * What the gate promised ends by itself, for nothing says that the other host has given up. What libvirt took
 * has an end that libvirt tells, and a guest may take longer to start than anybody's patience lasts; so it
 * has no timer. Each of the others has one of its own, so that there is none when nothing is reserved.
 *
 * All of them stand in one file, see reservation-file.h. It is written once for all changes of one turn of
 * the main loop, before anything else happens: nobody has been told of them until then.
 */

#include "reservation.h"

#include "reservation-file.h"

struct _Reservations
{
  char *path;             /* (nullable) */
  GHashTable *by_address; /* char * → Entry *, both owned */
  guint timeout;          /* seconds */
  ReservationCallbacks callbacks;
  gpointer user;
  guint writing;         /* source of the next writing */
  gboolean write_failed; /* and that was said */
};

typedef struct
{
  Reservations *owner;
  char *address;
  char *uuid;
  char *domain;
  gboolean made;          /* the device was made for the domain */
  guint timer;            /* 0: libvirt has it */
  gint64 until_usec;      /* monotonic: when the timer ends */
  gint64 held_since_usec; /* monotonic, where there is none */
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

static gboolean
is_held (const Entry *entry)
{
  return entry->timer == 0;
}

/* ---- the file ---- */

static void
write_now (Reservations *self)
{
  g_autoptr (GArray) records = g_array_new (FALSE, FALSE, sizeof (ReservationRecord));
  g_autoptr (GError) error = NULL;
  GHashTableIter iter;
  gpointer value = NULL;
  gboolean written = FALSE;

  g_hash_table_iter_init (&iter, self->by_address);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      const Entry *entry = value;
      ReservationRecord record = { .address = entry->address,
                                   .uuid = entry->uuid,
                                   .domain = entry->domain,
                                   .made = entry->made,
                                   .until_usec = is_held (entry) ? 0 : entry->until_usec };

      g_array_append_val (records, record);
    }
  written = reservation_file_write (self->path, (const void *)records->data, records->len, &error);
  if (!written && !self->write_failed)
    g_warning ("reservations will not survive a restart: %s", error->message);
  self->write_failed = !written;
}

static gboolean
on_write (gpointer user)
{
  Reservations *self = user;

  self->writing = 0;
  write_now (self);
  return G_SOURCE_REMOVE;
}

static void
tell_change (Reservations *self)
{
  if (self->path != NULL && self->writing == 0)
    self->writing = g_idle_add_full (G_PRIORITY_HIGH, on_write, self, NULL);
  self->callbacks.changed (self->user);
}

/* ---- entries ---- */

/* A new entry in place of whatever was there. */
static Entry *
put_entry (Reservations *self, const char *address, const char *uuid, const char *domain)
{
  const Entry *before = g_hash_table_lookup (self->by_address, address);
  Entry *entry = g_new0 (Entry, 1);

  entry->owner = self;
  entry->address = g_strdup (address);
  entry->uuid = g_strdup (uuid);
  entry->domain = g_strdup (domain);
  entry->made = before != NULL && before->made;
  g_hash_table_replace (self->by_address, g_strdup (address), entry);
  return entry;
}

/* Takes out the entries that @matches says, and tells of it. */
static void
remove_entries (Reservations *self, gboolean (*matches) (const Entry *entry, gconstpointer user),
                gconstpointer user)
{
  g_autoptr (GPtrArray) made = g_ptr_array_new_with_free_func (g_free);
  guint before = g_hash_table_size (self->by_address);
  GHashTableIter iter;
  gpointer value = NULL;

  g_hash_table_iter_init (&iter, self->by_address);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      const Entry *entry = value;

      if (!matches (entry, user))
        continue;
      if (entry->made)
        g_ptr_array_add (made, g_strdup (entry->address));
      g_hash_table_iter_remove (&iter);
    }
  if (g_hash_table_size (self->by_address) == before)
    return;
  tell_change (self);
  for (guint i = 0; i < made->len; i++)
    self->callbacks.made_ended (made->pdata[i], self->user);
}

static gboolean
is_this (const Entry *entry, gconstpointer this)
{
  return entry == this;
}

static gboolean
on_expired (gpointer data)
{
  Entry *entry = data;
  Reservations *self = entry->owner;
  g_autofree char *uuid = g_strdup (entry->uuid);

  entry->timer = 0; /* it is being dispatched, so it is not for entry_free() to remove */
  remove_entries (self, is_this, entry);
  self->callbacks.expired (uuid, self->user);
  return G_SOURCE_REMOVE;
}

static void
start_timer (Entry *entry, gint64 until_usec)
{
  gint64 left = MAX (until_usec - g_get_monotonic_time (), 0);

  entry->until_usec = until_usec;
  entry->timer = g_timeout_add ((guint)(left / 1000), on_expired, entry);
}

/* ---- life ---- */

static void
take_record (const ReservationRecord *record, gpointer user)
{
  Reservations *self = user;
  Entry *entry = put_entry (self, record->address, record->uuid, record->domain);
  gint64 longest = g_get_monotonic_time () + self->timeout * G_USEC_PER_SEC;

  entry->made = record->made;
  if (record->until_usec != 0)
    start_timer (entry, MIN (record->until_usec, longest));
  else
    entry->held_since_usec = g_get_monotonic_time ();
}

Reservations *
reservations_new (const char *path, guint timeout, const ReservationCallbacks *callbacks, gpointer user)
{
  Reservations *self = g_new0 (Reservations, 1);

  self->path = g_strdup (path);
  self->by_address = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, entry_free);
  self->timeout = timeout;
  self->callbacks = *callbacks;
  self->user = user;
  if (path != NULL)
    reservation_file_read (path, take_record, self);
  return self;
}

void
reservations_free (Reservations *self)
{
  if (self == NULL)
    return;
  if (self->writing != 0)
    write_now (self);
  g_clear_handle_id (&self->writing, g_source_remove);
  g_hash_table_unref (self->by_address);
  g_free (self->path);
  g_free (self);
}

/* ---- what others do ---- */

static gboolean
is_of_domain (const Entry *entry, gconstpointer uuid)
{
  return g_str_equal (entry->uuid, uuid);
}

static gboolean
is_promised_to (const Entry *entry, gconstpointer uuid)
{
  return !is_held (entry) && is_of_domain (entry, uuid);
}

/* What reservations_promise() leaves to a domain. */
typedef struct
{
  const char *uuid;
  const char *const *addresses;
} Promise;

static gboolean
is_dropped (const Entry *entry, gconstpointer user)
{
  const Promise *promise = user;

  return !is_held (entry) && g_str_equal (entry->uuid, promise->uuid)
         && !g_strv_contains (promise->addresses, entry->address);
}

void
reservations_promise (Reservations *self, const char *uuid, const char *domain, const char *const *addresses)
{
  const Promise promise = { uuid, addresses };
  gint64 until_usec = g_get_monotonic_time () + self->timeout * G_USEC_PER_SEC;
  gboolean any = FALSE;

  for (const char *const *address = addresses; *address != NULL; address++)
    {
      const Entry *before = g_hash_table_lookup (self->by_address, *address);

      if (before != NULL && is_held (before) && g_str_equal (before->uuid, uuid))
        continue;
      start_timer (put_entry (self, *address, uuid, domain), until_usec);
      any = TRUE;
    }
  if (any)
    tell_change (self);
  remove_entries (self, is_dropped, &promise);
}

void
reservations_renew (Reservations *self, const char *uuid)
{
  gint64 until_usec = g_get_monotonic_time () + self->timeout * G_USEC_PER_SEC;
  gboolean any = FALSE;
  GHashTableIter iter;
  gpointer value = NULL;

  g_hash_table_iter_init (&iter, self->by_address);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      Entry *entry = value;

      if (!is_promised_to (entry, uuid))
        continue;
      g_clear_handle_id (&entry->timer, g_source_remove);
      start_timer (entry, until_usec);
      any = TRUE;
    }
  if (any)
    tell_change (self);
}

void
reservations_set_made (Reservations *self, const char *address, gboolean made)
{
  Entry *entry = g_hash_table_lookup (self->by_address, address);

  if (entry == NULL || entry->made == made)
    return;
  entry->made = made;
  tell_change (self);
}

void
reservations_hold (Reservations *self, const char *address, const char *uuid, const char *domain)
{
  Entry *entry = put_entry (self, address, uuid, domain);

  entry->held_since_usec = g_get_monotonic_time ();
  tell_change (self);
}

void
reservations_withdraw (Reservations *self, const char *uuid)
{
  remove_entries (self, is_promised_to, uuid);
}

void
reservations_release (Reservations *self, const char *uuid)
{
  remove_entries (self, is_of_domain, uuid);
}

static gboolean
is_held_for (const Entry *entry, gconstpointer uuid)
{
  return is_held (entry) && is_of_domain (entry, uuid);
}

void
reservations_let_go (Reservations *self, const char *uuid)
{
  remove_entries (self, is_held_for, uuid);
}

typedef struct
{
  GHashTable *uuids;
  gint64 since_usec;
} Listing;

static gboolean
is_left_over (const Entry *entry, gconstpointer user)
{
  const Listing *listing = user;

  return is_held (entry) && entry->held_since_usec < listing->since_usec
         && !g_hash_table_contains (listing->uuids, entry->uuid);
}

void
reservations_retain (Reservations *self, GHashTable *uuids, gint64 since_usec)
{
  const Listing listing = { uuids, since_usec };

  remove_entries (self, is_left_over, &listing);
}

gboolean
reservations_lookup (const Reservations *self, const char *address, Reservation *ret_reservation)
{
  const Entry *entry = g_hash_table_lookup (self->by_address, address);

  if (entry == NULL)
    return FALSE;
  *ret_reservation = (Reservation){ .uuid = entry->uuid, .domain = entry->domain, .held = is_held (entry) };
  return TRUE;
}

gboolean
reservations_has_promise (const Reservations *self, const char *uuid)
{
  GHashTableIter iter;
  gpointer entry = NULL;

  g_hash_table_iter_init (&iter, self->by_address);
  while (g_hash_table_iter_next (&iter, NULL, &entry))
    if (is_promised_to (entry, uuid))
      return TRUE;
  return FALSE;
}
