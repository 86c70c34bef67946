// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Pairs of profiles
 *
 * A verdict is looked at after its profiles are gone, which the sanitizer notices if it still needs them.
 */

#include "pair.h"

#include <accmig/families.h>
#include <string.h>

#include "fuzz.h"
#include "strict-json.h"

#define FIRST_HOST                                                                                           \
  "\"format\":\"accmig-profile/1\",\"host\":{\"kernel\":\"6.12.107\",\"machine\":\"aarch64\","               \
  "\"page-size\":4096,\"cpu\":\"0x00000000481fd010\",\"iommu\":\"smmu-v3\"}"
#define SECOND_HOST                                                                                          \
  "\"format\":\"accmig-profile/1.1\",\"host\":{\"kernel\":\"6.19.0-rc1\",\"machine\":\"x86_64\","            \
  "\"page-size\":65536,\"cpu\":\"x86,ven0000fam0006mod008F\",\"iommu\":\"intel\"}"
#define PCI(host, family, driver, ids, more)                                                                 \
  "{" host ",\"device\":{\"address\":\"0000:75:00.1\",\"kind\":\"pci\",\"family\":\"" family "\"," ids       \
  ",\"driver\":\"" driver "\",\"vfio\":true,\"variant\":\"" driver "\",\"pf\":\"0000:75:00.0\","             \
  "\"vf-index\":0,\"num-vfs\":3,\"numa-node\":0,\"migration\":true," more "}"
#define FIRST(family, driver, ids, object)                                                                   \
  PCI (FIRST_HOST, family, driver, ids ",\"revision\":\"0x30\"", "\"flags\":7}" object)
#define SECOND(family, driver, ids, object)                                                                  \
  PCI (SECOND_HOST, family, driver, ids ",\"revision\":\"0x51\"", "\"flags\":1}" object)
#define MDEV(host, type, object)                                                                             \
  "{" host ",\"device\":{\"address\":\"83b8f4f2-509f-382f-3c1e-e6bfe0fa1001\",\"kind\":\"mdev\","            \
  "\"family\":\"mtty\",\"mdev-type\":\"" type "\",\"driver\":\"mtty\",\"vfio\":true,\"pf\":\"mtty\","        \
  "\"migration\":true,\"flags\":7}" object "}"

#define BARE(family, object)                                                                                 \
  "{\"format\":\"accmig-profile/1\",\"host\":{},\"device\":{\"address\":\"0000:75:00.1\",\"kind\":\"pci\","  \
  "\"family\":\"" family "\"}" object "}"

static const char *const texts[] = {
  FIRST ("hisi_acc", "hisi_acc_vfio_pci", "\"vendor\":\"0x19e5\",\"device\":\"0xa256\"",
         ",\"hisi_acc\":{\"hardware\":\"v4\",\"magic\":\"0xaaccfeeddecadede\",\"major\":1,\"minor\":0,"
         "\"qp-num\":8,\"isolation\":1}"),
  SECOND ("hisi_acc", "vfio-pci", "\"vendor\":\"0x19e5\",\"device\":\"0xa251\"",
          ",\"hisi_acc\":{\"hardware\":\"v3+\",\"magic\":\"0xcdcdcdcdfeedaacc\",\"qp-num\":37}"),
  FIRST ("migsim", "migsim", "\"vendor\":\"0x8086\",\"device\":\"0x10ca\"",
         ",\"migsim\":{\"format-version\":1,\"capability\":5}"),
  SECOND ("migsim", "igbvf", "\"vendor\":\"0x8086\",\"device\":\"0x10ca\"",
          ",\"migsim\":{\"format-version\":2,\"capability\":3}"),
  FIRST ("qat", "qat_vfio_pci", "\"vendor\":\"0x8086\",\"device\":\"0x4941\"", ""),
  SECOND ("qat", "qat_vfio_pci", "\"vendor\":\"0x8086\",\"device\":\"0x4943\"", ""),
  FIRST ("mlx5", "mlx5_vfio_pci", "\"vendor\":\"0x15b3\",\"device\":\"0x101e\"", ""),
  SECOND ("mlx5", "mlx5_vfio_pci", "\"vendor\":\"0x15b3\",\"device\":\"0x101e\"", ""),
  MDEV (FIRST_HOST, "mtty-1", ",\"mtty\":{\"ports\":1}"),
  MDEV (SECOND_HOST, "mtty-2", ",\"mtty\":{\"ports\":2}"),
  BARE ("hisi_acc", ""),
  /* A family of which only the target "family" knows, with a field of each type. */
  FIRST ("x", "x", "\"vendor\":\"0x1234\",\"device\":\"0x5678\"",
         ",\"x\":{\"text\":\"6.12\",\"number\":3,\"hex\":5,\"flags\":7,\"boolean\":true}"),
  SECOND ("x", "x", "\"vendor\":\"0x1234\",\"device\":\"0x5678\"",
          ",\"x\":{\"text\":\"{source}\",\"number\":9223372036854775807,\"hex\":3,\"flags\":1,"
          "\"boolean\":false}"),
  BARE ("x", ",\"x\":{}"),
};

