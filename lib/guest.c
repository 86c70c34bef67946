// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Guests
 *
 * QEMU lays down what stands in a guest's way. Most of it QEMU refuses by itself, at the source and when
 * somebody tries; here it is said before. One thing it does not refuse, and loses a device.
 */

#include <accmig/guest.h>

#include <accmig/fsm.h>

#include "compat-private.h"
#include "release.h"

/* From here on QEMU does without its blocker for a virtual IOMMU where the host's IOMMU tracks dirty pages.
 */
#define QEMU_WITH_IOMMU RELEASE (11, 1, 0)

/* What libvirt lets a QEMU with VFIO devices lock besides the guest's RAM. */
#define LOCKED_BESIDES ((guint64)1 << 30)

#define MIB ((guint64)1 << 20)

typedef struct
{
  const AccmigGuest *guest;
  const AccmigGuestDevice *devices;
  gsize n;
  gsize n_staying; /* of the devices: those that are there while the guest migrates */
} Question;

/* ---- p2p ---- */

/* Without migration it is a case of its own. @ret_flags: set on success */
static gboolean
lacks_p2p (const AccmigGuestDevice *device, guint64 *ret_flags)
{
  guint64 flags = 0;

  if (device->transient || device->profile == NULL
      || !accmig_profile_get_uint (device->profile, "device.flags", &flags))
    return FALSE;
  *ret_flags = flags;
  return (flags & ACCMIG_FLAG_STOP_COPY) != 0 && (flags & ACCMIG_FLAG_P2P) == 0;
}

static void
check_p2p (const Question *question, AccmigVerdict *verdict)
{
  const AccmigProfile *lacking = NULL;
  guint64 flags = 0;
  g_autofree char *names = NULL;
  g_autofree char *sentence = NULL;

  for (gsize i = 0; lacking == NULL && i < question->n; i++)
    if (lacks_p2p (&question->devices[i], &flags))
      lacking = question->devices[i].profile;
  if (lacking == NULL || question->n_staying < 2)
    return;
  names = accmig_flags_to_string (flags);
  sentence = g_strdup_printf ("it has %" G_GSIZE_FORMAT
                              " VFIO devices, and %s at the source has no p2p: QEMU migrates "
                              "several only if all have it",
                              question->n_staying, accmig_profile_get_address (lacking));
  verdict_add (verdict, &(AccmigFinding){
                            .rule = "guest.p2p",
                            .severity = ACCMIG_SEVERITY_REFUSE,
                            .field = "device.flags",
                            .source_value = names,
                            .sentence = sentence,
                            .remedy = "give the guest one device, or only devices whose drivers offer p2p",
                        });
}

/* ---- virtual IOMMU ---- */

/* Returns: (transfer none) (nullable): of the host where the guest is */
static const char *
find_qemu (const Question *question)
{
  for (gsize i = 0; i < question->n; i++)
    {
      const AccmigProfile *profile = question->devices[i].profile;
      const char *qemu = profile != NULL ? accmig_profile_get_string (profile, "host.qemu") : NULL;

      if (qemu != NULL)
        return qemu;
    }
  return NULL;
}

static void
check_iommu (const Question *question, AccmigVerdict *verdict)
{
  const char *qemu = find_qemu (question);
  Release release = release_parse (qemu);
  gboolean blocks = release != 0 && release < QEMU_WITH_IOMMU;
  g_autofree char *sentence = NULL;

  if (!question->guest->iommu || question->n_staying == 0)
    return;
  if (blocks)
    sentence = g_strdup_printf (
        "it has a virtual IOMMU, and QEMU %s of the source migrates no VFIO device behind one", qemu);
  verdict_add (verdict,
               &(AccmigFinding){
                   .rule = "guest.iommu",
                   .severity = blocks ? ACCMIG_SEVERITY_REFUSE : ACCMIG_SEVERITY_WARN,
                   .field = "guest.iommu",
                   .source_value = "yes",
                   .sentence =
                       blocks
                           ? sentence
                           : "it has a virtual IOMMU: QEMU migrates VFIO devices behind one only from 11.1 "
                             "on, and only if the host's IOMMU and not the device tracks dirty pages",
                   .remedy = "take the guest's <iommu> away",
               });
}

/* ---- vfio-user ---- */

static void
check_vfio_user (const Question *question, AccmigVerdict *verdict)
{
  if (!question->guest->vfio_user)
    return;
  verdict_add (verdict,
               &(AccmigFinding){
                   .rule = "guest.vfio-user",
                   .severity = ACCMIG_SEVERITY_REFUSE,
                   .field = "guest.vfio-user",
                   .source_value = "yes",
                   .sentence =
                       "it has a vfio-user device: QEMU migrates the guest without a word and leaves the "
                       "device's state behind",
                   .remedy = "unplug the vfio-user device before the guest is migrated",
               });
}

/* ---- locked memory ---- */

/* The RAM of a guest is pinned for its PCI devices; mdevs pin what they use. */
static gboolean
pins_memory (const Question *question)
{
  for (gsize i = 0; i < question->n; i++)
    if (question->devices[i].kind == ACCMIG_KIND_PCI)
      return TRUE;
  return FALSE;
}

static void
check_memory_limit (const Question *question, AccmigVerdict *verdict)
{
  guint64 limit = question->guest->memory_limit;
  guint64 wanted = 0;
  g_autofree char *value = NULL;
  g_autofree char *sentence = NULL;
  g_autofree char *remedy = NULL;

  if (question->guest->memory == 0 || limit == 0 || !pins_memory (question)
      || !g_uint64_checked_add (&wanted, question->guest->memory, LOCKED_BESIDES) || limit >= wanted)
    return;
  value = g_strdup_printf ("%" G_GUINT64_FORMAT " MiB", limit / MIB);
  sentence = g_strdup_printf ("its <hard_limit> lets QEMU lock %s, and %" G_GUINT64_FORMAT
                              " MiB of RAM have to be locked for its VFIO devices: the guest may not start",
                              value, question->guest->memory / MIB);
  remedy = g_strdup_printf ("raise <hard_limit> to %" G_GUINT64_FORMAT " MiB or more, or leave it out",
                            wanted / MIB);
  verdict_add (verdict, &(AccmigFinding){
                            .rule = "guest.memory-limit",
                            .severity = ACCMIG_SEVERITY_WARN,
                            .field = "guest.memory-limit",
                            .source_value = value,
                            .sentence = sentence,
                            .remedy = remedy,
                        });
}

/* ---- all of it ---- */

AccmigVerdict *
accmig_guest_check (const AccmigGuest *guest, const AccmigGuestDevice *devices, gsize n)
{
  Question question = { .guest = guest, .devices = devices, .n = n };
  AccmigVerdict *verdict = verdict_new ();

  for (gsize i = 0; i < n; i++)
    question.n_staying += !devices[i].transient;
  check_vfio_user (&question, verdict);
  check_p2p (&question, verdict);
  check_iommu (&question, verdict);
  check_memory_limit (&question, verdict);
  return verdict;
}
