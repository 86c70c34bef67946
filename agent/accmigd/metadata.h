/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "broker-client.h"
#include "migrations.h"
#include "registry.h"

/*
 * Metadata: keeps the profiles of each running domain's devices in its libvirt metadata, where the
 * destination's gate finds them.
 *
 * It is written when it differs and never while the domain migrates, for libvirt would hold the call until
 * the end and then fail it.
 */

typedef struct _Metadata Metadata;

/* What it works with; borrowed, must outlive it. */
typedef struct
{
  BrokerClient *broker;
  Registry *registry;
  const Domains *domains;
  const Migrations *migrations;
} MetadataSources;

/* @written: the domain's metadata was changed: look the domain up again */
Metadata *metadata_new (const MetadataSources *sources, void (*written) (const char *uuid, gpointer user),
                        gpointer user);
void metadata_free (Metadata *metadata);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Metadata, metadata_free)

/* The domain began a stay on this host: the next write gives it a new token. Writes nothing by itself. */
void metadata_begin_stay (Metadata *metadata, const char *uuid);
/* The domain's devices, or what is known of them, may have changed: writes when that makes a difference. */
void metadata_refresh (Metadata *metadata, const char *uuid);
/* The domain is gone. */
void metadata_forget (Metadata *metadata, const char *uuid);
