// SPDX-License-Identifier: GPL-2.0-only
/*
 * Knobs
 *
 * Two files in /sys/kernel/debug/accsim. "state" has one line for each function
 * there is. "control" takes one line at a time, a word and its arguments, by
 * which a test does what a guest's driver or broken hardware would do. README.md
 * explains both.
 */
#include <linux/bitfield.h>
#include <linux/debugfs.h>
#include <linux/io.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "accsim.h"
#include "regs.h"

#define LINE_MAX_LENGTH	128
#define MAX_STATUS	15	/* four bits of the mailbox */

/*
 * What a guest's driver would have set up, as far as a migration sees it: made-up
 * guest addresses, different for each function, at which nothing is ever accessed.
 */
#define GUEST_EQ(n)		(0x100000000ULL + (n) * 0x10000)
#define GUEST_AEQ(n)		(GUEST_EQ(n) + 0x1000)
#define GUEST_SQC_TABLE(n)	(GUEST_EQ(n) + 0x2000)
#define GUEST_CQC_TABLE(n)	(GUEST_EQ(n) + 0x3000)
#define GUEST_EQ_DEPTH		2048
#define GUEST_AEQ_DEPTH		1024
#define GUEST_PAGE_SIZE		0x34	/* what the driver writes there */

/* Dwords of an event queue's context. */
#define CONTEXT_BASE_LOW	4
#define CONTEXT_BASE_HIGH	8
#define CONTEXT_DEPTH		24	/* less one */
#define CONTEXT_PHASE		BIT(16)

static u64 context_base(struct accsim_function *fn, u32 context)
{
	return readl(fn->regs + context + CONTEXT_BASE_LOW) |
	       (u64)readl(fn->regs + context + CONTEXT_BASE_HIGH) << 32;
}

static void context_set(struct accsim_function *fn, u32 context, u64 base, u32 depth)
{
	writel(lower_32_bits(base), fn->regs + context + CONTEXT_BASE_LOW);
	writel(upper_32_bits(base), fn->regs + context + CONTEXT_BASE_HIGH);
	writel((depth - 1) | CONTEXT_PHASE, fn->regs + context + CONTEXT_DEPTH);
}

static void show_queues(struct seq_file *file, struct accsim_function *fn)
{
	u64 entry = fn->sim->vft[ACCSIM_VFT_QUEUES][fn->index];
	u64 base = FIELD_GET(ACC_VFT_QUEUE_BASE, entry);
	u64 count = entry & ACC_VFT_QUEUE_VALID ? FIELD_GET(ACC_VFT_QUEUE_COUNT, entry) + 1 : 0;

	seq_printf(file, " queue-base=%llu queue-count=%llu", base, count);
}

static void show_mailbox(struct seq_file *file, struct accsim_mailbox *mailbox)
{
	unsigned int i;

	seq_printf(file, " mailbox-errors=%llu mailbox-hung=%u mailbox-commands=",
		   mailbox->errors, mailbox->hung);
	for (i = 0; i < ACCSIM_COMMANDS; i++)
		seq_printf(file, "%s%llu", i ? "," : "", mailbox->commands[i]);
}

static void show_doorbell(struct seq_file *file, const char *name,
			  const struct accsim_doorbell *doorbell)
{
	seq_printf(file, " %s-doorbells=%llu %s-doorbell-last=%llu", name, doorbell->seen, name,
		   FIELD_GET(ACC_DOORBELL_QUEUE, doorbell->last));
}

static void show_function(struct seq_file *file, struct accsim_function *fn)
{
	bool is_pf = fn->index == ACCSIM_PF;
	bool ready = !is_pf && !readl(fn->regs + ACC_DRIVER_STATE);
	u32 error = is_pf ? readl(fn->regs + ACC_ERROR_STATUS) : 0;

	seq_printf(file, "function=%u", fn->index);
	show_queues(file, fn);
	seq_printf(file, " ready=%u paused=%u busy=%u error=%#x resets=%llu", ready, fn->paused,
		   fn->busy, error, fn->resets);
	show_mailbox(file, &fn->mailbox);
	show_doorbell(file, "queue", &fn->queue_doorbell);
	show_doorbell(file, "event", &fn->event_doorbell);
	seq_printf(file, " sqc-table=%#llx cqc-table=%#llx eq=%#llx aeq=%#llx\n",
		   fn->sqc_table, fn->cqc_table,
		   context_base(fn, ACC_EQ_CONTEXT), context_base(fn, ACC_AEQ_CONTEXT));
}

