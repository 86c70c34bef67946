// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Placement
 *
 * All hostdevs of a guest are placed together: what one takes the other cannot have, and a pair must find a
 * place when there is one at all. So every pair of hostdev and device gets a cost, and assign.c finds the
 * cheapest whole.
 *
 * A cost is a sum of points with weights so far apart that no sum of the lesser ones, over all hostdevs,
 * outweighs one point of the next: how well it fits, whether it is another device than the XML names, on
 * another node than the guest's memory, of another PF, how many devices of its PF are taken, and its place in
 * the order of addresses.
 *
 * What was not opened yet is judged by what is known of it. That may turn out wrong, and the caller then
 * comes back. So a device that may turn out right is worth trying before one that is known to be the worse;
 * and the device that the XML names is asked in any case before the guest is turned away for it.
 */

#include "placement.h"

#include "assign.h"

#define MAX_ORDER (PLACEMENT_MAX_CANDIDATES - 1)
#define MAX_LOAD  63 /* more count as that */

/* One point of each. */
#define WEIGHT_ORDER G_GUINT64_CONSTANT (1)
#define WEIGHT_LOAD  (WEIGHT_ORDER * (ASSIGN_MAX_ROWS * MAX_ORDER + 1))
#define WEIGHT_PF    (WEIGHT_LOAD * (ASSIGN_MAX_ROWS * MAX_LOAD + 1))
#define WEIGHT_NODE  (WEIGHT_PF * (ASSIGN_MAX_ROWS + 1))
#define WEIGHT_MOVED (WEIGHT_NODE * (ASSIGN_MAX_ROWS + 1))
#define WEIGHT_GRADE (WEIGHT_MOVED * (ASSIGN_MAX_ROWS + 1))

/* How well a device fits. */
typedef enum
{
  GRADE_COMPATIBLE,
  GRADE_PERHAPS, /* unknown, and it can still be asked */
  GRADE_DEGRADED,
  GRADE_UNKNOWN,  /* for the device of the XML only */
  GRADE_ASK_ONCE, /* on paper it does not fit; again for that one only */
  GRADE_NONE,
} Grade;

G_STATIC_ASSERT (WEIGHT_GRADE *GRADE_NONE < ASSIGN_MAX_COST);

typedef struct
{
  const DeviceView *view;
  const PlacementWishes *wishes;
  GPtrArray *candidates; /* of const Device, by address */
  GHashTable *loads;     /* char * parent → GUINT: how many of its devices others have */
} Problem;

/* ---- one pair ---- */

static Grade
grade (const Problem *problem, const Claim *claim, const Device *device, gboolean own)
{
  gboolean may_ask = device_view_may_ask (problem->view, device);
  g_auto (Judgement) judgement = { 0 };

  judgement_make (problem->view, claim, device_get_address (device), &judgement);
  if (!judgement.available)
    return GRADE_NONE;
  switch (judgement.outcome)
    {
    case ACCMIG_OUTCOME_COMPATIBLE:
      return GRADE_COMPATIBLE;
    case ACCMIG_OUTCOME_DEGRADED:
      return GRADE_DEGRADED;
    case ACCMIG_OUTCOME_UNKNOWN:
      if (may_ask)
        return GRADE_PERHAPS;
      return own ? GRADE_UNKNOWN : GRADE_NONE;
    case ACCMIG_OUTCOME_INCOMPATIBLE:
    default:
      return own && may_ask ? GRADE_ASK_ONCE : GRADE_NONE;
    }
}

const char *
placement_get_named_pf (const DeviceView *view, const Claim *claim)
{
  const Device *named = registry_lookup (view->registry, claim->address);

  if (named != NULL)
    return device_get_parent (named);
  return claim->source != NULL ? accmig_profile_get_string (claim->source, "device.pf") : NULL;
}

static gboolean
is_of_named_pf (const Problem *problem, const Claim *claim, const Device *device)
{
  return g_strcmp0 (placement_get_named_pf (problem->view, claim), device_get_parent (device)) == 0;
}

/* Whether the policy lets it stand in for the device that the XML names. The host's own devices are not taken
 * from it for that. */
static gboolean
may_stand_in (const Problem *problem, const Claim *claim, const Device *device)
{
  if (claim->source == NULL || device_is_on_host_driver (device))
    return FALSE;
  switch (problem->wishes->remap)
    {
    case REMAP_ANY:
      return TRUE;
    case REMAP_SAME_PF:
      return is_of_named_pf (problem, claim, device);
    case REMAP_NEVER:
    default:
      return FALSE;
    }
}

static gboolean
is_near (const Problem *problem, const Claim *claim, const Device *device)
{
  const GArray *nodes = problem->wishes->nodes;
  const Device *named = registry_lookup (problem->view->registry, claim->address);
  int node = accmig_device_info_get_numa_node (device_get_info (device));
  int wanted = named != NULL ? accmig_device_info_get_numa_node (device_get_info (named)) : -1;

  if (nodes->len == 0)
    return wanted < 0 || node == wanted;
  for (guint i = 0; i < nodes->len; i++)
    if (g_array_index (nodes, int, i) == node)
      return TRUE;
  return FALSE;
}

