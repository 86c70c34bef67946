// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Fleets
 *
 * While profiles are added only groups are made: by signature, so that a profile costs a look-up. Classifying
 * holds every group against every other one of its family, in both directions, and keeps one bit of each
 * verdict; all else is worked out from these bits.
 */

#include <accmig/fleet.h>

#include <string.h>

#include "compat-private.h"
#include "compat-signature.h"
#include "error-private.h"

typedef struct
{
  AccmigFleetGroup public;
  AccmigProfile *profile;
  char *signature;
  GHashTable *host_set; /* of names that the fleet owns */
  GPtrArray *hosts;     /* the same, sorted; made by classifying */
} Group;

typedef struct
{
  AccmigFleetClass public;
  char *digest;
  GArray *groups; /* of gsize */
  GPtrArray *hosts;
} Class;

struct _AccmigFleet
{
  AccmigCompatOptions options;
  GHashTable *names;        /* of hosts; a set that owns them */
  GHashTable *by_signature; /* Group.signature → Group, borrowed */
  GPtrArray *groups;        /* of Group, owned */
  GPtrArray *classes;       /* of Class, owned */
  guint8 *sends;            /* (nullable): a bit for each pair of groups: row sends to column */
  guint64 n_profiles;
};

/* ---- groups ---- */

static void
group_free (gpointer data)
{
  Group *self = data;

  accmig_profile_unref (self->profile);
  g_hash_table_unref (self->host_set);
  g_clear_pointer (&self->hosts, g_ptr_array_unref);
  g_free (self->signature);
  g_free (self);
}

static void
class_free (gpointer data)
{
  Class *self = data;

  g_array_unref (self->groups);
  g_clear_pointer (&self->hosts, g_ptr_array_unref);
  g_free (self->digest);
  g_free (self);
}

AccmigFleet *
accmig_fleet_new (AccmigCompatOptions options)
{
  AccmigFleet *self = g_new0 (AccmigFleet, 1);

  self->options = options;
  self->names = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->by_signature = g_hash_table_new (g_str_hash, g_str_equal);
  self->groups = g_ptr_array_new_with_free_func (group_free);
  self->classes = g_ptr_array_new_with_free_func (class_free);
  return self;
}

void
accmig_fleet_free (AccmigFleet *self)
{
  if (self == NULL)
    return;
  g_ptr_array_unref (self->classes);
  g_hash_table_unref (self->by_signature);
  g_ptr_array_unref (self->groups);
  g_hash_table_unref (self->names);
  g_free (self->sends);
  g_free (self);
}

/* Returns: (transfer none): the fleet's own copy of @host */
static const char *
keep_name (AccmigFleet *self, const char *host)
{
  gpointer name = NULL;

  if (!g_hash_table_lookup_extended (self->names, host, &name, NULL))
    {
      name = g_strdup (host);
      g_hash_table_add (self->names, name);
    }
  return name;
}

/* (nullable) */
static Group *
add_group (AccmigFleet *self, const char *host, AccmigProfile *profile, char **signature, GError **error)
{
  Group *group = NULL;

  if (self->groups->len == ACCMIG_FLEET_MAX_GROUPS)
    {
      fail (error, ACCMIG_ERROR_LIMIT,
            "the fleet has more than %d profiles that the rules can tell apart, at most that many are held "
            "against each other",
            ACCMIG_FLEET_MAX_GROUPS);
      return NULL;
    }
  group = g_new0 (Group, 1);
  group->profile = accmig_profile_ref (profile);
  group->signature = g_steal_pointer (signature);
  group->host_set = g_hash_table_new (g_direct_hash, g_direct_equal);
  group->public.profile = profile;
  group->public.host = host;
  group->public.signature = group->signature;
  group->public.class_index = -1;
  g_ptr_array_add (self->groups, group);
  g_hash_table_insert (self->by_signature, group->signature, group);
  return group;
}

gboolean
accmig_fleet_add (AccmigFleet *self, const char *host, AccmigProfile *profile, GError **error)
{
  g_autofree char *signature = compat_signature (profile);
  Group *group = g_hash_table_lookup (self->by_signature, signature);
  const char *name = NULL;

  g_return_val_if_fail (self->sends == NULL, FALSE);
  name = keep_name (self, host);
  if (group == NULL)
    group = add_group (self, name, profile, &signature, error);
  if (group == NULL)
    return FALSE;
  g_hash_table_add (group->host_set, (gpointer)name);
  group->public.n_profiles++;
  self->n_profiles++;
  return TRUE;
}

/* ---- who can send to whom ---- */

static const Group *
get_group (const AccmigFleet *self, gsize index)
{
  return self->groups->pdata[index];
}

static gsize
bit_of (const AccmigFleet *self, gsize from, gsize to)
{
  return from * self->groups->len + to;
}

