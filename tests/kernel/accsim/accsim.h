/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The simulated accelerator: what its parts share
 *
 * One struct accsim is the whole device: a PCI bus of its own with one physical
 * function and up to seven virtual ones. It is made of parts, one file each,
 * which are started in the order of the table in main.c and stopped in reverse.
 *
 * Everything that a function holds, its configuration space and the registers
 * included, is guarded by accsim.lock. It is a raw spinlock because the device
 * side runs in a hard interrupt, and configuration space is accessed with
 * interrupts off.
 */
#ifndef ACCSIM_H
#define ACCSIM_H

#include <linux/hrtimer.h>
#include <linux/iommu.h>
#include <linux/kprobes.h>
#include <linux/notifier.h>
#include <linux/pci.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#define ACCSIM_VENDOR		0x19e5
#define ACCSIM_SEC		0xa255
#define ACCSIM_ZIP		0xa250
#define ACCSIM_HPRE		0xa258
#define ACCSIM_DOMAIN		1	/* PCI domain: the functions are 0001:00:00.0 and up */

#define ACCSIM_PF		0	/* index of the physical function; VF n has index n */
#define ACCSIM_MAX_VFS		7
#define ACCSIM_MAX_QUEUES	1024

/* The window in physical memory: BAR 2 of the physical function, then those of the virtual ones. */
#define ACCSIM_PF_BAR_SIZE	(4U << 20)
#define ACCSIM_VF_BAR_SIZE	(64U << 10)
#define ACCSIM_WINDOW_SIZE	(8U << 20)

/* Configuration space that is not zero ends before this; must be a multiple of 4. */
#define ACCSIM_CONFIG_SIZE	0x180

#define ACCSIM_VFT_TYPES	3	/* submission queues, completion queues, shaper */
#define ACCSIM_VFT_QUEUES	0
#define ACCSIM_VFT_ENTRIES	512

#define ACCSIM_COMMANDS		16

struct accsim;

/* What an engine is made with; from the module's parameters. */
struct accsim_settings {
	unsigned long base;		/* physical address of the window */
	unsigned int device;		/* PCI device id of the physical function */
	unsigned int total_vfs;
	unsigned int total_queues;
	unsigned int isolation;
	unsigned int period_us;		/* of the clock; may change at any time */
};

/* How the mailbox of a function answers a command. */
enum accsim_answer {
	ACCSIM_ANSWER,
	ACCSIM_ANSWER_ERROR,		/* with the given status */
	ACCSIM_ANSWER_NEVER,
};

struct accsim_fault {
	enum accsim_answer answer;
	u32 status;
};

struct accsim_mailbox {
	struct accsim_fault faults[ACCSIM_COMMANDS];	/* set by the knobs; a reset keeps them */
	bool hung;					/* a command will never be answered */
	u64 commands[ACCSIM_COMMANDS];			/* how many of each were seen */
	u64 errors;					/* of these: failed, or never answered */
};

struct accsim_doorbell {
	u64 seen;					/* rings of one tick count once */
	u64 last;
};

struct accsim_function {
	struct accsim *sim;
	unsigned int index;				/* ACCSIM_PF or the number of the VF */
	void __iomem *regs;				/* BAR 2 */
	u8 config[ACCSIM_CONFIG_SIZE];
	u8 writable[ACCSIM_CONFIG_SIZE];		/* bits of config that a write changes */
	struct iommu_domain *domain;			/* through which the function does DMA */
	u64 sqc_table;					/* DMA address of the queue contexts */
	u64 cqc_table;
	bool paused;
	bool busy;					/* set by the knobs; a reset keeps it */
	u64 resets;
	struct accsim_mailbox mailbox;
	struct accsim_doorbell queue_doorbell;
	struct accsim_doorbell event_doorbell;
};

struct accsim {
	struct accsim_settings *settings;
	raw_spinlock_t lock;
	struct accsim_function functions[1 + ACCSIM_MAX_VFS];
	u64 vft[ACCSIM_VFT_TYPES][ACCSIM_VFT_ENTRIES];

	/* engine.c */
	struct resource window;
	void __iomem *memory;				/* the window, mapped */

	/* clock.c */
	struct hrtimer timer;
	struct kretprobe write_probe;
	struct kprobe sleep_probe;

	/* iommu.c */
	struct iommu_device iommu;
	struct fwnode_handle *fwnode;
	struct platform_device *iommu_parent;
	struct notifier_block notifier;

	/* bus.c */
	struct pci_sysdata sysdata;			/* the bus points here: our way back */
	struct resource bus_number;
	struct pci_bus *bus;

	/* knobs.c */
	struct dentry *debugfs;
};

/* engine.c: the registers, and what the device does with them */
int accsim_engine_start(struct accsim *sim);
void accsim_engine_stop(struct accsim *sim);
void accsim_engine_tick(struct accsim *sim);
void accsim_function_reset(struct accsim_function *fn);
void accsim_function_set_busy(struct accsim_function *fn, bool busy);

/* mailbox.c: commands of the drivers, and faults in answering them */
void accsim_mailbox_reset(struct accsim_function *fn);
void accsim_mailbox_tick(struct accsim_function *fn);
void accsim_mailbox_set_fault(struct accsim_function *fn, unsigned int command,
			      struct accsim_fault fault);

/* clock.c: what makes the device go */
int accsim_clock_start(struct accsim *sim);
void accsim_clock_stop(struct accsim *sim);

/* iommu.c: groups, and the page tables of VFIO's users */
int accsim_iommu_start(struct accsim *sim);
void accsim_iommu_stop(struct accsim *sim);

/* dma.c: the device's way into memory */
int accsim_dma_read(struct accsim_function *fn, u64 address, void *data, size_t size);
int accsim_dma_write(struct accsim_function *fn, u64 address, const void *data, size_t size);

/* config.c: PCI configuration space */
extern struct pci_ops accsim_config_ops;
void accsim_config_reset(struct accsim_function *fn);
unsigned int accsim_config_enabled_vfs(struct accsim *sim);
struct accsim_function *accsim_function_of(struct device *dev);

/* bus.c: the PCI root bus */
int accsim_bus_start(struct accsim *sim);
void accsim_bus_stop(struct accsim *sim);

/* knobs.c: debugfs */
int accsim_knobs_start(struct accsim *sim);
void accsim_knobs_stop(struct accsim *sim);

#endif
