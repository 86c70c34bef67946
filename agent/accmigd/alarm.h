/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <glib.h>

/*
 * An alarm: something went wrong with a guest's device that nobody else reports.
 */

typedef enum
{
  ALARM_MISSING_STEP,         /* a state that must come did not */
  ALARM_REPEATED_STEP,        /* one came twice */
  ALARM_WRONG_ORDER,          /* one came where QEMU never asks for it */
  ALARM_FOREIGN_STATE,        /* one that the device does not have, by its flags */
  ALARM_OVERDUE,              /* it stays in one that should be short */
  ALARM_RESET_AT_SOURCE,      /* QEMU reset it when the switch-over failed */
  ALARM_RESET_AT_DESTINATION, /* QEMU reset it in place of letting it go on */
  ALARM_TOO_FEW_BYTES,        /* less than a whole state was sent */
  ALARM_RUNS_WHILE_PAUSED,    /* it works in the memory of a guest that stands still */
  ALARM_NOT_RUNNING,          /* it stands still while its guest runs */
} AlarmKind;

#define N_ALARM_KINDS (ALARM_NOT_RUNNING + 1)

/* One alarm. It owns its strings; "" where there is nothing to say. */
typedef struct
{
  AlarmKind kind;
  char *uuid;
  char *domain;        /* its name */
  char *device;        /* address; "" when it cannot be told which */
  guint64 migration;   /* number of the record, 0 for none */
  gint64 raised_usec;  /* wall clock */
  gint64 cleared_usec; /* 0: it is open, which is to say that it concerns a guest on this host */
  char *sentence;
  char *outcome; /* of a repair */
} Alarm;

const char *alarm_kind_to_string (AlarmKind kind);
gboolean alarm_kind_from_string (const char *name, AlarmKind *ret_kind);

/* What it means for the guest, and what a person can do; each half a sentence or more. */
const char *alarm_kind_get_meaning (AlarmKind kind);
const char *alarm_kind_get_advice (AlarmKind kind);

/* Whether it is a condition, which ends, rather than something that happened. */
gboolean alarm_kind_is_condition (AlarmKind kind);

/**
 * alarm_new:
 * @detail: what was seen, the device being its subject: "went from …"
 * Returns: (transfer full): raised now
 */
Alarm *alarm_new (AlarmKind kind, const char *uuid, const char *domain, const char *device, guint64 migration,
                  const char *detail);
Alarm *alarm_copy (const Alarm *alarm);
void alarm_free (Alarm *alarm);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Alarm, alarm_free)

/* Whether it still concerns a guest on this host. */
gboolean alarm_is_open (const Alarm *alarm);
