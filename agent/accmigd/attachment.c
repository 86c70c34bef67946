// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Registered devices: which of them the broker has
 *
 * What is in the set, the broker has or is to have again. After each connection to it the two are held
 * against one another: what the broker does not have any more its holder is asked for, what the set does not
 * know any more the broker closes.
 */

#include "log.h"
#include "registered-private.h"

/* A question that no answer may outlive the connection of. */
typedef struct
{
  RegisteredSet *set;
  guint generation;
  char *id; /* (nullable) */
} Question;

static Question *
question_new (RegisteredSet *set, const char *id)
{
  Question *question = g_new0 (Question, 1);

  question->set = set;
  question->generation = set->generation;
  question->id = g_strdup (id);
  return question;
}

static void
question_free (Question *question)
{
  g_free (question->id);
  g_free (question);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Question, question_free)

static void
on_disowned (GObject *source, GAsyncResult *result, gpointer user)
{
  g_autofree char *id = user;
  g_autoptr (GError) error = NULL;

  if (!broker_client_disown_finish (result, &error))
    g_debug ("the broker did not let go of “%s”: %s", id, error->message);
}

void
registered_set_disown (RegisteredSet *self, const char *id)
{
  broker_client_disown_async (self->broker, id, on_disowned, g_strdup (id));
}

static void
on_state_read (GObject *source, GAsyncResult *result, gpointer user)
{
  g_autoptr (Question) question = user;
  g_autoptr (GError) error = NULL;
  AccmigState state;

  if (!broker_client_state_of_finish (result, &state, &error))
    g_debug ("the state of “%s” is not known: %s", question->id, error->message);
  else if (question->generation == question->set->generation)
    registered_set_state (question->set, question->id, state);
}

/* Also when nobody drove it: its holder may have reset it. */
static void
attach (RegisteredSet *self, Registered *device, AccmigState state)
{
  device->attached = TRUE;
  device->has_state = TRUE;
  device->state = state;
  self->callbacks.changed (device, self->user);
  broker_client_state_of_async (self->broker, device->id, on_state_read, question_new (self, device->id));
}

static const BrokerAdopted *
find_listed (const GPtrArray *list, const char *id)
{
  for (guint i = 0; i < list->len; i++)
    {
      const BrokerAdopted *adopted = list->pdata[i];

      if (g_str_equal (adopted->id, id))
        return adopted;
    }
  return NULL;
}

static void
settle_device (RegisteredSet *self, Registered *device, const GPtrArray *list)
{
  const BrokerAdopted *adopted = find_listed (list, device->id);

  if (adopted != NULL)
    attach (self, device, adopted->state);
  else if (!g_hash_table_contains (self->underway, device->id))
    self->callbacks.wanted (device, self->user);
}

static void
on_listed (GObject *source, GAsyncResult *result, gpointer user)
{
  g_autoptr (Question) question = user;
  RegisteredSet *self = question->set;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) list = broker_client_list_adopted_finish (result, &error);

  if (list == NULL)
    {
      if (!broker_error_is_unavailable (error))
        log_event (LOG_EVENT_STRANGE, NULL, "the broker does not tell what it adopted: %s", error->message);
      return; /* the next connection brings the next answer */
    }
  if (question->generation != self->generation)
    return;
  for (guint i = 0; i < list->len; i++)
    {
      const BrokerAdopted *adopted = list->pdata[i];

      if (registered_set_find (self, adopted->id) == NULL
          && !g_hash_table_contains (self->underway, adopted->id))
        registered_set_disown (self, adopted->id);
    }
  for (guint i = 0; i < self->devices->len; i++)
    settle_device (self, self->devices->pdata[i], list);
  if (self->callbacks.settled != NULL)
    self->callbacks.settled (self->user);
}

void
registered_set_broker_connected (RegisteredSet *self)
{
  self->generation++;
  broker_client_list_adopted_async (self->broker, on_listed, question_new (self, NULL));
}

void
registered_set_broker_lost (RegisteredSet *self)
{
  self->generation++;
  for (guint i = 0; i < self->devices->len; i++)
    {
      Registered *device = self->devices->pdata[i];

      if (!device->attached)
        continue;
      device->attached = FALSE;
      device->has_state = FALSE;
      self->callbacks.changed (device, self->user);
    }
}
