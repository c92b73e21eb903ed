/*
 * The epoch of the journal, and the life of one source, on several replicas.
 *
 * EPOCHS: `declareJournal`, `confirmEpoch` and `StreamJournal` (src/brokers/rabbitmq/stream). An
 * operator deletes the journal, and replicas declare it again.
 * SOURCES: `SourceSync` (src/core/sources/source-sync.ts), `SourceBindings`, the registry, the marks
 * in the journal and the control messages. A life of a source is its id and time of creation; here
 * it is a number, and the later life has the higher one.
 *
 * Each option of a loop is one step of a replica, RabbitMQ or the registry, so everything between
 * two steps may happen in any order. `test/models/models.test.ts` checks the model, and checks that
 * it finds each planted error (PLANT_…).
 */

#ifndef REPLICAS
#define REPLICAS 2
#endif
#ifndef JOURNAL_DELETIONS
#define JOURNAL_DELETIONS 0
#endif
#ifndef CRASHES
#define CRASHES 0
#endif
#ifndef CREATIONS
#define CREATIONS 2
#endif
#ifndef DELETIONS
#define DELETIONS 1
#endif
#ifndef ANSWERS
#define ANSWERS 0       /* answers to `sources-wanted` */
#endif
#ifndef RESYNCS
#define RESYNCS 0       /* reads of the registry after a lost control connection */
#endif
#ifndef RESTARTS
#define RESTARTS 0
#endif

#define NONE 255
#define HAS(set, n) (((set) >> (n)) & 1)
#define ONE(n) (1 << (n))

byte r, i;

#ifdef EPOCHS

mtype = { AWAY, EXISTS, LOCKING, LOCKED, CHECKED, WRITTEN, CONSUMING, CONFIRMING, UP };

#define MAX_STREAMS 6
byte stream;                        /* the journal: the number of its declaration, 0 if missing */
byte streams, deletions, crashes;
byte epochOf[MAX_STREAMS];          /* the epoch under which a stream was declared */
byte logged;                        /* the newest epoch in the epoch log */
byte epochs;
byte lock = NONE;

mtype phase[REPLICAS];
byte epoch[REPLICAS];               /* what `declareJournal` returned */
byte known[REPLICAS];               /* the epoch of a stream that existed under the lock */
byte reading[REPLICAS];             /* the stream of the consumer */

inline leave(one)
{
  if :: lock == one -> lock = NONE :: else fi;
  phase[one] = AWAY; epoch[one] = 0; known[one] = 0; reading[one] = 0
}

inline declareStream(one)
{
  if
  :: stream == 0 ->
    streams++;
    stream = streams;
    epochOf[stream] = epoch[one];
    for (i : 1 .. (streams - 1)) {
      assert(epochOf[i] != epoch[one])    /* an epoch names one stream */
    };
    i = 0
  :: else
  fi
}

