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
#ifndef MAINTAINED
#define MAINTAINED 0
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
    if :: logged == epoch[one] -> phase[one] = UP :: else -> leave(one) fi
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
  :: atomic { crashes < CRASHES && phase[0] != AWAY -> crashes++; leave(0) }
  :: atomic { crashes < CRASHES && phase[1] != AWAY -> crashes++; leave(1) }
#if REPLICAS > 2
  :: atomic { crashes < CRASHES && phase[2] != AWAY -> crashes++; leave(2) }
#endif
  /* Nothing can happen any more: every replica reads the journal under its epoch. */
  :: else ->
    for (r : 0 .. (REPLICAS - 1)) { assert(phase[r] == UP && reading[r] == stream && epoch[r] == logged) };
    r = 0;
    break
  od
}

#else

#define IDLE 0
mtype = { BOUND, ADDED, CREATING, REMOVED, UNBOUND };
mtype:change = { CREATED, DELETED };
mtype:operation = { BIND, UNBIND };

#define MAX_MARKS 6

byte lives, deletions, answers, resyncs, maintained;
byte registry;                      /* the life in the registry that all replicas share; 0: none */
byte bindings;                      /* the set of lives that are bound */
mtype:change kindOf[MAX_MARKS];     /* the marks */
byte lifeOf[MAX_MARKS];
byte marks;

/* SourceSync, of each replica. */
byte position[REPLICAS];            /* the next mark that the tail reads */
byte served[REPLICAS];
byte deletedUpTo[REPLICAS];         /* the latest life that is known to be deleted */
chan writes[REPLICAS] = [3] of { mtype:change, byte };  /* to the registry, in order */
chan known[REPLICAS] = [2] of { byte };                 /* `source-known` messages on their way */
byte answering[REPLICAS];           /* the row that an answer was read from */
bit readsRegistry[REPLICAS];
byte servedBefore[REPLICAS], rowRead[REPLICAS];

/* SourceBindings, of each replica: `#bound`, and its BindingOperations in order. */
byte kept[REPLICAS];
chan inOrder[REPLICAS] = [4] of { mtype:operation, byte };

/* The mutation that runs on each replica. */
mtype mutation[REPLICAS];
byte life[REPLICAS], markOf[REPLICAS];
byte created;                       /* the set of lives with a creation that has resolved */
byte ending;                        /* the set of lives with a mark of a deletion after theirs */
byte endingBy[REPLICAS];            /* the set of lives that a running deletion concerns */

#define LIVING (created & (255 - (ending | endingBy[0] | endingBy[1])))

/*
 * No replica misses a message that is published after `create` has resolved: the source stays
 * bound and in the registry, under this life or a later one.
 */
