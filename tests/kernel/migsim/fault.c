// SPDX-License-Identifier: GPL-2.0-only
/*
 * Faults on demand
 *
 * A fault is armed by a line of text (README.md has the grammar) and lies in
 * a list until it strikes. One that strikes once leaves the list then; one
 * that strikes always stays until the list is cleared.
 *
 * Several faults may lie on one arc. They all strike: their delays add up,
 * then it hangs, and then it fails. Both kinds of waiting end early when the
 * waiter is killed, and when somebody releases; a hang that nobody releases
 * gives up at the limit (hang_limit).
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "migsim.h"

#define DELAY_MAX_MS	600000
#define ERRNO_MAX	EHWPOISON	/* what user space has a name for */
#define WORDS_MAX	7

enum fault_kind {
	FAULT_ERRNO,
	FAULT_DELAY,
	FAULT_HANG,
	FAULT_SHORT,
	FAULT_CORRUPT,
};

/* The two subjects of a fault; a stream fault has no states. */
enum fault_subject {
	ON_ARC,
	ON_STREAM,
};

static const struct fault_type {
	const char *name;
	enum fault_subject subject;
	bool has_value;
	u64 min, max;
} types[] = {
	[FAULT_ERRNO] = { "errno", ON_ARC, true, 1, ERRNO_MAX },
	[FAULT_DELAY] = { "delay", ON_ARC, true, 1, DELAY_MAX_MS },
	[FAULT_HANG] = { "hang", ON_ARC },
	[FAULT_SHORT] = { "short", ON_STREAM, true, 0, U64_MAX },
	[FAULT_CORRUPT] = { "corrupt", ON_STREAM, true, 0, U64_MAX },
};

struct fault {
	struct list_head entry;
	enum fault_kind kind;
	enum vfio_device_mig_state from, to;
	u64 value;
	bool always;
};

/* What all faults on one arc come to. */
struct effect {
	u64 delay_ms;
	bool hangs;
	int error;
	unsigned long releases;	/* as counted when the arc began */
};

static void strike(struct fault *fault)
{
	if (fault->always)
		return;
	list_del(&fault->entry);
	kfree(fault);
}

static void add_effect(struct effect *effect, const struct fault *fault)
{
	switch (fault->kind) {
	case FAULT_DELAY:
		effect->delay_ms += fault->value;
		break;
	case FAULT_HANG:
		effect->hangs = true;
		break;
	case FAULT_ERRNO:
		effect->error = -(int)fault->value;
		break;
	default:
		break;
	}
}

static struct effect collect(struct migsim_faults *faults, enum vfio_device_mig_state from,
			     enum vfio_device_mig_state to)
{
	struct effect effect = {};
	struct fault *fault, *next;

	guard(mutex)(&faults->lock);
	effect.releases = faults->releases;
	list_for_each_entry_safe(fault, next, &faults->list, entry) {
		if (types[fault->kind].subject != ON_ARC || fault->from != from || fault->to != to)
			continue;
		add_effect(&effect, fault);
		strike(fault);
	}
	return effect;
}

static bool may_go_on(struct migsim_faults *faults, unsigned long releases)
{
	return READ_ONCE(faults->releases) != releases || READ_ONCE(faults->stopped);
}

/* 0 when released, -ETIME when the time is over, -EINTR when killed. */
static int wait_for_release(struct migsim_faults *faults, unsigned long releases, u64 ms)
{
	long left = wait_event_killable_timeout(faults->wait, may_go_on(faults, releases),
						msecs_to_jiffies(ms));

	if (left < 0)
		return -EINTR;
	return left ? 0 : -ETIME;
}

/* Called as an arc begins: waits if it shall, and says whether it may be taken. */
int migsim_fault_arc(struct migsim_device *mdev, enum vfio_device_mig_state from,
		     enum vfio_device_mig_state to)
{
	struct migsim_faults *faults = &mdev->faults;
	struct effect effect = collect(faults, from, to);
	int ret;

	if (effect.delay_ms && wait_for_release(faults, effect.releases, effect.delay_ms) == -EINTR)
		return -EINTR;
	if (effect.hangs) {
		ret = wait_for_release(faults, effect.releases,
				       READ_ONCE(migsim_hang_limit) * MSEC_PER_SEC);
		if (ret)
			return ret == -ETIME ? -ETIMEDOUT : ret;
	}
	return effect.error;
}

/* Called as a stream is opened for saving. */
struct migsim_stream_fault migsim_fault_stream(struct migsim_device *mdev)
{
	struct migsim_stream_fault effect = { .short_at = U64_MAX, .corrupt_at = U64_MAX };
	struct fault *fault, *next;

	guard(mutex)(&mdev->faults.lock);
	list_for_each_entry_safe(fault, next, &mdev->faults.list, entry) {
		if (types[fault->kind].subject != ON_STREAM)
			continue;
		if (fault->kind == FAULT_SHORT)
			effect.short_at = fault->value;
		else
			effect.corrupt_at = fault->value;
		strike(fault);
	}
	return effect;
}

/* Commands: a line is cut into words, and each function takes the words that are its own. */

struct words {
	char *word[WORDS_MAX];
	int count;
	int at;
};

static const char *next_word(struct words *words)
{
	return words->at < words->count ? words->word[words->at++] : "";
}

static int split(char *line, struct words *ret_words)
{
	char *word;

	*ret_words = (struct words) {};
	while ((word = strsep(&line, " \t\n"))) {
		if (!*word)
			continue;
		if (ret_words->count == WORDS_MAX)
			return -EINVAL;
		ret_words->word[ret_words->count++] = word;
	}
	return 0;
}

