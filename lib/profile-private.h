/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <accmig/profile.h>
#include <json-glib/json-glib.h>

/*
 * @root: (transfer full): an object
 * @error: INVALID, LIMIT: the same checks a text from outside has to pass
 */
AccmigProfile *profile_new_take_root (JsonNode *root, GError **error);

/* @ret_value: untouched when missing. Returns: whether @path is a boolean member. */
gboolean profile_get_boolean (const AccmigProfile *profile, const char *path, gboolean *ret_value);