inline tailStep(one)
{
  if
  :: phase[one] == AWAY ->
    if :: stream != 0 -> phase[one] = EXISTS :: else -> phase[one] = LOCKING fi
  /* epochOfExisting. The lock is needed too if the record is old, or a key must be written. */
  :: phase[one] == EXISTS && logged != 0 -> epoch[one] = logged; phase[one] = CONSUMING
  :: phase[one] == EXISTS -> phase[one] = LOCKING
#ifdef PLANT_WITHOUT_LOCK
  :: phase[one] == LOCKING -> phase[one] = LOCKED
#else
  :: phase[one] == LOCKING && lock == NONE -> lock = one; phase[one] = LOCKED
#endif
  :: phase[one] == LOCKED ->
    if
    :: stream != 0 && logged != 0 -> known[one] = logged; epoch[one] = logged
    :: else -> epochs++; epoch[one] = epochs
    fi;
    phase[one] = CHECKED
#ifdef PLANT_STREAM_BEFORE_EPOCH
  :: phase[one] == CHECKED -> if :: known[one] == 0 -> declareStream(one) :: else fi; phase[one] = WRITTEN
  :: phase[one] == WRITTEN ->
    logged = epoch[one];
    if :: lock == one -> lock = NONE :: else fi;
    phase[one] = CONSUMING
#else
  :: phase[one] == CHECKED -> logged = epoch[one]; phase[one] = WRITTEN
  :: phase[one] == WRITTEN ->
#ifdef PLANT_DECLARED_UNDER_KNOWN_EPOCH
    declareStream(one);
#else
    if :: known[one] == 0 -> declareStream(one) :: else fi;
#endif
    if
    :: stream == 0 -> leave(one)
    :: else ->
      if :: lock == one -> lock = NONE :: else fi;
      known[one] = 0;
      phase[one] = CONSUMING
    fi
#endif
  :: phase[one] == CONSUMING ->
    if
    :: stream == 0 -> leave(one)
    :: else ->
      reading[one] = stream;
#ifdef PLANT_EPOCH_UNCONFIRMED
      phase[one] = UP
#else
      phase[one] = CONFIRMING
#endif
    fi
  :: phase[one] == CONFIRMING ->
    if :: reading[one] == stream && logged == epoch[one] -> phase[one] = UP :: else -> leave(one) fi
  /* RabbitMQ cancels the consumer of a deleted stream, some time later. */
  :: phase[one] == UP && reading[one] != stream -> leave(one)
  fi;
  /* Every entry has the epoch of its stream. */
  assert(phase[one] != UP || epoch[one] == epochOf[reading[one]])
}

#define MAY_STEP(one) (phase[one] != UP && (phase[one] != LOCKING || lock == NONE || WITHOUT_LOCK)) || \
  (phase[one] == UP && reading[one] != stream)
#ifdef PLANT_WITHOUT_LOCK
#define WITHOUT_LOCK true
#else
#define WITHOUT_LOCK false
#endif

active proctype system()
{
  atomic { for (r : 0 .. (REPLICAS - 1)) { phase[r] = AWAY }; r = 0 }
end:
  do
  :: atomic { MAY_STEP(0) -> tailStep(0) }
  :: atomic { MAY_STEP(1) -> tailStep(1) }
#if REPLICAS > 2
  :: atomic { MAY_STEP(2) -> tailStep(2) }
#endif
  :: atomic { stream != 0 && deletions < JOURNAL_DELETIONS -> deletions++; stream = 0 }
  /* The lock is a queue of the connection that is lost. */
  :: atomic { crashes < CRASHES ->
      crashes++;
      if
      :: phase[0] != AWAY -> leave(0)
      :: phase[1] != AWAY -> leave(1)
      fi }
  /* Nothing can happen any more: every replica reads the journal under its epoch. */
  :: else ->
    for (r : 0 .. (REPLICAS - 1)) { assert(phase[r] == UP && reading[r] == stream && epoch[r] == logged) };
    r = 0;
    break
  od
}

#else

mtype = { IDLE, BOUND, OTHER, ADDED, CREATING, REMOVED, UNBOUND, DELETING };
mtype:change = { CREATED, DELETED };
mtype:operation = { BIND, UNBIND };

#define MAX_MARKS 6

byte lives, deletions, journalDeletions, answers, resyncs, restarts;
byte registry;                      /* the life in the registry that all replicas share; 0: none */
byte bindings;                      /* the set of lives that are bound */
mtype:change kindOf[MAX_MARKS];     /* the marks */
byte lifeOf[MAX_MARKS];
byte marks, firstMark;              /* an operator has deleted the marks before `firstMark` */

