/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <accmig/families.h>
#include <accmig/profile.h>
#include <json-glib/json-glib.h>

#include "value.h"

/* Longest match data that a profile carries, in bytes; it has two hex digits for each. */
#define PROFILE_MAX_MATCH 256

/*
 * The members that every profile may have. A profile's values are numbered: these first, then the fields of
 * its family.
 */
typedef enum
{
  MEMBER_FORMAT,
  MEMBER_HOST_KERNEL,
  MEMBER_HOST_KERNEL_LEVEL,
  MEMBER_HOST_MACHINE,
  MEMBER_HOST_PAGE_SIZE,
  MEMBER_HOST_CPU,
  MEMBER_HOST_IOMMU,
  MEMBER_HOST_QEMU,
  MEMBER_HOST_LIBVIRT,
  MEMBER_ADDRESS,
  MEMBER_KIND,
  MEMBER_FAMILY,
  MEMBER_VENDOR,
  MEMBER_DEVICE,
  MEMBER_REVISION,
  MEMBER_MDEV_TYPE,
  MEMBER_DRIVER,
  MEMBER_VFIO,
  MEMBER_VARIANT,
  MEMBER_PF,
  MEMBER_PF_DRIVER,
  MEMBER_VF_INDEX,
  MEMBER_NUM_VFS,
  MEMBER_NUMA_NODE,
  MEMBER_MIGRATION,
  MEMBER_FLAGS,
  MEMBER_STATE_SIZE,
  MEMBER_DIRTY_TRACKING,
  N_MEMBERS,
} ProfileMember;

struct _AccmigProfile
{
  gatomicrefcount references;
  AccmigFamilies *families;   /* the set it was made under */
  const AccmigFamily *family; /* (nullable): the device's, where the set knows it */
  JsonNode *root;
  char *canonical;
  char *digest;
  guint n_values;
  Value values[]; /* by slot: the members above, then the family's fields */
};

/*
 * @root: (transfer full): an object
 * @error: INVALID, LIMIT: the same checks a text from outside has to pass
 */
AccmigProfile *profile_new_take_root (JsonNode *root, GError **error);

/* @path: "host.kernel". Returns: whether it is one of the members above */
gboolean profile_find_member (const char *path, ProfileMember *ret_member);
ValueType profile_member_get_type (ProfileMember member);
/* Returns: its name in a sentence: "kernel release"; static */
const char *profile_member_get_what (ProfileMember member);

/* Returns: (nullable): NULL when missing. Only for members that are texts. */
static inline const char *
profile_get_text (const AccmigProfile *profile, ProfileMember member)
{
  return profile->values[member].text;
}

/* @ret_value: untouched when missing. Returns: whether @path is a boolean member. */
gboolean profile_get_boolean (const AccmigProfile *profile, const char *path, gboolean *ret_value);
