// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A migration job's statistics. Every figure is optional: libvirt gives what QEMU and its own version know.
 */

#include "hypervisor-private.h"

/* In libvirt's headers since 10.6. */
#define JOB_VFIO_DATA_TRANSFERRED "vfio_data_transferred"

typedef struct
{
  virTypedParameterPtr list;
  int n;
} JobParams;

static void
job_params_clear (JobParams *params)
{
  virTypedParamsFree (params->list, params->n);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (JobParams, job_params_clear)

static const struct
{
  const char *name;
  gsize offset;
} figures[] = {
  { VIR_DOMAIN_JOB_DATA_TOTAL, G_STRUCT_OFFSET (HypervisorJob, data_total) },
  { VIR_DOMAIN_JOB_DATA_PROCESSED, G_STRUCT_OFFSET (HypervisorJob, data_processed) },
  { VIR_DOMAIN_JOB_DATA_REMAINING, G_STRUCT_OFFSET (HypervisorJob, data_remaining) },
  { JOB_VFIO_DATA_TRANSFERRED, G_STRUCT_OFFSET (HypervisorJob, device_bytes) },
  { VIR_DOMAIN_JOB_DOWNTIME, G_STRUCT_OFFSET (HypervisorJob, downtime_ms) },
  { VIR_DOMAIN_JOB_DOWNTIME_NET, G_STRUCT_OFFSET (HypervisorJob, downtime_net_ms) },
  { VIR_DOMAIN_JOB_TIME_ELAPSED, G_STRUCT_OFFSET (HypervisorJob, elapsed_ms) },
  { VIR_DOMAIN_JOB_MEMORY_ITERATION, G_STRUCT_OFFSET (HypervisorJob, iteration) },
};

static int
operation_of (virTypedParameterPtr params, int n_params)
{
  int operation = VIR_DOMAIN_JOB_OPERATION_UNKNOWN;

  (void)virTypedParamsGetInt (params, n_params, VIR_DOMAIN_JOB_OPERATION, &operation);
  return operation;
}

void
job_from_params (virTypedParameterPtr params, int n_params, HypervisorJob *ret_job)
{
  HypervisorJob job = { .outgoing =
                            operation_of (params, n_params) == VIR_DOMAIN_JOB_OPERATION_MIGRATION_OUT };

  for (gsize i = 0; i < G_N_ELEMENTS (figures); i++)
    {
      unsigned long long value;
      gint64 *figure = G_STRUCT_MEMBER_P (&job, figures[i].offset);
      gboolean told = virTypedParamsGetULLong (params, n_params, figures[i].name, &value) == 1;

      *figure = told && value <= G_MAXINT64 ? (gint64)value : -1;
    }
  *ret_job = job;
}

gboolean
job_read (virDomainPtr domain, gboolean completed, HypervisorJob *ret_job, GError **error)
{
  g_auto (JobParams) params = { NULL, 0 };
  unsigned int flags = completed ? VIR_DOMAIN_JOB_STATS_COMPLETED | VIR_DOMAIN_JOB_STATS_KEEP_COMPLETED : 0;
  const char *name = virDomainGetName (domain);
  int type = VIR_DOMAIN_JOB_NONE;
  gboolean running;
  int operation;

  if (virDomainGetJobStats (domain, &type, &params.list, &params.n, flags) < 0)
    return libvirt_fail (error, "cannot read the job of domain “%s”", name);

  job_from_params (params.list, params.n, ret_job);
  operation = operation_of (params.list, params.n);
  running = type == VIR_DOMAIN_JOB_BOUNDED || type == VIR_DOMAIN_JOB_UNBOUNDED;
  ret_job->active = running
                    && (operation == VIR_DOMAIN_JOB_OPERATION_MIGRATION_OUT
                        || operation == VIR_DOMAIN_JOB_OPERATION_MIGRATION_IN);
  ret_job->other = running && !ret_job->active;
  return TRUE;
}
