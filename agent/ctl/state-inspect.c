// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * accmigctl state inspect
 *
 * The file is read once from its start to its end; what it begins with is kept, to be held against devices.
 */

#include "call.h"

#include <accmig/families.h>
#include <accmig/stream.h>
#include <errno.h>
#include <json-glib/json-glib.h>
#include <stdio.h>

#include "document.h"
#include "file.h"
#include "finding.h"
#include "stream-target.h"
#include "table.h"
#include "text.h"

#define FORMAT "accmig-state/1"

static const char *const titles[] = { "NAME", "OFFSET", "SIZE", "VALUE", NULL };

static void
build_text (JsonBuilder *builder, const char *name, const char *value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_string_value (builder, value);
}

static void
build_number (JsonBuilder *builder, const char *name, guint64 value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_int_value (builder, (gint64)value);
}

/* Who writes and reads such a stream. */
static void
build_families (JsonBuilder *builder, const AccmigStreamInfo *info)
{
  json_builder_set_member_name (builder, "families");
  json_builder_begin_array (builder);
  for (const char *const *name = accmig_stream_info_get_families (info); *name != NULL; name++)
    json_builder_add_string_value (builder, *name);
  json_builder_end_array (builder);
}

static void
build_devices (JsonBuilder *builder, const GPtrArray *verdicts)
{
  json_builder_set_member_name (builder, "devices");
  json_builder_begin_array (builder);
  for (guint i = 0; i < verdicts->len; i++)
    json_builder_add_value (builder, json_node_copy (verdicts->pdata[i]));
  json_builder_end_array (builder);
}

/* @verdicts: (nullable) */
static void
print_json (const AccmigStreamInfo *info, const GPtrArray *verdicts)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();

  json_builder_begin_object (builder);
  build_text (builder, "format", FORMAT);
  build_text (builder, "family", accmig_stream_info_get_family (info));
  build_families (builder, info);
  build_number (builder, "length", accmig_stream_info_get_length (info));
  build_text (builder, "summary", accmig_stream_info_get_summary (info));
  json_builder_set_member_name (builder, "fields");
  json_builder_begin_array (builder);
  for (gsize i = 0; i < accmig_stream_info_get_n_fields (info); i++)
    {
      const AccmigStreamField *field = accmig_stream_info_get_field (info, i);

      json_builder_begin_object (builder);
      build_text (builder, "name", field->name);
      build_number (builder, "offset", field->offset);
      build_number (builder, "size", field->size);
      build_text (builder, "value", field->value);
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);
  if (verdicts != NULL)
    build_devices (builder, verdicts);
  json_builder_end_object (builder);
  document_print_built (builder);
}

/* Which drivers could load it, by the families that are known here. */
static void
print_loaders (const AccmigStreamInfo *info)
{
  for (const char *const *name = accmig_stream_info_get_families (info); *name != NULL; name++)
    {
      const AccmigFamily *family = accmig_families_lookup (accmig_families_get_default (), *name);
      g_autofree char *drivers =
          family != NULL ? g_strjoinv (", ", (char **)accmig_family_get_drivers (family)) : NULL;

      if (family == NULL)
        printf ("could be loaded by: %s, a family of which there is no file here\n", *name);
      else
        printf ("could be loaded by: %s%s%s\n", accmig_family_get_title (family),
                *drivers != '\0' ? ", driver " : "", drivers);
    }
}

static void
print_table (const AccmigStreamInfo *info)
{
  g_autoptr (Table) table = table_new (titles);
  g_autofree char *families = g_strjoinv (" or ", (char **)accmig_stream_info_get_families (info));

  printf ("%s, %" G_GUINT64_FORMAT " bytes; %s\n", families, accmig_stream_info_get_length (info),
          accmig_stream_info_get_summary (info));
  print_loaders (info);
  for (gsize i = 0; i < accmig_stream_info_get_n_fields (info); i++)
    {
      const AccmigStreamField *field = accmig_stream_info_get_field (info, i);

      table_add (table, field->name);
      table_take (table, g_strdup_printf ("%" G_GUINT64_FORMAT, field->offset));
      table_take (table, g_strdup_printf ("%" G_GUINT64_FORMAT, field->size));
      table_add (table, field->value);
    }
  if (accmig_stream_info_get_n_fields (info) > 0)
    table_print (table);
}

