/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <glib.h>

/*
 * The configuration: accmig.conf and the .conf files in accmig.conf.d, read once at the start.
 *
 * There is always a value: a file that is missing, and a key that is, means the default; so does a bad value,
 * with a warning for whoever started the program to log. settings.c has the table of all keys; accmig.conf(5)
 * explains them.
 */

typedef struct _Settings Settings;

typedef enum
{
  /* [gate] */
  SETTING_ON_AGENT_FAILURE,    /* policy: the hook cannot reach the agent */
  SETTING_ON_UNKNOWN,          /* policy: the verdict is unknown */
  SETTING_ON_NO_PROFILE,       /* policy: the source wrote no profile */
  SETTING_HOOK_TIMEOUT,        /* number: seconds a hook may take */
  SETTING_RESERVATION_TIMEOUT, /* number: seconds until a reserved device is free again */
  SETTING_REMAP,               /* choice: #Remap */
  SETTING_CREATE_MDEV,         /* choice: no, yes */
  SETTING_TRIAL,               /* choice: no, yes */
  SETTING_BIND,                /* choice: no, yes */
  SETTING_PROBE_AT_START,      /* choice: no, yes */
  /* [hypervisor] */
  SETTING_URI, /* string: libvirt connection */
  /* [history] */
  SETTING_KEEP, /* number: migrations */
  /* [watch] */
  SETTING_POLL_PERIOD,  /* number: milliseconds */
  SETTING_REPAIR,       /* choice: report, drive */
  SETTING_REPAIR_GRACE, /* number: seconds */
  /* [drive] */
  SETTING_STEP_LIMIT,   /* number: seconds */
  SETTING_SWITCH_LIMIT, /* number: seconds */
  /* [broker] */
  SETTING_SOCKET, /* string: absolute path */
  /* [link] */
  SETTING_LINK_HOSTS,  /* names: hosts whose agents are told of refusals */
  SETTING_LINK_SOCKET, /* string: absolute path */
  N_SETTINGS
} Setting;

/**
 * settings_load:
 * @directory: (nullable): where accmig.conf is; NULL for $ACCMIG_CONFIG_DIR, or else the directory compiled
 * in Returns: (transfer full): never NULL
 */
Settings *settings_load (const char *directory);
void settings_free (Settings *settings);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Settings, settings_free)

/** settings_is_accept: for a policy: whether it says "accept" rather than "refuse" */
gboolean settings_is_accept (const Settings *settings, Setting setting);
/** settings_get_number: for a number, in the unit named above */
guint settings_get_number (const Settings *settings, Setting setting);
/** settings_get_string: Returns: (transfer none): for a string */
const char *settings_get_string (const Settings *settings, Setting setting);

/** settings_get_choice: for a choice: the word's number, counted from 0; no is 0 and yes is 1 */
guint settings_get_choice (const Settings *settings, Setting setting);
/** settings_has_name: for names: whether @name is among them, letter for letter */
gboolean settings_has_name (const Settings *settings, Setting setting, const char *name);

/**
 * settings_get_warnings:
 * Returns: (transfer none): NULL-terminated: one sentence for each thing in the files that was not taken
 */
const char *const *settings_get_warnings (const Settings *settings);
