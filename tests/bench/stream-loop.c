// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * stream-loop: what the library adds to the copying of a device's state
 *
 * Runs in a test host. Four things are done in turn with the same device, each from running to running:
 *
 *   save        accmig_device_save() to /dev/null
 *   bare-save   the data fd is read and /dev/null written in a plain loop with the same size of buffer
 *   load        accmig_device_load() from the other device's data fd
 *   bare-load   the other device's data fd is read and the data fd written in a plain loop
 *
 * A stream of 1 GiB does not fit into a test host's memory, so the one that is loaded is made while it is
 * read, by a second device. Both ways of loading pay for that.
 */

#include "sample.h"

#include <accmig/device.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define BUFFER_SIZE (1024 * 1024)

typedef struct
{
  AccmigDevice *device; /* saved and loaded */
  AccmigDevice *maker;  /* of streams to load */
  int null_fd;
  guint8 *buffer;
} Bench;

static AccmigDevice *
open_device (int sysfs_fd, const char *address)
{
  g_autoptr (GError) error = NULL;
  AccmigDevice *device = accmig_device_open (sysfs_fd, address, ACCMIG_ACCESS_AUTO, &error);

  if (device == NULL)
    sample_fail ("%s", error->message);
  return device;
}

/* Returns: the data fd of the new session; -1 when going to @state opens none */
static int
go (AccmigDevice *device, AccmigState state)
{
  g_autoptr (GError) error = NULL;
  int fd = -1;

  if (!accmig_device_set_state (device, state, &fd, &error))
    sample_fail ("%s", error->message);
  return fd;
}

static void
write_all (int fd, const guint8 *data, gsize length)
{
  for (gsize done = 0; done < length;)
    {
      ssize_t n = write (fd, data + done, length - done);

      if (n <= 0)
        sample_fail ("write: %s", n < 0 ? g_strerror (errno) : "nothing was taken");
      done += (gsize)n;
    }
}

/* Returns: how many bytes there were */
static guint64
copy (Bench *bench, int from, int to)
{
  guint64 bytes = 0;
  ssize_t n;

  while ((n = read (from, bench->buffer, BUFFER_SIZE)) > 0)
    {
      write_all (to, bench->buffer, (gsize)n);
      bytes += (guint64)n;
    }
  if (n < 0)
    sample_fail ("read: %s", g_strerror (errno));
  return bytes;
}

static guint64
save (Bench *bench)
{
  g_autoptr (GError) error = NULL;
  guint64 bytes;

  if (!accmig_device_save (bench->device, bench->null_fd, -1, &bytes, &error))
    sample_fail ("%s", error->message);
  return bytes;
}

static guint64
save_bare (Bench *bench)
{
  int fd = go (bench->device, ACCMIG_STATE_STOP_COPY);
  guint64 bytes = copy (bench, fd, bench->null_fd);

  (void)close (fd);
  (void)go (bench->device, ACCMIG_STATE_RUNNING);
  return bytes;
}

static guint64
load (Bench *bench)
{
  g_autoptr (GError) error = NULL;
  int from = go (bench->maker, ACCMIG_STATE_STOP_COPY);
  guint64 bytes;

  if (!accmig_device_load (bench->device, from, -1, &bytes, &error))
    sample_fail ("%s", error->message);
  (void)close (from);
  (void)go (bench->maker, ACCMIG_STATE_RUNNING);
  return bytes;
}

static guint64
load_bare (Bench *bench)
{
  int from = go (bench->maker, ACCMIG_STATE_STOP_COPY);
  int to = go (bench->device, ACCMIG_STATE_RESUMING);
  guint64 bytes = copy (bench, from, to);

  (void)close (to);
  (void)go (bench->device, ACCMIG_STATE_RUNNING);
  (void)close (from);
  (void)go (bench->maker, ACCMIG_STATE_RUNNING);
  return bytes;
}

static const struct
{
  const char *name;
  guint64 (*run) (Bench *bench);
} variants[] = {
  { "save", save },
  { "bare-save", save_bare },
  { "load", load },
  { "bare-load", load_bare },
};

static void
measure (Bench *bench, gsize variant, guint64 wanted)
{
  const char *name = variants[variant].name;
  gint64 start = sample_now ();
  guint64 bytes = variants[variant].run (bench);

  sample_print (name, sample_now () - start, 1);
  if (bytes != wanted)
    sample_fail ("%s: %" G_GUINT64_FORMAT " bytes, wanted are %" G_GUINT64_FORMAT, name, bytes, wanted);
}

/* Every other round goes backwards: what gets slower or faster meanwhile does so for all. */
static void
measure_all (Bench *bench, gboolean backwards, guint64 wanted)
{
  for (gsize i = 0; i < G_N_ELEMENTS (variants); i++)
    measure (bench, backwards ? G_N_ELEMENTS (variants) - 1 - i : i, wanted);
}

int
main (int argc, char **argv)
{
  Bench bench = { 0 };
  g_autoptr (GError) error = NULL;
  guint64 size;
  guint rounds;
  int sysfs_fd;

  g_set_prgname ("stream-loop");
  if (argc != 4)
    sample_fail ("usage: stream-loop ROUNDS ADDRESS OTHER-ADDRESS");
  rounds = sample_number (argv[1], 1, 1000);
  sysfs_fd = open ("/sys", O_DIRECTORY | O_CLOEXEC);
  bench.null_fd = open ("/dev/null", O_WRONLY | O_CLOEXEC);
  bench.device = open_device (sysfs_fd, argv[2]);
  bench.maker = open_device (sysfs_fd, argv[3]);
  bench.buffer = g_aligned_alloc (1, BUFFER_SIZE, (gsize)sysconf (_SC_PAGESIZE));
  if (!accmig_device_get_stop_copy_size (bench.device, &size, &error))
    sample_fail ("%s", error->message);

  for (guint i = 0; i < rounds; i++)
    measure_all (&bench, i % 2 == 1, size);

  accmig_device_close (bench.device);
  accmig_device_close (bench.maker);
  g_aligned_free (bench.buffer);
  (void)close (bench.null_fd);
  (void)close (sysfs_fd);
  return 0;
}
