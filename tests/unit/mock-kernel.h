/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <glib.h>

#include "kernel-private.h"
#include "vfio-uapi.h"

/*
 * A kernel that follows a script
 *
 * A test lists the calls it expects, in order, each with its argument and the answer. An unexpected call, a
 * wrong argument or a call left over ends the test with the number of the row.
 *
 * Close is not part of the script: fds that rows hand out are counted as open until they are closed, and
 * mock_kernel_done() wants all of them closed.
 */

#define MOCK_DEVICE_FD 5000 /* given to the device by the test */

typedef enum
{
  MOCK_END,
  MOCK_OPEN,
  MOCK_IOCTL,   /* any request whose argument is not looked into */
  MOCK_FEATURE, /* VFIO_DEVICE_FEATURE */
  MOCK_PRECOPY, /* VFIO_MIG_GET_PRECOPY_INFO */
  MOCK_BIND,    /* VFIO_DEVICE_BIND_IOMMUFD */
  MOCK_STATUS,  /* VFIO_GROUP_GET_STATUS */
  MOCK_READ,
  MOCK_WRITE,
  MOCK_PIDFD_OPEN,
  MOCK_PIDFD_GETFD,
  MOCK_UNAME,
  MOCK_SLEEP, /* no time passes */
} MockKind;

typedef struct
{
  MockKind kind;
  int fd;           /* the fd it is called on */
  const char *path; /* open: the path. ioctl: the device's name, where one is passed. uname: the release */
  unsigned long request; /* ioctl: the request. feature: its flags. write: the size. pidfd: the pid or fd.
                            sleep: milliseconds */
  guint64 in;            /* feature: the state to set. bind: the iommufd. ioctl: an argument by value */
  int number;            /* the errno to fail with, 0 to succeed */
  gint64 result;         /* what is returned; for a feature an fd in the payload */
  guint64 out[2];        /* what is written back */
} MockCall;

/* clang-format off */
#define MOCK_GET(feature, errno_, value) \
  { MOCK_FEATURE, MOCK_DEVICE_FD, NULL, UAPI_FEATURE_GET | (feature), 0, errno_, -1, { value } }
#define MOCK_PROBE(feature, errno_) \
  { MOCK_FEATURE, MOCK_DEVICE_FD, NULL, UAPI_FEATURE_PROBE | UAPI_FEATURE_GET | (feature), 0, errno_, -1, { 0 } }
#define MOCK_PROBE_SET(feature, errno_) \
  { MOCK_FEATURE, MOCK_DEVICE_FD, NULL, UAPI_FEATURE_PROBE | UAPI_FEATURE_SET | (feature), 0, errno_, -1, { 0 } }
/* The two questions with which the flags are read. */
#define MOCK_FLAGS(flags) \
  MOCK_PROBE (UAPI_FEATURE_MIGRATION, 0), MOCK_GET (UAPI_FEATURE_MIGRATION, 0, flags)
#define MOCK_STATE(state) MOCK_GET (UAPI_FEATURE_MIG_DEVICE_STATE, 0, state)
#define MOCK_SET(state, errno_, data_fd) \
  { MOCK_FEATURE, MOCK_DEVICE_FD, NULL, UAPI_FEATURE_SET | UAPI_FEATURE_MIG_DEVICE_STATE, state, errno_, data_fd, { 0 } }
#define MOCK_INFO(fd_, errno_, initial, dirty) \
  { MOCK_PRECOPY, fd_, NULL, 0, 0, errno_, 0, { initial, dirty } }
#define MOCK_DATA(fd_, n)        { MOCK_READ, fd_, NULL, 0, 0, 0, n, { 0 } }
#define MOCK_NO_DATA(fd_, errno_) { MOCK_READ, fd_, NULL, 0, 0, errno_, 0, { 0 } }
#define MOCK_TAKE(fd_, size, n)  { MOCK_WRITE, fd_, NULL, size, 0, 0, n, { 0 } }
#define MOCK_REFUSE(fd_, size, errno_) { MOCK_WRITE, fd_, NULL, size, 0, errno_, 0, { 0 } }
#define MOCK_RELEASE(release)    { MOCK_UNAME, 0, release, 0, 0, 0, 0, { 0 } }
#define MOCK_WAIT(milliseconds)  { MOCK_SLEEP, 0, NULL, milliseconds, 0, 0, 0, { 0 } }
#define MOCK_RESET(errno_)       { MOCK_IOCTL, MOCK_DEVICE_FD, NULL, UAPI_DEVICE_RESET, 0, errno_, 0, { 0 } }
/* clang-format on */

extern const AccmigKernel mock_kernel;

/* @script ends with a row of zeros. It stays the caller's. */
void mock_kernel_expect (const MockCall *script);

/* Everything that was expected happened, and all fds were closed. */
void mock_kernel_done (void);

/* The byte at @offset of all that scripted reads hand out, and of what scripted writes must bring. */
guint8 mock_kernel_byte (guint64 offset);
