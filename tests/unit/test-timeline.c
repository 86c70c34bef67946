// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Timelines and their figures
 *
 * One move is told in the rows below, always the same, with its numbers chosen so that each figure can be
 * worked out by hand; the rows differ in the clocks, in what was seen and by whom. All times in µs after T0
 * on the source's clock:
 *
 *        0  the device stops                      (DEVICE_STOP)
 *    3 000  the guest has stopped                 (GUEST_STOP); libvirt notices at 3 500, so in its
 *           millisecond 3
 *   50 000  the destination has loaded it all     (LOADED)
 *   52 000  the source hears of it                (SENT)
 *   53 000  libvirt at the source sends its message, which arrives
 *   56 000  at the destination: delta = 3 ms + skew
 *   57 000  the guest is resumed                  (GUEST_RESUME)
 *   61 000  the device runs                       (DEVICE_RUNNING)
 *   61 500  QEMU answers libvirt: downtime = 61 − 3 = 58 ms + skew, net = 58 − 3 = 55 ms
 *
 * The outage is 61 000. The skew lies between LOADED − SENT = skew − 2 000 and the smaller of delta + 1 ms =
 * skew + 4 000 and GUEST_RESUME − SENT = skew + 5 000; so the outage between 57 000 and 63 000:
 * 60 000 ± 3 000.
 */

#include <accmig/timeline.h>

#include <string.h>

#define T0  G_GINT64_CONSTANT (1700000000000000)
#define DEV "hostdev0"

#define M(moment) (1u << ACCMIG_MOMENT_##moment)

static const struct
{
  AccmigMoment moment;
  gboolean at_destination;
  gint64 at;
} story[] = {
  { ACCMIG_MOMENT_DEVICE_STOP, FALSE, 0 },       { ACCMIG_MOMENT_GUEST_STOP, FALSE, 3000 },
  { ACCMIG_MOMENT_SENT, FALSE, 52000 },          { ACCMIG_MOMENT_DEVICE_RESUMING, TRUE, -9000 },
  { ACCMIG_MOMENT_LOADED, TRUE, 50000 },         { ACCMIG_MOMENT_GUEST_RESUME, TRUE, 57000 },
  { ACCMIG_MOMENT_DEVICE_RUNNING, TRUE, 61000 },
};

typedef enum
{
  BOTH,        /* asked at the source, the destination as peer */
  TURNED,      /* the other way round */
  SOURCE,      /* the source alone */
  DESTINATION, /* the destination alone */
} Who;

/* Which of its figures libvirt gave. */
typedef enum
{
  BOTH_FIGURES,
  NO_FIGURE,
  RAW_FIGURE, /* the net one left out */
} Told;

typedef struct
{
  const char *name;
  Who who;
  gint64 skew;
  guint unseen; /* moments left out */
  Told libvirt;
  gint64 poll; /* period in which the device was looked at, which saw everything at once; 0: events */
  AccmigFigure want;
} Case;

#define TOLD(u, e, o)                                                                                        \
  {                                                                                                          \
    .known = TRUE, .complete = TRUE, .usec = u, .error_usec = e, .origin = ACCMIG_ORIGIN_##o                 \
  }
#define PART(u, o)                                                                                           \
  {                                                                                                          \
    .known = TRUE, .complete = FALSE, .usec = u, .origin = ACCMIG_ORIGIN_##o                                 \
  }
#define NOTHING                                                                                              \
  {                                                                                                          \
    .known = FALSE                                                                                           \
  }
#define SECOND G_GINT64_CONSTANT (1000000)

