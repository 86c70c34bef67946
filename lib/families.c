// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A set of families
 *
 * Loaded once, at the start of a program: a verdict must not depend on when it was asked for. A file that is
 * wrong costs its own family and nothing else; where it was to replace one of the installation, that one
 * stays.
 *
 * The default set is the library's only global state. Which device belongs to which family is a property of
 * the host, and handing the set to everybody who makes a profile would not make it less so.
 */

#include <accmig/families.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <string.h>

#include "directory.h"
#include "family.h"

#include "config.h"

#define SUFFIX ".family"

/* Most files that are looked at. */
#define MAX_FILES 64

/* ---- warnings ---- */

static void G_GNUC_PRINTF (2, 3) warn (AccmigFamilies *self, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  g_ptr_array_add (self->warnings, g_strdup_vprintf (format, args));
  va_end (args);
}

/* ---- one file ---- */

static const char *
find_common (char *const *items, char *const *others, gboolean (*equal) (const char *a, const char *b))
{
  for (; *items != NULL; items++)
    for (char *const *other = others; *other != NULL; other++)
      if (equal (*items, *other))
        return *items;
  return NULL;
}

static gboolean
texts_equal (const char *a, const char *b)
{
  return strcmp (a, b) == 0;
}

/* Returns: whether another family than that which @family replaces claims one of its ids or drivers */
static gboolean
collides (AccmigFamilies *self, const AccmigFamily *family)
{
  for (guint i = 0; i < self->families->len; i++)
    {
      const AccmigFamily *other = g_ptr_array_index (self->families, i);
      const char *common;

      if (other->name == family->name)
        continue;
      common = find_common (family->ids, other->ids, texts_equal);
      if (common == NULL)
        common = find_common (family->drivers, other->drivers, driver_names_equal);
      if (common == NULL)
        continue;
      warn (self, "%s: %s belongs to the family %s already, by %s", family->path, common, other->name,
            other->path);
      return TRUE;
    }
  return FALSE;
}

/* Returns: (nullable): the family that a file called @name would replace */
static const AccmigFamily *
find_replaced (const AccmigFamilies *self, const char *name)
{
  for (guint i = 0; i < self->families->len; i++)
    {
      const AccmigFamily *family = g_ptr_array_index (self->families, i);
      gsize length = strlen (family->name);

      if (strncmp (name, family->name, length) == 0 && strcmp (name + length, SUFFIX) == 0)
        return family;
    }
  return NULL;
}

static void
load_file (AccmigFamilies *self, const char *directory, const char *name)
{
  g_autofree char *path = g_build_filename (directory, name, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (AccmigFamily) family = family_read (path, &error);
  const AccmigFamily *replaced = find_replaced (self, name);
  gboolean good = family != NULL && !collides (self, family);

  if (family == NULL)
    warn (self, "%s", error->message);
  if (!good && replaced != NULL)
    warn (self, "%s: left out; %s stays in force", path, replaced->path);
  if (!good)
    return;
  if (replaced != NULL)
    g_ptr_array_remove (self->families, (gpointer)replaced);
  g_ptr_array_add (self->families, g_steal_pointer (&family));
}

/* ---- directories ---- */

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *)a, *(const char *const *)b);
}

/* Returns: (transfer full): the names of its family files, sorted; none when there is no such directory */
static GPtrArray *
list_files (AccmigFamilies *self, const char *directory)
{
  GPtrArray *names = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (DIR) dir = directory_open_at (AT_FDCWD, directory);

  if (dir == NULL && errno != ENOENT)
    warn (self, "%s: %s", directory, g_strerror (errno));
  for (const struct dirent *entry; dir != NULL && (entry = readdir (dir)) != NULL;)
    if (entry->d_name[0] != '.' && g_str_has_suffix (entry->d_name, SUFFIX))
      g_ptr_array_add (names, g_strdup (entry->d_name));
  g_ptr_array_sort (names, compare_names);
  return names;
}

/* @n_files: (inout): how many were looked at */
static void
load_directory (AccmigFamilies *self, const char *directory, guint *n_files)
{
  g_autoptr (GPtrArray) names = list_files (self, directory);

  for (guint i = 0; i < names->len; i++)
    {
      if (++*n_files > MAX_FILES)
        {
          warn (self, "%s: more than %d family files; “%s” and those after it are left out", directory,
                MAX_FILES, (const char *)g_ptr_array_index (names, i));
          return;
        }
      load_file (self, directory, g_ptr_array_index (names, i));
    }
}

/* ---- the set ---- */

static int
compare_families (gconstpointer a, gconstpointer b)
{
  return strcmp ((*(const AccmigFamily *const *)a)->name, (*(const AccmigFamily *const *)b)->name);
}

static void
add_rules_of_rank (AccmigFamily *self, const GPtrArray *rules, CompatRank rank)
{
  for (guint i = 0; i < rules->len; i++)
    {
      CompatRule *rule = g_ptr_array_index (rules, i);

      if (rule->rank == rank)
        g_ptr_array_add (self->all_rules, rule);
    }
}

/* Of each rank, those of every family come first. */
static void
merge_rules (AccmigFamily *self, const AccmigFamily *generic)
{
  for (CompatRank rank = 0; rank < N_RANKS; rank++)
    {
      if (generic != NULL)
        add_rules_of_rank (self, generic->rules, rank);
      if (self != generic)
        add_rules_of_rank (self, self->rules, rank);
    }
}

