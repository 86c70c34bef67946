// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Rules for migsim
 *
 * What the simulated driver checks in its stream's header, as its parameters set it: one relation of each
 * kind.
 */

#include "compat-private.h"

const CompatRule compat_migsim_rules[] = {
  {
      .rule = "migsim.format-version",
      .rank = RANK_CAPABILITY,
      .field = "migsim.format-version",
      .what = "format version",
      .relation = RELATION_EQUAL,
      .value = VALUE_NUMBER,
      .missing = MISSING_UNKNOWN,
      .severity = ACCMIG_SEVERITY_REFUSE,
      .remedy = "set migsim's parameter format_version alike on both hosts",
  },
  {
      .rule = "migsim.capability",
      .rank = RANK_CAPABILITY,
      .field = "migsim.capability",
      .what = "capability",
      .relation = RELATION_SUPERSET,
      .value = VALUE_HEX,
      .missing = MISSING_UNKNOWN,
      .severity = ACCMIG_SEVERITY_REFUSE,
      .sentence = "capability is missing: source has {source}, {address} has only {target}",
      .remedy = "set migsim's parameter capability on the target host to a superset of {source}",
  },
  { 0 },
};
