// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A profile from another host
 *
 * What is taken for a profile means what the text meant, by json-glib's reading of both; its canonical form
 * is a fixed point; its known members have the form that messages rely on; and it can be held against any
 * other profile.
 */

#include "fuzz.h"

#include <json-glib/json-glib.h>
#include <string.h>

#include "pair.h"

#define CODES (FUZZ_CODE (ACCMIG_ERROR_INVALID) | FUZZ_CODE (ACCMIG_ERROR_LIMIT))

/* What a text is made of, outside of its strings. */
typedef struct
{
  guint blanks;
  guint members;
  guint depth;
} Shape;

/* @text: JSON */
static Shape
measure (const char *text)
{
  Shape shape = { 0 };
  guint depth = 0;

  for (; *text != '\0'; text++)
    if (*text == '"')
      for (text++; *text != '"'; text++)
        text += *text == '\\';
    else if (strchr (" \t\r\n", *text) != NULL)
      shape.blanks++;
    else if (*text == ':')
      shape.members++;
    else if (*text == '{' || *text == '[')
      {
        depth++;
        shape.depth = MAX (shape.depth, depth);
      }
    else if (*text == '}' || *text == ']')
      depth--;
  return shape;
}

/* json-glib would have taken the last of two members of one name. */
static void
check_shape (const char *text, const char *canonical)
{
  const Shape before = measure (text), after = measure (canonical);

  g_assert_cmpuint (after.blanks, ==, 0);
  g_assert_cmpuint (after.members, ==, before.members);
  g_assert_cmpuint (after.depth, ==, before.depth);
  g_assert_cmpuint (after.depth, <=, ACCMIG_PROFILE_MAX_DEPTH);
}

static void
check_meaning (const AccmigProfile *profile, const guint8 *data, gsize size)
{
  g_autofree char *text = g_strndup ((const char *)data, size);
  g_autofree char *canonical = accmig_profile_to_json (profile);
  g_autoptr (JsonNode) before = json_from_string (text, NULL);
  g_autoptr (JsonNode) after = json_from_string (canonical, NULL);

  g_assert_true (json_node_equal (before, after));
  check_shape (text, canonical);
}

/* Indentation can make it too long to be read again. */
static void
check_pretty (const AccmigProfile *profile)
{
  g_autofree char *pretty = accmig_profile_to_pretty_json (profile);
  g_autoptr (AccmigProfile) again = NULL;

  if (strlen (pretty) > ACCMIG_PROFILE_MAX_SIZE)
    return;
  again = accmig_profile_new_from_json (pretty, -1, NULL);
  g_assert_nonnull (again);
  g_assert_cmpstr (accmig_profile_get_digest (again), ==, accmig_profile_get_digest (profile));
}

static void
check_members (const AccmigProfile *profile)
{
  static const char *const texts[] = { "host.kernel", "host.cpu", "device.driver", "device.pf",
                                       "hisi_acc.magic" };
  static const char *const numbers[] = { "host.page-size", "device.flags", "device.state-size",
                                         "hisi_acc.qp-num" };
  const char *address = accmig_profile_get_address (profile);
  AccmigKind kind;
  guint64 number;

  g_assert_true (accmig_address_is_valid (address, &kind));
  g_assert_cmpstr (accmig_profile_get_string (profile, "device.kind"), ==, accmig_kind_to_string (kind));
  g_assert_cmpstr (accmig_profile_get_family (profile), !=, "");
  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      const char *text = accmig_profile_get_string (profile, texts[i]);

      if (text == NULL)
        continue;
      fuzz_check_line (text);
      g_assert_true (g_str_is_ascii (text));
      g_assert_cmpuint (strlen (text) - 1, <, 128);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (numbers); i++)
    if (accmig_profile_get_uint (profile, numbers[i], &number))
      g_assert_cmpuint (number, <=, G_MAXINT64);
}

/* With the good profiles of its family, and one of another. */
static void
check_known (const AccmigProfile *profile)
{
  AccmigProfile **known = pair_get_profiles ();

  for (gsize i = 0; known[i] != NULL; i++)
    if (i == 0 || g_str_equal (accmig_profile_get_family (known[i]), accmig_profile_get_family (profile)))
      {
        pair_check (profile, known[i]);
        pair_check (known[i], profile);
      }
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (AccmigProfile) profile = accmig_profile_new_from_json ((const char *)data, (gssize)size, &error);

  fuzz_check_outcome (profile != NULL, error, CODES);
  if (profile == NULL)
    return 0;
  check_meaning (profile, data, size);
  check_pretty (profile);
  check_members (profile);
  pair_check_text (profile);
  pair_check_self (profile);
  check_known (profile);
  return 0;
}
