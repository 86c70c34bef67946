// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Match data of a stream, held against a device
 *
 * The first byte chooses the device, the rest is what a stream begins with. Only as much of it counts as the
 * family has of match data; what comes out is a profile of the same device, whatever was said of it before,
 * and taking the same bytes for it again changes nothing.
 */

#include "fuzz.h"

#include <string.h>

#include "pair.h"

#define CODES                                                                                                \
  (FUZZ_CODE (ACCMIG_ERROR_UNSUPPORTED) | FUZZ_CODE (ACCMIG_ERROR_TRUNCATED)                                 \
   | FUZZ_CODE (ACCMIG_ERROR_INVALID) | FUZZ_CODE (ACCMIG_ERROR_LIMIT))

static const AccmigProfile *
choose_target (guint8 byte)
{
  AccmigProfile **known = pair_get_profiles ();
  gsize n = 0;

  while (known[n] != NULL)
    n++;
  return known[byte % n];
}

/* What no match data can be, by its length alone. */
static void
check_refusal (gsize wanted, gsize length, const GError *error)
{
  if (wanted == 0)
    g_assert_error (error, ACCMIG_ERROR, ACCMIG_ERROR_UNSUPPORTED);
  else if (length < wanted)
    g_assert_error (error, ACCMIG_ERROR, ACCMIG_ERROR_TRUNCATED);
}

static void
check_same (const AccmigProfile *target, const guint8 *match, gsize length, const AccmigProfile *wanted)
{
  g_autoptr (AccmigProfile) got = accmig_profile_new_from_match (target, match, length, NULL);

  g_assert_nonnull (got);
  g_assert_cmpstr (accmig_profile_get_digest (got), ==, accmig_profile_get_digest (wanted));
}

/* What another stream said about the same device before leaves no trace. */
static void
check_forgetting (const AccmigProfile *target, const guint8 *match, gsize length, const AccmigProfile *wanted)
{
  g_autofree guint8 *opposite = g_memdup2 (match, length);
  g_autoptr (AccmigProfile) other = NULL;

  for (gsize i = 0; i < length; i++)
    opposite[i] = (guint8)~opposite[i];
  other = accmig_profile_new_from_match (target, opposite, length, NULL);
  if (other != NULL)
    check_same (other, match, length, wanted);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  const AccmigProfile *target = choose_target (size > 0 ? data[0] : 0);
  const guint8 *match = size > 0 ? data + 1 : data;
  gsize length = size > 0 ? size - 1 : 0;
  gsize wanted = accmig_profile_match_size (accmig_profile_get_family (target));
  g_autoptr (GError) error = NULL;
  g_autoptr (AccmigProfile) source = accmig_profile_new_from_match (target, match, length, &error);

  fuzz_check_outcome (source != NULL, error, CODES);
  check_refusal (wanted, length, error);
  if (source == NULL)
    return 0;
  g_assert_cmpstr (accmig_profile_get_address (source), ==, accmig_profile_get_address (target));
  g_assert_cmpstr (accmig_profile_get_family (source), ==, accmig_profile_get_family (target));
  check_same (target, match, wanted, source);
  check_same (source, match, length, source);
  check_forgetting (target, match, length, source);
  pair_check_text (source);
  pair_check_self (source);
  pair_check (source, target);
  return 0;
}
