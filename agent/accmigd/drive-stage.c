// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Stages of a drive
 *
 *   source:       waiting → copying → quieting → stopping → saving → leaving → left
 *                          back from any of them:  halting → joining → running → resting
 *   destination:  loading → joining → running → resting ;  loading → resetting → over
 *
 * Every arrow is a barrier: the next stage begins when all devices have done what this one wants. So each is
 * quiet (p2p) before any is stopped, since one that is stopped must not be reached by its neighbour, and each
 * is quiet again before any runs.
 *
 * A step in these tables is one that the kernel may take by more than one arc; where a stage says stop and
 * the device has p2p, it has been there before.
 */

#include "drive-stage.h"

/* clang-format off */
static const struct
{
  const char *name;
  OnFailure on_failure;
  gboolean switching;
  Stage next;
} stages[] = {
  [STAGE_WAITING]   = { "waiting",   ON_FAILURE_LET_BE,  FALSE, STAGE_WAITING  },
  [STAGE_COPYING]   = { "copying",   ON_FAILURE_LET_BE,  FALSE, STAGE_COPYING  },
  [STAGE_QUIETING]  = { "quieting",  ON_FAILURE_GIVE_UP, TRUE,  STAGE_STOPPING },
  [STAGE_STOPPING]  = { "stopping",  ON_FAILURE_GIVE_UP, TRUE,  STAGE_SAVING   },
  [STAGE_SAVING]    = { "saving",    ON_FAILURE_GIVE_UP, TRUE,  STAGE_SAVING   },
  [STAGE_LEAVING]   = { "leaving",   ON_FAILURE_INSIST,  FALSE, STAGE_LEFT     },
  [STAGE_LEFT]      = { "left",      ON_FAILURE_INSIST,  TRUE,  STAGE_LEFT     },
  [STAGE_UNSURE]    = { "unsure",    ON_FAILURE_LET_BE,  FALSE, STAGE_UNSURE   },
  [STAGE_HALTING]   = { "halting",   ON_FAILURE_INSIST,  FALSE, STAGE_JOINING  },
  [STAGE_JOINING]   = { "joining",   ON_FAILURE_INSIST,  FALSE, STAGE_RUNNING  },
  [STAGE_RUNNING]   = { "running",   ON_FAILURE_INSIST,  FALSE, STAGE_RESTING  },
  [STAGE_RESTING]   = { "resting",   ON_FAILURE_INSIST,  FALSE, STAGE_RESTING  },
  [STAGE_LOADING]   = { "loading",   ON_FAILURE_LET_BE,  TRUE,  STAGE_LOADING  },
  [STAGE_RESETTING] = { "resetting", ON_FAILURE_INSIST,  FALSE, STAGE_OVER     },
  [STAGE_OVER]      = { "over",      ON_FAILURE_INSIST,  FALSE, STAGE_OVER     },
};
G_STATIC_ASSERT (G_N_ELEMENTS (stages) == N_STAGES);

/* In @stage a device in @from goes to @to, if it knows that state. The first row that fits counts. */
static const struct
{
  Stage stage;
  AccmigState from, to;
} steps[] = {
  { STAGE_COPYING,  ACCMIG_STATE_RUNNING,      ACCMIG_STATE_PRE_COPY     },

  { STAGE_QUIETING, ACCMIG_STATE_RUNNING,      ACCMIG_STATE_RUNNING_P2P  },
  { STAGE_QUIETING, ACCMIG_STATE_PRE_COPY,     ACCMIG_STATE_PRE_COPY_P2P },

  { STAGE_STOPPING, ACCMIG_STATE_RUNNING,      ACCMIG_STATE_STOP         },
  { STAGE_STOPPING, ACCMIG_STATE_RUNNING_P2P,  ACCMIG_STATE_STOP         },
  { STAGE_STOPPING, ACCMIG_STATE_PRE_COPY,     ACCMIG_STATE_STOP_COPY    },
  { STAGE_STOPPING, ACCMIG_STATE_PRE_COPY_P2P, ACCMIG_STATE_STOP_COPY    },

  { STAGE_SAVING,   ACCMIG_STATE_STOP,         ACCMIG_STATE_STOP_COPY    },

  { STAGE_LEAVING,  ACCMIG_STATE_STOP_COPY,    ACCMIG_STATE_STOP         },
  { STAGE_LEAVING,  ACCMIG_STATE_RUNNING,      ACCMIG_STATE_STOP         },
  { STAGE_LEAVING,  ACCMIG_STATE_RUNNING_P2P,  ACCMIG_STATE_STOP         },
  { STAGE_LEAVING,  ACCMIG_STATE_PRE_COPY,     ACCMIG_STATE_STOP         },
  { STAGE_LEAVING,  ACCMIG_STATE_PRE_COPY_P2P, ACCMIG_STATE_STOP         },

  { STAGE_HALTING,  ACCMIG_STATE_STOP_COPY,    ACCMIG_STATE_STOP         },

  { STAGE_JOINING,  ACCMIG_STATE_STOP,         ACCMIG_STATE_RUNNING_P2P  },
  { STAGE_JOINING,  ACCMIG_STATE_STOP_COPY,    ACCMIG_STATE_RUNNING_P2P  },
  { STAGE_JOINING,  ACCMIG_STATE_PRE_COPY_P2P, ACCMIG_STATE_RUNNING_P2P  },

  { STAGE_RUNNING,  ACCMIG_STATE_STOP,         ACCMIG_STATE_RUNNING      },
  { STAGE_RUNNING,  ACCMIG_STATE_STOP_COPY,    ACCMIG_STATE_RUNNING      },
  { STAGE_RUNNING,  ACCMIG_STATE_RUNNING_P2P,  ACCMIG_STATE_RUNNING      },
  { STAGE_RUNNING,  ACCMIG_STATE_PRE_COPY,     ACCMIG_STATE_RUNNING      },
  { STAGE_RUNNING,  ACCMIG_STATE_PRE_COPY_P2P, ACCMIG_STATE_RUNNING      },
};

