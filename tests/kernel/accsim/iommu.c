// SPDX-License-Identifier: GPL-2.0-only
/*
 * IOMMU
 *
 * VFIO only takes devices that are behind an IOMMU, each in a group of its own.
 * This is one for the functions of the simulated bus and nothing else: kernel
 * drivers see memory as it is, a user of VFIO gets a page table, which is an
 * array of pages here.
 *
 * It says that it tracks dirty pages and reports none, which is true: without a
 * command of its driver the device never writes to memory. So QEMU can let a
 * guest run while copying it, with no special options.
 *
 * A host may have a real IOMMU as well. Devices that firmware says nothing about
 * belong to the IOMMU that was registered first, so ours has a firmware node, and
 * a bus notifier that runs before the IOMMU core's ties our functions to it.
 */
#include <linux/iommu.h>
#include <linux/platform_device.h>
#include <linux/property.h>
#include <linux/slab.h>
#include <linux/xarray.h>
#include <uapi/linux/iommufd.h>

#include "accsim.h"

#define PAGE_SIZES	(SZ_4K | SZ_2M | SZ_1G)
#define APERTURE_END	((1ULL << 48) - 1)

/* Where x86 expects writes to be interrupts. */
#define MSI_BASE	0xfee00000
#define MSI_SIZE	0x100000

/* Of the core's notifier, which makes the group, the priority is 0. */
#define NOTIFIER_PRIORITY	1000

/* A page table: for each page the device sees, the page of physical memory. */
struct paging_domain {
	struct iommu_domain domain;
	struct accsim *sim;
	struct xarray pages;
};

static struct paging_domain *to_paging(struct iommu_domain *domain)
{
	return container_of(domain, struct paging_domain, domain);
}

static int domain_attach(struct iommu_domain *domain, struct device *dev)
{
	struct accsim_function *fn = accsim_function_of(dev);
	unsigned long flags;

	if (!fn)
		return -ENODEV;
	raw_spin_lock_irqsave(&fn->sim->lock, flags);
	fn->domain = domain;
	raw_spin_unlock_irqrestore(&fn->sim->lock, flags);
	return 0;
}

static int paging_map(struct iommu_domain *domain, unsigned long iova, phys_addr_t phys,
		      size_t size, size_t count, int prot, gfp_t gfp, size_t *ret_mapped)
{
	size_t offset;
	void *old;

	for (offset = 0; offset < size * count; offset += PAGE_SIZE) {
		old = xa_store(&to_paging(domain)->pages, (iova + offset) >> PAGE_SHIFT,
			       xa_mk_value((phys + offset) >> PAGE_SHIFT), gfp);
		if (xa_is_err(old))
			return xa_err(old);
		*ret_mapped += PAGE_SIZE;
	}
	return 0;
}

/*
 * The device looks a page up and touches it under one hold of the accelerator's
 * lock. Whoever takes that lock after a page left the table knows that the device
 * is done with it.
 *
 * The lock is not held while the table changes: the table has a lock of its own,
 * which paging_map() takes with interrupts on, and the device runs in an interrupt.
 */
static void wait_for_device(struct accsim *sim)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&sim->lock, flags);
	raw_spin_unlock_irqrestore(&sim->lock, flags);
}

/* When this returns, the pages are their owner's to let go. */
static size_t paging_unmap(struct iommu_domain *domain, unsigned long iova, size_t size,
			   size_t count, struct iommu_iotlb_gather *gather)
{
	size_t offset;

	for (offset = 0; offset < size * count; offset += PAGE_SIZE)
		if (!xa_erase(&to_paging(domain)->pages, (iova + offset) >> PAGE_SHIFT))
			break;
	wait_for_device(to_paging(domain)->sim);
	return offset;
}

static phys_addr_t paging_iova_to_phys(struct iommu_domain *domain, dma_addr_t iova)
{
	void *page = xa_load(&to_paging(domain)->pages, iova >> PAGE_SHIFT);

	return page ? (xa_to_value(page) << PAGE_SHIFT) + offset_in_page(iova) : 0;
}

static bool paging_enforce_cache_coherency(struct iommu_domain *domain)
{
	return true;
}

static void paging_free(struct iommu_domain *domain)
{
	xa_destroy(&to_paging(domain)->pages);
	kfree(to_paging(domain));
}

static const struct iommu_domain_ops paging_ops = {
	.attach_dev = domain_attach,
	.map_pages = paging_map,
	.unmap_pages = paging_unmap,
	.iova_to_phys = paging_iova_to_phys,
	.enforce_cache_coherency = paging_enforce_cache_coherency,
	.free = paging_free,
};

static int dirty_set_tracking(struct iommu_domain *domain, bool enabled)
{
	return 0;
}

static int dirty_read_and_clear(struct iommu_domain *domain, unsigned long iova, size_t size,
				unsigned long flags, struct iommu_dirty_bitmap *dirty)
{
	return 0;
}

static const struct iommu_dirty_ops dirty_ops = {
	.set_dirty_tracking = dirty_set_tracking,
	.read_and_clear_dirty = dirty_read_and_clear,
};

static struct iommu_domain *paging_alloc(struct device *dev)
{
	struct accsim_function *fn = accsim_function_of(dev);
	struct paging_domain *paging;

	if (!fn)
		return NULL;
	paging = kzalloc(sizeof(*paging), GFP_KERNEL);
	if (!paging)
		return NULL;
	paging->sim = fn->sim;
	xa_init(&paging->pages);
	paging->domain.type = IOMMU_DOMAIN_UNMANAGED;
	paging->domain.ops = &paging_ops;
	paging->domain.pgsize_bitmap = PAGE_SIZES;
	paging->domain.geometry.aperture_end = APERTURE_END;
	paging->domain.geometry.force_aperture = true;
	return &paging->domain;
}

