// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reports
 */

#include "report.h"

#include <accmig/guest.h>
#include <stdio.h>

#include "document.h"
#include "finding.h"
#include "table.h"
#include "text.h"

#define FORMAT     "accmig-report/1"
#define VALID_USEC (60 * G_USEC_PER_SEC) /* as long as an agent's is */

/* Stands in the place of an alias where it is about the guest itself. No alias is like it: libvirt's are
 * hostdevN, and a user's begin with "ua-". */
#define GUEST "guest"

static const char *const titles[] = { "HOSTDEV", "SOURCE", "TARGET", "OUTCOME", NULL };

/* ---- what it gets besides ---- */

/* The state's size as the source's profile of @hostdev has it; -1 when it does not say. */
static gint64
state_size (JsonObject *hostdev)
{
  JsonObject *profile = document_get_object (hostdev, "profile");
  JsonObject *device = profile != NULL ? document_get_object (profile, "device") : NULL;

  return device != NULL ? document_get_number (device, "state-size") : -1;
}

static void
set_transfer (JsonObject *report, JsonObject *domain)
{
  JsonObject *transfer = json_object_new ();
  guint n = document_n_elements (domain, "hostdevs");
  gboolean complete = TRUE;
  gint64 bytes = 0;

  for (guint i = 0; i < n; i++)
    {
      JsonObject *hostdev = document_get_element (domain, "hostdevs", i);
      gint64 size = hostdev != NULL ? state_size (hostdev) : -1;

      complete = complete && size >= 0;
      bytes = size > G_MAXINT64 - bytes ? G_MAXINT64 : bytes + MAX (size, 0);
    }
  json_object_set_int_member (transfer, "bytes", bytes);
  json_object_set_boolean_member (transfer, "complete", complete);
  json_object_set_object_member (report, "transfer", transfer);
}

/* (nullable): what was said for another hostdev already */
static JsonObject *
find_remedy (JsonArray *remedies, JsonObject *finding)
{
  for (guint i = 0; i < json_array_get_length (remedies); i++)
    {
      JsonObject *remedy = json_array_get_object_element (remedies, i);

      if (g_str_equal (document_get_text (remedy, "rule"), document_get_text (finding, "rule"))
          && g_str_equal (document_get_text (remedy, "remedy"), document_get_text (finding, "remedy")))
        return remedy;
    }
  return NULL;
}

static void
add_remedy (JsonArray *remedies, const char *alias, JsonObject *finding)
{
  JsonObject *remedy = find_remedy (remedies, finding);

  if (remedy == NULL)
    {
      remedy = json_object_new ();
      json_object_set_string_member (remedy, "rule", document_get_text (finding, "rule"));
      json_object_set_string_member (remedy, "remedy", document_get_text (finding, "remedy"));
      json_object_set_array_member (remedy, "hostdevs", json_array_new ());
      json_array_add_object_element (remedies, remedy);
    }
  json_array_add_string_element (json_object_get_array_member (remedy, "hostdevs"), alias);
}

/* Of every finding of @verdict (nullable) that keeps the outcome from being compatible. */
static void
add_remedies (JsonArray *remedies, const char *alias, JsonObject *verdict)
{
  for (guint f = 0; verdict != NULL && f < document_n_elements (verdict, "findings"); f++)
    {
      JsonObject *finding = document_get_element (verdict, "findings", f);

      if (finding != NULL && *document_get_text (finding, "remedy") != '\0'
          && !g_str_equal (document_get_text (finding, "severity"), "note"))
        add_remedy (remedies, alias, finding);
    }
}

static void
set_remedies (JsonObject *report)
{
  JsonArray *remedies = json_array_new ();

  json_object_set_array_member (report, "remedies", remedies);
  for (guint i = 0; i < document_n_elements (report, "hostdevs"); i++)
    {
      JsonObject *row = document_get_element (report, "hostdevs", i);

      if (row != NULL)
        add_remedies (remedies, document_get_text (row, "alias"), document_get_object (row, "verdict"));
    }
  add_remedies (remedies, GUEST, document_get_object (report, "guest"));
}

