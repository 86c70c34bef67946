// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The profile of a device of this host
 *
 * Built from three sources, the surest first: what an open device told (the probe), what sysfs says, what
 * uname says. A member that none of them knows is left out. Leaving out is the honest answer: a rule that
 * needs it will say "unknown", while a guess would pass for knowledge on the other host.
 */

#include "profile-private.h"

#include <accmig/fsm.h>

#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "fd-private.h"
#include "error-private.h"
#include "hisi-acc.h"
#include "sysfs.h"

/* migsim's match data, its stream's header; little endian. */
#define MIGSIM_MATCH_SIZE        32
#define MIGSIM_OFFSET_VERSION    8  /* u32 */
#define MIGSIM_OFFSET_DEVICE     12 /* u32: vendor << 16 | device */
#define MIGSIM_OFFSET_CAPABILITY 16 /* u32 */

#define MIGSIM_PARAMETERS "module/migsim/parameters/"

/* What the builders of a profile's parts look at. */
typedef struct
{
  int sysfs_fd;
  const AccmigDeviceInfo *info;
  const AccmigProbe *probe; /* all zero when nobody opened the device */
} Source;

/* ---- members: what is not known is not set ---- */

static void
set_text (JsonObject *object, const char *name, const char *text)
{
  if (text != NULL)
    json_object_set_string_member (object, name, text);
}

/* Beyond 2^63 nothing is a size or a count: some drivers let a negative errno slip through as one. */
static void
set_number (JsonObject *object, const char *name, guint64 number)
{
  if (number <= G_MAXINT64)
    json_object_set_int_member (object, name, (gint64)number);
}

static void
set_index (JsonObject *object, const char *name, int number)
{
  if (number >= 0)
    json_object_set_int_member (object, name, number);
}

static void
set_hex (JsonObject *object, const char *name, guint digits, guint64 number)
{
  g_autofree char *text = g_strdup_printf ("0x%0*" G_GINT64_MODIFIER "x", (int)digits, number);

  json_object_set_string_member (object, name, text);
}

/* ---- host ---- */

/* Returns: (transfer full) (nullable): MIDR on arm64, "x86,ven0000fam0006mod008F" and the like elsewhere. */
static char *
read_cpu (int sysfs_fd)
{
  char *midr = sysfs_read_text (sysfs_fd, "devices/system/cpu/cpu0/regs/identification/midr_el1");
  g_autofree char *modalias = NULL;
  char *features;

  if (midr != NULL)
    return midr;
  modalias = sysfs_read_text (sysfs_fd, "devices/system/cpu/modalias");
  if (modalias == NULL || !g_str_has_prefix (modalias, "cpu:type:"))
    return NULL;
  features = strstr (modalias, ":feature:");
  if (features != NULL)
    *features = '\0';
  return g_strdup (modalias + strlen ("cpu:type:"));
}

/* By the names that IOMMU drivers give their instances in class/iommu. */
static const struct
{
  const char *prefix;
  const char *name;
} iommus[] = {
  { "dmar", "intel" },
  { "ivhd", "amd" },
  { "smmu3", "smmu-v3" },
  { "smmu", "smmu" },
};

/* Returns: (transfer full): "none" without an IOMMU, the instance's own name when it is none of the known. */
static char *
read_iommu (int sysfs_fd)
{
  g_auto (GStrv) names = sysfs_list (sysfs_fd, "class/iommu");

  if (names[0] == NULL)
    return g_strdup ("none");
  for (gsize i = 0; i < G_N_ELEMENTS (iommus); i++)
    if (g_str_has_prefix (names[0], iommus[i].prefix))
      return g_strdup (iommus[i].name);
  return g_strdup (names[0]);
}

