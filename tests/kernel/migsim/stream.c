// SPDX-License-Identifier: GPL-2.0-only
/*
 * Data files
 *
 * A stream is header, payload and trailer, one after the other (migsim.h,
 * README.md). Up to 1 GiB of payload is never in memory at once: when saving
 * it is made from the seed as it is read, when loading it is only summed up,
 * and the seed in its first bytes is kept. So the figures of a copy benchmark
 * are about copying.
 *
 * A stream belongs to its file. The device holds one reference to the file for
 * as long as the session lasts and user space holds another; whichever is
 * dropped last frees it. The stream in turn keeps the device's memory and its
 * PCI device, as a forgotten file may outlive the session, the open device, and
 * the binding.
 *
 * "ended" is set without the lock: a reset ends the session, and a reset must
 * not wait for a copy to user space (fsm.c).
 */
#include <linux/anon_inodes.h>
#include <linux/crc32.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "migsim.h"

#define HEADER_SIZE	sizeof(struct migsim_header)
#define TRAILER_SIZE	sizeof(struct migsim_trailer)
#define CHUNK_SIZE	SZ_64K

struct migsim_stream {
	struct migsim_device *mdev;
	struct pci_dev *pdev;	/* mdev's, which mdev alone does not keep */
	struct file *filp;
	struct mutex lock;	/* all below but "ended" */
	bool ended;		/* the session is over */
	bool broken;		/* loading: the header was refused */
	bool precopy;		/* saving: the device is in a pre-copy state */
	u64 pos;		/* bytes that went through so far */
	u64 available;		/* saving: bytes that may be read by now */
	u64 readable;		/* saving: bytes that can be read altogether; fewer if cut short */
	u64 payload_size;
	u64 corrupt_at;
	u32 crc;		/* of header and payload up to pos */
	__le64 seed;		/* the first word of the payload */
	struct migsim_header header;
	struct migsim_trailer trailer;
	u8 *chunk;
};

static_assert(sizeof(struct migsim_header) == 32);
static_assert(sizeof(struct migsim_trailer) == 8);

u64 migsim_stream_size(u64 payload_size)
{
	return HEADER_SIZE + payload_size + TRAILER_SIZE;
}

static u64 trailer_start(const struct migsim_stream *s)
{
	return HEADER_SIZE + s->payload_size;
}

/* How many bytes are left of the part that comes next; 0 after the last one. */
static u64 part_left(const struct migsim_stream *s)
{
	if (s->pos < HEADER_SIZE)
		return HEADER_SIZE - s->pos;
	if (s->pos < trailer_start(s))
		return trailer_start(s) - s->pos;
	return migsim_stream_size(s->payload_size) - s->pos;
}

static bool is_ended(const struct migsim_stream *s)
{
	return READ_ONCE(s->ended);
}

/* Header and payload are summed up, the trailer is not. */
static u32 crc_after(const struct migsim_stream *s, size_t n)
{
	return s->pos < trailer_start(s) ? crc32_le(s->crc, s->chunk, n) : s->crc;
}

/* Saving */

/* The payload: the seed, then words that depend on it and on their place. */
static u64 payload_word(u64 seed, u64 index)
{
	return index ? (seed + index) * 0x9e3779b97f4a7c15ULL : seed;
}

static void fill_payload(u64 seed, u64 offset, u8 *buf, size_t n)
{
	while (n) {
		__le64 word = cpu_to_le64(payload_word(seed, offset / sizeof(word)));
		size_t skip = offset % sizeof(word);
		size_t step = min(n, sizeof(word) - skip);

		/* A constant size makes the common case one store. */
		if (step == sizeof(word))
			memcpy(buf, &word, sizeof(word));
		else
			memcpy(buf, (u8 *)&word + skip, step);
		offset += step;
		buf += step;
		n -= step;
	}
}

