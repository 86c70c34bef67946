// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Rules for HiSilicon accelerators
 *
 * The driver compares magic, device id, queue count and isolation word when the destination gets the stream;
 * what it refuses here would otherwise fail there. (The device id is a rule of every family.) Before
 * Linux 7.0, and many a stable release, it compares only once per binding: from the second migration on
 * nothing but these rules stands between a guest and a wrong state. Two things it never compares, hardware
 * version and register layout, are rules here all the same.
 */

#include "compat-private.h"

#include <string.h>

#include "hisi-acc.h"
#include "release.h"

/* ---- the PF's driver ---- */

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

static const char *
wanted_pf_driver (const CompatPair *pair)
{
  const char *device = accmig_profile_get_string (pair->target, "device.device");

  for (gsize i = 0; i < G_N_ELEMENTS (engines); i++)
    if (g_strcmp0 (engines[i].device, device) == 0)
      return engines[i].pf_driver;
  return accmig_profile_get_string (pair->source, "device.pf-driver");
}

/* The driver looks at the PF at the moment when it is bound to the VF, and without a word does without
 * migration. */
static void
check_pf_driver (const CompatRule *rule, const CompatPair *pair, AccmigVerdict *verdict)
{
  const char *wanted = wanted_pf_driver (pair);
  const char *pf = accmig_profile_get_string (pair->target, "device.pf");
  const char *driver = accmig_profile_get_string (pair->target, "device.pf-driver");
  const char *source_driver = accmig_profile_get_string (pair->source, "device.pf-driver");
  const char *const words[] = {
    "address", accmig_profile_get_address (pair->target), "pf",     pf,
    "driver",  driver != NULL ? driver : "no driver",     "wanted", wanted,
    NULL,
  };

  if (pf == NULL || wanted == NULL)
    compat_add (verdict, rule, ACCMIG_SEVERITY_UNKNOWN, source_driver, driver,
                "which driver the PF of {address} needs is unknown", NULL, words);
  else if (g_strcmp0 (driver, wanted) != 0)
    compat_add (
        verdict, rule, ACCMIG_SEVERITY_REFUSE, source_driver, driver,
        "PF {pf} of {address} is bound to {driver}; without {wanted} there hisi_acc_vfio_pci offers no "
        "migration",
        "bind {pf} to {wanted}, then bind {address} to hisi_acc_vfio_pci again: it looks at the PF only then",
        words);
}

/* ---- the kernel ---- */

typedef enum
{
  KERNEL_GOOD, /* or not known: the rule about BAR 2 speaks up then */
  KERNEL_DOUBTED,
  KERNEL_BAD,
} KernelLevel;

static const struct
{
  AccmigSeverity severity;
  const char *sentence;
} kernel_levels[] = {
  [KERNEL_DOUBTED] = { ACCMIG_SEVERITY_WARN,
                       "Linux {release} of the {host} may crash when a device of hisi_acc_vfio_pci is opened "
                       "through its group (a NULL call, repaired in some releases of 6.18)" },
  [KERNEL_BAD] = { ACCMIG_SEVERITY_REFUSE, "Linux {release} of the {host} crashes when a device of "
                                           "hisi_acc_vfio_pci is opened through "
                                           "its group (a NULL call)" },
};

static KernelLevel
judge_kernel (const char *text)
{
  Release release;

  if (!release_parse (text, &release))
    return KERNEL_GOOD;
  if (release_compare (release, HISI_ACC_BAD_MAJOR, HISI_ACC_BAD_MINOR) == 0)
    return KERNEL_BAD;
  return release_compare (release, HISI_ACC_BAD_MAJOR, HISI_ACC_DOUBTED_MINOR) == 0 ? KERNEL_DOUBTED
                                                                                    : KERNEL_GOOD;
}

/* One finding, about the worse of the two hosts; the source gets the guest back when the migration fails. */
static void
check_kernel (const CompatRule *rule, const CompatPair *pair, AccmigVerdict *verdict)
{
  const char *source = accmig_profile_get_string (pair->source, rule->field);
  const char *target = accmig_profile_get_string (pair->target, rule->field);
  KernelLevel of_source = judge_kernel (source);
  KernelLevel of_target = judge_kernel (target);
  gboolean source_is_worse = of_source > of_target;
  KernelLevel level = source_is_worse ? of_source : of_target;
  const char *const words[] = {
    "release", source_is_worse ? source : target, "host", source_is_worse ? "source" : "target", NULL,
  };

  if (level == KERNEL_GOOD)
    return;
  compat_add (verdict, rule, kernel_levels[level].severity, source, target, kernel_levels[level].sentence,
              "run Linux 6.19 or newer, or one older than 6.17, on the {host}", words);
}

/* ---- hardware ---- */

