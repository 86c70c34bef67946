// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Figures: downtime and outage
 *
 * How long was a device out? From S, its stop on the source's clock, to R, its running again on the
 * destination's. With s, by how much the destination's clock is ahead of the source's, that is R − S − s.
 * Nobody measures s; but it is fenced in, by messages that cannot arrive before they are sent:
 *
 *   - libvirt's hand-over. The source daemon stamps its message when it sends it, the destination's when it
 * arrives; downtime − downtime_net is the difference, so s plus the message's transit. A transit is not
 * negative: s ≤ downtime − downtime_net (and a millisecond more, as both stamps are cut to one).
 *   - The same without libvirt's figures: the destination's guest is resumed only after the source has
 * completed: s ≤ GUEST_RESUME − SENT.
 *   - QEMU's return path, the only message the other way. The destination reports completion, then closes the
 * return path, and only then does the source report completion: s ≥ LOADED − SENT. (Tunnelled migrations have
 * no return path; whoever marks moments leaves LOADED out for them.)
 *
 * So the outage lies between two values, however far the clocks are apart; the middle is the figure, half the
 * distance its error, which comes to half of two messages' transit.
 *
 * S is when the device was seen to have stopped. A kernel probe sees that when it happens. QEMU's event comes
 * after the arc, and the arc that stops the device lies before it: outside the figure, and not in its error.
 * Only an event before the arc (pre-copy-p2p-prepare) begins the figure early enough.
 *
 * Every moment is itself a range. An event may be off either way by its precision; a poll saw the change
 * after it happened, never before, and at most one period late. All arithmetic is on ranges, so that the
 * error holds.
 *
 * When a fence is missing, the figure is what is known of it, and says that it is not complete. libvirt's net
 * figure begins when its source daemon hears of QEMU's STOP, and ends when its destination daemon got the
 * answer to its `cont`. Before it lies the device's stretch at the source, from its stop to QEMU's STOP,
 * which QEMU sends after all devices are quiet. After it lies nothing, normally: QEMU sends RESUME first,
 * starts the devices, and then answers. Only a device that came back late, by a repair, exceeds it. Hence the
 * stretch from RESUME to running is not added to the net figure; the larger of the two counts.
 */

#include <accmig/timeline.h>

#define LIBVIRT_ERROR_USEC 1000 /* libvirt's stamps are cut to a millisecond */

/* The true value lies between the two, both included; µs. */
typedef struct
{
  gint64 low;
  gint64 high;
  AccmigOrigin origin;
} Range;

/* @later minus @earlier */
static Range
range_between (Range earlier, Range later)
{
  return (Range){
    .low = later.low - earlier.high,
    .high = later.high - earlier.low,
    .origin = MAX (earlier.origin, later.origin),
  };
}

/* A duration is not negative, however the precision of its ends overlaps. */
static Range
range_clip (Range range)
{
  range.low = MAX (range.low, 0);
  range.high = MAX (range.high, 0);
  return range;
}

/* The figure whose bound covers @range; none at all when the range holds no duration. */
static AccmigFigure
figure_of (Range range)
{
  gint64 middle = range.low + (range.high - range.low) / 2;
  AccmigFigure figure = { .known = TRUE, .complete = TRUE, .origin = range.origin };

  if (range.high < 0)
    return (AccmigFigure){ 0 };
  figure.usec = MAX (middle, 0);
  figure.error_usec = range.high - figure.usec;
  return figure;
}

/* @timeline: (nullable) */
static gboolean
has_moment (const AccmigTimeline *timeline, AccmigMoment moment, const char *device)
{
  return timeline != NULL && accmig_timeline_get_moment (timeline, moment, device, NULL, NULL, NULL);
}

/* @timeline: (nullable) */
static gboolean
get_range (const AccmigTimeline *timeline, AccmigMoment moment, const char *device, Range *ret_range)
{
  gint64 at, precision;
  AccmigOrigin origin;

  if (timeline == NULL || !accmig_timeline_get_moment (timeline, moment, device, &at, &origin, &precision))
    return FALSE;
  ret_range->low = at - precision;
  ret_range->high = origin == ACCMIG_ORIGIN_POLL ? at : at + precision;
  ret_range->origin = origin;
  return TRUE;
}

/* From one moment to a later one on the same clock; FALSE also when the second is the older one, left from
 * before. */
static gboolean
get_stretch (const AccmigTimeline *timeline, AccmigMoment from, AccmigMoment to, const char *device,
             Range *ret_range)
{
  Range earlier, later;

  if (!get_range (timeline, from, device, &earlier) || !get_range (timeline, to, device, &later)
      || later.high < earlier.high)
    return FALSE;
  *ret_range = range_clip (range_between (earlier, later));
  return TRUE;
}