JsonNode *
report_parse (const char *text, JsonObject *domain, GError **error)
{
  JsonNode *report = document_parse (text, "the other agent's report", FORMAT, error);

  if (report == NULL)
    return NULL;
  set_transfer (json_node_get_object (report), domain);
  set_remedies (json_node_get_object (report));
  return report;
}

/* ---- without another host ---- */

static void
add_text (JsonBuilder *builder, const char *name, const char *value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_string_value (builder, value);
}

/* (nullable): of a hostdev in a description */
static AccmigProfile *
read_profile (JsonObject *hostdev)
{
  JsonNode *node = json_object_get_member (hostdev, "profile");
  g_autofree char *text = node != NULL && JSON_NODE_HOLDS_OBJECT (node) ? json_to_string (node, FALSE) : NULL;

  return text != NULL ? accmig_profile_new_from_json (text, -1, NULL) : NULL;
}

static void
unref_profile (gpointer profile)
{
  accmig_profile_unref (profile);
}

/* A row of the report. Returns: its outcome */
static AccmigOutcome
add_hostdev (JsonBuilder *builder, JsonObject *hostdev)
{
  g_autoptr (AccmigProfile) profile = read_profile (hostdev);
  g_autoptr (AccmigVerdict) verdict =
      profile != NULL ? accmig_compat_check (profile, profile, ACCMIG_COMPAT_NONE) : NULL;
  g_autofree char *text = verdict != NULL ? accmig_verdict_to_json (verdict) : NULL;
  const AccmigFinding *decisive = verdict != NULL ? accmig_verdict_get_decisive (verdict) : NULL;
  AccmigOutcome outcome = verdict != NULL ? accmig_verdict_get_outcome (verdict) : ACCMIG_OUTCOME_UNKNOWN;

  json_builder_begin_object (builder);
  add_text (builder, "alias", document_get_text (hostdev, "alias"));
  add_text (builder, "target", document_get_text (hostdev, "address"));
  add_text (builder, "outcome", accmig_outcome_to_string (outcome));
  json_builder_set_member_name (builder, "verdict");
  if (text != NULL)
    json_builder_add_value (builder, json_from_string (text, NULL));
  else
    json_builder_add_null_value (builder);
  add_text (builder, "sentence",
            verdict == NULL    ? "the agent has no profile of this device"
            : decisive != NULL ? decisive->sentence
                               : "");
  add_text (builder, "rule", verdict == NULL ? "check.no-profile" : decisive != NULL ? decisive->rule : "");
  json_builder_end_object (builder);
  return outcome;
}

/* A member of the description's object @name, which older agents do not write. */
static guint64
read_bytes (JsonObject *object, const char *name)
{
  return (guint64)MAX (document_get_number (object, name), 0);
}

/* (transfer full): of the guest as a whole */
static AccmigVerdict *
check_guest (JsonObject *domain)
{
  guint n = document_n_elements (domain, "hostdevs");
  g_autofree AccmigGuestDevice *devices = g_new0 (AccmigGuestDevice, n);
  g_autoptr (GPtrArray) profiles = g_ptr_array_new_with_free_func (unref_profile);
  JsonObject *said = document_get_object (domain, "guest");
  AccmigGuest guest = { 0 };

  for (guint i = 0; i < n; i++)
    {
      JsonObject *hostdev = document_get_element (domain, "hostdevs", i);

      if (hostdev == NULL)
        continue;
      g_ptr_array_add (profiles, read_profile (hostdev));
      devices[i] = (AccmigGuestDevice){
        .kind =
            g_str_equal (document_get_text (hostdev, "kind"), "mdev") ? ACCMIG_KIND_MDEV : ACCMIG_KIND_PCI,
        .transient = document_get_boolean (hostdev, "transient"),
        .profile = profiles->pdata[profiles->len - 1],
      };
    }
  if (said != NULL)
    guest = (AccmigGuest){
      .iommu = document_get_boolean (said, "iommu"),
      .vfio_user = document_get_boolean (said, "vfio-user"),
      .memory = read_bytes (said, "memory"),
      .memory_limit = read_bytes (said, "memory-limit"),
    };
  return accmig_guest_check (&guest, devices, n);
}

