// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Timelines as JSON
 *
 *   {"downtime_net_usec":82000,"downtime_usec":1082000,"format":"accmig-timeline/1",
 *    "moments":[{"at_usec":1700000000000000,"moment":"guest-stop","origin":"qemu-event","precision_usec":1},
 * …]}
 *
 * A moment of a device has a member "device" besides; a figure of libvirt's that is not known has no member.
 * Moments stand in the order guest, then devices by name, each in the order of the enum, so that equal
 * timelines are equal text. The text may come from another host.
 */

#include <accmig/domain.h>
#include <accmig/timeline.h>

#include <string.h>

#include "error-private.h"
#include "strict-json.h"

#define FORMAT    "accmig-timeline/1"
#define MAX_DEPTH 3 /* the object, its moments, one of them */
#define USEC_MAX  ((gint64)1 << 53)
#define N_ORIGINS (ACCMIG_ORIGIN_LIBVIRT + 1)

/* ---- writing --------------------------------------------------------------------------------- */

static void
add_moment (JsonArray *array, const AccmigTimeline *timeline, AccmigMoment moment, const char *device)
{
  JsonObject *object;
  gint64 at, precision;
  AccmigOrigin origin;

  if (!accmig_timeline_get_moment (timeline, moment, device, &at, &origin, &precision))
    return;
  object = json_object_new ();
  json_object_set_int_member (object, "at_usec", at);
  if (device != NULL)
    json_object_set_string_member (object, "device", device);
  json_object_set_string_member (object, "moment", accmig_moment_to_string (moment));
  json_object_set_string_member (object, "origin", accmig_origin_to_string (origin));
  json_object_set_int_member (object, "precision_usec", precision);
  json_array_add_object_element (array, object);
}

static JsonArray *
build_moments (const AccmigTimeline *timeline)
{
  g_auto (GStrv) devices = accmig_timeline_get_devices (timeline);
  JsonArray *array = json_array_new ();

  for (AccmigMoment m = 0; m < ACCMIG_N_MOMENTS; m++)
    if (!accmig_moment_is_of_device (m))
      add_moment (array, timeline, m, NULL);
  for (char **device = devices; *device != NULL; device++)
    for (AccmigMoment m = 0; m < ACCMIG_N_MOMENTS; m++)
      if (accmig_moment_is_of_device (m))
        add_moment (array, timeline, m, *device);
  return array;
}

char *
accmig_timeline_to_json (const AccmigTimeline *timeline)
{
  g_autoptr (JsonNode) node = json_node_new (JSON_NODE_OBJECT);
  JsonObject *object;
  gint64 downtime, net;

  g_return_val_if_fail (timeline != NULL, NULL);

  object = json_object_new ();
  accmig_timeline_get_libvirt (timeline, &downtime, &net);
  if (downtime >= 0)
    json_object_set_int_member (object, "downtime_usec", downtime);
  if (net >= 0)
    json_object_set_int_member (object, "downtime_net_usec", net);
  json_object_set_string_member (object, "format", FORMAT);
  json_object_set_array_member (object, "moments", build_moments (timeline));
  json_node_take_object (node, object);
  return strict_json_write (node);
}

/* ---- reading --------------------------------------------------------------------------------- */

/* @where: what the member belongs to, for the message */
static gboolean
read_usec (JsonObject *object, const char *name, const char *where, gint64 *ret_usec, GError **error)
{
  JsonNode *node = json_object_get_member (object, name);
  gint64 usec;

  if (node == NULL || json_node_get_value_type (node) != G_TYPE_INT64)
    return fail (error, ACCMIG_ERROR_INVALID, "%s: “%s” must be a whole number", where, name);
  usec = json_node_get_int (node);
  if (usec < 0 || usec > USEC_MAX)
    return fail (error, ACCMIG_ERROR_INVALID,
                 "%s: “%s” is %" G_GINT64_FORMAT ", must be 0 to %" G_GINT64_FORMAT, where, name, usec,
                 USEC_MAX);
  *ret_usec = usec;
  return TRUE;
}

/* Borrowed from @object. */
static gboolean
read_word (JsonObject *object, const char *name, const char *where, const char **ret_word, GError **error)
{
  JsonNode *node = json_object_get_member (object, name);

  if (node == NULL || json_node_get_value_type (node) != G_TYPE_STRING)
    return fail (error, ACCMIG_ERROR_INVALID, "%s: “%s” must be a string", where, name);
  *ret_word = json_node_get_string (node);
  return TRUE;
}

static gboolean
moment_from_string (const char *word, AccmigMoment *ret_moment)
{
  for (AccmigMoment m = 0; m < ACCMIG_N_MOMENTS; m++)
    if (g_str_equal (word, accmig_moment_to_string (m)))
      {
        *ret_moment = m;
        return TRUE;
      }
  return FALSE;
}

