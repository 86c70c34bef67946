/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What accmigd may ask of the broker.
 *
 * An sd-bus peer-to-peer connection over ACCMIG_BROKER_SOCKET (systemd hands it to the broker), object
 * ACCMIG_OBJECT_BROKER, interface ACCMIG_IFACE_BROKER. The broker accepts the user accmig and root, nobody
 * else. Devices are named by address and checked with accmig_address_is_valid() before anything else.
 *
 *   Probe       s u → t t ay s b address, match size → flags, stop-copy bytes (0 unknown), match data,
 *               access, whether the device tracks what it writes. Opens a free device (which resets it),
 *               asks, closes. Flags 0: a driver without migration.
 *   Peek        s → u t s x      address → pid of the holder, flags, state, wall clock µs of the look
 *               Borrows a guest's device from the process that holds it, asks, closes at once. pid 0 and
 *               state "" when nobody has it open.
 *   Save        s h → t          address, fd → bytes. The stream of a free device.
 *   Load        s h → t          address, fd → bytes. Into a free device; reset after an error.
 *   Reset       s →              resets a free device
 *   Trial       s ay → b s       address, another device's match data → whether the driver takes it, and
 *               if not the errno it said no with ("EFAULT"; else ""). Opens a free device, takes it to
 *               resuming, writes, resets it. Only a write that the driver answers with no is an answer;
 *               whatever else fails is an error.
 *   Walk        s as → t a(ssxss)  address, 1 to 32 states → flags, and for each SET: from, to, µs it took,
 *               the errno's name it was refused with ("EBUSY"; else ""), state afterwards. Takes a free
 *               device from running through these states, ends with the first refusal, leaves it running.
 *               BadState, before anything is done, when there is no way from one to the next.
 *   Repair      s s → s s        address of a device that a process holds, the state in which it was seen
 *               → state found, state left. Borrows it as Peek does, and takes it to running when it is not;
 *               after an error it is where the message says. NotFound when nobody has it open, BadState when
 *               it is in error, Busy when it is in another state than it was seen in. The caller answers for
 *               it that no migration goes on.
 *   ResetHeld   s →              resets a device that a process holds, through a duplicate as Repair does.
 *               NotFound when nobody has it open. The caller answers for the same, and for what is lost.
 *   Abort       s →              breaks off the Save or Load of this address that somebody waits for; nothing
 *               when there is none
 *   Bind        s s →            address of a VF, its VFIO variant driver by modules.alias. Not for one
 *               that is open, nor for one on a driver of the host's; as before when it fails.
 *   CreateMdev  s s s →          parent (a name in /sys/class/mdev_bus), type, UUID
 *   RemoveMdev  s →              UUID of an mdev that nobody has open
 *   Evidence    s → ay           address of a device that nobody has open → what its driver keeps of the last
 *               migration in debugfs, as it is (hisi_acc from Linux 6.13 on); empty when it keeps nothing.
 *               After an incoming migration this is what the source sent, never the device's own.
 *   Adopt       s h → t t s b    id of a registered device (registered-id.h), an open VFIO device → flags,
 *               stop-copy bytes (0 unknown), state, whether it tracks what it writes. Keeps a duplicate. Busy
 *               when the id is there with another device; with the very same the answer is given anew.
 *   Disown      s →              id. Closes the duplicate, breaks off what is at work on it; changes nothing
 *               on the device.
 *   Step        s s → s s        id, state wanted → state afterwards (always by GET), the errno's name when
 *               the kernel refused ("EBUSY"; else ""). BadState, unasked, when there is no way.
 *   Drain       s h b → t b      id, fd, final → bytes, ended. The open session's stream into fd: final, in
 *               stop-copy, all that is left; else, in pre-copy, what is there now, and whether nothing is.
 *   Fill        s h → t s        id, fd → bytes, the errno's name with which the driver took no more. From fd
 *               until its end into the session of resuming, which is not left.
 *   ResetAdopted  s →            id
 *   StateOf     s → s            id → state now
 *   ListAdopted → a(ss)          ids and states as last read
 *   SetMetadata s s →            domain UUID, XML element: virDomainSetMetadata (live, urn:accmig:1).
 *               An empty string takes the element away.
 *   ReadLog     s → ay           domain name → the last 8 KiB of QEMU's log, as they are
 *
 *   property HypervisorConnected b   whether QEMU's events are being forwarded
 *
 *   signal QemuEvent s s s x s   domain UUID, domain name, event, µs since the epoch (QEMU's clock), details
 *               (JSON as QEMU wrote it, unread, at most 2 KiB). At most 200 in a second of one domain; none
 *               while the peer leaves 1024 messages unread.
 *   signal QemuGap s             domain UUID: events of it were, or are from now on, not passed on; "" for
 * every domain, also when the connection to libvirt comes or goes.
 *
 * Errors are org.accmig1.Error.NAME, as on the system bus. Every verb on a device runs in a thread of its
 * own, as a reset takes what the hardware takes; 64 at a time, of which Peek and Evidence leave 16 to the
 * others; the next answers Limit. All but these two exclude one another on one device: the second answers
 * Busy, and so does Evidence meanwhile. Save and Load end when their caller hangs up, when told to Abort, and
 * after 10 minutes. When the broker ends in the middle of something, the kernel closes what it had open,
 * which resets a VF.
 *
 * What was adopted belongs to the user that gave it and stays for 30 s after the last connection of theirs.
 * On one such device one thing is at work, the second answers Busy; StateOf and Disown are always answered.
 * Drain and Fill end when their caller hangs up, when the device is disowned, and after 6 hours, for a
 * destination waits as long as the source's guest is copied. 64 at a time, apart from the others.
 */

#define BROKER_LOG_TAIL     (8 * 1024)  /* bytes ReadLog returns at most */
#define BROKER_EVENT_MAX    2048        /* bytes of details; a longer event is dropped with a warning */
#define BROKER_EVENT_RATE   200         /* events of one domain in a second; the rest is dropped */
#define BROKER_QUEUE_MAX    1024        /* messages to one peer; events beyond are dropped */
#define BROKER_MATCH_MAX    4096        /* bytes of match data */
#define BROKER_WALK_MAX     32          /* states in a Walk */
#define BROKER_EVIDENCE_MAX (16 * 1024) /* bytes Evidence returns at most */
#define BROKER_METADATA_MAX (256 * 1024)