/* clang-format off */
static const Case outages[] = {
  { "clocks agree",               BOTH,        0,            0,                BOTH_FIGURES, 0,    TOLD (60000, 3000, LIBVIRT) },
  { "destination ahead",          BOTH,        5 * SECOND,   0,                BOTH_FIGURES, 0,    TOLD (60000, 3000, LIBVIRT) },
  { "destination a little behind", BOTH,       -40000,       0,                BOTH_FIGURES, 0,    TOLD (60000, 3000, LIBVIRT) },
  { "asked at the destination",   TURNED,      5 * SECOND,   0,                BOTH_FIGURES, 0,    TOLD (60000, 3000, LIBVIRT) },
  /* libvirt gives no figure when the end seems older than the start; the fence is then GUEST_RESUME − SENT: 56 … 63 ms */
  { "destination far behind",     BOTH,        -5 * SECOND,  0,                NO_FIGURE, 0,    TOLD (59500, 3500, QEMU_EVENT) },
  /* each poll may be 20 ms late, so the device ran 41 … 61 and stopped −20 … 0: 41 − 0 − 4 = 37 to 61 + 20 + 2 = 83 */
  { "polls of 20 ms",             BOTH,        SECOND,       0,                BOTH_FIGURES, 20000, TOLD (60000, 23000, LIBVIRT) },
  { "no resuming seen",           BOTH,        SECOND,       M (DEVICE_RESUMING), BOTH_FIGURES, 0, TOLD (60000, 3000, LIBVIRT) },
  { "no resume event, but libvirt", BOTH,      SECOND,       M (GUEST_RESUME), BOTH_FIGURES, 0,    TOLD (60000, 3000, LIBVIRT) },
  /* without a lower fence: 3 ms before the guest's stop, and libvirt's 55 ms */
  { "load not seen",              BOTH,        SECOND,       M (LOADED),       BOTH_FIGURES, 0,    PART (58000, LIBVIRT) },
  { "sent not seen",              BOTH,        SECOND,       M (SENT),         BOTH_FIGURES, 0,    PART (58000, LIBVIRT) },
  { "neither fence",              BOTH,        SECOND,       M (LOADED) | M (GUEST_RESUME), NO_FIGURE, 0, PART (3000, QEMU_EVENT) },
  { "source alone",               SOURCE,      SECOND,       0,                BOTH_FIGURES, 0,    PART (58000, LIBVIRT) },
  { "source alone, no libvirt",   SOURCE,      0,            0,                NO_FIGURE, 0,    PART (3000, QEMU_EVENT) },
  /* the 4 ms from resume to running lie within libvirt's 55 */
  { "destination alone",          DESTINATION, SECOND,       0,                BOTH_FIGURES, 0,    PART (55000, LIBVIRT) },
  { "destination alone, no libvirt", DESTINATION, SECOND,    0,                NO_FIGURE, 0,    PART (4000, QEMU_EVENT) },
  { "stop not seen",              BOTH,        SECOND,       M (DEVICE_STOP),  BOTH_FIGURES, 0,    PART (55000, LIBVIRT) },
  { "running not seen",           BOTH,        SECOND,       M (DEVICE_RUNNING), BOTH_FIGURES, 0,  PART (58000, LIBVIRT) },
  /* libvirt's own figure, with the clocks' difference in it, is all there is between the two stops */
  { "source alone, raw figure",   SOURCE,      2000,         0,                RAW_FIGURE, 0, PART (63000, LIBVIRT) },
  { "destination alone, raw figure", DESTINATION, 2000,      0,                RAW_FIGURE, 0, PART (60000, LIBVIRT) },
  { "raw figure, load not seen",  BOTH,        2000,         M (LOADED),       RAW_FIGURE, 0, PART (63000, LIBVIRT) },
  /* with both ends the clocks' difference is fenced in without libvirt */
  { "both hosts, raw figure",     BOTH,        2000,         0,                RAW_FIGURE, 0, TOLD (59500, 3500, QEMU_EVENT) },
  { "only the stop",              SOURCE,      0,            ~M (DEVICE_STOP), NO_FIGURE, 0,    NOTHING },
  { "nothing",                    BOTH,        0,            ~0u,              NO_FIGURE, 0,    NOTHING },
};

/* The guest's ends at libvirt are 3 and 61 ms: 58 000, less 4 000 … plus 2 000, and a millisecond for the stamps. */
static const Case downtimes[] = {
  { "clocks agree",               BOTH,        0,            0,                BOTH_FIGURES, 0,    TOLD (57000, 4000, LIBVIRT) },
  { "destination ahead",          BOTH,        5 * SECOND,   0,                BOTH_FIGURES, 0,    TOLD (57000, 4000, LIBVIRT) },
  { "asked at the destination",   TURNED,      5 * SECOND,   0,                BOTH_FIGURES, 0,    TOLD (57000, 4000, LIBVIRT) },
  /* STOP to RESUME is 54 000, less 5 000 … plus 2 000 */
  { "destination far behind",     BOTH,        -5 * SECOND,  0,                NO_FIGURE, 0,    TOLD (52500, 3500, QEMU_EVENT) },
  { "source alone",               SOURCE,      SECOND,       0,                BOTH_FIGURES, 0,    PART (55000, LIBVIRT) },
  { "destination alone",          DESTINATION, SECOND,       0,                BOTH_FIGURES, 0,    PART (55000, LIBVIRT) },
  { "load not seen",              BOTH,        SECOND,       M (LOADED),       BOTH_FIGURES, 0,    PART (55000, LIBVIRT) },
  { "raw figure, source alone",   SOURCE,      2000,         0,                RAW_FIGURE, 0, PART (60000, LIBVIRT) },
  { "raw figure, destination alone", DESTINATION, 2000,      0,                RAW_FIGURE, 0, PART (60000, LIBVIRT) },
  { "raw figure, load not seen",  BOTH,        2000,         M (LOADED),       RAW_FIGURE, 0, PART (60000, LIBVIRT) },
  { "raw figure, both hosts",     BOTH,        2000,         0,                RAW_FIGURE, 0, TOLD (52500, 3500, QEMU_EVENT) },
  { "no libvirt, one host",       SOURCE,      SECOND,       0,                NO_FIGURE, 0,    NOTHING },
};
/* clang-format on */

