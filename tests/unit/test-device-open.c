// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Opening, finding and borrowing a device, with a scripted kernel below a made-up /sys and /proc
 */

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "device-private.h"
#include "fd-private.h"
#include "mock-kernel.h"

#define VF   "0000:75:00.1"
#define MDEV "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001"

#define CONTAINER_FD 7001
#define GROUP_FD     7002
#define DEVICE_FD    7003
#define IOMMUFD_FD   7004
#define PIDFD        7005
#define COPY_FD      7006

#define CDEV_PATH  "/dev/vfio/devices/vfio3"
#define GROUP_PATH "/dev/vfio/7"

#define NOBODY 65534

/* A directory that holds sys/ and proc/. */
typedef struct
{
  char *path;
  int sysfs_fd;
  int proc_fd;
} Tree;

static void
make_dir (const Tree *tree, const char *name)
{
  g_autofree char *path = g_build_filename (tree->path, name, NULL);

  g_assert_cmpint (g_mkdir_with_parents (path, 0755), ==, 0);
}

static void
make_link (const Tree *tree, const char *name, const char *target)
{
  g_autofree char *path = g_build_filename (tree->path, name, NULL);

  g_assert_cmpint (symlink (target, path), ==, 0);
}

static void
make_text (const Tree *tree, const char *name, const char *text)
{
  g_autofree char *path = g_build_filename (tree->path, name, NULL);

  g_assert_true (g_file_set_contents (path, text, -1, NULL));
}