static JsonObject *
build_host (int sysfs_fd)
{
  JsonObject *host = json_object_new ();
  g_autofree char *cpu = read_cpu (sysfs_fd);
  g_autofree char *iommu = read_iommu (sysfs_fd);
  long page_size = sysconf (_SC_PAGESIZE);
  struct utsname name;

  if (uname (&name) == 0)
    {
      set_text (host, "kernel", name.release);
      set_text (host, "machine", name.machine);
    }
  if (page_size > 0)
    set_number (host, "page-size", (guint64)page_size);
  set_text (host, "cpu", cpu);
  set_text (host, "iommu", iommu);
  return host;
}

/* ---- device ---- */

static void
add_pci_members (JsonObject *device, const AccmigDeviceInfo *info)
{
  set_hex (device, "vendor", 4, accmig_device_info_get_vendor_id (info));
  set_hex (device, "device", 4, accmig_device_info_get_device_id (info));
  set_hex (device, "revision", 2, accmig_device_info_get_revision (info));
  set_index (device, "vf-index", accmig_device_info_get_vf_index (info));
  set_number (device, "num-vfs", accmig_device_info_get_num_vfs (info));
}

/* Plain vfio-pci never offers migration: that is known without asking it. */
static void
add_migration_members (JsonObject *device, const Source *source)
{
  const AccmigProbe *probe = source->probe;

  if (probe->known)
    {
      json_object_set_boolean_member (device, "migration", (probe->flags & ACCMIG_FLAG_STOP_COPY) != 0);
      set_number (device, "flags", probe->flags);
    }
  else if (g_strcmp0 (accmig_device_info_get_driver (source->info), "vfio-pci") == 0)
    json_object_set_boolean_member (device, "migration", FALSE);
  if (probe->known && probe->stop_copy_size != 0)
    set_number (device, "state-size", probe->stop_copy_size);
}

static JsonObject *
build_device (const Source *source)
{
  const AccmigDeviceInfo *info = source->info;
  JsonObject *device = json_object_new ();

  set_text (device, "address", accmig_device_info_get_address (info));
  set_text (device, "kind", accmig_kind_to_string (accmig_device_info_get_kind (info)));
  set_text (device, "family", accmig_device_info_get_family (info));
  set_text (device, "driver", accmig_device_info_get_driver (info));
  json_object_set_boolean_member (device, "vfio", accmig_device_info_is_vfio (info));
  set_text (device, "variant", accmig_device_info_get_variant (info));
  set_text (device, "mdev-type", accmig_device_info_get_mdev_type (info));
  set_text (device, "pf", accmig_device_info_get_pf (info));
  set_text (device, "pf-driver", accmig_device_info_get_pf_driver (info));
  set_index (device, "numa-node", accmig_device_info_get_numa_node (info));
  if (accmig_device_info_get_kind (info) == ACCMIG_KIND_PCI)
    add_pci_members (device, info);
  add_migration_members (device, source);
  return device;
}

/* ---- families ---- */

/* PCI revision of the engine → version. 0x30 is V3 and everything later that hides behind it: only the driver
 * can tell them apart, by a register. */
static const struct
{
  gint64 revision;
  const char *version;
} hisi_acc_versions[] = {
  { 0x20, "v1" }, { 0x21, "v2" }, { 0x30, "v3+" }, { 0x50, "v4" }, { 0x51, "v5" },
};

static void
add_hisi_acc_hardware (JsonObject *family, const Source *source)
{
  g_autofree char *path =
      g_strdup_printf ("bus/pci/devices/%s/revision", accmig_device_info_get_pf (source->info));
  gint64 revision;

  if (!sysfs_read_number (source->sysfs_fd, path, &revision) || revision < 0)
    return;
  for (gsize i = 0; i < G_N_ELEMENTS (hisi_acc_versions); i++)
    if (hisi_acc_versions[i].revision == revision)
      {
        set_text (family, "hardware", hisi_acc_versions[i].version);
        return;
      }
  set_hex (family, "hardware", 2, (guint64)revision);
}

