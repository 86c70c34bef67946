/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <accmig/families.h>

/* A temporary directory of family files, gone with the object. What cannot be done ends the test. */

typedef struct _FamilyDir FamilyDir;

FamilyDir *family_dir_new (void);
void family_dir_free (FamilyDir *dir);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FamilyDir, family_dir_free)

const char *family_dir_get_path (const FamilyDir *dir);

/* Writes the file @name, "x.family". Returns: (transfer none): its path */
const char *family_dir_write (FamilyDir *dir, const char *name, const char *text);

/* Makes the files in there the default set, and asserts that nothing is wrong with them. */
void family_dir_use (FamilyDir *dir);
