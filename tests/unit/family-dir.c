// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A temporary directory of family files
 */

#include "family-dir.h"

#include <glib/gstdio.h>
#include <unistd.h>

struct _FamilyDir
{
  char *path;
  GPtrArray *files; /* of char * */
};

FamilyDir *
family_dir_new (void)
{
  FamilyDir *self = g_new0 (FamilyDir, 1);
  g_autoptr (GError) error = NULL;

  self->path = g_dir_make_tmp ("accmig-families-XXXXXX", &error);
  g_assert_no_error (error);
  self->files = g_ptr_array_new_with_free_func (g_free);
  return self;
}

void
family_dir_free (FamilyDir *self)
{
  for (guint i = 0; i < self->files->len; i++)
    (void)g_unlink (g_ptr_array_index (self->files, i)); /* a file may have been written twice */
  g_assert_cmpint (g_rmdir (self->path), ==, 0);
  g_ptr_array_unref (self->files);
  g_free (self->path);
  g_free (self);
}

const char *
family_dir_get_path (const FamilyDir *self)
{
  return self->path;
}

const char *
family_dir_write (FamilyDir *self, const char *name, const char *text)
{
  char *path = g_build_filename (self->path, name, NULL);
  g_autoptr (GError) error = NULL;

  g_ptr_array_add (self->files, path);
  g_file_set_contents (path, text, -1, &error);
  g_assert_no_error (error);
  return path;
}

void
family_dir_use (FamilyDir *self)
{
  AccmigFamilies *families = accmig_families_load ((const char *const[]){ self->path, NULL });

  g_assert_cmpstr (accmig_families_get_warnings (families)[0], ==, NULL);
  accmig_families_set_default (families);
}
