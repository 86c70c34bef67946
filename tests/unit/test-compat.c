// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Every rule, held and broken
 *
 * Each family has a pair of profiles that fit. A row changes members on either side and states everything
 * that the verdict must then say: all findings, in order, the outcome, and the sentence of the decisive one.
 * That every rule of every table is broken by some row is itself a test, and that none speaks without cause
 * is another.
 */

#include <accmig/families.h>

#include <string.h>

#include "strict-json.h"

#define MANAGED ACCMIG_COMPAT_MANAGED

#define HOST                                                                                                 \
  "\"format\":\"accmig-profile/"                                                                             \
  "1\",\"host\":{\"kernel\":\"6.12.107\",\"kernel-level\":\"6.12.107\",\"machine\":\"aarch64\",\"page-"      \
  "size\":4096}"

#define HISI_ACC(address)                                                                                    \
  "{" HOST ",\"device\":{\"address\":\"" address "\",\"kind\":\"pci\",\"family\":\"hisi_acc\","              \
  "\"vendor\":\"0x19e5\",\"device\":\"0xa256\",\"revision\":\"0x30\",\"driver\":\"hisi_acc_vfio_pci\","      \
  "\"vfio\":true,\"variant\":\"hisi_acc_vfio_pci\",\"pf\":\"0000:75:00.0\",\"pf-driver\":\"hisi_sec2\","     \
  "\"migration\":true,\"flags\":5},\"hisi_acc\":{\"hardware\":\"v4\",\"magic\":\"0xaaccfeeddecadede\","      \
  "\"major\":1,\"minor\":0,\"qp-num\":8,\"isolation\":1}}"

#define MIGSIM(address)                                                                                      \
  "{" HOST ",\"device\":{\"address\":\"" address "\",\"kind\":\"pci\",\"family\":\"migsim\","                \
  "\"vendor\":\"0x8086\",\"device\":\"0x10ca\",\"revision\":\"0x01\",\"driver\":\"migsim\","                 \
  "\"vfio\":true,\"variant\":\"migsim\",\"pf\":\"0000:01:00.0\",\"pf-driver\":\"igb\","                      \
  "\"migration\":true,\"flags\":7},\"migsim\":{\"format-version\":1,\"capability\":5}}"

#define MTTY(address)                                                                                        \
  "{" HOST ",\"device\":{\"address\":\"" address "\",\"kind\":\"mdev\",\"family\":\"mtty\","                 \
  "\"mdev-type\":\"mtty-1\",\"driver\":\"mtty\",\"vfio\":true,\"pf\":\"mtty\",\"migration\":true,"           \
  "\"flags\":7},\"mtty\":{\"ports\":1}}"

#define MLX5(address)                                                                                        \
  "{" HOST ",\"device\":{\"address\":\"" address "\",\"kind\":\"pci\",\"family\":\"mlx5\","                  \
  "\"vendor\":\"0x15b3\",\"device\":\"0x101e\",\"driver\":\"mlx5_vfio_pci\",\"vfio\":true,"                  \
  "\"migration\":true,\"flags\":7}}"

/* Source and target that fit, by family. */
static const char *const pairs[][2] = {
  { HISI_ACC ("0000:75:00.1"), HISI_ACC ("0000:75:00.3") },
  { MIGSIM ("0000:01:10.0"), MIGSIM ("0000:01:10.2") },
  { MTTY ("83b8f4f2-509f-382f-3c1e-e6bfe0fa1001"), MTTY ("83b8f4f2-509f-382f-3c1e-e6bfe0fa1002") },
  { MLX5 ("0000:81:00.1"), MLX5 ("0000:81:00.2") },
};

enum
{
  HISI,
  SIM,
  TTY,
  MLX,
};

/* ---- changing a profile ---- */

static void
set_member (JsonObject *root, const char *path, const char *value)
{
  g_auto (GStrv) names = g_strsplit (path, ".", 2);
  JsonObject *object = root;

  if (names[1] != NULL && !json_object_has_member (root, names[0]))
    json_object_set_object_member (root, names[0], json_object_new ());
  if (names[1] != NULL)
    object = json_object_get_object_member (root, names[0]);
  if (value != NULL)
    json_object_set_member (object, names[1] != NULL ? names[1] : names[0], json_from_string (value, NULL));
  else
    json_object_remove_member (object, names[1] != NULL ? names[1] : names[0]);
}

/* @changes: (nullable): "path=JSON path2" with a space between; a path without a value is removed. */
static AccmigProfile *
make_profile (const char *base, const char *changes)
{
  g_autoptr (JsonNode) root = json_from_string (base, NULL);
  g_auto (GStrv) words = g_strsplit (changes != NULL ? changes : "", " ", -1);
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;
  AccmigProfile *profile;

  for (char **word = words; *word != NULL && **word != '\0'; word++)
    {
      g_auto (GStrv) parts = g_strsplit (*word, "=", 2);

      set_member (json_node_get_object (root), parts[0], parts[1]);
    }
  text = strict_json_write (root);
  profile = accmig_profile_new_from_json (text, -1, &error);
  g_assert_no_error (error);
  return profile;
}

/* ---- the rows ---- */

#define V1 "hisi_acc.magic=\"0xcdcdcdcdfeedaacc\" hisi_acc.major hisi_acc.minor"
/* on a kernel whose other defects do not count */
#define V1_TARGET  V1 " host.kernel-level=\"6.16.1\""
#define UNBOUND    "device.driver device.vfio=false device.migration device.flags"
#define PLAIN      "device.driver=\"vfio-pci\" device.migration=false device.flags"
#define NATIVE     "device.driver=\"hisi_sec2\" device.vfio=false device.migration device.flags"
#define FAMILY     "note:device.family-rules"
#define AND_FAMILY " " FAMILY
#define NO_MATCH   "hisi_acc.magic hisi_acc.major hisi_acc.minor hisi_acc.qp-num hisi_acc.isolation"

