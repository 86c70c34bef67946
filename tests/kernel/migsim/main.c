// SPDX-License-Identifier: GPL-2.0-only
/*
 * The PCI driver and its VFIO device
 *
 * Everything but migration is vfio-pci-core's. What is added to it: the
 * migration and logging operations, and a restart of the state machine
 * wherever the function is reset: when it is opened, when it is closed for the
 * last time, and whenever the PCI core says that a reset is done, whoever
 * asked for it (VFIO_DEVICE_RESET, sysfs, the guest's FLR).
 *
 * Module and PCI driver have the same name, because libvirt goes from
 * modules.alias to a module and binds the driver of that name.
 */
#include <linux/module.h>
#include <linux/pci.h>

#include "migsim.h"

static int migsim_init_dev(struct vfio_device *vdev)
{
	struct migsim_device *mdev = migsim_from_vdev(vdev);

	migsim_log_init(mdev);
	migsim_faults_init(mdev);
	migsim_fsm_init(mdev);

	vdev->migration_flags = migsim_migration_flags;
	vdev->mig_ops = &migsim_mig_ops;
	if (migsim_dma_logging)
		vdev->log_ops = &migsim_log_ops;

	return vfio_pci_core_init_dev(vdev);
}

static void migsim_release_dev(struct vfio_device *vdev)
{
	struct migsim_device *mdev = migsim_from_vdev(vdev);

	vfio_pci_core_release_dev(vdev);
	migsim_fsm_destroy(mdev);
	migsim_faults_destroy(mdev);
	migsim_log_destroy(mdev);
}

static int migsim_open_device(struct vfio_device *vdev)
{
	struct migsim_device *mdev = migsim_from_vdev(vdev);
	int ret;

	ret = vfio_pci_core_enable(&mdev->core);
	if (ret)
		return ret;

	migsim_fsm_restart(mdev, MIGSIM_VIA_OPEN);
	vfio_pci_core_finish_enable(&mdev->core);
	return 0;
}

static void migsim_close_device(struct vfio_device *vdev)
{
	struct migsim_device *mdev = migsim_from_vdev(vdev);

	migsim_fsm_restart(mdev, MIGSIM_VIA_CLOSE);
	vfio_pci_core_close_device(vdev);
}

static const struct vfio_device_ops migsim_vfio_ops = {
	.name = "migsim",
	.init = migsim_init_dev,
	.release = migsim_release_dev,
	.open_device = migsim_open_device,
	.close_device = migsim_close_device,
	.ioctl = vfio_pci_core_ioctl,
	.device_feature = vfio_pci_core_ioctl_feature,
	.read = vfio_pci_core_read,
	.write = vfio_pci_core_write,
	.mmap = vfio_pci_core_mmap,
	.request = vfio_pci_core_request,
	.match = vfio_pci_core_match,
	.bind_iommufd = vfio_iommufd_physical_bind,
	.unbind_iommufd = vfio_iommufd_physical_unbind,
	.attach_ioas = vfio_iommufd_physical_attach_ioas,
	.detach_ioas = vfio_iommufd_physical_detach_ioas,
};

static int migsim_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct migsim_device *mdev;
	int ret;

	mdev = vfio_alloc_device(migsim_device, core.vdev, &pdev->dev, &migsim_vfio_ops);
	if (IS_ERR(mdev))
		return PTR_ERR(mdev);

	dev_set_drvdata(&pdev->dev, &mdev->core);
	ret = vfio_pci_core_register_device(&mdev->core);
	if (ret) {
		vfio_put_device(&mdev->core.vdev);
		return ret;
	}

	migsim_debug_add(mdev);
	return 0;
}

static struct migsim_device *migsim_from_pdev(struct pci_dev *pdev)
{
	struct vfio_pci_core_device *core = dev_get_drvdata(&pdev->dev);

	return container_of(core, struct migsim_device, core);
}

static void migsim_remove(struct pci_dev *pdev)
{
	struct migsim_device *mdev = migsim_from_pdev(pdev);

	/* Unregistering waits for the last user, who may be hanging in an arc. */
	migsim_faults_stop(mdev);
	vfio_pci_core_unregister_device(&mdev->core);
	migsim_debug_remove(mdev);
	vfio_put_device(&mdev->core.vdev);
}

static void migsim_reset_done(struct pci_dev *pdev)
{
	migsim_fsm_reset_done(migsim_from_pdev(pdev));
}

static const struct pci_error_handlers migsim_err_handlers = {
	.reset_done = migsim_reset_done,
	.error_detected = vfio_pci_core_aer_err_detected,
};

static const struct pci_device_id migsim_ids[] = {
	{ PCI_DRIVER_OVERRIDE_DEVICE_VFIO(PCI_VENDOR_ID_INTEL, 0x10ca) },	/* 82576 VF */
	{ }
};
MODULE_DEVICE_TABLE(pci, migsim_ids);

static struct pci_driver migsim_driver = {
	.name = "migsim",
	.id_table = migsim_ids,
	.probe = migsim_probe,
	.remove = migsim_remove,
	.err_handler = &migsim_err_handlers,
	.driver_managed_dma = true,
};

static int __init migsim_init(void)
{
	int ret;

	migsim_debug_init();
	ret = pci_register_driver(&migsim_driver);
	if (ret)
		migsim_debug_exit();
	return ret;
}
module_init(migsim_init);

static void __exit migsim_exit(void)
{
	pci_unregister_driver(&migsim_driver);
	migsim_debug_exit();
}
module_exit(migsim_exit);

MODULE_DESCRIPTION("vfio-pci variant driver with a migration that tests command");
MODULE_AUTHOR("the accmig authors");
MODULE_LICENSE("GPL");
