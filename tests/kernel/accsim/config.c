// SPDX-License-Identifier: GPL-2.0-only
/*
 * Configuration space
 *
 * What lspci shows of the functions, and what the PCI core does to them through
 * it. Each function has its bytes and, for each byte, the bits that a write may
 * change. Two writes do something: VF Enable makes the virtual functions appear,
 * in the state of a reset, and a function-level reset resets.
 */
#include <linux/pci.h>
#include <linux/unaligned.h>

#include "accsim.h"

#define EXPRESS		0x40	/* PCI Express capability */
#define MSI		0x80	/* message signalled interrupts */
#define SRIOV		0x100	/* single root I/O virtualisation */

#define HARDWARE_VERSION	0x30	/* "V3", in the revision */
#define PAGE_SIZES_4K_TO_4M	0x553
#define BAR_TYPE		PCI_BASE_ADDRESS_MEM_TYPE_64
#define BAR2			(PCI_BASE_ADDRESS_0 + 2 * 4)
#define VF_BAR2			(SRIOV + PCI_SRIOV_BAR + 2 * 4)

/* One register: its value after a reset and the bits that can be written. */
struct field {
	u16 offset;
	u8 size;
	u32 value;
	u32 writable;
};

static const struct field function_fields[] = {
	{ PCI_STATUS,			2, PCI_STATUS_CAP_LIST },
	{ PCI_CLASS_REVISION,		4, PCI_CLASS_CRYPT_NETWORK << 16 | HARDWARE_VERSION },
	{ PCI_SUBSYSTEM_VENDOR_ID,	2, ACCSIM_VENDOR },
	{ PCI_CAPABILITY_LIST,		1, EXPRESS },
	{ EXPRESS + PCI_CAP_LIST_ID,	1, PCI_CAP_ID_EXP },
	{ EXPRESS + PCI_CAP_LIST_NEXT,	1, MSI },
	{ EXPRESS + PCI_EXP_FLAGS,	2, PCI_EXP_TYPE_RC_END << 4 | 2 },
	{ EXPRESS + PCI_EXP_DEVCAP,	4, PCI_EXP_DEVCAP_FLR | PCI_EXP_DEVCAP_RBER },
	{ EXPRESS + PCI_EXP_DEVCTL,	2, 0, 0xffff },
	{ MSI + PCI_CAP_LIST_ID,	1, PCI_CAP_ID_MSI },
	{ MSI + PCI_MSI_FLAGS,		2, PCI_MSI_FLAGS_64BIT | PCI_MSI_FLAGS_MASKBIT,
					   PCI_MSI_FLAGS_ENABLE | PCI_MSI_FLAGS_QSIZE },
	{ MSI + PCI_MSI_ADDRESS_LO,	4, 0, ~3 },
	{ MSI + PCI_MSI_ADDRESS_HI,	4, 0, ~0 },
	{ MSI + PCI_MSI_DATA_64,	2, 0, 0xffff },
	{ MSI + PCI_MSI_MASK_64,	4, 0, 1 },
};

/* The ids of a virtual function read as all ones; those that count are in the PF's capability. */
static const struct field vf_fields[] = {
	{ PCI_VENDOR_ID,		4, ~0 },
	{ PCI_COMMAND,			2, 0, PCI_COMMAND_MASTER },
};

static const struct field pf_fields[] = {
	{ PCI_VENDOR_ID,		2, ACCSIM_VENDOR },
	{ PCI_COMMAND,			2, 0, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER |
					      PCI_COMMAND_PARITY | PCI_COMMAND_SERR |
					      PCI_COMMAND_INTX_DISABLE },
	{ PCI_INTERRUPT_LINE,		1, 0, 0xff },
	{ BAR2,				4, BAR_TYPE, ~(ACCSIM_PF_BAR_SIZE - 1) },
	{ BAR2 + 4,			4, 0, ~0 },
	{ SRIOV,			4, 1 << 16 | PCI_EXT_CAP_ID_SRIOV },
	{ SRIOV + PCI_SRIOV_CTRL,	2, 0, PCI_SRIOV_CTRL_VFE | PCI_SRIOV_CTRL_MSE |
					      PCI_SRIOV_CTRL_ARI },
	{ SRIOV + PCI_SRIOV_NUM_VF,	2, 0, 0xffff },
	{ SRIOV + PCI_SRIOV_VF_OFFSET,	2, 1 },
	{ SRIOV + PCI_SRIOV_VF_STRIDE,	2, 1 },
	{ SRIOV + PCI_SRIOV_SUP_PGSIZE,	4, PAGE_SIZES_4K_TO_4M },
	{ SRIOV + PCI_SRIOV_SYS_PGSIZE,	4, 1, PAGE_SIZES_4K_TO_4M },
	{ VF_BAR2,			4, BAR_TYPE, ~(ACCSIM_VF_BAR_SIZE - 1) },
	{ VF_BAR2 + 4,			4, 0, ~0 },
};

static struct accsim *sim_of(struct pci_bus *bus)
{
	return container_of(bus->sysdata, struct accsim, sysdata);
}

static void put_value(u8 *bytes, u32 value, unsigned int size)
{
	for (; size--; value >>= 8)
		*bytes++ = value;
}

static void put_fields(struct accsim_function *fn, const struct field *fields, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		put_value(fn->config + fields[i].offset, fields[i].value, fields[i].size);
		put_value(fn->writable + fields[i].offset, fields[i].writable, fields[i].size);
	}
}

