// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The element in which a source tells the destination of its devices
 *
 * The input is what stands in a guest's <metadata>. What is read from it, formatted as a source would, and
 * given the namespace as libvirt does it, is read as the same again, even where the profiles are none.
 */

#include "fuzz.h"

#include <accmig/domain.h>
#include <string.h>

#define CODES (FUZZ_CODE (ACCMIG_ERROR_INVALID) | FUZZ_CODE (ACCMIG_ERROR_LIMIT))

#define BEFORE "<domain><name>x</name><metadata>"
#define AFTER                                                                                                \
  "</metadata><devices>" MDEV ("1", "") MDEV ("2", "<alias name='ua-vf.1'/>")                                \
      MDEV ("3", "") "</devices></domain>"
#define MDEV(last, more)                                                                                     \
  "<hostdev mode='subsystem' type='mdev'><source><address uuid='83b8f4f2-509f-382f-3c1e-e6bfe0fa100" last    \
  "'/></source>" more "</hostdev>"

static AccmigDomain *
parse (const char *metadata, gsize length, GError **error)
{
  g_autoptr (GString) xml = g_string_new (BEFORE);

  g_string_append_len (xml, metadata, (gssize)length);
  g_string_append (xml, AFTER);
  return accmig_domain_new_from_xml (xml->str, xml->len, error);
}

/* XML makes one newline of a carriage return that is not escaped; canonical JSON has none. */
static char *
without_returns (const char *text)
{
  g_autoptr (GString) copy = g_string_new (text);

  g_string_replace (copy, "\r\n", "\n", 0);
  g_string_replace (copy, "\r", "\n", 0);
  return g_strdup (copy->str);
}

/* Returns: (transfer full): what a source with these devices would write. */
static char *
format (const AccmigDomain *domain)
{
  const char *keys[ACCMIG_DOMAIN_MAX_HOSTDEVS], *profiles[ACCMIG_DOMAIN_MAX_HOSTDEVS];
  gsize n = 0;

  for (gsize i = 0; i < accmig_domain_get_n_hostdevs (domain); i++)
    {
      const AccmigHostdev *hostdev = accmig_domain_get_hostdev (domain, i);

      if (hostdev->profile == NULL)
        continue;
      keys[n] = hostdev->key;
      profiles[n++] = hostdev->profile;
    }
  return accmig_metadata_format (accmig_domain_get_token (domain), accmig_domain_get_host (domain), keys,
                                 profiles, n);
}

static void
check_same (const AccmigDomain *got, const AccmigDomain *wanted)
{
  g_assert_true (accmig_domain_has_metadata (got));
  g_assert_cmpstr (accmig_domain_get_token (got), ==, accmig_domain_get_token (wanted));
  g_assert_cmpstr (accmig_domain_get_host (got), ==, accmig_domain_get_host (wanted));
  g_assert_cmpuint (accmig_domain_get_n_hostdevs (got), ==, accmig_domain_get_n_hostdevs (wanted));
  for (gsize i = 0; i < accmig_domain_get_n_hostdevs (got); i++)
    {
      const char *profile = accmig_domain_get_hostdev (wanted, i)->profile;
      g_autofree char *text = profile != NULL ? without_returns (profile) : NULL;

      g_assert_cmpstr (accmig_domain_get_hostdev (got, i)->profile, ==, text);
    }
}

/* As libvirt stores it: the element as it was given, with our namespace. */
static void
check_format (const AccmigDomain *domain)
{
  g_autofree char *text = format (domain);
  g_autoptr (GString) stored = g_string_new (text);
  g_autoptr (GError) error = NULL;
  g_autoptr (AccmigDomain) again = NULL;

  g_assert_true (g_str_has_prefix (text, "<devices "));
  g_string_insert (stored, strlen ("<devices "), "xmlns='" ACCMIG_METADATA_URI "' ");
  again = parse (stored->str, stored->len, &error);
  g_assert_no_error (error);
  check_same (again, domain);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (AccmigDomain) domain = parse ((const char *)data, size, &error);

  fuzz_check_outcome (domain != NULL, error, CODES);
  if (domain != NULL && accmig_domain_get_token (domain) != NULL)
    check_format (domain);
  return 0;
}
