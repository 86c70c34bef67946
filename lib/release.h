/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/*
 * A release: 6.12.107 of "6.12.107+deb13-amd64", as one number, so that the newer is the larger. 0 is none.
 */
typedef guint64 Release;

#define RELEASE_BITS 20 /* of a release's second and third number */

#define RELEASE(major, minor, patch)                                                                         \
  ((Release)(major) << (2 * RELEASE_BITS) | (Release)(minor) << RELEASE_BITS | (Release)(patch))

/*
 * @text: (nullable)
 * Returns: the release that @text begins with: two or three numbers of at most five digits, the third 0 when
 * it is not there; 0 when @text begins otherwise
 */
Release release_parse (const char *text);

/*
 * @release, @version: what uname says: "6.1.0-37-amd64", "#1 SMP PREEMPT_DYNAMIC Debian 6.1.140-1
 * (2025-05-22)" Returns: (transfer full) (nullable): the kernel's level, the release of Linux it is made from
 * as three numbers, "6.1.140"; NULL where neither tells one
 */
char *release_format_level (const char *release, const char *version);

/* Returns: the release's first two numbers, 6.12 of 6.12.107, as the first release of that series */
static inline Release
release_series (Release release)
{
  return release & ~RELEASE (0, 0, (1 << RELEASE_BITS) - 1);
}

/* Returns: the last release that series can have */
static inline Release
release_last_of_series (Release release)
{
  return release | RELEASE (0, 0, (1 << RELEASE_BITS) - 1);
}
