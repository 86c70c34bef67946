// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Metadata
 *
 * One round per domain at a time: look at those devices that nobody could ever probe, since a guest had them
 * before we knew them; make the element; write it when it differs from what the domain has. A change that
 * comes in between makes for another round.
 *
 * The token names one stay of a guest on one host. It is kept when only the profiles changed, so that both
 * hosts' records of a move carry the same one. One that this host did not make came along with the guest.
 */

#include "metadata.h"

#include "log.h"
#include "token.h"

#define RETRY_SECONDS      30  /* as long as libvirt waits for its own lock */
#define RETRY_MAX          3   /* times; then it is not worth more than … */
#define RETRY_SLOW_SECONDS 600 /* … one attempt in a while */

/* Looks under way at a time: where many guests ran before the agent came, not all at once. */
#define PEEKS_MAX 8

struct _Metadata
{
  MetadataSources sources;
  void (*written) (const char *uuid, gpointer user);
  gpointer user;
  char *host;         /* as tokens have it */
  GHashTable *rounds; /* char * → Round *, both owned */
  guint n_peeks;      /* under way */
  GQueue *waiting;    /* of char *, owned: UUIDs of domains whose devices are to be looked at next */
};

/* What goes on for one domain. */
typedef struct
{
  Metadata *owner;
  char *uuid;
  char *token;       /* (nullable): of this stay, once we chose one */
  char *written;     /* (nullable): the element as last written */
  char *writing;     /* (nullable): … as being written */
  gboolean new_stay; /* the next token must be a new one */
  gboolean busy;     /* a call to the broker is under way */
  gboolean again;    /* something changed meanwhile */
  gboolean dropped;  /* the domain went meanwhile */
  gboolean waiting;  /* it is among those that are to be looked at next */
  gsize next;        /* hostdev to look at next */
  char *looked_at;   /* (nullable): address of the device whose look is under way */
  guint retries;
  guint timer;
} Round;

static void step (Round *round);

static void
round_free (Round *round)
{
  g_clear_handle_id (&round->timer, g_source_remove);
  g_free (round->uuid);
  g_free (round->token);
  g_free (round->written);
  g_free (round->writing);
  g_free (round->looked_at);
  g_free (round);
}

/* A round whose call is under way is freed when that returns. */
static void
round_drop (gpointer data)
{
  Round *round = data;

  g_clear_handle_id (&round->timer, g_source_remove);
  round->dropped = TRUE;
  if (!round->busy)
    round_free (round);
}

Metadata *
metadata_new (const MetadataSources *sources, void (*written) (const char *uuid, gpointer user),
              gpointer user)
{
  Metadata *self = g_new0 (Metadata, 1);

  self->sources = *sources;
  self->written = written;
  self->user = user;
  self->host = token_make_host ();
  self->rounds = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, round_drop);
  self->waiting = g_queue_new ();
  return self;
}

void
metadata_free (Metadata *self)
{
  if (self == NULL)
    return;
  g_hash_table_unref (self->rounds);
  g_queue_free_full (self->waiting, g_free);
  g_free (self->host);
  g_free (self);
}

static Round *
get_round (Metadata *self, const char *uuid)
{
  Round *round = g_hash_table_lookup (self->rounds, uuid);

  if (round != NULL)
    return round;
  round = g_new0 (Round, 1);
  round->owner = self;
  round->uuid = g_strdup (uuid);
  g_hash_table_insert (self->rounds, g_strdup (uuid), round);
  return round;
}

/* A call returned. FALSE when there is nobody left to go on for; then the round is freed. */
static gboolean
end_call (Round *round)
{
  round->busy = FALSE;
  if (!round->dropped)
    return TRUE;
  round_free (round);
  return FALSE;
}

/* ---- the element ---- */

