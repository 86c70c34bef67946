// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Domain XML from another host
 *
 * What is read has the form that the agent relies on; what is written is the text that came, byte for byte;
 * and giving a hostdev another device changes its address and nothing else, not even outside of the one tag.
 */

#include "fuzz.h"

#include <accmig/domain.h>
#include <string.h>

#define CODES (FUZZ_CODE (ACCMIG_ERROR_INVALID) | FUZZ_CODE (ACCMIG_ERROR_LIMIT))
#define NONE  G_MAXSIZE /* no hostdev */
#define FAR   20000     /* bytes; what the parser keeps behind it is less */

/* Addresses by kind, of which the second is as long as one can be. */
static const char *const addresses[][2] = {
  [ACCMIG_KIND_PCI] = { "0000:01:02.3", "fffffff0:fe:1d.6" },
  [ACCMIG_KIND_MDEV] = { "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001", "00000000-0000-0000-0000-00000000000a" },
};

/* ---- reading ---- */

static void
check_hostdev (const AccmigDomain *domain, gsize index)
{
  const AccmigHostdev *hostdev = accmig_domain_get_hostdev (domain, index);
  AccmigKind kind;

  g_assert_true (accmig_alias_is_valid (hostdev->alias));
  g_assert_true (accmig_alias_is_valid (hostdev->key));
  g_assert_true (accmig_address_is_valid (hostdev->address, &kind));
  g_assert_cmpint (kind, ==, hostdev->kind);
  for (gsize i = 0; i < index; i++)
    g_assert_cmpstr (accmig_domain_get_hostdev (domain, i)->key, !=, hostdev->key);
}

static void
check_nodes (const AccmigDomain *domain)
{
  gboolean any = FALSE;

  for (int node = 0; node < 1024; node++)
    any |= accmig_domain_has_node (domain, node);
  g_assert_cmpint (accmig_domain_has_nodes (domain), ==, any);
  g_assert_false (accmig_domain_has_node (domain, -1));
  g_assert_false (accmig_domain_has_node (domain, 1024));
}

static void
check_domain (const AccmigDomain *domain)
{
  const char *name = accmig_domain_get_name (domain);
  const char *uuid = accmig_domain_get_uuid (domain);
  const char *token = accmig_domain_get_token (domain);
  const char *host = accmig_domain_get_host (domain);
  AccmigKind kind;

  fuzz_check_line (name);
  g_assert_cmpstr (name, !=, "");
  g_assert_null (strchr (name, '/'));
  g_assert_true (uuid == NULL || (accmig_address_is_valid (uuid, &kind) && kind == ACCMIG_KIND_MDEV));
  g_assert_true (token == NULL || accmig_alias_is_valid (token));
  g_assert_true (host == NULL || accmig_host_is_valid (host));
  g_assert_true ((token == NULL && host == NULL) || accmig_domain_has_metadata (domain));
  check_nodes (domain);
  g_assert_cmpuint (accmig_domain_get_n_hostdevs (domain), <=, ACCMIG_DOMAIN_MAX_HOSTDEVS);
  for (gsize i = 0; i < accmig_domain_get_n_hostdevs (domain); i++)
    check_hostdev (domain, i);
}

/*
 * @except: the hostdev that is said to have @address
 * Returns: (transfer full): all that is known of the domain, so that two can be compared
 */
static char *
describe (const AccmigDomain *domain, gsize except, const char *address)
{
  const char *uuid = accmig_domain_get_uuid (domain);
  const char *token = accmig_domain_get_token (domain);
  const char *host = accmig_domain_get_host (domain);
  GString *text = g_string_new (accmig_domain_get_name (domain));

  g_string_append_printf (text, "\n%s %s %s %d\n", uuid != NULL ? uuid : "-", token != NULL ? token : "-",
                          host != NULL ? host : "-", accmig_domain_has_metadata (domain));
  for (int node = 0; node < 1024; node++)
    if (accmig_domain_has_node (domain, node))
      g_string_append_printf (text, "node %d\n", node);
  for (gsize i = 0; i < accmig_domain_get_n_hostdevs (domain); i++)
    {
      const AccmigHostdev *hostdev = accmig_domain_get_hostdev (domain, i);

      g_string_append_printf (text, "%s %s %s %d %s\n", hostdev->alias, hostdev->key,
                              i == except ? address : hostdev->address, hostdev->managed,
                              hostdev->profile != NULL ? hostdev->profile : "-");
    }
  return g_string_free (text, FALSE);
}

/* ---- writing ---- */

