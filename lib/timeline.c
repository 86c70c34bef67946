// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Timelines
 *
 * The moments that one host saw of one migration, each with its origin and precision, and libvirt's two
 * durations. What they come to is worked out in timeline-figures.c; how they are kept, in timeline-json.c.
 *
 * Names and times may come from QEMU, so from a guest that took it over: their number and range is bounded
 * here.
 */

#include <accmig/domain.h>
#include <accmig/timeline.h>

#include <string.h>

#define TIME_MAX ((gint64)1 << 53) /* µs: sums cannot overflow, and JSON carries it exactly */

typedef struct
{
  gint64 at_usec;
  gint64 precision_usec;
  AccmigOrigin origin; /* NONE: not known */
} Mark;

typedef struct
{
  Mark marks[ACCMIG_N_MOMENTS];
} Row;

struct _AccmigTimeline
{
  Row guest;
  GHashTable *devices; /* alias → Row */
  gint64 downtime_usec;
  gint64 downtime_net_usec;
};

static const struct
{
  const char *name;
  gboolean of_device;
} moments[] = {
  [ACCMIG_MOMENT_DEVICE_STOP] = { "device-stop", TRUE },
  [ACCMIG_MOMENT_GUEST_STOP] = { "guest-stop", FALSE },
  [ACCMIG_MOMENT_SENT] = { "sent", FALSE },
  [ACCMIG_MOMENT_DEVICE_RESUMING] = { "device-resuming", TRUE },
  [ACCMIG_MOMENT_LOADED] = { "loaded", FALSE },
  [ACCMIG_MOMENT_GUEST_RESUME] = { "guest-resume", FALSE },
  [ACCMIG_MOMENT_DEVICE_RUNNING] = { "device-running", TRUE },
};
G_STATIC_ASSERT (G_N_ELEMENTS (moments) == ACCMIG_N_MOMENTS);

static const char *const origin_names[] = {
  [ACCMIG_ORIGIN_NONE] = "none",
  [ACCMIG_ORIGIN_TRACE] = "trace",
  [ACCMIG_ORIGIN_QEMU_EVENT] = "qemu-event",
  [ACCMIG_ORIGIN_POLL] = "poll",
  [ACCMIG_ORIGIN_LIBVIRT] = "libvirt",
};

static Row *
find_row (const AccmigTimeline *timeline, AccmigMoment moment, const char *device)
{
  if (!moments[moment].of_device)
    return (Row *)&timeline->guest;
  return device == NULL ? NULL : g_hash_table_lookup (timeline->devices, device);
}

static const Mark *
find_mark (const AccmigTimeline *timeline, AccmigMoment moment, const char *device)
{
  const Row *row = find_row (timeline, moment, device);

  return row == NULL || row->marks[moment].origin == ACCMIG_ORIGIN_NONE ? NULL : &row->marks[moment];
}

/* The row to write to, created for a device not seen yet; NULL when there is no room or no such name. */
static Row *
obtain_row (AccmigTimeline *timeline, AccmigMoment moment, const char *device)
{
  Row *row = find_row (timeline, moment, device);

  if (row != NULL || !accmig_alias_is_valid (device)
      || g_hash_table_size (timeline->devices) >= ACCMIG_TIMELINE_MAX_DEVICES)
    return row;
  row = g_new0 (Row, 1);
  g_hash_table_insert (timeline->devices, g_strdup (device), row);
  return row;
}

/* Whether the device was seen otherwise after it was seen running. */
static gboolean
left_running (const Row *row)
{
  const Mark *running = &row->marks[ACCMIG_MOMENT_DEVICE_RUNNING];
  const Mark *stop = &row->marks[ACCMIG_MOMENT_DEVICE_STOP];
  const Mark *resuming = &row->marks[ACCMIG_MOMENT_DEVICE_RESUMING];

  return (stop->origin != ACCMIG_ORIGIN_NONE && stop->at_usec > running->at_usec)
         || (resuming->origin != ACCMIG_ORIGIN_NONE && resuming->at_usec > running->at_usec);
}

/* Whether a mark of @origin takes the place of @row's. An event tells a change, a poll only what is. */
static gboolean
mark_replaces (const Row *row, AccmigMoment moment, AccmigOrigin origin)
{
  const Mark *old = &row->marks[moment];

  if (old->origin == ACCMIG_ORIGIN_NONE || origin < old->origin)
    return TRUE;
  if (origin != old->origin || moment != ACCMIG_MOMENT_DEVICE_RUNNING)
    return FALSE;
  return origin != ACCMIG_ORIGIN_POLL || left_running (row);
}