static void
tell (AccmigTimeline *source, AccmigTimeline *destination, const Case *c)
{
  for (gsize i = 0; i < G_N_ELEMENTS (story); i++)
    {
      AccmigTimeline *timeline = story[i].at_destination ? destination : source;
      gboolean of_device = accmig_moment_is_of_device (story[i].moment);
      gboolean polled = c->poll > 0 && of_device;

      if ((c->unseen & (1u << story[i].moment)) == 0)
        accmig_timeline_mark (timeline, story[i].moment, of_device ? DEV : NULL,
                              T0 + story[i].at + (story[i].at_destination ? c->skew : 0),
                              polled ? ACCMIG_ORIGIN_POLL : ACCMIG_ORIGIN_QEMU_EVENT, polled ? c->poll : 0);
    }
  if (c->libvirt != NO_FIGURE)
    {
      gint64 net = c->libvirt == BOTH_FIGURES ? 55000 : -1;

      accmig_timeline_set_libvirt (source, 58000 + c->skew, net);
      accmig_timeline_set_libvirt (destination, 58000 + c->skew, net);
    }
}

static void
check_figure (AccmigFigure got, AccmigFigure want)
{
  g_assert_cmpint (got.known, ==, want.known);
  g_assert_cmpint (got.complete, ==, want.complete);
  g_assert_cmpint (got.usec, ==, want.usec);
  g_assert_cmpint (got.error_usec, ==, want.error_usec);
  g_assert_cmpstr (accmig_origin_to_string (got.origin), ==, accmig_origin_to_string (want.origin));
}

static void
check_case (const Case *c, gboolean downtime)
{
  g_autoptr (AccmigTimeline) source = accmig_timeline_new ();
  g_autoptr (AccmigTimeline) destination = accmig_timeline_new ();
  gboolean from_source = c->who == BOTH || c->who == SOURCE;
  const AccmigTimeline *asked = from_source ? source : destination;
  const AccmigTimeline *peer = NULL;

  tell (source, destination, c);
  if (c->who == BOTH || c->who == TURNED)
    peer = from_source ? destination : source;
  check_figure (downtime ? accmig_timeline_get_downtime (asked, peer)
                         : accmig_timeline_get_outage (asked, DEV, peer),
                c->want);
}

static void
test_outage (gconstpointer data)
{
  check_case (data, FALSE);
}

static void
test_downtime (gconstpointer data)
{
  check_case (data, TRUE);
}

/* ---- a simulation as second opinion ---------------------------------------------------------- */

static gint64
wobble (GRand *rand, gint64 precision)
{
  return g_rand_int_range (rand, -precision, precision + 1);
}

static gint64
milliseconds (gint64 usec)
{
  return usec / 1000 * 1000;
}

/* Moves drawn by lot, told with clocks that differ and events that are off by what they admit. Whatever is
 * said to be complete must hold the truth. The draws follow only from what cannot be otherwise: a message
 * arrives after it is sent. */
static void
test_bound_holds (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (4711);
  guint complete = 0;

  for (int i = 0; i < 20000; i++)
    {
      g_autoptr (AccmigTimeline) source = accmig_timeline_new ();
      g_autoptr (AccmigTimeline) destination = accmig_timeline_new ();
      gint64 skew = (gint64)g_rand_int_range (rand, -3000000, 3000000);
      gint64 precision = g_rand_int_range (rand, 0, 200), poll = g_rand_int_range (rand, 1, 30000);
      gint64 stop = T0 + g_rand_int_range (rand, 0, 100000);
      gint64 halt = stop + g_rand_int_range (rand, 0, 5000);
      gint64 heard = halt + g_rand_int_range (rand, 0, 3000);
      gint64 loaded = heard + g_rand_int_range (rand, 0, 100000);
      gint64 sent = loaded + g_rand_int_range (rand, 0, 5000);
      gint64 asked = sent + g_rand_int_range (rand, 0, 5000);
      gint64 arrived = asked + g_rand_int_range (rand, 0, 10000);
      gint64 resumed = arrived + g_rand_int_range (rand, 0, 3000);
      gint64 running = resumed + g_rand_int_range (rand, 0, 20000);
      gint64 answered = running + g_rand_int_range (rand, 0, 2000);
      gint64 across = milliseconds (answered + skew) - milliseconds (heard);
      gint64 delta = milliseconds (arrived + skew) - milliseconds (asked);
      AccmigFigure outage, downtime;

      accmig_timeline_mark (source, ACCMIG_MOMENT_DEVICE_STOP, DEV, stop + wobble (rand, precision),
                            ACCMIG_ORIGIN_TRACE, precision);
      accmig_timeline_mark (source, ACCMIG_MOMENT_GUEST_STOP, NULL, halt + wobble (rand, precision),
                            ACCMIG_ORIGIN_QEMU_EVENT, precision);
      accmig_timeline_mark (source, ACCMIG_MOMENT_SENT, NULL, sent + wobble (rand, precision),
                            ACCMIG_ORIGIN_QEMU_EVENT, precision);
      accmig_timeline_mark (destination, ACCMIG_MOMENT_LOADED, NULL, loaded + skew + wobble (rand, precision),
                            ACCMIG_ORIGIN_QEMU_EVENT, precision);
      accmig_timeline_mark (destination, ACCMIG_MOMENT_GUEST_RESUME, NULL,
                            resumed + skew + wobble (rand, precision), ACCMIG_ORIGIN_QEMU_EVENT, precision);
      accmig_timeline_mark (destination, ACCMIG_MOMENT_DEVICE_RUNNING, DEV,
                            running + skew + g_rand_int_range (rand, 0, poll), ACCMIG_ORIGIN_POLL, poll);
      if (across >= 0 && delta < across)
        accmig_timeline_set_libvirt (source, across, across - delta);
      outage = accmig_timeline_get_outage (source, DEV, destination);
      downtime = accmig_timeline_get_downtime (destination, source);
      g_assert_true (outage.known && downtime.known);
      complete += outage.complete;
      if (outage.complete)
        g_assert_cmpint (ABS (running - stop - outage.usec), <=, outage.error_usec);
      if (downtime.complete && downtime.origin == ACCMIG_ORIGIN_LIBVIRT)
        g_assert_cmpint (ABS (answered - heard - downtime.usec), <=, downtime.error_usec);
      if (downtime.complete && downtime.origin == ACCMIG_ORIGIN_QEMU_EVENT)
        g_assert_cmpint (ABS (resumed - halt - downtime.usec), <=, downtime.error_usec);
    }
  g_assert_cmpuint (complete, ==, 20000);
}

