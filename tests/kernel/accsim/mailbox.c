// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mailbox
 *
 * Each function has one. The driver writes a command, the queue it is about and
 * a DMA address, and waits until BUSY is gone. A non-zero status is an error to
 * the driver; BUSY that does not go away is a time-out, after 1 ms.
 *
 * On x86 the driver's sixteen bytes arrive as four dwords in ascending order, the
 * one with BUSY first, and we may look in between. The fourth dword therefore
 * holds a mark of ours while the mailbox is idle: drivers write 0 there last, and
 * as long as the mark is seen the command is not complete.
 */
#include <linux/bitfield.h>
#include <linux/io.h>

#include "accsim.h"
#include "regs.h"

#define IDLE_MARK	0x5e11d00dU

/* Our answers when a command cannot be carried out; the drivers only ask whether there is one. */
#define STATUS_DMA	1	/* the address leads nowhere */
#define STATUS_UNKNOWN	2	/* no such command */

enum {
	COMMAND_SQC		= 0x0,
	COMMAND_CQC		= 0x1,
	COMMAND_EQC		= 0x2,
	COMMAND_AEQC		= 0x3,
	COMMAND_SQC_TABLE	= 0x4,
	COMMAND_CQC_TABLE	= 0x5,
	COMMAND_VFT		= 0x6,
	COMMAND_STOP_QUEUE	= 0x8,
	COMMAND_FLUSH		= 0x9,
	COMMAND_MSG_SEND	= 0xc,
	COMMAND_MSG_RECEIVE	= 0xd,
	COMMAND_PAUSE		= 0xe,
};

/* A command as the driver wrote it. */
struct command {
	u32 word;
	u8 code;
	bool is_read;
	u64 address;
};

static u64 data_get(struct accsim_function *fn)
{
	return readl(fn->regs + ACC_MAILBOX_DATA_LOW) |
	       (u64)readl(fn->regs + ACC_MAILBOX_DATA_HIGH) << 32;
}

static void data_set(struct accsim_function *fn, u64 data)
{
	writel(lower_32_bits(data), fn->regs + ACC_MAILBOX_DATA_LOW);
	writel(upper_32_bits(data), fn->regs + ACC_MAILBOX_DATA_HIGH);
}

static u32 context_get(struct accsim_function *fn, const struct command *command, u8 *context)
{
	return accsim_dma_read(fn, command->address, context, ACC_CONTEXT_SIZE) ? STATUS_DMA : 0;
}

static u32 context_put(struct accsim_function *fn, const struct command *command, const u8 *context)
{
	return accsim_dma_write(fn, command->address, context, ACC_CONTEXT_SIZE) ? STATUS_DMA : 0;
}

/*
 * The contexts of the two event queues are kept where the hardware shows them:
 * in registers, from which a migration takes them and into which it puts them.
 */
static u32 do_event_context(struct accsim_function *fn, const struct command *command)
{
	u32 offset = command->code == COMMAND_EQC ? ACC_EQ_CONTEXT : ACC_AEQ_CONTEXT;
	u8 context[ACC_CONTEXT_SIZE];

	if (command->is_read) {
		memcpy_fromio(context, fn->regs + offset, sizeof(context));
		return context_put(fn, command, context);
	}
	if (context_get(fn, command, context))
		return STATUS_DMA;
	memcpy_toio(fn->regs + offset, context, sizeof(context));
	return 0;
}

/* Nothing runs on the queues: their contexts are fetched, which proves the address, and dropped. */
static u32 do_queue_context(struct accsim_function *fn, const struct command *command)
{
	u8 context[ACC_CONTEXT_SIZE] = {};

	if (command->is_read)
		return context_put(fn, command, context);
	return context_get(fn, command, context);
}

static u32 do_table(struct accsim_function *fn, const struct command *command)
{
	u64 *table = command->code == COMMAND_SQC_TABLE ? &fn->sqc_table : &fn->cqc_table;

	if (command->is_read)
		data_set(fn, *table);
	else
		*table = command->address;
	return 0;
}

static u32 do_vft(struct accsim_function *fn, const struct command *command)
{
	data_set(fn, fn->sim->vft[ACCSIM_VFT_QUEUES][fn->index]);
	return 0;
}

