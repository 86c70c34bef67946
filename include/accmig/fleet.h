/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <accmig/compat.h>

/*
 * A fleet: the profiles of many hosts, and who can exchange guests with whom.
 *
 * Profiles that no rule can tell apart are one group, so that memory and time go with the groups and not with
 * the profiles. A class is a set of groups of one family each of which can send to each other and to its own
 * like: between their hosts a guest may come and go. A verdict of compatible or degraded counts as "can
 * send"; one of unknown does not.
 *
 * Most rules ask for equality, and then the classes are what they are. A few relations are not transitive (a
 * member that is missing goes with every value of it): there a group goes to the first class that takes it,
 * those with the most hosts first, so that the same fleet always gives the same classes.
 */

typedef struct _AccmigFleet AccmigFleet;

#define ACCMIG_FLEET_MAX_GROUPS 4096

/* Profiles that no rule can tell apart. Borrowed from the fleet. */
typedef struct
{
  const AccmigProfile *profile; /* the first of them that was added */
  const char *host;             /* whose that one is */
  const char *signature;        /* SHA-256 of what rules can see of them, 64 lower-case hex digits */
  guint64 n_profiles;
  gsize n_hosts;
  const char *const *hosts; /* (array length=n_hosts): sorted */
  gssize class_index;       /* -1: in none, for it cannot even send to its own like */
} AccmigFleetGroup;

/* Groups each of which can send to each other. Borrowed from the fleet. */
typedef struct
{
  const char *family;
  const char *digest; /* SHA-256 of its groups' signatures, 64 lower-case hex digits */
  guint64 n_profiles;
  gsize n_hosts;
  const char *const *hosts; /* (array length=n_hosts): that have a device of the class; sorted */
  gsize n_groups;
  const gsize *groups; /* (array length=n_groups): the one with the most hosts first */
} AccmigFleetClass;

/* How much of one class can send to another. */
typedef enum
{
  ACCMIG_FLEET_REACH_NONE,
  ACCMIG_FLEET_REACH_SOME, /* some group to some group */
  ACCMIG_FLEET_REACH_ALL,  /* every group to every group */
} AccmigFleetReach;

/**
 * accmig_fleet_new:
 * @options: as for accmig_compat_check()
 */
ACCMIG_API AccmigFleet *accmig_fleet_new (AccmigCompatOptions options);
ACCMIG_API void accmig_fleet_free (AccmigFleet *fleet);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (AccmigFleet, accmig_fleet_free)

/**
 * accmig_fleet_add:
 * @host: whose profile it is
 * @error: LIMIT when it would be the first of one group more than ACCMIG_FLEET_MAX_GROUPS
 */
ACCMIG_API gboolean accmig_fleet_add (AccmigFleet *fleet, const char *host, AccmigProfile *profile,
                                      GError **error);

/**
 * accmig_fleet_classify:
 * Finds the classes: once, after the last profile was added and before anything else is asked. Every group is
 * held against every other one of its family, so time goes with the square of their number.
 */
ACCMIG_API void accmig_fleet_classify (AccmigFleet *fleet);

ACCMIG_API guint64 accmig_fleet_get_n_profiles (const AccmigFleet *fleet);
ACCMIG_API gsize accmig_fleet_get_n_hosts (const AccmigFleet *fleet);

/** accmig_fleet_get_group: groups are sorted by family, then by hosts, profiles and signature */
ACCMIG_API gsize accmig_fleet_get_n_groups (const AccmigFleet *fleet);
ACCMIG_API const AccmigFleetGroup *accmig_fleet_get_group (const AccmigFleet *fleet, gsize index);

/** accmig_fleet_get_class: classes are sorted by family; within it the one with the most hosts comes first */
ACCMIG_API gsize accmig_fleet_get_n_classes (const AccmigFleet *fleet);
ACCMIG_API const AccmigFleetClass *accmig_fleet_get_class (const AccmigFleet *fleet, gsize index);

/** accmig_fleet_can_send: Returns: whether a device of group @from can be migrated to one of group @to */
ACCMIG_API gboolean accmig_fleet_can_send (const AccmigFleet *fleet, gsize from, gsize to);

/** accmig_fleet_get_reach: the same for two classes */
ACCMIG_API AccmigFleetReach accmig_fleet_get_reach (const AccmigFleet *fleet, gsize from, gsize to);

/**
 * accmig_fleet_find_class:
 * @profile: of the fleet or not
 * Returns: the index of its group's class; for one that is in no group, the first class each of whose groups
 * it can exchange guests with; -1 when there is none
 */
ACCMIG_API gssize accmig_fleet_find_class (const AccmigFleet *fleet, const AccmigProfile *profile);