/* SourceSync, of each replica. */
byte position[REPLICAS];            /* the next mark that the tail reads */
byte upAt[REPLICAS];                /* the tail is current from this mark on */
byte served[REPLICAS];
byte deleted[REPLICAS];             /* the set of lives that are known to be deleted */
mtype:change unsavedKind[REPLICAS];
byte unsavedLife[REPLICAS];         /* 0: no unsaved change */
chan writes0 = [3] of { mtype:change, byte };
chan writes1 = [3] of { mtype:change, byte };
chan known0 = [2] of { byte };      /* `source-known` messages on their way */
chan known1 = [2] of { byte };
byte answering[REPLICAS];           /* the row that an answer was read from */
bit readsRegistry[REPLICAS];
byte servedBefore[REPLICAS], rowRead[REPLICAS];
bit mustResync[REPLICAS];

/* SourceBindings, of each replica: `#bound`, and its operations in order. */
byte kept[REPLICAS];
chan inOrder0 = [4] of { mtype:operation, byte };
chan inOrder1 = [4] of { mtype:operation, byte };

/* The mutation that runs on each replica. */
mtype mutation[REPLICAS];
byte life[REPLICAS], otherLife[REPLICAS], markOf[REPLICAS];
byte created;                       /* the set of lives with a creation that has resolved */
byte ending;                        /* the set of lives with a deletion that has begun */

mtype:operation operation;
mtype:change change;
byte n;

#define LIVING (created & (255 - ending))

/* No replica misses a message that is published after `create` has resolved. */
inline checkLiving()
{
  assert((LIVING & (255 - bindings)) == 0);
  assert(LIVING == 0 || LIVING == ONE(registry))
}

inline unbind(one, which)
{
  if :: kept[one] == which -> kept[one] = 0 :: else fi;
#ifdef PLANT_BINDING_SHARED
  bindings = 0;
#else
  bindings = bindings & (255 - ONE(which));
#endif
  checkLiving()
}

inline save(one, writes, what, which)
{
  if
  :: position[one] >= upAt[one] -> writes ! what, which
  :: else -> unsavedKind[one] = what; unsavedLife[one] = which
  fi
}

inline onCreated(one, writes, inOrder, which)
{
  if
  :: served[one] < which ->
    inOrder ! BIND, which;
    if
    :: served[one] != 0 -> inOrder ! UNBIND, served[one]; deleted[one] = deleted[one] | ONE(served[one])
    :: else
    fi;
    served[one] = which;
    kept[one] = which;
    save(one, writes, CREATED, which)
  :: else
  fi
}

inline onDeleted(one, writes, inOrder, which)
{
  deleted[one] = deleted[one] | ONE(which);
  if
#ifndef PLANT_OLD_MARK_DELETES
  :: served[one] > which -> skip
  :: served[one] <= which ->
#else
  :: true ->
#endif
    if :: served[one] != 0 -> inOrder ! UNBIND, served[one]; deleted[one] = deleted[one] | ONE(served[one]) :: else fi;
    served[one] = 0;
    save(one, writes, DELETED, which)
  fi
}