static AccmigDomain *
parse (const char *xml, gsize length)
{
  g_autoptr (GError) error = NULL;
  AccmigDomain *domain = accmig_domain_new_from_xml (xml, length, &error);

  g_assert_no_error (error);
  return domain;
}

/* Texts that may be refused for their encoding: others must be changed when that is asked for. */
static gboolean
may_be_other_encoding (const char *xml)
{
  return g_str_has_prefix (xml, "\xef\xbb\xbf")
         || (g_str_has_prefix (xml, "<?xml") && strstr (xml, "encoding"));
}

/* What stands between the first and the last byte that differ lies within one tag, and no tag begins there.
 */
static void
check_difference (const char *before, const char *after)
{
  gsize length_before = strlen (before), length_after = strlen (after);
  gsize start = 0, end = 0;

  while (start < MIN (length_before, length_after) && before[start] == after[start])
    start++;
  while (end < MIN (length_before, length_after) - start
         && before[length_before - end - 1] == after[length_after - end - 1])
    end++;
  g_assert_null (memchr (before + start, '<', length_before - start - end));
  g_assert_null (memchr (after + start, '<', length_after - start - end));
}

/* What @domain writes says what @wanted does, and is @before but for one tag. */
static void
check_written (const AccmigDomain *domain, const char *before, const char *wanted)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *after = accmig_domain_to_xml (domain, &error);
  g_autoptr (AccmigDomain) again = NULL;
  g_autofree char *got = NULL;

  if (after == NULL && may_be_other_encoding (before))
    {
      g_assert_error (error, ACCMIG_ERROR, ACCMIG_ERROR_INVALID);
      g_assert_null (strstr (error->message, "not found"));
      return;
    }
  g_assert_no_error (error);
  check_difference (before, after);
  again = parse (after, strlen (after));
  got = describe (again, NONE, NULL);
  g_assert_cmpstr (got, ==, wanted);
}

static void
check_unchanged (const AccmigDomain *domain, const char *xml)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *written = accmig_domain_to_xml (domain, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (written, ==, xml);
}

static void
check_bad_source (AccmigDomain *domain, gsize index, const char *xml)
{
  const AccmigKind kind = accmig_domain_get_hostdev (domain, index)->kind;
  const char *const bad[] = { "", "0000:75:00.8", "0000:75:00.1'/>", addresses[1 - kind][0] };

  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_false (accmig_domain_set_source (domain, index, bad[i], &error));
      g_assert_error (error, ACCMIG_ERROR, ACCMIG_ERROR_INVALID);
    }
  check_unchanged (domain, xml);
}

/* There and back. */
static void
check_set_source (AccmigDomain *domain, gsize index, const char *address, const char *xml)
{
  g_autofree char *old = g_strdup (accmig_domain_get_hostdev (domain, index)->address);
  g_autofree char *wanted = describe (domain, index, address);
  g_autofree char *got = NULL;

  g_assert_true (accmig_domain_set_source (domain, index, address, NULL));
  got = describe (domain, NONE, NULL);
  g_assert_cmpstr (got, ==, wanted);
  check_written (domain, xml, wanted);
  g_assert_true (accmig_domain_set_source (domain, index, old, NULL));
  check_unchanged (domain, xml);
}

static void
check_writing (const char *xml, gsize length)
{
  g_autoptr (AccmigDomain) domain = parse (xml, length);

  check_unchanged (domain, xml);
  for (gsize i = 0; i < accmig_domain_get_n_hostdevs (domain); i++)
    {
      const AccmigKind kind = accmig_domain_get_hostdev (domain, i)->kind;

      check_bad_source (domain, i, xml);
      check_set_source (domain, i, addresses[kind][0], xml);
      check_set_source (domain, i, addresses[kind][1], xml);
    }
}

/* The same far behind the beginning, where the parser does not hold the whole text any more. */
static void
check_writing_far (const char *xml)
{
  g_autofree char *dashes = g_strnfill (FAR, '=');
  g_autofree char *far = g_strdup_printf ("<!--%s-->\n%s", dashes, xml);

  if (!g_str_has_prefix (xml, "\xef\xbb\xbf") && !g_str_has_prefix (xml, "<?xml"))
    check_writing (far, strlen (far));
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (AccmigDomain) domain = accmig_domain_new_from_xml ((const char *)data, size, &error);
  g_autofree char *xml = g_strndup ((const char *)data, size);

  fuzz_check_outcome (domain != NULL, error, CODES);
  if (domain == NULL)
    return 0;
  check_domain (domain);
  check_writing (xml, size);
  if (accmig_domain_get_n_hostdevs (domain) > 0)
    check_writing_far (xml);
  return 0;
}