static const AccmigOutcome outcomes[] = {
  [ACCMIG_SEVERITY_NOTE] = ACCMIG_OUTCOME_COMPATIBLE,
  [ACCMIG_SEVERITY_WARN] = ACCMIG_OUTCOME_DEGRADED,
  [ACCMIG_SEVERITY_UNKNOWN] = ACCMIG_OUTCOME_UNKNOWN,
  [ACCMIG_SEVERITY_REFUSE] = ACCMIG_OUTCOME_INCOMPATIBLE,
};

/* Returns: (transfer full): a profile of the same text, of which nobody else has a part. */
static AccmigProfile *
copy (const AccmigProfile *profile)
{
  g_autofree char *text = accmig_profile_to_json (profile);
  g_autoptr (GError) error = NULL;
  AccmigProfile *again = accmig_profile_new_from_json (text, -1, &error);

  g_assert_no_error (error);
  return again;
}

GPtrArray *
pair_make_profiles (const char *family)
{
  GPtrArray *profiles = g_ptr_array_new_with_free_func ((GDestroyNotify)accmig_profile_unref);
  g_autofree char *member = family != NULL ? g_strdup_printf ("\"family\":\"%s\"", family) : g_strdup ("");

  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      AccmigProfile *profile =
          strstr (texts[i], member) != NULL ? accmig_profile_new_from_json (texts[i], -1, NULL) : NULL;

      if (profile != NULL)
        g_ptr_array_add (profiles, profile);
    }
  return profiles;
}

AccmigProfile **
pair_get_profiles (void)
{
  static GPtrArray *profiles;

  if (profiles != NULL)
    return (AccmigProfile **)profiles->pdata;
  g_assert_nonnull (accmig_families_lookup (accmig_families_get_default (), "hisi_acc"));
  profiles = pair_make_profiles (NULL);
  g_assert_cmpuint (profiles->len, ==, G_N_ELEMENTS (texts));
  g_ptr_array_add (profiles, NULL);
  return (AccmigProfile **)profiles->pdata;
}

/* ---- verdicts ---- */

static void
check_finding (const AccmigFinding *finding)
{
  const char *const lines[] = { finding->rule, finding->field, finding->source_value, finding->target_value,
                                finding->sentence };

  g_assert_cmpuint (finding->severity, <, G_N_ELEMENTS (outcomes));
  for (gsize i = 0; i < G_N_ELEMENTS (lines); i++)
    {
      fuzz_check_line (lines[i]);
      g_assert_cmpstr (lines[i], !=, "");
    }
  fuzz_check_line (finding->remedy);
}

/* The outcome is what the worst finding makes of it, and the first such finding is the decisive one. */
static void
check_findings (const AccmigVerdict *verdict)
{
  AccmigOutcome outcome = ACCMIG_OUTCOME_COMPATIBLE;
  const AccmigFinding *decisive = NULL;

  for (gsize i = 0; i < accmig_verdict_get_n_findings (verdict); i++)
    {
      const AccmigFinding *finding = accmig_verdict_get_finding (verdict, i);

      check_finding (finding);
      if (outcomes[finding->severity] <= outcome)
        continue;
      outcome = outcomes[finding->severity];
      decisive = finding;
    }
  g_assert_cmpint (accmig_verdict_get_outcome (verdict), ==, outcome);
  g_assert_true (accmig_verdict_get_decisive (verdict) == decisive);
}

/* @json: as accmig_verdict_to_json() gave it */
static void
check_json (const AccmigVerdict *verdict, const char *json)
{
  g_autoptr (JsonNode) root = strict_json_parse (json, strlen (json), ACCMIG_PROFILE_MAX_DEPTH, NULL);
  g_autofree char *again = NULL;
  JsonObject *object;

  g_assert_nonnull (root);
  again = strict_json_write (root);
  g_assert_cmpstr (again, ==, json);
  object = json_node_get_object (root);
  g_assert_cmpstr (json_object_get_string_member (object, "outcome"), ==,
                   accmig_outcome_to_string (accmig_verdict_get_outcome (verdict)));
  g_assert_cmpuint (json_array_get_length (json_object_get_array_member (object, "findings")), ==,
                    accmig_verdict_get_n_findings (verdict));
}

