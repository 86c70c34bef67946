// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What no row of hisi_acc.family can say
 */

#include "family-code.h"

#include <string.h>

#include "profile-private.h"

/* By device id of the VF: the PF driver that hisi_acc_vfio_pci asks for the VF's queues. */
static const struct
{
  const char *device;
  const char *pf_driver;
} engines[] = {
  { "0xa251", "hisi_zip" },
  { "0xa256", "hisi_sec2" },
  { "0xa259", "hisi_hpre" },
};

/* Returns: (nullable): for an engine yet unknown the driver that serves the source */
static const char *
wanted_pf_driver (const CompatPair *pair)
{
  const char *device = profile_get_text (pair->target, MEMBER_DEVICE);

  for (gsize i = 0; i < G_N_ELEMENTS (engines); i++)
    if (g_strcmp0 (engines[i].device, device) == 0)
      return engines[i].pf_driver;
  return profile_get_text (pair->source, MEMBER_PF_DRIVER);
}

static void
check_pf_driver (const CompatRule *rule, const CompatPair *pair, AccmigVerdict *verdict)
{
  const char *wanted = wanted_pf_driver (pair);
  const char *pf = profile_get_text (pair->target, MEMBER_PF);
  const char *driver = profile_get_text (pair->target, MEMBER_PF_DRIVER);
  const char *source_driver = profile_get_text (pair->source, MEMBER_PF_DRIVER);
  const char *const words[] = {
    "address", accmig_profile_get_address (pair->target), "pf",     pf,
    "driver",  driver != NULL ? driver : "no driver",     "wanted", wanted,
    NULL,
  };

  if (pf == NULL || wanted == NULL)
    compat_add (verdict, rule, pair, ACCMIG_SEVERITY_UNKNOWN, source_driver, driver,
                "which driver the PF of {address} needs is unknown", NULL, words);
  else if (g_strcmp0 (driver, wanted) != 0)
    compat_add (verdict, rule, pair, rule->severity, source_driver, driver,
                rule->sentence != NULL ? rule->sentence
                                       : "PF {pf} of {address} is bound to {driver}, not {wanted}",
                rule->remedy, words);
}

/* ---- by name ---- */

static const FieldReader no_readers[] = { { NULL } };

static const FamilyCheck checks[] = {
  { "pf-driver", check_pf_driver, { "pf", "driver", "wanted" } },
  { NULL },
};

const FamilyCode family_code_hisi_acc = { "hisi_acc", no_readers, checks };
