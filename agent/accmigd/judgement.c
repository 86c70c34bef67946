// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Judgements
 *
 * The same steps for every device: it is there, nobody else has it, it could be asked if it had to be, and
 * its profile fits. The first step that fails decides.
 *
 * A device that should be opened and cannot be is judged by what is known of it: what is incompatible then
 * stays so, everything else is unknown.
 */

#include "judgement.h"

#include "binding.h"
#include "trial.h"

void
judgement_clear (Judgement *judgement)
{
  g_clear_pointer (&judgement->verdict, accmig_verdict_free);
  g_free (judgement->sentence);
  g_free (judgement->rule);
  *judgement = (Judgement){ 0 };
}

void
judgement_set (Judgement *judgement, AccmigOutcome outcome, Policy policy, const char *rule,
               const char *format, ...)
{
  va_list args;

  g_free (judgement->sentence);
  g_free (judgement->rule);
  va_start (args, format);
  judgement->sentence = g_strdup_vprintf (format, args);
  va_end (args);
  judgement->rule = g_strdup (rule);
  judgement->outcome = outcome;
  judgement->policy = policy;
}

static G_GNUC_PRINTF (3, 4) void reject (Judgement *judgement, const char *rule, const char *format, ...)
{
  g_autofree char *sentence = NULL;
  va_list args;

  va_start (args, format);
  sentence = g_strdup_vprintf (format, args);
  va_end (args);
  judgement_set (judgement, ACCMIG_OUTCOME_INCOMPATIBLE, POLICY_NONE, rule, "%s", sentence);
}

/* Whether the device exists and nobody else has it. A device reserved for this guest shows as reserved; so
 * whether the host's driver has it is asked of sysfs, not of its owner. */
static gboolean
check_available (const DeviceView *view, const Claim *claim, const char *address, Judgement *judgement)
{
  const Device *device = registry_lookup (view->registry, address);
  Reservation reservation = { 0 };

  if (device == NULL || accmig_device_info_get_kind (device_get_info (device)) != claim->kind)
    reject (judgement, "gate.no-device", "no device %s on this host", address);
  else if (device_get_owner (device) == OWNER_GUEST)
    reject (judgement, "gate.in-use", "%s is in use by domain “%s”", address, device_get_domain (device));
  else if (device_get_owner (device) == OWNER_REGISTERED)
    reject (judgement, "gate.in-use", "%s is registered for domain “%s”", address,
            device_get_domain (device));
  else if (reservations_lookup (view->reservations, address, &reservation)
           && g_strcmp0 (reservation.uuid, view->uuid) != 0)
    reject (judgement, "gate.reserved", "%s is reserved for domain “%s”", address, reservation.domain);
  else if (device_is_on_host_driver (device) && !claim->managed)
    reject (judgement, "gate.not-free", "%s is bound to the host's driver %s and libvirt does not manage it",
            address, device_get_driver (device));
  return judgement->rule == NULL;
}

/* Compares the profiles. @unasked: (nullable): why the device could not be opened for it */
static void
compare (const DeviceView *view, const Claim *claim, const char *address, const GError *unasked,
         Judgement *judgement)
{
  const Device *device = registry_lookup (view->registry, address);
  const AccmigProfile *target = device_get_profile (device);
  gboolean managed = claim->managed || device_view_may_bind (view, claim, device);
  const AccmigFinding *decisive = NULL;

  if (target == NULL)
    {
      judgement_set (judgement, ACCMIG_OUTCOME_UNKNOWN, POLICY_ON_UNKNOWN, "gate.on-unknown",
                     "nothing is known of %s", address);
      return;
    }
  judgement->verdict =
      accmig_compat_check (claim->source, target, managed ? ACCMIG_COMPAT_MANAGED : ACCMIG_COMPAT_NONE);
  judgement->outcome = accmig_verdict_get_outcome (judgement->verdict);
  decisive = accmig_verdict_get_decisive (judgement->verdict);
  if (unasked != NULL && judgement->outcome != ACCMIG_OUTCOME_INCOMPATIBLE)
    judgement_set (judgement, ACCMIG_OUTCOME_UNKNOWN, POLICY_ON_UNKNOWN, "gate.on-unknown",
                   "%s could not be asked: %s", address, unasked->message);
  else if (decisive != NULL)
    judgement_set (judgement, judgement->outcome,
                   judgement->outcome == ACCMIG_OUTCOME_UNKNOWN ? POLICY_ON_UNKNOWN : POLICY_NONE,
                   decisive->rule, "%s", decisive->sentence);
}

/* The rules have nothing against it, but the driver has. */
static void
apply_trial (const DeviceView *view, const Claim *claim, const char *address, Judgement *judgement)
{
  g_autofree char *key = trial_key (address, claim->source);
  const char *refusal = g_hash_table_lookup (view->tried, key);

  if (refusal != NULL && judgement->outcome != ACCMIG_OUTCOME_INCOMPATIBLE)
    reject (judgement, "trial", "%s", refusal);
}

void
judgement_make (const DeviceView *view, const Claim *claim, const char *address, Judgement *ret_judgement)
{
  const GError *unasked = g_hash_table_lookup (view->asked, address);

  if (!check_available (view, claim, address, ret_judgement))
    return;
  ret_judgement->available = TRUE;
  if (g_error_matches (unasked, ACCMIG_ERROR, ACCMIG_ERROR_BUSY))
    reject (ret_judgement, "gate.in-use", "%s is in use", address);
  else if (claim->source == NULL)
    judgement_set (ret_judgement, ACCMIG_OUTCOME_UNKNOWN, POLICY_ON_NO_PROFILE, "gate.on-no-profile",
                   "the source sent no profile of this device");
  else
    {
      compare (view, claim, address, unasked, ret_judgement);
      apply_trial (view, claim, address, ret_judgement);
    }
}

gboolean
device_view_may_bind (const DeviceView *view, const Claim *claim, const Device *device)
{
  return view->bind && !claim->managed && binding_is_needed (device)
         && !g_hash_table_contains (view->asked, device_get_address (device));
}

gboolean
device_view_may_ask (const DeviceView *view, const Device *device)
{
  return device_is_vfio (device) && !g_hash_table_contains (view->asked, device_get_address (device))
         && !(view->uuid == NULL && device_is_probed (device));
}
