// SPDX-License-Identifier: GPL-2.0-only
/*
 * accsim: a simulated HiSilicon accelerator
 *
 * This module brings up a PCI bus of its own and plays the device on it: a
 * security engine (or a compression or public-key engine) of the third hardware
 * version with SR-IOV. The kernel's own hisi_qm, hisi_sec2 and
 * hisi_acc_vfio_pci, not changed in any way, bind to it and migrate its virtual
 * functions: register reads, mailbox, queue distribution, stream and error codes
 * are theirs. There is no crypto behind it; the device only keeps the books that
 * these drivers ask for.
 *
 * Memory behind a BAR cannot trap accesses, so the device looks at its registers
 * when a driver waits for it, and from time to time (clock.c). See README.md for
 * the parameters and the knobs.
 */
#include <linux/module.h>
#include <linux/slab.h>

#include "accsim.h"
#include "regs.h"

static struct accsim_settings settings = {
	.base = 0x50000000,
	.device = ACCSIM_SEC,
	.total_vfs = ACCSIM_MAX_VFS,
	.total_queues = 64,
	.period_us = 10000,
};

module_param_named(base, settings.base, ulong, 0444);
MODULE_PARM_DESC(base, "address of 8 MiB that memmap= has taken from the kernel (0x50000000)");
module_param_named(device, settings.device, uint, 0444);
MODULE_PARM_DESC(device, "PCI device id, 0xa255 SEC, 0xa250 ZIP or 0xa258 HPRE (0xa255)");
module_param_named(total_vfs, settings.total_vfs, uint, 0444);
MODULE_PARM_DESC(total_vfs, "virtual functions on offer, 1 to 7 (7)");
module_param_named(total_queues, settings.total_queues, uint, 0444);
MODULE_PARM_DESC(total_queues, "queues that the functions share, 2 to 1024 (64)");
module_param_named(isolation, settings.isolation, uint, 0444);
MODULE_PARM_DESC(isolation, "isolation word, bit 0 clear (0)");

static int period_set(const char *value, const struct kernel_param *kp)
{
	return param_set_uint_minmax(value, kp, 100, 100000);
}

static const struct kernel_param_ops period_ops = {
	.set = period_set,
	.get = param_get_uint,
};

module_param_cb(period_us, &period_ops, &settings.period_us, 0644);
MODULE_PARM_DESC(period_us, "period of the timer in microseconds, 100 to 100000 (10000)");

/*
 * Started from top to bottom. The device has to work before the bus shows it to
 * the drivers, and the IOMMU has to be there when the bus adds it.
 */
static const struct {
	const char *name;
	int (*start)(struct accsim *sim);
	void (*stop)(struct accsim *sim);
} parts[] = {
	{ "engine", accsim_engine_start, accsim_engine_stop },
	{ "clock",  accsim_clock_start,  accsim_clock_stop  },
	{ "IOMMU",  accsim_iommu_start,  accsim_iommu_stop  },
	{ "bus",    accsim_bus_start,    accsim_bus_stop    },
	{ "knobs",  accsim_knobs_start,  accsim_knobs_stop  },
};

static struct accsim *the_sim;

static int settings_check(void)
{
	if (settings.device != ACCSIM_SEC && settings.device != ACCSIM_ZIP &&
	    settings.device != ACCSIM_HPRE) {
		pr_err("device is %#x, must be 0xa255, 0xa250 or 0xa258\n", settings.device);
		return -EINVAL;
	}
	if (settings.total_vfs < 1 || settings.total_vfs > ACCSIM_MAX_VFS) {
		pr_err("total_vfs is %u, must be 1 to %u\n", settings.total_vfs, ACCSIM_MAX_VFS);
		return -EINVAL;
	}
	if (settings.total_queues < 2 || settings.total_queues > ACCSIM_MAX_QUEUES) {
		pr_err("total_queues is %u, must be 2 to %u\n", settings.total_queues,
		       ACCSIM_MAX_QUEUES);
		return -EINVAL;
	}
	if (settings.isolation & ACC_DOORBELL_ISOLATION) {
		pr_err("isolation is %#x, bit 0 must be clear: there is no BAR 4 behind it\n",
		       settings.isolation);
		return -EINVAL;
	}
	if (!IS_ALIGNED(settings.base, ACCSIM_WINDOW_SIZE) || upper_32_bits(settings.base)) {
		pr_err("base is %#lx, must be a multiple of 8 MiB below 4 GiB\n", settings.base);
		return -EINVAL;
	}
	return 0;
}

static void stop_parts(struct accsim *sim, unsigned int started)
{
	while (started--)
		parts[started].stop(sim);
}

static int start_parts(struct accsim *sim)
{
	unsigned int i;
	int ret;

	for (i = 0; i < ARRAY_SIZE(parts); i++) {
		ret = parts[i].start(sim);
		if (ret) {
			pr_err("%s did not start: error %d\n", parts[i].name, ret);
			stop_parts(sim, i);
			return ret;
		}
	}
	return 0;
}

static int __init accsim_init(void)
{
	struct accsim *sim;
	unsigned int i;
	int ret;

	ret = settings_check();
	if (ret)
		return ret;
	sim = kzalloc(sizeof(*sim), GFP_KERNEL);
	if (!sim)
		return -ENOMEM;
	sim->settings = &settings;
	raw_spin_lock_init(&sim->lock);
	for (i = 0; i < ARRAY_SIZE(sim->functions); i++) {
		sim->functions[i].sim = sim;
		sim->functions[i].index = i;
	}

	ret = start_parts(sim);
	if (ret) {
		kfree(sim);
		return ret;
	}
	the_sim = sim;
	return 0;
}

static void __exit accsim_exit(void)
{
	stop_parts(the_sim, ARRAY_SIZE(parts));
	kfree(the_sim);
}

module_init(accsim_init);
module_exit(accsim_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Simulated HiSilicon accelerator for migration tests");