static int
open_dir (const Tree *tree, const char *name)
{
  g_autofree char *path = g_build_filename (tree->path, name, NULL);
  int fd = open (path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

  g_assert_cmpint (fd, >=, 0);
  return fd;
}

/*
 * A VF in group 7, an mdev in group 8, a VF of a native driver. Process 100 is a bystander, 200 has the VF's
 * group, 300 the mdev's cdev; what is called 400 is no process.
 */
static Tree *
tree_new (void)
{
  Tree *tree = g_new0 (Tree, 1);

  tree->path = g_dir_make_tmp ("accmig-test-XXXXXX", NULL);
  g_assert_nonnull (tree->path);
  make_dir (tree, "sys/bus/pci/devices/" VF "/vfio-dev/vfio3");
  make_link (tree, "sys/bus/pci/devices/" VF "/iommu_group", "../../../../kernel/iommu_groups/7");
  make_dir (tree, "sys/bus/mdev/devices/" MDEV "/vfio-dev/vfio4");
  make_link (tree, "sys/bus/mdev/devices/" MDEV "/iommu_group", "../../../../kernel/iommu_groups/8");
  make_dir (tree, "sys/bus/pci/devices/0000:75:00.2");
  make_dir (tree, "proc/100/fd");
  make_link (tree, "proc/100/fd/0", "/dev/null");
  make_link (tree, "proc/100/fd/1", "/dev/vfio/77");
  make_dir (tree, "proc/self");
  make_dir (tree, "proc/200/fd");
  make_link (tree, "proc/200/fd/8", "/dev/vfio/vfio");
  make_link (tree, "proc/200/fd/9", GROUP_PATH);
  make_dir (tree, "proc/300/fd");
  make_link (tree, "proc/300/fd/5", "/dev/vfio/devices/vfio4");
  make_text (tree, "proc/400", "");
  tree->sysfs_fd = open_dir (tree, "sys");
  tree->proc_fd = open_dir (tree, "proc");
  return tree;
}

static int
remove_entry (const char *path, const struct stat *status, int type, struct FTW *place)
{
  return remove (path);
}

static void
tree_free (Tree *tree)
{
  g_assert_cmpint (nftw (tree->path, remove_entry, 16, FTW_DEPTH | FTW_PHYS), ==, 0);
  close (tree->sysfs_fd);
  close (tree->proc_fd);
  g_free (tree->path);
  g_free (tree);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Tree, tree_free)

/* clang-format off */
#define OPEN(path_, errno_, fd_) { MOCK_OPEN, 0, path_, 0, 0, errno_, fd_, { 0 } }
#define STATUS(flags_)           { MOCK_STATUS, GROUP_FD, NULL, 0, 0, 0, 0, { flags_ } }
#define SET_CONTAINER(errno_)    { MOCK_IOCTL, GROUP_FD, NULL, UAPI_GROUP_SET_CONTAINER, CONTAINER_FD, errno_, 0, { 0 } }
#define SET_IOMMU(errno_)        { MOCK_IOCTL, CONTAINER_FD, NULL, UAPI_SET_IOMMU, 3, errno_, 0, { 0 } }
#define GET_DEVICE(fd_, name, errno_, result_) \
  { MOCK_IOCTL, fd_, name, UAPI_GROUP_GET_DEVICE_FD, 0, errno_, result_, { 0 } }
#define BIND(errno_)             { MOCK_BIND, DEVICE_FD, NULL, 0, IOMMUFD_FD, errno_, 0, { 0 } }
#define PIDFD_OPEN(pid, errno_)  { MOCK_PIDFD_OPEN, 0, NULL, pid, 0, errno_, PIDFD, { 0 } }
#define GETFD(number_, errno_)   { MOCK_PIDFD_GETFD, PIDFD, NULL, number_, 0, errno_, COPY_FD, { 0 } }
#define LAST                     { 0 }

#define GROUP_NODES OPEN ("/dev/vfio/vfio", 0, CONTAINER_FD), OPEN (GROUP_PATH, 0, GROUP_FD)
#define CDEV_NODES  OPEN ("/dev/iommu", 0, IOMMUFD_FD), OPEN (CDEV_PATH, 0, DEVICE_FD)
#define WHOLE_GROUP GROUP_NODES, STATUS (1), SET_CONTAINER (0), SET_IOMMU (0), GET_DEVICE (GROUP_FD, VF, 0, DEVICE_FD)

static const MockCall group[]            = { WHOLE_GROUP, LAST };
static const MockCall cdev[]             = { CDEV_NODES, BIND (0), LAST };
static const MockCall no_iommufd[]       = { OPEN ("/dev/iommu", ENOENT, -1), WHOLE_GROUP, LAST };
static const MockCall no_module[]        = { OPEN ("/dev/iommu", ENODEV, -1), WHOLE_GROUP, LAST };
static const MockCall no_cdev[]          = { OPEN ("/dev/iommu", 0, IOMMUFD_FD), OPEN (CDEV_PATH, ENOENT, -1), WHOLE_GROUP, LAST };
static const MockCall only_cdev[]        = { OPEN ("/dev/iommu", ENOENT, -1), LAST };
static const MockCall no_container[]     = { OPEN ("/dev/vfio/vfio", EACCES, -1), LAST };
static const MockCall group_busy[]       = { OPEN ("/dev/vfio/vfio", 0, CONTAINER_FD), OPEN (GROUP_PATH, EBUSY, -1), LAST };
static const MockCall not_viable[]       = { GROUP_NODES, STATUS (0), LAST };
static const MockCall container_foreign[]= { GROUP_NODES, STATUS (1), SET_CONTAINER (EPERM), LAST };
static const MockCall iommu_unsafe[]     = { GROUP_NODES, STATUS (1), SET_CONTAINER (0), SET_IOMMU (EPERM), LAST };
static const MockCall not_in_group[]     = { GROUP_NODES, STATUS (1), SET_CONTAINER (0), SET_IOMMU (0), GET_DEVICE (GROUP_FD, VF, ENODEV, -1), LAST };
static const MockCall contended[]        = { GROUP_NODES, STATUS (1), SET_CONTAINER (0), SET_IOMMU (0), GET_DEVICE (GROUP_FD, VF, EAGAIN, -1), LAST };
static const MockCall bind_group_open[]  = { CDEV_NODES, BIND (EBUSY), LAST };
static const MockCall bind_cdev_open[]   = { CDEV_NODES, BIND (EINVAL), LAST };
static const MockCall bind_foreign[]     = { CDEV_NODES, BIND (EPERM), LAST };
static const MockCall bind_token[]       = { CDEV_NODES, BIND (EACCES), LAST };
static const MockCall nothing[]          = { LAST };
static const MockCall hisi_617[]         = { MOCK_RELEASE ("6.17.3-arm64"), LAST };
static const MockCall hisi_618[]         = { MOCK_RELEASE ("6.18.0"), WHOLE_GROUP, LAST };
static const MockCall hisi_612[]         = { MOCK_RELEASE ("6.12.107"), WHOLE_GROUP, LAST };
static const MockCall hisi_617_fallback[]= { OPEN ("/dev/iommu", ENOENT, -1), MOCK_RELEASE ("6.17.0"), LAST };

static const struct
{
  const char *name;
  const char *address;
  AccmigAccess access;
  const MockCall *script;
  AccmigError code;  /* when it fails */
  const char *words; /* NULL: it works */
  AccmigAccess got;
} open_rows[] = {
  { "group",              VF, ACCMIG_ACCESS_GROUP, group,      0, NULL, ACCMIG_ACCESS_GROUP },
  { "cdev",               VF, ACCMIG_ACCESS_CDEV,  cdev,       0, NULL, ACCMIG_ACCESS_CDEV  },
  { "auto, both",         VF, ACCMIG_ACCESS_AUTO,  cdev,       0, NULL, ACCMIG_ACCESS_CDEV  },
  { "auto, no iommufd",   VF, ACCMIG_ACCESS_AUTO,  no_iommufd, 0, NULL, ACCMIG_ACCESS_GROUP },
  { "auto, no module",    VF, ACCMIG_ACCESS_AUTO,  no_module,  0, NULL, ACCMIG_ACCESS_GROUP },
  { "auto, no cdev",      VF, ACCMIG_ACCESS_AUTO,  no_cdev,    0, NULL, ACCMIG_ACCESS_GROUP },
  { "auto, in use",       VF, ACCMIG_ACCESS_AUTO,  bind_group_open,   ACCMIG_ERROR_BUSY, "somebody has its group open", 0 },
  { "cdev wanted, none",  VF, ACCMIG_ACCESS_CDEV,  only_cdev,         ACCMIG_ERROR_NOT_FOUND, "opening /dev/iommu", 0 },
  { "no container",       VF, ACCMIG_ACCESS_GROUP, no_container,      ACCMIG_ERROR_IO, "opening /dev/vfio/vfio failed: Permission denied", 0 },
  { "group busy",         VF, ACCMIG_ACCESS_GROUP, group_busy,        ACCMIG_ERROR_BUSY, "somebody has its group or a cdev of it open", 0 },
  { "group not viable",   VF, ACCMIG_ACCESS_GROUP, not_viable,        ACCMIG_ERROR_BUSY, "not VFIO's", 0 },
  { "group foreign",      VF, ACCMIG_ACCESS_GROUP, container_foreign, ACCMIG_ERROR_BUSY, "belongs to somebody else", 0 },
  { "unsafe interrupts",  VF, ACCMIG_ACCESS_GROUP, iommu_unsafe,      ACCMIG_ERROR_IO, "cannot isolate interrupts", 0 },
  { "not in its group",   VF, ACCMIG_ACCESS_GROUP, not_in_group,      ACCMIG_ERROR_NOT_FOUND, "does not know it", 0 },
  { "contended",          VF, ACCMIG_ACCESS_GROUP, contended,         ACCMIG_ERROR_BUSY, "getting it from its group", 0 },
  { "bind, group open",   VF, ACCMIG_ACCESS_CDEV,  bind_group_open,   ACCMIG_ERROR_BUSY, "somebody has its group open", 0 },
  { "bind, cdev open",    VF, ACCMIG_ACCESS_CDEV,  bind_cdev_open,    ACCMIG_ERROR_BUSY, "another cdev fd", 0 },
  { "bind, foreign",      VF, ACCMIG_ACCESS_CDEV,  bind_foreign,      ACCMIG_ERROR_BUSY, "belongs to somebody else", 0 },
  { "bind, token",        VF, ACCMIG_ACCESS_CDEV,  bind_token,        ACCMIG_ERROR_IO, "VF token", 0 },
  { "no such device",     "0000:75:00.7", ACCMIG_ACCESS_AUTO, nothing, ACCMIG_ERROR_NOT_FOUND, "there is no device 0000:75:00.7", 0 },
  { "native driver",      "0000:75:00.2", ACCMIG_ACCESS_AUTO, nothing, ACCMIG_ERROR_NOT_FOUND, "not bound to a VFIO driver", 0 },
  { "path as address",    "../../../etc", ACCMIG_ACCESS_AUTO, nothing, ACCMIG_ERROR_INVALID, "neither a PCI address", 0 },
};
/* A driver and a kernel of which the group must not be asked for the device; the cdev is fine. */
static const struct
{
  const char *name;
  const char *driver;
  AccmigAccess access;
  const MockCall *script;
  gboolean works;
} crash_rows[] = {
  { "6.17, group",       "hisi_acc_vfio_pci", ACCMIG_ACCESS_GROUP, hisi_617,          FALSE },
  { "6.17, no cdev",     "hisi_acc_vfio_pci", ACCMIG_ACCESS_AUTO,  hisi_617_fallback, FALSE },
  { "6.17, cdev",        "hisi_acc_vfio_pci", ACCMIG_ACCESS_AUTO,  cdev,              TRUE  },
  { "6.18, group",       "hisi_acc_vfio_pci", ACCMIG_ACCESS_GROUP, hisi_618,          TRUE  },
  { "6.12, group",       "hisi_acc_vfio_pci", ACCMIG_ACCESS_GROUP, hisi_612,          TRUE  },
  { "another driver",    "mlx5_vfio_pci",     ACCMIG_ACCESS_GROUP, group,             TRUE  },
};
/* clang-format on */

static void
bind_driver (const Tree *tree, const char *driver)
{
  g_autofree char *target = g_build_filename ("../../../../bus/pci/drivers", driver, NULL);

  make_link (tree, "sys/bus/pci/devices/" VF "/driver", target);
}

static void
test_crash (gconstpointer data)
{
  gsize i = GPOINTER_TO_SIZE (data);
  g_autoptr (Tree) tree = tree_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (AccmigDevice) device = NULL;

  bind_driver (tree, crash_rows[i].driver);
  mock_kernel_expect (crash_rows[i].script);
  device = device_open_with (&mock_kernel, tree->sysfs_fd, VF, crash_rows[i].access, &error);
  g_assert_cmpint (device != NULL, ==, crash_rows[i].works);
  if (!crash_rows[i].works)
    {
      g_assert_error (error, ACCMIG_ERROR, ACCMIG_ERROR_UNSUPPORTED);
      g_assert_nonnull (strstr (error->message, "with hisi_acc_vfio_pci this crashes Linux 6.17."));
    }
  g_clear_pointer (&device, accmig_device_close);
  mock_kernel_done ();
}

static void
test_open (gconstpointer data)
{
  gsize i = GPOINTER_TO_SIZE (data);
  g_autoptr (Tree) tree = tree_new ();
  g_autoptr (GError) error = NULL;
  AccmigDevice *device;

  mock_kernel_expect (open_rows[i].script);
  device = device_open_with (&mock_kernel, tree->sysfs_fd, open_rows[i].address, open_rows[i].access, &error);
  if (open_rows[i].words == NULL)
    {
      g_assert_no_error (error);
      g_assert_nonnull (device);
      g_assert_cmpint (accmig_device_get_access (device), ==, open_rows[i].got);
      g_assert_cmpstr (device_get_name (device), ==, open_rows[i].address);
      accmig_device_close (device);
    }
  else
    {
      g_assert_null (device);
      g_assert_error (error, ACCMIG_ERROR, (int)open_rows[i].code);
      if (strstr (error->message, open_rows[i].words) == NULL)
        g_error ("“%s” does not say “%s”", error->message, open_rows[i].words);
    }
  mock_kernel_done ();
}

static void
test_holder (void)
{
  g_autoptr (Tree) tree = tree_new ();
  g_autoptr (GError) error = NULL;
  pid_t pid = -1;

  g_assert_true (device_find_holder_in (tree->proc_fd, tree->sysfs_fd, VF, &pid, &error));
  g_assert_cmpint (pid, ==, 200);
  g_assert_true (device_find_holder_in (tree->proc_fd, tree->sysfs_fd, MDEV, &pid, &error));
  g_assert_cmpint (pid, ==, 300);
  g_assert_false (device_find_holder_in (tree->proc_fd, tree->sysfs_fd, "0000:75:00.2", &pid, &error));
  g_assert_error (error, ACCMIG_ERROR, ACCMIG_ERROR_NOT_FOUND);
}

static void
test_holder_nobody (void)
{
  g_autoptr (Tree) tree = tree_new ();
  pid_t pid = -1;

  make_dir (tree, "sys/bus/pci/devices/0000:75:00.3/vfio-dev/vfio9");
  g_assert_true (device_find_holder_in (tree->proc_fd, tree->sysfs_fd, "0000:75:00.3", &pid, NULL));
  g_assert_cmpint (pid, ==, 0);
}

/* FALSE for a root that has no other user to become. */
static gboolean
become_nobody (void)
{
  return geteuid () != 0 || seteuid (NOBODY) == 0;
}

static void
become_oneself (void)
{
  g_assert_cmpint (seteuid (getuid ()), ==, 0);
}

/* A process that may not be looked into could be the holder: then "nobody" is no answer. Neither its list of
 * files can be read, nor, having seen the list, what is in it. */
static void
test_holder_unknown (void)
{
  static const mode_t modes[] = { 0, 0444 };
  g_autoptr (Tree) tree = tree_new ();
  g_autofree char *closed = g_build_filename (tree->path, "proc/100/fd", NULL);
  pid_t pid = -1;

  make_dir (tree, "sys/bus/pci/devices/0000:75:00.3/vfio-dev/vfio9");
  for (gsize i = 0; i < G_N_ELEMENTS (modes); i++)
    {
      g_autoptr (GError) error = NULL;
      gboolean answered;

      g_assert_cmpint (chmod (closed, modes[i]), ==, 0);
      if (!become_nobody ())
        {
          g_test_skip ("root may look into every process, and cannot be somebody else here");
          return;
        }
      answered = device_find_holder_in (tree->proc_fd, tree->sysfs_fd, "0000:75:00.3", &pid, &error);
      become_oneself ();
      g_assert_false (answered);
      g_assert_error (error, ACCMIG_ERROR, ACCMIG_ERROR_IO);
      g_assert_cmpint (chmod (closed, 0755), ==, 0);
    }
}

/* One that may not be looked into does not hide one that can be found. */
static void
test_holder_known (void)
{
  g_autoptr (Tree) tree = tree_new ();
  g_autofree char *closed = g_build_filename (tree->path, "proc/100/fd", NULL);
  gboolean answered;
  pid_t pid = -1;

  g_assert_cmpint (chmod (closed, 0444), ==, 0);
  if (!become_nobody ())
    {
      g_test_skip ("root may look into every process, and cannot be somebody else here");
      return;
    }
  answered = device_find_holder_in (tree->proc_fd, tree->sysfs_fd, VF, &pid, NULL);
  become_oneself ();
  g_assert_cmpint (chmod (closed, 0755), ==, 0);
  g_assert_true (answered);
  g_assert_cmpint (pid, ==, 200);
}

#define NAMES(address) "pos:\t0\nvfio-device-syspath: /sys/devices/pci0000:00/" address "\n"

/* Process 500 has the group of the VF open, and @link as fd @number (11 or 12), whose fdinfo says @fdinfo. */
static void
make_holder (const Tree *tree, int number, const char *link, const char *fdinfo)
{
  g_autofree char *info = g_strdup_printf ("proc/500/fdinfo/%d", number);

  make_dir (tree, "proc/500/fd");
  make_dir (tree, "proc/500/fdinfo");
  make_link (tree, "proc/500/fd/11", number == 11 ? link : GROUP_PATH);
  make_link (tree, "proc/500/fd/12", number == 12 ? link : GROUP_PATH);
  make_text (tree, info, fdinfo);
}

/* A holder that let its group go is known by its device's fdinfo, where the kernel writes that. */
static void
test_holder_by_fdinfo (void)
{
  g_autoptr (Tree) tree = tree_new ();
  pid_t pid = -1;

  make_dir (tree, "sys/bus/pci/devices/0000:75:00.3/vfio-dev/vfio9");
  make_holder (tree, 11, "anon_inode:[vfio-device]", NAMES ("0000:75:00.3"));
  g_assert_true (device_find_holder_in (tree->proc_fd, tree->sysfs_fd, "0000:75:00.3", &pid, NULL));
  g_assert_cmpint (pid, ==, 500);
  make_text (tree, "proc/500/fdinfo/11", NAMES ("0000:75:00.30"));
  g_assert_true (device_find_holder_in (tree->proc_fd, tree->sysfs_fd, "0000:75:00.3", &pid, NULL));
  g_assert_cmpint (pid, ==, 0);
}

/* Of all its fds the best counts, in whatever order they stand; a group counts where no device is named. */
static void
test_holder_choice (void)
{
  static const struct
  {
    const char *link, *fdinfo;
    gboolean holds, through_group;
    AccmigAccess access;
  } rows[] = {
    { CDEV_PATH, NAMES (VF), TRUE, FALSE, ACCMIG_ACCESS_CDEV },
    { "anon_inode:[vfio-device]", NAMES (VF), TRUE, FALSE, ACCMIG_ACCESS_GROUP },
    { "anon_inode:[vfio-device]", "pos:\t0\n", TRUE, TRUE, ACCMIG_ACCESS_GROUP },
    { "anon_inode:[eventfd]", "pos:\t0\n", TRUE, TRUE, ACCMIG_ACCESS_GROUP },
    { "anon_inode:[vfio-device]", NAMES ("0000:75:00.2"), FALSE, FALSE, 0 },
  };

  for (gsize i = 0; i < 2 * G_N_ELEMENTS (rows); i++)
    {
      gsize row = i / 2;
      int number = i % 2 == 0 ? 11 : 12, group_number = 23 - number;
      const MockCall device_script[] = { PIDFD_OPEN (500, 0), GETFD (number, 0), LAST };
      const MockCall group_script[] = { PIDFD_OPEN (500, 0), GETFD (group_number, 0),
                                        GET_DEVICE (COPY_FD, VF, 0, DEVICE_FD), LAST };
      const MockCall no_script[] = { PIDFD_OPEN (500, 0), LAST };
      const MockCall *script = rows[row].through_group ? group_script : device_script;
      g_autoptr (Tree) tree = tree_new ();
      g_autoptr (AccmigDevice) device = NULL;
      g_autoptr (GError) error = NULL;

      make_holder (tree, number, rows[row].link, rows[row].fdinfo);
      mock_kernel_expect (rows[row].holds ? script : no_script);
      device = device_borrow_with (&mock_kernel, tree->proc_fd, tree->sysfs_fd, 500, VF, &error);
      g_assert_cmpint (device != NULL, ==, rows[row].holds);
      if (device == NULL)
        g_assert_error (error, ACCMIG_ERROR, ACCMIG_ERROR_NOT_FOUND);
      else
        g_assert_cmpint (accmig_device_get_access (device), ==, rows[row].access);
      g_clear_pointer (&device, accmig_device_close);
      mock_kernel_done ();
    }
}

/* Asking a borrowed group for the device would crash the host just the same. */
static void
test_borrow_crash (void)
{
  static const MockCall script[] = { PIDFD_OPEN (200, 0), MOCK_RELEASE ("6.17.1"), LAST };
  g_autoptr (Tree) tree = tree_new ();
  g_autoptr (GError) error = NULL;

  bind_driver (tree, "hisi_acc_vfio_pci");
  mock_kernel_expect (script);
  g_assert_null (device_borrow_with (&mock_kernel, tree->proc_fd, tree->sysfs_fd, 200, VF, &error));
  g_assert_error (error, ACCMIG_ERROR, ACCMIG_ERROR_UNSUPPORTED);
  mock_kernel_done ();
}

/* An mdev is where its last user left it, so it is reset before it is used; a PCI function was reset by its
 * opening, so another state than running is not to be expected, and an error. */
static void
test_leftover (void)
{
#define MDEV_NODES                                                                                           \
  OPEN ("/dev/iommu", 0, IOMMUFD_FD), OPEN ("/dev/vfio/devices/vfio4", 0, DEVICE_FD), BIND (0)
#define ASK(state)                                                                                           \
  {                                                                                                          \
    MOCK_FEATURE, DEVICE_FD, NULL, UAPI_FEATURE_GET | UAPI_FEATURE_MIG_DEVICE_STATE, 0, 0, -1,               \
    {                                                                                                        \
      state                                                                                                  \
    }                                                                                                        \
  }
#define RESET                                                                                                \
  {                                                                                                          \
    MOCK_IOCTL, DEVICE_FD, NULL, UAPI_DEVICE_RESET, 0, 0, 0,                                                 \
    {                                                                                                        \
      0                                                                                                      \
    }                                                                                                        \
  }
  /* The fd to save to is none: that is noticed after the device was found to be running. */
  static const MockCall left[] = { MDEV_NODES, ASK (ACCMIG_STATE_RESUMING), RESET, ASK (ACCMIG_STATE_RUNNING),
                                   LAST };
  static const MockCall running[] = { MDEV_NODES, ASK (ACCMIG_STATE_RUNNING), ASK (ACCMIG_STATE_RUNNING),
                                      LAST };
  static const MockCall function[] = { CDEV_NODES, BIND (0), ASK (ACCMIG_STATE_RESUMING), LAST };
  static const struct
  {
    const char *address;
    const MockCall *script;
    AccmigError code;
  } rows[] = {
    { MDEV, left, ACCMIG_ERROR_IO },
    { MDEV, running, ACCMIG_ERROR_IO },
    { VF, function, ACCMIG_ERROR_BAD_STATE },
  };
  g_autoptr (Tree) tree = tree_new ();

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GError) error = NULL;
      AccmigDevice *device;
      guint64 bytes;

      mock_kernel_expect (rows[i].script);
      device = device_open_with (&mock_kernel, tree->sysfs_fd, rows[i].address, ACCMIG_ACCESS_CDEV, NULL);
      g_assert_nonnull (device);
      g_assert_false (accmig_device_save (device, -1, -1, &bytes, &error));
      g_assert_error (error, ACCMIG_ERROR, (int)rows[i].code);
      accmig_device_close (device);
      mock_kernel_done ();
    }
}