/* ---- marks ----------------------------------------------------------------------------------- */

/* A failed migration: the device went back to running where it was, which needs no other clock. */
static void
test_came_back (void)
{
  g_autoptr (AccmigTimeline) t = accmig_timeline_new ();

  accmig_timeline_mark (t, ACCMIG_MOMENT_DEVICE_STOP, DEV, T0, ACCMIG_ORIGIN_TRACE, 1);
  accmig_timeline_mark (t, ACCMIG_MOMENT_GUEST_STOP, NULL, T0 + 3000, ACCMIG_ORIGIN_QEMU_EVENT, 1);
  accmig_timeline_mark (t, ACCMIG_MOMENT_GUEST_RESUME, NULL, T0 + 80000, ACCMIG_ORIGIN_QEMU_EVENT, 1);
  accmig_timeline_mark (t, ACCMIG_MOMENT_DEVICE_RUNNING, DEV, T0 + 82000, ACCMIG_ORIGIN_TRACE, 1);
  check_figure (accmig_timeline_get_outage (t, DEV, NULL), (AccmigFigure)TOLD (82000, 2, TRACE));
  check_figure (accmig_timeline_get_downtime (t, NULL), (AccmigFigure)TOLD (77000, 2, QEMU_EVENT));
}

/* The running of an earlier attempt, older than the stop, ends nothing. */
static void
test_old_running (void)
{
  g_autoptr (AccmigTimeline) t = accmig_timeline_new ();

  accmig_timeline_mark (t, ACCMIG_MOMENT_DEVICE_RUNNING, DEV, T0, ACCMIG_ORIGIN_TRACE, 0);
  accmig_timeline_mark (t, ACCMIG_MOMENT_DEVICE_STOP, DEV, T0 + 5000, ACCMIG_ORIGIN_TRACE, 0);
  g_assert_false (accmig_timeline_get_outage (t, DEV, NULL).known);
}

/* A device that was running while it waited, then took its state, has not come back yet. */
static void
test_still_resuming (void)
{
  g_autoptr (AccmigTimeline) source = accmig_timeline_new ();
  g_autoptr (AccmigTimeline) destination = accmig_timeline_new ();
  const Case c = { .unseen = M (DEVICE_RUNNING) | M (DEVICE_RESUMING) };

  tell (source, destination, &c);
  accmig_timeline_mark (destination, ACCMIG_MOMENT_DEVICE_RUNNING, DEV, T0 - 1000, ACCMIG_ORIGIN_QEMU_EVENT,
                        0);
  accmig_timeline_mark (destination, ACCMIG_MOMENT_DEVICE_RESUMING, DEV, T0 + 1000, ACCMIG_ORIGIN_QEMU_EVENT,
                        0);
  check_figure (accmig_timeline_get_outage (source, DEV, destination), (AccmigFigure)PART (58000, LIBVIRT));
}

/* The same seen by looking every 50 ms: nobody knows what it was between the two looks. */
static void
test_still_resuming_polled (void)
{
  g_autoptr (AccmigTimeline) source = accmig_timeline_new ();
  g_autoptr (AccmigTimeline) destination = accmig_timeline_new ();
  const Case c = { .unseen = M (DEVICE_RUNNING) | M (DEVICE_RESUMING) };

  tell (source, destination, &c);
  accmig_timeline_mark (destination, ACCMIG_MOMENT_DEVICE_RUNNING, DEV, T0 + 5000, ACCMIG_ORIGIN_POLL, 50000);
  accmig_timeline_mark (destination, ACCMIG_MOMENT_DEVICE_RESUMING, DEV, T0 + 55000, ACCMIG_ORIGIN_POLL,
                        50000);
  check_figure (accmig_timeline_get_outage (source, DEV, destination), (AccmigFigure)PART (58000, LIBVIRT));
}