static int parse_state(struct words *words, enum vfio_device_mig_state *ret_state)
{
	int state = migsim_state_parse(next_word(words));

	if (state < 0)
		return state;
	*ret_state = state;
	return 0;
}

static int parse_kind(struct words *words, enum fault_subject subject, enum fault_kind *ret_kind)
{
	const char *name = next_word(words);

	for (int i = 0; i < ARRAY_SIZE(types); i++)
		if (types[i].subject == subject && !strcmp(types[i].name, name)) {
			*ret_kind = i;
			return 0;
		}
	return -EINVAL;
}

static int parse_value(struct words *words, const struct fault_type *type, u64 *ret_value)
{
	int ret;

	if (!type->has_value)
		return 0;
	ret = kstrtou64(next_word(words), 0, ret_value);
	if (ret)
		return ret;
	return *ret_value < type->min || *ret_value > type->max ? -EINVAL : 0;
}

/* "once" may be left out. */
static int parse_repeat(struct words *words, bool *ret_always)
{
	const char *word = next_word(words);

	*ret_always = !strcmp(word, "always");
	return *ret_always || !*word || !strcmp(word, "once") ? 0 : -EINVAL;
}

static int parse_fault(struct words *words, enum fault_subject subject, struct fault *fault)
{
	int ret = 0;

	if (subject == ON_ARC)
		ret = parse_state(words, &fault->from) ?: parse_state(words, &fault->to);
	return ret ?: parse_kind(words, subject, &fault->kind) ?:
	       parse_value(words, &types[fault->kind], &fault->value) ?:
	       parse_repeat(words, &fault->always);
}

static int arm(struct migsim_faults *faults, enum fault_subject subject, struct words *words)
{
	struct fault *fault __free(kfree) = kzalloc(sizeof(*fault), GFP_KERNEL);
	int ret;

	if (!fault)
		return -ENOMEM;
	ret = parse_fault(words, subject, fault);
	if (ret)
		return ret;
	if (words->at < words->count)
		return -EINVAL;

	guard(mutex)(&faults->lock);
	list_add_tail(&no_free_ptr(fault)->entry, &faults->list);
	return 0;
}

static int arm_arc(struct migsim_faults *faults, struct words *words)
{
	return arm(faults, ON_ARC, words);
}

static int arm_stream(struct migsim_faults *faults, struct words *words)
{
	return arm(faults, ON_STREAM, words);
}

static void let_go(struct migsim_faults *faults)
{
	WRITE_ONCE(faults->releases, faults->releases + 1);
	wake_up_all(&faults->wait);
}

static void clear(struct migsim_faults *faults)
{
	struct fault *fault, *next;

	list_for_each_entry_safe(fault, next, &faults->list, entry) {
		list_del(&fault->entry);
		kfree(fault);
	}
}

static int do_release(struct migsim_faults *faults, struct words *words)
{
	if (words->at < words->count)
		return -EINVAL;
	guard(mutex)(&faults->lock);
	let_go(faults);
	return 0;
}

static int do_clear(struct migsim_faults *faults, struct words *words)
{
	if (words->at < words->count)
		return -EINVAL;
	guard(mutex)(&faults->lock);
	clear(faults);
	let_go(faults);
	return 0;
}

static const struct {
	const char *name;
	int (*run)(struct migsim_faults *faults, struct words *words);
} commands[] = {
	{ "arc", arm_arc },
	{ "stream", arm_stream },
	{ "release", do_release },
	{ "clear", do_clear },
};

static int run_command(struct migsim_faults *faults, struct words *words)
{
	const char *name = next_word(words);

	for (int i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(commands[i].name, name))
			return commands[i].run(faults, words);
	return -EINVAL;
}

/* Carries out one line, which is destroyed; 0, -EINVAL for a line that makes no sense, -ENOMEM. */
int migsim_fault_command(struct migsim_device *mdev, char *line)
{
	struct words words;
	int ret = split(line, &words) ?: run_command(&mdev->faults, &words);

	return ret && ret != -ENOMEM ? -EINVAL : ret;
}

/* Every fault as the line that would arm it. */
void migsim_fault_show(struct migsim_device *mdev, struct seq_file *seq)
{
	struct fault *fault;

	guard(mutex)(&mdev->faults.lock);
	list_for_each_entry(fault, &mdev->faults.list, entry) {
		const struct fault_type *type = &types[fault->kind];

		if (type->subject == ON_ARC)
			seq_printf(seq, "arc %s %s %s", migsim_state_name(fault->from),
				   migsim_state_name(fault->to), type->name);
		else
			seq_printf(seq, "stream %s", type->name);
		if (type->has_value)
			seq_printf(seq, " %llu", fault->value);
		seq_printf(seq, " %s\n", fault->always ? "always" : "once");
	}
}

/* Whoever waits goes on now, and nobody will wait any more. */
void migsim_faults_stop(struct migsim_device *mdev)
{
	guard(mutex)(&mdev->faults.lock);
	WRITE_ONCE(mdev->faults.stopped, true);
	let_go(&mdev->faults);
}

void migsim_faults_init(struct migsim_device *mdev)
{
	mutex_init(&mdev->faults.lock);
	INIT_LIST_HEAD(&mdev->faults.list);
	init_waitqueue_head(&mdev->faults.wait);
}

void migsim_faults_destroy(struct migsim_device *mdev)
{
	clear(&mdev->faults);
	mutex_destroy(&mdev->faults.lock);
}