static int state_show(struct seq_file *file, void *data)
{
	struct accsim *sim = file->private;
	unsigned long flags;
	unsigned int i;

	raw_spin_lock_irqsave(&sim->lock, flags);
	/* Doorbells wait for the next tick: have it now, so that what is shown is up to date. */
	accsim_engine_tick(sim);
	for (i = 0; i <= accsim_config_enabled_vfs(sim); i++)
		show_function(file, &sim->functions[i]);
	raw_spin_unlock_irqrestore(&sim->lock, flags);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(state);

/*
 * The words of "control". Each function gets the words after its name, as many as
 * its row of the table below allows, holds the lock of the accelerator, and returns
 * what is wrong with the line, or NULL when it has been carried out.
 */

static const char *const no_function = "no such function";
static const char *const no_number = "not a number";

static struct accsim_function *parse_function(struct accsim *sim, const char *word)
{
	unsigned int index;

	if (kstrtouint(word, 0, &index) || index > sim->settings->total_vfs)
		return NULL;
	return &sim->functions[index];
}

static const char *set_guest_ready(struct accsim *sim, int n_words, char **words)
{
	struct accsim_function *fn = parse_function(sim, words[0]);
	unsigned int n;

	if (!fn || fn->index == ACCSIM_PF || fn->index > accsim_config_enabled_vfs(sim))
		return "not an enabled virtual function";
	n = fn->index;
	context_set(fn, ACC_EQ_CONTEXT, GUEST_EQ(n), GUEST_EQ_DEPTH);
	context_set(fn, ACC_AEQ_CONTEXT, GUEST_AEQ(n), GUEST_AEQ_DEPTH);
	fn->sqc_table = GUEST_SQC_TABLE(n);
	fn->cqc_table = GUEST_CQC_TABLE(n);
	writel(0, fn->regs + ACC_MSG_MASK);
	writel(GUEST_PAGE_SIZE, fn->regs + ACC_PAGE_SIZE);
	writel(0, fn->regs + ACC_EQ_INT_MASK);
	writel(0, fn->regs + ACC_AEQ_INT_MASK);
	writel(0, fn->regs + ACC_DRIVER_STATE);
	return NULL;
}

static const char *set_poke(struct accsim *sim, int n_words, char **words)
{
	struct accsim_function *fn = parse_function(sim, words[0]);
	u32 offset, value;

	if (!fn)
		return no_function;
	if (kstrtou32(words[1], 0, &offset) || kstrtou32(words[2], 0, &value))
		return no_number;
	if (!IS_ALIGNED(offset, 4) ||
	    offset >= (fn->index == ACCSIM_PF ? ACCSIM_PF_BAR_SIZE : ACCSIM_VF_BAR_SIZE))
		return "no such register";
	writel(value, fn->regs + offset);
	return NULL;
}

static const char *set_ras(struct accsim *sim, int n_words, char **words)
{
	u32 value;

	if (kstrtou32(words[0], 0, &value))
		return no_number;
	writel(value, sim->functions[ACCSIM_PF].regs + ACC_ERROR_STATUS);
	return NULL;
}

static const char *set_busy(struct accsim *sim, int n_words, char **words)
{
	struct accsim_function *fn = parse_function(sim, words[0]);
	bool busy;

	if (!fn || fn->index == ACCSIM_PF)
		return "not a virtual function";
	if (kstrtobool(words[1], &busy))
		return "neither on nor off";
	accsim_function_set_busy(fn, busy);
	return NULL;
}

static const char *parse_fault(int n_words, char **words, struct accsim_fault *ret_fault)
{
	static const char *const answers[] = {
		[ACCSIM_ANSWER] = "ok",
		[ACCSIM_ANSWER_ERROR] = "error",
		[ACCSIM_ANSWER_NEVER] = "hang",
	};
	int answer = match_string(answers, ARRAY_SIZE(answers), words[0]);
	struct accsim_fault fault = { .answer = answer };

	if (answer < 0)
		return "the answer is none of ok, error, hang";
	if ((fault.answer == ACCSIM_ANSWER_ERROR) != (n_words == 2))
		return "error takes a status, ok and hang do not";
	if (n_words == 2 && kstrtou32(words[1], 0, &fault.status))
		return no_number;
	if (n_words == 2 && (fault.status < 1 || fault.status > MAX_STATUS))
		return "the status is not 1 to 15";
	*ret_fault = fault;
	return NULL;
}

static const char *set_mailbox(struct accsim *sim, int n_words, char **words)
{
	struct accsim_function *fn = parse_function(sim, words[0]);
	struct accsim_fault fault;
	const char *wrong;
	u32 command;

	if (!fn)
		return no_function;
	if (kstrtou32(words[1], 0, &command) || command >= ACCSIM_COMMANDS)
		return "the command is not 0 to 15";
	wrong = parse_fault(n_words - 2, words + 2, &fault);
	if (wrong)
		return wrong;
	accsim_mailbox_set_fault(fn, command, fault);
	return NULL;
}

static const char *set_healthy(struct accsim *sim, int n_words, char **words)
{
	const struct accsim_fault ok = { ACCSIM_ANSWER };
	unsigned int i, command;

	writel(0, sim->functions[ACCSIM_PF].regs + ACC_ERROR_STATUS);
	for (i = 0; i <= sim->settings->total_vfs; i++) {
		accsim_function_set_busy(&sim->functions[i], false);
		for (command = 0; command < ACCSIM_COMMANDS; command++)
			accsim_mailbox_set_fault(&sim->functions[i], command, ok);
	}
	return NULL;
}

static const struct {
	const char *name;
	int min_words;
	int max_words;
	const char *(*set)(struct accsim *sim, int n_words, char **words);
} knobs[] = {
	{ "guest-ready", 1, 1, set_guest_ready },
	{ "poke",        3, 3, set_poke        },
	{ "ras",         1, 1, set_ras         },
	{ "busy",        2, 2, set_busy        },
	{ "mailbox",     3, 4, set_mailbox     },
	{ "healthy",     0, 0, set_healthy     },
};

static const char *turn_knob(struct accsim *sim, int n_words, char **words)
{
	unsigned long flags;
	const char *wrong;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(knobs); i++)
		if (n_words > 0 && !strcmp(words[0], knobs[i].name))
			break;
	if (i == ARRAY_SIZE(knobs))
		return "no such word";
	if (n_words - 1 < knobs[i].min_words || n_words - 1 > knobs[i].max_words)
		return "wrong number of arguments";
	raw_spin_lock_irqsave(&sim->lock, flags);
	wrong = knobs[i].set(sim, n_words - 1, words + 1);
	raw_spin_unlock_irqrestore(&sim->lock, flags);
	return wrong;
}

