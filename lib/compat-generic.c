// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What no row of generic.family can say
 *
 * Mostly whether both drivers really offer migration: one question with many answers, since a target may be
 * bound to anything, and libvirt may be going to bind it to something else.
 */

#include "family-code.h"

#include <string.h>

#include "profile-private.h"

/* ---- does the driver offer migration? ---- */

/* Returns: (nullable): NULL when nobody knows */
static const char *
yes_or_no (const AccmigProfile *profile)
{
  const Value *offers = &profile->values[MEMBER_MIGRATION];

  if (!offers->known)
    return NULL;
  return offers->number != 0 ? "yes" : "no";
}

static gboolean
offers_migration (const AccmigProfile *profile)
{
  return profile->values[MEMBER_MIGRATION].known && profile->values[MEMBER_MIGRATION].number != 0;
}

static void
report_source (const CompatRule *rule, const CompatPair *pair, AccmigVerdict *verdict)
{
  const char *offers = yes_or_no (pair->source);
  const char *driver = profile_get_text (pair->source, MEMBER_DRIVER);
  const char *const words[] = { "driver", driver != NULL ? driver : "no driver", "address",
                                accmig_profile_get_address (pair->source), NULL };

  if (offers == NULL)
    compat_add (
        verdict, rule, pair, ACCMIG_SEVERITY_UNKNOWN, NULL, yes_or_no (pair->target),
        "source {address} is bound to {driver}; its profile does not say whether that offers migration",
        "make the source's profile again while the guest runs", words);
  else
    compat_add (verdict, rule, pair, ACCMIG_SEVERITY_REFUSE, offers, yes_or_no (pair->target),
                "source {address} is bound to {driver}, which offers no migration",
                "shut the guest down, bind {address} to its migration driver, and start the guest again",
                words);
}

static void
check_source_migration (const CompatRule *rule, const CompatPair *pair, AccmigVerdict *verdict)
{
  if (!offers_migration (pair->source))
    report_source (rule, pair, verdict);
}

/* How a target that does not offer migration now stands. */
typedef enum
{
  TARGET_WILL_BE_BOUND,   /* managed: libvirt binds it to its variant driver */
  TARGET_WOULD_GET_PLAIN, /* managed: modules.alias names no better driver than vfio-pci */
  TARGET_VARIANT_UNKNOWN, /* managed: nobody read modules.alias */
  TARGET_UNBOUND,
  TARGET_NATIVE,  /* bound to a driver that is not a VFIO driver */
  TARGET_PLAIN,   /* bound to vfio-pci */
  TARGET_WITHOUT, /* bound to a VFIO driver that offers none on this host */
  TARGET_UNASKED, /* bound to a VFIO driver that nobody could ask */
} TargetBinding;

#define BIND_REMEDY                                                                                          \
  "bind it: write {wanted} to /sys/bus/pci/devices/{address}/driver_override, unbind its present driver, "   \
  "write "                                                                                                   \
  "{address} to /sys/bus/pci/drivers_probe"

static const struct
{
  AccmigSeverity severity;
  const char *sentence;
  const char *remedy;
} target_bindings[] = {
  [TARGET_WILL_BE_BOUND] = { ACCMIG_SEVERITY_NOTE,
                             "{address} is bound to {driver} now; libvirt will bind it to {variant}, whose "
                             "migration "
                             "flags are not known until then",
                             NULL },
  [TARGET_WOULD_GET_PLAIN] = { ACCMIG_SEVERITY_REFUSE,
                               "{address} is bound to {driver}, and libvirt would bind it to vfio-pci, which "
                               "offers no "
                               "migration; it needs {wanted}",
                               "install {wanted} for the running kernel and run depmod" },
  [TARGET_VARIANT_UNKNOWN] = { ACCMIG_SEVERITY_UNKNOWN,
                               "{address} is bound to {driver}; which driver libvirt will bind it to is not "
                               "known",
                               "see that modules.alias of the running kernel can be read" },
  [TARGET_UNBOUND] = { ACCMIG_SEVERITY_REFUSE, "{address} is bound to no driver; it needs {wanted}",
                       BIND_REMEDY },
  [TARGET_NATIVE] = { ACCMIG_SEVERITY_REFUSE,
                      "{address} is bound to {driver}, which is no VFIO driver; it needs {wanted}",
                      BIND_REMEDY },
  [TARGET_PLAIN] = { ACCMIG_SEVERITY_REFUSE,
                     "{address} is bound to {driver}, which offers no migration; it needs {wanted}",
                     BIND_REMEDY },
  [TARGET_WITHOUT] = { ACCMIG_SEVERITY_REFUSE,
                       "{address} is bound to {driver}, which offers no migration for it on this host",
                       "see the kernel log of the moment when {driver} was bound to {address}" },
  [TARGET_UNASKED] = { ACCMIG_SEVERITY_UNKNOWN,
                       "{address} is bound to {driver}; whether that offers migration could not be asked",
                       "make the target's profile again while the device is free" },
};