/* What depends on the parameters; the BARs have addresses from the start, see bus.c. */
static void put_pf_settings(u8 *config, const struct accsim_settings *settings)
{
	put_unaligned_le16(settings->device, config + PCI_DEVICE_ID);
	put_unaligned_le16(settings->device + 1, config + SRIOV + PCI_SRIOV_VF_DID);
	put_unaligned_le16(settings->total_vfs, config + SRIOV + PCI_SRIOV_INITIAL_VF);
	put_unaligned_le16(settings->total_vfs, config + SRIOV + PCI_SRIOV_TOTAL_VF);
	put_unaligned_le32(settings->base | BAR_TYPE, config + BAR2);
	put_unaligned_le32((settings->base + ACCSIM_PF_BAR_SIZE) | BAR_TYPE, config + VF_BAR2);
}

/**
 * accsim_config_reset() - bring the configuration space to its reset values
 * @fn: the function
 *
 * Caller holds the lock of the accelerator.
 */
void accsim_config_reset(struct accsim_function *fn)
{
	memset(fn->config, 0, sizeof(fn->config));
	memset(fn->writable, 0, sizeof(fn->writable));
	put_fields(fn, function_fields, ARRAY_SIZE(function_fields));
	if (fn->index != ACCSIM_PF) {
		put_fields(fn, vf_fields, ARRAY_SIZE(vf_fields));
		return;
	}
	put_fields(fn, pf_fields, ARRAY_SIZE(pf_fields));
	put_pf_settings(fn->config, fn->sim->settings);
}

/**
 * accsim_config_enabled_vfs() - how many virtual functions there are now
 * @sim: the accelerator
 * Return: the number, 0 while VF Enable is off
 */
unsigned int accsim_config_enabled_vfs(struct accsim *sim)
{
	const u8 *config = sim->functions[ACCSIM_PF].config;
	unsigned int vfs = get_unaligned_le16(config + SRIOV + PCI_SRIOV_NUM_VF);

	if (!(get_unaligned_le16(config + SRIOV + PCI_SRIOV_CTRL) & PCI_SRIOV_CTRL_VFE))
		return 0;
	return min(vfs, sim->settings->total_vfs);
}

/**
 * accsim_function_of() - the function behind a device of the kernel
 * @dev: any device
 * Return: the function, or NULL when the device is not on a simulated bus
 */
struct accsim_function *accsim_function_of(struct device *dev)
{
	struct pci_dev *pdev;
	struct accsim *sim;

	if (!dev_is_pci(dev))
		return NULL;
	pdev = to_pci_dev(dev);
	if (pdev->bus->ops != &accsim_config_ops)
		return NULL;
	sim = sim_of(pdev->bus);
	return pdev->devfn <= sim->settings->total_vfs ? &sim->functions[pdev->devfn] : NULL;
}

/* The function that answers at DEVFN; virtual ones do so while enabled. */
static struct accsim_function *present(struct accsim *sim, unsigned int devfn)
{
	return devfn <= accsim_config_enabled_vfs(sim) ? &sim->functions[devfn] : NULL;
}

static int config_read(struct pci_bus *bus, unsigned int devfn, int where, int size, u32 *value)
{
	struct accsim *sim = sim_of(bus);
	struct accsim_function *fn;
	unsigned long flags;

	raw_spin_lock_irqsave(&sim->lock, flags);
	fn = present(sim, devfn);
	*value = fn ? 0 : ~0;
	if (fn && where + size <= ACCSIM_CONFIG_SIZE)
		memcpy(value, fn->config + where, size);
	raw_spin_unlock_irqrestore(&sim->lock, flags);
	return fn ? PCIBIOS_SUCCESSFUL : PCIBIOS_DEVICE_NOT_FOUND;
}

static void write_bytes(struct accsim_function *fn, int where, int size, u32 value)
{
	u8 mask;

	for (; size--; where++, value >>= 8) {
		mask = fn->writable[where];
		fn->config[where] = (fn->config[where] & ~mask) | (value & mask);
	}
}

/*
 * The bit of a function-level reset reads as 0 again at once. A reset of the
 * physical function is counted, not carried out: it would take the virtual ones
 * along, and none of the drivers asks for it.
 */
static void reset_if_asked(struct accsim_function *fn)
{
	u8 *control = fn->config + EXPRESS + PCI_EXP_DEVCTL;
	u16 value = get_unaligned_le16(control);

	if (!(value & PCI_EXP_DEVCTL_BCR_FLR))
		return;
	put_unaligned_le16(value & ~PCI_EXP_DEVCTL_BCR_FLR, control);
	fn->resets++;
	if (fn->index != ACCSIM_PF)
		accsim_function_reset(fn);
}

static int config_write(struct pci_bus *bus, unsigned int devfn, int where, int size, u32 value)
{
	struct accsim *sim = sim_of(bus);
	struct accsim_function *fn;
	unsigned int vfs, i;
	unsigned long flags;

	raw_spin_lock_irqsave(&sim->lock, flags);
	fn = present(sim, devfn);
	if (fn && where + size <= ACCSIM_CONFIG_SIZE) {
		vfs = accsim_config_enabled_vfs(sim);
		write_bytes(fn, where, size, value);
		reset_if_asked(fn);
		for (i = vfs + 1; i <= accsim_config_enabled_vfs(sim); i++)
			accsim_function_reset(&sim->functions[i]);
	}
	raw_spin_unlock_irqrestore(&sim->lock, flags);
	return fn ? PCIBIOS_SUCCESSFUL : PCIBIOS_DEVICE_NOT_FOUND;
}

/* Also how a bus is recognised as ours. */
struct pci_ops accsim_config_ops = {
	.read = config_read,
	.write = config_write,
};
