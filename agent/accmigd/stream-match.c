// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Stream match
 *
 * A driver may forget to check: hisi_acc before Linux 7.0 compares only the first stream after it was bound,
 * and then loads another device's queues without a word. So the agent reads the match data itself and holds
 * it against the device by the gate's own rules. A file can be read without taking anything from it, a pipe
 * cannot. The file is somebody else's and may lie on a disk that does not answer: it is read in a thread.
 */

#include "stream-match.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct
{
  int fd;
  AccmigProfile *profile;
} Question;

static void
question_free (gpointer data)
{
  Question *question = data;

  close (question->fd);
  accmig_profile_unref (question->profile);
  g_free (question);
}

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

static gboolean
check (int fd, const AccmigProfile *profile, GError **error)
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

static void
run_check (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  const Question *question = data;
  GError *error = NULL;

  if (check (question->fd, question->profile, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

void
stream_match_check_async (int fd, const AccmigProfile *profile, GAsyncReadyCallback callback, gpointer user)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, user);
  int own_fd = fcntl (fd, F_DUPFD_CLOEXEC, 3);
  Question *question;

  if (own_fd < 0)
    {
      g_task_return_new_error (task, ACCMIG_ERROR, ACCMIG_ERROR_IO, "cannot read the stream: %s",
                               g_strerror (errno));
      return;
    }
  question = g_new0 (Question, 1);
  question->fd = own_fd;
  question->profile = accmig_profile_ref ((AccmigProfile *)profile);
  g_task_set_task_data (task, question, question_free);
  g_task_run_in_thread (task, run_check);
}

gboolean
stream_match_check_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}