/* A stage without rows of its own that wants what another wants, of those who come late. */
static const struct
{
  Stage stage, as;
} alike[] = {
  { STAGE_LEFT,    STAGE_LEAVING },
  { STAGE_RESTING, STAGE_RUNNING },
};

/* The first row that fits counts; what has no row leads nowhere. */
static const struct
{
  Role role;
  DriveNews news;
  Stage first, last; /* from any of these … */
  Stage to;
} arcs[] = {
  { ROLE_SOURCE, DRIVE_COPYING,       STAGE_WAITING,  STAGE_WAITING,  STAGE_COPYING   },
  { ROLE_SOURCE, DRIVE_GUEST_STOPPED, STAGE_WAITING,  STAGE_COPYING,  STAGE_QUIETING  },
  { ROLE_SOURCE, DRIVE_GUEST_RUNS,    STAGE_QUIETING, STAGE_UNSURE,   STAGE_HALTING   },
  { ROLE_SOURCE, DRIVE_FAILED,        STAGE_WAITING,  STAGE_SAVING,   STAGE_HALTING   },
  { ROLE_SOURCE, DRIVE_GONE,          STAGE_WAITING,  STAGE_COPYING,  STAGE_QUIETING  },
  { ROLE_SOURCE, DRIVE_GONE,          STAGE_HALTING,  STAGE_RESTING,  STAGE_LEAVING   },
  { ROLE_SOURCE, DRIVE_LOST,          STAGE_WAITING,  STAGE_SAVING,   STAGE_LEAVING   },
  { ROLE_SOURCE, DRIVE_LOST,          STAGE_HALTING,  STAGE_RESTING,  STAGE_LEAVING   },

  { ROLE_SOURCE, DRIVE_COPYING,       STAGE_UNSURE,   STAGE_UNSURE,   STAGE_HALTING   },
  { ROLE_SOURCE, DRIVE_GUEST_STOPPED, STAGE_UNSURE,   STAGE_UNSURE,   STAGE_HALTING   },
  { ROLE_SOURCE, DRIVE_FAILED,        STAGE_UNSURE,   STAGE_UNSURE,   STAGE_HALTING   },
  { ROLE_SOURCE, DRIVE_GONE,          STAGE_UNSURE,   STAGE_UNSURE,   STAGE_LEAVING   },
  { ROLE_SOURCE, DRIVE_LOST,          STAGE_UNSURE,   STAGE_UNSURE,   STAGE_LEAVING   },

  { ROLE_DESTINATION, DRIVE_FAILED,   STAGE_LOADING,  STAGE_LOADING,  STAGE_RESETTING },
  { ROLE_DESTINATION, DRIVE_LOST,     STAGE_LOADING,  STAGE_LOADING,  STAGE_RESETTING },
};
/* clang-format on */

const char *
stage_to_string (Stage stage)
{
  return stages[stage].name;
}

OnFailure
stage_on_failure (Stage stage)
{
  return stages[stage].on_failure;
}

gboolean
stage_is_switching (Stage stage)
{
  return stages[stage].switching;
}

Stage
stage_next (Stage stage)
{
  return stages[stage].next;
}

gboolean
stage_find_step (Stage stage, guint64 flags, AccmigState from, AccmigState *ret_to)
{
  for (gsize i = 0; i < G_N_ELEMENTS (alike); i++)
    if (alike[i].stage == stage)
      stage = alike[i].as;
  for (gsize i = 0; i < G_N_ELEMENTS (steps); i++)
    if (steps[i].stage == stage && steps[i].from == from && accmig_fsm_has_state (flags, steps[i].to))
      {
        *ret_to = steps[i].to;
        return TRUE;
      }
  return FALSE;
}

Stage
stage_on_news (Role role, Stage stage, DriveNews news)
{
  for (gsize i = 0; i < G_N_ELEMENTS (arcs); i++)
    if (arcs[i].role == role && arcs[i].news == news && stage >= arcs[i].first && stage <= arcs[i].last)
      return arcs[i].to;
  return stage;
}