/* Put the next n bytes, all of one part, into the chunk. */
static void fill_chunk(struct migsim_stream *s, size_t n)
{
	u64 offset;

	if (s->pos < HEADER_SIZE) {
		memcpy(s->chunk, (u8 *)&s->header + s->pos, n);
		return;
	}

	if (s->pos < trailer_start(s)) {
		offset = s->pos - HEADER_SIZE;
		/* The last moment: what a running device changed in pre-copy goes along. */
		if (offset == 0)
			s->seed = cpu_to_le64(READ_ONCE(s->mdev->seed));
		fill_payload(le64_to_cpu(s->seed), offset, s->chunk, n);
		return;
	}

	s->trailer.crc = cpu_to_le32(~s->crc);
	memcpy(s->chunk, (u8 *)&s->trailer + (s->pos - trailer_start(s)), n);
}

/* What read() says when there is nothing: not yet, or never again. */
static ssize_t nothing_left(const struct migsim_stream *s)
{
	return s->precopy ? -ENOMSG : 0;
}

static ssize_t read_piece(struct migsim_stream *s, char __user *buf, size_t room)
{
	u32 crc;
	size_t n;

	if (is_ended(s))
		return -ENODEV;
	if (s->pos >= s->available)
		return nothing_left(s);

	n = min3(room, (size_t)CHUNK_SIZE, (size_t)min(part_left(s), s->available - s->pos));
	fill_chunk(s, n);
	crc = crc_after(s, n);
	if (s->corrupt_at >= s->pos && s->corrupt_at - s->pos < n)
		s->chunk[s->corrupt_at - s->pos] ^= 0xff;
	if (copy_to_user(buf, s->chunk, n))
		return -EFAULT;

	s->crc = crc;
	s->pos += n;
	return n;
}

static ssize_t migsim_stream_read(struct file *filp, char __user *buf, size_t count, loff_t *pos)
{
	struct migsim_stream *s = filp->private_data;
	ssize_t ret = 0;
	size_t done = 0;

	if (pos)
		return -ESPIPE;

	guard(mutex)(&s->lock);
	while (done < count && !fatal_signal_pending(current)) {
		ret = read_piece(s, buf + done, count - done);
		if (ret <= 0)
			break;
		done += ret;
		cond_resched();
	}
	return done ?: ret;
}

static void fill_precopy_info(struct migsim_stream *s, struct vfio_precopy_info *info)
{
	u64 left = s->available > s->pos ? s->available - s->pos : 0;

	info->initial_bytes = s->pos < HEADER_SIZE ? min(left, (u64)(HEADER_SIZE - s->pos)) : 0;
	info->dirty_bytes = left - info->initial_bytes;
}

/* The state is asked first: a file of an old session answers like the present one would. */
static int get_precopy_info(struct migsim_stream *s, struct vfio_precopy_info *info)
{
	struct migsim_device *mdev = s->mdev;

	if (mdev->state != VFIO_DEVICE_STATE_PRE_COPY &&
	    mdev->state != VFIO_DEVICE_STATE_PRE_COPY_P2P)
		return -EINVAL;
	if (is_ended(s))
		return -ENODEV;

	guard(mutex)(&s->lock);
	fill_precopy_info(s, info);
	return 0;
}

static long migsim_stream_ioctl(struct file *filp, unsigned int command, unsigned long arg)
{
	struct migsim_stream *s = filp->private_data;
	struct vfio_precopy_info __user *where = (void __user *)arg;
	size_t size = offsetofend(struct vfio_precopy_info, dirty_bytes);
	struct vfio_precopy_info info = {};
	int ret;

	if (command != VFIO_MIG_GET_PRECOPY_INFO)
		return -ENOTTY;
	if (copy_from_user(&info, where, size))
		return -EFAULT;
	if (info.argsz < size)
		return -EINVAL;

	migsim_state_lock(s->mdev);
	ret = get_precopy_info(s, &info);
	migsim_state_unlock(s->mdev);
	if (ret)
		return ret;
	return copy_to_user(where, &info, size) ? -EFAULT : 0;
}

/* Loading */

