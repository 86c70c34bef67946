/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "nova-document.h"

/*
 * The directory of Nova's provider configuration files, of which one is ours.
 */

/** nova_file_is_read: Returns: whether Nova reads a file of this name, by its last part */
gboolean nova_file_is_read (const char *path);

/**
 * nova_directory_check:
 * @path: our file, which need not be there; only the others are looked at
 * @host: the name of the host whose Nova reads them
 * @error: names the file that has an error of its own, or that configures the same provider as ours would
 */
gboolean nova_directory_check (const char *path, const char *host, gboolean by_name, const char *id,
                               GError **error);

/**
 * nova_directory_read_own:
 * @ret_text: (out) (nullable) (transfer full): what our file holds; NULL when there is none
 * @error: also when the file is not one of ours
 */
gboolean nova_directory_read_own (const char *path, char **ret_text, GError **error);
