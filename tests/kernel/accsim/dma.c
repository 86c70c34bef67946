// SPDX-License-Identifier: GPL-2.0-only
/*
 * DMA
 *
 * The few times the device reads or writes memory itself: 32 bytes of a queue's
 * context, on a command of the mailbox. The address is what the driver gave it,
 * to be looked up in the IOMMU domain of the function: memory as it is for the
 * kernel's own drivers, the page table of VFIO's user otherwise.
 */
#include <linux/iommu.h>
#include <linux/mm.h>

#include "accsim.h"

/*
 * Where the device's address is in our memory, or NULL. Only ordinary memory will
 * do: a guest may well give the address of a BAR, which the kernel has not mapped.
 */
static void *dma_memory(struct accsim_function *fn, u64 address, size_t size)
{
	phys_addr_t phys;

	if (!fn->domain || offset_in_page(address) + size > PAGE_SIZE)
		return NULL;
	phys = iommu_iova_to_phys(fn->domain, address);
	if (!phys || !pfn_valid(PHYS_PFN(phys)) || PageReserved(pfn_to_page(PHYS_PFN(phys))))
		return NULL;
	return phys_to_virt(phys);
}

/**
 * accsim_dma_read() - let a function read memory
 * @fn: the function
 * @address: where, as its driver gave it
 * @data: where to put it
 * @size: how many bytes; they must not cross a page
 * Return: 0, or -EFAULT when there is no memory at that address
 *
 * Caller holds the lock of the accelerator.
 */
int accsim_dma_read(struct accsim_function *fn, u64 address, void *data, size_t size)
{
	void *memory = dma_memory(fn, address, size);

	if (!memory)
		return -EFAULT;
	memcpy(data, memory, size);
	return 0;
}

/**
 * accsim_dma_write() - let a function write memory
 * @fn: the function
 * @address: where, as its driver gave it
 * @data: what
 * @size: how many bytes; they must not cross a page
 * Return: 0, or -EFAULT when there is no memory at that address
 *
 * Caller holds the lock of the accelerator.
 */
int accsim_dma_write(struct accsim_function *fn, u64 address, const void *data, size_t size)
{
	void *memory = dma_memory(fn, address, size);

	if (!memory)
		return -EFAULT;
	memcpy(memory, data, size);
	return 0;
}