static int refuse(struct migsim_stream *s, const char *what, u64 found, u64 wanted)
{
	dev_warn_ratelimited(&s->pdev->dev,
			     "stream refused: %s is 0x%llx, wanted 0x%llx\n", what, found, wanted);
	s->broken = true;
	return -EFAULT;
}

static u32 own_device_id(const struct migsim_stream *s)
{
	return (u32)s->pdev->vendor << 16 | s->pdev->device;
}

/* The match: identity first, then what it can, then how much there is. */
static int check_header(struct migsim_stream *s)
{
	const struct migsim_header *h = &s->header;
	u32 own_version = READ_ONCE(migsim_format_version);
	u32 own_capability = READ_ONCE(migsim_capability);
	u32 own_id = own_device_id(s);
	u64 payload_size = le64_to_cpu(h->payload_size);

	if (le64_to_cpu(h->magic) != MIGSIM_MAGIC)
		return refuse(s, "magic", le64_to_cpu(h->magic), MIGSIM_MAGIC);
	if (le32_to_cpu(h->format_version) != own_version)
		return refuse(s, "format version", le32_to_cpu(h->format_version), own_version);
	if (le32_to_cpu(h->device_id) != own_id)
		return refuse(s, "device id", le32_to_cpu(h->device_id), own_id);
	if (le32_to_cpu(h->capability) & ~own_capability)
		return refuse(s, "capability", le32_to_cpu(h->capability), own_capability);
	if (h->flags)
		return refuse(s, "flags", le32_to_cpu(h->flags), 0);
	if (payload_size < MIGSIM_PAYLOAD_MIN)
		return refuse(s, "payload size", payload_size, MIGSIM_PAYLOAD_MIN);
	if (payload_size > MIGSIM_PAYLOAD_MAX)
		return refuse(s, "payload size", payload_size, MIGSIM_PAYLOAD_MAX);

	s->payload_size = payload_size;
	return 0;
}

/* Take n bytes, all of one part, out of the chunk. */
static int empty_chunk(struct migsim_stream *s, size_t n)
{
	u64 offset = s->pos;

	s->crc = crc_after(s, n);
	s->pos += n;
	if (offset < HEADER_SIZE) {
		memcpy((u8 *)&s->header + offset, s->chunk, n);
		return s->pos == HEADER_SIZE ? check_header(s) : 0;
	}

	if (offset >= trailer_start(s)) {
		memcpy((u8 *)&s->trailer + (offset - trailer_start(s)), s->chunk, n);
		return 0;
	}

	offset -= HEADER_SIZE;
	if (offset < sizeof(s->seed))
		memcpy((u8 *)&s->seed + offset, s->chunk, min(n, sizeof(s->seed) - offset));
	return 0;
}

static ssize_t write_piece(struct migsim_stream *s, const char __user *buf, size_t count)
{
	size_t n;
	int ret;

	if (is_ended(s) || s->broken)
		return -ENODEV;
	n = min3(count, (size_t)CHUNK_SIZE, (size_t)part_left(s));
	if (n == 0)
		return -ENOMEM;
	if (copy_from_user(s->chunk, buf, n))
		return -EFAULT;
	ret = empty_chunk(s, n);
	return ret ? ret : n;
}

/* An error fails the whole write, as in real drivers; what went before it is taken all the same. */
static ssize_t migsim_stream_write(struct file *filp, const char __user *buf, size_t count,
				   loff_t *pos)
{
	struct migsim_stream *s = filp->private_data;
	ssize_t ret;
	size_t done = 0;

	if (pos)
		return -ESPIPE;

	guard(mutex)(&s->lock);
	while (done < count && !fatal_signal_pending(current)) {
		ret = write_piece(s, buf + done, count - done);
		if (ret < 0)
			return ret;
		done += ret;
		cond_resched();
	}
	return done;
}

/* Success only for a whole stream with the right sum. */
int migsim_stream_finish_load(struct migsim_stream *s, u64 *ret_seed)
{
	guard(mutex)(&s->lock);

	if (s->broken || part_left(s) || le32_to_cpu(s->trailer.crc) != ~s->crc)
		return -EINVAL;
	*ret_seed = le64_to_cpu(s->seed);
	return 0;
}