/* The element as the domain has it now; NULL when it has none. */
static char *
format_present (const AccmigDomain *domain)
{
  g_autoptr (GPtrArray) keys = g_ptr_array_new ();
  g_autoptr (GPtrArray) profiles = g_ptr_array_new ();
  const char *token = accmig_domain_get_token (domain);

  if (token == NULL)
    return NULL;
  for (gsize i = 0; i < accmig_domain_get_n_hostdevs (domain); i++)
    {
      const AccmigHostdev *hostdev = accmig_domain_get_hostdev (domain, i);

      if (hostdev->profile == NULL)
        continue;
      g_ptr_array_add (keys, (gpointer)hostdev->key);
      g_ptr_array_add (profiles, (gpointer)hostdev->profile);
    }
  return accmig_metadata_format (token, accmig_domain_get_host (domain), (const char *const *)keys->pdata,
                                 (const char *const *)profiles->pdata, keys->len);
}

/* What the domain's XML says may be older than what we wrote: our own token goes first. */
static const char *
choose_token (Round *round, const AccmigDomain *domain)
{
  const char *present = accmig_domain_get_token (domain);
  const char *host = round->owner->host;
  gboolean is_ours = present != NULL && token_is_of (present, host);

  if (round->token == NULL)
    round->token = round->new_stay || !is_ours ? token_new (host) : g_strdup (present);
  round->new_stay = FALSE;
  return round->token;
}

/* The element as it should be; NULL when no device has a profile. */
static char *
format_wanted (Round *round, const AccmigDomain *domain)
{
  g_autoptr (GPtrArray) keys = g_ptr_array_new ();
  g_autoptr (GPtrArray) profiles = g_ptr_array_new_with_free_func (g_free);

  for (gsize i = 0; i < accmig_domain_get_n_hostdevs (domain); i++)
    {
      const AccmigHostdev *hostdev = accmig_domain_get_hostdev (domain, i);
      const Device *device = registry_lookup (round->owner->sources.registry, hostdev->address);
      const AccmigProfile *profile = device != NULL ? device_get_profile (device) : NULL;

      if (profile == NULL)
        continue;
      g_ptr_array_add (keys, (gpointer)hostdev->key);
      g_ptr_array_add (profiles, accmig_profile_to_json (profile));
    }
  if (keys->len == 0)
    return NULL;
  return accmig_metadata_format (choose_token (round, domain), g_get_host_name (),
                                 (const char *const *)keys->pdata, (const char *const *)profiles->pdata,
                                 keys->len);
}

/* ---- writing ---- */

static gboolean
on_retry (gpointer user)
{
  Round *round = user;

  round->timer = 0;
  metadata_refresh (round->owner, round->uuid);
  return G_SOURCE_REMOVE;
}

static void
retry_later (Round *round)
{
  guint seconds = round->retries < RETRY_MAX ? RETRY_SECONDS : RETRY_SLOW_SECONDS;

  if (round->timer != 0)
    return;
  round->retries++;
  round->timer = g_timeout_add_seconds (seconds, on_retry, round);
}

static void
log_outcome (const Round *round, const GError *error)
{
  const AccmigDomain *domain = domains_lookup (round->owner->sources.domains, round->uuid);
  const char *name = domain != NULL ? accmig_domain_get_name (domain) : round->uuid;
  LogContext context = { .domain = name, .uuid = round->uuid };

  if (error == NULL)
    log_event (LOG_EVENT_PROFILE, &context, "wrote the profiles of “%s” to its metadata", name);
  else
    log_event (LOG_EVENT_PROFILE_FAILED, &context,
               "the profiles of “%s” were not written to its metadata: %s", name, error->message);
}

static void
on_written (GObject *source, GAsyncResult *result, gpointer user)
{
  Round *round = user;
  Metadata *self = round->owner;
  g_autoptr (GError) error = NULL;
  gboolean ok = broker_client_set_metadata_finish (result, &error);
  g_autofree char *uuid = g_strdup (round->uuid);
  gboolean again = FALSE;

  if (!end_call (round))
    return;
  log_outcome (round, error);
  again = round->again;
  if (ok)
    {
      round->retries = 0;
      g_free (round->written);
      round->written = g_steal_pointer (&round->writing);
      self->written (uuid, self->user); /* may drop the round */
    }
  else
    retry_later (round);
  if (again)
    metadata_refresh (self, uuid);
}

