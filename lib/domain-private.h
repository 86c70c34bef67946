/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <accmig/domain.h>
#include <libxml/tree.h>

#include "nodeset.h"

/*
 * A domain's fields, for the files that know them: domain.c and domain-guest.c read, domain-change.c changes.
 */

#define WHAT "domain XML"

typedef struct
{
  AccmigHostdev public;
  char *alias;
  char *key;
  char *address;
  char *written; /* the address that the text has */
  char *profile;
  xmlNode *address_node; /* borrowed from the document */
} Hostdev;

struct _AccmigDomain
{
  char *text; /* as it came, NUL-terminated */
  gsize length;
  xmlDoc *document;
  char *name;
  char *uuid;
  char *token;
  char *host;
  gboolean has_metadata;
  Nodeset nodes;
  GPtrArray *hostdevs; /* of Hostdev */
  AccmigGuest guest;
};

/* @ret_guest: (out caller-allocates): what the domain element @root says; what it says wrongly it does not
 * say */
void domain_read_guest (const xmlNode *root, AccmigGuest *ret_guest);

/* The public view follows the strings. */
void hostdev_publish (Hostdev *hostdev);