static const struct
{
  const char *name;
  int pair;
  const char *source, *target; /* changes */
  AccmigCompatOptions options;
  AccmigOutcome outcome;
  const char *findings; /* "severity:rule …", all of them in order */
  const char *sentence; /* (nullable): of the decisive finding */
} rows[] = {
#define COMPATIBLE   ACCMIG_OUTCOME_COMPATIBLE
#define DEGRADED     ACCMIG_OUTCOME_DEGRADED
#define UNKNOWN      ACCMIG_OUTCOME_UNKNOWN
#define INCOMPATIBLE ACCMIG_OUTCOME_INCOMPATIBLE
  /* clang-format off */

  /* hosts and identity */
  { "newer minor of the format", MLX, NULL, "format=\"accmig-profile/1.1\"", 0, COMPATIBLE, "note:format" AND_FAMILY,
    NULL },
  { "kind and family", HISI,
    "device.family=\"mtty\" device.kind=\"mdev\" device.address=\"83b8f4f2-509f-382f-3c1e-e6bfe0fa1001\"",
    NULL, 0, INCOMPATIBLE, "refuse:device.kind refuse:device.family",
    "kind of device differs: source has mdev, 0000:75:00.3 has pci" },
  { "family", HISI, "device.family=\"mlx5\"", NULL, 0, INCOMPATIBLE, "refuse:device.family",
    "driver family differs: source has mlx5, 0000:75:00.3 has hisi_acc" },
  { "vendor", MLX, NULL, "device.vendor=\"0x15b4\"", 0, INCOMPATIBLE, "refuse:device.vendor" AND_FAMILY,
    "vendor id differs: source has 0x15b3, 0000:81:00.2 has 0x15b4" },
  { "vendor missing on one side", MLX, NULL, "device.vendor", 0, UNKNOWN, "unknown:device.vendor" AND_FAMILY,
    "vendor id unknown: source has 0x15b3, 0000:81:00.2 does not say" },
  { "device id", HISI, "device.device=\"0xa259\"", NULL, 0, INCOMPATIBLE, "refuse:device.device",
    "device id differs: source has 0xa259, 0000:75:00.3 has 0xa256" },
  { "device id, another PF driver", HISI, NULL, "device.device=\"0xa251\" device.pf-driver=\"hisi_zip\"", 0,
    INCOMPATIBLE,
    "refuse:device.device", "device id differs: source has 0xa256, 0000:75:00.3 has 0xa251" },
  { "mdev type", TTY, "device.mdev-type=\"mtty-2\" mtty.ports=2", NULL, 0, INCOMPATIBLE,
    "refuse:device.mdev-type refuse:mtty.ports",
    "mdev type differs: source has mtty-2, 83b8f4f2-509f-382f-3c1e-e6bfe0fa1002 has mtty-1" },
  { "revision", MLX, "device.revision=\"0x00\"", "device.revision=\"0x01\"", 0, INCOMPATIBLE,
    "refuse:device.revision" AND_FAMILY,
    "PCI revision differs: source has 0x00, 0000:81:00.2 has 0x01" },
  { "revision missing on one side", MLX, "device.revision=\"0x00\"", NULL, 0, UNKNOWN,
    "unknown:device.revision" AND_FAMILY,
    "PCI revision unknown: source has 0x00, 0000:81:00.2 does not say" },
  { "architecture", MLX, "host.machine=\"x86_64\"", NULL, 0, INCOMPATIBLE, "refuse:host.machine" AND_FAMILY,
    "architecture differs: source has x86_64, 0000:81:00.2 has aarch64" },
  { "architecture unknown at the source", MLX, "host.machine", NULL, 0, UNKNOWN, "unknown:host.machine" AND_FAMILY,
    "architecture unknown: source does not say, 0000:81:00.2 has aarch64" },
  { "architecture unknown on both sides", MLX, "host.machine", "host.machine", 0, UNKNOWN,
    "unknown:host.machine" AND_FAMILY,
    "architecture unknown: neither source nor 0000:81:00.2 says" },
  { "page size", MLX, NULL, "host.page-size=65536", 0, DEGRADED, "warn:host.page-size" AND_FAMILY,
    "page size differs: source has 4096, 0000:81:00.2 has 65536" },
  { "processor of an Arm host", MLX, "host.cpu=\"0x481fd010\"", "host.cpu=\"0x480fd020\"", 0, DEGRADED,
    "warn:host.cpu" AND_FAMILY, NULL },
  { "kernel release", MLX, NULL, "host.kernel=\"6.12.108\"", 0, COMPATIBLE, "note:host.kernel" AND_FAMILY, NULL },
  { "kernel release unknown", MLX, "host.kernel", NULL, 0, COMPATIBLE, FAMILY, NULL },
  { "QEMU of Debian 12 at the target", MLX, "host.qemu=\"10.0.13\"", "host.qemu=\"7.2.17\"", 0, INCOMPATIBLE,
    "refuse:host.qemu" AND_FAMILY,
    "QEMU 7.2.17 of the target does not speak the kernel's migration protocol: it can migrate no VFIO device" },
  { "QEMU of Debian 12 at the source", TTY, "host.qemu=\"7.2.17\"", "host.qemu=\"10.0.13\"", 0, INCOMPATIBLE,
    "refuse:host.qemu",
    "QEMU 7.2.17 of the source does not speak the kernel's migration protocol: it can migrate no VFIO device" },
  { "QEMU 8.0", MLX, NULL, "host.qemu=\"8.0.5\"", 0, DEGRADED, "warn:host.qemu" AND_FAMILY, NULL },
  { "QEMU new enough", MLX, "host.qemu=\"8.1.0\"", "host.qemu=\"11.1.3\"", 0, COMPATIBLE, FAMILY, NULL },
  { "libvirt of Debian 12", MLX, NULL, "host.libvirt=\"9.0.0\"", 0, INCOMPATIBLE, "refuse:host.libvirt" AND_FAMILY,
    "libvirt 9.0.0 of the target gives guests only devices that are bound to vfio-pci, which cannot be migrated" },
  { "libvirt that binds vfio-pci itself", MLX, "host.libvirt=\"9.10.0\"", NULL, 0, COMPATIBLE,
    "note:host.libvirt" AND_FAMILY, NULL },
  { "libvirt new enough", MLX, "host.libvirt=\"10.0.0\"", "host.libvirt=\"12.8.0\"", 0, COMPATIBLE, FAMILY, NULL },
  { "dirty pages that nobody counts", MLX, "device.dirty-tracking=false", "device.dirty-tracking=true", 0, COMPATIBLE,
    "note:dirty-tracking" AND_FAMILY, NULL },
  { "dirty pages of the target", MLX, NULL, "device.dirty-tracking=false", 0, COMPATIBLE, FAMILY, NULL },
  { "libvirt does not bind mdevs", TTY, "host.libvirt=\"9.0.0\"", "host.libvirt=\"9.0.0\"", 0, COMPATIBLE, "",
    NULL },

  { "device id missing on one side", MLX, "device.device", NULL, 0, UNKNOWN, "unknown:device.device" AND_FAMILY,
    "device id unknown: source does not say, 0000:81:00.2 has 0x101e" },
  { "mdev type missing on one side", TTY, NULL, "device.mdev-type", 0, UNKNOWN, "unknown:device.mdev-type",
    "mdev type unknown: source has mtty-1, 83b8f4f2-509f-382f-3c1e-e6bfe0fa1002 does not say" },
  { "page size unknown", MLX, NULL, "host.page-size", 0, COMPATIBLE, FAMILY, NULL },
  { "nothing in common", MLX, "device.revision=\"0x01\" device.mdev-type=\"a\"",
    "format=\"accmig-profile/1.2\" host.machine=\"x86_64\" host.page-size=16384 host.kernel=\"7.0.1\" "
    "device.family=\"qat\" device.vendor=\"0x8086\" device.device=\"0x4941\" device.revision=\"0x02\" "
    "device.mdev-type=\"b\" device.flags=3", 0, INCOMPATIBLE,
    "refuse:device.family refuse:device.vendor refuse:device.device refuse:device.mdev-type "
    "refuse:device.revision refuse:host.machine warn:host.page-size refuse:device.flags.pre-copy "
    "note:format note:host.kernel",
    "driver family differs: source has mlx5, 0000:81:00.2 has qat" },

  /* does the source offer migration? */
  { "source with plain vfio-pci", HISI, PLAIN, NULL, 0, INCOMPATIBLE, "refuse:source.migration",
    "source 0000:75:00.1 is bound to vfio-pci, which offers no migration" },
  { "source not asked", HISI, "device.migration device.flags", NULL, 0, UNKNOWN, "unknown:source.migration",
    "source 0000:75:00.1 is bound to hisi_acc_vfio_pci; its profile does not say whether that offers "
    "migration" },

  /* does the target? */
  { "target with plain vfio-pci", HISI, NULL, PLAIN, 0, INCOMPATIBLE, "refuse:device.migration",
    "0000:75:00.3 is bound to vfio-pci, which offers no migration; it needs hisi_acc_vfio_pci" },
  { "target with plain vfio-pci, no aliases", MLX, NULL, PLAIN, 0, INCOMPATIBLE, "refuse:device.migration" AND_FAMILY,
    "0000:81:00.2 is bound to vfio-pci, which offers no migration; it needs mlx5_vfio_pci" },
  { "neither end has a driver", MLX, UNBOUND, UNBOUND, 0, INCOMPATIBLE,
    "unknown:source.migration refuse:device.migration" AND_FAMILY,
    "0000:81:00.2 is bound to no driver; it needs a VFIO driver with migration" },
  { "target without a driver", HISI, NULL, UNBOUND, 0, INCOMPATIBLE, "refuse:device.migration",
    "0000:75:00.3 is bound to no driver; it needs hisi_acc_vfio_pci" },
  { "target with its native driver", HISI, NULL, NATIVE, 0, INCOMPATIBLE, "refuse:device.migration",
    "0000:75:00.3 is bound to hisi_sec2, which is no VFIO driver; it needs hisi_acc_vfio_pci" },
  { "variant without migration", HISI, NULL, "device.migration=false device.flags=0", 0, INCOMPATIBLE,
    "refuse:device.migration refuse:device.flags.pre-copy",
    "0000:75:00.3 is bound to hisi_acc_vfio_pci, which offers no migration for it on this host" },
  { "variant not asked", HISI, NULL, "device.migration device.flags", 0, UNKNOWN, "unknown:device.migration",
    "0000:75:00.3 is bound to hisi_acc_vfio_pci; whether that offers migration could not be asked" },

  /* and when libvirt will bind it? */
  { "managed, unbound", HISI, NULL, UNBOUND, MANAGED, COMPATIBLE, "note:device.migration", NULL },
  { "managed, native", HISI, NULL, NATIVE, MANAGED, COMPATIBLE, "note:device.migration", NULL },
  { "managed, plain", HISI, NULL, PLAIN, MANAGED, COMPATIBLE, "note:device.migration", NULL },
  { "managed, bound already", HISI, NULL, NULL, MANAGED, COMPATIBLE, "", NULL },
  { "managed, bound, not asked", HISI, NULL, "device.migration device.flags", MANAGED, UNKNOWN,
    "unknown:device.migration",
    "0000:75:00.3 is bound to hisi_acc_vfio_pci; whether that offers migration could not be asked" },
  { "managed, bound, none offered", HISI, NULL, "device.migration=false device.flags=0", MANAGED,
    INCOMPATIBLE,
    "refuse:device.migration refuse:device.flags.pre-copy",
    "0000:75:00.3 is bound to hisi_acc_vfio_pci, which offers no migration for it on this host" },
  { "managed, no variant installed", HISI, NULL, UNBOUND " device.variant=\"vfio-pci\"", MANAGED,
    INCOMPATIBLE, "refuse:device.migration",
    "0000:75:00.3 is bound to no driver, and libvirt would bind it to vfio-pci, which offers no migration; "
    "it needs hisi_acc_vfio_pci" },
  { "managed, plain, no variant installed", HISI, NULL, PLAIN " device.variant=\"vfio-pci\"", MANAGED,
    INCOMPATIBLE, "refuse:device.migration",
    "0000:75:00.3 is bound to vfio-pci, which offers no migration; it needs hisi_acc_vfio_pci" },
  { "managed, variant unknown", HISI, NULL, UNBOUND " device.variant", MANAGED, UNKNOWN,
    "unknown:device.migration",
    "0000:75:00.3 is bound to no driver; which driver libvirt will bind it to is not known" },
  { "managed, plain, variant unknown", HISI, NULL, PLAIN " device.variant", MANAGED, UNKNOWN,
    "unknown:device.migration",
    "0000:75:00.3 is bound to vfio-pci; which driver libvirt will bind it to is not known" },
  { "managed says nothing of mdevs", TTY, NULL, UNBOUND, MANAGED, INCOMPATIBLE, "refuse:device.migration",
    "83b8f4f2-509f-382f-3c1e-e6bfe0fa1002 is bound to no driver; it needs mtty" },
  { "managed, unbound, nothing read of it", HISI, NULL, UNBOUND " " NO_MATCH, MANAGED, UNKNOWN,
    "warn:hisi_acc.checked-once note:device.migration unknown:hisi_acc.magic unknown:hisi_acc.isolation "
    "unknown:hisi_acc.qp-num",
    "stream format unknown: source has 0xaaccfeeddecadede, 0000:75:00.3 does not say" },

  /* flags */
  { "pre-copy at the source only", MLX, NULL, "device.flags=3", 0, INCOMPATIBLE,
    "refuse:device.flags.pre-copy" AND_FAMILY,
    "source sends in pre-copy, 0000:81:00.2 cannot take that: it has stop-copy+p2p" },
  { "pre-copy at the target only", MLX, "device.flags=3", NULL, 0, INCOMPATIBLE,
    "refuse:device.flags.pre-copy-ack" AND_FAMILY,
    "0000:81:00.2 waits for pre-copy data, source never sends any: it has stop-copy+p2p" },
  { "no pre-copy at all", MLX, "device.flags=3", "device.flags=3", 0, COMPATIBLE, FAMILY, NULL },
  { "p2p at the source only", MLX, NULL, "device.flags=5", 0, DEGRADED, "warn:device.flags.p2p" AND_FAMILY,
    "source has p2p, 0000:81:00.2 has not: with more than one VFIO device the guest could not migrate "
    "again" },
  { "p2p at the target only", MLX, "device.flags=5", NULL, 0, COMPATIBLE, FAMILY, NULL },
  { "flags unknown at the target", MLX, NULL, "device.flags", 0, UNKNOWN, "unknown:device.flags" AND_FAMILY,
    "migration flags unknown: source has stop-copy+p2p+pre-copy, 0000:81:00.2 does not say" },
  { "flags unknown at the source", MLX, "device.flags", NULL, 0, UNKNOWN, "unknown:device.flags" AND_FAMILY,
    "migration flags unknown: source does not say, 0000:81:00.2 has stop-copy+p2p+pre-copy" },
  { "flags unknown on both sides", MLX, "device.flags", "device.flags", 0, UNKNOWN,
    "unknown:device.flags" AND_FAMILY,
    "migration flags unknown: neither source nor 0000:81:00.2 says" },
  { "a flag of the future", MLX, "device.flags=15", NULL, 0, COMPATIBLE, FAMILY, NULL },

  /* hisi_acc */
  { "hardware", HISI, "hisi_acc.hardware=\"v4\"", "hisi_acc.hardware=\"v5\"", 0, INCOMPATIBLE,
    "refuse:hisi_acc.hardware",
    "hardware version differs: source has v4, 0000:75:00.3 has v5" },
  { "hardware unknown", HISI, NULL, "hisi_acc.hardware", 0, UNKNOWN, "unknown:hisi_acc.hardware",
    "hardware version unknown: source has v4, 0000:75:00.3 does not say" },
  { "hardware too old", HISI, "hisi_acc.hardware=\"v2\"", "hisi_acc.hardware=\"v2\"", 0, INCOMPATIBLE,
    "refuse:hisi_acc.hardware-old",
    "the engine of 0000:75:00.3 is v2; migration needs v3 or newer" },
  { "PF without a driver", HISI, NULL, "device.pf-driver", 0, INCOMPATIBLE, "refuse:hisi_acc.pf-driver",
    "PF 0000:75:00.0 of 0000:75:00.3 is bound to no driver; without hisi_sec2 there hisi_acc_vfio_pci "
    "offers no migration" },
  { "PF with vfio-pci, so VF without migration", HISI, NULL,
    "device.pf-driver=\"vfio-pci\" device.migration=false device.flags=0", 0,
    INCOMPATIBLE, "refuse:hisi_acc.pf-driver refuse:device.migration refuse:device.flags.pre-copy",
    "PF 0000:75:00.0 of 0000:75:00.3 is bound to vfio-pci; without hisi_sec2 there hisi_acc_vfio_pci "
    "offers no migration" },
  { "PF of another engine", HISI, "device.device=\"0xa251\"", "device.device=\"0xa251\"", 0, INCOMPATIBLE,
    "refuse:hisi_acc.pf-driver",
    "PF 0000:75:00.0 of 0000:75:00.3 is bound to hisi_sec2; without hisi_zip there hisi_acc_vfio_pci "
    "offers no migration" },
  { "PF driver of an engine yet unknown", HISI, "device.device=\"0xa2ff\"", "device.device=\"0xa2ff\"", 0,
    COMPATIBLE, "", NULL },
  { "PF unknown", HISI, NULL, "device.pf", 0, UNKNOWN, "unknown:hisi_acc.pf-driver",
    "which driver the PF of 0000:75:00.3 needs is unknown" },
  { "generation hidden", HISI, "hisi_acc.hardware=\"v3+\"", "hisi_acc.hardware=\"v3+\"", 0, COMPATIBLE,
    "note:hisi_acc.generation", NULL },
  { "target on Linux 6.17", HISI, NULL, "host.kernel-level=\"6.17.3\"", 0, INCOMPATIBLE,
    "refuse:hisi_acc.kernel",
    "Linux 6.17.3 of the target crashes when a device of hisi_acc_vfio_pci is opened through its group "
    "(a NULL call)" },
  { "source on Linux 6.17", HISI, "host.kernel-level=\"6.17.0\"", "host.kernel-level=\"6.18.40\"", 0, INCOMPATIBLE,
    "refuse:hisi_acc.kernel note:hisi_acc.health-unchecked",
    "Linux 6.17.0 of the source crashes when a device of hisi_acc_vfio_pci is opened through its group "
    "(a NULL call)" },
  { "target on an early Linux 6.18", HISI, NULL, "host.kernel-level=\"6.18.3\"", 0, INCOMPATIBLE,
    "refuse:hisi_acc.kernel note:hisi_acc.no-queues",
    "Linux 6.18.3 of the target crashes when a device of hisi_acc_vfio_pci is opened through its group "
    "(a NULL call)" },
  { "target on a later Linux 6.18", HISI, NULL, "host.kernel-level=\"6.18.16\"", 0, COMPATIBLE, "", NULL },
  { "target of an older agent on Linux 6.17", HISI, "host.kernel=\"6.17.3-arm64\"", "host.kernel=\"6.17.3-arm64\" host.kernel-level",
    0, INCOMPATIBLE, "refuse:hisi_acc.kernel",
    "Linux 6.17.3-arm64 of the target crashes when a device of hisi_acc_vfio_pci is opened through its group "
    "(a NULL call)" },
  { "both of an older agent on a later Linux 6.18", HISI, "host.kernel=\"6.18.16\" host.kernel-level",
    "host.kernel=\"6.18.16\" host.kernel-level", 0, COMPATIBLE, "", NULL },
  { "Linux 6.17 is no matter to others", MLX, "host.kernel-level=\"6.17.0\"", "host.kernel-level=\"6.17.0\"", 0, COMPATIBLE,
    FAMILY, NULL },
  { "magic old to old", HISI, V1, V1_TARGET, 0, DEGRADED, "warn:hisi_acc.magic",
    "source sends the stream format with wrong event queue addresses (CVE-2025-38158), and 0000:75:00.3 takes "
    "them as they are" },
  { "magic old to new", HISI, V1, NULL, 0, DEGRADED, "warn:hisi_acc.magic",
    "source sends the stream format with wrong event queue addresses (CVE-2025-38158); 0000:75:00.3 does not "
    "reliably correct them" },
  { "magic of nobody, alike", HISI, "hisi_acc.magic=\"0x0000000000000001\"",
    "hisi_acc.magic=\"0x0000000000000001\"", 0, COMPATIBLE, "", NULL },
  { "magic new to old", HISI, NULL, V1_TARGET, 0, INCOMPATIBLE, "refuse:hisi_acc.magic",
    "source sends the stream format of Linux 6.16, which the older driver of 0000:75:00.3 does not know" },
  { "magic of nobody", HISI, NULL, "hisi_acc.magic=\"0x0000000000000001\"", 0, INCOMPATIBLE,
    "refuse:hisi_acc.magic",
    "stream format differs: source has 0xaaccfeeddecadede, 0000:75:00.3 has 0x0000000000000001" },
  { "magic of nobody to old", HISI, "hisi_acc.magic=\"0x0000000000000001\"", V1_TARGET, 0, INCOMPATIBLE,
    "refuse:hisi_acc.magic",
    "stream format differs: source has 0x0000000000000001, 0000:75:00.3 has 0xcdcdcdcdfeedaacc" },
  { "magic unknown at the source", HISI, "hisi_acc.magic", NULL, 0, UNKNOWN, "unknown:hisi_acc.magic",
    "stream format unknown: source does not say, 0000:75:00.3 has 0xaaccfeeddecadede" },
  { "major", HISI, NULL, "hisi_acc.major=2", 0, INCOMPATIBLE, "refuse:hisi_acc.major",
    "major version of the stream format differs: source has 1, 0000:75:00.3 has 2" },
  { "minor is not compared", HISI, NULL, "hisi_acc.minor=9", 0, COMPATIBLE, "", NULL },
  { "isolation", HISI, NULL, "hisi_acc.isolation=0", 0, INCOMPATIBLE, "refuse:hisi_acc.isolation",
    "queue isolation differs: source has 0x1, 0000:75:00.3 has 0x0" },
  { "isolation unknown", HISI, NULL, "hisi_acc.isolation", 0, UNKNOWN, "unknown:hisi_acc.isolation",
    "queue isolation unknown: source has 0x1, 0000:75:00.3 does not say" },
  { "queue count", HISI, NULL, "hisi_acc.qp-num=4", 0, INCOMPATIBLE, "refuse:hisi_acc.qp-num",
    "queue count differs: source has 8, 0000:75:00.3 has 4" },
  { "queue count unknown", HISI, NULL, "hisi_acc.qp-num", 0, UNKNOWN,
    "warn:hisi_acc.checked-once unknown:hisi_acc.qp-num", "queue count unknown: source has 8, 0000:75:00.3 does not say" },
  { "no family object at all", HISI, NULL, "hisi_acc", 0, UNKNOWN,
    "unknown:hisi_acc.hardware warn:hisi_acc.checked-once unknown:hisi_acc.magic unknown:hisi_acc.isolation "
    "unknown:hisi_acc.qp-num",
    NULL },
  { "BAR of a V3 that may be newer", HISI, "hisi_acc.hardware=\"v3+\"",
    "hisi_acc.hardware=\"v3+\" host.kernel=\"6.19.0-rc1\" host.kernel-level=\"6.19.0\"", 0, DEGRADED,
    "warn:hisi_acc.bar-layout note:host.kernel note:hisi_acc.generation note:hisi_acc.no-queues",
    "if the engine of 0000:75:00.3 is newer than v3, the guest's BAR 2 changes its size between Linux "
    "6.12.107 and 6.19.0-rc1" },
  { "BAR of a V4", HISI, "hisi_acc.hardware=\"v4\" host.kernel=\"7.0.1\"", "hisi_acc.hardware=\"v4\"", 0,
    INCOMPATIBLE,
    "refuse:hisi_acc.bar-layout note:host.kernel",
    "the guest's BAR 2 on a v4 engine changes its size between Linux 7.0.1 and 6.12.107" },
  { "BAR alike below 6.19", HISI, NULL, "host.kernel=\"6.16.9\"", 0, COMPATIBLE, "note:host.kernel", NULL },
  { "BAR alike from 6.19 on", HISI, "host.kernel=\"6.19.6\"", "host.kernel=\"7.3.4\"", 0, COMPATIBLE,
    "note:host.kernel", NULL },
  { "BAR unknown", HISI, NULL, "host.kernel=\"custom\"", 0, UNKNOWN,
    "unknown:hisi_acc.bar-layout note:host.kernel",
    "size of BAR 2 unknown: it depends on the kernel release; source has 6.12.107, 0000:75:00.3 has custom" },
  { "more is no better", HISI, NULL, "hisi_acc.major=3 hisi_acc.isolation=3 hisi_acc.qp-num=12", 0,
    INCOMPATIBLE, "refuse:hisi_acc.major refuse:hisi_acc.isolation refuse:hisi_acc.qp-num",
    "major version of the stream format differs: source has 1, 0000:75:00.3 has 3" },
  { "identity before quantity", HISI, NULL,
    "hisi_acc.qp-num=4 hisi_acc.isolation=0 device.device=\"0xa259\" device.pf-driver=\"hisi_hpre\"", 0,
    INCOMPATIBLE, "refuse:device.device refuse:hisi_acc.isolation refuse:hisi_acc.qp-num",
    "device id differs: source has 0xa256, 0000:75:00.3 has 0xa259" },
  { "decisive is the worst, not the first", HISI, "hisi_acc.hardware", "hisi_acc.qp-num=4", 0, INCOMPATIBLE,
    "unknown:hisi_acc.hardware refuse:hisi_acc.qp-num",
    "queue count differs: source has 8, 0000:75:00.3 has 4" },

  /* migsim */
  { "format version", SIM, NULL, "migsim.format-version=2", 0, INCOMPATIBLE, "refuse:migsim.format-version",
    "format version differs: source has 1, 0000:01:10.2 has 2" },
  { "format version newer", SIM, NULL, "migsim.format-version=3", 0, INCOMPATIBLE,
    "refuse:migsim.format-version", "format version differs: source has 1, 0000:01:10.2 has 3" },
  { "format version unknown", SIM, NULL, "migsim.format-version", 0, UNKNOWN, "unknown:migsim.format-version",
    "format version unknown: source has 1, 0000:01:10.2 does not say" },
  { "capability missing", SIM, NULL, "migsim.capability=4", 0, INCOMPATIBLE, "refuse:migsim.capability",
    "capability is missing: source has 0x5, 0000:01:10.2 has only 0x4" },
  { "capability unknown", SIM, "migsim.capability", NULL, 0, UNKNOWN, "unknown:migsim.capability",
    "capability unknown: source does not say, 0000:01:10.2 has 0x5" },
  { "capability to spare", SIM, NULL, "migsim.capability=255", 0, COMPATIBLE, "", NULL },

  /* mtty */
  { "ports", TTY, NULL, "mtty.ports=3", 0, INCOMPATIBLE, "refuse:mtty.ports",
    "port count differs: source has 1, 83b8f4f2-509f-382f-3c1e-e6bfe0fa1002 has 3" },
  { "ports unknown", TTY, NULL, "mtty", 0, UNKNOWN, "unknown:mtty.ports",
    "port count unknown: source has 1, 83b8f4f2-509f-382f-3c1e-e6bfe0fa1002 does not say" },

  /* families without rules of their own have the generic ones, and hostile values stay values */
  { "rules of a family that is not theirs", MLX, "hisi_acc.qp-num=8", "hisi_acc.qp-num=4", 0, COMPATIBLE, FAMILY,
    NULL },
  { "braces in a value", MLX, "device.revision=\"{target}\"", "device.revision=\"{address}\"", 0,
    INCOMPATIBLE, "refuse:device.revision" AND_FAMILY,
    "PCI revision differs: source has {target}, 0000:81:00.2 has {address}" },
  /* clang-format on */
};

