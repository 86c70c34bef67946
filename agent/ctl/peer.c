// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The peer's record
 *
 * Both hosts number and time their records by themselves. What they share is the guest's UUID, the two roles,
 * and the token: written into the domain's metadata at the source when it got its devices, it arrives with
 * the guest. Several attempts during one stay have the same token. Of these it is the one nearest in time,
 * which a clock that is off by less than the distance between two attempts does not spoil.
 */

#include "peer.h"

#include <accmig/error.h>
#include <accmig/timeline.h>

#include "client.h"
#include "document.h"

#define LIST_MAX 1000 /* what the agent gives at most */
#define READ_MAX 16   /* records looked into */

/* A record on the other host that may be the one. */
typedef struct
{
  guint64 id;
  gint64 overlap_usec; /* negative: the gap between the two */
} Candidate;

/* ---- finding ---- */

/* What two records have in common in time; one that has not ended lasts until now. */
static gint64
get_overlap (JsonObject *record, gint64 started, gint64 ended)
{
  gint64 now = g_get_real_time ();
  gint64 own_end = document_get_number (record, "ended-usec");

  return MIN (own_end > 0 ? own_end : now, ended > 0 ? ended : now)
         - MAX (document_get_number (record, "started-usec"), started);
}

static void
consider (GArray *candidates, JsonObject *record, GVariant *row)
{
  const char *uuid = "", *role = "";
  guint64 started = 0, ended = 0;
  Candidate candidate = { 0 };

  (void)g_variant_lookup (row, "DomainUuid", "&s", &uuid);
  (void)g_variant_lookup (row, "Role", "&s", &role);
  (void)g_variant_lookup (row, "Id", "t", &candidate.id);
  (void)g_variant_lookup (row, "StartedUSec", "t", &started);
  (void)g_variant_lookup (row, "EndedUSec", "t", &ended);
  if (!g_str_equal (uuid, document_get_text (record, "uuid"))
      || g_str_equal (role, document_get_text (record, "role")))
    return;
  candidate.overlap_usec = get_overlap (record, (gint64)started, (gint64)ended);
  g_array_append_val (candidates, candidate);
}

/* The best first; the newer of two equal ones. */
static int
compare_candidates (gconstpointer a, gconstpointer b)
{
  const Candidate *first = a, *second = b;

  if (first->overlap_usec != second->overlap_usec)
    return first->overlap_usec > second->overlap_usec ? -1 : 1;
  return first->id > second->id ? -1 : first->id < second->id;
}

/* (nullable) */
static GArray *
list_candidates (Client *client, JsonObject *record, GError **error)
{
  g_autoptr (GVariant) rows = client_call (client, error, "ListMigrations", "u", LIST_MAX);
  GArray *candidates = NULL;

  if (rows == NULL)
    return NULL;
  candidates = g_array_new (FALSE, FALSE, sizeof (Candidate));
  for (gsize i = 0; g_variant_is_of_type (rows, G_VARIANT_TYPE ("aa{sv}")) && i < g_variant_n_children (rows);
       i++)
    {
      g_autoptr (GVariant) row = g_variant_get_child_value (rows, i);

      consider (candidates, record, row);
    }
  g_array_sort (candidates, compare_candidates);
  return candidates;
}

/* (nullable) */
static JsonNode *
read_record (Client *client, guint64 id, GError **error)
{
  g_autoptr (GVariant) answer = client_call (client, error, "DescribeMigration", "t", id);

  if (answer == NULL)
    return NULL;
  return document_parse (g_variant_is_of_type (answer, G_VARIANT_TYPE_STRING)
                             ? g_variant_get_string (answer, NULL)
                             : "",
                         "the other agent's record", MIGRATION_FORMAT, error);
}

/* Without a token on either side there is only time to go by. */
static gboolean
is_same_move (JsonObject *record, JsonObject *other, const Candidate *candidate)
{
  const char *token = document_get_text (record, "token");

  if (*token == '\0')
    return candidate->overlap_usec > 0;
  return g_str_equal (token, document_get_text (other, "token"));
}

/* (nullable) (transfer full) */
static JsonNode *
find_record (JsonObject *record, const char *host, GError **error)
{
  g_autoptr (Client) client = client_new (host, error);
  g_autoptr (GArray) candidates = client != NULL ? list_candidates (client, record, error) : NULL;

  if (candidates == NULL)
    return NULL;
  for (guint i = 0; i < MIN (candidates->len, READ_MAX); i++)
    {
      const Candidate *candidate = &g_array_index (candidates, Candidate, i);
      g_autoptr (JsonNode) node = read_record (client, candidate->id, error);

      if (node == NULL)
        return NULL;
      if (is_same_move (record, json_node_get_object (node), candidate))
        return g_steal_pointer (&node);
    }
  g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_NOT_FOUND,
               "%s has no record of migration %" G_GINT64_FORMAT " of “%s”, which this host has as its %s",
               host, document_get_number (record, "id"), document_get_text (record, "domain"),
               document_get_text (record, "role"));
  return NULL;
}

/* ---- joining ---- */

/* (nullable) */
static AccmigTimeline *
read_timeline (JsonObject *record, const char *whose, GError **error)
{
  JsonNode *node = json_object_get_member (record, "timeline");
  g_autofree char *text = node != NULL ? json_to_string (node, FALSE) : g_strdup ("");
  AccmigTimeline *timeline = accmig_timeline_new_from_json (text, error);

  if (timeline == NULL)
    g_prefix_error (error, "%s record: ", whose);
  return timeline;
}

/* Replaces a member by @figure, in the form the agent gives it. */
static void
set_figure (JsonObject *object, const char *name, const AccmigFigure *figure)
{
  JsonObject *value = NULL;

  if (!figure->known)
    {
      json_object_set_null_member (object, name);
      return;
    }
  value = json_object_new ();
  json_object_set_int_member (value, "usec", figure->usec);
  json_object_set_int_member (value, "error-usec", figure->error_usec);
  json_object_set_boolean_member (value, "complete", figure->complete);
  json_object_set_string_member (value, "origin", accmig_origin_to_string (figure->origin));
  json_object_set_object_member (object, name, value);
}

static void
set_figures (JsonObject *record, const AccmigTimeline *own, const AccmigTimeline *other)
{
  AccmigFigure downtime = accmig_timeline_get_downtime (own, other);

  set_figure (record, "downtime", &downtime);
  for (guint i = 0; i < document_n_elements (record, "devices"); i++)
    {
      JsonObject *device = document_get_element (record, "devices", i);
      AccmigFigure outage = { 0 };

      if (device == NULL)
        continue;
      outage = accmig_timeline_get_outage (own, document_get_text (device, "alias"), other);
      set_figure (device, "outage", &outage);
    }
}

gboolean
peer_join (JsonObject *record, const char *host, GError **error)
{
  g_autoptr (JsonNode) node = find_record (record, host, error);
  g_autoptr (AccmigTimeline) own = NULL;
  g_autoptr (AccmigTimeline) other = NULL;

  if (node == NULL)
    return FALSE;
  own = read_timeline (record, "the agent's", error);
  other = own != NULL ? read_timeline (json_node_get_object (node), "the other agent's", error) : NULL;
  if (other == NULL)
    return FALSE;
  set_figures (record, own, other);
  json_object_set_member (record, "peer", g_steal_pointer (&node));
  return TRUE;
}