/* Looks that find the device still running do not move the end of its outage. */
static void
test_looks_go_on (void)
{
  g_autoptr (AccmigTimeline) source = accmig_timeline_new ();
  g_autoptr (AccmigTimeline) destination = accmig_timeline_new ();
  const Case c = { .unseen = M (DEVICE_RUNNING) };
  AccmigFigure first;

  tell (source, destination, &c);
  accmig_timeline_mark (destination, ACCMIG_MOMENT_DEVICE_RUNNING, DEV, T0 + 80000, ACCMIG_ORIGIN_POLL,
                        50000);
  first = accmig_timeline_get_outage (source, DEV, destination);
  g_assert_true (first.complete);
  for (int i = 1; i < 5; i++)
    {
      accmig_timeline_mark (destination, ACCMIG_MOMENT_DEVICE_RUNNING, DEV, T0 + 80000 + i * 50000,
                            ACCMIG_ORIGIN_POLL, 50000);
      check_figure (accmig_timeline_get_outage (source, DEV, destination), first);
    }
}

/* Repaired three seconds after the guest went on: that counts, and libvirt's figure is within it. */
static void
test_late_repair (void)
{
  g_autoptr (AccmigTimeline) source = accmig_timeline_new ();
  g_autoptr (AccmigTimeline) destination = accmig_timeline_new ();
  const Case c = { .unseen = M (DEVICE_RUNNING) };

  tell (source, destination, &c);
  accmig_timeline_mark (destination, ACCMIG_MOMENT_DEVICE_RUNNING, DEV, T0 + 57000 + 3 * SECOND,
                        ACCMIG_ORIGIN_TRACE, 0);
  check_figure (accmig_timeline_get_outage (destination, DEV, NULL),
                (AccmigFigure)PART (3 * SECOND, QEMU_EVENT));
  check_figure (accmig_timeline_get_outage (source, DEV, destination),
                (AccmigFigure)TOLD (3 * SECOND + 56000, 3000, LIBVIRT));
}

/* Told by a tunnelled migration: the source was done before the destination had loaded, further than any
 * transit. */
static void
test_contradiction (void)
{
  g_autoptr (AccmigTimeline) source = accmig_timeline_new ();
  g_autoptr (AccmigTimeline) destination = accmig_timeline_new ();
  const Case c = { .unseen = M (LOADED) };

  tell (source, destination, &c);
  accmig_timeline_mark (destination, ACCMIG_MOMENT_LOADED, NULL, T0 + 56500, ACCMIG_ORIGIN_QEMU_EVENT, 0);
  check_figure (accmig_timeline_get_outage (source, DEV, destination), (AccmigFigure)PART (58000, LIBVIRT));
}

static void
check_mark (const AccmigTimeline *t, AccmigMoment moment, gint64 at, AccmigOrigin origin)
{
  gint64 got_at = -1;
  AccmigOrigin got_origin = ACCMIG_ORIGIN_NONE;

  g_assert_true (accmig_timeline_get_moment (t, moment, DEV, &got_at, &got_origin, NULL));
  g_assert_cmpint (got_at, ==, at);
  g_assert_cmpint (got_origin, ==, origin);
}

static void
test_replacing (void)
{
  g_autoptr (AccmigTimeline) t = accmig_timeline_new ();

  accmig_timeline_mark (t, ACCMIG_MOMENT_DEVICE_STOP, DEV, 100, ACCMIG_ORIGIN_POLL, 50);
  accmig_timeline_mark (t, ACCMIG_MOMENT_DEVICE_STOP, DEV, 120, ACCMIG_ORIGIN_POLL, 50);
  check_mark (t, ACCMIG_MOMENT_DEVICE_STOP, 100, ACCMIG_ORIGIN_POLL);
  accmig_timeline_mark (t, ACCMIG_MOMENT_DEVICE_STOP, DEV, 90, ACCMIG_ORIGIN_TRACE, 1);
  check_mark (t, ACCMIG_MOMENT_DEVICE_STOP, 90, ACCMIG_ORIGIN_TRACE);
  accmig_timeline_mark (t, ACCMIG_MOMENT_DEVICE_STOP, DEV, 95, ACCMIG_ORIGIN_QEMU_EVENT, 1);
  accmig_timeline_mark (t, ACCMIG_MOMENT_DEVICE_STOP, DEV, 96, ACCMIG_ORIGIN_NONE, 1);
  check_mark (t, ACCMIG_MOMENT_DEVICE_STOP, 90, ACCMIG_ORIGIN_TRACE);
  accmig_timeline_unmark (t, ACCMIG_MOMENT_DEVICE_STOP, DEV);
  g_assert_false (accmig_timeline_get_moment (t, ACCMIG_MOMENT_DEVICE_STOP, DEV, NULL, NULL, NULL));
  accmig_timeline_mark (t, ACCMIG_MOMENT_DEVICE_STOP, DEV, 200, ACCMIG_ORIGIN_POLL, 50);
  check_mark (t, ACCMIG_MOMENT_DEVICE_STOP, 200, ACCMIG_ORIGIN_POLL);

  accmig_timeline_mark (t, ACCMIG_MOMENT_DEVICE_RUNNING, DEV, 300, ACCMIG_ORIGIN_QEMU_EVENT, 1);
  accmig_timeline_mark (t, ACCMIG_MOMENT_DEVICE_RUNNING, DEV, 310, ACCMIG_ORIGIN_QEMU_EVENT, 1);
  check_mark (t, ACCMIG_MOMENT_DEVICE_RUNNING, 310, ACCMIG_ORIGIN_QEMU_EVENT);
  accmig_timeline_mark (t, ACCMIG_MOMENT_DEVICE_RUNNING, DEV, 320, ACCMIG_ORIGIN_POLL, 1);
  check_mark (t, ACCMIG_MOMENT_DEVICE_RUNNING, 310, ACCMIG_ORIGIN_QEMU_EVENT);
}

