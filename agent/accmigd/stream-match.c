// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Stream match
 *
 * A driver may forget to check: hisi_acc before Linux 7.0 compares only the first stream after it was bound,
 * and then loads another device's queues without a word. So the agent reads the match data itself and holds
 * it against the device by the gate's own rules. A file can be read without taking anything from it, a pipe
 * cannot.
 */

#include "stream-match.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

/* Reads the first @size bytes from where @fd stands. */
static gboolean
read_match (int fd, guint8 *match, gsize size, gsize *ret_length, GError **error)
{
  off_t at = lseek (fd, 0, SEEK_CUR);
  struct stat st;
  gsize length = 0;

  if (fstat (fd, &st) < 0 || !S_ISREG (st.st_mode) || at < 0)
    {
      g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_INVALID,
                   "the stream must be a file, so that it can be looked at before it is loaded");
      return FALSE;
    }
  while (length < size)
    {
      ssize_t n = pread (fd, match + length, size - length, at + (off_t)length);

      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        {
          g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_IO, "cannot read the stream: %s",
                       g_strerror (errno));
          return FALSE;
        }
      if (n == 0)
        break;
      length += (gsize)n;
    }
  *ret_length = length;
  return TRUE;
}

gboolean
stream_match_check (int fd, const AccmigProfile *profile, GError **error)
{
  gsize size = accmig_profile_match_size (accmig_profile_get_family (profile));
  g_autofree guint8 *match = g_malloc0 (MAX (size, 1));
  g_autoptr (AccmigProfile) source = NULL;
  g_autoptr (AccmigVerdict) verdict = NULL;
  const AccmigFinding *decisive;
  gsize length = 0;

  if (size == 0)
    return TRUE;
  if (!read_match (fd, match, size, &length, error))
    return FALSE;
  source = accmig_profile_new_from_match (profile, match, length, error);
  if (source == NULL)
    return FALSE;
  verdict = accmig_compat_check (source, profile, ACCMIG_COMPAT_NONE);
  if (accmig_verdict_get_outcome (verdict) != ACCMIG_OUTCOME_INCOMPATIBLE)
    return TRUE;
  decisive = accmig_verdict_get_decisive (verdict);
  g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_REFUSED, "%s [%s]", decisive->sentence, decisive->rule);
  return FALSE;
}