/* What the caller set is no leftover. */
static void
test_leftover_driven (void)
{
#define FLAGS                                                                                                \
  { MOCK_FEATURE, DEVICE_FD, NULL, UAPI_FEATURE_PROBE | UAPI_FEATURE_GET | UAPI_FEATURE_MIGRATION, 0, 0,     \
    -1,           { 0 } },                                                                                   \
  {                                                                                                          \
    MOCK_FEATURE, DEVICE_FD, NULL, UAPI_FEATURE_GET | UAPI_FEATURE_MIGRATION, 0, 0, -1,                      \
    {                                                                                                        \
      7                                                                                                      \
    }                                                                                                        \
  }
#define STOP                                                                                                 \
  {                                                                                                          \
    MOCK_FEATURE, DEVICE_FD, NULL, UAPI_FEATURE_SET | UAPI_FEATURE_MIG_DEVICE_STATE, ACCMIG_STATE_STOP, 0,   \
        -1,                                                                                                  \
    {                                                                                                        \
      0                                                                                                      \
    }                                                                                                        \
  }
  static const MockCall script[] = { MDEV_NODES, ASK (ACCMIG_STATE_RUNNING), FLAGS,
                                     STOP,       ASK (ACCMIG_STATE_STOP),    LAST };
  g_autoptr (Tree) tree = tree_new ();
  g_autoptr (GError) error = NULL;
  AccmigDevice *device;
  guint64 bytes;

  mock_kernel_expect (script);
  device = device_open_with (&mock_kernel, tree->sysfs_fd, MDEV, ACCMIG_ACCESS_CDEV, NULL);
  g_assert_true (accmig_device_set_state (device, ACCMIG_STATE_STOP, NULL, NULL));
  g_assert_false (accmig_device_save (device, -1, -1, &bytes, &error));
  g_assert_error (error, ACCMIG_ERROR, ACCMIG_ERROR_BAD_STATE);
  accmig_device_close (device);
  mock_kernel_done ();
}