/* Returns: (transfer full): "severity:rule severity:rule". */
static char *
list_findings (const AccmigVerdict *verdict)
{
  GString *list = g_string_new (NULL);

  for (gsize i = 0; i < accmig_verdict_get_n_findings (verdict); i++)
    {
      const AccmigFinding *finding = accmig_verdict_get_finding (verdict, i);

      g_string_append_printf (list, "%s%s:%s", i > 0 ? " " : "",
                              accmig_severity_to_string (finding->severity), finding->rule);
    }
  return g_string_free (list, FALSE);
}

/* Texts go into one line of a refusal, and no place holder is left in them. */
static void
assert_well_formed (const AccmigVerdict *verdict)
{
  for (gsize i = 0; i < accmig_verdict_get_n_findings (verdict); i++)
    {
      const AccmigFinding *finding = accmig_verdict_get_finding (verdict, i);

      g_assert_cmpstr (finding->sentence, !=, "");
      g_assert_null (strchr (finding->sentence, '\n'));
      g_assert_null (strchr (finding->remedy, '{'));
      g_assert_nonnull (strchr (finding->field, finding->rule[0] == 'f' ? 'f' : '.'));
      g_assert_cmpstr (finding->source_value, !=, "");
      g_assert_cmpstr (finding->target_value, !=, "");
    }
}

