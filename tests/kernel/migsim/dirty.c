// SPDX-License-Identifier: GPL-2.0-only
/*
 * Device DMA logging
 *
 * With it QEMU converges with its default properties: without it the IOMMU
 * back end calls every pinned page dirty in every pass. The log is always
 * empty, which is the truth as long as the guest has no driver for the
 * function and the function so does no DMA. The rules of the uAPI hold: no
 * second start, no report before a start.
 */
#include "migsim.h"

static int migsim_log_start(struct vfio_device *vdev, struct rb_root_cached *ranges, u32 n_ranges,
			    u64 *page_size)
{
	struct migsim_device *mdev = migsim_from_vdev(vdev);
	int ret = -EINVAL;

	migsim_state_lock(mdev);
	if (!mdev->logging) {
		mdev->logging = true;
		ret = 0;
	}
	migsim_state_unlock(mdev);
	return ret;
}

static int migsim_log_stop(struct vfio_device *vdev)
{
	struct migsim_device *mdev = migsim_from_vdev(vdev);

	migsim_state_lock(mdev);
	mdev->logging = false;
	migsim_state_unlock(mdev);
	return 0;
}

static int migsim_log_report(struct vfio_device *vdev, unsigned long iova, unsigned long length,
			     struct iova_bitmap *dirty)
{
	struct migsim_device *mdev = migsim_from_vdev(vdev);
	int ret;

	migsim_state_lock(mdev);
	ret = mdev->logging ? 0 : -EINVAL;
	migsim_state_unlock(mdev);
	return ret;
}

const struct vfio_log_ops migsim_log_ops = {
	.log_start = migsim_log_start,
	.log_stop = migsim_log_stop,
	.log_read_and_clear = migsim_log_report,
};
