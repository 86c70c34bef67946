// SPDX-License-Identifier: GPL-2.0-or-later
#include "broker-stub-adopted.h"

struct _Adopted
{
  GHashTable *states; /* char * id → char * state, owned */
};

Adopted *
adopted_new (void)
{
  Adopted *self = g_new0 (Adopted, 1);

  self->states = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  return self;
}

gboolean
adopted_add (Adopted *self, const char *id, const char *state)
{
  if (g_hash_table_contains (self->states, id))
    return FALSE;
  g_hash_table_insert (self->states, g_strdup (id), g_strdup (state != NULL ? state : "running"));
  return TRUE;
}

gboolean
adopted_remove (Adopted *self, const char *id)
{
  return g_hash_table_remove (self->states, id);
}

const char *
adopted_get_state (const Adopted *self, const char *id)
{
  return g_hash_table_lookup (self->states, id);
}

void
adopted_set_state (Adopted *self, const char *id, const char *state)
{
  g_hash_table_insert (self->states, g_strdup (id), g_strdup (state));
}

int
adopted_reply_list (const Adopted *self, sd_bus_message *m)
{
  g_autoptr (sd_bus_message) answer = NULL;
  GHashTableIter iter;
  gpointer id, state;
  int r = sd_bus_message_new_method_return (m, &answer);

  if (r >= 0)
    r = sd_bus_message_open_container (answer, 'a', "(ss)");
  g_hash_table_iter_init (&iter, self->states);
  while (r >= 0 && g_hash_table_iter_next (&iter, &id, &state))
    r = sd_bus_message_append (answer, "(ss)", id, state);
  if (r >= 0)
    r = sd_bus_message_close_container (answer);
  return r < 0 ? r : sd_bus_send (NULL, answer, NULL);
}
