/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <accmig/fsm.h>
#include <accmig/inventory.h>

/*
 * A profile: what one device on one host is and can take, as a JSON document (accmig-profile/1).
 *
 * Profiles cross host borders, so a text is hostile until it is read: it is capped in size and depth,
 * duplicate and missing members are errors, unknown members are kept and ignored, an unknown major version
 * is refused. In memory a profile is immutable.
 *
 * Required are "format", "host", and "device" with "address", "kind" and "family"; every other member is left
 * out where nobody knows it; "device.match" holds the device's match data, when that has at most 256 bytes,
 * as lower-case hex digits. Numbers are whole and at most 2^63 - 1; known texts are 1 to 128 printable ASCII
 * characters, so that they can stand in a message. The members are listed in lib/profile.c.
 */

typedef struct _AccmigProfile AccmigProfile;

#define ACCMIG_PROFILE_FORMAT    "accmig-profile/1"
#define ACCMIG_PROFILE_MAX_SIZE  (64 * 1024) /* bytes of JSON text */
#define ACCMIG_PROFILE_MAX_DEPTH 8           /* nested objects and arrays */

/* What is known of a device only by opening it. Plain data; fill with zero for "not known". */
typedef struct
{
  gboolean known;         /* whether the rest was read */
  guint64 flags;          /* #AccmigFlags; 0: the driver offers no migration */
  guint64 stop_copy_size; /* bytes; 0 when unknown */
  const guint8 *match;    /* (nullable) match data from the stream's start, borrowed */
  gsize match_length;
  AccmigTracking tracking;
} AccmigProbe;

/* What a device's profile says of its host and this library cannot find out. Borrowed; NULL for "not known".
 */
typedef struct
{
  const char *qemu;    /* version of the QEMU that guests get, "10.0.0" */
  const char *libvirt; /* version of libvirt's daemon, "11.3.0" */
} AccmigHost;

/**
 * accmig_profile_match_size:
 * @family: (nullable)
 * Returns: bytes of match data worth reading from a free device of this family, 0 for none
 */
ACCMIG_API gsize accmig_profile_match_size (const char *family);

/**
 * accmig_profile_new_from_device:
 * @sysfs_fd: directory fd of sysfs
 * @info: the device
 * @probe: (nullable): what opening it told
 * @host: (nullable): what is known of the host besides sysfs and uname
 * @error: INVALID when sysfs gives a text that no profile may hold
 * Returns: (transfer full) (nullable): its profile; members that cannot be known are left out
 */
ACCMIG_API AccmigProfile *accmig_profile_new_from_device (int sysfs_fd, const AccmigDeviceInfo *info,
                                                          const AccmigProbe *probe, const AccmigHost *host,
                                                          GError **error);

/**
 * accmig_profile_new_from_match:
 * @target: a device of the stream's family
 * @match: the stream's first bytes
 * @length: how many; accmig_profile_match_size() of them are looked at
 * @error: UNSUPPORTED for a family without match data; TRUNCATED; INVALID or LIMIT when @match and @target
 *   make no valid profile together
 * Returns: (transfer full) (nullable): the profile of the device that saved the stream, as far as its match
 * data tells; all else is as @target has it. Held against @target it answers what a driver may forget to
 * check: hisi_acc compares only the first stream after it was bound on kernels before 7.0
 */
ACCMIG_API AccmigProfile *accmig_profile_new_from_match (const AccmigProfile *target, const guint8 *match,
                                                         gsize length, GError **error);

/**
 * accmig_profile_new_from_json:
 * @text: JSON, UTF-8
 * @length: bytes, or -1 for a NUL-terminated text
 * @error: LIMIT, INVALID
 */
ACCMIG_API AccmigProfile *accmig_profile_new_from_json (const char *text, gssize length, GError **error);

ACCMIG_API AccmigProfile *accmig_profile_ref (AccmigProfile *profile);
ACCMIG_API void accmig_profile_unref (AccmigProfile *profile);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (AccmigProfile, accmig_profile_unref)

/**
 * accmig_profile_to_json:
 * Returns: (transfer full): the canonical form: keys sorted, no white space
 */
ACCMIG_API char *accmig_profile_to_json (const AccmigProfile *profile);

/**
 * accmig_profile_to_pretty_json:
 * Returns: (transfer full): the same, indented for a person
 */
ACCMIG_API char *accmig_profile_to_pretty_json (const AccmigProfile *profile);

/**
 * accmig_profile_get_digest:
 * Returns: (transfer none): SHA-256 of the canonical form, 64 lower-case hex digits
 */
ACCMIG_API const char *accmig_profile_get_digest (const AccmigProfile *profile);

/** accmig_profile_get_address: Returns: (transfer none): the device's address */
ACCMIG_API const char *accmig_profile_get_address (const AccmigProfile *profile);
/** accmig_profile_get_family: Returns: (transfer none): the family's name */
ACCMIG_API const char *accmig_profile_get_family (const AccmigProfile *profile);

/**
 * accmig_profile_get_string:
 * @path: member names joined by dots, "device.driver"
 * Returns: (transfer none) (nullable): its text, NULL when missing or no string
 */
ACCMIG_API const char *accmig_profile_get_string (const AccmigProfile *profile, const char *path);

/**
 * accmig_profile_get_uint:
 * @ret_value: (out): untouched when missing
 * Returns: whether @path is a non-negative integer member
 */
ACCMIG_API gboolean accmig_profile_get_uint (const AccmigProfile *profile, const char *path,
                                             guint64 *ret_value);
