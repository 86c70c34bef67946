/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <accmig/error.h>

/*
 * From marked moments to downtime and outage.
 *
 * A timeline belongs to one migration as one host saw it: moments on that host's clock (µs since the epoch),
 * each with its origin and precision, and libvirt's two durations. Joined with the other host's timeline it
 * gives the outage of each device, with an error bound that holds however far the clocks are apart.
 *
 * What the figures do not tell. QEMU sends a device's event after the arc that it is about, so a DEVICE_STOP
 * that comes from an event comes after the arc that stopped the device: how long that arc took is not in the
 * outage, nor in its error. Only where QEMU announces the arc (pre-copy-p2p-prepare, QEMU 11.0 and later) and
 * that is marked as DEVICE_STOP does the figure hold the whole arc, and what little lies before it. A kernel
 * probe sees the moment itself. Downtime is told from QEMU's STOP, or libvirt's stamp of it, to the resume;
 * the vCPUs stopped earlier by the time that the devices took to stop.
 */

typedef struct _AccmigTimeline AccmigTimeline;

typedef enum
{
  ACCMIG_ORIGIN_NONE,       /* not known */
  ACCMIG_ORIGIN_TRACE,      /* kernel probe, ns */
  ACCMIG_ORIGIN_QEMU_EVENT, /* QEMU's event, µs */
  ACCMIG_ORIGIN_POLL,       /* the agent looked, every so often */
  ACCMIG_ORIGIN_LIBVIRT,    /* libvirt's figure, ms */
} AccmigOrigin;

/* Moments of the guest (device NULL) and of its devices. */
typedef enum
{
  ACCMIG_MOMENT_DEVICE_STOP, /* source: seen to have left running for good (stop, stop-copy, a p2p state) */
  ACCMIG_MOMENT_GUEST_STOP,  /* source: vCPUs stopped (QEMU STOP) */
  ACCMIG_MOMENT_SENT,        /* source: QEMU says the migration completed */
  ACCMIG_MOMENT_DEVICE_RESUMING, /* destination: the device takes its state */
  ACCMIG_MOMENT_LOADED,       /* destination: QEMU says the migration completed; the source hears after it */
  ACCMIG_MOMENT_GUEST_RESUME, /* destination: QEMU RESUME, before devices and vCPUs run */
  ACCMIG_MOMENT_DEVICE_RUNNING, /* destination (or source, after a failure): the device runs again */
} AccmigMoment;

#define ACCMIG_N_MOMENTS 7

#define ACCMIG_TIMELINE_MAX_SIZE    (64 * 1024) /* bytes of JSON */
#define ACCMIG_TIMELINE_MAX_DEVICES 64

/* A duration with its pedigree. Plain data. */
typedef struct
{
  gboolean known;
  gboolean complete; /* FALSE: usec is the sum of the parts known here; the other host knows the rest */
  gint64 usec;
  gint64 error_usec; /* the true value lies within usec ± error_usec; 0 and meaningless when not complete */
  AccmigOrigin origin; /* the coarsest that went in */
} AccmigFigure;

/** accmig_origin_to_string: Returns: "trace", "qemu-event", "poll", "libvirt", "none"; static */
ACCMIG_API const char *accmig_origin_to_string (AccmigOrigin origin);
/** accmig_moment_to_string: Returns: "device-stop" …; static */
ACCMIG_API const char *accmig_moment_to_string (AccmigMoment moment);
/** accmig_moment_is_of_device: Returns: whether it is marked per device; else it is the guest's */
ACCMIG_API gboolean accmig_moment_is_of_device (AccmigMoment moment);

ACCMIG_API AccmigTimeline *accmig_timeline_new (void);
ACCMIG_API void accmig_timeline_free (AccmigTimeline *timeline);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (AccmigTimeline, accmig_timeline_free)

/**
 * accmig_timeline_mark:
 * @device: hostdev alias for the DEVICE_ moments, NULL for those of the guest
 * @at_usec: wall clock of this host
 * @precision_usec: how far off it may be, either way; for a poll the time since the look before, the change
 * then lies between the two looks
 *
 * A better origin (smaller enum, not NONE) replaces a worse one; the same origin again replaces for
 * DEVICE_RUNNING and is ignored for the others, whose first occurrence counts. But a poll tells only that the
 * device runs, not that it changed: it replaces a DEVICE_RUNNING that was polled only when a DEVICE_STOP or
 * DEVICE_RESUMING came in between. A time that is no date (negative, beyond 2^53), an alias that is none and
 * a device beyond the 64th are ignored too: what QEMU sends may be anything.
 */