static void
test_row (gconstpointer data)
{
  gsize i = GPOINTER_TO_SIZE (data);
  g_autoptr (AccmigProfile) source = make_profile (pairs[rows[i].pair][0], rows[i].source);
  g_autoptr (AccmigProfile) target = make_profile (pairs[rows[i].pair][1], rows[i].target);
  g_autoptr (AccmigVerdict) verdict = accmig_compat_check (source, target, rows[i].options);
  g_autofree char *findings = list_findings (verdict);
  const AccmigFinding *decisive = accmig_verdict_get_decisive (verdict);

  g_assert_cmpstr (findings, ==, rows[i].findings);
  g_assert_cmpstr (accmig_outcome_to_string (accmig_verdict_get_outcome (verdict)), ==,
                   accmig_outcome_to_string (rows[i].outcome));
  g_assert_cmpint (decisive != NULL, ==, rows[i].outcome != COMPATIBLE);
  if (rows[i].sentence != NULL)
    g_assert_cmpstr (decisive->sentence, ==, rows[i].sentence);
  assert_well_formed (verdict);
}

/* ---- the whole ---- */

static void
test_fitting_pairs (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (pairs); i++)
    for (AccmigCompatOptions options = 0; options <= MANAGED; options++)
      {
        g_autoptr (AccmigProfile) source = make_profile (pairs[i][0], NULL);
        g_autoptr (AccmigProfile) target = make_profile (pairs[i][1], NULL);
        g_autoptr (AccmigVerdict) there = accmig_compat_check (source, target, options);
        g_autoptr (AccmigVerdict) back = accmig_compat_check (target, source, options);

        g_assert_cmpuint (accmig_verdict_get_n_findings (there), ==, i == MLX ? 1 : 0);
        g_assert_cmpuint (accmig_verdict_get_n_findings (back), ==, i == MLX ? 1 : 0);
        g_assert_cmpint (accmig_verdict_get_outcome (there), ==, COMPATIBLE);
        g_assert_null (accmig_verdict_get_decisive (there));
      }
}

