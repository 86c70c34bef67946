// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Rules for every family
 *
 * Two kinds: what QEMU and the kernel demand of any pair of VFIO devices, and whether both drivers really
 * offer migration. The second is one question with many answers, since a target may be bound to anything, and
 * libvirt may be going to bind it to something else.
 */

#include "compat-private.h"

#include <accmig/fsm.h>

#include <string.h>

#include "profile-private.h"

/* ---- does the driver offer migration? ---- */

static const char *
yes_or_no (const AccmigProfile *profile)
{
  gboolean offers;

  if (!profile_get_boolean (profile, "device.migration", &offers))
    return NULL;
  return offers ? "yes" : "no";
}

static void
check_source_migration (const CompatRule *rule, const CompatPair *pair, AccmigVerdict *verdict)
{
  const char *offers = yes_or_no (pair->source);
  const char *driver = accmig_profile_get_string (pair->source, "device.driver");
  const char *const words[] = { "driver", driver != NULL ? driver : "no driver", "address",
                                accmig_profile_get_address (pair->source), NULL };

  if (offers == NULL)
    compat_add (
        verdict, rule, ACCMIG_SEVERITY_UNKNOWN, NULL, yes_or_no (pair->target),
        "source {address} is bound to {driver}; its profile does not say whether that offers migration",
        "make the source's profile again while the guest runs", words);
  else if (strcmp (offers, "no") == 0)
    compat_add (verdict, rule, ACCMIG_SEVERITY_REFUSE, offers, yes_or_no (pair->target),
                "source {address} is bound to {driver}, which offers no migration",
                "shut the guest down, bind {address} to its migration driver, and start the guest again",
                words);
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

static TargetBinding
classify_target (const CompatPair *pair)
{
  const char *driver = accmig_profile_get_string (pair->target, "device.driver");
  const char *variant = accmig_profile_get_string (pair->target, "device.variant");
  const char *kind = accmig_profile_get_string (pair->target, "device.kind");
  gboolean plain = g_strcmp0 (driver, "vfio-pci") == 0;
  gboolean vfio = plain;

  (void)profile_get_boolean (pair->target, "device.vfio", &vfio);
  if (vfio && !plain)
    return yes_or_no (pair->target) != NULL ? TARGET_WITHOUT : TARGET_UNASKED;
  if (compat_will_be_bound (pair))
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
  const char *variant = accmig_profile_get_string (pair->target, "device.variant");
  const char *driver = accmig_profile_get_string (pair->source, "device.driver");

  if (variant != NULL && strcmp (variant, "vfio-pci") != 0)
    return variant;
  if (driver != NULL && strcmp (driver, "vfio-pci") != 0)
    return driver;
  return "a VFIO driver with migration";
}

static void
check_target_migration (const CompatRule *rule, const CompatPair *pair, AccmigVerdict *verdict)
{
  const char *offers = yes_or_no (pair->target);
  const char *driver = accmig_profile_get_string (pair->target, "device.driver");
  TargetBinding binding;
  const char *const words[] = {
    "address", accmig_profile_get_address (pair->target),
    "driver",  driver != NULL ? driver : "no driver",
    "variant", accmig_profile_get_string (pair->target, "device.variant"),
    "wanted",  wanted_driver (pair),
    NULL,
  };

  if (g_strcmp0 (offers, "yes") == 0)
    return;
  binding = classify_target (pair);
  compat_add (verdict, rule, target_bindings[binding].severity, yes_or_no (pair->source), offers,
              target_bindings[binding].sentence, target_bindings[binding].remedy, words);
}

/* ---- which flags does it have? ---- */

/* Whether a driver is known to offer migration, and its flags are not. */
static gboolean
lacks_flags (const AccmigProfile *profile)
{
  guint64 flags;

  return g_strcmp0 (yes_or_no (profile), "yes") == 0
         && !accmig_profile_get_uint (profile, "device.flags", &flags);
}

/* Returns: (transfer full) (nullable) */
static char *
show_flags (const AccmigProfile *profile)
{
  guint64 flags;

  return accmig_profile_get_uint (profile, "device.flags", &flags) ? accmig_flags_to_string (flags) : NULL;
}

/* For the rows about single flags, which say nothing when flags are missing. */
static void
check_flags_known (const CompatRule *rule, const CompatPair *pair, AccmigVerdict *verdict)
{
  g_autofree char *source = show_flags (pair->source);
  g_autofree char *target = show_flags (pair->target);

  if (lacks_flags (pair->source) || lacks_flags (pair->target))
    compat_add_missing (verdict, rule, pair, source, target);
}

/* ---- are there rules of the family? ---- */

static void
check_family_rules (const CompatRule *rule, const CompatPair *pair, AccmigVerdict *verdict)
{
  const char *source = accmig_profile_get_family (pair->source);
  const char *target = accmig_profile_get_family (pair->target);
  gboolean unnamed = strcmp (target, "generic") == 0;
  const char *const words[] = { "family", unnamed ? "device's" : target, NULL };

  if (strcmp (source, target) == 0 && !compat_has_family_rules (target))
    compat_add (verdict, rule, ACCMIG_SEVERITY_NOTE, source, target,
                "only the rules for every family were tried; the {family} driver decides the rest when the "
                "state arrives",
                NULL, words);
}

/* ---- the table ---- */

/*
 * Why some of these say more than the kernel would:
 *
 * revision: QEMU compares the read-only identity bytes of config space when it loads a PCI device, the
 * revision among them, and fails the load.
 *
 * pre-copy, source only: QEMU's source marks the end of the initial data in the stream, and a destination
 * whose device has no pre-copy rejects the mark. Target only: with switchover-ack, which libvirt turns on by
 * itself, the destination owes an acknowledgement for each of its devices with pre-copy and gives it at that
 * mark, which never comes: the migration would copy for ever.
 *
 * page size: no driver is known to need it the same; where it matters to a device, it is in the state. But
 * such pairs are hardly ever tried.
 *
 * p2p: each side walks its own arcs and the stream is the same, so the move itself works. But QEMU lets a
 * guest with several VFIO devices migrate only if all have it; a guest that lands without it may not get away
 * again.
 */
const CompatRule compat_generic_rules[] = {
  {
      .rule = "format",
      .rank = RANK_REMARK,
      .field = "format",
      .what = "profile format",
      .relation = RELATION_EQUAL,
      .missing = MISSING_UNKNOWN,
      .severity = ACCMIG_SEVERITY_NOTE,
      .remedy = "update accmig on the host with the older one",
  },
  {
      .rule = "device.kind",
      .rank = RANK_IDENTITY,
      .field = "device.kind",
      .what = "kind of device",
      .relation = RELATION_EQUAL,
      .missing = MISSING_UNKNOWN,
      .severity = ACCMIG_SEVERITY_REFUSE,
  },
  {
      .rule = "device.family",
      .rank = RANK_IDENTITY,
      .field = "device.family",
      .what = "driver family",
      .relation = RELATION_EQUAL,
      .missing = MISSING_UNKNOWN,
      .severity = ACCMIG_SEVERITY_REFUSE,
  },
  {
      .rule = "device.vendor",
      .rank = RANK_IDENTITY,
      .field = "device.vendor",
      .what = "vendor id",
      .relation = RELATION_EQUAL,
      .missing = MISSING_BOTH_OK,
      .severity = ACCMIG_SEVERITY_REFUSE,
  },
  {
      .rule = "device.device",
      .rank = RANK_IDENTITY,
      .field = "device.device",
      .what = "device id",
      .relation = RELATION_EQUAL,
      .missing = MISSING_BOTH_OK,
      .severity = ACCMIG_SEVERITY_REFUSE,
  },
  {
      .rule = "device.mdev-type",
      .rank = RANK_IDENTITY,
      .field = "device.mdev-type",
      .what = "mdev type",
      .relation = RELATION_EQUAL,
      .missing = MISSING_BOTH_OK,
      .severity = ACCMIG_SEVERITY_REFUSE,
      .remedy = "create an mdev of type {source} on the target host",
  },
  {
      .rule = "device.revision",
      .rank = RANK_IDENTITY,
      .field = "device.revision",
      .what = "PCI revision",
      .relation = RELATION_EQUAL,
      .missing = MISSING_BOTH_OK,
      .severity = ACCMIG_SEVERITY_REFUSE,
  },
  {
      .rule = "host.machine",
      .rank = RANK_HOST,
      .field = "host.machine",
      .what = "architecture",
      .relation = RELATION_EQUAL,
      .missing = MISSING_UNKNOWN,
      .severity = ACCMIG_SEVERITY_REFUSE,
  },
  {
      .rule = "host.page-size",
      .rank = RANK_HOST,
      .field = "host.page-size",
      .what = "page size",
      .relation = RELATION_EQUAL,
      .value = VALUE_NUMBER,
      .missing = MISSING_OK,
      .severity = ACCMIG_SEVERITY_WARN,
      .remedy = "boot a kernel with the same page size on both hosts",
  },
  {
      .rule = "source.migration",
      .rank = RANK_CAPABILITY,
      .field = "device.migration",
      .check = check_source_migration,
  },
  {
      .rule = "device.migration",
      .rank = RANK_CAPABILITY,
      .field = "device.migration",
      .check = check_target_migration,
  },
  {
      .rule = "device.flags",
      .rank = RANK_CAPABILITY,
      .field = "device.flags",
      .what = "migration flags",
      .check = check_flags_known,
  },
  {
      .rule = "device.flags.pre-copy",
      .rank = RANK_CAPABILITY,
      .field = "device.flags",
      .what = "pre-copy",
      .relation = RELATION_SUPERSET,
      .value = VALUE_FLAGS,
      .mask = ACCMIG_FLAG_PRE_COPY,
      .missing = MISSING_OK, /* the rules before say so */
      .severity = ACCMIG_SEVERITY_REFUSE,
      .sentence = "source sends in pre-copy, {address} cannot take that: it has {target}",
      .remedy = "use the same driver version on both hosts",
  },
  {
      .rule = "device.flags.pre-copy-ack",
      .rank = RANK_CAPABILITY,
      .field = "device.flags",
      .what = "pre-copy",
      .relation = RELATION_SUBSET,
      .value = VALUE_FLAGS,
      .mask = ACCMIG_FLAG_PRE_COPY,
      .missing = MISSING_OK,
      .severity = ACCMIG_SEVERITY_REFUSE,
      .sentence = "{address} waits for pre-copy data, source never sends any: it has {source}",
      .remedy = "use the same driver version on both hosts",
  },
  {
      .rule = "device.flags.p2p",
      .rank = RANK_CAPABILITY,
      .field = "device.flags",
      .what = "p2p",
      .relation = RELATION_SUPERSET,
      .value = VALUE_FLAGS,
      .mask = ACCMIG_FLAG_P2P,
      .missing = MISSING_OK,
      .severity = ACCMIG_SEVERITY_WARN,
      .sentence = "source has p2p, {address} has not: with more than one VFIO device the guest could not "
                  "migrate again",
      .remedy = "use the same driver version on both hosts",
  },
  {
      .rule = "host.kernel",
      .rank = RANK_REMARK,
      .field = "host.kernel",
      .what = "kernel release",
      .relation = RELATION_EQUAL,
      .missing = MISSING_OK,
      .severity = ACCMIG_SEVERITY_NOTE,
  },
  {
      .rule = "device.family-rules",
      .rank = RANK_REMARK,
      .field = "device.family",
      .check = check_family_rules,
  },
  { 0 },
};
