/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <accmig/profile.h>

/* Holding profiles against one another, whatever is in them. */

/*
 * Profiles of the families that have rules of their own, different ones of each, by the default set of
 * families as it is now.
 *
 * @family: (nullable): only those of this one
 * Returns: (transfer full): of AccmigProfile; those that the set does not take are left out
 */
GPtrArray *pair_make_profiles (const char *family);

/* Returns: (transfer none): the same, made once, and all of them; with a NULL at the end */
AccmigProfile **pair_get_profiles (void);

/*
 * Asserts that the verdict of two profiles is one in itself: findings, outcome, decisive finding and JSON say
 * the same, every text can be shown, the same question has the same answer, and none of it needs the profiles
 * once it is there.
 */
void pair_check (const AccmigProfile *source, const AccmigProfile *target);

/* The same of a profile and itself, for which moreover no rule that compares both sides finds a difference.
 */
void pair_check_self (const AccmigProfile *profile);

/* Asserts that the canonical text is a profile, the same one, sorted, and stays the same text. */
void pair_check_text (const AccmigProfile *profile);
