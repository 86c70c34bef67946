// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Rankings
 */

#include "ranking.h"

#include <accmig/compat.h>
#include <accmig/error.h>
#include <stdio.h>
#include <string.h>

#include "document.h"
#include "report.h"
#include "table.h"
#include "text.h"

#define FORMAT "accmig-ranking/1"

static const char *const titles[] = { "HOST", "OUTCOME", "REMAPPED", "FINDINGS", "WHY", NULL };

/* The best first. */
static const AccmigOutcome order[] = {
  ACCMIG_OUTCOME_COMPATIBLE,
  ACCMIG_OUTCOME_DEGRADED,
  ACCMIG_OUTCOME_UNKNOWN,
  ACCMIG_OUTCOME_INCOMPATIBLE,
};

/* One host. */
typedef struct
{
  const char *host; /* borrowed from its answer */
  JsonNode *report; /* (nullable) */
  GError *error;    /* (nullable) */
  guint rank;       /* of its outcome in the order above */
  gboolean remapped;
  guint n_findings;
} Place;

static void
place_free (gpointer data)
{
  Place *place = data;

  g_clear_pointer (&place->report, json_node_unref);
  g_clear_error (&place->error);
  g_free (place);
}

/* ---- one host ---- */

/* Where an outcome that this version does not know stands: it could not be told. */
static guint
rank_of (const char *outcome)
{
  guint unknown = 0;

  for (guint i = 0; i < G_N_ELEMENTS (order); i++)
    {
      if (g_str_equal (outcome, accmig_outcome_to_string (order[i])))
        return i;
      if (order[i] == ACCMIG_OUTCOME_UNKNOWN)
        unknown = i;
    }
  return unknown;
}

/* A row that was decided without a verdict has one reason, which is its finding. */
static guint
count_findings (JsonObject *row)
{
  JsonObject *verdict = document_get_object (row, "verdict");

  if (verdict != NULL)
    return document_n_elements (verdict, "findings");
  return *document_get_text (row, "rule") != '\0' ? 1 : 0;
}

static void
read_rows (Place *place, JsonObject *report)
{
  for (guint i = 0; i < document_n_elements (report, "hostdevs"); i++)
    {
      JsonObject *row = document_get_element (report, "hostdevs", i);

      if (row == NULL)
        continue;
      place->remapped = place->remapped || document_get_boolean (row, "remapped");
      place->n_findings += count_findings (row);
    }
}

static Place *
place_new (HostAnswer *answer, JsonObject *domain)
{
  Place *place = g_new0 (Place, 1);

  place->host = answer->host;
  place->rank = G_N_ELEMENTS (order);
  if (answer->text == NULL)
    place->error = g_error_copy (answer->error);
  else
    place->report = report_parse (answer->text, domain, &place->error);
  if (place->report == NULL)
    return place;
  place->rank = rank_of (document_get_text (json_node_get_object (place->report), "outcome"));
  read_rows (place, json_node_get_object (place->report));
  return place;
}

static int
compare_places (gconstpointer a, gconstpointer b)
{
  const Place *first = *(const Place *const *)a, *second = *(const Place *const *)b;

  if (first->rank != second->rank)
    return first->rank < second->rank ? -1 : 1;
  if (first->remapped != second->remapped)
    return second->remapped ? -1 : 1;
  if (first->n_findings != second->n_findings)
    return first->n_findings < second->n_findings ? -1 : 1;
  return strcmp (first->host, second->host);
}

/* ---- all of them ---- */

static void
add_text (JsonBuilder *builder, const char *name, const char *value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_string_value (builder, value);
}

static void
add_place (JsonBuilder *builder, Place *place)
{
  json_builder_begin_object (builder);
  add_text (builder, "host", place->host);
  if (place->report == NULL)
    add_text (builder, "error", place->error->message);
  else
    {
      add_text (builder, "outcome", accmig_outcome_to_string (order[place->rank]));
      json_builder_set_member_name (builder, "remapped");
      json_builder_add_boolean_value (builder, place->remapped);
      json_builder_set_member_name (builder, "findings");
      json_builder_add_int_value (builder, place->n_findings);
      json_builder_set_member_name (builder, "report");
      json_builder_add_value (builder, g_steal_pointer (&place->report));
    }
  json_builder_end_object (builder);
}

static gboolean
fail_silent (const GPtrArray *places, GError **error)
{
  g_autoptr (GString) causes = g_string_new (NULL);

  for (guint i = 0; i < places->len; i++)
    {
      const Place *place = places->pdata[i];

      g_string_append_printf (causes, "; %s: %s", place->host, place->error->message);
    }
  g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_IO, "none of the %u hosts has given a report%s", places->len,
               causes->str);
  return FALSE;
}

JsonNode *
ranking_make (GPtrArray *answers, JsonObject *domain, GError **error)
{
  g_autoptr (GPtrArray) places = g_ptr_array_new_with_free_func (place_free);
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  const Place *best = NULL;

  for (guint i = 0; i < answers->len; i++)
    g_ptr_array_add (places, place_new (answers->pdata[i], domain));
  g_ptr_array_sort (places, compare_places);
  best = places->pdata[0];
  if (best->report == NULL)
    {
      fail_silent (places, error);
      return NULL;
    }
  json_builder_begin_object (builder);
  add_text (builder, "format", FORMAT);
  add_text (builder, "domain", document_get_text (domain, "name"));
  add_text (builder, "outcome", accmig_outcome_to_string (order[best->rank]));
  json_builder_set_member_name (builder, "hosts");
  json_builder_begin_array (builder);
  for (guint i = 0; i < places->len; i++)
    add_place (builder, places->pdata[i]);
  json_builder_end_array (builder);
  json_builder_end_object (builder);
  return json_builder_get_root (builder);
}

/* ---- printing ---- */

/* The sentence of the first hostdev that made the outcome. */
static const char *
find_reason (JsonObject *host)
{
  JsonObject *report = document_get_object (host, "report");

  for (guint i = 0; report != NULL && i < document_n_elements (report, "hostdevs"); i++)
    {
      JsonObject *row = document_get_element (report, "hostdevs", i);

      if (row != NULL
          && g_str_equal (document_get_text (row, "outcome"), document_get_text (report, "outcome")))
        return document_get_text (row, "sentence");
    }
  return document_get_text (host, "error");
}

static void
add_row (Table *table, JsonObject *host)
{
  gboolean answered = document_get_object (host, "report") != NULL;

  table_add (table, document_get_text (host, "host"));
  table_add (table, answered ? document_get_text (host, "outcome") : "no answer");
  table_add (table, !answered ? NULL : document_get_boolean (host, "remapped") ? "yes" : "no");
  table_take (table, answered ? g_strdup_printf ("%" G_GINT64_FORMAT, document_get_number (host, "findings"))
                              : g_strdup (""));
  table_add (table, find_reason (host));
}

void
ranking_print (JsonObject *ranking)
{
  g_autoptr (Table) table = table_new (titles);
  g_autofree char *name = text_clean (document_get_text (ranking, "domain"));
  guint n = document_n_elements (ranking, "hosts");

  printf ("%s → %u hosts: %s\n", name, n, document_get_text (ranking, "outcome"));
  for (guint i = 0; i < n; i++)
    add_row (table, document_get_element (ranking, "hosts", i));
  table_print (table);
}
