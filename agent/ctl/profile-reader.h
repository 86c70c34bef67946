/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <accmig/profile.h>
#include <gio/gio.h>

/*
 * Many profiles in one stream: a JSON array of them, or one after the other with white space between (one on
 * each line, as a rule). Only one is in memory at a time.
 */

typedef struct _ProfileReader ProfileReader;

/** profile_reader_new: @stream: referenced */
ProfileReader *profile_reader_new (GInputStream *stream);
void profile_reader_free (ProfileReader *reader);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ProfileReader, profile_reader_free)

/**
 * profile_reader_next:
 * @error: names the profile by its number, counted from 1; set only when there is something wrong
 * Returns: (transfer full) (nullable): NULL at the end and on failure, after which there is nothing more to
 * read
 */
AccmigProfile *profile_reader_next (ProfileReader *reader, GError **error);