static void
test_borrow_through_group (void)
{
  static const MockCall script[] = { PIDFD_OPEN (200, 0), GETFD (9, 0),
                                     GET_DEVICE (COPY_FD, VF, 0, DEVICE_FD), LAST };
  g_autoptr (Tree) tree = tree_new ();
  g_autoptr (GError) refused = NULL;
  AccmigDevice *device;

  mock_kernel_expect (script);
  device = device_borrow_with (&mock_kernel, tree->proc_fd, tree->sysfs_fd, 200, VF, NULL);
  g_assert_nonnull (device);
  g_assert_cmpint (accmig_device_get_access (device), ==, ACCMIG_ACCESS_GROUP);
  g_assert_false (accmig_device_reset (device, &refused));
  g_assert_error (refused, ACCMIG_ERROR, ACCMIG_ERROR_BAD_STATE);
  accmig_device_close (device);
  mock_kernel_done ();
}

static void
test_borrow_cdev (void)
{
  static const MockCall script[] = { PIDFD_OPEN (300, 0), GETFD (5, 0), LAST };
  g_autoptr (Tree) tree = tree_new ();
  AccmigDevice *device;

  mock_kernel_expect (script);
  device = device_borrow_with (&mock_kernel, tree->proc_fd, tree->sysfs_fd, 300, MDEV, NULL);
  g_assert_nonnull (device);
  g_assert_cmpint (accmig_device_get_access (device), ==, ACCMIG_ACCESS_CDEV);
  accmig_device_close (device);
  mock_kernel_done ();
}

