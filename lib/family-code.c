// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Functions of families, by name
 */

#include "family-code.h"

#include <string.h>

static const FamilyCode *const codes[] = {
  &family_code_generic,
  &family_code_hisi_acc,
  &family_code_mlx5,
};

const FamilyCode *
family_code_find (const char *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS (codes); i++)
    if (strcmp (codes[i]->family, name) == 0)
      return codes[i];
  return NULL;
}

const FieldReader *
family_code_find_reader (const FamilyCode *code, const char *name)
{
  const FieldReader *reader = code != NULL ? code->readers : NULL;

  for (; reader != NULL && reader->name != NULL; reader++)
    if (strcmp (reader->name, name) == 0)
      return reader;
  return NULL;
}

static const FamilyCheck *
find_check (const FamilyCode *code, const char *name)
{
  for (const FamilyCheck *check = code->checks; check->name != NULL; check++)
    if (strcmp (check->name, name) == 0)
      return check;
  return NULL;
}

const FamilyCheck *
family_code_find_check (const FamilyCode *code, const char *name)
{
  const FamilyCheck *check = code != NULL ? find_check (code, name) : NULL;

  return check != NULL ? check : find_check (&family_code_generic, name);
}