inline replica(one, writes, inOrder, known)
{
  /* ---------------------------------------------------------- SourceSync.create */
  :: atomic { mutation[one] == IDLE && served[one] == 0 && lives < CREATIONS && position[one] >= upAt[one] ->
      lives++;
      life[one] = lives;
      bindings = bindings | ONE(lives);
      kept[one] = lives;
      mutation[one] = BOUND }
  :: atomic { mutation[one] == BOUND ->
      if
      :: registry == 0 -> registry = life[one]; mutation[one] = ADDED
      :: else -> otherLife[one] = life[one]; life[one] = registry; mutation[one] = OTHER
      fi }
  :: atomic { mutation[one] == OTHER ->
      bindings = bindings | ONE(life[one]);
      kept[one] = life[one];
#ifndef PLANT_OTHER_LIFE_STAYS_BOUND
      unbind(one, otherLife[one]);
#endif
      otherLife[one] = 0;
      mutation[one] = ADDED }
  :: atomic { mutation[one] == ADDED && marks < MAX_MARKS ->
      kindOf[marks] = CREATED; lifeOf[marks] = life[one];
      markOf[one] = marks; marks++;
      mutation[one] = CREATING }
  :: atomic { mutation[one] == CREATING && position[one] > markOf[one] ->
      /* Not if the journal was deleted meanwhile: then the caller gets an error. */
      if :: markOf[one] >= firstMark -> created = created | ONE(life[one]) :: else fi;
      checkLiving();
      life[one] = 0; markOf[one] = 0; mutation[one] = IDLE }
  /* ---------------------------------------------------------- SourceSync.delete */
  :: atomic { mutation[one] == IDLE && served[one] != 0 && deletions < DELETIONS ->
      deletions++;
      life[one] = (registry > served[one] -> registry : served[one]);
      ending = ending | ONE(life[one]) | ONE(served[one]);
      registry = 0;
      mutation[one] = REMOVED }
  :: atomic { mutation[one] == REMOVED -> unbind(one, life[one]); mutation[one] = UNBOUND }
  :: atomic { mutation[one] == UNBOUND && marks < MAX_MARKS ->
      kindOf[marks] = DELETED; lifeOf[marks] = life[one]; marks++;
      life[one] = 0; mutation[one] = IDLE }

  /* ------------------------------------------------- the tail: onMark, syncRegistry */
  :: atomic { position[one] < marks && position[one] >= firstMark && nfull(writes) && len(inOrder) <= 2 ->
      n = position[one];
      position[one]++;
      if
      :: kindOf[n] == CREATED -> onCreated(one, writes, inOrder, lifeOf[n])
      :: kindOf[n] == DELETED -> onDeleted(one, writes, inOrder, lifeOf[n])
      fi;
      n = 0 }
  :: atomic { position[one] >= upAt[one] && unsavedLife[one] != 0 && nfull(writes) ->
      writes ! unsavedKind[one], unsavedLife[one];
      unsavedLife[one] = 0; unsavedKind[one] = 0 }
  :: atomic { len(writes) > 0 ->
      writes ? change, n;
      if
      :: change == CREATED && registry < n -> registry = n
      :: change == CREATED && registry >= n -> skip
#ifdef PLANT_ROW_OF_ANY_LIFE_REMOVED
      :: change == DELETED -> registry = 0
#else
      :: change == DELETED && registry <= n -> registry = 0
      :: change == DELETED && registry > n -> skip
#endif
      fi;
      change = 0; n = 0;
      checkLiving() }
  /* The journal was deleted before this tail had read its marks. */
  :: atomic { position[one] < firstMark ->
      position[one] = firstMark;
      if :: upAt[one] < firstMark -> upAt[one] = firstMark :: else fi;
#ifndef PLANT_NO_RESYNC_AT_NEW_EPOCH
      mustResync[one] = 1
#endif
    }

  /* ------------------------------------------------------ SourceBindings.#inOrder */
  :: atomic { len(inOrder) > 0 ->
      inOrder ? operation, n;
      if
#ifdef PLANT_FORMER_LIFE_IS_BOUND
      :: operation == BIND && kept[one] != 0 -> bindings = bindings | ONE(n)
      :: operation == BIND && kept[one] == 0 -> skip
#else
      :: operation == BIND && kept[one] == n -> bindings = bindings | ONE(n)
      :: operation == BIND && kept[one] != n -> skip
#endif
      :: operation == UNBIND -> unbind(one, n)
      fi;
      operation = 0; n = 0 }
  /* Everything is bound again periodically. */
  :: atomic { kept[one] != 0 && !HAS(bindings, kept[one]) -> bindings = bindings | ONE(kept[one]) }

  /* -------------------------------------------- onControl: sources-wanted, source-known */
  :: atomic { answers < ANSWERS && registry != 0 && answering[one] == 0 ->
      answers++;
      answering[one] = registry }
  :: atomic { answering[one] != 0 ->
      if
      :: !HAS(deleted[one], answering[one]) ->
        if :: nfull(known0) -> known0 ! answering[one] :: else fi;
        if :: nfull(known1) -> known1 ! answering[one] :: else fi
      :: else
      fi;
      answering[one] = 0 }
  :: atomic { len(known) > 0 && nfull(writes) && len(inOrder) <= 2 ->
      known ? n;
      if
#ifdef PLANT_LATE_ANSWER_TRUSTED
      :: true -> onCreated(one, writes, inOrder, n)
#else
      :: !HAS(deleted[one], n) -> onCreated(one, writes, inOrder, n)
      :: else
#endif
      fi;
      n = 0 }

  /* ----------------------------------------------------------- readRegistry */
  :: atomic { !readsRegistry[one] && len(writes) == 0 && (mustResync[one] || resyncs < RESYNCS) ->
      if :: mustResync[one] -> mustResync[one] = 0 :: else -> resyncs++ fi;
      readsRegistry[one] = 1;
      servedBefore[one] = served[one];
      rowRead[one] = registry }
  :: atomic { readsRegistry[one] && len(inOrder) <= 2 ->
      if
      :: unsavedLife[one] != 0 -> skip
      :: unsavedLife[one] == 0 && rowRead[one] != 0 ->
        if
#ifndef PLANT_DELETED_ROW_SERVED
        :: HAS(deleted[one], rowRead[one]) -> skip
        :: !HAS(deleted[one], rowRead[one]) && servedBefore[one] == 0 && served[one] == 0 ->
#else
        :: servedBefore[one] == 0 && served[one] == 0 ->
#endif
          served[one] = rowRead[one];
          kept[one] = rowRead[one];
          inOrder ! BIND, rowRead[one]
        :: else
        fi
      :: unsavedLife[one] == 0 && rowRead[one] == 0 && servedBefore[one] != 0 ->
        if
#ifdef PLANT_NEW_LIFE_REMOVED
        :: served[one] != 0 ->
#else
        :: served[one] != 0 && served[one] == servedBefore[one] ->
#endif
          inOrder ! UNBIND, served[one];
          deleted[one] = deleted[one] | ONE(served[one]);
          served[one] = 0
        :: else
        fi
      :: unsavedLife[one] == 0 && rowRead[one] == 0 && servedBefore[one] == 0 -> skip
      fi;
      readsRegistry[one] = 0; servedBefore[one] = 0; rowRead[one] = 0 }

  /* A replica that starts serves the registry, and reads old marks again. */
  :: atomic { restarts < RESTARTS && mutation[one] == IDLE ->
      restarts++;
      do
      :: len(writes) > 0 -> writes ? change, n
      :: len(inOrder) > 0 -> inOrder ? operation, n
      :: len(known) > 0 -> known ? n
      :: else -> break
      od;
      change = 0; operation = 0; n = 0;
      served[one] = registry;
      kept[one] = registry;
      deleted[one] = 0; unsavedLife[one] = 0; unsavedKind[one] = 0; answering[one] = 0;
      readsRegistry[one] = 0; servedBefore[one] = 0; rowRead[one] = 0; mustResync[one] = 0;
      position[one] = firstMark;
      do
      :: position[one] < marks -> position[one]++
      :: break
      od;
      upAt[one] = marks }
}

active proctype system()
{
  atomic { mutation[0] = IDLE; mutation[1] = IDLE }
end:
  do
  replica(0, writes0, inOrder0, known0)
  replica(1, writes1, inOrder1, known1)
  :: atomic { journalDeletions < JOURNAL_DELETIONS && firstMark < marks -> journalDeletions++; firstMark = marks }
  /* Nothing can happen any more: all replicas, the registry and RabbitMQ agree. */
  :: else ->
    checkLiving();
    assert(served[0] == served[1] && served[0] == registry);
    assert(bindings == (registry == 0 -> 0 : ONE(registry)));
    assert((registry == 0 -> LIVING == 0 : !HAS(ending, registry)));
    break
  od
}

#endif
