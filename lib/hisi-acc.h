/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "release.h"

/* The driver's name. */
#define HISI_ACC_DRIVER "hisi_acc_vfio_pci"

/*
 * From 6.17 the kernel calls a function that the driver did not have before 6.19 and some releases of 6.18:
 * whoever gets a device from its group brings the host down. The cdev's way does not go there.
 */
#define HISI_ACC_BAD_SERIES RELEASE (6, 17, 0) /* never repaired */

/*
 * The match data of hisi_acc_vfio_pci: the first 40 bytes of its stream, in the byte order of the host that
 * wrote it. The driver compares them with the destination's device before it takes anything else.
 */
#define HISI_ACC_MATCH_SIZE     40
#define HISI_ACC_OFFSET_MAGIC   0  /* u64 */
#define HISI_ACC_OFFSET_QP_NUM  8  /* u32: queues of the VF */
#define HISI_ACC_OFFSET_DEV_ID  12 /* u32: PCI device id of the VF */
#define HISI_ACC_OFFSET_ISO_CFG 16 /* u32: queue isolation word of the PF */
#define HISI_ACC_OFFSET_MAJOR   28 /* u16: reserved, zero, in a stream of the first format */
#define HISI_ACC_OFFSET_MINOR   30 /* u16 */

/* First format: before Linux 6.16, with wrong queue addresses (CVE-2025-38158). Second: since, and in later
 * stable ones. */
#define HISI_ACC_MAGIC_V1 0xcdcdcdcdfeedaaccULL
#define HISI_ACC_MAGIC_V2 0xaaccfeeddecadedeULL
