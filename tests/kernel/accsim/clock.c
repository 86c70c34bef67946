// SPDX-License-Identifier: GPL-2.0-only
/*
 * Clock
 *
 * Decides when the engine looks at its registers.
 *
 * Drivers in this kernel write a register, poll another one, and give up after
 * 1 ms. In a virtual machine a millisecond is easily lost: its host is busy, and
 * when the driver goes on, its time is up and no timer of ours has come before it.
 * With nothing but a timer, two of a thousand migrations failed that way. So the
 * engine works when the drivers do, from probes on two functions of the kernel:
 * the one by which they write a mailbox, when it is about to return, and the one
 * in which they sleep between two looks at a register.
 *
 * All others, guests and programs with a BAR mapped, are served by a timer.
 */
#include <linux/hrtimer.h>
#include <linux/kprobes.h>

#include "accsim.h"

#define WRITE_FUNCTION	"memcpy_toio"
#define SLEEP_FUNCTION	"usleep_range_state"	/* usleep_range() and the polling helpers use it */

static ktime_t period(struct accsim *sim)
{
	return ns_to_ktime((u64)READ_ONCE(sim->settings->period_us) * NSEC_PER_USEC);
}

static void tick(struct accsim *sim)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&sim->lock, flags);
	accsim_engine_tick(sim);
	raw_spin_unlock_irqrestore(&sim->lock, flags);
}

/*
 * The engine uses that function as well, and comes by here with the lock held. In
 * that case, or when another CPU is at it, the driver is served at its first sleep.
 */
static int on_written(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	struct accsim *sim = container_of(get_kretprobe(instance), struct accsim, write_probe);
	unsigned long flags;

	if (!raw_spin_trylock_irqsave(&sim->lock, flags))
		return 0;
	accsim_engine_tick(sim);
	raw_spin_unlock_irqrestore(&sim->lock, flags);
	return 0;
}

static int on_sleep(struct kprobe *probe, struct pt_regs *regs)
{
	tick(container_of(probe, struct accsim, sleep_probe));
	return 0;
}

static enum hrtimer_restart on_timer(struct hrtimer *timer)
{
	struct accsim *sim = container_of(timer, struct accsim, timer);

	tick(sim);
	hrtimer_forward_now(timer, period(sim));
	return HRTIMER_RESTART;
}

static int probes_register(struct accsim *sim)
{
	int ret;

	sim->write_probe.kp.symbol_name = WRITE_FUNCTION;
	sim->write_probe.handler = on_written;
	ret = register_kretprobe(&sim->write_probe);
	if (ret) {
		pr_err("%s cannot be probed\n", WRITE_FUNCTION);
		return ret;
	}
	sim->sleep_probe.symbol_name = SLEEP_FUNCTION;
	sim->sleep_probe.pre_handler = on_sleep;
	ret = register_kprobe(&sim->sleep_probe);
	if (ret) {
		pr_err("%s cannot be probed\n", SLEEP_FUNCTION);
		unregister_kretprobe(&sim->write_probe);
	}
	return ret;
}

/**
 * accsim_clock_start() - start to tick
 * @sim: the accelerator, its engine started
 * Return: 0, or a negative errno when the kernel cannot be probed
 */
int accsim_clock_start(struct accsim *sim)
{
	int ret;

	ret = probes_register(sim);
	if (ret)
		return ret;
	hrtimer_init(&sim->timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_HARD);
	sim->timer.function = on_timer;
	hrtimer_start(&sim->timer, period(sim), HRTIMER_MODE_REL_HARD);
	return 0;
}

/**
 * accsim_clock_stop() - stop to tick
 * @sim: the accelerator; no tick is under way when this returns
 */
void accsim_clock_stop(struct accsim *sim)
{
	hrtimer_cancel(&sim->timer);
	unregister_kprobe(&sim->sleep_probe);
	unregister_kretprobe(&sim->write_probe);
}
