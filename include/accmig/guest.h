/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <accmig/compat.h>

/*
 * What stands in the way of a guest's migration as a whole, whichever devices it would get: how many it has,
 * what it has besides, and what its QEMU makes of that. Each device by itself is accmig_compat_check()'s.
 */

/* A guest, besides its VFIO devices. Plain data; fill with zero for "no" and "not known". */
typedef struct
{
  gboolean iommu;       /* it has a virtual IOMMU */
  gboolean vfio_user;   /* it has devices of a vfio-user server, by QEMU's own command line */
  guint64 memory;       /* bytes of RAM; 0: not known */
  guint64 memory_limit; /* bytes that its QEMU may use and lock; 0: libvirt works it out */
} AccmigGuest;

/* One of its VFIO devices. Borrowed. */
typedef struct
{
  AccmigKind kind;
  gboolean transient;           /* it is unplugged before the guest is migrated */
  const AccmigProfile *profile; /* (nullable): of the device at the source */
} AccmigGuestDevice;

/**
 * accmig_guest_check:
 * @devices: (array length=n)
 * Returns: (transfer full): a verdict with the findings guest.p2p, guest.iommu, guest.vfio-user and
 * guest.memory-limit, as far as there is something to say. It is about no pair of profiles, so it has no
 * digests. Never NULL
 */
ACCMIG_API AccmigVerdict *accmig_guest_check (const AccmigGuest *guest, const AccmigGuestDevice *devices,
                                              gsize n);
