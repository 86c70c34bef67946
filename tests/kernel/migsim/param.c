// SPDX-License-Identifier: GPL-2.0-only
/*
 * Module parameters
 *
 * They describe this host's driver, so they hold for every function it is
 * bound to: two hosts with different values are two driver versions. Each is
 * read when it is needed and never in between, so all may be written at any
 * time: migration_flags and dma_logging count from the next bind, hang_limit
 * from the next fault, the rest from the next stream. (The destination checks
 * a header when its last byte arrives, with the values of that moment.)
 */
#include <linux/module.h>
#include <linux/moduleparam.h>

#include "migsim.h"

unsigned int migsim_migration_flags = VFIO_MIGRATION_STOP_COPY | VFIO_MIGRATION_P2P |
				      VFIO_MIGRATION_PRE_COPY;
unsigned int migsim_payload_size = 4096;
unsigned int migsim_precopy_share;
unsigned int migsim_format_version = 1;
unsigned int migsim_capability = 1;
unsigned int migsim_hang_limit = 60;
bool migsim_dma_logging = true;

static int set_migration_flags(const char *text, const struct kernel_param *param)
{
	unsigned int flags;
	int ret = kstrtouint(text, 0, &flags);

	if (ret)
		return ret;
	if (!(flags & VFIO_MIGRATION_STOP_COPY) ||
	    flags & ~(VFIO_MIGRATION_STOP_COPY | VFIO_MIGRATION_P2P | VFIO_MIGRATION_PRE_COPY))
		return -EINVAL;
	return param_set_uint(text, param);
}

static int set_payload_size(const char *text, const struct kernel_param *param)
{
	return param_set_uint_minmax(text, param, MIGSIM_PAYLOAD_MIN, MIGSIM_PAYLOAD_MAX);
}

static int set_precopy_share(const char *text, const struct kernel_param *param)
{
	return param_set_uint_minmax(text, param, 0, 100);
}

static int set_hang_limit(const char *text, const struct kernel_param *param)
{
	return param_set_uint_minmax(text, param, 1, 600);
}

static const struct kernel_param_ops migration_flags_ops = {
	.set = set_migration_flags,
	.get = param_get_uint,
};

static const struct kernel_param_ops payload_size_ops = {
	.set = set_payload_size,
	.get = param_get_uint,
};

static const struct kernel_param_ops precopy_share_ops = {
	.set = set_precopy_share,
	.get = param_get_uint,
};

static const struct kernel_param_ops hang_limit_ops = {
	.set = set_hang_limit,
	.get = param_get_uint,
};

module_param_cb(migration_flags, &migration_flags_ops, &migsim_migration_flags, 0644);
MODULE_PARM_DESC(migration_flags, "1 STOP_COPY, 3 +P2P, 5 +PRE_COPY, 7 all (from the next bind)");

module_param_cb(payload_size, &payload_size_ops, &migsim_payload_size, 0644);
MODULE_PARM_DESC(payload_size, "bytes of payload in a saved stream, 176 to 1 GiB");

module_param_cb(precopy_share, &precopy_share_ops, &migsim_precopy_share, 0644);
MODULE_PARM_DESC(precopy_share, "percent of the payload that can be read in pre-copy");

module_param_named(format_version, migsim_format_version, uint, 0644);
MODULE_PARM_DESC(format_version, "format version that is sent, and the only one that is taken");

module_param_named(capability, migsim_capability, uint, 0644);
MODULE_PARM_DESC(capability, "capability bits; the destination must have all of the source's");

module_param_cb(hang_limit, &hang_limit_ops, &migsim_hang_limit, 0644);
MODULE_PARM_DESC(hang_limit, "seconds after which a hang gives up with ETIMEDOUT");

module_param_named(dma_logging, migsim_dma_logging, bool, 0644);
MODULE_PARM_DESC(dma_logging, "offer device DMA logging (from the next bind)");
