// SPDX-License-Identifier: GPL-2.0-only
/*
 * The log of arcs
 *
 * The ground truth for tests that measure time: every arc, and every restart
 * by open, close or reset, with the kernel's clocks read in the driver. A row
 * is there from the moment the arc begins, so that a test can wait for an arc
 * that hangs. The last 256 rows are kept, from bind to unbind; sequence
 * numbers go on when the log is cleared.
 *
 * A reset that was put off (fsm.c) is logged when it is carried out, under the
 * name of whoever carries it out.
 */
#include <linux/sched.h>
#include <linux/timekeeping.h>

#include "migsim.h"

static const char *const via_names[MIGSIM_N_VIAS] = {
	[MIGSIM_VIA_ARC] = "arc",
	[MIGSIM_VIA_OPEN] = "open",
	[MIGSIM_VIA_CLOSE] = "close",
	[MIGSIM_VIA_RESET] = "reset",
};

static struct migsim_log_row *row_of(struct migsim_log *log, u64 seq)
{
	return &log->rows[seq % MIGSIM_LOG_ROWS];
}

u64 migsim_log_begin(struct migsim_device *mdev, enum migsim_via via,
		     enum vfio_device_mig_state from, enum vfio_device_mig_state to)
{
	struct migsim_log *log = &mdev->log;
	struct migsim_log_row *row;

	guard(mutex)(&log->lock);
	row = row_of(log, log->next);
	*row = (struct migsim_log_row) {
		.seq = log->next++,
		.via = via,
		.from = from,
		.to = to,
		.start_mono = ktime_get_ns(),
		.start_real = ktime_get_real_ns(),
		.pid = task_tgid_nr(current),
	};
	get_task_comm(row->comm, current);
	return row->seq;
}

/* @error: negative errno or 0. Only one arc is under way at a time, so its row is still there. */
void migsim_log_end(struct migsim_device *mdev, u64 seq, int error)
{
	struct migsim_log_row *row = row_of(&mdev->log, seq);

	guard(mutex)(&mdev->log.lock);
	row->end_mono = ktime_get_ns();
	row->end_real = ktime_get_real_ns();
	row->error = -error;
	row->done = true;
}

void migsim_log_clear(struct migsim_device *mdev)
{
	guard(mutex)(&mdev->log.lock);
	mdev->log.oldest = mdev->log.next;
}

static void show_row(const struct migsim_log_row *row, struct seq_file *seq)
{
	seq_printf(seq, "seq=%llu via=%s from=%s to=%s", row->seq, via_names[row->via],
		   migsim_state_name(row->from), migsim_state_name(row->to));
	seq_printf(seq, " start_mono=%llu start_real=%llu", row->start_mono, row->start_real);
	if (row->done)
		seq_printf(seq, " end_mono=%llu end_real=%llu errno=%d", row->end_mono,
			   row->end_real, row->error);
	else
		seq_puts(seq, " end_mono=- end_real=- errno=-");
	/* Last, because a name may hold blanks. */
	seq_printf(seq, " pid=%d comm=%s\n", row->pid, row->comm);
}

void migsim_log_show(struct migsim_device *mdev, struct seq_file *seq)
{
	struct migsim_log *log = &mdev->log;
	u64 first;

	guard(mutex)(&log->lock);
	first = log->next > MIGSIM_LOG_ROWS ? log->next - MIGSIM_LOG_ROWS : 1;
	for (u64 i = max(first, log->oldest); i < log->next; i++)
		show_row(row_of(log, i), seq);
}

void migsim_log_init(struct migsim_device *mdev)
{
	mutex_init(&mdev->log.lock);
	mdev->log.next = 1;
	mdev->log.oldest = 1;
}

void migsim_log_destroy(struct migsim_device *mdev)
{
	mutex_destroy(&mdev->log.lock);
}
