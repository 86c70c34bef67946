/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <accmig/compat.h>

/*
 * Returns: (transfer full): SHA-256 over what the rules that can refuse see of @profile, 64 lower-case hex
 * digits. Two profiles with the same one can send to the same others, and take from the same others
 */
char *compat_signature (const AccmigProfile *profile);