gboolean
accmig_fleet_can_send (const AccmigFleet *self, gsize from, gsize to)
{
  gsize bit = bit_of (self, from, to);

  g_return_val_if_fail (self->sends != NULL && from < self->groups->len && to < self->groups->len, FALSE);
  return (self->sends[bit / 8] >> (bit % 8) & 1) != 0;
}

static void
fill_row (AccmigFleet *self, gsize from)
{
  const Group *source = get_group (self, from);
  const char *family = accmig_profile_get_family (source->profile);

  for (gsize to = 0; to < self->groups->len; to++)
    {
      const Group *target = get_group (self, to);
      gsize bit = bit_of (self, from, to);

      /* Between two families no verdict is any better. */
      if (strcmp (family, accmig_profile_get_family (target->profile)) == 0
          && compat_can_send (source->profile, target->profile, self->options))
        self->sends[bit / 8] |= (guint8)(1U << (bit % 8));
    }
}

/* ---- classes ---- */

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *)a, *(const char *const *)b);
}

/* @set: (element-type utf8): Returns: (transfer full) */
static GPtrArray *
sort_names (GHashTable *set)
{
  GPtrArray *names = g_ptr_array_sized_new (g_hash_table_size (set));
  GHashTableIter iter;
  gpointer name = NULL;

  g_hash_table_iter_init (&iter, set);
  while (g_hash_table_iter_next (&iter, &name, NULL))
    g_ptr_array_add (names, name);
  g_ptr_array_sort (names, compare_names);
  return names;
}

static void
finish_groups (AccmigFleet *self)
{
  for (guint i = 0; i < self->groups->len; i++)
    {
      Group *group = self->groups->pdata[i];

      group->hosts = sort_names (group->host_set);
      group->public.n_hosts = group->hosts->len;
      group->public.hosts = (const char *const *)group->hosts->pdata;
    }
}

/* Descending. */
static int
compare_counts (guint64 a, guint64 b)
{
  return a > b ? -1 : a < b;
}

static int
compare_groups (gconstpointer a, gconstpointer b)
{
  const Group *first = *(const Group *const *)a, *second = *(const Group *const *)b;
  int order =
      strcmp (accmig_profile_get_family (first->profile), accmig_profile_get_family (second->profile));

  if (order == 0)
    order = compare_counts (first->public.n_hosts, second->public.n_hosts);
  if (order == 0)
    order = compare_counts (first->public.n_profiles, second->public.n_profiles);
  return order != 0 ? order : strcmp (first->signature, second->signature);
}

/* Whether @index can exchange guests with each group of the class. */
static gboolean
class_takes (const AccmigFleet *self, const Class *class, gsize index)
{
  for (guint i = 0; i < class->groups->len; i++)
    {
      gsize other = g_array_index (class->groups, gsize, i);

      if (!accmig_fleet_can_send (self, index, other) || !accmig_fleet_can_send (self, other, index))
        return FALSE;
    }
  return TRUE;
}

static Class *
add_class (AccmigFleet *self, const char *family)
{
  Class *class = g_new0 (Class, 1);

  class->public.family = family;
  class->groups = g_array_new (FALSE, FALSE, sizeof (gsize));
  g_ptr_array_add (self->classes, class);
  return class;
}

/* (nullable) */
static Class *
find_taker (const AccmigFleet *self, gsize index)
{
  for (guint i = 0; i < self->classes->len; i++)
    if (class_takes (self, self->classes->pdata[i], index))
      return self->classes->pdata[i];
  return NULL;
}

static void
place_group (AccmigFleet *self, gsize index)
{
  const Group *group = get_group (self, index);
  Class *class = NULL;

  if (!accmig_fleet_can_send (self, index, index))
    return;
  class = find_taker (self, index);
  if (class == NULL)
    class = add_class (self, accmig_profile_get_family (group->profile));
  g_array_append_val (class->groups, index);
  class->public.n_profiles += group->public.n_profiles;
}

/*
 * Of all signatures together: where two fleets have a class with the same digest, its groups are the same, so
 * that whoever has only the digest may rely on it.
 */
static char *
make_digest (const AccmigFleet *self, const Class *class)
{
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);
  g_autoptr (GPtrArray) signatures = g_ptr_array_sized_new (class->groups->len);

  for (guint i = 0; i < class->groups->len; i++)
    g_ptr_array_add (signatures, get_group (self, g_array_index (class->groups, gsize, i))->signature);
  g_ptr_array_sort (signatures, compare_names);
  for (guint i = 0; i < signatures->len; i++)
    g_checksum_update (checksum, signatures->pdata[i], -1);
  return g_strdup (g_checksum_get_string (checksum));
}

