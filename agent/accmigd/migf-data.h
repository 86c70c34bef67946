/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <glib.h>

/*
 * migf_data: the text in which hisi_acc's driver shows what it kept of the last migration, read back into
 * bytes. The text is hostile.
 */

/**
 * migf_data_parse:
 * @text: as the driver made it, any bytes
 * @match: (out): room for @size bytes; touched only on success
 * @size: how many bytes of the stream's beginning are wanted
 * @error: INVALID for a text that is not the driver's; TRUNCATED when the stream did not get that far
 */
gboolean migf_data_parse (const char *text, gsize length, guint8 *match, gsize size, GError **error);