static void
print_verdicts (const GPtrArray *verdicts)
{
  for (guint i = 0; i < verdicts->len; i++)
    {
      JsonObject *verdict = json_node_get_object (verdicts->pdata[i]);
      g_autofree char *address = text_clean (document_get_text (verdict, "address"));

      printf ("%s%s: %s\n", i == 0 ? "\n" : "", address, document_get_text (verdict, "outcome"));
      findings_print (verdict);
    }
}

/* ---- the file ---- */

/* Reads what the stream begins with, and goes back. */
static gboolean
read_match (const char *name, int fd, StreamMatch *match, GError **error)
{
  off_t at = lseek (fd, 0, SEEK_CUR);
  ssize_t n = 1;

  for (match->length = 0; n > 0; match->length += (gsize)n)
    {
      n = TEMP_FAILURE_RETRY (pread (fd, match->bytes + match->length, sizeof match->bytes - match->length,
                                     at + (off_t)match->length));
      if (n < 0)
        {
          g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_IO, "%s cannot be read: %s", file_label (name),
                       g_strerror (errno));
          return FALSE;
        }
    }
  return TRUE;
}

/* (transfer full) (nullable) */
static AccmigStreamInfo *
inspect (const char *name, int fd, GError **error)
{
  AccmigStreamInfo *info = accmig_stream_inspect (fd, error);

  if (info == NULL)
    g_prefix_error (error, "%s: ", file_label (name));
  return info;
}

/* (transfer full) (element-type JsonNode): a verdict for each of @targets */
static GPtrArray *
judge (const AccmigStreamInfo *info, const StreamMatch *match, const GPtrArray *targets)
{
  GPtrArray *verdicts = g_ptr_array_new_with_free_func ((GDestroyNotify)json_node_unref);

  for (guint i = 0; i < targets->len; i++)
    g_ptr_array_add (verdicts, stream_target_judge (info, match, targets->pdata[i]));
  return verdicts;
}

/* Yes when any device could load it, no when none could. */
static Status
status_of (const GPtrArray *verdicts)
{
  Status status = STATUS_REFUSED;

  for (guint i = 0; i < verdicts->len; i++)
    {
      Status one =
          status_of_outcome (document_get_text (json_node_get_object (verdicts->pdata[i]), "outcome"));

      if (one == STATUS_DONE || (one == STATUS_UNKNOWN && status != STATUS_DONE))
        status = one;
    }
  return status;
}

/* ---- both forms ---- */

static Status
inspect_alone (const Call *call, const char *name, GError **error)
{
  g_auto (FileFd) fd = file_open (name, error);
  g_autoptr (AccmigStreamInfo) info = fd >= 0 ? inspect (name, fd, error) : NULL;

  if (info == NULL)
    return STATUS_FAILED;
  if (call->json)
    print_json (info, NULL);
  else
    print_table (info);
  return STATUS_DONE;
}

static Status
inspect_for_devices (const Call *call, const char *name, GError **error)
{
  g_auto (FileFd) fd = file_open_regular (name, error);
  g_autofree StreamMatch *match = g_new0 (StreamMatch, 1);
  g_autoptr (AccmigStreamInfo) info =
      fd >= 0 && read_match (name, fd, match, error) ? inspect (name, fd, error) : NULL;
  g_autoptr (GPtrArray) targets = info != NULL ? stream_targets_read (call, error) : NULL;
  g_autoptr (GPtrArray) verdicts = targets != NULL ? judge (info, match, targets) : NULL;

  if (verdicts == NULL)
    return STATUS_FAILED;
  if (call->json)
    print_json (info, verdicts);
  else
    {
      print_table (info);
      print_verdicts (verdicts);
    }
  return status_of (verdicts);
}

Status
state_inspect_run (const Call *call, GError **error)
{
  const char *name = call->words[0];

  if (call->host != NULL && !call->here)
    {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                   "--host needs --here: that host's devices are asked for, the file is on this one");
      return STATUS_USAGE;
    }
  return call->here || call->against != NULL ? inspect_for_devices (call, name, error)
                                             : inspect_alone (call, name, error);
}