/* A look replaces a look only when the device did something else in between. */
static void
test_replacing_polls (void)
{
  static const AccmigMoment others[] = { ACCMIG_MOMENT_DEVICE_STOP, ACCMIG_MOMENT_DEVICE_RESUMING };

  for (gsize i = 0; i < G_N_ELEMENTS (others); i++)
    {
      g_autoptr (AccmigTimeline) t = accmig_timeline_new ();

      accmig_timeline_mark (t, others[i], DEV, 50, ACCMIG_ORIGIN_POLL, 50);
      accmig_timeline_mark (t, ACCMIG_MOMENT_DEVICE_RUNNING, DEV, 100, ACCMIG_ORIGIN_POLL, 50);
      accmig_timeline_mark (t, ACCMIG_MOMENT_DEVICE_RUNNING, DEV, 150, ACCMIG_ORIGIN_POLL, 50);
      check_mark (t, ACCMIG_MOMENT_DEVICE_RUNNING, 100, ACCMIG_ORIGIN_POLL);
      accmig_timeline_unmark (t, others[i], DEV);
      accmig_timeline_mark (t, others[i], DEV, 200, ACCMIG_ORIGIN_QEMU_EVENT, 1);
      accmig_timeline_mark (t, ACCMIG_MOMENT_DEVICE_RUNNING, DEV, 250, ACCMIG_ORIGIN_POLL, 50);
      check_mark (t, ACCMIG_MOMENT_DEVICE_RUNNING, 250, ACCMIG_ORIGIN_POLL);
      accmig_timeline_mark (t, ACCMIG_MOMENT_DEVICE_RUNNING, DEV, 300, ACCMIG_ORIGIN_POLL, 50);
      check_mark (t, ACCMIG_MOMENT_DEVICE_RUNNING, 250, ACCMIG_ORIGIN_POLL);
      accmig_timeline_unmark (t, ACCMIG_MOMENT_DEVICE_RUNNING, DEV);
      accmig_timeline_mark (t, ACCMIG_MOMENT_DEVICE_RUNNING, DEV, 350, ACCMIG_ORIGIN_POLL, 50);
      check_mark (t, ACCMIG_MOMENT_DEVICE_RUNNING, 350, ACCMIG_ORIGIN_POLL);
    }
}

static void
test_bad_marks (void)
{
  g_autoptr (AccmigTimeline) t = accmig_timeline_new ();
  g_auto (GStrv) devices = NULL;
  gint64 downtime, net;

  accmig_timeline_mark (t, ACCMIG_MOMENT_DEVICE_STOP, DEV, -1, ACCMIG_ORIGIN_POLL, 0);
  accmig_timeline_mark (t, ACCMIG_MOMENT_DEVICE_STOP, DEV, G_MAXINT64, ACCMIG_ORIGIN_POLL, 0);
  accmig_timeline_mark (t, ACCMIG_MOMENT_DEVICE_STOP, "", T0, ACCMIG_ORIGIN_POLL, 0);
  accmig_timeline_mark (t, ACCMIG_MOMENT_DEVICE_STOP, "a\nb", T0, ACCMIG_ORIGIN_POLL, 0);
  for (int i = 0; i < 200; i++)
    {
      g_autofree char *name = g_strdup_printf ("hostdev%03d", i);

      accmig_timeline_mark (t, ACCMIG_MOMENT_DEVICE_STOP, name, T0, ACCMIG_ORIGIN_POLL, G_MAXINT64);
    }
  devices = accmig_timeline_get_devices (t);
  g_assert_cmpuint (g_strv_length (devices), ==, ACCMIG_TIMELINE_MAX_DEVICES);
  g_assert_cmpstr (devices[0], ==, "hostdev000");
  g_assert_cmpstr (devices[63], ==, "hostdev063");
  g_assert_false (accmig_timeline_get_outage (t, "hostdev000", NULL).known);

  accmig_timeline_set_libvirt (t, G_MAXINT64, -7);
  accmig_timeline_get_libvirt (t, &downtime, &net);
  g_assert_cmpint (downtime, ==, -1);
  g_assert_cmpint (net, ==, -1);
}

/* ---- JSON ------------------------------------------------------------------------------------ */

#define JSON_MOMENT                                                                                          \
  "{\"at_usec\":5,\"device\":\"hostdev0\",\"moment\":\"device-stop\",\"origin\":\"poll\",\"precision_"       \
  "usec\":2}"
#define JSON_WITH(members) "{\"format\":\"accmig-timeline/1\"," members "}"