/* Returns: its outcome */
static AccmigOutcome
add_guest (JsonBuilder *builder, JsonObject *domain)
{
  g_autoptr (AccmigVerdict) verdict = check_guest (domain);
  g_autofree char *text = accmig_verdict_to_json (verdict);

  json_builder_set_member_name (builder, "guest");
  json_builder_add_value (builder, json_from_string (text, NULL));
  return accmig_verdict_get_outcome (verdict);
}

JsonNode *
report_alone (JsonObject *domain, const char *host)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  AccmigOutcome worst = ACCMIG_OUTCOME_COMPATIBLE;
  JsonNode *report = NULL;

  json_builder_begin_object (builder);
  add_text (builder, "format", FORMAT);
  add_text (builder, "host", host != NULL ? host : g_get_host_name ());
  add_text (builder, "domain", document_get_text (domain, "name"));
  json_builder_set_member_name (builder, "expires");
  json_builder_add_int_value (builder, g_get_real_time () + VALID_USEC);
  json_builder_set_member_name (builder, "hostdevs");
  json_builder_begin_array (builder);
  for (guint i = 0; i < document_n_elements (domain, "hostdevs"); i++)
    {
      JsonObject *hostdev = document_get_element (domain, "hostdevs", i);
      AccmigOutcome outcome = hostdev != NULL ? add_hostdev (builder, hostdev) : worst;

      worst = MAX (worst, outcome);
    }
  json_builder_end_array (builder);
  worst = MAX (worst, add_guest (builder, domain));
  add_text (builder, "outcome", accmig_outcome_to_string (worst));
  json_builder_end_object (builder);
  report = json_builder_get_root (builder);
  set_transfer (json_node_get_object (report), domain);
  set_remedies (json_node_get_object (report));
  return report;
}

/* ---- printing ---- */

/* (nullable): what was found of the guest itself, where there was something */
static JsonObject *
find_guest (JsonObject *report)
{
  JsonObject *guest = document_get_object (report, "guest");

  return guest != NULL && document_n_elements (guest, "findings") > 0 ? guest : NULL;
}

/* The source's address of the hostdev with @alias; "" when there is none. */
static const char *
find_source (JsonObject *domain, const char *alias)
{
  for (guint i = 0; i < document_n_elements (domain, "hostdevs"); i++)
    {
      JsonObject *hostdev = document_get_element (domain, "hostdevs", i);

      if (hostdev != NULL && g_str_equal (document_get_text (hostdev, "alias"), alias))
        return document_get_text (hostdev, "address");
    }
  return "";
}

/* Whether the finding that decided about @row will be shown among the verdict's. */
static gboolean
is_found (JsonObject *row)
{
  JsonObject *verdict = document_get_object (row, "verdict");

  for (guint i = 0; verdict != NULL && i < document_n_elements (verdict, "findings"); i++)
    {
      JsonObject *finding = document_get_element (verdict, "findings", i);

      if (finding != NULL
          && g_str_equal (document_get_text (finding, "rule"), document_get_text (row, "rule")))
        return TRUE;
    }
  return FALSE;
}

