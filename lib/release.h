/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/* A kernel's release, as far as anything here depends on it: 6 and 17 of "6.17.3-arm64". */
typedef struct
{
  guint major;
  guint minor;
} Release;

/* @text: (nullable). @ret_release: untouched on failure. Returns: whether @text begins with two numbers. */
gboolean release_parse (const char *text, Release *ret_release);

/* Returns: negative, 0 or positive when @release comes before @major.@minor, is of it, or comes after it */
int release_compare (Release release, guint major, guint minor);