static void
finish_class (const AccmigFleet *self, Class *class)
{
  g_autoptr (GHashTable) set = g_hash_table_new (g_direct_hash, g_direct_equal);

  for (guint i = 0; i < class->groups->len; i++)
    {
      const Group *group = get_group (self, g_array_index (class->groups, gsize, i));

      for (guint h = 0; h < group->hosts->len; h++)
        g_hash_table_add (set, group->hosts->pdata[h]);
    }
  class->hosts = sort_names (set);
  class->digest = make_digest (self, class);
  class->public.hosts = (const char *const *)class->hosts->pdata;
  class->public.n_hosts = class->hosts->len;
  class->public.groups = (const gsize *)(gconstpointer) class->groups->data;
  class->public.n_groups = class->groups->len;
  class->public.digest = class->digest;
}

static int
compare_classes (gconstpointer a, gconstpointer b)
{
  const Class *first = *(const Class *const *)a, *second = *(const Class *const *)b;
  int order = strcmp (first->public.family, second->public.family);

  if (order == 0)
    order = compare_counts (first->public.n_hosts, second->public.n_hosts);
  if (order == 0)
    order = compare_counts (first->public.n_profiles, second->public.n_profiles);
  return order != 0 ? order : strcmp (first->digest, second->digest);
}

static void
number_classes (AccmigFleet *self)
{
  g_ptr_array_sort (self->classes, compare_classes);
  for (guint i = 0; i < self->classes->len; i++)
    {
      const Class *class = self->classes->pdata[i];

      for (guint g = 0; g < class->groups->len; g++)
        {
          Group *group = self->groups->pdata[g_array_index (class->groups, gsize, g)];

          group->public.class_index = i;
        }
    }
}

void
accmig_fleet_classify (AccmigFleet *self)
{
  gsize n = self->groups->len;

  g_return_if_fail (self->sends == NULL);
  finish_groups (self);
  g_ptr_array_sort (self->groups, compare_groups);
  self->sends = g_malloc0 (n * n / 8 + 1);
  for (gsize i = 0; i < n; i++)
    fill_row (self, i);
  for (gsize i = 0; i < n; i++)
    place_group (self, i);
  for (guint i = 0; i < self->classes->len; i++)
    finish_class (self, self->classes->pdata[i]);
  number_classes (self);
}

/* ---- what came out ---- */

guint64
accmig_fleet_get_n_profiles (const AccmigFleet *self)
{
  return self->n_profiles;
}

gsize
accmig_fleet_get_n_hosts (const AccmigFleet *self)
{
  return g_hash_table_size (self->names);
}

gsize
accmig_fleet_get_n_groups (const AccmigFleet *self)
{
  return self->groups->len;
}

const AccmigFleetGroup *
accmig_fleet_get_group (const AccmigFleet *self, gsize index)
{
  g_return_val_if_fail (index < self->groups->len, NULL);
  return &get_group (self, index)->public;
}

gsize
accmig_fleet_get_n_classes (const AccmigFleet *self)
{
  return self->classes->len;
}

const AccmigFleetClass *
accmig_fleet_get_class (const AccmigFleet *self, gsize index)
{
  g_return_val_if_fail (index < self->classes->len, NULL);
  return &((const Class *)self->classes->pdata[index])->public;
}

AccmigFleetReach
accmig_fleet_get_reach (const AccmigFleet *self, gsize from, gsize to)
{
  const AccmigFleetClass *source = accmig_fleet_get_class (self, from);
  const AccmigFleetClass *target = accmig_fleet_get_class (self, to);
  gboolean some = FALSE;
  gboolean all = TRUE;

  for (gsize i = 0; i < source->n_groups; i++)
    for (gsize j = 0; j < target->n_groups; j++)
      {
        gboolean sends = accmig_fleet_can_send (self, source->groups[i], target->groups[j]);

        some = some || sends;
        all = all && sends;
      }
  return all ? ACCMIG_FLEET_REACH_ALL : some ? ACCMIG_FLEET_REACH_SOME : ACCMIG_FLEET_REACH_NONE;
}

/* Whether @profile can exchange guests with each group of the class, and with its own like. */
static gboolean
class_fits (const AccmigFleet *self, const AccmigFleetClass *class, const AccmigProfile *profile)
{
  if (!compat_can_send (profile, profile, self->options))
    return FALSE;
  for (gsize i = 0; i < class->n_groups; i++)
    {
      const AccmigProfile *other = get_group (self, class->groups[i])->profile;

      if (!compat_can_send (profile, other, self->options)
          || !compat_can_send (other, profile, self->options))
        return FALSE;
    }
  return TRUE;
}

gssize
accmig_fleet_find_class (const AccmigFleet *self, const AccmigProfile *profile)
{
  g_autofree char *signature = compat_signature (profile);
  const Group *group = g_hash_table_lookup (self->by_signature, signature);

  if (group != NULL)
    return group->public.class_index;
  for (gsize i = 0; i < self->classes->len; i++)
    if (class_fits (self, accmig_fleet_get_class (self, i), profile))
      return (gssize)i;
  return -1;
}