/* Life */

static int migsim_stream_release(struct inode *inode, struct file *filp)
{
	struct migsim_stream *s = filp->private_data;

	pci_dev_put(s->pdev);
	put_device(&s->mdev->core.vdev.device);
	mutex_destroy(&s->lock);
	kvfree(s->chunk);
	kfree(s);
	return 0;
}

static const struct file_operations save_fops = {
	.owner = THIS_MODULE,
	.read = migsim_stream_read,
	.unlocked_ioctl = migsim_stream_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.release = migsim_stream_release,
};

static const struct file_operations load_fops = {
	.owner = THIS_MODULE,
	.write = migsim_stream_write,
	.release = migsim_stream_release,
};

static struct migsim_stream *stream_new(struct migsim_device *mdev,
					const struct file_operations *fops, int flags)
{
	struct migsim_stream *s __free(kfree) = kzalloc(sizeof(*s), GFP_KERNEL_ACCOUNT);
	u8 *chunk __free(kvfree) = kvmalloc(CHUNK_SIZE, GFP_KERNEL_ACCOUNT);
	struct file *filp;

	if (!s || !chunk)
		return ERR_PTR(-ENOMEM);
	filp = anon_inode_getfile("[migsim-stream]", fops, s, flags);
	if (IS_ERR(filp))
		return ERR_CAST(filp);

	stream_open(file_inode(filp), filp);
	get_device(&mdev->core.vdev.device);
	mutex_init(&s->lock);
	s->mdev = mdev;
	s->pdev = pci_dev_get(mdev->core.pdev);
	s->filp = filp;
	s->crc = ~0;
	s->chunk = no_free_ptr(chunk);
	return no_free_ptr(s);
}

static void fill_header(struct migsim_stream *s)
{
	s->header = (struct migsim_header) {
		.magic = cpu_to_le64(MIGSIM_MAGIC),
		.format_version = cpu_to_le32(READ_ONCE(migsim_format_version)),
		.device_id = cpu_to_le32(own_device_id(s)),
		.capability = cpu_to_le32(READ_ONCE(migsim_capability)),
		.payload_size = cpu_to_le64(s->payload_size),
	};
}

struct migsim_stream *migsim_stream_open_save(struct migsim_device *mdev, bool precopy)
{
	struct migsim_stream *s = stream_new(mdev, &save_fops, O_RDONLY);
	struct migsim_stream_fault fault;
	u64 early;

	if (IS_ERR(s))
		return s;
	fault = migsim_fault_stream(mdev);
	s->payload_size = READ_ONCE(migsim_payload_size);
	s->corrupt_at = fault.corrupt_at;
	s->readable = min(migsim_stream_size(s->payload_size), fault.short_at);
	early = HEADER_SIZE + s->payload_size * READ_ONCE(migsim_precopy_share) / 100;
	s->precopy = precopy;
	s->available = precopy ? min(early, s->readable) : s->readable;
	fill_header(s);
	return s;
}

struct migsim_stream *migsim_stream_open_load(struct migsim_device *mdev)
{
	return stream_new(mdev, &load_fops, O_WRONLY);
}

/* The file with a reference for the caller. */
struct file *migsim_stream_get_file(struct migsim_stream *s)
{
	return get_file(s->filp);
}

void migsim_stream_stop_copy(struct migsim_stream *s)
{
	guard(mutex)(&s->lock);
	s->precopy = false;
	s->available = s->readable;
}

/* What is left for stop-copy, if it were entered now and pre-copy had been read out. */
u64 migsim_stream_stop_copy_size(struct migsim_stream *s)
{
	guard(mutex)(&s->lock);
	return s->readable - (s->precopy ? s->available : s->pos);
}

/* Ends the session and gives up the device's reference; the stream must not be used afterwards. */
void migsim_stream_end(struct migsim_stream *s)
{
	WRITE_ONCE(s->ended, true);
	fput(s->filp);
}