static u32 do_pause(struct accsim_function *fn, const struct command *command)
{
	fn->paused = true;
	return 0;
}

/* What never ran is stopped at once, and a message between functions is taken but not delivered. */
static u32 do_nothing(struct accsim_function *fn, const struct command *command)
{
	return 0;
}

/* Carries out a command and returns the status for the driver, 0 when done. */
typedef u32 (*action_fn)(struct accsim_function *fn, const struct command *command);

static const action_fn actions[ACCSIM_COMMANDS] = {
	[COMMAND_SQC]		= do_queue_context,
	[COMMAND_CQC]		= do_queue_context,
	[COMMAND_EQC]		= do_event_context,
	[COMMAND_AEQC]		= do_event_context,
	[COMMAND_SQC_TABLE]	= do_table,
	[COMMAND_CQC_TABLE]	= do_table,
	[COMMAND_VFT]		= do_vft,
	[COMMAND_STOP_QUEUE]	= do_nothing,
	[COMMAND_FLUSH]		= do_nothing,
	[COMMAND_MSG_SEND]	= do_nothing,
	[COMMAND_MSG_RECEIVE]	= do_nothing,
	[COMMAND_PAUSE]		= do_pause,
};

static void answer(struct accsim_function *fn, u32 word, u32 status)
{
	writel(IDLE_MARK, fn->regs + ACC_MAILBOX_GUARD);
	word &= ~(ACC_MAILBOX_BUSY | ACC_MAILBOX_STATUS);
	writel(word | FIELD_PREP(ACC_MAILBOX_STATUS, status), fn->regs + ACC_MAILBOX);
}

/**
 * accsim_mailbox_reset() - make the mailbox idle
 * @fn: its function, the registers of which were cleared
 *
 * Faults and counters stay. Caller holds the lock of the accelerator.
 */
void accsim_mailbox_reset(struct accsim_function *fn)
{
	fn->mailbox.hung = false;
	answer(fn, 0, 0);
}

/* Do what COMMAND says, or what a test said to do instead; true when an answer is due. */
static bool carry_out(struct accsim_function *fn, const struct command *command, u32 *ret_status)
{
	const struct accsim_fault *fault = &fn->mailbox.faults[command->code];
	action_fn action = actions[command->code];

	switch (fault->answer) {
	case ACCSIM_ANSWER_NEVER:
		return false;
	case ACCSIM_ANSWER_ERROR:
		*ret_status = fault->status;
		return true;
	default:
		*ret_status = action ? action(fn, command) : STATUS_UNKNOWN;
		return true;
	}
}

/**
 * accsim_mailbox_tick() - carry out the command in the mailbox, if there is one
 * @fn: its function
 *
 * Caller holds the lock of the accelerator.
 */
void accsim_mailbox_tick(struct accsim_function *fn)
{
	struct accsim_mailbox *mailbox = &fn->mailbox;
	struct command command = { .word = readl(fn->regs + ACC_MAILBOX) };
	u32 status = STATUS_UNKNOWN;

	if (!(command.word & ACC_MAILBOX_BUSY) || mailbox->hung ||
	    readl(fn->regs + ACC_MAILBOX_GUARD) == IDLE_MARK)
		return;

	command.code = FIELD_GET(ACC_MAILBOX_COMMAND, command.word);
	command.is_read = command.word & ACC_MAILBOX_READ;
	command.address = data_get(fn);
	if (command.code < ACCSIM_COMMANDS) {
		mailbox->commands[command.code]++;
		mailbox->hung = !carry_out(fn, &command, &status);
	}
	if (mailbox->hung || status)
		mailbox->errors++;
	if (!mailbox->hung)
		answer(fn, command.word, status);
}

/**
 * accsim_mailbox_set_fault() - determine how a command is answered from now on
 * @fn: the function
 * @command: the command, below ACCSIM_COMMANDS
 * @fault: the answer
 *
 * A command that hangs is dropped as soon as any fault is changed: its driver has
 * long given up and the memory it pointed to may be somebody else's. Caller holds
 * the lock of the accelerator.
 */
void accsim_mailbox_set_fault(struct accsim_function *fn, unsigned int command,
			      struct accsim_fault fault)
{
	fn->mailbox.faults[command] = fault;
	if (fn->mailbox.hung)
		accsim_mailbox_reset(fn);
}
