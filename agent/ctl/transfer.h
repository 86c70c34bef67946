/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdio.h>

#include "call.h"
#include "client.h"

/**
 * transfer_print: what came of a transfer of words[0]'s state: bytes, time, rate
 * @stream: where to say it; the standard output may be the state's own
 * @name: of the file
 */
void transfer_print (FILE *stream, const Call *call, const char *name, const Transferred *transferred);