static void
test_json_form (void)
{
  g_autoptr (AccmigTimeline) t = accmig_timeline_new ();
  g_autofree char *text = NULL;

  accmig_timeline_mark (t, ACCMIG_MOMENT_DEVICE_STOP, DEV, 5, ACCMIG_ORIGIN_POLL, 2);
  accmig_timeline_mark (t, ACCMIG_MOMENT_GUEST_STOP, NULL, 7, ACCMIG_ORIGIN_QEMU_EVENT, 1);
  accmig_timeline_set_libvirt (t, 9000, 8000);
  text = accmig_timeline_to_json (t);
  g_assert_cmpstr (
      text, ==,
      "{\"downtime_net_usec\":8000,\"downtime_usec\":9000,\"format\":\"accmig-timeline/1\",\"moments\":["
      "{\"at_usec\":7,\"moment\":\"guest-stop\",\"origin\":\"qemu-event\",\"precision_usec\":1}," JSON_MOMENT
      "]}");
}

static void
test_json_round_trip (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (outages); i++)
    {
      g_autoptr (AccmigTimeline) source = accmig_timeline_new ();
      g_autoptr (AccmigTimeline) destination = accmig_timeline_new ();
      g_autoptr (AccmigTimeline) again = NULL;
      g_autoptr (GError) error = NULL;
      g_autofree char *first = NULL, *second = NULL;

      tell (source, destination, &outages[i]);
      first = accmig_timeline_to_json (destination);
      again = accmig_timeline_new_from_json (first, &error);
      g_assert_no_error (error);
      second = accmig_timeline_to_json (again);
      g_assert_cmpstr (first, ==, second);
      check_figure (accmig_timeline_get_outage (source, DEV, again),
                    accmig_timeline_get_outage (source, DEV, destination));
    }
}

static const struct
{
  const char *name;
  const char *text;
  int code; /* -1: accepted */
} texts[] = {
  { "least", JSON_WITH ("\"moments\":[]"), -1 },
  { "unknown member", JSON_WITH ("\"moments\":[],\"colour\":\"red\""), -1 },
  { "one moment", JSON_WITH ("\"moments\":[" JSON_MOMENT "]"), -1 },
  { "empty", "", ACCMIG_ERROR_INVALID },
  { "no object", "[]", ACCMIG_ERROR_INVALID },
  { "no format", "{\"moments\":[]}", ACCMIG_ERROR_INVALID },
  { "other format", "{\"format\":\"accmig-timeline/2\",\"moments\":[]}", ACCMIG_ERROR_INVALID },
  { "format a number", "{\"format\":1,\"moments\":[]}", ACCMIG_ERROR_INVALID },
  { "no moments", "{\"format\":\"accmig-timeline/1\"}", ACCMIG_ERROR_INVALID },
  { "moments an object", JSON_WITH ("\"moments\":{}"), ACCMIG_ERROR_INVALID },
  { "moment a number", JSON_WITH ("\"moments\":[1]"), ACCMIG_ERROR_INVALID },
  { "moment null", JSON_WITH ("\"moments\":[null]"), ACCMIG_ERROR_INVALID },
  { "same moment twice", JSON_WITH ("\"moments\":[" JSON_MOMENT "," JSON_MOMENT "]"), ACCMIG_ERROR_INVALID },
  { "negative downtime", JSON_WITH ("\"downtime_usec\":-1,\"moments\":[]"), ACCMIG_ERROR_INVALID },
  { "downtime beyond range", JSON_WITH ("\"downtime_usec\":9007199254740993,\"moments\":[]"),
    ACCMIG_ERROR_INVALID },
  { "downtime a string", JSON_WITH ("\"downtime_usec\":\"1\",\"moments\":[]"), ACCMIG_ERROR_INVALID },
  { "downtime a fraction", JSON_WITH ("\"downtime_usec\":1.5,\"moments\":[]"), ACCMIG_ERROR_INVALID },
  { "member twice", JSON_WITH ("\"downtime_usec\":1,\"downtime_usec\":2,\"moments\":[]"),
    ACCMIG_ERROR_INVALID },
  { "unknown moment",
    JSON_WITH ("\"moments\":[{\"at_usec\":5,\"moment\":\"lunch\",\"origin\":\"poll\",\"precision_usec\":2}]"),
    ACCMIG_ERROR_INVALID },
  { "unknown origin",
    JSON_WITH (
        "\"moments\":[{\"at_usec\":5,\"moment\":\"sent\",\"origin\":\"rumour\",\"precision_usec\":2}]"),
    ACCMIG_ERROR_INVALID },
  { "origin none",
    JSON_WITH ("\"moments\":[{\"at_usec\":5,\"moment\":\"sent\",\"origin\":\"none\",\"precision_usec\":2}]"),
    ACCMIG_ERROR_INVALID },
  { "no precision", JSON_WITH ("\"moments\":[{\"at_usec\":5,\"moment\":\"sent\",\"origin\":\"poll\"}]"),
    ACCMIG_ERROR_INVALID },
  { "guest moment with device",
    JSON_WITH ("\"moments\":[{\"at_usec\":5,\"device\":\"hostdev0\",\"moment\":\"sent\",\"origin\":\"poll\","
               "\"precision_usec\":2}]"),
    ACCMIG_ERROR_INVALID },
  { "device moment without",
    JSON_WITH (
        "\"moments\":[{\"at_usec\":5,\"moment\":\"device-stop\",\"origin\":\"poll\",\"precision_usec\":2}]"),
    ACCMIG_ERROR_INVALID },
  { "device no alias",
    JSON_WITH (
        "\"moments\":[{\"at_usec\":5,\"device\":\"../x\",\"moment\":\"device-stop\",\"origin\":\"poll\","
        "\"precision_usec\":2}]"),
    ACCMIG_ERROR_INVALID },
  { "not UTF-8", JSON_WITH ("\"x\":\"\xff\",\"moments\":[]"), ACCMIG_ERROR_INVALID },
  { "too deep", JSON_WITH ("\"x\":[[[[1]]]],\"moments\":[]"), ACCMIG_ERROR_LIMIT },
};

