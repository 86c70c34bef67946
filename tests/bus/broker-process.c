// SPDX-License-Identifier: GPL-2.0-or-later
#include "broker-process.h"

#include "common/names.h"

#include <errno.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define START_LIMIT_S 20

struct sockaddr_un
socket_address (const char *path)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };

  g_assert_cmpuint (g_strlcpy (address.sun_path, path, sizeof address.sun_path), <, sizeof address.sun_path);
  return address;
}

/* What systemd would be told. */
static int
listen_for_ready (const char *path)
{
  struct sockaddr_un address = socket_address (path);
  struct timeval limit = { .tv_sec = START_LIMIT_S };
  int fd = socket (AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint (bind (fd, (struct sockaddr *)&address, sizeof address), ==, 0);
  g_assert_cmpint (setsockopt (fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), ==, 0);
  return fd;
}

static void
await_ready (int fd)
{
  char text[256] = "";
  ssize_t n = recv (fd, text, sizeof text - 1, 0);

  g_assert_cmpint (n, >, 0);
  g_assert_cmpstr (text, ==, "READY=1");
  close (fd);
}

static char *
make_dir (const char *parent, const char *name)
{
  char *path = g_build_filename (parent, name, NULL);

  g_assert_cmpint (g_mkdir_with_parents (path, 0755), ==, 0);
  return path;
}

void
die_with_parent (gpointer data)
{
  (void)prctl (PR_SET_PDEATHSIG, SIGKILL);
}

/* In the broker's process, where root may: a world in which the agent's user exists, whatever this host has.
 */
static void
enter_world (gpointer passwd)
{
  die_with_parent (NULL);
  if (unshare (CLONE_NEWNS) == 0 && mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0)
    (void)mount (passwd, "/etc/passwd", NULL, MS_BIND, NULL);
}

static char *
write_passwd (const char *dir)
{
  g_autofree char *text = g_strdup_printf ("root:x:0:0::/:/bin/sh\n%s:x:%d:%d::/:/bin/false\n", ACCMIG_USER,
                                           BROKER_PROCESS_AGENT_UID, BROKER_PROCESS_AGENT_UID);
  char *path = g_build_filename (dir, "passwd", NULL);

  g_assert_true (g_file_set_contents (path, text, -1, NULL));
  return path;
}

void
broker_process_start (BrokerProcess *f, gconstpointer data)
{
  g_auto (GStrv) env = g_get_environ ();
  g_autoptr (GError) error = NULL;
  g_autofree char *sysfs = NULL;
  g_autofree char *debugfs = NULL;
  g_autofree char *pci = NULL;
  g_autofree char *notify = NULL;
  g_autofree char *passwd = NULL;
  int ready;

  f->dir = g_dir_make_tmp ("broker-XXXXXX", &error);
  g_assert_no_error (error);
  g_assert_cmpint (chmod (f->dir, 0755), ==, 0);
  f->socket = g_build_filename (f->dir, "socket", NULL);
  f->logs = make_dir (f->dir, "logs");
  sysfs = make_dir (f->dir, "sys");
  debugfs = g_build_filename (f->dir, "debug", NULL);
  pci = make_dir (f->dir, "sys/bus/pci/devices");
  notify = g_build_filename (f->dir, "notify", NULL);
  passwd = write_passwd (f->dir);
  ready = listen_for_ready (notify);

  const char *argv[] = { g_getenv ("ACCMIG_BROKER"), "--socket",  f->socket, "--uri",
                         "test:///default",          "--log-dir", f->logs,   NULL };
  env = g_environ_setenv (env, "NOTIFY_SOCKET", notify, TRUE);
  env = g_environ_setenv (env, ACCMIG_ENV_SYSFS, sysfs, TRUE);
  env = g_environ_setenv (env, ACCMIG_ENV_DEBUGFS, debugfs, TRUE);
  env = g_environ_setenv (env, ACCMIG_ENV_CONFIG_DIR, f->dir, TRUE);
  g_spawn_async (NULL, (char **)argv, env, G_SPAWN_DO_NOT_REAP_CHILD, enter_world, passwd, &f->pid, &error);
  g_assert_no_error (error);
  await_ready (ready);
}

void
remove_tree (const char *path)
{
  g_autoptr (GDir) dir = g_file_test (path, G_FILE_TEST_IS_SYMLINK) ? NULL : g_dir_open (path, 0, NULL);

  for (const char *name; dir != NULL && (name = g_dir_read_name (dir)) != NULL;)
    {
      g_autofree char *child = g_build_filename (path, name, NULL);

      remove_tree (child);
    }
  g_assert_cmpint (g_remove (path), ==, 0);
}

/* Whatever was done to it: it is still there, ends when told, cleanly, and takes its socket along. */
void
broker_process_stop (BrokerProcess *f, gconstpointer data)
{
  int status;

  g_assert_cmpint (kill (f->pid, SIGTERM), ==, 0);
  g_assert_cmpint (waitpid (f->pid, &status, 0), ==, f->pid);
  g_assert_true (WIFEXITED (status));
  g_assert_cmpint (WEXITSTATUS (status), ==, 0);
  g_assert_false (g_file_test (f->socket, G_FILE_TEST_EXISTS));
  remove_tree (f->dir);
  g_free (f->dir);
  g_free (f->socket);
  g_free (f->logs);
}

sd_bus *
broker_process_try_connect (const BrokerProcess *f)
{
  g_autofree char *address = g_strconcat ("unix:path=", f->socket, NULL);
  sd_bus *bus = NULL;
  int r;

  g_assert_cmpint (sd_bus_new (&bus), >=, 0);
  g_assert_cmpint (sd_bus_set_address (bus, address), >=, 0);
  g_assert_cmpint (sd_bus_negotiate_fds (bus, TRUE), >=, 0);
  r = sd_bus_start (bus);
  if (r >= 0)
    return bus;
  g_assert_true (r == -EPIPE || r == -ECONNRESET);
  sd_bus_close_unref (bus);
  return NULL;
}

sd_bus *
broker_process_connect (const BrokerProcess *f)
{
  sd_bus *bus = broker_process_try_connect (f);

  g_assert_nonnull (bus);
  return bus;
}

sd_bus_message *
broker_process_call (sd_bus *bus, const char *member)
{
  sd_bus_message *m = NULL;

  g_assert_cmpint (sd_bus_message_new_method_call (bus, &m, NULL, ACCMIG_OBJECT_BROKER, ACCMIG_IFACE_BROKER,
                                                   member),
                   >=, 0);
  return m;
}