/* ---- two hosts ------------------------------------------------------------------------------- */

typedef struct
{
  gboolean known;
  gint64 downtime_usec;
  gint64 net_usec;
} Libvirt;

/* The two timelines of one move by their role; either may be missing. */
typedef struct
{
  const AccmigTimeline *source;
  const AccmigTimeline *destination;
  Libvirt libvirt;     /* the same on both hosts: the destination sends it back */
  gint64 raw_downtime; /* libvirt's downtime, with or without the net figure, -1 for none; µs */
} Pair;

/* Positive for the source's timeline, negative for the destination's, 0 when nothing in it tells. */
static int
lean (const AccmigTimeline *timeline, const char *device)
{
  if (has_moment (timeline, ACCMIG_MOMENT_LOADED, NULL)
      || has_moment (timeline, ACCMIG_MOMENT_DEVICE_RESUMING, device))
    return -1;
  if (has_moment (timeline, ACCMIG_MOMENT_SENT, NULL) || has_moment (timeline, ACCMIG_MOMENT_GUEST_STOP, NULL)
      || has_moment (timeline, ACCMIG_MOMENT_DEVICE_STOP, device))
    return 1;
  if (has_moment (timeline, ACCMIG_MOMENT_GUEST_RESUME, NULL)
      || has_moment (timeline, ACCMIG_MOMENT_DEVICE_RUNNING, device))
    return -1;
  return 0;
}

/* The net figure is there only when libvirt took both of its ends itself; without it the other one bounds
 * nothing. */
static gboolean
get_libvirt (const AccmigTimeline *timeline, Libvirt *ret_libvirt)
{
  Libvirt libvirt = { .known = TRUE };

  if (timeline == NULL)
    return FALSE;
  accmig_timeline_get_libvirt (timeline, &libvirt.downtime_usec, &libvirt.net_usec);
  if (libvirt.downtime_usec < 0 || libvirt.net_usec < 0)
    return FALSE;
  *ret_libvirt = libvirt;
  return TRUE;
}

/* @timeline: (nullable) */
static gint64
get_raw_downtime (const AccmigTimeline *timeline)
{
  gint64 downtime = -1, net;

  if (timeline != NULL)
    accmig_timeline_get_libvirt (timeline, &downtime, &net);
  return downtime;
}

static Pair
pair_of (const AccmigTimeline *timeline, const AccmigTimeline *peer, const char *device)
{
  gboolean forward = lean (timeline, device) >= lean (peer, device);
  Pair pair = {
    .source = forward ? timeline : peer,
    .destination = forward ? peer : timeline,
    .raw_downtime = get_raw_downtime (timeline),
  };

  if (!get_libvirt (timeline, &pair.libvirt))
    (void)get_libvirt (peer, &pair.libvirt);
  if (pair.raw_downtime < 0)
    pair.raw_downtime = get_raw_downtime (peer);
  return pair;
}

/* Above this the destination's clock cannot be ahead. */
static gboolean
get_skew_high (Pair pair, gint64 *ret_high, AccmigOrigin *ret_origin)
{
  gint64 high = G_MAXINT64;
  Range sent, resumed;

  if (pair.libvirt.known)
    {
      high = pair.libvirt.downtime_usec - pair.libvirt.net_usec + LIBVIRT_ERROR_USEC;
      *ret_origin = ACCMIG_ORIGIN_LIBVIRT;
    }
  if (get_range (pair.source, ACCMIG_MOMENT_SENT, NULL, &sent)
      && get_range (pair.destination, ACCMIG_MOMENT_GUEST_RESUME, NULL, &resumed)
      && range_between (sent, resumed).high < high)
    {
      high = range_between (sent, resumed).high;
      *ret_origin = MAX (sent.origin, resumed.origin);
    }
  *ret_high = high;
  return high != G_MAXINT64;
}

/* By how much the destination's clock is ahead of the source's. Bounds that contradict each other are none:
 * one of the messages was not what it is taken for. */
static gboolean
get_skew (Pair pair, Range *ret_skew)
{
  Range sent, loaded, skew;
  AccmigOrigin origin = ACCMIG_ORIGIN_NONE;
  gint64 high;

  if (!get_range (pair.source, ACCMIG_MOMENT_SENT, NULL, &sent)
      || !get_range (pair.destination, ACCMIG_MOMENT_LOADED, NULL, &loaded)
      || !get_skew_high (pair, &high, &origin))
    return FALSE;
  skew = range_between (sent, loaded);
  if (skew.low > high)
    return FALSE;
  skew.high = high;
  skew.origin = MAX (skew.origin, origin);
  *ret_skew = skew;
  return TRUE;
}