/* Match data is not aligned to anything. */
static guint16
match_u16 (const AccmigProbe *probe, gsize offset)
{
  guint16 value;

  memcpy (&value, probe->match + offset, sizeof value);
  return value;
}

static guint32
match_u32 (const AccmigProbe *probe, gsize offset)
{
  guint32 value;

  memcpy (&value, probe->match + offset, sizeof value);
  return value;
}

static guint64
match_u64 (const AccmigProbe *probe, gsize offset)
{
  guint64 value;

  memcpy (&value, probe->match + offset, sizeof value);
  return value;
}

static gboolean
has_match (const AccmigProbe *probe, gsize size)
{
  return probe->known && probe->match != NULL && probe->match_length >= size;
}

static void
add_hisi_acc_match (JsonObject *family, const AccmigProbe *probe)
{
  guint64 magic;

  if (!has_match (probe, HISI_ACC_MATCH_SIZE))
    return;
  magic = match_u64 (probe, HISI_ACC_OFFSET_MAGIC);
  set_hex (family, "magic", 16, magic);
  set_number (family, "qp-num", match_u32 (probe, HISI_ACC_OFFSET_QP_NUM));
  set_number (family, "isolation", match_u32 (probe, HISI_ACC_OFFSET_ISO_CFG));
  if (magic == HISI_ACC_MAGIC_V1)
    return; /* no version there */
  set_number (family, "major", match_u16 (probe, HISI_ACC_OFFSET_MAJOR));
  set_number (family, "minor", match_u16 (probe, HISI_ACC_OFFSET_MINOR));
}

static void
add_hisi_acc (JsonObject *family, const Source *source)
{
  add_hisi_acc_hardware (family, source);
  add_hisi_acc_match (family, source->probe);
}

static void
set_hisi_acc_device (JsonObject *device, const AccmigProbe *probe)
{
  set_hex (device, "device", 4, match_u32 (probe, HISI_ACC_OFFSET_DEV_ID));
}

static void
add_migsim_match (JsonObject *family, const AccmigProbe *probe)
{
  if (!has_match (probe, MIGSIM_MATCH_SIZE))
    return;
  set_number (family, "format-version", GUINT32_FROM_LE (match_u32 (probe, MIGSIM_OFFSET_VERSION)));
  set_number (family, "capability", GUINT32_FROM_LE (match_u32 (probe, MIGSIM_OFFSET_CAPABILITY)));
}

static void
set_migsim_device (JsonObject *device, const AccmigProbe *probe)
{
  guint32 id = GUINT32_FROM_LE (match_u32 (probe, MIGSIM_OFFSET_DEVICE));

  set_hex (device, "vendor", 4, id >> 16);
  set_hex (device, "device", 4, id & 0xffff);
}

/* The module's parameters hold for all its devices, so they answer for one that cannot be asked, or has no
 * pre-copy. */
static void
add_migsim (JsonObject *family, const Source *source)
{
  const AccmigProbe *probe = source->probe;
  gint64 version;
  gint64 capability;

  add_migsim_match (family, probe);
  if (has_match (probe, MIGSIM_MATCH_SIZE))
    return;
  if (sysfs_read_number (source->sysfs_fd, MIGSIM_PARAMETERS "format_version", &version) && version >= 0)
    json_object_set_int_member (family, "format-version", version);
  if (sysfs_read_number (source->sysfs_fd, MIGSIM_PARAMETERS "capability", &capability) && capability >= 0)
    json_object_set_int_member (family, "capability", capability);
}

/* "mtty-1" has one port, "mtty-2" two. */
static void
add_mtty (JsonObject *family, const Source *source)
{
  const char *type = accmig_device_info_get_mdev_type (source->info);
  guint64 ports;

  if (type != NULL && g_str_has_prefix (type, "mtty-")
      && g_ascii_string_to_unsigned (type + strlen ("mtty-"), 10, 1, G_MAXUINT32, &ports, NULL))
    set_number (family, "ports", ports);
}

