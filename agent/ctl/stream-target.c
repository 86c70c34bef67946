// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Targets of a stream
 *
 * A stream says of the device that saved it what its match data say. All else is taken to be as the target
 * has it, so a rule speaks only about what stands in the stream, or about the target itself.
 */

#include "stream-target.h"

#include <accmig/compat.h>
#include <gio/gio.h>

#include "fleet-source.h"
#include "profile-reader.h"

/* ---- profiles ---- */

/* Appends all profiles of @stream; @label: what it is called in an error */
static gboolean
read_profiles (GInputStream *stream, const char *label, GPtrArray *profiles, GError **error)
{
  g_autoptr (ProfileReader) reader = profile_reader_new (stream);
  g_autoptr (GError) wrong = NULL;
  AccmigProfile *profile;

  while ((profile = profile_reader_next (reader, &wrong)) != NULL)
    g_ptr_array_add (profiles, profile);
  if (wrong == NULL)
    return TRUE;
  g_propagate_prefixed_error (error, g_steal_pointer (&wrong), "%s: ", label);
  return FALSE;
}

static gboolean
read_file (const char *name, GPtrArray *profiles, GError **error)
{
  g_autoptr (GFile) file = g_file_new_for_path (name);
  g_autoptr (GError) wrong = NULL;
  g_autoptr (GFileInputStream) stream = g_file_read (file, NULL, &wrong);

  if (stream != NULL)
    return read_profiles (G_INPUT_STREAM (stream), name, profiles, error);
  g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_IO, "%s cannot be read: %s", name, wrong->message);
  return FALSE;
}

static gboolean
read_host (const char *host, GPtrArray *profiles, GError **error)
{
  g_autofree char *text = fleet_source_ask (host, error);
  g_autoptr (GInputStream) stream = NULL;

  if (text == NULL)
    return FALSE;
  stream = g_memory_input_stream_new_from_data (text, -1, NULL);
  return read_profiles (stream, host != NULL ? host : "this host", profiles, error);
}

GPtrArray *
stream_targets_read (const Call *call, GError **error)
{
  g_autoptr (GPtrArray) profiles = g_ptr_array_new_with_free_func ((GDestroyNotify)accmig_profile_unref);

  if (call->here && !read_host (call->host, profiles, error))
    return NULL;
  for (char **name = call->against; name != NULL && *name != NULL; name++)
    if (!read_file (*name, profiles, error))
      return NULL;
  return g_steal_pointer (&profiles);
}

/* ---- verdicts ---- */

/* (transfer full): a verdict that no rule of a family's made */
static JsonNode *
make_verdict (AccmigOutcome outcome, AccmigSeverity severity, const char *rule, const char *field,
              const char *source, const char *target, const char *sentence)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  const char *const members[][2] = {
    { "rule", rule },     { "severity", accmig_severity_to_string (severity) },
    { "field", field },   { "source", source },
    { "target", target }, { "sentence", sentence },
    { "remedy", "" },
  };

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "outcome");
  json_builder_add_string_value (builder, accmig_outcome_to_string (outcome));
  json_builder_set_member_name (builder, "findings");
  json_builder_begin_array (builder);
  json_builder_begin_object (builder);
  for (gsize i = 0; i < G_N_ELEMENTS (members); i++)
    {
      json_builder_set_member_name (builder, members[i][0]);
      json_builder_add_string_value (builder, members[i][1]);
    }
  json_builder_end_object (builder);
  json_builder_end_array (builder);
  json_builder_end_object (builder);
  return json_builder_get_root (builder);
}

static JsonNode *
judge_family (const AccmigStreamInfo *info, const AccmigProfile *target)
{
  g_autofree char *families = g_strjoinv (" or ", (char **)accmig_stream_info_get_families (info));
  const char *family = accmig_profile_get_family (target);
  g_autofree char *sentence = g_strdup_printf ("a stream of the family %s is none for %s, which is of %s",
                                               families, accmig_profile_get_address (target), family);

  return make_verdict (ACCMIG_OUTCOME_INCOMPATIBLE, ACCMIG_SEVERITY_REFUSE, "device.family", "device.family",
                       families, family, sentence);
}

/* @why: without a full stop */
static JsonNode *
judge_unknown (const AccmigProfile *target, const char *why)
{
  g_autofree char *sentence =
      g_strdup_printf ("%s: only the driver of %s can tell", why, accmig_profile_get_address (target));

  return make_verdict (ACCMIG_OUTCOME_UNKNOWN, ACCMIG_SEVERITY_UNKNOWN, "stream.match", "device.match", "-",
                       "-", sentence);
}

static JsonNode *
judge_match (const StreamMatch *match, const AccmigProfile *target)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (AccmigProfile) source =
      accmig_profile_new_from_match (target, match->bytes, match->length, &error);
  g_autoptr (AccmigVerdict) verdict = NULL;
  g_autofree char *text = NULL;

  if (source == NULL)
    return judge_unknown (target, error->message);
  verdict = accmig_compat_check (source, target, ACCMIG_COMPAT_NONE);
  text = accmig_verdict_to_json (verdict);
  return json_from_string (text, NULL);
}

static JsonNode *
judge (const AccmigStreamInfo *info, const StreamMatch *match, const AccmigProfile *target)
{
  const char *family = accmig_profile_get_family (target);

  if (!g_strv_contains (accmig_stream_info_get_families (info), family))
    return judge_family (info, target);
  if (accmig_profile_match_size (family) == 0)
    return judge_unknown (target, "nothing that a stream of this family begins with tells whose it is");
  return judge_match (match, target);
}

JsonNode *
stream_target_judge (const AccmigStreamInfo *info, const StreamMatch *match, const AccmigProfile *target)
{
  JsonNode *verdict = judge (info, match, target);
  JsonObject *object = json_node_get_object (verdict);

  json_object_set_string_member (object, "address", accmig_profile_get_address (target));
  json_object_set_string_member (object, "family", accmig_profile_get_family (target));
  return verdict;
}
