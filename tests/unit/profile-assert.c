// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Assertions about profiles, shared by their tests.
 */

#include "profile-assert.h"

#include <string.h>

#include "profile-private.h"

void
assert_uint (const AccmigProfile *profile, const char *path, guint64 wanted)
{
  guint64 value;

  g_assert_true (accmig_profile_get_uint (profile, path, &value));
  g_assert_cmpuint (value, ==, wanted);
}

void
assert_boolean (const AccmigProfile *profile, const char *path, gboolean wanted)
{
  gboolean value;

  g_assert_true (profile_get_boolean (profile, path, &value));
  g_assert_cmpint (value, ==, wanted);
}

void
assert_missing (const AccmigProfile *profile, const char *path)
{
  guint64 number = 77;
  gboolean boolean = 77;

  g_assert_null (accmig_profile_get_string (profile, path));
  g_assert_false (accmig_profile_get_uint (profile, path, &number));
  g_assert_false (profile_get_boolean (profile, path, &boolean));
  g_assert_cmpuint (number, ==, 77);
  g_assert_cmpint (boolean, ==, 77);
}

void
assert_survives_text (const AccmigProfile *profile)
{
  g_autofree char *text = accmig_profile_to_json (profile);
  g_autofree char *pretty = accmig_profile_to_pretty_json (profile);
  g_autoptr (GError) error = NULL;
  g_autoptr (AccmigProfile) again = accmig_profile_new_from_json (text, -1, &error);
  g_autoptr (AccmigProfile) from_pretty = NULL;
  g_autofree char *text_again = NULL;

  g_assert_no_error (error);
  text_again = accmig_profile_to_json (again);
  g_assert_cmpstr (text_again, ==, text);
  g_assert_cmpstr (accmig_profile_get_digest (again), ==, accmig_profile_get_digest (profile));

  from_pretty = accmig_profile_new_from_json (pretty, (gssize)strlen (pretty), &error);
  g_assert_no_error (error);
  g_assert_nonnull (strchr (pretty, '\n'));
  g_assert_cmpstr (accmig_profile_get_digest (from_pretty), ==, accmig_profile_get_digest (profile));
}
