// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * compat-loop: how long it takes to read two profiles and to compare them
 *
 * That is the arithmetic of one hostdev at the gate. What it is measured against is the least that reading
 * the two texts can cost: json-glib's parser, which says nothing about what they mean. A fleet reads once and
 * compares often, so a verdict on profiles that were read is timed by itself, for a pair that fits and for
 * one that does not.
 */

#include "sample.h"

#include <accmig/compat.h>
#include <json-glib/json-glib.h>

#define BATCH    50   /* done between two looks at the clock */
#define VERDICTS 5000 /* likewise, of what takes less than a microsecond */

typedef struct
{
  char *text;
  gsize length;
} Text;

static AccmigProfile *
read_profile (const Text *text)
{
  g_autoptr (GError) error = NULL;
  AccmigProfile *profile = accmig_profile_new_from_json (text->text, (gssize)text->length, &error);

  if (profile == NULL)
    sample_fail ("%s", error->message);
  return profile;
}

static void
compare (const Text *source, const Text *target)
{
  g_autoptr (AccmigProfile) from = read_profile (source);
  g_autoptr (AccmigProfile) to = read_profile (target);
  g_autoptr (AccmigVerdict) verdict = accmig_compat_check (from, to, ACCMIG_COMPAT_NONE);

  if (accmig_verdict_get_outcome (verdict) != ACCMIG_OUTCOME_COMPATIBLE)
    sample_fail ("the profiles are %s, wanted is compatible",
                 accmig_outcome_to_string (accmig_verdict_get_outcome (verdict)));
}

static void
judge (const char *variant, const AccmigProfile *source, const AccmigProfile *target, AccmigOutcome wanted)
{
  gint64 start = sample_cpu_now ();

  for (guint i = 0; i < VERDICTS; i++)
    {
      g_autoptr (AccmigVerdict) verdict = accmig_compat_check (source, target, ACCMIG_COMPAT_NONE);

      if (accmig_verdict_get_outcome (verdict) != wanted)
        sample_fail ("the profiles are %s, wanted is %s",
                     accmig_outcome_to_string (accmig_verdict_get_outcome (verdict)),
                     accmig_outcome_to_string (wanted));
    }
  sample_print (variant, sample_cpu_now () - start, VERDICTS);
}

static void
measure_verdicts (const Text *source, const Text *target, const Text *other)
{
  g_autoptr (AccmigProfile) from = read_profile (source);
  g_autoptr (AccmigProfile) to = read_profile (target);
  g_autoptr (AccmigProfile) elsewhere = read_profile (other);

  judge ("fits", from, to, ACCMIG_OUTCOME_COMPATIBLE);
  judge ("fits-not", from, elsewhere, ACCMIG_OUTCOME_INCOMPATIBLE);
}

static void
parse (const Text *text)
{
  g_autoptr (JsonParser) parser = json_parser_new_immutable ();
  g_autoptr (GError) error = NULL;

  if (!json_parser_load_from_data (parser, text->text, (gssize)text->length, &error))
    sample_fail ("%s", error->message);
}

static void
measure (const Text *source, const Text *target)
{
  gint64 start = sample_cpu_now ();

  for (guint i = 0; i < BATCH; i++)
    compare (source, target);
  sample_print ("compare", sample_cpu_now () - start, BATCH);

  start = sample_cpu_now ();
  for (guint i = 0; i < BATCH; i++)
    {
      parse (source);
      parse (target);
    }
  sample_print ("parse", sample_cpu_now () - start, BATCH);
}

int
main (int argc, char **argv)
{
  Text source, target, other;
  guint rounds;

  g_set_prgname ("compat-loop");
  if (argc != 5)
    sample_fail ("usage: compat-loop ROUNDS SOURCE.json TARGET.json OTHER.json");
  rounds = sample_number (argv[1], 1, 100000);
  source.text = sample_file (argv[2], &source.length);
  target.text = sample_file (argv[3], &target.length);
  other.text = sample_file (argv[4], &other.length);

  for (guint i = 0; i < rounds; i++)
    {
      measure (&source, &target);
      measure_verdicts (&source, &target, &other);
    }

  g_free (source.text);
  g_free (target.text);
  g_free (other.text);
  return 0;
}
