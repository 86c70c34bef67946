// SPDX-License-Identifier: GPL-2.0-only
/*
 * The migration state and its arcs
 *
 * vfio_mig_get_next_state() knows the way from any state to any other; this
 * file takes one arc of it at a time. What an arc does is a row of the table
 * below; most do nothing but change the state.
 *
 * Resets. The PCI core calls reset_done with VFIO's memory lock held, and that
 * lock is also taken by page faults on a mapped BAR, which a copy to or from
 * user space may cause. Waiting for state_lock there could deadlock. So a
 * reset only sets a flag and tries the lock; if somebody has it, his unlock
 * does the rest. For the same reason ending a stream takes no lock
 * (stream.c). What a reset leaves behind: RUNNING, no session, seed 0.
 */
#include <linux/err.h>
#include <linux/file.h>

#include "migsim.h"

static const char *const state_names[MIGSIM_N_STATES] = {
	[VFIO_DEVICE_STATE_ERROR] = "error",
	[VFIO_DEVICE_STATE_STOP] = "stop",
	[VFIO_DEVICE_STATE_RUNNING] = "running",
	[VFIO_DEVICE_STATE_STOP_COPY] = "stop-copy",
	[VFIO_DEVICE_STATE_RESUMING] = "resuming",
	[VFIO_DEVICE_STATE_RUNNING_P2P] = "running-p2p",
	[VFIO_DEVICE_STATE_PRE_COPY] = "pre-copy",
	[VFIO_DEVICE_STATE_PRE_COPY_P2P] = "pre-copy-p2p",
};

const char *migsim_state_name(enum vfio_device_mig_state state)
{
	return state_names[state];
}

/* The state of that name, or -EINVAL. */
int migsim_state_parse(const char *name)
{
	return match_string(state_names, MIGSIM_N_STATES, name);
}

static void end_stream(struct migsim_device *mdev)
{
	if (!mdev->stream)
		return;
	migsim_stream_end(mdev->stream);
	mdev->stream = NULL;
}

static void restart(struct migsim_device *mdev, enum migsim_via via)
{
	u64 seq = migsim_log_begin(mdev, via, mdev->state, VFIO_DEVICE_STATE_RUNNING);

	end_stream(mdev);
	WRITE_ONCE(mdev->seed, 0);
	WRITE_ONCE(mdev->state, VFIO_DEVICE_STATE_RUNNING);
	migsim_log_end(mdev, seq, 0);
}

void migsim_state_lock(struct migsim_device *mdev)
{
	mutex_lock(&mdev->state_lock);
}

/* True, once, when a reset came in; false when the lock was dropped instead. */
static bool unlock_unless_reset(struct migsim_device *mdev)
{
	guard(spinlock)(&mdev->reset_lock);

	if (mdev->reset_pending) {
		mdev->reset_pending = false;
		return true;
	}
	mutex_unlock(&mdev->state_lock);
	return false;
}

void migsim_state_unlock(struct migsim_device *mdev)
{
	while (unlock_unless_reset(mdev))
		restart(mdev, MIGSIM_VIA_RESET);
}

void migsim_fsm_reset_done(struct migsim_device *mdev)
{
	scoped_guard(spinlock, &mdev->reset_lock) {
		mdev->reset_pending = true;
		if (!mutex_trylock(&mdev->state_lock))
			return;
	}
	migsim_state_unlock(mdev);
}

/* For open and close: back to the beginning, DMA logging included. */
void migsim_fsm_restart(struct migsim_device *mdev, enum migsim_via via)
{
	migsim_state_lock(mdev);
	mdev->logging = false;
	restart(mdev, via);
	migsim_state_unlock(mdev);
}

/* What the arcs do. NULL, a data file with a reference for the caller, or an error. */

static struct file *hand_out(struct migsim_device *mdev, struct migsim_stream *stream)
{
	if (IS_ERR(stream))
		return ERR_CAST(stream);
	mdev->stream = stream;
	return migsim_stream_get_file(stream);
}

static struct file *arc_begin_precopy(struct migsim_device *mdev)
{
	return hand_out(mdev, migsim_stream_open_save(mdev, true));
}

static struct file *arc_begin_stop_copy(struct migsim_device *mdev)
{
	return hand_out(mdev, migsim_stream_open_save(mdev, false));
}

static struct file *arc_begin_load(struct migsim_device *mdev)
{
	return hand_out(mdev, migsim_stream_open_load(mdev));
}

static struct file *arc_go_on_in_stop_copy(struct migsim_device *mdev)
{
	migsim_stream_stop_copy(mdev->stream);
	return NULL;
}

static struct file *arc_end_save(struct migsim_device *mdev)
{
	end_stream(mdev);
	return NULL;
}

static struct file *arc_end_load(struct migsim_device *mdev)
{
	u64 seed;
	int ret = migsim_stream_finish_load(mdev->stream, &seed);

	if (ret)
		return ERR_PTR(ret);
	WRITE_ONCE(mdev->seed, seed);
	end_stream(mdev);
	return NULL;
}

static struct file *arc_plain(struct migsim_device *mdev)
{
	return NULL;
}

#define STATE(name) VFIO_DEVICE_STATE_##name

