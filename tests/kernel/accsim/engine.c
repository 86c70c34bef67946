// SPDX-License-Identifier: GPL-2.0-only
/*
 * Engine
 *
 * The registers of all functions and what the device does with them. They live
 * in one window of memory that the kernel was told to leave alone; a BAR is a
 * part of that window, so drivers and guests read and write it directly. At each
 * tick of the clock the engine looks for what they left there, and answers.
 *
 * Most of it is data: values after a reset, and registers that are cleared by
 * writing 1. Work that takes no time here is "done" from the start, so that the
 * drivers need not wait for it. Mailboxes have a file of their own.
 */
#include <linux/bitfield.h>
#include <linux/io.h>
#include <linux/ioport.h>

#include "accsim.h"
#include "regs.h"

struct preset {
	u32 offset;
	u32 value;
};

/* ACC_CAP_FEATURES; the low byte is the version of the capability registers, 0 meaning none. */
#define FEATURE_VERSION		1
#define FEATURE_QOS		BIT(8)
#define FEATURE_STOP_QUEUE	BIT(9)
#define FEATURE_STOP_FUNCTION	BIT(10)
#define FEATURE_MESSAGES	BIT(11)
#define FEATURE_PREFETCH	BIT(14)

/*
 * Reset values of every function. The drivers ask for exactly as many interrupt
 * vectors as they read here, and a PCI device on plain x86 gets one; so all but
 * the event queue's interrupt are absent. Queues are short to save memory. The
 * algorithms that would be offered to the kernel's crypto API read as none: its
 * self-tests would wait for results that never come.
 */
static const struct preset function_presets[] = {
	{ ACC_AEQ_INT_MASK,	1 },
	{ ACC_EQ_INT_MASK,	1 },
	{ ACC_MSG_MASK,		1 },
	{ ACC_WRITEBACK_DONE,	1 },			/* nothing is ever cached */
	{ ACC_CAP_FEATURES,	FEATURE_VERSION | FEATURE_QOS | FEATURE_STOP_QUEUE |
				FEATURE_STOP_FUNCTION | FEATURE_MESSAGES | FEATURE_PREFETCH },
	{ ACC_CAP_EVENT_DEPTH,	1024 << 16 | 2048 },	/* asynchronous events, events */
	{ ACC_CAP_QUEUE_DEPTH,	64 << 16 | 64 },	/* completions, submissions */
	{ ACC_CAP_EVENT_IRQ,	BIT(16) | 0 },		/* present, vector 0 */
	{ ACC_CAP_VECTORS,	1 << 16 | 1 },		/* physical, virtual function */
	{ ACC_CAP_DISCARD,	0x14 },
	{ ACC_CAP_QM_NFE,	0x7c77 },
	{ ACC_CAP_QM_RESET,	0x6c77 },
	{ ACC_CAP_QM_CE,	0x8 },
	{ ACC_CAP_ENGINE_NFE,	0x60177 },
	{ ACC_CAP_ENGINE_RESET,	0x177 },
	{ ACC_CAP_ENGINE_CE,	0xc088 },
	{ ACC_CAP_CORES,	0x110404 },		/* one cluster */
	{ ACC_CAP_CORE_BITMAP,	0xf },
};

static const struct preset vf_presets[] = {
	{ ACC_DRIVER_STATE,	1 },
};

static const struct preset pf_presets[] = {
	{ ACC_VFT_READY,	1 },
	{ ACC_MEMORY_READY,	1 },			/* there is no memory to prepare */
	{ ACC_SEC_MEMORY_READY,	1 },
	{ ACC_MASTER_IDLE,	3 },
	{ ACC_HPRE_CHANNEL_READY, 1 },
	{ ACC_HPRE_CORES_READY,	~0 },
};

/* Registers cleared by writing 1. */
static const u32 function_clears[] = { ACC_MSG_SOURCE, ACC_MSG_SET };
static const u32 pf_clears[] = {
	ACC_ERROR_SOURCE, ACC_SEC_ERROR_SOURCE, ACC_MSG_FROM_VFS, ACC_MSG_FROM_VFS + 4,
};

static void apply_presets(struct accsim_function *fn, const struct preset *presets, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		writel(presets[i].value, fn->regs + presets[i].offset);
}

/**
 * accsim_function_set_busy() - pretend that a message of the function is never taken
 * @fn: the function
 * @busy: whether to pretend; survives resets
 *
 * Caller holds the lock of the accelerator.
 */
void accsim_function_set_busy(struct accsim_function *fn, bool busy)
{
	fn->busy = busy;
	writel(busy, fn->regs + ACC_MSG_STATUS);
}

/**
 * accsim_function_reset() - what power-on, VF Enable and a function-level reset do
 * @fn: the function
 *
 * Injected faults stay: they belong to the test, not to the device. Caller holds
 * the lock of the accelerator.
 */
void accsim_function_reset(struct accsim_function *fn)
{
	const struct accsim_settings *settings = fn->sim->settings;
	bool is_pf = fn->index == ACCSIM_PF;
	u32 queues = settings->total_queues;

	memset_io(fn->regs, 0, is_pf ? ACCSIM_PF_BAR_SIZE : ACCSIM_VF_BAR_SIZE);
	apply_presets(fn, function_presets, ARRAY_SIZE(function_presets));
	writel(settings->isolation, fn->regs + ACC_ISOLATION);
	if (is_pf) {
		apply_presets(fn, pf_presets, ARRAY_SIZE(pf_presets));
		writel(FIELD_PREP(ACC_QUEUE_TOTAL_ALL, queues) |
		       FIELD_PREP(ACC_QUEUE_TOTAL_EACH, queues), fn->regs + ACC_QUEUE_TOTAL);
	} else {
		apply_presets(fn, vf_presets, ARRAY_SIZE(vf_presets));
	}
	accsim_function_set_busy(fn, fn->busy);
	accsim_mailbox_reset(fn);
	accsim_config_reset(fn);
	fn->sqc_table = 0;
	fn->cqc_table = 0;
	fn->paused = false;
}