static ssize_t control_write(struct file *file, const char __user *buffer, size_t size,
			     loff_t *position)
{
	struct accsim *sim = file->private_data;
	char line[LINE_MAX_LENGTH];
	const char *wrong;
	char **words;
	int n_words;

	if (size >= sizeof(line)) {
		pr_warn("control: line of %zu bytes, must be shorter than %zu\n", size,
			sizeof(line));
		return -EINVAL;
	}
	if (copy_from_user(line, buffer, size))
		return -EFAULT;
	line[size] = '\0';
	words = argv_split(GFP_KERNEL, line, &n_words);
	if (!words)
		return -ENOMEM;
	wrong = turn_knob(sim, n_words, words);
	argv_free(words);
	if (wrong) {
		pr_warn("control: \"%s\": %s\n", strim(line), wrong);
		return -EINVAL;
	}
	return size;
}

static const struct file_operations control_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = control_write,
};

/**
 * accsim_knobs_start() - make the debugfs files
 * @sim: the accelerator
 * Return: 0, or a negative errno when the kernel has no debugfs: tests depend on it
 */
int accsim_knobs_start(struct accsim *sim)
{
	sim->debugfs = debugfs_create_dir("accsim", NULL);
	if (IS_ERR(sim->debugfs))
		return PTR_ERR(sim->debugfs);
	debugfs_create_file("state", 0400, sim->debugfs, sim, &state_fops);
	debugfs_create_file("control", 0200, sim->debugfs, sim, &control_fops);
	return 0;
}

/**
 * accsim_knobs_stop() - remove the debugfs files
 * @sim: the accelerator; nobody is in one of the files when this returns
 */
void accsim_knobs_stop(struct accsim *sim)
{
	debugfs_remove(sim->debugfs);
}
