/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "broker-client.h"
#include "placement.h"

/*
 * Making: an mdev for a guest that finds none.
 */

/* What is to be made. Free with making_plan_free(). */
typedef struct
{
  char *parent;
  char *type;
  char *uuid;
} MakingPlan;

void making_plan_free (MakingPlan *plan);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MakingPlan, making_plan_free)

/**
 * making_plan_new:
 * @claim: one that no device meets
 * Returns: (transfer full) (nullable): NULL when it is no mdev's, when no parent has an instance of its type
 *   left, and when @remap does not let the guest have what could be made
 */
MakingPlan *making_plan_new (int sysfs_fd, const DeviceView *view, Remap remap, const Claim *claim);

/* Makes it, and has the registry look. FALSE with another error than that the broker does not answer: it was
 * not made. */
void making_run_async (BrokerClient *broker, Registry *registry, const MakingPlan *plan,
                       GAsyncReadyCallback callback, gpointer user);
gboolean making_run_finish (GAsyncResult *result, GError **error);

/* Takes away an mdev that was made for a guest that did not come. Whether that works is for the journal. */
void making_undo (BrokerClient *broker, Registry *registry, const char *uuid);
