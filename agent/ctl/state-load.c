// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * accmigctl state load
 *
 * A driver finds much of what is wrong with a state, but only after the device was reset for it. So a file is
 * looked into first; what cannot be understood is sent only when asked for. The states of some families
 * cannot be told from noise, and need that always. The agent, too, wants a file that it can look into first.
 */

#include "call.h"

#include <accmig/stream.h>
#include <errno.h>
#include <sys/stat.h>

#include "client.h"
#include "file.h"
#include "transfer.h"

/* Looks into what follows in the file, and goes back to where it stood. */
static gboolean
inspect (const char *name, int fd, GError **error)
{
  off_t start = lseek (fd, 0, SEEK_CUR);
  g_autoptr (GError) why = NULL;
  g_autoptr (AccmigStreamInfo) info = accmig_stream_inspect (fd, &why);

  if (info == NULL)
    {
      g_set_error (error, why->domain, why->code, "%s: %s; --force loads it all the same", file_label (name),
                   why->message);
      return FALSE;
    }
  if (start >= 0 && lseek (fd, start, SEEK_SET) == start)
    return TRUE;
  g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_IO, "%s cannot be read twice: %s", file_label (name),
               g_strerror (errno));
  return FALSE;
}

/* What is left of the file from where it stands; 0 when that cannot be told. */
static guint64
count_rest (int fd)
{
  off_t at = lseek (fd, 0, SEEK_CUR);
  struct stat st;

  return at >= 0 && fstat (fd, &st) == 0 && st.st_size > at ? (guint64)(st.st_size - at) : 0;
}

Status
state_load_run (const Call *call, GError **error)
{
  const char *name = call->words[1];
  g_auto (FileFd) fd = file_open_regular (name, error);
  g_autoptr (Client) client = NULL;
  Transfer transfer = { .member = "LoadState", .address = call->words[0], .fd = fd };
  Transferred transferred;

  if (fd < 0 || (!call->force && !inspect (name, fd, error)))
    return STATUS_FAILED;
  transfer.total = count_rest (fd);
  client = client_new (NULL, error);
  if (client == NULL || !client_transfer (client, &transfer, &transferred, error))
    return STATUS_FAILED;
  transfer_print (stdout, call, name, &transferred);
  return STATUS_DONE;
}