/* Families with an object of their own in the profile; with match data, what it tells of family and device.
 */
static const struct
{
  const char *family;
  gsize match_size;
  void (*add) (JsonObject *family, const Source *source);
  void (*add_match) (JsonObject *family, const AccmigProbe *probe);
  void (*set_device) (JsonObject *device, const AccmigProbe *probe);
} builders[] = {
  { "hisi_acc", HISI_ACC_MATCH_SIZE, add_hisi_acc, add_hisi_acc_match, set_hisi_acc_device },
  { "migsim", MIGSIM_MATCH_SIZE, add_migsim, add_migsim_match, set_migsim_device },
  { "mtty", 0, add_mtty, NULL, NULL },
};

gsize
accmig_profile_match_size (const char *family)
{
  for (gsize i = 0; i < G_N_ELEMENTS (builders); i++)
    if (g_strcmp0 (builders[i].family, family) == 0)
      return builders[i].match_size;
  return 0;
}

static void
add_family (JsonObject *root, const Source *source)
{
  const char *name = accmig_device_info_get_family (source->info);

  for (gsize i = 0; i < G_N_ELEMENTS (builders); i++)
    if (strcmp (builders[i].family, name) == 0)
      {
        JsonObject *family = json_object_new ();

        builders[i].add (family, source);
        json_object_set_object_member (root, name, family);
      }
}

AccmigProfile *
accmig_profile_new_from_device (int sysfs_fd, const AccmigDeviceInfo *info, const AccmigProbe *probe,
                                GError **error)
{
  static const AccmigProbe nothing;
  const Source source = { sysfs_fd, info, probe != NULL ? probe : &nothing };
  JsonObject *root = json_object_new ();
  JsonNode *node = json_node_init_object (json_node_alloc (), root);

  json_object_set_string_member (root, "format", ACCMIG_PROFILE_FORMAT);
  json_object_set_object_member (root, "host", build_host (sysfs_fd));
  json_object_set_object_member (root, "device", build_device (&source));
  add_family (root, &source);
  json_object_unref (root);
  return profile_new_take_root (node, error);
}

/* What the match data says replaces what the target's profile says; what it does not say goes. */
static void
replace_by_match (JsonObject *root, gsize row, const AccmigProbe *probe)
{
  const char *name = builders[row].family;
  JsonObject *family;

  if (!json_object_has_member (root, name))
    json_object_set_object_member (root, name, json_object_new ());
  family = json_object_get_object_member (root, name);
  json_object_remove_member (family, "major");
  json_object_remove_member (family, "minor");
  builders[row].add_match (family, probe);
  builders[row].set_device (json_object_get_object_member (root, "device"), probe);
}

AccmigProfile *
accmig_profile_new_from_match (const AccmigProfile *target, const guint8 *match, gsize length, GError **error)
{
  const char *name = accmig_profile_get_family (target);
  const AccmigProbe probe = { .known = TRUE, .match = match, .match_length = length };
  gsize size = accmig_profile_match_size (name);
  g_autofree char *json = accmig_profile_to_json (target);
  JsonNode *root;
  gsize row = 0;

  if (size == 0)
    {
      (void)fail (error, ACCMIG_ERROR_UNSUPPORTED, "streams of the family %s have no match data", name);
      return NULL;
    }
  if (length < size)
    {
      (void)fail (error, ACCMIG_ERROR_TRUNCATED,
                  "%" G_GSIZE_FORMAT " bytes of a %s stream, %" G_GSIZE_FORMAT " of match data wanted",
                  length, name, size);
      return NULL;
    }
  while (g_strcmp0 (builders[row].family, name) != 0)
    row++;
  root = json_from_string (json, NULL); /* our own text */
  replace_by_match (json_node_get_object (root), row, &probe);
  return profile_new_take_root (root, error);
}
