/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "family.h"
#include "family-text.h"

/*
 * What the files that compile a family file share. Every function that fails says "PATH:LINE: cause".
 */

/* The words of @text, which white space separates. Returns: (transfer full) */
char **family_split_words (const char *text);

/* @more: characters besides lower-case letters and digits. Returns: whether @name is a name of these, not
 * empty */
gboolean family_name_is_valid (const char *name, const char *more);

/* Every key of @group is one of @names. */
gboolean family_group_check_keys (const FamilyGroup *group, const char *const *names, gsize n_names,
                                  GError **error);

/* Returns: (nullable): the key @name; its absence is an error */
const FamilyKey *family_group_require (const FamilyGroup *group, const char *name, GError **error);

/*
 * The value of the key @name as an index of @names.
 * @ret_value: untouched when @group has no such key
 */
gboolean family_group_get_named (const FamilyGroup *group, const char *name, const char *const *names,
                                 gsize n_names, guint *ret_value, GError **error);

/*
 * @words: "u32", "12"; more may follow
 * @match_size: bytes that the word has to lie within
 */
gboolean family_parse_word (const FamilyKey *key, char *const *words, gsize match_size, MatchWord *ret_word,
                            GError **error);

/*
 * The group [field @name] of @family, of which everything but fields and rules is there.
 * Returns: (transfer full) (nullable)
 */
FamilyField *family_compile_field (const AccmigFamily *family, const FamilyGroup *group, const char *name,
                                   GError **error);

/*
 * The group [rule @name] of @family, of which everything but rules is there.
 * Returns: (transfer full) (nullable)
 */
CompatRule *family_compile_rule (const AccmigFamily *family, const FamilyGroup *group, const char *name,
                                 GError **error);
