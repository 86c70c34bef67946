/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * migsim: a VFIO device with migration that does what a test tells it to
 *
 * migsim is a vfio-pci variant driver for the virtual functions of QEMU's igb
 * card. The hardware underneath is real enough for open, reset and config
 * space; the migration on top of it is played. One real driver shows one set
 * of flags, one stream size and hardly ever a failure on demand. migsim shows
 * all of them, and it knows the truth: it logs every arc with kernel time.
 *
 * One struct migsim_device per bound function. Who guards what:
 *
 *   state_lock    state, stream, logging. Taken and dropped through
 *                 migsim_state_lock() and _unlock() only, since a reset that
 *                 arrives meanwhile is carried out by the unlock (fsm.c).
 *   stream lock   position and contents of one data file (stream.c)
 *   log.lock      the arc log (arclog.c)
 *   faults.lock   the list of faults (fault.c)
 *
 * state_lock is the outermost. It is held while an arc hangs on demand, as a
 * real driver holds its own while firmware hangs; hence debugfs never takes it.
 */
#ifndef MIGSIM_H
#define MIGSIM_H

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/vfio.h>
#include <linux/vfio_pci_core.h>
#include <linux/wait.h>

#define MIGSIM_N_STATES		(VFIO_DEVICE_STATE_PRE_COPY_P2P + 1)
#define MIGSIM_PAYLOAD_MIN	176
#define MIGSIM_PAYLOAD_MAX	(1U << 30)
#define MIGSIM_LOG_ROWS		256

/* The stream as it is sent; little endian. README.md has the table for readers of streams. */
#define MIGSIM_MAGIC		0x01004d495347494dULL	/* the bytes "MIGSIM\0\1" */

struct migsim_header {
	__le64 magic;
	__le32 format_version;
	__le32 device_id;	/* vendor << 16 | device */
	__le32 capability;
	__le32 flags;		/* 0 */
	__le64 payload_size;
} __packed;

struct migsim_trailer {
	__le32 crc;		/* CRC-32 of header and payload, as zlib computes it */
	__le32 pad;		/* 0 */
} __packed;

/* Why the state changed. */
enum migsim_via {
	MIGSIM_VIA_ARC,
	MIGSIM_VIA_OPEN,
	MIGSIM_VIA_CLOSE,
	MIGSIM_VIA_RESET,
	MIGSIM_N_VIAS
};

struct migsim_log_row {
	u64 seq;
	enum migsim_via via;
	enum vfio_device_mig_state from;
	enum vfio_device_mig_state to;
	u64 start_mono;		/* ns, CLOCK_MONOTONIC */
	u64 start_real;		/* ns, CLOCK_REALTIME */
	u64 end_mono;
	u64 end_real;
	bool done;
	int error;		/* positive errno, 0 when the arc was taken */
	pid_t pid;
	char comm[TASK_COMM_LEN];
};

struct migsim_log {
	struct mutex lock;
	u64 next;		/* sequence number of the next row, from 1 */
	u64 oldest;		/* rows before this one were cleared */
	struct migsim_log_row rows[MIGSIM_LOG_ROWS];
};

struct migsim_faults {
	struct mutex lock;
	struct list_head list;	/* struct fault, in the order of arrival */
	wait_queue_head_t wait;
	unsigned long releases;	/* grows whenever waiting arcs are to go on */
	bool stopped;		/* the device is being unbound: nobody waits any more */
};

struct migsim_stream;

struct migsim_device {
	struct vfio_pci_core_device core;
	struct mutex state_lock;
	spinlock_t reset_lock;
	bool reset_pending;
	enum vfio_device_mig_state state;
	struct migsim_stream *stream;
	bool logging;		/* device DMA logging is on */
	u64 seed;		/* the "device state": travels in the stream, lost by a reset */
	struct migsim_log log;
	struct migsim_faults faults;
	struct dentry *debug_dir;
};

static inline struct migsim_device *migsim_from_vdev(struct vfio_device *vdev)
{
	return container_of(vdev, struct migsim_device, core.vdev);
}

/* param.c: module parameters */
extern unsigned int migsim_migration_flags;
extern unsigned int migsim_payload_size;
extern unsigned int migsim_precopy_share;
extern unsigned int migsim_format_version;
extern unsigned int migsim_capability;
extern unsigned int migsim_hang_limit;
extern bool migsim_dma_logging;

/* fsm.c: the migration state and its arcs */
extern const struct vfio_migration_ops migsim_mig_ops;

void migsim_fsm_init(struct migsim_device *mdev);
void migsim_fsm_destroy(struct migsim_device *mdev);
void migsim_state_lock(struct migsim_device *mdev);
void migsim_state_unlock(struct migsim_device *mdev);
void migsim_fsm_restart(struct migsim_device *mdev, enum migsim_via via);
void migsim_fsm_reset_done(struct migsim_device *mdev);
const char *migsim_state_name(enum vfio_device_mig_state state);
int migsim_state_parse(const char *name);

/* stream.c: data files */
struct migsim_stream *migsim_stream_open_save(struct migsim_device *mdev, bool precopy);
struct migsim_stream *migsim_stream_open_load(struct migsim_device *mdev);
struct file *migsim_stream_get_file(struct migsim_stream *stream);
void migsim_stream_stop_copy(struct migsim_stream *stream);
int migsim_stream_finish_load(struct migsim_stream *stream, u64 *ret_seed);
u64 migsim_stream_stop_copy_size(struct migsim_stream *stream);
u64 migsim_stream_size(u64 payload_size);
void migsim_stream_end(struct migsim_stream *stream);

/* dirty.c: device DMA logging */
extern const struct vfio_log_ops migsim_log_ops;

/* fault.c: faults on demand */
struct migsim_stream_fault {
	u64 short_at;		/* the stream ends at this offset; U64_MAX: it does not */
	u64 corrupt_at;		/* the byte at this offset is inverted; U64_MAX: none is */
};

void migsim_faults_init(struct migsim_device *mdev);
void migsim_faults_destroy(struct migsim_device *mdev);
void migsim_faults_stop(struct migsim_device *mdev);
int migsim_fault_arc(struct migsim_device *mdev, enum vfio_device_mig_state from,
		     enum vfio_device_mig_state to);
struct migsim_stream_fault migsim_fault_stream(struct migsim_device *mdev);
int migsim_fault_command(struct migsim_device *mdev, char *line);
void migsim_fault_show(struct migsim_device *mdev, struct seq_file *seq);

/* arclog.c: the log of arcs */
void migsim_log_init(struct migsim_device *mdev);
void migsim_log_destroy(struct migsim_device *mdev);
u64 migsim_log_begin(struct migsim_device *mdev, enum migsim_via via,
		     enum vfio_device_mig_state from, enum vfio_device_mig_state to);
void migsim_log_end(struct migsim_device *mdev, u64 seq, int error);
void migsim_log_clear(struct migsim_device *mdev);
void migsim_log_show(struct migsim_device *mdev, struct seq_file *seq);

/* debug.c: debugfs */
void migsim_debug_init(void);
void migsim_debug_exit(void);
void migsim_debug_add(struct migsim_device *mdev);
void migsim_debug_remove(struct migsim_device *mdev);

#endif
