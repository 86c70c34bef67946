// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * QEMU log
 *
 * QMP tells that a migration failed, never why; the reason is a line that QEMU wrote to its log. libvirt adds
 * lines of its own when QEMU starts and ends. Times look like "2026-11-23T02:10:11.123456Z
 * qemu-system-x86_64: " from QEMU and "2026-11-23 02:10:15.666+0000: " from libvirt. What QEMU writes while
 * it carries out a QMP command has none: so a device that libvirt's cont could not start again.
 */

#include "qemu-log.h"

#include <string.h>

/* A second's grace: the record begins when the agent hears of the migration, not when QEMU does. */
#define GRACE_USEC G_USEC_PER_SEC

/* A device did not take what came for it. All of a guest's devices were ready to take something then. */
static const char not_loaded[] = "error while loading state";

/* What a telling line contains, the most telling first: the device's own failure before what followed from
 * it. */
static const char *const tells[] = {
  "Failed setting device state",
  "Failed resetting device",
  not_loaded,
  "load of migration failed",
  "Failed to ",
  "Unable to ",
  "failed",
};

static const char shutting_down[] = "shutting down, reason=";

/* Reads the time a line begins with. Returns: whether there is one; @ret_rest is what follows it. */
static gboolean
read_time (const char *line, gint64 *ret_usec, const char **ret_rest)
{
  const char *end = strchr (line, 'Z');
  g_autoptr (GTimeZone) utc = g_time_zone_new_utc ();
  g_autofree char *iso = NULL;
  g_autoptr (GDateTime) time = NULL;

  if (strlen (line) < 20 || line[4] != '-')
    return FALSE;
  if (line[10] == ' ') /* libvirt's */
    end = strstr (line, "+0000: ");
  if (end == NULL || end - line > 40)
    return FALSE;
  iso = g_strndup (line, end - line);
  iso[10] = 'T';
  time = g_date_time_new_from_iso8601 (iso, utc);
  if (time == NULL)
    return FALSE;
  *ret_usec = g_date_time_to_unix (time) * G_USEC_PER_SEC + g_date_time_get_microsecond (time);
  *ret_rest = line[10] == ' ' ? end + strlen ("+0000: ") : end + 1;
  return TRUE;
}

/* What becomes of lines without a time: many of them are the arguments of a QEMU that was started. */
typedef enum
{
  UNDATED_LEFT_OUT,
  UNDATED_AS_BEFORE, /* as old as the line before them, at most */
} Undated;

/* (transfer full): the lines since then, newest first, without their times */
static GPtrArray *
recent_lines (const char *text, gsize length, gint64 since_usec, Undated undated)
{
  g_autofree char *copy = g_strndup (text, length); /* ends at a NUL byte, should there be one */
  g_auto (GStrv) lines = g_strsplit (copy, "\n", -1);
  GPtrArray *recent = g_ptr_array_new_with_free_func (g_free);
  gint64 last_usec = G_MININT64;

  for (char **line = lines; *line != NULL; line++)
    {
      const char *rest = *line;
      gboolean dated = read_time (*line, &last_usec, &rest);

      if ((dated || undated == UNDATED_AS_BEFORE) && last_usec >= since_usec - GRACE_USEC)
        g_ptr_array_insert (recent, 0, g_strdup (rest));
    }
  return recent;
}

/* Drops " qemu-system-x86_64: " from the front. */
static char *
without_program (const char *line)
{
  const char *colon = strstr (line, ": ");

  while (*line == ' ')
    line++;
  if (g_str_has_prefix (line, "qemu-") && colon != NULL)
    line = colon + 2;
  return g_strdup (line);
}

char *
qemu_log_find_cause (const char *text, gsize length, gint64 since_usec)
{
  g_autoptr (GPtrArray) lines = recent_lines (text, length, since_usec, UNDATED_LEFT_OUT);

  for (gsize i = 0; i < G_N_ELEMENTS (tells); i++)
    for (guint j = 0; j < lines->len; j++)
      if (strstr (lines->pdata[j], tells[i]) != NULL && strstr (lines->pdata[j], shutting_down) == NULL)
        return without_program (lines->pdata[j]);
  return NULL;
}

gboolean
qemu_log_tells_not_loaded (const char *text, gsize length, gint64 since_usec)
{
  g_autoptr (GPtrArray) lines = recent_lines (text, length, since_usec, UNDATED_LEFT_OUT);

  for (guint i = 0; i < lines->len; i++)
    if (strstr (lines->pdata[i], not_loaded) != NULL)
      return TRUE;
  return FALSE;
}

char *
qemu_log_find_end (const char *text, gsize length, gint64 since_usec)
{
  g_autoptr (GPtrArray) lines = recent_lines (text, length, since_usec, UNDATED_LEFT_OUT);

  for (guint i = lines->len; i > 0; i--) /* the first since then: it may have come back and ended again */
    {
      const char *line = lines->pdata[i - 1];

      if (g_str_has_prefix (line, shutting_down))
        return g_strchomp (g_strdup (line + strlen (shutting_down)));
    }
  return NULL;
}

/* The state's name that follows; "" when there is none. */
static void
copy_state (const char *line, char ret_state[QEMU_LOG_STATE_SIZE])
{
  static const char before[] = "Failed setting device state to ";
  const char *name = strstr (line, before);
  gsize length = 0;

  if (name != NULL)
    {
      name += strlen (before);
      length = strspn (name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
    }
  (void)g_strlcpy (ret_state, length > 0 ? name : "", MIN (length + 1, QEMU_LOG_STATE_SIZE));
}

gboolean
qemu_log_find_reset (const char *text, gsize length, gint64 since_usec, const char *address,
                     char ret_state[QEMU_LOG_STATE_SIZE])
{
  g_autoptr (GPtrArray) lines = recent_lines (text, length, since_usec, UNDATED_AS_BEFORE);

  for (guint i = lines->len; i > 0; i--) /* the first since then: what follows may be its consequence */
    {
      const char *line = lines->pdata[i - 1];

      if (strstr (line, "Failed setting device ") == NULL || strstr (line, "Resetting device") == NULL
          || (address != NULL && strstr (line, address) == NULL))
        continue;
      copy_state (line, ret_state);
      return TRUE;
    }
  return FALSE;
}
