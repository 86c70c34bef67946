/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <accmig/profile.h>

/* What tests of profiles assert, in one call each. */

void assert_uint (const AccmigProfile *profile, const char *path, guint64 wanted);
void assert_boolean (const AccmigProfile *profile, const char *path, gboolean wanted);

/* Neither as text nor as number nor as boolean. */
void assert_missing (const AccmigProfile *profile, const char *path);

/* What went through a text, canonical or pretty, is the same document. */
void assert_survives_text (const AccmigProfile *profile);
