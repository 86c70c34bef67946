/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <accmig/profile.h>

#include "mock-sysfs.h"

/* (transfer full): the profile of a device of a mock host, whose versions nobody knows. @probe: (nullable) */
AccmigProfile *profile_of (MockSysfs *mock, const char *address, const AccmigProbe *probe);
