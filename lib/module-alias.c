// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Module aliases
 *
 * A VFIO variant driver lists its ids as override entries: lines "alias vfio_pci:PATTERN MODULE" of
 * modules.alias. libvirt (10.0 and later) picks the driver of a managed hostdev from them: of the patterns
 * that match the device, the one with the fewest wildcards, the first of equals. The same choice is made
 * here, so that a device can be judged by the driver it will have. The file names modules; a driver's name
 * may have dashes where its module's has underscores.
 */

#include "module-alias.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "family.h"

#define ALIAS_PREFIX "alias vfio_pci:"
#define PCI_PREFIX   "pci:"

typedef struct
{
  char *pattern; /* without the "vfio_pci:" */
  char *driver;
  guint n_wildcards;
} Alias;

struct _ModuleAliases
{
  GArray *entries; /* of Alias, in the order of the file */
};

typedef FILE AutoFile;
G_DEFINE_AUTOPTR_CLEANUP_FUNC (AutoFile, fclose)

static void
alias_clear (gpointer data)
{
  Alias *alias = data;

  g_free (alias->pattern);
  g_free (alias->driver);
}

static guint
count_wildcards (const char *pattern)
{
  guint n = 0;

  for (; *pattern != '\0'; pattern++)
    n += *pattern == '*';
  return n;
}

/* @line: "PATTERN MODULE\n", what follows the prefix. */
static void
add_entry (ModuleAliases *self, const char *line)
{
  g_auto (GStrv) words = g_strsplit_set (line, " \n", 3);
  Alias alias = { 0 };

  if (g_strv_length (words) < 2 || *words[1] == '\0')
    return;
  alias.n_wildcards = count_wildcards (words[0]);
  alias.pattern = g_strdup (words[0]);
  alias.driver = g_strdup (driver_of_module (words[1]));
  g_array_append_val (self->entries, alias);
}

char *
module_aliases_default_path (void)
{
  struct utsname host;

  if (uname (&host) < 0)
    return NULL;
  return g_build_filename ("/lib/modules", host.release, "modules.alias", NULL);
}

ModuleAliases *
module_aliases_read (const char *path)
{
  g_autoptr (AutoFile) file = fopen (path, "re");
  g_autoptr (ModuleAliases) self = NULL;
  char *line = NULL;
  size_t size = 0;

  if (file == NULL)
    return NULL;
  self = g_new0 (ModuleAliases, 1);
  self->entries = g_array_new (FALSE, FALSE, sizeof (Alias));
  g_array_set_clear_func (self->entries, alias_clear);
  while (getline (&line, &size, file) >= 0)
    if (g_str_has_prefix (line, ALIAS_PREFIX))
      add_entry (self, line + strlen (ALIAS_PREFIX));
  free (line); /* getline's, not GLib's */
  return g_steal_pointer (&self);
}

void
module_aliases_free (ModuleAliases *self)
{
  if (self == NULL)
    return;
  g_array_unref (self->entries);
  g_free (self);
}

const char *
module_aliases_best (const ModuleAliases *self, const char *modalias)
{
  const Alias *best = NULL;

  if (!g_str_has_prefix (modalias, PCI_PREFIX))
    return PLAIN_DRIVER;
  for (guint i = 0; i < self->entries->len; i++)
    {
      const Alias *alias = &g_array_index (self->entries, Alias, i);

      if (fnmatch (alias->pattern, modalias + strlen (PCI_PREFIX), 0) != 0)
        continue;
      if (best == NULL || alias->n_wildcards < best->n_wildcards)
        best = alias;
    }
  return best != NULL ? best->driver : PLAIN_DRIVER;
}