static gboolean
origin_from_string (const char *word, AccmigOrigin *ret_origin)
{
  for (AccmigOrigin o = ACCMIG_ORIGIN_TRACE; o < N_ORIGINS; o++)
    if (g_str_equal (word, accmig_origin_to_string (o)))
      {
        *ret_origin = o;
        return TRUE;
      }
  return FALSE;
}

/* NULL for a moment of the guest. */
static gboolean
read_device (JsonObject *object, AccmigMoment moment, const char *where, const char **ret_device,
             GError **error)
{
  const char *device;

  if (!accmig_moment_is_of_device (moment))
    {
      if (json_object_has_member (object, "device"))
        return fail (error, ACCMIG_ERROR_INVALID, "%s: %s is a moment of the guest, has a device", where,
                     accmig_moment_to_string (moment));
      *ret_device = NULL;
      return TRUE;
    }
  if (!read_word (object, "device", where, &device, error))
    return FALSE;
  if (!accmig_alias_is_valid (device))
    return fail (error, ACCMIG_ERROR_INVALID, "%s: “device” is no alias", where);
  *ret_device = device;
  return TRUE;
}

static gboolean
read_moment (AccmigTimeline *timeline, JsonObject *object, const char *where, GError **error)
{
  const char *word, *device = NULL;
  AccmigMoment moment;
  AccmigOrigin origin;
  gint64 at, precision;

  if (!read_word (object, "moment", where, &word, error))
    return FALSE;
  if (!moment_from_string (word, &moment))
    return fail (error, ACCMIG_ERROR_INVALID, "%s: “moment” is none that is known", where);
  if (!read_word (object, "origin", where, &word, error))
    return FALSE;
  if (!origin_from_string (word, &origin))
    return fail (error, ACCMIG_ERROR_INVALID, "%s: “origin” is none that is known", where);
  if (!read_device (object, moment, where, &device, error)
      || !read_usec (object, "at_usec", where, &at, error)
      || !read_usec (object, "precision_usec", where, &precision, error))
    return FALSE;
  if (accmig_timeline_get_moment (timeline, moment, device, NULL, NULL, NULL))
    return fail (error, ACCMIG_ERROR_INVALID, "%s: the same moment stands there twice", where);
  accmig_timeline_mark (timeline, moment, device, at, origin, precision);
  if (!accmig_timeline_get_moment (timeline, moment, device, NULL, NULL, NULL))
    return fail (error, ACCMIG_ERROR_LIMIT, "%s: more than %d devices", where, ACCMIG_TIMELINE_MAX_DEVICES);
  return TRUE;
}

static gboolean
read_moments (AccmigTimeline *timeline, JsonObject *object, GError **error)
{
  JsonNode *node = json_object_get_member (object, "moments");
  JsonArray *array;

  if (node == NULL || !JSON_NODE_HOLDS_ARRAY (node))
    return fail (error, ACCMIG_ERROR_INVALID, "timeline: “moments” must be an array");
  array = json_node_get_array (node);
  for (guint i = 0; i < json_array_get_length (array); i++)
    {
      g_autofree char *where = g_strdup_printf ("timeline: moment %u", i);
      JsonNode *element = json_array_get_element (array, i);

      if (!JSON_NODE_HOLDS_OBJECT (element))
        return fail (error, ACCMIG_ERROR_INVALID, "%s must be an object", where);
      if (!read_moment (timeline, json_node_get_object (element), where, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
read_libvirt (AccmigTimeline *timeline, JsonObject *object, GError **error)
{
  gint64 downtime = -1, net = -1;

  if (json_object_has_member (object, "downtime_usec")
      && !read_usec (object, "downtime_usec", "timeline", &downtime, error))
    return FALSE;
  if (json_object_has_member (object, "downtime_net_usec")
      && !read_usec (object, "downtime_net_usec", "timeline", &net, error))
    return FALSE;
  accmig_timeline_set_libvirt (timeline, downtime, net);
  return TRUE;
}

AccmigTimeline *
accmig_timeline_new_from_json (const char *text, GError **error)
{
  g_autoptr (AccmigTimeline) timeline = accmig_timeline_new ();
  g_autoptr (JsonNode) node = NULL;
  JsonObject *object;
  const char *format;
  gsize length;

  g_return_val_if_fail (text != NULL, NULL);

  length = strlen (text);
  if (length > ACCMIG_TIMELINE_MAX_SIZE)
    {
      fail (error, ACCMIG_ERROR_LIMIT, "timeline: %zu bytes, at most %d", length, ACCMIG_TIMELINE_MAX_SIZE);
      return NULL;
    }
  node = strict_json_parse (text, length, MAX_DEPTH, error);
  if (node == NULL)
    return NULL;
  object = json_node_get_object (node);
  if (!read_word (object, "format", "timeline", &format, error))
    return NULL;
  if (!g_str_equal (format, FORMAT))
    {
      fail (error, ACCMIG_ERROR_INVALID, "timeline: “format” must be " FORMAT);
      return NULL;
    }
  if (!read_libvirt (timeline, object, error) || !read_moments (timeline, object, error))
    return NULL;
  return g_steal_pointer (&timeline);
}
