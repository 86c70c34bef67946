/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Registers of the queue manager
 *
 * The part of a HiSilicon accelerator's register map that its drivers expect an
 * answer from. Everything that is not listed here behaves as plain memory, which
 * is what the BARs are made of. Offsets are bytes into BAR 2 of the function;
 * those from 0x100000 on exist in the physical function only.
 */
#ifndef ACCSIM_REGS_H
#define ACCSIM_REGS_H

#include <linux/bits.h>

/* Interrupt masks, one bit: 1 at reset, the driver of the function writes 0. */
#define ACC_AEQ_INT_MASK	0x04
#define ACC_EQ_INT_MASK		0x0c

/* Messages between the physical function and a virtual one. */
#define ACC_MSG_SOURCE		0x20	/* write 1 to clear */
#define ACC_MSG_MASK		0x24
#define ACC_MSG_STATUS		0x28	/* non-zero: a message is pending */
#define ACC_MSG_SET		0x2c	/* write 1 to send */

#define ACC_ISOLATION		0x30	/* the "isolation word" of the match data */
#define ACC_DOORBELL_ISOLATION	BIT(0)
#define ACC_PAGE_SIZE		0x34
#define ACC_DRIVER_STATE	0x60	/* 0 when the guest's driver has started */

#define ACC_WRITEBACK_DONE	0x208	/* of the cached queue contexts */

/*
 * Mailbox: four dwords. The driver writes them in ascending order and waits for
 * BUSY to go away. A command that reads leaves its answer in DATA_LOW and
 * DATA_HIGH, unless it answers by DMA to the address found there.
 */
#define ACC_MAILBOX		0x300
#define ACC_MAILBOX_COMMAND	GENMASK(7, 0)
#define ACC_MAILBOX_STATUS	GENMASK(12, 9)
#define ACC_MAILBOX_BUSY	BIT(13)
#define ACC_MAILBOX_READ	BIT(14)
#define ACC_MAILBOX_DATA_LOW	0x304
#define ACC_MAILBOX_DATA_HIGH	0x308
#define ACC_MAILBOX_GUARD	0x30c

/* Doorbells, 64 bit. */
#define ACC_QUEUE_DOORBELL	0x1000	/* submission and completion queues */
#define ACC_EVENT_DOORBELL	0x2000	/* event and asynchronous event queue */
#define ACC_DOORBELL_QUEUE	GENMASK_ULL(11, 0)

/* What the function can do; see the table of reset values in engine.c. */
#define ACC_CAP_FEATURES	0x3100
#define ACC_CAP_EVENT_DEPTH	0x3104
#define ACC_CAP_QUEUE_DEPTH	0x3108
#define ACC_CAP_EVENT_IRQ	0x310c
#define ACC_CAP_VECTORS		0x311c
#define ACC_CAP_DISCARD		0x3120
#define ACC_CAP_QM_NFE		0x3124
#define ACC_CAP_QM_RESET	0x3128
#define ACC_CAP_QM_CE		0x312c
#define ACC_CAP_ENGINE_NFE	0x3130
#define ACC_CAP_ENGINE_RESET	0x3134
#define ACC_CAP_ENGINE_CE	0x3138
#define ACC_CAP_CORES		0x313c
#define ACC_CAP_CORE_BITMAP	0x3140

/* Contexts of the two event queues, 32 bytes each, as in the migration stream. */
#define ACC_EQ_CONTEXT		0x8000
#define ACC_AEQ_CONTEXT		0x8020
#define ACC_CONTEXT_SIZE	32

/* Errors of the queue manager. */
#define ACC_ERROR_SOURCE	0x100000	/* write 1 to clear */
#define ACC_ERROR_STATUS	0x100008	/* 0 when healthy */

#define ACC_MEMORY_READY	0x100044

/* Window to the function table: which queues belong to which function. */
#define ACC_VFT_ENABLE		0x100054
#define ACC_VFT_READ		0x100058	/* 0 write, 1 read */
#define ACC_VFT_TYPE		0x10005c
#define ACC_VFT_INDEX		0x100060
#define ACC_VFT_DATA_LOW	0x100064
#define ACC_VFT_DATA_HIGH	0x100068
#define ACC_VFT_READY		0x10006c

/* Entry of the function table for submission queues. */
#define ACC_VFT_QUEUE_BASE	GENMASK_ULL(43, 28)
#define ACC_VFT_QUEUE_VALID	BIT_ULL(44)
#define ACC_VFT_QUEUE_COUNT	GENMASK_ULL(54, 45)	/* less one */

#define ACC_MSG_FROM_VFS	0x100138	/* 64 bit, write 1 to clear */
#define ACC_QUEUE_TOTAL		0x100158
#define ACC_QUEUE_TOTAL_ALL	GENMASK(10, 0)
#define ACC_QUEUE_TOTAL_EACH	GENMASK(21, 11)
#define ACC_MASTER_IDLE		0x300150	/* 3: no transaction under way */

/* The engines behind the queue manager. */
#define ACC_SEC_ERROR_SOURCE	0x301010	/* write 1 to clear */
#define ACC_SEC_MEMORY_READY	0x301104
#define ACC_HPRE_CHANNEL_READY	0x301a00
#define ACC_HPRE_CORES_READY	0x302080

#endif