static void clears_tick(struct accsim_function *fn, const u32 *offsets, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (readl(fn->regs + offsets[i]))
			writel(0, fn->regs + offsets[i]);
}

/*
 * Drivers ring many doorbells in a row without waiting. Reading and clearing is
 * one step, so that the last one cannot be lost; those before it may be.
 */
static void doorbell_tick(struct accsim_function *fn, u32 offset, struct accsim_doorbell *doorbell)
{
	u64 *memory = (u64 __force *)(fn->regs + offset);
	u64 rung;

	if (!READ_ONCE(*memory))
		return;
	rung = xchg(memory, 0);
	doorbell->seen++;
	doorbell->last = rung;
}

/* The physical function's driver distributes queues here, and reads back what a VF has. */
static void vft_tick(struct accsim_function *pf)
{
	u32 type = readl(pf->regs + ACC_VFT_TYPE);
	u32 index = readl(pf->regs + ACC_VFT_INDEX);
	u64 *entry;

	if (!readl(pf->regs + ACC_VFT_ENABLE))
		return;
	if (type < ACCSIM_VFT_TYPES && index < ACCSIM_VFT_ENTRIES) {
		entry = &pf->sim->vft[type][index];
		if (readl(pf->regs + ACC_VFT_READ)) {
			writel(lower_32_bits(*entry), pf->regs + ACC_VFT_DATA_LOW);
			writel(upper_32_bits(*entry), pf->regs + ACC_VFT_DATA_HIGH);
		} else {
			*entry = readl(pf->regs + ACC_VFT_DATA_LOW) |
				 (u64)readl(pf->regs + ACC_VFT_DATA_HIGH) << 32;
		}
	}
	writel(0, pf->regs + ACC_VFT_ENABLE);
	writel(1, pf->regs + ACC_VFT_READY);
}

static void function_tick(struct accsim_function *fn)
{
	accsim_mailbox_tick(fn);
	clears_tick(fn, function_clears, ARRAY_SIZE(function_clears));
	doorbell_tick(fn, ACC_QUEUE_DOORBELL, &fn->queue_doorbell);
	doorbell_tick(fn, ACC_EVENT_DOORBELL, &fn->event_doorbell);
}

static void pf_tick(struct accsim_function *pf)
{
	vft_tick(pf);
	clears_tick(pf, pf_clears, ARRAY_SIZE(pf_clears));
}

/**
 * accsim_engine_tick() - answer whatever the drivers have written since the last time
 * @sim: the accelerator
 *
 * Runs in a hard interrupt; caller holds the lock of the accelerator.
 */
void accsim_engine_tick(struct accsim *sim)
{
	unsigned int vfs = accsim_config_enabled_vfs(sim);
	unsigned int i;

	pf_tick(&sim->functions[ACCSIM_PF]);
	for (i = 0; i <= vfs; i++)
		function_tick(&sim->functions[i]);
}

/* The window must be memory that the kernel does not use, else it cannot be mapped as a BAR. */
static int window_map(struct accsim *sim)
{
	unsigned long base = sim->settings->base;
	int ret;

	sim->window = (struct resource)DEFINE_RES_MEM_NAMED(base, ACCSIM_WINDOW_SIZE, "accsim");
	if (region_intersects(base, ACCSIM_WINDOW_SIZE, IORESOURCE_SYSTEM_RAM, IORES_DESC_NONE) !=
	    REGION_DISJOINT) {
		pr_err("%pR is the kernel's memory, boot with memmap=8M$%#lx\n", &sim->window,
		       base);
		return -EBUSY;
	}
	ret = insert_resource(&iomem_resource, &sim->window);
	if (ret) {
		pr_err("%pR is taken\n", &sim->window);
		return ret;
	}
	sim->memory = ioremap(base, ACCSIM_WINDOW_SIZE);
	if (!sim->memory) {
		remove_resource(&sim->window);
		return -ENOMEM;
	}
	return 0;
}

/**
 * accsim_engine_start() - map the window and reset all functions
 * @sim: the accelerator
 * Return: 0, or a negative errno when the window cannot be had
 */
int accsim_engine_start(struct accsim *sim)
{
	void __iomem *regs;
	unsigned int i;
	int ret;

	ret = window_map(sim);
	if (ret)
		return ret;
	regs = sim->memory;
	for (i = 0; i <= sim->settings->total_vfs; i++) {
		sim->functions[i].regs = regs;
		regs += i == ACCSIM_PF ? ACCSIM_PF_BAR_SIZE : ACCSIM_VF_BAR_SIZE;
		accsim_function_reset(&sim->functions[i]);
	}
	return 0;
}

/**
 * accsim_engine_stop() - give the window back
 * @sim: the accelerator, of which no function is left on the bus
 */
void accsim_engine_stop(struct accsim *sim)
{
	iounmap(sim->memory);
	remove_resource(&sim->window);
}
