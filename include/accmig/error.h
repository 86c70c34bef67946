/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <accmig/macros.h>

/*
 * One error domain for the whole library. Callers branch on the code; the message is for a person and names
 * the thing, the value found and the value wanted.
 */
typedef enum
{
  ACCMIG_ERROR_INVALID,     /* input that breaks its own format: profile, XML, stream, address, name */
  ACCMIG_ERROR_LIMIT,       /* input larger or deeper than the documented limit */
  ACCMIG_ERROR_NOT_FOUND,   /* no such device, member, file */
  ACCMIG_ERROR_BUSY,        /* somebody else has the device open, or it is not quiet (kernel: EBUSY) */
  ACCMIG_ERROR_UNSUPPORTED, /* the bound driver offers no migration, or not this state (kernel: ENOTTY) */
  ACCMIG_ERROR_REFUSED,     /* the driver refused the stream: a match check failed (EFAULT on write) */
  ACCMIG_ERROR_TRUNCATED,   /* the stream ended too early */
  ACCMIG_ERROR_BAD_STATE,   /* the request makes no sense in the device's present state */
  ACCMIG_ERROR_IO,          /* everything else the kernel answered; the message carries the errno text */
} AccmigError;

#define ACCMIG_ERROR (accmig_error_quark ())

/**
 * accmig_error_quark:
 * Returns: the error domain of #AccmigError
 */
ACCMIG_API GQuark accmig_error_quark (void);
