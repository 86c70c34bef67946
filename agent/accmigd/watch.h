/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "broker-client.h"
#include "domains.h"
#include "migrations.h"

/*
 * The watch: looks at the state of guests' devices every few milliseconds while a migration makes that worth
 * it, for devices whose QEMU sends no events. At all other times it has no timer.
 */

typedef struct _Watch Watch;

/**
 * watch_new:
 * @broker, @domains, @migrations: borrowed
 * @period: milliseconds between two looks
 */
Watch *watch_new (BrokerClient *broker, const Domains *domains, Migrations *migrations, guint period);
void watch_free (Watch *watch);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Watch, watch_free)

/* A migration changed: begins or ends looking, and watching the time. */
void watch_update (Watch *watch);
/* Looks once at every device of a domain. */
void watch_look (Watch *watch, const char *uuid);
