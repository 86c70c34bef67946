/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <accmig/profile.h>

/*
 * Holding a source profile against a target profile.
 *
 * Rules are rows of a table: field, relation, severity, sentence, remedy. The verdict carries a finding for
 * each rule that did not simply hold, in an order chosen for the reader: identity before capability before
 * quantity.
 */

typedef struct _AccmigVerdict AccmigVerdict;

typedef enum
{
  ACCMIG_OUTCOME_COMPATIBLE,   /* every rule held */
  ACCMIG_OUTCOME_DEGRADED,     /* it will run, but not as before: findings say what differs */
  ACCMIG_OUTCOME_UNKNOWN,      /* a rule that matters could not be answered */
  ACCMIG_OUTCOME_INCOMPATIBLE, /* at least one rule refuses */
} AccmigOutcome;

typedef enum
{
  ACCMIG_SEVERITY_NOTE,    /* worth knowing; leaves the verdict compatible */
  ACCMIG_SEVERITY_WARN,    /* makes it degraded */
  ACCMIG_SEVERITY_UNKNOWN, /* makes it unknown */
  ACCMIG_SEVERITY_REFUSE,  /* makes it incompatible */
} AccmigSeverity;

/* One row of a verdict. Strings are borrowed from the verdict; values are "-" where a side does not say. */
typedef struct
{
  const char *rule; /* "hisi_acc.qp-num" */
  AccmigSeverity severity;
  const char *field; /* path in the profile, "hisi_acc.qp-num" */
  const char *source_value;
  const char *target_value;
  const char *sentence; /* "queue count differs: source has 8, 0000:75:00.3 has 4" */
  const char *remedy;   /* what an operator can do; may be "" */
} AccmigFinding;

typedef enum
{
  ACCMIG_COMPAT_NONE = 0,
  ACCMIG_COMPAT_MANAGED = 1 << 0, /* libvirt binds the target (managed='yes'): its variant driver counts */
} AccmigCompatOptions;

/**
 * accmig_compat_check:
 * @source: the device whose state would be saved
 * @target: the device that would load it
 * Returns: (transfer full): never NULL
 */
ACCMIG_API AccmigVerdict *accmig_compat_check (const AccmigProfile *source, const AccmigProfile *target,
                                               AccmigCompatOptions options);

ACCMIG_API void accmig_verdict_free (AccmigVerdict *verdict);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (AccmigVerdict, accmig_verdict_free)

ACCMIG_API AccmigOutcome accmig_verdict_get_outcome (const AccmigVerdict *verdict);
/** accmig_outcome_to_string: Returns: "compatible", "degraded", "unknown", "incompatible"; static */
ACCMIG_API const char *accmig_outcome_to_string (AccmigOutcome outcome);
/** accmig_severity_to_string: Returns: "note", "warn", "unknown", "refuse"; static */
ACCMIG_API const char *accmig_severity_to_string (AccmigSeverity severity);
ACCMIG_API gsize accmig_verdict_get_n_findings (const AccmigVerdict *verdict);
ACCMIG_API const AccmigFinding *accmig_verdict_get_finding (const AccmigVerdict *verdict, gsize index);

/**
 * accmig_verdict_get_decisive:
 * Returns: (transfer none) (nullable): the first finding of the severity that made the outcome; NULL when
 * compatible. Its sentence and rule make the refusal line: "queue count differs: … [hisi_acc.qp-num]"
 */
ACCMIG_API const AccmigFinding *accmig_verdict_get_decisive (const AccmigVerdict *verdict);

/**
 * accmig_verdict_to_json:
 * Returns: (transfer full): {"outcome","source-digest","target-digest","findings":[{…}]}, canonical; without
 * digests where it is not about two profiles
 */
ACCMIG_API char *accmig_verdict_to_json (const AccmigVerdict *verdict);