ACCMIG_API void accmig_timeline_mark (AccmigTimeline *timeline, AccmigMoment moment, const char *device,
                                      gint64 at_usec, AccmigOrigin origin, gint64 precision_usec);

/**
 * accmig_timeline_unmark:
 * Forgets a moment, e.g. the device stop of an attempt that went back to running.
 */
ACCMIG_API void accmig_timeline_unmark (AccmigTimeline *timeline, AccmigMoment moment, const char *device);

/**
 * accmig_timeline_get_moment:
 * @ret_at_usec, @ret_origin, @ret_precision_usec: (out) (optional): set only when the moment is known
 * Returns: whether the moment is known
 */
ACCMIG_API gboolean accmig_timeline_get_moment (const AccmigTimeline *timeline, AccmigMoment moment,
                                                const char *device, gint64 *ret_at_usec,
                                                AccmigOrigin *ret_origin, gint64 *ret_precision_usec);

/**
 * accmig_timeline_set_libvirt:
 * @downtime_usec: -1 when unknown
 * @downtime_net_usec: -1 when unknown
 *
 * A negative figure, and one beyond 2^53, is unknown.
 */
ACCMIG_API void accmig_timeline_set_libvirt (AccmigTimeline *timeline, gint64 downtime_usec,
                                             gint64 downtime_net_usec);

/** accmig_timeline_get_libvirt: -1 for a figure that is not known */
ACCMIG_API void accmig_timeline_get_libvirt (const AccmigTimeline *timeline, gint64 *ret_downtime_usec,
                                             gint64 *ret_downtime_net_usec);

/**
 * accmig_timeline_get_downtime:
 * @peer: (nullable): the other host's timeline of the same move
 *
 * How long the guest's vCPUs did not run: from QEMU's STOP, or libvirt's stamp of it, to QEMU's RESUME, or
 * its answer to libvirt's `cont`. One host alone: libvirt's net figure, not complete, as the transit of the
 * hand-over is not in it; where libvirt gives none, its other figure, not complete either, with the clocks'
 * difference in it. With the peer: libvirt's figure (or QEMU's STOP to RESUME) less the clocks' difference,
 * with its bound. A guest that went on at the source: its two moments, complete.
 */
ACCMIG_API AccmigFigure accmig_timeline_get_downtime (const AccmigTimeline *timeline,
                                                      const AccmigTimeline *peer);

/**
 * accmig_timeline_get_outage:
 * @device: hostdev alias
 * @peer: (nullable): the other host's timeline of the same move; which of the two is the source's does not
 * matter
 *
 * With both hosts' moments: running at the destination minus stop at the source, less the clocks' difference.
 * That is known to lie between two bounds: at most libvirt's downtime − downtime_net (skew plus the transit
 * of the hand-over, which is not negative), and at least LOADED minus SENT. Half the range is the error.
 * Without a lower bound, or with one host's moments: the stretches known plus downtime_net (or what stands
 * for it in accmig_timeline_get_downtime()), not complete. A device that went back to running at the source:
 * its two moments, complete.
 */
ACCMIG_API AccmigFigure accmig_timeline_get_outage (const AccmigTimeline *timeline, const char *device,
                                                    const AccmigTimeline *peer);

/**
 * accmig_timeline_to_json:
 * Returns: (transfer full): canonical (sorted members, no white space): every moment with its time, origin
 * and precision, and libvirt's figures
 */
ACCMIG_API char *accmig_timeline_to_json (const AccmigTimeline *timeline);

/**
 * accmig_timeline_new_from_json:
 * @text: not trusted; unknown members are ignored, everything else is checked
 * @error: INVALID, LIMIT (size, devices)
 * Returns: (transfer full) (nullable)
 */
ACCMIG_API AccmigTimeline *accmig_timeline_new_from_json (const char *text, GError **error);

/**
 * accmig_timeline_get_devices:
 * Returns: (transfer full): NULL-terminated, sorted aliases that have a moment
 */
ACCMIG_API char **accmig_timeline_get_devices (const AccmigTimeline *timeline);