static gboolean
is_old_hardware (const char *version)
{
  return g_strcmp0 (version, "v1") == 0 || g_strcmp0 (version, "v2") == 0;
}

static void
check_old_hardware (const CompatRule *rule, const CompatPair *pair, AccmigVerdict *verdict)
{
  const char *source = accmig_profile_get_string (pair->source, rule->field);
  const char *target = accmig_profile_get_string (pair->target, rule->field);
  const char *const words[] = { "address", accmig_profile_get_address (pair->target), "target", target,
                                NULL };

  if (is_old_hardware (target))
    compat_add (verdict, rule, ACCMIG_SEVERITY_REFUSE, source, target,
                "the engine of {address} is {target}; migration needs v3 or newer", NULL, words);
}

/* Revision 0x30 stands for V3 and for all that later hides behind it, so two such engines may differ. */
#define HIDDEN_GENERATION "v3+"

static void
check_generation (const CompatRule *rule, const CompatPair *pair, AccmigVerdict *verdict)
{
  const char *source = accmig_profile_get_string (pair->source, rule->field);
  const char *target = accmig_profile_get_string (pair->target, rule->field);
  const char *const words[] = { "address", accmig_profile_get_address (pair->target), NULL };

  if (g_strcmp0 (source, HIDDEN_GENERATION) == 0 && g_strcmp0 (target, HIDDEN_GENERATION) == 0)
    compat_add (verdict, rule, ACCMIG_SEVERITY_NOTE, source, target,
                "the engines of source and {address} are v3 or newer; which, their revision does not tell",
                "see that both hosts have engines of the same generation", words);
}

/* Linux 6.19 moved the migration registers of engines beyond V3 out of the VF's BAR 2, which the guest sees
 * grow. */
#define LAYOUT_MAJOR 6
#define LAYOUT_MINOR 19

static gboolean
has_new_layout (const char *kernel, gboolean *ret_new)
{
  Release release;

  if (!release_parse (kernel, &release))
    return FALSE;
  *ret_new = release_compare (release, LAYOUT_MAJOR, LAYOUT_MINOR) >= 0;
  return TRUE;
}

/*
 * Neither the driver nor QEMU notices when the sizes differ, so it can be found only here, and only from
 * kernel release and engine. Revision 0x30 ("v3+") may be a V3, to which none of this applies, or something
 * later: a warning.
 */
static void
check_bar_layout (const CompatRule *rule, const CompatPair *pair, AccmigVerdict *verdict)
{
  const char *source = accmig_profile_get_string (pair->source, "host.kernel");
  const char *target = accmig_profile_get_string (pair->target, "host.kernel");
  const char *hardware = accmig_profile_get_string (pair->target, "hisi_acc.hardware");
  const char *remedy = "run Linux 6.19 or newer on both hosts, or on neither";
  gboolean maybe_v3 = hardware == NULL || strcmp (hardware, HIDDEN_GENERATION) == 0;
  gboolean source_new = FALSE;
  gboolean target_new = FALSE;
  const char *const words[] = {
    "address",  accmig_profile_get_address (pair->target),
    "hardware", hardware,
    "source",   source,
    "target",   target,
    NULL,
  };

  if (is_old_hardware (hardware))
    return;
  if (!has_new_layout (source, &source_new) || !has_new_layout (target, &target_new))
    compat_add (verdict, rule, ACCMIG_SEVERITY_UNKNOWN, source, target,
                "size of BAR 2 unknown: it depends on the kernel release; source has {source}, {address} has "
                "{target}",
                remedy, words);
  else if (source_new != target_new && maybe_v3)
    compat_add (
        verdict, rule, ACCMIG_SEVERITY_WARN, source, target,
        "if the engine of {address} is newer than v3, the guest's BAR 2 changes its size between Linux "
        "{source} and {target}",
        remedy, words);
  else if (source_new != target_new)
    compat_add (
        verdict, rule, ACCMIG_SEVERITY_REFUSE, source, target,
        "the guest's BAR 2 on a {hardware} engine changes its size between Linux {source} and {target}",
        remedy, words);
}

/* ---- stream format ---- */

/*
 * The second format's driver also takes the first format; the first format's knows only itself.
 *
 * A stream of the first format has wrong addresses of the event queues wherever it goes. The second format's
 * driver works them out anew, but only from a stream that came in one piece, and QEMU sends two.
 */