static gboolean
some_row_breaks (const char *rule)
{
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_auto (GStrv) findings = g_strsplit (rows[i].findings, " ", -1);

      for (char **finding = findings; *finding != NULL; finding++)
        if (**finding != '\0' && strcmp (strchr (*finding, ':') + 1, rule) == 0)
          return TRUE;
    }
  return FALSE;
}

static void
test_every_rule_has_a_row (void)
{
  static const char *const names[] = { "generic", "migsim", "mtty" };

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      const AccmigFamily *family = accmig_families_lookup (accmig_families_get_default (), names[i]);

      for (gsize j = 0; j < accmig_family_get_n_rules (family); j++)
        {
          const AccmigFamilyRule *rule = accmig_family_get_rule (family, j);

          g_test_message ("%s", rule->id);
          g_assert_true (some_row_breaks (rule->id));
        }
    }
}

/* Where nothing of the family was compared, the verdict says so. */
static void
test_family_without_rules (void)
{
  static const struct
  {
    const char *changes, *sentence;
  } families[] = {
    { NULL,
      "only the rules for every family were tried; the mlx5 driver decides the rest when the state arrives" },
    { "device.family=\"generic\"", "only the rules for every family were tried; the device's driver decides "
                                   "the rest when the state arrives" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (families); i++)
    {
      g_autoptr (AccmigProfile) source = make_profile (pairs[MLX][0], families[i].changes);
      g_autoptr (AccmigProfile) target = make_profile (pairs[MLX][1], families[i].changes);
      g_autoptr (AccmigVerdict) verdict = accmig_compat_check (source, target, 0);

      g_assert_cmpint (accmig_verdict_get_outcome (verdict), ==, COMPATIBLE);
      g_assert_cmpstr (accmig_verdict_get_finding (verdict, 0)->sentence, ==, families[i].sentence);
    }
}

static void
test_values (void)
{
  g_autoptr (AccmigProfile) source = make_profile (pairs[HISI][0], NULL);
  g_autoptr (AccmigProfile) target = make_profile (pairs[HISI][1], "hisi_acc.qp-num");
  g_autoptr (AccmigVerdict) verdict = accmig_compat_check (source, target, 0);
  const AccmigFinding *finding = accmig_verdict_get_decisive (verdict);

  g_assert_cmpstr (finding->rule, ==, "hisi_acc.qp-num");
  g_assert_cmpstr (finding->field, ==, "hisi_acc.qp-num");
  g_assert_cmpint (finding->severity, ==, ACCMIG_SEVERITY_UNKNOWN);
  g_assert_cmpstr (finding->source_value, ==, "8");
  g_assert_cmpstr (finding->target_value, ==, "-");
}

static void
test_json (void)
{
  g_autoptr (AccmigProfile) source = make_profile (pairs[SIM][0], NULL);
  g_autoptr (AccmigProfile) target = make_profile (pairs[SIM][1], "migsim.capability=4");
  g_autoptr (AccmigVerdict) verdict = accmig_compat_check (source, target, 0);
  g_autofree char *json = accmig_verdict_to_json (verdict);
  g_autofree char *wanted = g_strdup_printf (
      "{\"findings\":[{\"field\":\"migsim.capability\",\"remedy\":\"set migsim's parameter capability on the "
      "target host "
      "to a superset of 0x5\",\"rule\":\"migsim.capability\",\"sentence\":\"capability is missing: source "
      "has 0x5, "
      "0000:01:10.2 has only 0x4\",\"severity\":\"refuse\",\"source\":\"0x5\",\"target\":\"0x4\"}],"
      "\"outcome\":\"incompatible\",\"source-digest\":\"%s\",\"target-digest\":\"%s\"}",
      accmig_profile_get_digest (source), accmig_profile_get_digest (target));

  g_assert_cmpstr (json, ==, wanted);
}

/* A verdict stands on its own: the profiles may go first. */
static void
test_outlives_profiles (void)
{
  AccmigProfile *source = make_profile (pairs[HISI][0], NULL);
  AccmigProfile *target = make_profile (pairs[HISI][1], "hisi_acc.qp-num=4");
  g_autoptr (AccmigVerdict) verdict = accmig_compat_check (source, target, 0);

  accmig_profile_unref (source);
  accmig_profile_unref (target);
  accmig_verdict_free (NULL);
  g_assert_cmpstr (accmig_verdict_get_decisive (verdict)->sentence, ==,
                   "queue count differs: source has 8, 0000:75:00.3 has 4");
}

static void
test_names (void)
{
  g_assert_cmpstr (accmig_outcome_to_string (COMPATIBLE), ==, "compatible");
  g_assert_cmpstr (accmig_outcome_to_string (DEGRADED), ==, "degraded");
  g_assert_cmpstr (accmig_outcome_to_string (UNKNOWN), ==, "unknown");
  g_assert_cmpstr (accmig_outcome_to_string (INCOMPATIBLE), ==, "incompatible");
  g_assert_cmpstr (accmig_outcome_to_string ((AccmigOutcome)99), ==, "unknown");
  g_assert_cmpstr (accmig_severity_to_string (ACCMIG_SEVERITY_NOTE), ==, "note");
  g_assert_cmpstr (accmig_severity_to_string (ACCMIG_SEVERITY_WARN), ==, "warn");
  g_assert_cmpstr (accmig_severity_to_string (ACCMIG_SEVERITY_UNKNOWN), ==, "unknown");
  g_assert_cmpstr (accmig_severity_to_string (ACCMIG_SEVERITY_REFUSE), ==, "refuse");
  g_assert_cmpstr (accmig_severity_to_string ((AccmigSeverity)99), ==, "unknown");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *name = g_strdelimit (g_strdup (rows[i].name), " ", '-');
      g_autofree char *path = g_strconcat ("/compat/rule/", name, NULL);

      g_test_add_data_func (path, GSIZE_TO_POINTER (i), test_row);
    }
  g_test_add_func ("/compat/fitting-pairs", test_fitting_pairs);
  g_test_add_func ("/compat/every-rule-has-a-row", test_every_rule_has_a_row);
  g_test_add_func ("/compat/family-without-rules", test_family_without_rules);
  g_test_add_func ("/compat/values", test_values);
  g_test_add_func ("/compat/json", test_json);
  g_test_add_func ("/compat/outlives-profiles", test_outlives_profiles);
  g_test_add_func ("/compat/names", test_names);
  return g_test_run ();
}