/* For iommufd: dirty tracking is asked for by flag, and nested tables are not offered. */
static struct iommu_domain *paging_alloc_user(struct device *dev, u32 flags,
					      struct iommu_domain *parent,
					      const struct iommu_user_data *user_data)
{
	struct iommu_domain *domain;

	if (parent || user_data || (flags & ~IOMMU_HWPT_ALLOC_DIRTY_TRACKING))
		return ERR_PTR(-EOPNOTSUPP);
	domain = paging_alloc(dev);
	if (!domain)
		return ERR_PTR(-ENOMEM);
	if (flags & IOMMU_HWPT_ALLOC_DIRTY_TRACKING)
		domain->dirty_ops = &dirty_ops;
	return domain;
}

static const struct iommu_domain_ops static_ops = {
	.attach_dev = domain_attach,
};

static struct iommu_domain identity_domain = {
	.type = IOMMU_DOMAIN_IDENTITY,
	.ops = &static_ops,
};

static struct iommu_domain blocked_domain = {
	.type = IOMMU_DOMAIN_BLOCKED,
	.ops = &static_ops,
};

static bool device_capable(struct device *dev, enum iommu_cap cap)
{
	switch (cap) {
	case IOMMU_CAP_CACHE_COHERENCY:
	case IOMMU_CAP_ENFORCE_CACHE_COHERENCY:
	case IOMMU_CAP_DIRTY_TRACKING:
		return true;
	default:
		return false;
	}
}

static struct iommu_device *device_probe(struct device *dev)
{
	struct accsim_function *fn = accsim_function_of(dev);

	return fn ? &fn->sim->iommu : ERR_PTR(-ENODEV);
}

static int device_default_domain(struct device *dev)
{
	return IOMMU_DOMAIN_IDENTITY;
}

static void device_reserved_regions(struct device *dev, struct list_head *regions)
{
	struct iommu_resv_region *msi;

	msi = iommu_alloc_resv_region(MSI_BASE, MSI_SIZE, 0, IOMMU_RESV_MSI, GFP_KERNEL);
	if (msi)
		list_add_tail(&msi->list, regions);
}

static const struct iommu_ops iommu_ops = {
	.owner = THIS_MODULE,
	.capable = device_capable,
	.probe_device = device_probe,
	.device_group = generic_device_group,
	.def_domain_type = device_default_domain,
	.get_resv_regions = device_reserved_regions,
	.identity_domain = &identity_domain,
	.blocked_domain = &blocked_domain,
	.domain_alloc_paging = paging_alloc,
	.domain_alloc_user = paging_alloc_user,
	.default_domain_ops = &paging_ops,
	.pgsize_bitmap = PAGE_SIZES,
};

/* Tie a new function to our IOMMU before the IOMMU core looks for one. */
static int bus_notify(struct notifier_block *notifier, unsigned long action, void *data)
{
	struct accsim *sim = container_of(notifier, struct accsim, notifier);
	struct device *dev = data;
	int ret;

	if (action != BUS_NOTIFY_ADD_DEVICE || !accsim_function_of(dev))
		return NOTIFY_DONE;
	ret = iommu_fwspec_init(dev, sim->fwnode);
	if (ret)
		dev_err(dev, "cannot be tied to the simulated IOMMU: error %d\n", ret);
	return NOTIFY_OK;
}

static int fwnode_create(struct accsim *sim)
{
	struct platform_device_info info = {
		.name = "accsim-iommu",
		.id = PLATFORM_DEVID_NONE,
	};

	sim->fwnode = fwnode_create_software_node(NULL, NULL);
	if (IS_ERR(sim->fwnode))
		return PTR_ERR(sim->fwnode);
	info.fwnode = sim->fwnode;
	sim->iommu_parent = platform_device_register_full(&info);
	if (IS_ERR(sim->iommu_parent)) {
		fwnode_remove_software_node(sim->fwnode);
		return PTR_ERR(sim->iommu_parent);
	}
	return 0;
}

static void fwnode_destroy(struct accsim *sim)
{
	platform_device_unregister(sim->iommu_parent);
	fwnode_remove_software_node(sim->fwnode);
}

static int iommu_register(struct accsim *sim)
{
	int ret;

	ret = iommu_device_sysfs_add(&sim->iommu, NULL, NULL, "accsim-iommu");
	if (ret)
		return ret;
	ret = iommu_device_register(&sim->iommu, &iommu_ops, &sim->iommu_parent->dev);
	if (ret)
		iommu_device_sysfs_remove(&sim->iommu);
	return ret;
}

/**
 * accsim_iommu_start() - make the IOMMU known to the kernel
 * @sim: the accelerator, the bus of which is not there yet
 * Return: 0 or a negative errno
 */
int accsim_iommu_start(struct accsim *sim)
{
	int ret;

	ret = fwnode_create(sim);
	if (ret)
		return ret;
	sim->notifier.notifier_call = bus_notify;
	sim->notifier.priority = NOTIFIER_PRIORITY;
	ret = bus_register_notifier(&pci_bus_type, &sim->notifier);
	if (ret) {
		fwnode_destroy(sim);
		return ret;
	}
	ret = iommu_register(sim);
	if (ret) {
		bus_unregister_notifier(&pci_bus_type, &sim->notifier);
		fwnode_destroy(sim);
	}
	return ret;
}

/**
 * accsim_iommu_stop() - take the IOMMU away
 * @sim: the accelerator, the bus of which is gone
 */
void accsim_iommu_stop(struct accsim *sim)
{
	iommu_device_unregister(&sim->iommu);
	iommu_device_sysfs_remove(&sim->iommu);
	bus_unregister_notifier(&pci_bus_type, &sim->notifier);
	fwnode_destroy(sim);
}
