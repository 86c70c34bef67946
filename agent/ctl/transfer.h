/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "call.h"

/** transfer_print: says on the standard output how much of a device's state went from or to the file @name */
void transfer_print (const Call *call, const char *name, guint64 bytes);
