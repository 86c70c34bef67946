// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The profile of a device of this host
 *
 * Built from four sources: what an open device told (the probe), what sysfs says, what uname says, and what
 * somebody who knows libvirt told of the host. A member that none of them knows is left out. Leaving out is
 * the honest answer: a rule that needs it will say "unknown", while a guess would pass for knowledge on the
 * other host.
 */

#include "profile-private.h"

#include <accmig/fsm.h>

#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "fd-private.h"
#include "error-private.h"
#include "family-code.h"
#include "release.h"
#include "sysfs.h"

/* What the builders of a profile's parts look at. */
typedef struct
{
  int sysfs_fd;
  const AccmigDeviceInfo *info;
  const AccmigProbe *probe; /* all zero when nobody opened the device */
  const AccmigHost *host;   /* all NULL when nobody told */
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

/* Match data as it came, so that another host's driver can be asked about it. What is too long for a profile
 * is left out. */
static void
set_match (JsonObject *root, const AccmigFamily *family, const AccmigProbe *probe)
{
  g_autofree char *hex = g_malloc0 (2 * PROFILE_MAX_MATCH + 1);

  if (probe->match == NULL || probe->match_length < family->match_size || family->match_size == 0
      || family->match_size > PROFILE_MAX_MATCH)
    return;
  for (gsize i = 0; i < family->match_size; i++)
    (void)g_snprintf (hex + 2 * i, 3, "%02x", probe->match[i]);
  set_text (json_object_get_object_member (root, "device"), "match", hex);
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

static void
add_kernel_members (JsonObject *host)
{
  g_autofree char *level = NULL;
  struct utsname name;

  if (uname (&name) != 0)
    return;
  level = release_format_level (name.release, name.version);
  set_text (host, "kernel", name.release);
  set_text (host, "kernel-level", level);
  set_text (host, "machine", name.machine);
}

static JsonObject *
build_host (const Source *source)
{
  JsonObject *host = json_object_new ();
  g_autofree char *cpu = read_cpu (source->sysfs_fd);
  g_autofree char *iommu = read_iommu (source->sysfs_fd);
  long page_size = sysconf (_SC_PAGESIZE);

  add_kernel_members (host);
  if (page_size > 0)
    set_number (host, "page-size", (guint64)page_size);
  set_text (host, "cpu", cpu);
  set_text (host, "iommu", iommu);
  set_text (host, "qemu", source->host->qemu);
  set_text (host, "libvirt", source->host->libvirt);
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
  if (probe->known && probe->tracking != ACCMIG_TRACKING_UNKNOWN)
    json_object_set_boolean_member (device, "dirty-tracking", probe->tracking == ACCMIG_TRACKING_YES);
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

/* ---- the family ---- */

static void
add_family (JsonObject *root, const Source *source)
{
  const AccmigFamily *family =
      accmig_families_lookup (accmig_families_get_default (), accmig_device_info_get_family (source->info));
  JsonObject *object;

  if (family != NULL)
    set_match (root, family, source->probe);
  if (family == NULL || family->fields->len == 0)
    return;
  object = json_object_new ();
  family_read_fields (family,
                      &(FamilyDevice){ source->sysfs_fd, source->info, source->probe, family->match_size },
                      object);
  json_object_set_object_member (root, family->name, object);
}

AccmigProfile *
accmig_profile_new_from_device (int sysfs_fd, const AccmigDeviceInfo *info, const AccmigProbe *probe,
                                const AccmigHost *host, GError **error)
{
  static const AccmigProbe no_probe;
  static const AccmigHost no_host;
  const Source source = { sysfs_fd, info, probe != NULL ? probe : &no_probe, host != NULL ? host : &no_host };
  JsonObject *root = json_object_new ();
  JsonNode *node = json_node_init_object (json_node_alloc (), root);

  json_object_set_string_member (root, "format", ACCMIG_PROFILE_FORMAT);
  json_object_set_object_member (root, "host", build_host (&source));
  json_object_set_object_member (root, "device", build_device (&source));
  add_family (root, &source);
  json_object_unref (root);
  return profile_new_take_root (node, error);
}

/* ---- from match data ---- */

gsize
accmig_profile_match_size (const char *name)
{
  const AccmigFamily *family = accmig_families_lookup (accmig_families_get_default (), name);

  return family != NULL ? family->match_size : 0;
}

static void
replace_id (JsonObject *device, const char *name, const MatchWord *word, const AccmigProbe *probe)
{
  if (word->width != 0)
    set_hex (device, name, 4, match_word_read (word, probe->match));
}

/* What the match data says replaces what the target's profile says; what it does not say goes. */
static void
replace_by_match (JsonObject *root, const AccmigFamily *family, const AccmigProbe *probe)
{
  JsonObject *device = json_object_get_object_member (root, "device");

  if (!json_object_has_member (root, family->name))
    json_object_set_object_member (root, family->name, json_object_new ());
  family_replace_fields (family, &(FamilyDevice){ -1, NULL, probe, family->match_size },
                         json_object_get_object_member (root, family->name));
  set_match (root, family, probe);
  replace_id (device, "vendor", &family->match_vendor, probe);
  replace_id (device, "device", &family->match_device, probe);
}

AccmigProfile *
accmig_profile_new_from_match (const AccmigProfile *target, const guint8 *match, gsize length, GError **error)
{
  const AccmigFamily *family = target->family;
  const AccmigProbe probe = { .known = TRUE, .match = match, .match_length = length };
  JsonNode *root;

  if (family == NULL || family->match_size == 0)
    {
      (void)fail (error, ACCMIG_ERROR_UNSUPPORTED, "streams of the family %s have no match data",
                  accmig_profile_get_family (target));
      return NULL;
    }
  if (length < family->match_size)
    {
      (void)fail (error, ACCMIG_ERROR_TRUNCATED,
                  "%" G_GSIZE_FORMAT " bytes of a %s stream, %" G_GSIZE_FORMAT " of match data wanted",
                  length, family->name, family->match_size);
      return NULL;
    }
  root = json_from_string (target->canonical, NULL); /* our own text */
  replace_by_match (json_node_get_object (root), family, &probe);
  return profile_new_take_root (root, error);
}