/* Whether libvirt will bind the target to a variant driver before the guest is started. */
static gboolean
will_be_bound (const CompatPair *pair, gboolean vfio)
{
  const char *driver = profile_get_text (pair->target, MEMBER_DRIVER);
  const char *variant = profile_get_text (pair->target, MEMBER_VARIANT);

  if ((pair->options & ACCMIG_COMPAT_MANAGED) == 0 || variant == NULL || strcmp (variant, "vfio-pci") == 0)
    return FALSE;
  return !vfio || g_strcmp0 (driver, "vfio-pci") == 0;
}

static TargetBinding
classify_target (const CompatPair *pair)
{
  const char *driver = profile_get_text (pair->target, MEMBER_DRIVER);
  const char *variant = profile_get_text (pair->target, MEMBER_VARIANT);
  const char *kind = profile_get_text (pair->target, MEMBER_KIND);
  gboolean plain = g_strcmp0 (driver, "vfio-pci") == 0;
  const Value *is_vfio = &pair->target->values[MEMBER_VFIO];
  gboolean vfio = is_vfio->known ? is_vfio->number != 0 : plain;

  if (vfio && !plain)
    return yes_or_no (pair->target) != NULL ? TARGET_WITHOUT : TARGET_UNASKED;
  if (will_be_bound (pair, vfio))
    return TARGET_WILL_BE_BOUND;
  /* libvirt binds PCI functions only; an mdev has the driver that it has. */
  if ((pair->options & ACCMIG_COMPAT_MANAGED) != 0 && strcmp (kind, "pci") == 0)
    {
      if (variant == NULL)
        return TARGET_VARIANT_UNKNOWN;
      if (!plain)
        return TARGET_WOULD_GET_PLAIN;
    }
  if (plain)
    return TARGET_PLAIN;
  return driver != NULL ? TARGET_NATIVE : TARGET_UNBOUND;
}

/* The target's own variant driver; where the host knows none, the driver that serves the source. */
static const char *
wanted_driver (const CompatPair *pair)
{
  const char *variant = profile_get_text (pair->target, MEMBER_VARIANT);
  const char *driver = profile_get_text (pair->source, MEMBER_DRIVER);

  if (variant != NULL && strcmp (variant, "vfio-pci") != 0)
    return variant;
  if (driver != NULL && strcmp (driver, "vfio-pci") != 0)
    return driver;
  return "a VFIO driver with migration";
}

static void
report_target (const CompatRule *rule, const CompatPair *pair, AccmigVerdict *verdict)
{
  const char *driver = profile_get_text (pair->target, MEMBER_DRIVER);
  TargetBinding binding = classify_target (pair);
  const char *const words[] = {
    "address", accmig_profile_get_address (pair->target),
    "driver",  driver != NULL ? driver : "no driver",
    "variant", profile_get_text (pair->target, MEMBER_VARIANT),
    "wanted",  wanted_driver (pair),
    NULL,
  };

  compat_add (verdict, rule, pair, target_bindings[binding].severity, yes_or_no (pair->source),
              yes_or_no (pair->target), target_bindings[binding].sentence, target_bindings[binding].remedy,
              words);
}

static void
check_target_migration (const CompatRule *rule, const CompatPair *pair, AccmigVerdict *verdict)
{
  if (!offers_migration (pair->target))
    report_target (rule, pair, verdict);
}

/* ---- which flags does it have? ---- */

/* Whether a driver is known to offer migration, and its flags are not. */
static gboolean
lacks_flags (const AccmigProfile *profile)
{
  return offers_migration (profile) && !profile->values[MEMBER_FLAGS].known;
}

/* For the rules about single flags, which say nothing when flags are missing. */
static void
check_flags_known (const CompatRule *rule, const CompatPair *pair, AccmigVerdict *verdict)
{
  g_autofree char *source = NULL;
  g_autofree char *target = NULL;

  if (!lacks_flags (pair->source) && !lacks_flags (pair->target))
    return;
  source = value_show (&pair->source->values[MEMBER_FLAGS], VALUE_FLAGS);
  target = value_show (&pair->target->values[MEMBER_FLAGS], VALUE_FLAGS);
  compat_add_missing (verdict, rule, pair, source, target);
}

/* ---- are there rules of the family? ---- */

static gboolean
has_rules (const AccmigFamily *family)
{
  return family != NULL && family->rules->len > 0 && strcmp (family->name, GENERIC_FAMILY) != 0;
}

static void
check_family_rules (const CompatRule *rule, const CompatPair *pair, AccmigVerdict *verdict)
{
  const char *source = profile_get_text (pair->source, MEMBER_FAMILY);
  const char *target = profile_get_text (pair->target, MEMBER_FAMILY);
  const char *const words[] = { "family", strcmp (target, GENERIC_FAMILY) == 0 ? "device's" : target, NULL };

  if (strcmp (source, target) == 0 && !has_rules (pair->target->family))
    compat_add (verdict, rule, pair, rule->severity, source, target,
                "only the rules for every family were tried; the {family} driver decides the rest when the "
                "state arrives",
                NULL, words);
}

/* ---- by name ---- */

static const FieldReader no_readers[] = { { NULL } };

static const FamilyCheck checks[] = {
  { "source-migration", check_source_migration },
  { "target-migration", check_target_migration },
  { "flags-known", check_flags_known },
  { "family-rules", check_family_rules },
  { NULL },
};

const FamilyCode family_code_generic = { GENERIC_FAMILY, no_readers, checks };
