/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The kernel's VFIO interface, as far as accmig speaks it
 *
 * Our own constants and layouts: the headers of the oldest system we build on know neither pre-copy nor the
 * cdev. Numbers are the kernel's, names are ours, so that both may be included side by side. All fields have
 * a fixed size and their natural place; the assertions below hold what the kernel documents.
 *
 * States and flags of the migration itself are in <accmig/fsm.h>.
 */

#include <glib.h>
#include <sys/ioctl.h>

#define UAPI_IOCTL(n) _IO (';', 100 + (n))

/* On the container. */
#define UAPI_SET_IOMMU      UAPI_IOCTL (2) /* argument by value */
#define UAPI_IOMMU_TYPE1_V2 3

/* On the group. */
#define UAPI_GROUP_GET_STATUS    UAPI_IOCTL (3)
#define UAPI_GROUP_SET_CONTAINER UAPI_IOCTL (4) /* pointer to the container's fd */
#define UAPI_GROUP_GET_DEVICE_FD UAPI_IOCTL (6) /* the device's name; returns an fd */

/* On the device. */
#define UAPI_DEVICE_RESET        UAPI_IOCTL (11)
#define UAPI_DEVICE_FEATURE      UAPI_IOCTL (17)
#define UAPI_DEVICE_BIND_IOMMUFD UAPI_IOCTL (18) /* on a cdev only */

/* On a data fd. */
#define UAPI_MIG_GET_PRECOPY_INFO UAPI_IOCTL (21)

#define UAPI_GROUP_VIABLE (1u << 0)

/* The flags of a feature request: an index and what to do with it. Without one of the latter it always fails.
 */
#define UAPI_FEATURE_GET (1u << 16)
#define UAPI_FEATURE_SET (1u << 17)
#define UAPI_FEATURE_PROBE                                                                                   \
  (1u << 18) /* together with GET or SET: would that be possible? Carries no payload */

#define UAPI_FEATURE_MIGRATION        1u
#define UAPI_FEATURE_MIG_DEVICE_STATE 2u
#define UAPI_FEATURE_DMA_LOGGING      6u /* to start it; others stop and read */
#define UAPI_FEATURE_MIG_DATA_SIZE    9u

struct uapi_group_status
{
  guint32 argsz;
  guint32 flags;
};

struct uapi_bind_iommufd
{
  guint32 argsz;
  guint32 flags;
  gint32 iommufd;
  guint32 out_devid;
};

/* A feature request without payload, to probe with. */
struct uapi_feature
{
  guint32 argsz;
  guint32 flags;
};

/* MIGRATION: migration flags. MIG_DATA_SIZE: bytes. */
struct uapi_feature_u64
{
  guint32 argsz;
  guint32 flags;
  guint64 value;
};

/* MIG_DEVICE_STATE */
struct uapi_feature_state
{
  guint32 argsz;
  guint32 flags;
  guint32 device_state;
  gint32 data_fd;
};

struct uapi_precopy_info
{
  guint32 argsz;
  guint32 flags; /* not an output unless the second version of the feature was asked for, which we never do */
  guint64 initial_bytes;
  guint64 dirty_bytes;
};

G_STATIC_ASSERT (UAPI_DEVICE_FEATURE == 0x3b75);
G_STATIC_ASSERT (sizeof (struct uapi_group_status) == 8);
G_STATIC_ASSERT (sizeof (struct uapi_bind_iommufd) == 16);
G_STATIC_ASSERT (sizeof (struct uapi_feature) == 8);
G_STATIC_ASSERT (sizeof (struct uapi_feature_u64) == 16);
G_STATIC_ASSERT (sizeof (struct uapi_feature_state) == 16);
G_STATIC_ASSERT (sizeof (struct uapi_precopy_info) == 24);