const char *
accmig_origin_to_string (AccmigOrigin origin)
{
  g_return_val_if_fail (origin < G_N_ELEMENTS (origin_names), "none");

  return origin_names[origin];
}

const char *
accmig_moment_to_string (AccmigMoment moment)
{
  g_return_val_if_fail (moment < ACCMIG_N_MOMENTS, "none");

  return moments[moment].name;
}

gboolean
accmig_moment_is_of_device (AccmigMoment moment)
{
  g_return_val_if_fail (moment < ACCMIG_N_MOMENTS, FALSE);

  return moments[moment].of_device;
}

AccmigTimeline *
accmig_timeline_new (void)
{
  AccmigTimeline *timeline = g_new0 (AccmigTimeline, 1);

  timeline->devices = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  timeline->downtime_usec = -1;
  timeline->downtime_net_usec = -1;
  return timeline;
}

void
accmig_timeline_free (AccmigTimeline *timeline)
{
  if (timeline == NULL)
    return;
  g_hash_table_unref (timeline->devices);
  g_free (timeline);
}

void
accmig_timeline_mark (AccmigTimeline *timeline, AccmigMoment moment, const char *device, gint64 at_usec,
                      AccmigOrigin origin, gint64 precision_usec)
{
  Row *row;

  g_return_if_fail (timeline != NULL && moment < ACCMIG_N_MOMENTS && origin < G_N_ELEMENTS (origin_names));
  g_return_if_fail (moments[moment].of_device == (device != NULL));

  if (origin == ACCMIG_ORIGIN_NONE || at_usec < 0 || at_usec > TIME_MAX)
    return;
  row = obtain_row (timeline, moment, device);
  if (row == NULL || !mark_replaces (row, moment, origin))
    return;
  row->marks[moment] = (Mark){
    .at_usec = at_usec,
    .precision_usec = CLAMP (precision_usec, 0, TIME_MAX),
    .origin = origin,
  };
}

void
accmig_timeline_unmark (AccmigTimeline *timeline, AccmigMoment moment, const char *device)
{
  Row *row;

  g_return_if_fail (timeline != NULL && moment < ACCMIG_N_MOMENTS);

  row = find_row (timeline, moment, device);
  if (row != NULL)
    row->marks[moment] = (Mark){ 0 };
}

gboolean
accmig_timeline_get_moment (const AccmigTimeline *timeline, AccmigMoment moment, const char *device,
                            gint64 *ret_at_usec, AccmigOrigin *ret_origin, gint64 *ret_precision_usec)
{
  const Mark *mark;

  g_return_val_if_fail (timeline != NULL && moment < ACCMIG_N_MOMENTS, FALSE);

  mark = find_mark (timeline, moment, device);
  if (mark == NULL)
    return FALSE;
  if (ret_at_usec != NULL)
    *ret_at_usec = mark->at_usec;
  if (ret_origin != NULL)
    *ret_origin = mark->origin;
  if (ret_precision_usec != NULL)
    *ret_precision_usec = mark->precision_usec;
  return TRUE;
}

void
accmig_timeline_set_libvirt (AccmigTimeline *timeline, gint64 downtime_usec, gint64 downtime_net_usec)
{
  g_return_if_fail (timeline != NULL);

  timeline->downtime_usec = downtime_usec < 0 || downtime_usec > TIME_MAX ? -1 : downtime_usec;
  timeline->downtime_net_usec =
      downtime_net_usec < 0 || downtime_net_usec > TIME_MAX ? -1 : downtime_net_usec;
}

void
accmig_timeline_get_libvirt (const AccmigTimeline *timeline, gint64 *ret_downtime_usec,
                             gint64 *ret_downtime_net_usec)
{
  g_return_if_fail (timeline != NULL);

  *ret_downtime_usec = timeline->downtime_usec;
  *ret_downtime_net_usec = timeline->downtime_net_usec;
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *)a, *(const char *const *)b);
}

char **
accmig_timeline_get_devices (const AccmigTimeline *timeline)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  GHashTableIter iter;
  gpointer name, row;

  g_return_val_if_fail (timeline != NULL, NULL);

  g_hash_table_iter_init (&iter, timeline->devices);
  while (g_hash_table_iter_next (&iter, &name, &row))
    for (AccmigMoment m = 0; m < ACCMIG_N_MOMENTS; m++)
      if (((Row *)row)->marks[m].origin != ACCMIG_ORIGIN_NONE)
        {
          g_ptr_array_add (names, g_strdup (name));
          break;
        }
  g_ptr_array_sort (names, compare_names);
  g_ptr_array_add (names, NULL);
  return (char **)g_ptr_array_free (g_steal_pointer (&names), FALSE);
}