static void
test_json_text (gconstpointer data)
{
  gsize i = GPOINTER_TO_SIZE (data);
  g_autoptr (GError) error = NULL;
  g_autoptr (AccmigTimeline) t = accmig_timeline_new_from_json (texts[i].text, &error);

  if (texts[i].code < 0)
    {
      g_assert_no_error (error);
      g_assert_nonnull (t);
      return;
    }
  g_assert_error (error, ACCMIG_ERROR, texts[i].code);
  g_assert_null (t);
}

static void
test_json_limits (void)
{
  g_autofree char *big = g_strnfill (ACCMIG_TIMELINE_MAX_SIZE + 1, ' ');
  g_autofree char *deep = g_strnfill (ACCMIG_TIMELINE_MAX_SIZE, '[');
  g_autoptr (GString) many = g_string_new ("{\"format\":\"accmig-timeline/1\",\"moments\":[");
  g_autoptr (GError) error = NULL;

  g_assert_null (accmig_timeline_new_from_json (big, &error));
  g_assert_error (error, ACCMIG_ERROR, ACCMIG_ERROR_LIMIT);
  g_clear_error (&error);
  g_assert_null (accmig_timeline_new_from_json (deep, &error));
  g_assert_nonnull (error);
  g_clear_error (&error);
  for (int i = 0; i <= ACCMIG_TIMELINE_MAX_DEVICES; i++)
    g_string_append_printf (
        many,
        "%s{\"at_usec\":5,\"device\":\"d%d\",\"moment\":\"device-stop\",\"origin\":\"poll\","
        "\"precision_usec\":2}",
        i > 0 ? "," : "", i);
  g_string_append (many, "]}");
  g_assert_null (accmig_timeline_new_from_json (many->str, &error));
  g_assert_error (error, ACCMIG_ERROR, ACCMIG_ERROR_LIMIT);
}

static void
test_json_noise (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (1);
  const char *seed = JSON_WITH ("\"downtime_usec\":1,\"moments\":[" JSON_MOMENT "]");

  for (int i = 0; i < 20000; i++)
    {
      g_autofree char *text = g_strdup (seed);
      g_autoptr (AccmigTimeline) t = NULL;

      for (int n = g_rand_int_range (rand, 1, 4); n > 0; n--)
        text[g_rand_int_range (rand, 0, (gint32)strlen (seed))] = (char)g_rand_int_range (rand, 1, 256);
      t = accmig_timeline_new_from_json (text, NULL);
      if (t != NULL)
        (void)accmig_timeline_get_outage (t, DEV, t);
    }
}

static void
add_cases (const char *path, const Case *cases, gsize n, GTestDataFunc test)
{
  for (gsize i = 0; i < n; i++)
    {
      g_autofree char *name = g_strdup_printf ("%s/%s", path, cases[i].name);

      g_test_add_data_func (name, &cases[i], test);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  add_cases ("/timeline/outage", outages, G_N_ELEMENTS (outages), test_outage);
  add_cases ("/timeline/downtime", downtimes, G_N_ELEMENTS (downtimes), test_downtime);
  g_test_add_func ("/timeline/bound-holds", test_bound_holds);
  g_test_add_func ("/timeline/came-back", test_came_back);
  g_test_add_func ("/timeline/old-running", test_old_running);
  g_test_add_func ("/timeline/still-resuming", test_still_resuming);
  g_test_add_func ("/timeline/still-resuming-polled", test_still_resuming_polled);
  g_test_add_func ("/timeline/looks-go-on", test_looks_go_on);
  g_test_add_func ("/timeline/late-repair", test_late_repair);
  g_test_add_func ("/timeline/contradiction", test_contradiction);
  g_test_add_func ("/timeline/mark/replacing", test_replacing);
  g_test_add_func ("/timeline/mark/replacing-polls", test_replacing_polls);
  g_test_add_func ("/timeline/mark/bad", test_bad_marks);
  g_test_add_func ("/timeline/json/form", test_json_form);
  g_test_add_func ("/timeline/json/round-trip", test_json_round_trip);
  g_test_add_func ("/timeline/json/limits", test_json_limits);
  g_test_add_func ("/timeline/json/noise", test_json_noise);
  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autofree char *name = g_strdup_printf ("/timeline/json/text/%s", texts[i].name);

      g_test_add_data_func (name, GSIZE_TO_POINTER (i), test_json_text);
    }
  return g_test_run ();
}