/* Every arc there is, for all flags; vfio_mig_get_next_state() picks those that the flags allow. */
static const struct {
	enum vfio_device_mig_state from, to;
	struct file *(*run)(struct migsim_device *mdev);
} arcs[] = {
	{ STATE(RUNNING),	STATE(STOP),		arc_plain },
	{ STATE(STOP),		STATE(RUNNING),		arc_plain },
	{ STATE(RUNNING),	STATE(RUNNING_P2P),	arc_plain },
	{ STATE(RUNNING_P2P),	STATE(RUNNING),		arc_plain },
	{ STATE(RUNNING_P2P),	STATE(STOP),		arc_plain },
	{ STATE(STOP),		STATE(RUNNING_P2P),	arc_plain },

	{ STATE(RUNNING),	STATE(PRE_COPY),	arc_begin_precopy },
	{ STATE(RUNNING_P2P),	STATE(PRE_COPY_P2P),	arc_begin_precopy },
	{ STATE(PRE_COPY),	STATE(PRE_COPY_P2P),	arc_plain },
	{ STATE(PRE_COPY_P2P),	STATE(PRE_COPY),	arc_plain },
	{ STATE(PRE_COPY),	STATE(RUNNING),		arc_end_save },
	{ STATE(PRE_COPY_P2P),	STATE(RUNNING_P2P),	arc_end_save },
	{ STATE(PRE_COPY),	STATE(STOP_COPY),	arc_go_on_in_stop_copy },
	{ STATE(PRE_COPY_P2P),	STATE(STOP_COPY),	arc_go_on_in_stop_copy },

	{ STATE(STOP),		STATE(STOP_COPY),	arc_begin_stop_copy },
	{ STATE(STOP_COPY),	STATE(STOP),		arc_end_save },
	{ STATE(STOP),		STATE(RESUMING),	arc_begin_load },
	{ STATE(RESUMING),	STATE(STOP),		arc_end_load },
};

static struct file *run_arc(struct migsim_device *mdev, enum vfio_device_mig_state to)
{
	int ret = migsim_fault_arc(mdev, mdev->state, to);

	if (ret)
		return ERR_PTR(ret);
	for (int i = 0; i < ARRAY_SIZE(arcs); i++)
		if (arcs[i].from == mdev->state && arcs[i].to == to)
			return arcs[i].run(mdev);
	return ERR_PTR(-EINVAL);
}

/* The one place that moves the state along an arc. */
static struct file *take_arc(struct migsim_device *mdev, enum vfio_device_mig_state to)
{
	u64 seq = migsim_log_begin(mdev, MIGSIM_VIA_ARC, mdev->state, to);
	struct file *filp = run_arc(mdev, to);

	if (!IS_ERR(filp))
		WRITE_ONCE(mdev->state, to);
	migsim_log_end(mdev, seq, PTR_ERR_OR_ZERO(filp));
	return filp;
}

/*
 * From STOP_COPY there is no way back to the pre-copy states. Kernels before
 * 6.12.96 spin for ever inside vfio_mig_get_next_state() when asked for one.
 */
static bool is_blocked(enum vfio_device_mig_state from, enum vfio_device_mig_state to)
{
	return from == VFIO_DEVICE_STATE_STOP_COPY &&
	       (to == VFIO_DEVICE_STATE_PRE_COPY || to == VFIO_DEVICE_STATE_PRE_COPY_P2P);
}

static struct file *step_towards(struct migsim_device *mdev, enum vfio_device_mig_state target)
{
	enum vfio_device_mig_state next;
	struct file *filp;
	int ret;

	if (is_blocked(mdev->state, target))
		return ERR_PTR(-EINVAL);
	ret = vfio_mig_get_next_state(&mdev->core.vdev, mdev->state, target, &next);
	if (ret)
		return ERR_PTR(ret);

	filp = take_arc(mdev, next);
	/* Only the last arc of a way hands out a file; a file here would be lost. */
	if (WARN_ON(!IS_ERR_OR_NULL(filp) && next != target)) {
		fput(filp);
		return ERR_PTR(-EINVAL);
	}
	return filp;
}

static struct file *migsim_set_state(struct vfio_device *vdev, enum vfio_device_mig_state target)
{
	struct migsim_device *mdev = migsim_from_vdev(vdev);
	struct file *filp = NULL;

	migsim_state_lock(mdev);
	while (!IS_ERR(filp) && mdev->state != target)
		filp = step_towards(mdev, target);
	migsim_state_unlock(mdev);
	return filp;
}

static int migsim_get_state(struct vfio_device *vdev, enum vfio_device_mig_state *ret_state)
{
	struct migsim_device *mdev = migsim_from_vdev(vdev);

	migsim_state_lock(mdev);
	*ret_state = mdev->state;
	migsim_state_unlock(mdev);
	return 0;
}

static int migsim_get_data_size(struct vfio_device *vdev, unsigned long *ret_bytes)
{
	struct migsim_device *mdev = migsim_from_vdev(vdev);

	migsim_state_lock(mdev);
	if (mdev->stream && mdev->state != VFIO_DEVICE_STATE_RESUMING)
		*ret_bytes = migsim_stream_stop_copy_size(mdev->stream);
	else
		*ret_bytes = migsim_stream_size(READ_ONCE(migsim_payload_size));
	migsim_state_unlock(mdev);
	return 0;
}

const struct vfio_migration_ops migsim_mig_ops = {
	.migration_set_state = migsim_set_state,
	.migration_get_state = migsim_get_state,
	.migration_get_data_size = migsim_get_data_size,
};

void migsim_fsm_init(struct migsim_device *mdev)
{
	mutex_init(&mdev->state_lock);
	spin_lock_init(&mdev->reset_lock);
	mdev->state = VFIO_DEVICE_STATE_RUNNING;
}

void migsim_fsm_destroy(struct migsim_device *mdev)
{
	mutex_destroy(&mdev->state_lock);
}
