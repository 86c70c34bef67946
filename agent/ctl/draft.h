/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <glib.h>

/*
 * A file that is being written: it has a temporary name beside the wanted one until everything is on the
 * disk. So there is never half a file under the name somebody looks for. It is removed unless it was given
 * its name.
 */

typedef struct
{
  char *path; /* (nullable) */
  int fd;
} Draft;

void draft_clear (Draft *draft);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Draft, draft_clear)

/** draft_open: @name: the wanted one; the temporary one is longer. @mode: permissions, whatever the umask */
gboolean draft_open (Draft *draft, const char *name, int mode, GError **error);

/** draft_write: all of @text */
gboolean draft_write (const Draft *draft, const char *text, GError **error);

/** draft_commit: returns when the file and its name are on the disk */
gboolean draft_commit (Draft *draft, const char *name, GError **error);
