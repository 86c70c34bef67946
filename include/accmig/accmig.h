/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * libaccmig: VFIO device migration for people who must know beforehand.
 *
 * One header per noun; this one includes them all. Every type is opaque unless its header says otherwise,
 * every function that can fail takes a GError, and every returned pointer is the caller's unless it is const.
 * The only global state is the default set of families; the library starts no thread, and knows neither
 * libvirt nor D-Bus.
 */

#include <accmig/compat.h>
#include <accmig/device.h>
#include <accmig/domain.h>
#include <accmig/error.h>
#include <accmig/families.h>
#include <accmig/fleet.h>
#include <accmig/frame.h>
#include <accmig/fsm.h>
#include <accmig/guest.h>
#include <accmig/inventory.h>
#include <accmig/profile.h>
#include <accmig/stream.h>
#include <accmig/timeline.h>