static void
test_borrow_failures (void)
{
  static const MockCall not_holder[] = { PIDFD_OPEN (100, 0), LAST };
  static const MockCall gone[] = { PIDFD_OPEN (200, ESRCH), LAST };
  static const MockCall no_proc[] = { PIDFD_OPEN (999, 0), LAST };
  static const MockCall forbidden[] = { PIDFD_OPEN (200, 0), GETFD (9, EPERM), LAST };
  static const MockCall no_device[] = { PIDFD_OPEN (200, 0), GETFD (9, 0),
                                        GET_DEVICE (COPY_FD, VF, ENODEV, -1), LAST };
  static const struct
  {
    const MockCall *script;
    pid_t pid;
    AccmigError code;
  } rows[] = {
    { not_holder, 100, ACCMIG_ERROR_NOT_FOUND }, { gone, 200, ACCMIG_ERROR_NOT_FOUND },
    { no_proc, 999, ACCMIG_ERROR_NOT_FOUND },    { forbidden, 200, ACCMIG_ERROR_IO },
    { no_device, 200, ACCMIG_ERROR_NOT_FOUND },
  };
  g_autoptr (Tree) tree = tree_new ();

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GError) error = NULL;

      mock_kernel_expect (rows[i].script);
      g_assert_null (
          device_borrow_with (&mock_kernel, tree->proc_fd, tree->sysfs_fd, rows[i].pid, VF, &error));
      g_assert_error (error, ACCMIG_ERROR, (int)rows[i].code);
      mock_kernel_done ();
    }
}

