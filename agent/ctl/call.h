/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <glib.h>

/*
 * One call of accmigctl: what stood on the command line, and how a verb ends.
 */

/* The exit status; accmigctl(1) documents it. */
typedef enum
{
  STATUS_DONE = 0,    /* yes, or done */
  STATUS_FAILED = 1,  /* could not be done */
  STATUS_USAGE = 2,   /* the command line makes no sense */
  STATUS_REFUSED = 3, /* incompatible, or refused */
  STATUS_UNKNOWN = 4, /* could not be told */
} Status;

/* The command line. Strings are borrowed and live as long as the call. */
typedef struct
{
  gboolean json;
  const char *host; /* (nullable): -H, whose agent is asked; NULL for this host's */
  const char *to;   /* (nullable) */
  const char *peer; /* (nullable) */
  int limit;        /* 0 when not given */
  gboolean managed;
  gboolean force;
  gboolean until_end;
  gboolean trial;
  const char *output;       /* (nullable) */
  const char *compute_node; /* (nullable) */
  const char *provider;     /* (nullable) */
  char **host_profiles;     /* (nullable): names of files */
  const char *max_downtime; /* (nullable): these four as they were typed */
  const char *bandwidth;    /* (nullable) */
  const char *parallel;     /* (nullable) */
  const char *timeout;      /* (nullable) */
  gboolean yes, here;
  const char *flags; /* (nullable) */
  char **against;    /* (nullable): names of files */
  char **words; /* NULL-terminated: what follows the verb; as many as its row in the table of verbs allows */
} Call;

/*
 * A verb prints its result on the standard output.
 * @error: set when it could not be done. The status then follows from the error: USAGE for G_OPTION_ERROR,
 * REFUSED for what the driver or the gate refused, else FAILED; what the verb returns does not matter
 */
typedef Status (*VerbFunction) (const Call *call, GError **error);

Status devices_run (const Call *call, GError **error);
Status profile_run (const Call *call, GError **error);
Status compare_run (const Call *call, GError **error);
Status check_run (const Call *call, GError **error);
Status fleet_run (const Call *call, GError **error);
Status fleet_baseline_run (const Call *call, GError **error);
Status nova_provider_run (const Call *call, GError **error);
Status family_list_run (const Call *call, GError **error);
Status family_show_run (const Call *call, GError **error);
Status family_check_run (const Call *call, GError **error);
Status migrate_run (const Call *call, GError **error);
Status receive_run (const Call *call, GError **error);
Status migrations_run (const Call *call, GError **error);
Status show_run (const Call *call, GError **error);
Status alarms_run (const Call *call, GError **error);
Status monitor_run (const Call *call, GError **error);
Status state_get_run (const Call *call, GError **error);
Status state_set_run (const Call *call, GError **error);
Status state_path_run (const Call *call, GError **error);
Status state_save_run (const Call *call, GError **error);
Status state_load_run (const Call *call, GError **error);
Status state_inspect_run (const Call *call, GError **error);
Status device_reset_run (const Call *call, GError **error);

/* The status that stands for an outcome ("compatible", …), the same for every verb that has one. */
Status status_of_outcome (const char *outcome);
