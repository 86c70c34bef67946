// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * accmigctl nova-provider
 *
 * One trait for each class of the fleet that this host has a device of. Nova reads the file once, when it
 * starts, and any error in it keeps it from starting; so nothing is published that was not read back by the
 * same rules, and where something is in doubt nothing is published at all.
 */

#include "call.h"

#include <accmig/error.h>
#include <gio/gio.h>
#include <stdio.h>
#include <string.h>

#include "document.h"
#include "draft.h"
#include "file.h"
#include "fleet-class.h"
#include "fleet-source.h"
#include "nova-directory.h"
#include "profile-reader.h"
#include "text.h"

#define FORMAT "accmig-nova-provider/1"

/* Placement's names have a host's name and a PCI address in them; no other character needs to be quoted. */
#define NAME_PATTERN "^[A-Za-z0-9][A-Za-z0-9._:-]{0,199}$"

/* What is written, and what came of it. */
typedef struct
{
  const char *path; /* (nullable): the standard output */
  const char *host;
  gboolean by_name;
  const char *id;
  char **traits; /* sorted */
  char *text;
  char **gone; /* traits that the file had before */
  gboolean changed;
} Publication;

static void
publication_clear (Publication *self)
{
  g_strfreev (self->traits);
  g_strfreev (self->gone);
  g_free (self->text);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Publication, publication_clear)

/* ---- the command line ---- */

static G_GNUC_PRINTF (2, 3) gboolean fail_usage (GError **error, const char *format, ...)
{
  va_list args;
  g_autofree char *message = NULL;

  va_start (args, format);
  message = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, message);
  return FALSE;
}

static gboolean
read_call (const Call *call, Publication *self, GError **error)
{
  const char *at = call->host != NULL ? strrchr (call->host, '@') : NULL;

  self->path = call->output;
  self->host = call->host == NULL ? g_get_host_name () : at != NULL ? at + 1 : call->host;
  self->by_name = call->provider != NULL;
  self->id = call->provider != NULL       ? call->provider
             : call->compute_node != NULL ? call->compute_node
                                          : NOVA_COMPUTE_NODE;
  if (call->provider != NULL && call->compute_node != NULL)
    return fail_usage (error, "--compute-node and --provider exclude each other");
  if (call->host != NULL && call->host_profiles != NULL)
    return fail_usage (error, "--host and --host-profile exclude each other");
  if (call->compute_node != NULL && !nova_is_uuid (call->compute_node))
    return fail_usage (error, "--compute-node is “%s”, must be a UUID", call->compute_node);
  if (self->by_name && !g_regex_match_simple (NAME_PATTERN, self->id, G_REGEX_DOLLAR_ENDONLY, 0))
    return fail_usage (error,
                       "--provider is “%s”, must be 1 to 200 letters, digits, dots, colons, “-” and “_”",
                       self->id);
  if (self->path != NULL && !nova_file_is_read (self->path))
    return fail_usage (error,
                       "--output is “%s”; Nova reads files *.yaml only, and none that begins with a dot",
                       self->path);
  return TRUE;
}

/* ---- the host's classes ---- */

/* @traits: a set; takes what it has not yet */
static gboolean
add_trait (const AccmigFleet *fleet, const AccmigProfile *profile, GHashTable *traits, GError **error)
{
  gssize index = accmig_fleet_find_class (fleet, profile);
  g_autoptr (AccmigVerdict) alone = NULL;

  if (index >= 0)
    {
      g_hash_table_add (traits, fleet_class_trait (accmig_fleet_get_class (fleet, (gsize)index)));
      return TRUE;
    }
  alone = accmig_compat_check (profile, profile, ACCMIG_COMPAT_NONE);
  if (accmig_verdict_get_outcome (alone) > ACCMIG_OUTCOME_DEGRADED)
    return TRUE; /* it cannot be migrated at all */
  g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_NOT_FOUND,
               "%s is in no class of the fleet; are the fleet's profiles older than this host's?",
               accmig_profile_get_address (profile));
  return FALSE;
}

static gboolean
add_traits (const AccmigFleet *fleet, GInputStream *stream, GHashTable *traits, GError **error)
{
  g_autoptr (ProfileReader) reader = profile_reader_new (stream);
  g_autoptr (GError) read_error = NULL;
  AccmigProfile *profile = NULL;
  gboolean ok = TRUE;

  while (ok && (profile = profile_reader_next (reader, &read_error)) != NULL)
    {
      ok = add_trait (fleet, profile, traits, error);
      accmig_profile_unref (profile);
    }
  if (read_error == NULL)
    return ok;
  g_propagate_error (error, g_steal_pointer (&read_error));
  return FALSE;
}

static gboolean
add_traits_of_file (const AccmigFleet *fleet, const char *name, GHashTable *traits, GError **error)
{
  g_autoptr (GFile) file = g_file_new_for_path (name);
  g_autoptr (GFileInputStream) stream = g_file_read (file, NULL, error);

  if (stream == NULL)
    return FALSE;
  if (add_traits (fleet, G_INPUT_STREAM (stream), traits, error))
    return TRUE;
  g_prefix_error (error, "%s: ", name);
  return FALSE;
}

