// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * accmigctl family list, show, check
 *
 * The families as this program sees them, which are those of the installation: nobody is asked.
 */

#include "call.h"

#include <accmig/families.h>
#include <stdio.h>
#include <string.h>

#include "document.h"
#include "table.h"
#include "text.h"

#define FORMAT_LIST  "accmig-families/1"
#define FORMAT_SHOW  "accmig-family/1"
#define FORMAT_CHECK "accmig-family-check/1"

static const char *const list_titles[] = { "NAME", "FIELDS", "RULES", "DRIVERS", "FILE", NULL };
static const char *const field_titles[] = { "FIELD", "TYPE", "WHAT", "FROM", NULL };
static const char *const rule_titles[] = { "RULE", "RANK", "SEVERITY", "RELATION", "FIELD", NULL };

/* ---- JSON ---- */

static void
add_text (JsonBuilder *builder, const char *name, const char *text)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_string_value (builder, text);
}

static void
add_number (JsonBuilder *builder, const char *name, gsize number)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_int_value (builder, (gint64)number);
}

static void
add_texts (JsonBuilder *builder, const char *name, const char *const *texts)
{
  json_builder_set_member_name (builder, name);
  json_builder_begin_array (builder);
  for (; *texts != NULL; texts++)
    json_builder_add_string_value (builder, *texts);
  json_builder_end_array (builder);
}

/* What list and show say alike. */
static void
add_family (JsonBuilder *builder, const AccmigFamily *family)
{
  add_text (builder, "name", accmig_family_get_name (family));
  add_text (builder, "title", accmig_family_get_title (family));
  add_text (builder, "path", accmig_family_get_path (family));
  add_texts (builder, "drivers", accmig_family_get_drivers (family));
  add_texts (builder, "ids", accmig_family_get_ids (family));
  add_texts (builder, "mdev-types", accmig_family_get_mdev_types (family));
  add_number (builder, "match-size", accmig_family_get_match_size (family));
  add_number (builder, "stream-min", accmig_family_get_stream_min (family));
  json_builder_set_member_name (builder, "trial");
  json_builder_add_boolean_value (builder, accmig_family_has_trial (family));
}

static void
add_field (JsonBuilder *builder, const AccmigFamilyField *field)
{
  json_builder_begin_object (builder);
  add_text (builder, "name", field->name);
  add_text (builder, "what", field->what);
  add_text (builder, "type", field->type);
  add_text (builder, "from", field->from);
  json_builder_end_object (builder);
}

static void
add_rule (JsonBuilder *builder, const AccmigFamilyRule *rule)
{
  json_builder_begin_object (builder);
  add_text (builder, "id", rule->id);
  add_text (builder, "name", rule->name);
  add_text (builder, "rank", rule->rank);
  add_text (builder, "severity", accmig_severity_to_string (rule->severity));
  add_text (builder, "relation", rule->relation);
  add_text (builder, "field", rule->field);
  add_text (builder, "what", rule->what);
  add_text (builder, "when", rule->when);
  add_text (builder, "sentence", rule->sentence);
  add_text (builder, "remedy", rule->remedy);
  add_text (builder, "reference", rule->reference);
  json_builder_end_object (builder);
}

/* ---- list ---- */

static void
print_list_json (const AccmigFamilies *families)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();

  json_builder_begin_object (builder);
  add_text (builder, "format", FORMAT_LIST);
  json_builder_set_member_name (builder, "families");
  json_builder_begin_array (builder);
  for (gsize i = 0; i < accmig_families_get_n (families); i++)
    {
      const AccmigFamily *family = accmig_families_get (families, i);

      json_builder_begin_object (builder);
      add_family (builder, family);
      add_number (builder, "fields", accmig_family_get_n_fields (family));
      add_number (builder, "rules", accmig_family_get_n_rules (family));
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);
  add_texts (builder, "warnings", accmig_families_get_warnings (families));
  json_builder_end_object (builder);
  document_print_built (builder);
}

static void
print_list (const AccmigFamilies *families)
{
  g_autoptr (Table) table = table_new (list_titles);

  for (gsize i = 0; i < accmig_families_get_n (families); i++)
    {
      const AccmigFamily *family = accmig_families_get (families, i);

      table_add (table, accmig_family_get_name (family));
      table_take (table, g_strdup_printf ("%" G_GSIZE_FORMAT, accmig_family_get_n_fields (family)));
      table_take (table, g_strdup_printf ("%" G_GSIZE_FORMAT, accmig_family_get_n_rules (family)));
      table_take (table, g_strjoinv (" ", (char **)accmig_family_get_drivers (family)));
      table_add (table, accmig_family_get_path (family));
    }
  table_print (table);
}

Status
family_list_run (const Call *call, GError **error)
{
  const AccmigFamilies *families = accmig_families_get_default ();

  if (call->json)
    print_list_json (families);
  else
    print_list (families);
  return STATUS_DONE;
}

/* ---- show ---- */