AccmigFamilies *
accmig_families_load (const char *const *directories)
{
  AccmigFamilies *self = g_new0 (AccmigFamilies, 1);
  guint n_files = 0;

  g_atomic_ref_count_init (&self->references);
  self->families = g_ptr_array_new_with_free_func ((GDestroyNotify)family_free);
  self->warnings = g_ptr_array_new_with_free_func (g_free);
  for (; *directories != NULL; directories++)
    load_directory (self, *directories, &n_files);
  g_ptr_array_sort (self->families, compare_families);
  self->generic = accmig_families_lookup (self, GENERIC_FAMILY);
  if (self->generic == NULL)
    warn (self, "no " GENERIC_FAMILY SUFFIX " that is right: no verdict will be better than unknown");
  for (guint i = 0; i < self->families->len; i++)
    merge_rules (g_ptr_array_index (self->families, i), self->generic);
  g_ptr_array_add (self->warnings, NULL);
  return self;
}

AccmigFamilies *
accmig_families_ref (AccmigFamilies *self)
{
  g_atomic_ref_count_inc (&self->references);
  return self;
}

void
accmig_families_unref (AccmigFamilies *self)
{
  if (self == NULL || !g_atomic_ref_count_dec (&self->references))
    return;
  g_ptr_array_unref (self->families);
  g_ptr_array_unref (self->warnings);
  g_free (self);
}

const char *const *
accmig_families_get_warnings (const AccmigFamilies *self)
{
  return (const char *const *)self->warnings->pdata;
}

gsize
accmig_families_get_n (const AccmigFamilies *self)
{
  return self->families->len;
}

const AccmigFamily *
accmig_families_get (const AccmigFamilies *self, gsize index)
{
  g_return_val_if_fail (index < self->families->len, NULL);
  return g_ptr_array_index (self->families, index);
}

const AccmigFamily *
accmig_families_lookup (const AccmigFamilies *self, const char *name)
{
  for (guint i = 0; i < self->families->len; i++)
    {
      const AccmigFamily *family = g_ptr_array_index (self->families, i);

      if (g_strcmp0 (family->name, name) == 0)
        return family;
    }
  return NULL;
}

/* ---- the default set ---- */

static GMutex default_lock;
static AccmigFamilies *default_families; /* under the lock */

static AccmigFamilies *
load_default (void)
{
  static const char *const installed[] = { ACCMIG_FAMILIES_DIR, ACCMIG_CONFIG_DIR "/families.d", NULL };
  const char *path = g_getenv ("ACCMIG_FAMILIES_PATH");
  g_auto (GStrv) directories = path != NULL ? g_strsplit (path, ":", -1) : NULL;

  return accmig_families_load (path != NULL ? (const char *const *)directories : installed);
}

AccmigFamilies *
accmig_families_get_default (void)
{
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&default_lock);

  if (default_families == NULL)
    default_families = load_default ();
  return default_families;
}

void
accmig_families_set_default (AccmigFamilies *families)
{
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&default_lock);

  accmig_families_unref (default_families);
  default_families = families;
}

/* ---- which family ---- */

static gboolean
has_id (const AccmigFamily *family, const char *id)
{
  return g_strv_contains ((const char *const *)family->ids, id);
}

static gboolean
has_driver (const AccmigFamily *family, const char *driver)
{
  for (char *const *name = family->drivers; *name != NULL; name++)
    if (driver_names_equal (*name, driver))
      return TRUE;
  return FALSE;
}

static gboolean
has_mdev_type (const AccmigFamily *family, const char *type)
{
  for (char *const *glob = family->mdev_types; *glob != NULL; glob++)
    if (fnmatch (*glob, type, 0) == 0)
      return TRUE;
  return FALSE;
}

/* @text: (nullable). Returns: (nullable): the first family that has it */
static const char *
find_family (gboolean (*has) (const AccmigFamily *family, const char *text), const char *text)
{
  const AccmigFamilies *self = accmig_families_get_default ();

  for (guint i = 0; text != NULL && i < self->families->len; i++)
    {
      const AccmigFamily *family = g_ptr_array_index (self->families, i);

      if (has (family, text))
        return family->name;
    }
  return NULL;
}

const char *
family_of_pci (guint vendor, guint device, const char *driver, const char *variant)
{
  g_autofree char *id = g_strdup_printf ("%04x:%04x", vendor, device);
  const char *family = find_family (has_id, id);

  if (family == NULL)
    family = find_family (has_driver, driver);
  if (family == NULL)
    family = find_family (has_driver, variant);
  return family != NULL ? family : GENERIC_FAMILY;
}

const char *
family_of_mdev (const char *type)
{
  const char *family = find_family (has_mdev_type, type);

  return family != NULL ? family : GENERIC_FAMILY;
}

gboolean
driver_names_equal (const char *a, const char *b)
{
  if (a == NULL || b == NULL)
    return FALSE;
  for (; *a != '\0' && *b != '\0'; a++, b++)
    if (*a != *b && !(strchr ("-_", *a) != NULL && strchr ("-_", *b) != NULL))
      return FALSE;
  return *a == *b;
}

const char *
driver_of_module (const char *module)
{
  const AccmigFamilies *self = accmig_families_get_default ();

  for (guint i = 0; i < self->families->len; i++)
    {
      const AccmigFamily *family = g_ptr_array_index (self->families, i);

      for (char *const *driver = family->drivers; *driver != NULL; driver++)
        if (driver_names_equal (*driver, module))
          return *driver;
    }
  return driver_names_equal (PLAIN_DRIVER, module) ? PLAIN_DRIVER : module;
}