/* Returns: (transfer full): a verdict whose profiles are freed */
static AccmigVerdict *
judge (const AccmigProfile *source, const AccmigProfile *target)
{
  g_autoptr (AccmigProfile) from = copy (source);
  g_autoptr (AccmigProfile) to = copy (target);

  return accmig_compat_check (from, to, ACCMIG_COMPAT_NONE);
}

void
pair_check (const AccmigProfile *source, const AccmigProfile *target)
{
  g_autoptr (AccmigVerdict) verdict = judge (source, target);
  g_autoptr (AccmigVerdict) again = accmig_compat_check (source, target, ACCMIG_COMPAT_NONE);
  g_autoptr (AccmigVerdict) managed = accmig_compat_check (source, target, ACCMIG_COMPAT_MANAGED);
  g_autofree char *json = accmig_verdict_to_json (verdict);
  g_autofree char *json_again = accmig_verdict_to_json (again);

  check_findings (verdict);
  check_findings (managed);
  check_json (verdict, json);
  g_assert_cmpstr (json_again, ==, json);
}

/* Whether some row of the rule @id looks at one side alone, or is a function. */
static gboolean
may_fail_alone (const AccmigFamily *family, const char *id)
{
  static const char *const both[] = {
    "equal", "superset", "subset", "at-least", "at-most", "same-side", NULL
  };

  for (gsize i = 0; family != NULL && i < accmig_family_get_n_rules (family); i++)
    {
      const AccmigFamilyRule *row = accmig_family_get_rule (family, i);

      if (strcmp (row->id, id) == 0 && !g_strv_contains (both, row->relation))
        return TRUE;
    }
  return FALSE;
}

void
pair_check_self (const AccmigProfile *profile)
{
  g_autoptr (AccmigVerdict) verdict = accmig_compat_check (profile, profile, ACCMIG_COMPAT_NONE);
  AccmigFamilies *families = accmig_families_get_default ();
  const AccmigFamily *own = accmig_families_lookup (families, accmig_profile_get_family (profile));
  const AccmigFamily *generic = accmig_families_lookup (families, "generic");

  for (gsize i = 0; i < accmig_verdict_get_n_findings (verdict); i++)
    {
      const AccmigFinding *finding = accmig_verdict_get_finding (verdict, i);

      g_assert_cmpstr (finding->source_value, ==, finding->target_value);
      if (finding->severity != ACCMIG_SEVERITY_UNKNOWN && !may_fail_alone (own, finding->rule)
          && !may_fail_alone (generic, finding->rule))
        g_error ("a profile differs from itself: %s [%s]", finding->sentence, finding->rule);
    }
  pair_check (profile, profile);
}

/* ---- text ---- */

static void
check_order (JsonObject *object, const char *name, JsonNode *member, gpointer last)
{
  const char **previous = last;

  if (*previous != NULL)
    g_assert_cmpint (strcmp (*previous, name), <, 0);
  *previous = name;
}

/* json-glib keeps the order in which a text has an object's members. */
static void
check_sorted (JsonNode *node)
{
  g_autoptr (GList) members = NULL;
  const char *last = NULL;

  if (JSON_NODE_HOLDS_ARRAY (node))
    for (guint i = 0; i < json_array_get_length (json_node_get_array (node)); i++)
      check_sorted (json_array_get_element (json_node_get_array (node), i));
  if (!JSON_NODE_HOLDS_OBJECT (node))
    return;
  json_object_foreach_member (json_node_get_object (node), check_order, &last);
  members = json_object_get_values (json_node_get_object (node));
  for (GList *l = members; l != NULL; l = l->next)
    check_sorted (l->data);
}

void
pair_check_text (const AccmigProfile *profile)
{
  g_autofree char *text = accmig_profile_to_json (profile);
  g_autoptr (AccmigProfile) again = copy (profile);
  g_autofree char *text_again = accmig_profile_to_json (again);
  g_autofree char *digest = g_compute_checksum_for_string (G_CHECKSUM_SHA256, text, -1);
  g_autoptr (JsonNode) root = json_from_string (text, NULL);

  g_assert_cmpstr (text_again, ==, text);
  g_assert_cmpstr (accmig_profile_get_digest (profile), ==, digest);
  g_assert_cmpstr (accmig_profile_get_digest (again), ==, digest);
  check_sorted (root);
}