inline checkLiving()
{
  for (i : 1 .. CREATIONS) {
    assert(!HAS(LIVING, i) || ((bindings >> i) > 0 && registry >= i))
  };
  i = 0
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

inline onCreated(one, which)
{
  if
#ifdef PLANT_LATE_ANSWER_TRUSTED
  :: served[one] < which ->
#else
  :: served[one] < which && deletedUpTo[one] < which ->
#endif
    inOrder[one] ! BIND, which;
    if :: served[one] != 0 -> inOrder[one] ! UNBIND, served[one] :: else fi;
    served[one] = which;
    kept[one] = which;
    writes[one] ! CREATED, which
  :: else
  fi
}

inline onDeleted(one, which)
{
  if :: deletedUpTo[one] < which -> deletedUpTo[one] = which :: else fi;
  if
#ifdef PLANT_LATER_LIFE_DELETED
  :: true ->
#else
  :: served[one] > which -> skip
  :: served[one] <= which ->
#endif
    if :: served[one] != 0 -> inOrder[one] ! UNBIND, served[one] :: else fi;
    served[one] = 0;
    writes[one] ! DELETED, which
  fi
}

#define one _pid

active [REPLICAS] proctype replica()
{
  mtype:operation operation;
  mtype:change change;
  byte n;

end:
  do
  /* ---------------------------------------------------------- SourceSync.create */
  :: atomic { mutation[one] == IDLE && served[one] == 0 && lives < CREATIONS && len(inOrder[one]) == 0 ->
      lives++;
      life[one] = lives;
      bindings = bindings | ONE(lives);
      kept[one] = lives;
      mutation[one] = BOUND }
  :: atomic { mutation[one] == BOUND ->
      if
#ifdef PLANT_ROW_REUSED
      :: registry == 0 -> registry = life[one]; mutation[one] = ADDED
      :: registry != 0 -> bindings = bindings & (255 - ONE(life[one])); life[one] = registry; mutation[one] = ADDED
#else
      :: registry < life[one] -> registry = life[one]; mutation[one] = ADDED
      /* It begins again, with a later life. */
      :: registry >= life[one] -> unbind(one, life[one]); life[one] = 0; mutation[one] = IDLE
#endif
      fi }
  :: atomic { mutation[one] == ADDED && marks < MAX_MARKS ->
      kindOf[marks] = CREATED; lifeOf[marks] = life[one];
      markOf[one] = marks; marks++;
      mutation[one] = CREATING }
  :: atomic { mutation[one] == CREATING && position[one] > markOf[one] && len(inOrder[one]) == 0 ->
      if
      :: served[one] == life[one] -> created = created | ONE(life[one])
      /* There is a later life, or it was deleted, and the creation begins again. */
      :: served[one] != life[one] ->
#ifndef PLANT_EARLIER_LIFE_STAYS_BOUND
        unbind(one, life[one]);
#endif
        if :: served[one] == 0 && registry <= life[one] -> registry = 0 :: else fi
      fi;
      checkLiving();
      life[one] = 0; markOf[one] = 0; mutation[one] = IDLE }
  /* ---------------------------------------------------------- SourceSync.delete */
  :: atomic { mutation[one] == IDLE && served[one] != 0 && deletions < DELETIONS ->
      deletions++;
      life[one] = served[one];
      endingBy[one] = ONE(life[one] + 1) - 1;
#ifdef PLANT_ANY_LIFE_DELETED
      if :: registry != 0 -> life[one] = registry :: else fi;
      registry = 0;
#else
      if :: registry <= life[one] -> registry = 0 :: else fi;
#endif
      mutation[one] = REMOVED }
  :: atomic { mutation[one] == REMOVED && len(inOrder[one]) == 0 -> unbind(one, life[one]); mutation[one] = UNBOUND }
  :: atomic { mutation[one] == UNBOUND && marks < MAX_MARKS ->
      kindOf[marks] = DELETED; lifeOf[marks] = life[one]; marks++;
      ending = ending | endingBy[one];
      life[one] = 0; endingBy[one] = 0; mutation[one] = IDLE }

  /* ------------------------------------------------- the tail: onMark, syncRegistry */
  :: atomic { position[one] < marks && nfull(writes[one]) && len(inOrder[one]) <= 2 ->
      n = position[one];
      position[one]++;
      if
      :: kindOf[n] == CREATED -> onCreated(one, lifeOf[n])
      :: kindOf[n] == DELETED -> onDeleted(one, lifeOf[n])
      fi;
      n = 0 }
  :: atomic { len(writes[one]) > 0 ->
      writes[one] ? change, n;
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

  /* ----------------------------------------------------- BindingOperations.inOrder */
  :: atomic { len(inOrder[one]) > 0 ->
      inOrder[one] ? operation, n;
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
  /* Everything is bound again periodically: `#maintain` waits for its turn, or has it. */
  :: atomic { maintained < MAINTAINED && kept[one] != 0 && len(inOrder[one]) <= 2 ->
      maintained++; inOrder[one] ! BIND, kept[one] }
  :: atomic { kept[one] != 0 && !HAS(bindings, kept[one]) -> bindings = bindings | ONE(kept[one]) }

  /* -------------------------------------------- onControl: sources-wanted, source-known */
  :: atomic { answers < ANSWERS && registry != 0 && answering[one] == 0 ->
      answers++;
      answering[one] = registry }
  :: atomic { answering[one] != 0 ->
      if
      :: answering[one] > deletedUpTo[one] ->
        for (i : 0 .. (REPLICAS - 1)) {
          if :: nfull(known[i]) -> known[i] ! answering[one] :: full(known[i]) -> skip fi
        };
        i = 0
      :: else
      fi;
      answering[one] = 0 }
  :: atomic { len(known[one]) > 0 && nfull(writes[one]) && len(inOrder[one]) <= 2 ->
      known[one] ? n;
      onCreated(one, n);
      n = 0 }

  /* ----------------------------------------------------------- readRegistry */
  :: atomic { !readsRegistry[one] && len(writes[one]) == 0 && resyncs < RESYNCS ->
      resyncs++;
      readsRegistry[one] = 1;
      servedBefore[one] = served[one];
      rowRead[one] = registry }
  :: atomic { readsRegistry[one] && len(inOrder[one]) <= 2 ->
      if
      :: rowRead[one] != 0 ->
        if
#ifndef PLANT_DELETED_ROW_SERVED
        :: rowRead[one] > deletedUpTo[one] && servedBefore[one] == 0 && served[one] == 0 ->
#else
        :: servedBefore[one] == 0 && served[one] == 0 ->
#endif
          served[one] = rowRead[one];
          kept[one] = rowRead[one];
          inOrder[one] ! BIND, rowRead[one]
        :: else
        fi
      :: rowRead[one] == 0 && servedBefore[one] != 0 ->
        if
#ifdef PLANT_NEW_LIFE_REMOVED
        :: served[one] != 0 ->
#else
        :: served[one] != 0 && served[one] == servedBefore[one] ->
#endif
          inOrder[one] ! UNBIND, served[one];
          if :: deletedUpTo[one] < served[one] -> deletedUpTo[one] = served[one] :: else fi;
          served[one] = 0
        :: else
        fi
      :: rowRead[one] == 0 && servedBefore[one] == 0 -> skip
      fi;
      readsRegistry[one] = 0; servedBefore[one] = 0; rowRead[one] = 0 }
  od
}

active proctype operator()
{
end:
  do
  /* Nothing can happen any more: all replicas, the registry and RabbitMQ agree. */
  :: atomic { timeout ->
      checkLiving();
      for (i : 0 .. (REPLICAS - 1)) { assert(served[i] == registry) };
      i = 0;
      assert(bindings == (registry == 0 -> 0 : ONE(registry)));
      assert((registry == 0 -> LIVING == 0 : !HAS(ending, registry)));
      break }
  od
}

#endif