static void
add_row (Table *table, JsonObject *domain, JsonObject *row)
{
  const char *sentence = document_get_text (row, "sentence");
  g_autofree char *note = g_strdup_printf ("%s [%s]", sentence, document_get_text (row, "rule"));

  table_add (table, document_get_text (row, "alias"));
  table_add (table, find_source (domain, document_get_text (row, "alias")));
  table_take (table, g_strconcat (document_get_text (row, "target"),
                                  document_get_boolean (row, "remapped") ? " (remapped)" : "", NULL));
  table_add (table, document_get_text (row, "outcome"));
  if (*sentence != '\0' && !is_found (row))
    table_add_note (table, note);
}

static void
print_rows (JsonObject *domain, JsonObject *report)
{
  g_autoptr (Table) table = table_new (titles);
  JsonObject *guest = find_guest (report);

  for (guint i = 0; i < document_n_elements (report, "hostdevs"); i++)
    {
      JsonObject *row = document_get_element (report, "hostdevs", i);

      if (row != NULL)
        add_row (table, domain, row);
    }
  if (guest != NULL)
    {
      table_add (table, GUEST);
      table_add (table, "");
      table_add (table, "");
      table_add (table, document_get_text (guest, "outcome"));
    }
  table_print (table);
}

/* The findings of every hostdev that has some, and of the guest. */
static void
print_findings (JsonObject *report)
{
  for (guint i = 0; i < document_n_elements (report, "hostdevs"); i++)
    {
      JsonObject *row = document_get_element (report, "hostdevs", i);
      JsonObject *verdict = row != NULL ? document_get_object (row, "verdict") : NULL;
      g_autofree char *alias = row != NULL ? text_clean (document_get_text (row, "alias")) : NULL;

      if (verdict == NULL || document_n_elements (verdict, "findings") == 0)
        continue;
      printf ("\nFindings about %s:\n", alias);
      findings_print (verdict);
    }
  if (find_guest (report) != NULL)
    {
      puts ("\nFindings about the guest:");
      findings_print (find_guest (report));
    }
}

static void
print_transfer (JsonObject *report)
{
  JsonObject *transfer = document_get_object (report, "transfer");
  gint64 bytes = document_get_number (transfer, "bytes");
  gboolean complete = document_get_boolean (transfer, "complete");
  g_autofree char *amount = text_bytes ((guint64)MAX (bytes, 0));

  if (complete || bytes > 0)
    printf ("Transfer: %s%s of device state\n", complete ? "" : "at least ", amount);
}

/* (transfer full): of a remedy */
static char *
join_hostdevs (JsonObject *remedy)
{
  JsonArray *hostdevs = json_object_get_array_member (remedy, "hostdevs");
  GString *line = g_string_new (NULL);

  for (guint i = 0; i < json_array_get_length (hostdevs); i++)
    g_string_append_printf (line, "%s%s", i > 0 ? ", " : "", json_array_get_string_element (hostdevs, i));
  return g_string_free (line, FALSE);
}

static void
print_remedies (JsonObject *report)
{
  guint n = document_n_elements (report, "remedies");

  if (n > 0)
    puts ("\nWhat would have to change:");
  for (guint i = 0; i < n; i++)
    {
      JsonObject *remedy = document_get_element (report, "remedies", i);
      g_autofree char *hostdevs = join_hostdevs (remedy);
      g_autofree char *line = g_strdup_printf ("%s: %s", hostdevs, document_get_text (remedy, "remedy"));

      text_print_wrapped (line, 2);
    }
}

void
report_print (JsonObject *report, JsonObject *domain, gboolean alone)
{
  g_autofree char *name = text_clean (document_get_text (domain, "name"));
  g_autofree char *host = text_clean (document_get_text (report, "host"));
  g_autofree char *outcome = text_clean (document_get_text (report, "outcome"));

  printf ("%s%s%s: %s\n", name, alone ? " on " : " → ", host, outcome);
  if (document_n_elements (report, "hostdevs") == 0 && find_guest (report) == NULL)
    {
      puts ("It has no VFIO hostdevs.");
      return;
    }
  print_rows (domain, report);
  print_transfer (report);
  print_findings (report);
  print_remedies (report);
}
