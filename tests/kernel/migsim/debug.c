// SPDX-License-Identifier: GPL-2.0-only
/*
 * debugfs: /sys/kernel/debug/migsim/BDF/
 *
 *   state   the present state, one word
 *   arcs    the log of arcs (arclog.c); a write clears it
 *   seed    the device's state, a number; a write changes it, a reset zeroes it
 *   fault   the armed faults (fault.c); a write arms one or carries out a command
 *
 * All are there from bind to unbind, and none waits for an arc under way.
 */
#include <linux/debugfs.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "migsim.h"

#define LINE_MAX_SIZE	128

static struct dentry *root;

static int state_show(struct seq_file *seq, void *unused)
{
	struct migsim_device *mdev = seq->private;

	seq_printf(seq, "%s\n", migsim_state_name(READ_ONCE(mdev->state)));
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(state);

static int arcs_show(struct seq_file *seq, void *unused)
{
	migsim_log_show(seq->private, seq);
	return 0;
}

static ssize_t arcs_write(struct file *filp, const char __user *buf, size_t count, loff_t *pos)
{
	struct seq_file *seq = filp->private_data;

	migsim_log_clear(seq->private);
	return count;
}
DEFINE_SHOW_STORE_ATTRIBUTE(arcs);

static int fault_show(struct seq_file *seq, void *unused)
{
	migsim_fault_show(seq->private, seq);
	return 0;
}

static ssize_t fault_write(struct file *filp, const char __user *buf, size_t count, loff_t *pos)
{
	struct migsim_device *mdev = ((struct seq_file *)filp->private_data)->private;
	char line[LINE_MAX_SIZE], words[LINE_MAX_SIZE];
	int ret;

	if (count >= sizeof(line))
		return -EINVAL;
	if (copy_from_user(line, buf, count))
		return -EFAULT;
	line[count] = '\0';
	strim(line);
	strscpy(words, line);

	ret = migsim_fault_command(mdev, words);
	if (ret)
		pci_warn(mdev->core.pdev, "fault line \"%s\" refused: %d\n", line, ret);
	return ret ? ret : count;
}
DEFINE_SHOW_STORE_ATTRIBUTE(fault);

static int seed_get(void *data, u64 *ret_value)
{
	struct migsim_device *mdev = data;

	*ret_value = READ_ONCE(mdev->seed);
	return 0;
}

static int seed_set(void *data, u64 value)
{
	struct migsim_device *mdev = data;

	WRITE_ONCE(mdev->seed, value);
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(seed_fops, seed_get, seed_set, "0x%016llx\n");

void migsim_debug_add(struct migsim_device *mdev)
{
	struct dentry *dir = debugfs_create_dir(pci_name(mdev->core.pdev), root);

	debugfs_create_file("state", 0400, dir, mdev, &state_fops);
	debugfs_create_file("arcs", 0600, dir, mdev, &arcs_fops);
	debugfs_create_file("seed", 0600, dir, mdev, &seed_fops);
	debugfs_create_file("fault", 0600, dir, mdev, &fault_fops);
	mdev->debug_dir = dir;
}

void migsim_debug_remove(struct migsim_device *mdev)
{
	debugfs_remove(mdev->debug_dir);
	mdev->debug_dir = NULL;
}

void migsim_debug_init(void)
{
	root = debugfs_create_dir("migsim", NULL);
}

void migsim_debug_exit(void)
{
	debugfs_remove(root);
}
