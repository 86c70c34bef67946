/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "hypervisor/hypervisor.h"
#include "metadata.h"

/*
 * The census: asks libvirt which domains run, and brings domains, reservations, registry and metadata in step
 * with the answer.
 */

typedef struct _Census Census;

/* Why a domain is looked at. */
typedef enum
{
  CENSUS_CHANGED,  /* something about it may have changed */
  CENSUS_NEW_STAY, /* it began a stay on this host */
  CENSUS_ARRIVING, /* QEMU was started to take it in */
} CensusReason;

/* What it works with; borrowed, must outlive it. */
typedef struct
{
  Hypervisor *hypervisor;
  Domains *domains;
  Reservations *reservations;
  Registry *registry;
  Metadata *metadata;
  Migrations *migrations;
} CensusSources;

/* @taken: every domain is known now; called after each list */
Census *census_new (const CensusSources *sources, void (*taken) (gpointer user), gpointer user);
void census_free (Census *census);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Census, census_free)

/* Asks for all domains: after (re)connecting. */
void census_list (Census *census);
/* Asks for one, of which something was heard. */
void census_look_up (Census *census, const char *uuid, CensusReason reason);
/* It ended, or never was. */
void census_drop (Census *census, const char *uuid);