static guint
get_load (const Problem *problem, const Device *device)
{
  return GPOINTER_TO_UINT (g_hash_table_lookup (problem->loads, device_get_parent (device)));
}

static guint64
cost (const Problem *problem, const Claim *claim, guint order)
{
  const Device *device = problem->candidates->pdata[order];
  gboolean own = g_str_equal (device_get_address (device), claim->address);
  Grade fit = GRADE_NONE;

  if (own || may_stand_in (problem, claim, device))
    fit = grade (problem, claim, device, own);
  if (fit == GRADE_NONE)
    return ASSIGN_IMPOSSIBLE;
  return WEIGHT_GRADE * fit + WEIGHT_MOVED * !own + WEIGHT_NODE * !is_near (problem, claim, device)
         + WEIGHT_PF * !is_of_named_pf (problem, claim, device)
         + WEIGHT_LOAD * MIN (get_load (problem, device), MAX_LOAD) + WEIGHT_ORDER * order;
}

/* ---- all of them ---- */

static gboolean
is_named (const Claim *claims, gsize n, const Device *device)
{
  for (gsize i = 0; i < n; i++)
    if (g_str_equal (claims[i].address, device_get_address (device)))
      return TRUE;
  return FALSE;
}

/* Whether some other guest has the device, or is promised it. */
static gboolean
is_taken (const DeviceView *view, const Device *device)
{
  Reservation reservation = { 0 };

  if (device_get_owner (device) == OWNER_GUEST || device_get_owner (device) == OWNER_REGISTERED)
    return TRUE;
  return reservations_lookup (view->reservations, device_get_address (device), &reservation)
         && g_strcmp0 (reservation.uuid, view->uuid) != 0;
}

static int
compare_devices (gconstpointer a, gconstpointer b)
{
  const Device *const *first = a, *const *second = b;

  return g_strcmp0 (device_get_address (*first), device_get_address (*second));
}

/* Whether some claim could be met by it, by policy alone; the others shall not use up the candidates. */
static gboolean
may_be_wanted (const Problem *problem, const Claim *claims, gsize n, const Device *device)
{
  AccmigKind kind = accmig_device_info_get_kind (device_get_info (device));

  for (gsize i = 0; i < n; i++)
    if (claims[i].kind == kind && may_stand_in (problem, &claims[i], device))
      return TRUE;
  return FALSE;
}

/* The devices that the XML names and, if they may be had, those that are free; no more than can be handled.
 */
static void
find_candidates (Problem *problem, const Claim *claims, gsize n)
{
  const Registry *registry = problem->view->registry;

  for (gsize i = 0; i < n; i++)
    {
      const Device *named = registry_lookup (registry, claims[i].address);

      if (named != NULL && !g_ptr_array_find (problem->candidates, named, NULL))
        g_ptr_array_add (problem->candidates, (gpointer)named);
    }
  for (gsize i = 0; i < registry_size (registry); i++)
    {
      const Device *device = registry_get (registry, i);

      if (problem->candidates->len < PLACEMENT_MAX_CANDIDATES && may_be_wanted (problem, claims, n, device)
          && !is_taken (problem->view, device) && !is_named (claims, n, device))
        g_ptr_array_add (problem->candidates, (gpointer)device);
    }
  g_ptr_array_sort (problem->candidates, compare_devices);
}

static void
count_loads (Problem *problem)
{
  for (gsize i = 0; i < registry_size (problem->view->registry); i++)
    {
      const Device *device = registry_get (problem->view->registry, i);

      if (is_taken (problem->view, device))
        g_hash_table_replace (problem->loads, (gpointer)device_get_parent (device),
                              GUINT_TO_POINTER (get_load (problem, device) + 1));
    }
}

void
placement_solve (const DeviceView *view, const PlacementWishes *wishes, const Claim *claims, gsize n,
                 const char **ret_addresses)
{
  g_autoptr (GPtrArray) candidates = g_ptr_array_new ();
  g_autoptr (GHashTable) loads = g_hash_table_new (g_str_hash, g_str_equal);
  Problem problem = { view, wishes, candidates, loads };
  g_autofree guint64 *costs = NULL;
  int columns[ASSIGN_MAX_ROWS];

  g_return_if_fail (n <= ASSIGN_MAX_ROWS);

  find_candidates (&problem, claims, n);
  count_loads (&problem);
  costs = g_new (guint64, n * candidates->len);
  for (gsize i = 0; i < n; i++)
    for (guint order = 0; order < candidates->len; order++)
      costs[i * candidates->len + order] = cost (&problem, &claims[i], order);
  assign_solve (costs, n, candidates->len, columns);
  for (gsize i = 0; i < n; i++)
    ret_addresses[i] = columns[i] == ASSIGN_NONE ? NULL : device_get_address (candidates->pdata[columns[i]]);
}
