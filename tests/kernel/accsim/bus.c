// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bus
 *
 * A PCI root bus in a domain of its own, with nothing on it but the accelerator.
 * The BARs already have their addresses when the bus is scanned; they are claimed
 * rather than assigned, since x86 does not assign from memory that was taken from
 * the kernel at boot.
 */
#include <linux/pci.h>

#include "accsim.h"

#define BAR	2

static int claim_bars(struct accsim *sim)
{
	struct pci_dev *pf = pci_get_domain_bus_and_slot(ACCSIM_DOMAIN, 0, PCI_DEVFN(0, ACCSIM_PF));
	int ret;

	if (!pf) {
		pr_err("the physical function is not on its bus\n");
		return -ENODEV;
	}
	ret = pci_claim_resource(pf, BAR);
	if (!ret)
		ret = pci_claim_resource(pf, PCI_IOV_RESOURCES + BAR);
	pci_dev_put(pf);
	return ret;
}

static void remove_bus(struct accsim *sim)
{
	pci_stop_root_bus(sim->bus);
	pci_remove_root_bus(sim->bus);
}

static int add_bus(struct accsim *sim)
{
	LIST_HEAD(resources);
	int ret;

	pci_add_resource(&resources, &sim->window);
	pci_add_resource(&resources, &sim->bus_number);
	sim->bus = pci_create_root_bus(NULL, 0, &accsim_config_ops, &sim->sysdata, &resources);
	if (!sim->bus) {
		pci_free_resource_list(&resources);
		return -ENODEV;
	}
	pci_scan_child_bus(sim->bus);
	ret = claim_bars(sim);
	if (ret) {
		remove_bus(sim);
		return ret;
	}
	pci_bus_add_devices(sim->bus);
	return 0;
}

/**
 * accsim_bus_start() - show the accelerator to the kernel
 * @sim: the accelerator, which has to work: drivers bind to it before this returns
 * Return: 0 or a negative errno
 */
int accsim_bus_start(struct accsim *sim)
{
	int ret;

	sim->sysdata.domain = ACCSIM_DOMAIN;
	sim->sysdata.node = NUMA_NO_NODE;
	sim->bus_number = (struct resource)DEFINE_RES_NAMED(0, 1, "accsim bus", IORESOURCE_BUS);

	pci_lock_rescan_remove();
	ret = add_bus(sim);
	pci_unlock_rescan_remove();
	return ret;
}

/**
 * accsim_bus_stop() - take the accelerator away
 * @sim: the accelerator
 */
void accsim_bus_stop(struct accsim *sim)
{
	pci_lock_rescan_remove();
	remove_bus(sim);
	pci_unlock_rescan_remove();
}
