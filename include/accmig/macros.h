/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What every public header needs: GLib's types and the mark for exported functions. The library hides
 * every symbol that does not carry it.
 */

#include <glib.h>

#define ACCMIG_API __attribute__ ((visibility ("default")))