static const struct
{
  const char *source;
  const char *target;
  AccmigSeverity severity;
  const char *sentence;
  const char *remedy;
} magics[] = {
  { HISI_ACC_MAGIC_V1_TEXT, HISI_ACC_MAGIC_V1_TEXT, ACCMIG_SEVERITY_WARN,
    "source sends the stream format with wrong event queue addresses (CVE-2025-38158), and {address} takes "
    "them as they are",
    "update the kernels of both hosts, the target's first, to Linux 6.16 or a stable release with the fix" },
  { HISI_ACC_MAGIC_V1_TEXT, HISI_ACC_MAGIC_V2_TEXT, ACCMIG_SEVERITY_WARN,
    "source sends the stream format with wrong event queue addresses (CVE-2025-38158); {address} does not "
    "reliably correct them",
    "update the source's kernel to Linux 6.16 or a stable release with the fix" },
  { HISI_ACC_MAGIC_V2_TEXT, HISI_ACC_MAGIC_V1_TEXT, ACCMIG_SEVERITY_REFUSE,
    "source sends the stream format of Linux 6.16, which the older driver of {address} does not know",
    "update the target's kernel to Linux 6.16 or a stable release with the fix of CVE-2025-38158" },
};

static void
check_magic (const CompatRule *rule, const CompatPair *pair, AccmigVerdict *verdict)
{
  const char *source = accmig_profile_get_string (pair->source, rule->field);
  const char *target = accmig_profile_get_string (pair->target, rule->field);
  const char *const words[] = {
    "address", accmig_profile_get_address (pair->target), "source", source, "target", target, NULL,
  };

  if (source == NULL || target == NULL)
    {
      compat_add_missing (verdict, rule, pair, source, target);
      return;
    }
  for (gsize i = 0; i < G_N_ELEMENTS (magics); i++)
    if (strcmp (magics[i].source, source) == 0 && strcmp (magics[i].target, target) == 0)
      {
        compat_add (verdict, rule, magics[i].severity, source, target, magics[i].sentence, magics[i].remedy,
                    words);
        return;
      }
  if (strcmp (source, target) != 0)
    compat_add (verdict, rule, ACCMIG_SEVERITY_REFUSE, source, target,
                "stream format differs: source has {source}, {address} has {target}", NULL, words);
}

/* ---- the table ---- */

const CompatRule compat_hisi_acc_rules[] = {
  {
      .rule = "hisi_acc.hardware",
      .rank = RANK_IDENTITY,
      .field = "hisi_acc.hardware",
      .what = "hardware version",
      .relation = RELATION_EQUAL,
      .missing = MISSING_UNKNOWN,
      .severity = ACCMIG_SEVERITY_REFUSE,
  },
  {
      .rule = "hisi_acc.hardware-old",
      .rank = RANK_CAPABILITY,
      .field = "hisi_acc.hardware",
      .check = check_old_hardware,
  },
  {
      .rule = "hisi_acc.pf-driver",
      .rank = RANK_HOST,
      .field = "device.pf-driver",
      .check = check_pf_driver,
  },
  {
      .rule = "hisi_acc.kernel",
      .rank = RANK_HOST,
      .field = "host.kernel",
      .check = check_kernel,
  },
  {
      .rule = "hisi_acc.magic",
      .rank = RANK_CAPABILITY,
      .field = "hisi_acc.magic",
      .what = "stream format",
      .check = check_magic,
  },
  {
      .rule = "hisi_acc.major",
      .rank = RANK_CAPABILITY,
      .field = "hisi_acc.major",
      .what = "major version of the stream format",
      .relation = RELATION_EQUAL,
      .value = VALUE_NUMBER,
      .missing = MISSING_OK, /* the first format has none; a missing magic has its own rule */
      .severity = ACCMIG_SEVERITY_REFUSE,
  },
  {
      .rule = "hisi_acc.isolation",
      .rank = RANK_CAPABILITY,
      .field = "hisi_acc.isolation",
      .what = "queue isolation",
      .relation = RELATION_EQUAL,
      .value = VALUE_HEX,
      .missing = MISSING_UNKNOWN,
      .severity = ACCMIG_SEVERITY_REFUSE,
      .remedy = "set doorbell isolation alike in the firmware of both hosts",
  },
  {
      .rule = "hisi_acc.bar-layout",
      .rank = RANK_CAPABILITY,
      .field = "host.kernel",
      .check = check_bar_layout,
  },
  {
      .rule = "hisi_acc.qp-num",
      .rank = RANK_QUANTITY,
      .field = "hisi_acc.qp-num",
      .what = "queue count",
      .relation = RELATION_EQUAL,
      .value = VALUE_NUMBER,
      .missing = MISSING_UNKNOWN,
      .severity = ACCMIG_SEVERITY_REFUSE,
      .remedy = "use the same pf_q_num and number of VFs on both PFs, and leave out the last VF, which may "
                "own the rest",
  },
  {
      .rule = "hisi_acc.generation",
      .rank = RANK_REMARK,
      .field = "hisi_acc.hardware",
      .check = check_generation,
  },
  { 0 },
};