static void
print_family_json (const AccmigFamily *family)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();

  json_builder_begin_object (builder);
  add_text (builder, "format", FORMAT_SHOW);
  add_family (builder, family);
  json_builder_set_member_name (builder, "fields");
  json_builder_begin_array (builder);
  for (gsize i = 0; i < accmig_family_get_n_fields (family); i++)
    add_field (builder, accmig_family_get_field (family, i));
  json_builder_end_array (builder);
  json_builder_set_member_name (builder, "rules");
  json_builder_begin_array (builder);
  for (gsize i = 0; i < accmig_family_get_n_rules (family); i++)
    add_rule (builder, accmig_family_get_rule (family, i));
  json_builder_end_array (builder);
  json_builder_end_object (builder);
  document_print_built (builder);
}

static void
print_line (const char *label, const char *text)
{
  g_autofree char *clean = text_clean (text);

  if (*text != '\0')
    printf ("%-12s %s\n", label, clean);
}

static void
print_texts (const char *label, const char *const *texts)
{
  g_autofree char *line = g_strjoinv (" ", (char **)texts);

  print_line (label, line);
}

static void
print_head (const AccmigFamily *family)
{
  g_autofree char *match_size =
      g_strdup_printf ("%" G_GSIZE_FORMAT " bytes", accmig_family_get_match_size (family));
  g_autofree char *stream_min =
      g_strdup_printf ("%" G_GSIZE_FORMAT " bytes at least", accmig_family_get_stream_min (family));

  print_line ("Family:", accmig_family_get_name (family));
  print_line ("Title:", accmig_family_get_title (family));
  print_line ("File:", accmig_family_get_path (family));
  print_texts ("Drivers:", accmig_family_get_drivers (family));
  print_texts ("Ids:", accmig_family_get_ids (family));
  print_texts ("Mdev types:", accmig_family_get_mdev_types (family));
  if (accmig_family_get_match_size (family) > 0)
    print_line ("Match data:", match_size);
  if (accmig_family_get_stream_min (family) > 0)
    print_line ("Stream:", stream_min);
  print_line ("Trial:", accmig_family_has_trial (family) ? "yes" : "no");
}

static void
print_fields (const AccmigFamily *family)
{
  g_autoptr (Table) table = table_new (field_titles);

  if (accmig_family_get_n_fields (family) == 0)
    return;
  for (gsize i = 0; i < accmig_family_get_n_fields (family); i++)
    {
      const AccmigFamilyField *field = accmig_family_get_field (family, i);

      table_add (table, field->name);
      table_add (table, field->type);
      table_add (table, field->what);
      table_add (table, field->from);
    }
  putchar ('\n');
  table_print (table);
}

/* @before: what marks the note; nothing where @text is empty */
static void
add_note (Table *table, const char *before, const char *text)
{
  g_autofree char *note = g_strconcat (before, text, NULL);

  if (*text != '\0')
    table_add_note (table, note);
}

static void
print_rules (const AccmigFamily *family)
{
  g_autoptr (Table) table = table_new (rule_titles);

  if (accmig_family_get_n_rules (family) == 0)
    return;
  for (gsize i = 0; i < accmig_family_get_n_rules (family); i++)
    {
      const AccmigFamilyRule *rule = accmig_family_get_rule (family, i);

      table_add (table, rule->name);
      table_add (table, rule->rank);
      table_add (table, accmig_severity_to_string (rule->severity));
      table_add (table, rule->relation);
      table_add (table, rule->field);
      add_note (table, "when ", rule->when);
      add_note (table, "", rule->sentence);
      add_note (table, "→ ", rule->remedy);
      add_note (table, "see ", rule->reference);
    }
  putchar ('\n');
  table_print (table);
}

Status
family_show_run (const Call *call, GError **error)
{
  const AccmigFamily *family = accmig_families_lookup (accmig_families_get_default (), call->words[0]);

  if (family == NULL)
    {
      g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_NOT_FOUND,
                   "there is no family “%s”; accmigctl family list has them", call->words[0]);
      return STATUS_FAILED;
    }
  if (call->json)
    {
      print_family_json (family);
      return STATUS_DONE;
    }
  print_head (family);
  print_fields (family);
  print_rules (family);
  return STATUS_DONE;
}

/* ---- check ---- */

Status
family_check_run (const Call *call, GError **error)
{
  g_autoptr (JsonBuilder) builder = NULL;
  g_autofree char *name = text_clean (call->words[0]);

  if (!accmig_family_check_file (call->words[0], error))
    return STATUS_FAILED;
  if (!call->json)
    {
      printf ("%s: nothing wrong\n", name);
      return STATUS_DONE;
    }
  builder = json_builder_new ();
  json_builder_begin_object (builder);
  add_text (builder, "format", FORMAT_CHECK);
  add_text (builder, "path", name);
  json_builder_end_object (builder);
  document_print_built (builder);
  return STATUS_DONE;
}
