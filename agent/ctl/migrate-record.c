// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The record of a migration
 *
 * The agents hear of its end from libvirt as we do, and libvirt's figures come last. So the record is asked
 * for until it has them.
 */

#include "migrate-record.h"

#include <stdio.h>

#include "client.h"
#include "document.h"
#include "peer.h"
#include "text.h"

#define WAIT_USEC (10 * G_USEC_PER_SEC)
#define BEGIN_USEC                                                                                           \
  (2 * G_USEC_PER_SEC) /* a record is made when a migration begins: one that is not there now is none */
#define PERIOD_USEC (200 * G_TIME_SPAN_MILLISECOND)
#define LIST_MAX    16 /* others may end meanwhile */

/* Returns: the number of the newest record of @uuid (NULL: of any domain), 0 when there is none */
static guint64
find_newest (Client *client, const char *uuid, GError **error)
{
  g_autoptr (GVariant) rows = client_call (client, error, "ListMigrations", "u", LIST_MAX);

  if (rows == NULL || !g_variant_is_of_type (rows, G_VARIANT_TYPE ("aa{sv}")))
    return 0;
  for (gsize i = 0; i < g_variant_n_children (rows); i++)
    {
      g_autoptr (GVariant) row = g_variant_get_child_value (rows, i);
      const char *found = "";
      guint64 id = 0;

      if (g_variant_lookup (row, "Id", "t", &id) && g_variant_lookup (row, "DomainUuid", "&s", &found)
          && (uuid == NULL || g_str_equal (found, uuid)))
        return id;
    }
  return 0;
}

guint64
migrate_record_last (void)
{
  g_autoptr (Client) client = client_new (NULL, NULL);

  return client != NULL ? find_newest (client, NULL, NULL) : 0;
}

/* (nullable) */
static JsonNode *
describe (Client *client, guint64 id)
{
  g_autoptr (GVariant) answer = client_call (client, NULL, "DescribeMigration", "t", id);

  if (answer == NULL || !g_variant_is_of_type (answer, G_VARIANT_TYPE_STRING))
    return NULL;
  return document_parse (g_variant_get_string (answer, NULL), "the agent's record", MIGRATION_FORMAT, NULL);
}

/* Whether every figure is there that this host will ever have. */
static gboolean
is_complete (JsonObject *record)
{
  if (document_get_number (record, "ended-usec") <= 0 || document_get_object (record, "downtime") == NULL)
    return FALSE;
  for (guint i = 0; i < document_n_elements (record, "devices"); i++)
    {
      JsonObject *device = document_get_element (record, "devices", i);

      if (device != NULL && document_get_object (device, "outage") == NULL)
        return FALSE;
    }
  return TRUE;
}

/* (nullable): what there is of it when the time is over */
static JsonNode *
wait_record (Client *client, const char *uuid, guint64 after)
{
  gint64 begin = g_get_monotonic_time ();
  g_autoptr (JsonNode) record = NULL;

  do
    {
      guint64 id = find_newest (client, uuid, NULL);
      g_autoptr (JsonNode) now = id > after ? describe (client, id) : NULL;

      if (now != NULL)
        {
          g_clear_pointer (&record, json_node_unref);
          record = g_steal_pointer (&now);
          if (is_complete (json_node_get_object (record)))
            break;
        }
      g_usleep (PERIOD_USEC);
  } while (g_get_monotonic_time () - begin < (record != NULL ? WAIT_USEC : BEGIN_USEC));
  return g_steal_pointer (&record);
}

JsonNode *
migrate_record_read (const char *uuid, guint64 after, const char *peer)
{
  g_autoptr (Client) client = client_new (NULL, NULL);
  g_autoptr (JsonNode) record = client != NULL ? wait_record (client, uuid, after) : NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *line = NULL;

  if (record != NULL && !peer_join (json_node_get_object (record), peer, &error))
    {
      line = text_clean (error->message);
      fprintf (stderr, "accmigctl: warning: the figures are this host's alone: %s\n", line);
    }
  return g_steal_pointer (&record);
}