/* The real kernel, as far as it goes without a device: an fd that is no VFIO device says so. */
static void
test_real_fd (void)
{
  g_autoptr (AccmigDevice) device =
      accmig_device_new_from_fd (open ("/dev/null", O_RDWR | O_CLOEXEC), "null", TRUE);
  g_autoptr (GError) error = NULL;
  guint64 flags;

  g_assert_cmpint (accmig_device_get_access (device), ==, ACCMIG_ACCESS_GROUP);
  g_assert_false (accmig_device_get_flags (device, &flags, &error));
  g_assert_error (error, ACCMIG_ERROR, ACCMIG_ERROR_UNSUPPORTED);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (open_rows); i++)
    {
      g_autofree char *path = g_strconcat ("/device-open/", open_rows[i].name, NULL);

      g_test_add_data_func (path, GSIZE_TO_POINTER (i), test_open);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (crash_rows); i++)
    {
      g_autofree char *path = g_strconcat ("/device-open/crash/", crash_rows[i].name, NULL);

      g_test_add_data_func (path, GSIZE_TO_POINTER (i), test_crash);
    }
  g_test_add_func ("/device-open/leftover", test_leftover);
  g_test_add_func ("/device-open/leftover-driven", test_leftover_driven);
  g_test_add_func ("/device-holder/find", test_holder);
  g_test_add_func ("/device-holder/nobody", test_holder_nobody);
  g_test_add_func ("/device-holder/unknown", test_holder_unknown);
  g_test_add_func ("/device-holder/known", test_holder_known);
  g_test_add_func ("/device-holder/by-fdinfo", test_holder_by_fdinfo);
  g_test_add_func ("/device-holder/choice", test_holder_choice);
  g_test_add_func ("/device-holder/borrow-crash", test_borrow_crash);
  g_test_add_func ("/device-holder/borrow-through-group", test_borrow_through_group);
  g_test_add_func ("/device-holder/borrow-cdev", test_borrow_cdev);
  g_test_add_func ("/device-holder/borrow-failures", test_borrow_failures);
  g_test_add_func ("/device-open/real-fd", test_real_fd);
  return g_test_run ();
}
