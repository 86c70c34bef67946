// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Rankings: which host comes first.
 */

#include <accmig/error.h>
#include <string.h>

#include "../../agent/ctl/ranking.h"

#define DOMAIN                                                                                               \
  "{'format':'accmig-domain/1','name':'vm','hostdevs':[{'alias':'hostdev0','profile':{'device':"             \
  "{'state-size':100}}},{'alias':'hostdev1','profile':{'device':{'state-size':76}}}]}"

#define FINDING "{'rule':'a.b','severity':'warn','remedy':'do it'}"

/* The hosts as they are asked, in an order that is not the one wanted; NULL: no answer. */
static const struct
{
  const char *host;
  const char *report;
} reports[] = {
  { "silent-b", NULL },
  { "incompatible", "{'format':'accmig-report/1','outcome':'incompatible','hostdevs':[]}" },
  { "strange", "{'format':'accmig-report/2','outcome':'compatible','hostdevs':[]}" },
  { "remapped",
    "{'format':'accmig-report/1','outcome':'compatible','hostdevs':[{'alias':'hostdev0','remapped':true,"
    "'verdict':{'findings':[]}}]}" },
  { "unknown", "{'format':'accmig-report/1','outcome':'unknown','hostdevs':[]}" },
  { "one-finding", "{'format':'accmig-report/1','outcome':'compatible','hostdevs':[{'alias':'hostdev0',"
                   "'verdict':{'findings':[" FINDING "]}}]}" },
  { "degraded", "{'format':'accmig-report/1','outcome':'degraded','hostdevs':[{'alias':'hostdev0','verdict':{"
                "'findings':[" FINDING "]}},{'alias':'hostdev1','verdict':{'findings':[" FINDING "]}}]}" },
  { "silent-a", NULL },
  { "good-b", "{'format':'accmig-report/1','outcome':'compatible','hostdevs':[]}" },
  { "later",
    "{'format':'accmig-report/1','outcome':'a later word','hostdevs':[{'rule':'a','verdict':null}]}" },
  { "good-a", "{'format':'accmig-report/1','outcome':'compatible','hostdevs':[]}" },
};

#define WANTED                                                                                               \
  "good-a good-b one-finding remapped degraded unknown later incompatible silent-a silent-b strange"

static char *
quoted (const char *text)
{
  return g_strdelimit (g_strdup (text), "'", '"');
}

static void
answer_free (gpointer data)
{
  HostAnswer *answer = data;

  g_free (answer->host);
  g_free (answer->text);
  g_clear_error (&answer->error);
  g_free (answer);
}

static void
add_answer (GPtrArray *answers, const char *host, const char *report)
{
  HostAnswer *answer = g_new0 (HostAnswer, 1);

  answer->host = g_strdup (host);
  if (report != NULL)
    answer->text = quoted (report);
  else
    answer->error = g_error_new (ACCMIG_ERROR, ACCMIG_ERROR_IO, "%s cannot be reached", host);
  g_ptr_array_add (answers, answer);
}

static JsonNode *
make_domain (void)
{
  g_autofree char *text = quoted (DOMAIN);

  return json_from_string (text, NULL);
}

static void
test_order (void)
{
  g_autoptr (GPtrArray) answers = g_ptr_array_new_with_free_func (answer_free);
  g_autoptr (JsonNode) domain = make_domain ();
  g_autoptr (JsonNode) ranking = NULL;
  g_autoptr (GString) order = g_string_new (NULL);
  g_autoptr (GError) error = NULL;
  JsonArray *hosts = NULL;

  for (gsize i = 0; i < G_N_ELEMENTS (reports); i++)
    add_answer (answers, reports[i].host, reports[i].report);
  ranking = ranking_make (answers, json_node_get_object (domain), &error);
  g_assert_no_error (error);
  g_assert_cmpstr (json_object_get_string_member (json_node_get_object (ranking), "outcome"), ==,
                   "compatible");
  hosts = json_object_get_array_member (json_node_get_object (ranking), "hosts");
  for (guint i = 0; i < json_array_get_length (hosts); i++)
    g_string_append_printf (order, "%s%s", i > 0 ? " " : "",
                            json_object_get_string_member (json_array_get_object_element (hosts, i), "host"));
  g_assert_cmpstr (order->str, ==, WANTED);
}

static void
test_forecast (void)
{
  g_autoptr (GPtrArray) answers = g_ptr_array_new_with_free_func (answer_free);
  g_autoptr (JsonNode) domain = make_domain ();
  g_autoptr (JsonNode) ranking = NULL;
  JsonObject *report = NULL, *remedy = NULL;

  add_answer (answers, reports[6].host, reports[6].report);
  ranking = ranking_make (answers, json_node_get_object (domain), NULL);
  report = json_object_get_object_member (
      json_array_get_object_element (json_object_get_array_member (json_node_get_object (ranking), "hosts"),
                                     0),
      "report");
  g_assert_cmpint (json_object_get_int_member (json_object_get_object_member (report, "transfer"), "bytes"),
                   ==, 176);
  g_assert_true (
      json_object_get_boolean_member (json_object_get_object_member (report, "transfer"), "complete"));
  g_assert_cmpuint (json_array_get_length (json_object_get_array_member (report, "remedies")), ==, 1);
  remedy = json_array_get_object_element (json_object_get_array_member (report, "remedies"), 0);
  g_assert_cmpstr (json_object_get_string_member (remedy, "remedy"), ==, "do it");
  g_assert_cmpuint (json_array_get_length (json_object_get_array_member (remedy, "hostdevs")), ==, 2);
}

static void
test_nobody (void)
{
  g_autoptr (GPtrArray) answers = g_ptr_array_new_with_free_func (answer_free);
  g_autoptr (JsonNode) domain = make_domain ();
  g_autoptr (GError) error = NULL;

  add_answer (answers, "cn02", NULL);
  add_answer (answers, "cn01", NULL);
  g_assert_null (ranking_make (answers, json_node_get_object (domain), &error));
  g_assert_error (error, ACCMIG_ERROR, ACCMIG_ERROR_IO);
  g_assert_nonnull (strstr (error->message, "cn01 cannot be reached"));
  g_assert_nonnull (strstr (error->message, "cn02 cannot be reached"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/ranking/order", test_order);
  g_test_add_func ("/ranking/forecast", test_forecast);
  g_test_add_func ("/ranking/nobody", test_nobody);
  return g_test_run ();
}
