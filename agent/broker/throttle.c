// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Throttle
 *
 * Each domain has a count for the second that began with its first event. A flood goes on while one second
 * with too many events follows another; counts of domains that fell silent are let go of.
 */

#include "throttle.h"

#define SECOND_USEC G_USEC_PER_SEC

struct _Throttle
{
  guint rate;
  GHashTable *counts; /* char * UUID → Count *, both owned */
};

typedef struct
{
  gint64 since_usec;
  guint n;
  gboolean warned; /* about this flood */
} Count;

Throttle *
throttle_new (guint rate)
{
  Throttle *self = g_new0 (Throttle, 1);

  self->rate = rate;
  self->counts = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  return self;
}

void
throttle_free (Throttle *self)
{
  if (self == NULL)
    return;
  g_hash_table_unref (self->counts);
  g_free (self);
}

static gboolean
is_silent (gpointer uuid, gpointer value, gpointer user)
{
  return *(const gint64 *)user - ((const Count *)value)->since_usec >= 2 * SECOND_USEC;
}

static Count *
get_count (Throttle *self, const char *uuid, gint64 now_usec)
{
  Count *count = g_hash_table_lookup (self->counts, uuid);

  if (count != NULL)
    return count;
  g_hash_table_foreach_remove (self->counts, is_silent, &now_usec);
  count = g_new0 (Count, 1);
  count->since_usec = now_usec;
  g_hash_table_insert (self->counts, g_strdup (uuid), count);
  return count;
}

ThrottleAnswer
throttle_ask (Throttle *self, const char *uuid, const char *name, gint64 now_usec)
{
  Count *count = get_count (self, uuid, now_usec);

  if (now_usec - count->since_usec >= SECOND_USEC)
    *count = (Count){ .since_usec = now_usec, .warned = count->n > self->rate };
  count->n++;
  if (count->n <= self->rate)
    return THROTTLE_PASS;
  if (!count->warned)
    g_warning ("more than %u events of domain “%s” in a second, dropping the rest", self->rate, name);
  count->warned = TRUE;
  return count->n == self->rate + 1 ? THROTTLE_BEGIN : THROTTLE_DROP;
}
