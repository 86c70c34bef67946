// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * accmigctl compare
 *
 * Two profiles from files, on no particular host: the library decides, nobody is asked.
 */

#include "call.h"

#include <accmig/compat.h>
#include <stdio.h>

#include "document.h"
#include "file.h"
#include "finding.h"

/* (nullable) */
static AccmigProfile *
read_profile (const char *name, GError **error)
{
  g_autoptr (GBytes) bytes = file_read (name, ACCMIG_PROFILE_MAX_SIZE, error);
  AccmigProfile *profile = NULL;
  gsize length = 0;
  const char *text = NULL;

  if (bytes == NULL)
    return NULL;
  text = g_bytes_get_data (bytes, &length);
  profile = accmig_profile_new_from_json (text != NULL ? text : "", (gssize)length, error);
  if (profile == NULL)
    g_prefix_error (error, "%s: ", file_label (name));
  return profile;
}

static void
print_verdict (const AccmigVerdict *verdict, const AccmigProfile *source, const AccmigProfile *target)
{
  g_autofree char *text = accmig_verdict_to_json (verdict);
  g_autoptr (JsonNode) node = json_from_string (text, NULL);

  printf ("%s → %s: %s\n", accmig_profile_get_address (source), accmig_profile_get_address (target),
          accmig_outcome_to_string (accmig_verdict_get_outcome (verdict)));
  findings_print (json_node_get_object (node));
}

Status
compare_run (const Call *call, GError **error)
{
  g_autoptr (AccmigProfile) source = NULL;
  g_autoptr (AccmigProfile) target = NULL;
  g_autoptr (AccmigVerdict) verdict = NULL;

  if (g_str_equal (call->words[0], "-") && g_str_equal (call->words[1], "-"))
    {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                   "only one of the two can be the standard input");
      return STATUS_USAGE;
    }
  source = read_profile (call->words[0], error);
  target = source != NULL ? read_profile (call->words[1], error) : NULL;
  if (target == NULL)
    return STATUS_FAILED;

  verdict = accmig_compat_check (source, target, call->managed ? ACCMIG_COMPAT_MANAGED : ACCMIG_COMPAT_NONE);
  if (call->json)
    {
      g_autofree char *text = accmig_verdict_to_json (verdict);

      puts (text);
    }
  else
    print_verdict (verdict, source, target);
  return status_of_outcome (accmig_outcome_to_string (accmig_verdict_get_outcome (verdict)));
}
