// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Rules for mtty
 *
 * The kernel's sample mdev compares the number of serial ports, which the mdev's type sets.
 */

#include "compat-private.h"

const CompatRule compat_mtty_rules[] = {
  {
      .rule = "mtty.ports",
      .rank = RANK_QUANTITY,
      .field = "mtty.ports",
      .what = "port count",
      .relation = RELATION_EQUAL,
      .value = VALUE_NUMBER,
      .missing = MISSING_UNKNOWN,
      .severity = ACCMIG_SEVERITY_REFUSE,
      .remedy = "create an mdev of type mtty-{source} on the target host",
  },
  { 0 },
};
