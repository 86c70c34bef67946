// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Kernel releases
 *
 * Distributions put what they like after the second number, and bring changes to older releases that the
 * number does not show. So it is asked only where nothing else tells.
 */

#include "release.h"

#include <stdio.h>

gboolean
release_parse (const char *text, Release *ret_release)
{
  Release release;

  if (text == NULL || sscanf (text, "%5u.%5u", &release.major, &release.minor) != 2)
    return FALSE;
  *ret_release = release;
  return TRUE;
}

int
release_compare (Release release, guint major, guint minor)
{
  if (release.major != major)
    return release.major < major ? -1 : 1;
  return release.minor < minor ? -1 : release.minor > minor;
}