/* From a moment at the source to one at the destination. */
static gboolean
get_crossing (Pair pair, AccmigMoment from, AccmigMoment to, const char *device, Range *ret_range)
{
  Range earlier, later, skew;

  if (!get_range (pair.source, from, device, &earlier) || !get_range (pair.destination, to, device, &later)
      || !get_skew (pair, &skew))
    return FALSE;
  *ret_range = range_between (skew, range_between (earlier, later));
  return TRUE;
}

/* ---- figures --------------------------------------------------------------------------------- */

/* libvirt leaves the net figure out when the clocks are too far apart for it; its other one has their
 * difference in it, but is better than none. */
static gboolean
get_net (Pair pair, Range *ret_range)
{
  gint64 usec = pair.libvirt.known ? pair.libvirt.net_usec : pair.raw_downtime;

  if (usec < 0)
    return FALSE;
  ret_range->low = ret_range->high = usec;
  ret_range->origin = ACCMIG_ORIGIN_LIBVIRT;
  return TRUE;
}

/* What is known of an outage without the clocks' difference; see the top. */
static AccmigFigure
get_known_parts (Pair pair, const char *device)
{
  Range before = { 0 }, net = { 0 }, after = { 0 }, main_part;
  gboolean known = FALSE;
  AccmigFigure figure;

  known |= get_stretch (pair.source, ACCMIG_MOMENT_DEVICE_STOP, ACCMIG_MOMENT_GUEST_STOP, device, &before);
  known |= get_net (pair, &net);
  known |= get_stretch (pair.destination, ACCMIG_MOMENT_GUEST_RESUME, ACCMIG_MOMENT_DEVICE_RUNNING, device,
                        &after);
  if (!known)
    return (AccmigFigure){ 0 };
  main_part = after.high > net.high ? after : net;
  figure = figure_of ((Range){
      .low = before.low + main_part.low,
      .high = before.high + main_part.high,
      .origin = MAX (before.origin, main_part.origin),
  });
  figure.complete = FALSE;
  figure.error_usec = 0;
  return figure;
}

/* Running was seen before the device took its state, and not since: it has not come back yet. */
static gboolean
is_stale (Pair pair, const char *device)
{
  Range resuming, running;

  return get_range (pair.destination, ACCMIG_MOMENT_DEVICE_RESUMING, device, &resuming)
         && get_range (pair.destination, ACCMIG_MOMENT_DEVICE_RUNNING, device, &running)
         && running.high <= resuming.low;
}

AccmigFigure
accmig_timeline_get_outage (const AccmigTimeline *timeline, const char *device, const AccmigTimeline *peer)
{
  Pair pair;
  Range range;
  AccmigFigure figure = { 0 };

  g_return_val_if_fail (timeline != NULL && device != NULL, figure);

  pair = pair_of (timeline, peer, device);
  if (get_stretch (pair.source, ACCMIG_MOMENT_DEVICE_STOP, ACCMIG_MOMENT_DEVICE_RUNNING, device, &range))
    return figure_of (range);
  if (!is_stale (pair, device)
      && get_crossing (pair, ACCMIG_MOMENT_DEVICE_STOP, ACCMIG_MOMENT_DEVICE_RUNNING, device, &range))
    figure = figure_of (range);
  return figure.known ? figure : get_known_parts (pair, device);
}

/* libvirt's own two ends, its figure less the clocks' difference. */
static gboolean
get_libvirt_downtime (Pair pair, Range *ret_range)
{
  Range across, skew;

  if (!pair.libvirt.known || !get_skew (pair, &skew))
    return FALSE;
  across.low = pair.libvirt.downtime_usec - LIBVIRT_ERROR_USEC;
  across.high = pair.libvirt.downtime_usec + LIBVIRT_ERROR_USEC;
  across.origin = ACCMIG_ORIGIN_LIBVIRT;
  *ret_range = range_between (skew, across);
  return TRUE;
}

AccmigFigure
accmig_timeline_get_downtime (const AccmigTimeline *timeline, const AccmigTimeline *peer)
{
  Pair pair;
  Range range;
  AccmigFigure figure = { 0 };

  g_return_val_if_fail (timeline != NULL, figure);

  pair = pair_of (timeline, peer, NULL);
  if (get_stretch (pair.source, ACCMIG_MOMENT_GUEST_STOP, ACCMIG_MOMENT_GUEST_RESUME, NULL, &range))
    return figure_of (range);
  if (get_libvirt_downtime (pair, &range)
      || get_crossing (pair, ACCMIG_MOMENT_GUEST_STOP, ACCMIG_MOMENT_GUEST_RESUME, NULL, &range))
    figure = figure_of (range);
  if (figure.known || !get_net (pair, &range))
    return figure;
  figure = figure_of (range);
  figure.complete = FALSE;
  return figure;
}
