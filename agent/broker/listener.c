// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The listener
 *
 * The kernel says who is at the other end before a byte has been read. Welcome are the agent's user and the
 * user the broker runs as itself, which is root wherever it matters. The mode of the socket says the same;
 * this is the check that does not depend on it.
 */

#include "listener.h"

#include "common/names.h"

#include <errno.h>
#include <gio/gio.h>
#include <glib-unix.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#define BACKLOG 8

struct _Listener
{
  int fd;
  guint source;
  char *path; /* of a socket of our own; NULL for systemd's */
  uid_t agent_uid;
  gboolean has_agent_uid;
  ListenerFunc accepted;
  gpointer user;
};

static gboolean
peer_is_welcome (const Listener *self, int fd)
{
  struct ucred peer;
  socklen_t length = sizeof peer;

  if (getsockopt (fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0)
    {
      g_warning ("connection refused: cannot tell whose it is: %s", g_strerror (errno));
      return FALSE;
    }
  if (peer.uid == geteuid () || (self->has_agent_uid && peer.uid == self->agent_uid))
    return TRUE;
  g_warning ("connection refused: process %d runs as user %u, wanted is “%s”", (int)peer.pid, peer.uid,
             ACCMIG_USER);
  return FALSE;
}

static gboolean
on_connection (int listen_fd, GIOCondition condition, gpointer user)
{
  Listener *self = user;
  int fd = accept4 (listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

  if (fd < 0)
    return G_SOURCE_CONTINUE; /* the peer left before its turn */
  if (peer_is_welcome (self, fd))
    self->accepted (fd, self->user);
  else
    close (fd);
  return G_SOURCE_CONTINUE;
}

static Listener *
listener_new (int fd, const char *path, ListenerFunc accepted, gpointer user)
{
  Listener *self = g_new0 (Listener, 1);
  const struct passwd *agent = getpwnam (ACCMIG_USER);

  if (agent == NULL)
    g_warning ("there is no user “%s”: only user %u may ask", ACCMIG_USER, geteuid ());
  self->has_agent_uid = agent != NULL;
  self->agent_uid = agent != NULL ? agent->pw_uid : 0;
  self->fd = fd;
  self->path = g_strdup (path);
  self->accepted = accepted;
  self->user = user;
  self->source = g_unix_fd_add (fd, G_IO_IN, on_connection, self);
  return self;
}

Listener *
listener_new_from_systemd (ListenerFunc accepted, gpointer user, GError **error)
{
  int n = sd_listen_fds (TRUE);

  if (n != 1 || sd_is_socket_unix (SD_LISTEN_FDS_START, SOCK_STREAM, 1, NULL, 0) <= 0)
    {
      g_set_error (
          error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
          "systemd handed over %d sockets, wanted is one listening unix stream socket (or --socket PATH)",
          MAX (n, 0));
      return NULL;
    }
  (void)g_unix_set_fd_nonblocking (SD_LISTEN_FDS_START, TRUE, NULL);
  return listener_new (SD_LISTEN_FDS_START, NULL, accepted, user);
}

/* Only a socket is taken away, never somebody's file. */
static void
unlink_socket (const char *path)
{
  struct stat st;

  if (lstat (path, &st) == 0 && S_ISSOCK (st.st_mode))
    (void)unlink (path);
}

static gboolean
bind_private (int fd, const struct sockaddr_un *address)
{
  mode_t before = umask (0177);
  int r = bind (fd, (const struct sockaddr *)address, sizeof *address);

  (void)umask (before);
  return r == 0;
}

Listener *
listener_new_at (const char *path, ListenerFunc accepted, gpointer user, GError **error)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  int fd;

  if (g_strlcpy (address.sun_path, path, sizeof address.sun_path) >= sizeof address.sun_path)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                   "the socket's path has %zu bytes, a socket takes %zu: “%s”", strlen (path),
                   sizeof address.sun_path - 1, path);
      return NULL;
    }

  unlink_socket (path);
  fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0 || !bind_private (fd, &address) || listen (fd, BACKLOG) < 0)
    {
      int number = errno;

      if (fd >= 0)
        close (fd);
      g_set_error (error, G_IO_ERROR, g_io_error_from_errno (number), "cannot listen on “%s”: %s", path,
                   g_strerror (number));
      return NULL;
    }
  return listener_new (fd, path, accepted, user);
}

void
listener_free (Listener *self)
{
  if (self == NULL)
    return;
  g_source_remove (self->source);
  close (self->fd);
  if (self->path != NULL)
    unlink_socket (self->path);
  g_free (self->path);
  g_free (self);
}
