// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A domain as it was when it was asked.
 */

#include "hypervisor-private.h"

struct _HypervisorDomain
{
  char *uuid, *name, *xml;
  HypervisorDomainState state;
  gboolean was_migrated, is_migrating;
};

HypervisorDomainState
domain_state_from_libvirt (int state)
{
  switch (state)
    {
    case VIR_DOMAIN_RUNNING:
    case VIR_DOMAIN_BLOCKED:
      return HYPERVISOR_DOMAIN_RUNNING;
    case VIR_DOMAIN_PAUSED:
      return HYPERVISOR_DOMAIN_PAUSED;
    case VIR_DOMAIN_SHUTOFF:
      return HYPERVISOR_DOMAIN_SHUTOFF;
    default:
      return HYPERVISOR_DOMAIN_OTHER;
    }
}

/* The destination's incoming domain is paused while it starts, and then, as the source after its stop, for
 * the migration; a source that still runs shows only in its job. What is only being booted looks the same for
 * a moment. Drivers without job statistics do not migrate. */
static gboolean
domain_takes_part (virDomainPtr domain, int state, int reason)
{
  HypervisorJob job = { 0 };

  if (state == VIR_DOMAIN_PAUSED
      && (reason == VIR_DOMAIN_PAUSED_MIGRATION || reason == VIR_DOMAIN_PAUSED_STARTING_UP))
    return TRUE;
  return virDomainIsActive (domain) == 1 && job_read (domain, FALSE, &job, NULL) && job.active;
}

HypervisorDomain *
domain_read (virDomainPtr domain, GError **error)
{
  g_autoptr (HypervisorDomain) self = g_new0 (HypervisorDomain, 1);
  const char *name = virDomainGetName (domain);
  char uuid[VIR_UUID_STRING_BUFLEN];
  g_autofree char *xml = NULL; /* from libvirt, whose allocator is the same free() */
  int state, reason;

  if (virDomainGetUUIDString (domain, uuid) < 0 || virDomainGetState (domain, &state, &reason, 0) < 0)
    {
      (void)libvirt_fail (error, "cannot read the state of domain “%s”", name);
      return NULL;
    }
  xml = virDomainGetXMLDesc (domain, 0);
  if (xml == NULL)
    {
      (void)libvirt_fail (error, "cannot read the XML of domain “%s”", name);
      return NULL;
    }

  self->uuid = g_strdup (uuid);
  self->name = g_strdup (name);
  self->xml = g_steal_pointer (&xml);
  self->state = domain_state_from_libvirt (state);
  self->was_migrated = state == VIR_DOMAIN_SHUTOFF && reason == VIR_DOMAIN_SHUTOFF_MIGRATED;
  self->is_migrating = domain_takes_part (domain, state, reason);
  return g_steal_pointer (&self);
}

void
hypervisor_domain_free (HypervisorDomain *self)
{
  if (self == NULL)
    return;
  g_free (self->uuid);
  g_free (self->name);
  g_free (self->xml);
  g_free (self);
}

const char *
hypervisor_domain_get_uuid (const HypervisorDomain *self)
{
  return self->uuid;
}

const char *
hypervisor_domain_get_name (const HypervisorDomain *self)
{
  return self->name;
}

const char *
hypervisor_domain_get_xml (const HypervisorDomain *self)
{
  return self->xml;
}

HypervisorDomainState
hypervisor_domain_get_state (const HypervisorDomain *self)
{
  return self->state;
}

gboolean
hypervisor_domain_was_migrated (const HypervisorDomain *self)
{
  return self->was_migrated;
}

gboolean
hypervisor_domain_is_migrating (const HypervisorDomain *self)
{
  return self->is_migrating;
}
