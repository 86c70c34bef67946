/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "accmigd/drives.h"

/*
 * What the set of drives works with, under a test's hand: the broker's answers, the set of registered
 * devices, libvirt's word on a guest. The record of steps is the real one, and whatever the broker is asked
 * has to stand in it.
 */

#define FAKE_UUID "9b4d6bd6-6f1a-4d0c-8f3c-3d8f3f0c6c11"
#define FAKE_ID   1 /* of the migration */

/* All there is; one test at a time. */
typedef struct
{
  History *history;
  Drives *drives;     /* who hears of what changes in the set; (nullable) */
  GPtrArray *devices; /* of Registered */
  GPtrArray *calls;   /* of the broker's, unanswered */
  GString *log;       /* what the broker was asked */
  GString *told;      /* outcomes: "a:running " */

  Role role; /* of the migration */
  Phase phase;
  gboolean has_migration;

  gboolean has_domain, is_connected, was_migrated; /* libvirt's */
  HypervisorDomainState state;
} Fakes;

extern Fakes fakes;

void fakes_set_up (const char *history_path);
void fakes_tear_down (void);

void fakes_add_device (const char *name, AccmigState state);
void fakes_set_device (const char *name, AccmigState state);
AccmigState fakes_get_state (const char *name);
const char *fakes_get_alarm (const char *name);
/* The broker has it, or has it no longer. */
void fakes_attach (const char *name, gboolean attached);

/* Answers what was asked first. */
void fakes_answer_one (void);
/* Answers everything that is asked, until nothing is. */
void fakes_answer (void);
/* The broker dies: what was asked is done, or not, and nobody answers. */
void fakes_lose_broker (gboolean done);
/* The migration is in @phase now. */
void fakes_tell (Phase phase);