static void
write_element (Round *round, const AccmigDomain *domain)
{
  g_autofree char *present = format_present (domain);
  g_autofree char *wanted = format_wanted (round, domain);

  if (wanted == NULL || g_strcmp0 (present, wanted) == 0 || g_strcmp0 (round->written, wanted) == 0)
    return;
  round->busy = TRUE;
  g_free (round->writing);
  round->writing = g_steal_pointer (&wanted);
  broker_client_set_metadata_async (round->owner->sources.broker, round->uuid, round->writing, on_written,
                                    round);
}

/* ---- looking ---- */

/* Learns a device's flags. That changes the registry, which may ask for a refresh: the round is still busy
 * then. */
static void
keep_flags (Round *round, const BrokerPeek *peek, const GError *error)
{
  const char *address = round->looked_at;

  if (error != NULL)
    g_message ("%s was not looked at, its profile stays incomplete: %s", address, error->message);
  else if (peek->pid != 0)
    registry_set_flags (round->owner->sources.registry, address, peek->flags);
  if (g_error_matches (error, ACCMIG_ERROR, ACCMIG_ERROR_LIMIT))
    retry_later (round);
}

/* Lets others look, as far as there is room. */
static void
look_for_others (Metadata *self)
{
  while (self->n_peeks < PEEKS_MAX && !g_queue_is_empty (self->waiting))
    {
      g_autofree char *uuid = g_queue_pop_head (self->waiting);
      Round *round = g_hash_table_lookup (self->rounds, uuid);

      if (round == NULL || !round->waiting)
        continue;
      round->waiting = FALSE;
      metadata_refresh (self, uuid);
    }
}

static void
on_peeked (GObject *source, GAsyncResult *result, gpointer user)
{
  Round *round = user;
  Metadata *self = round->owner;
  g_autoptr (GError) error = NULL;
  BrokerPeek peek = { 0 };

  self->n_peeks--;
  (void)broker_client_peek_finish (result, &peek, &error);
  if (!round->dropped)
    keep_flags (round, &peek, error);
  if (end_call (round))
    {
      round->next++;
      step (round);
    }
  look_for_others (self);
}

/* Looks at a device, now or when there is room for it. */
static void
look (Round *round, const char *address)
{
  Metadata *self = round->owner;

  if (self->n_peeks >= PEEKS_MAX)
    {
      if (!round->waiting)
        g_queue_push_tail (self->waiting, g_strdup (round->uuid));
      round->waiting = TRUE;
      return;
    }
  self->n_peeks++;
  round->busy = TRUE;
  g_free (round->looked_at);
  round->looked_at = g_strdup (address);
  broker_client_peek_async (self->sources.broker, address, on_peeked, round);
}

/* Looks at the next device of which nothing is known, or writes. */
static void
step (Round *round)
{
  Metadata *self = round->owner;
  const AccmigDomain *domain = domains_lookup (self->sources.domains, round->uuid);

  if (domain == NULL || domains_is_moving (self->sources.domains, round->uuid)
      || migrations_running (self->sources.migrations, round->uuid) != NULL)
    return;
  for (; round->next < accmig_domain_get_n_hostdevs (domain); round->next++)
    {
      const char *address = accmig_domain_get_hostdev (domain, round->next)->address;
      const Device *device = registry_lookup (self->sources.registry, address);

      if (device == NULL || device_is_probed (device))
        continue;
      look (round, address);
      return;
    }
  write_element (round, domain);
}

void
metadata_begin_stay (Metadata *self, const char *uuid)
{
  Round *round = NULL;

  if (domains_lookup (self->sources.domains, uuid) == NULL)
    return;
  round = get_round (self, uuid);
  round->new_stay = TRUE;
  round->retries = 0;
  g_clear_pointer (&round->token, g_free);
}

void
metadata_refresh (Metadata *self, const char *uuid)
{
  Round *round = NULL;

  if (domains_lookup (self->sources.domains, uuid) == NULL
      || !broker_client_is_connected (self->sources.broker))
    return;
  round = get_round (self, uuid);
  if (round->busy)
    {
      round->again = TRUE;
      return;
    }
  round->again = FALSE;
  round->next = 0;
  step (round);
}

void
metadata_forget (Metadata *self, const char *uuid)
{
  g_hash_table_remove (self->rounds, uuid);
}