static gboolean
add_traits_of_host (const AccmigFleet *fleet, const char *host, GHashTable *traits, GError **error)
{
  g_autofree char *text = fleet_source_ask (host, error);
  g_autoptr (GInputStream) stream =
      text != NULL ? g_memory_input_stream_new_from_data (text, -1, NULL) : NULL;

  return stream != NULL && add_traits (fleet, stream, traits, error);
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *)a, *(const char *const *)b);
}

/* (transfer full): sorted */
static char **
sort_set (GHashTable *set)
{
  guint n = 0;
  g_autofree gpointer *names = g_hash_table_get_keys_as_array (set, &n);
  char **copy = g_new0 (char *, n + 1);

  for (guint i = 0; i < n; i++)
    copy[i] = g_strdup (names[i]);
  qsort (copy, n, sizeof (char *), compare_names);
  return copy;
}

/* (nullable) (transfer full) */
static char **
find_traits (const Call *call, GError **error)
{
  g_autoptr (GPtrArray) left_out = NULL;
  g_autoptr (AccmigFleet) fleet = fleet_source_read (call->words[0], &left_out, error);
  g_autoptr (GHashTable) traits = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  gboolean ok = fleet != NULL;

  if (ok && left_out->len > 0)
    {
      const LeftOut *first = left_out->pdata[0];

      g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_INVALID,
                   "the fleet's classes are not certain while a part of it cannot be read: %s: %s",
                   first->name, first->cause);
      return NULL;
    }
  if (ok && call->host_profiles == NULL)
    ok = add_traits_of_host (fleet, call->host, traits, error);
  for (char **name = call->host_profiles; ok && name != NULL && *name != NULL; name++)
    ok = add_traits_of_file (fleet, *name, traits, error);
  return ok ? sort_set (traits) : NULL;
}

/* ---- publishing ---- */

/* (transfer full): what @old gave and @traits do not */
static char **
find_gone (const char *old, char *const *traits)
{
  g_autoptr (GPtrArray) providers = old != NULL ? nova_document_parse (old, strlen (old), NULL) : NULL;
  g_autoptr (GStrvBuilder) gone = g_strv_builder_new ();

  for (guint i = 0; providers != NULL && i < providers->len; i++)
    for (char **trait = ((const NovaProvider *)providers->pdata[i])->traits; *trait != NULL; trait++)
      if (!g_strv_contains ((const char *const *)traits, *trait))
        g_strv_builder_add (gone, *trait);
  return g_strv_builder_end (gone);
}

static gboolean
publish (Publication *self, GError **error)
{
  g_autofree char *old = NULL;
  g_auto (Draft) draft = { .fd = -1 };

  if (!nova_directory_check (self->path, self->host, self->by_name, self->id, error)
      || !nova_directory_read_own (self->path, &old, error))
    return FALSE;
  self->changed = g_strcmp0 (old, self->text) != 0;
  self->gone = find_gone (old, self->traits);
  return !self->changed
         || (draft_open (&draft, self->path, 0644, error) && draft_write (&draft, self->text, error)
             && draft_commit (&draft, self->path, error));
}

/* ---- what came of it ---- */

static void
print_json (const Publication *self)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();

  json_builder_begin_object (builder);
  fleet_add_text (builder, "format", FORMAT);
  json_builder_set_member_name (builder, "file");
  if (self->path != NULL)
    json_builder_add_string_value (builder, self->path);
  else
    json_builder_add_null_value (builder);
  fleet_add_names (builder, "traits", (const char *const *)self->traits, g_strv_length (self->traits));
  fleet_add_names (builder, "gone", (const char *const *)self->gone,
                   self->gone != NULL ? g_strv_length (self->gone) : 0);
  json_builder_set_member_name (builder, "pending-restart");
  json_builder_add_boolean_value (builder, self->changed);
  fleet_add_text (builder, "document", self->text);
  json_builder_end_object (builder);
  document_print_built (builder);
}

static void
print_outcome (const Publication *self)
{
  if (self->path == NULL)
    {
      fputs (self->text, stdout);
      return;
    }
  printf ("%s: %s\n", self->path, self->changed ? "pending restart of nova-compute" : "unchanged");
  for (char **trait = self->traits; *trait != NULL; trait++)
    printf ("  %s\n", *trait);
  for (char **trait = self->gone; *trait != NULL; trait++)
    printf ("  no longer %s; placement may keep it until it is removed there\n", *trait);
}

Status
nova_provider_run (const Call *call, GError **error)
{
  g_auto (Publication) self = { 0 };

  if (!read_call (call, &self, error))
    return STATUS_USAGE;
  self.traits = find_traits (call, error);
  if (self.traits == NULL)
    return STATUS_FAILED;
  self.text = nova_document_write (self.by_name, self.id, (const char *const *)self.traits, error);
  if (self.text == NULL || (self.path != NULL && !publish (&self, error)))
    return STATUS_FAILED;
  if (call->json)
    print_json (&self);
  else
    print_outcome (&self);
  return STATUS_DONE;
}
