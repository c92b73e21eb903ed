/*
 * Joins a replay to the live end (src/core/delivery/replay/catch-up.ts).
 *
 * One replica and one subscription. Each option of the loop is one turn of the event loop, or one
 * step of RabbitMQ or of the client, so everything between two turns may happen in any order.
 * `test/models/models.test.ts` checks it, and checks that it finds each planted error (PLANT_…).
 *
 * The cursor at the start may name any message that was ever stored, also one that this replica has
 * not read: the client may come from another replica. Other subscriptions are present as the
 * earlier position at which a batch that this subscription shares may begin.
 *
 * Content is unique, so the fingerprint of an entry is its true epoch. A mark is not an entry here,
 * except the first of each stream, and a scan looks back to the beginning of the stream. A slice of
 * the window runs between an outage and its end, because `setImmediate` runs in each turn.
 */

#ifndef MESSAGES
#define MESSAGES 3      /* messages in the first journal */
#endif
#ifndef REPLACED
#define REPLACED 1      /* how often the journal may be deleted and declared again */
#endif
#ifndef OUTAGES
#define OUTAGES 1
#endif
#ifndef HOLES
#define HOLES 1
#endif
#ifndef MESSAGES_AFTER
#define MESSAGES_AFTER 2 /* messages in a journal that replaced another */
#endif
#define OFFSETS 7
#define maxQueuedEvents 2
#define NONE 255

#define STORED(e, o) ((stored[e] >> (o)) & 1)
/* Whether the stream holds an entry at `from` or later. */
#define HAS_ENTRY(from) ((stored[epochOfStream] >> MAX(firstKept, from)) > 0)
#define MAX(a, b) (((a) > (b)) * (a) + ((a) <= (b)) * (b))
/* The offset after this one. NONE is the place before the first. */
#define AFTER(offset) ((offset + 1) & NONE)

mtype = { MESSAGE, GAP };
mtype:where = { PENDING, UNKNOWN, AWAITS_OLDEST, SCANNING, SCANNED, IN_WINDOW, AT_END, LIVE, BEHIND };

/* RabbitMQ: the stream of the journal. */
byte stored[2];         /* by epoch: the offsets that were ever stored */
bit epochOfStream;
byte nextOffset = 1;    /* offset 0 is a mark */
byte firstKept;         /* retention deleted everything below */
byte published, replaced, outages, holes;
bit lossy;              /* retention deleted something, or the journal was replaced */

/* JournalListener and the hot window. */
bit epoch, connected, up, checkLast, fresh = 1;
byte tailLast = NONE;   /* the last entry that the tail delivered in this epoch */
byte upAfter;           /* the mark of this connection comes after this offset */
bit windowEmpty = 1;
byte windowFirst, windowLast;
byte window;            /* the offsets that were added to the hot window */
bit gapAhead;

/* ChannelSubscription. */
mtype:where where = PENDING;
bit behind;
chan queue = [4] of { mtype, bit, bit, byte, bit }; /* kind, epoch in cursor, true epoch, offset, before */
bit positionEpoch, positionTrue, positionBefore;
byte positionOffset;

/* CatchUp and ReplayBatch. */
bit markEpoch;          /* awaitUnknown: the mark comes after this place */
byte markAfter;
byte lastOffset;        /* of the batch; NONE: before offset 0 */
byte start;
bit inBatch;
bit scanEpoch;          /* epoch() when the scan began */
bit scanStream;         /* the stream of the last visit */
byte scanLast, scanBegin;
bit isFirst;

/* WindowReplay.#replaySlice: the window evicted entries that the batch has not read. */
#ifdef PLANT_EVICTION_UNCHECKED
#define EVICTED false
#else
#define EVICTED (AFTER(lastOffset) < windowFirst)
#endif
/* The scan has read entries that the tail has not delivered yet, and will deliver live. */
#ifdef PLANT_PAST_TAIL_UNCHECKED
#define PAST_TAIL false
#else
#define PAST_TAIL (AFTER(lastOffset) > windowLast + 1)
#endif

#define SCAN_NEXT ((scanLast == NONE) * scanBegin + (scanLast != NONE) * (scanLast + 1))

/* The client: the first offset that it has not received. */
bit clientEpoch;
byte clientNext;

byte i, o;
bit found;
mtype qKind;
bit qLabel, qTruth, qBefore;
byte qOffset;

/* The next entry of the stream at `from` or later. RabbitMQ begins later if retention deleted it. */
inline nextInStream(from)
{
  o = MAX(firstKept, from);
  do
  :: !STORED(epochOfStream, o) -> o++
  :: else -> break
  od
}

inline nextInWindow(from)
{
  found = 0;
  o = MAX(windowFirst, from);
  do
  :: o <= windowLast && !((window >> o) & 1) -> o++
  :: else -> break
  od;
  found = !windowEmpty && o <= windowLast
}

inline setPosition(label, truth, offset, before)
{
  positionEpoch = label;
  positionTrue = truth;
  positionOffset = offset;
  positionBefore = before
}

inline leaveLive()
{
  behind = 1;
#ifdef PLANT_BEHIND_STAYS_LIVE
  if :: where == LIVE -> skip :: else -> where = BEHIND fi;
#else
  where = BEHIND;
#endif
  leaveBatch()
}

/* Values that are not read any more get one value, so that the checker sees equal states. */
inline leaveBatch()
{
  inBatch = 0; start = 0; lastOffset = 0;
  scanEpoch = 0; scanStream = 0; scanLast = 0; scanBegin = 0; isFirst = 0
}

inline resume()
{
#ifdef PLANT_BEHIND_STAYS_LIVE
  if :: where == LIVE -> skip :: else -> where = PENDING fi
#else
  where = PENDING
#endif
}

/* Of adjacent gaps in the queue the last one covers all. */
inline dropGapAtEnd()
{
  i = len(queue);
  do
  :: i > 0 ->
    queue ? qKind, qLabel, qTruth, qOffset, qBefore;
    if
    :: i == 1 && qKind == GAP -> skip
    :: else -> queue ! qKind, qLabel, qTruth, qOffset, qBefore
    fi;
    i--
  :: else -> break
  od;
  qKind = 0; qLabel = 0; qTruth = 0; qOffset = 0; qBefore = 0
}

/* ChannelSubscription.deliver */
inline deliver(kind, label, truth, offset, before)
{
  if
  :: behind -> skip
  :: !behind && kind == MESSAGE && len(queue) >= maxQueuedEvents -> leaveLive()
  :: !behind && (kind == GAP || len(queue) < maxQueuedEvents) ->
    if :: kind == GAP -> dropGapAtEnd() :: else fi;
    queue ! kind, label, truth, offset, before;
#ifndef PLANT_POSITION_IS_TAKEN
    setPosition(label, truth, offset, before)
#endif
  fi
}

#define entryMatches(e, offset) (positionTrue == (e) && STORED(e, offset) && positionOffset == (offset))

/* JournalListener.onMessage and the hot window's `add`. */
inline onMessage(offset)
{
  if
  :: gapAhead -> gapAhead = 0; if :: where == LIVE -> deliver(GAP, epoch, epoch, offset, 1) :: else fi
  :: else
  fi;
  if
  :: windowEmpty -> windowFirst = offset; windowEmpty = 0
  :: else
  fi;
  windowLast = offset;
  window = window | (1 << offset);
  tailLast = offset;
  if
  :: where == LIVE && offset > 0 -> deliver(MESSAGE, epoch, epoch, offset, 0)
  :: else
  fi
}

inline onTruncated()
{
#ifndef PLANT_TRUNCATION_WITHOUT_GAP
  gapAhead = 1;
#endif
#ifndef PLANT_WINDOW_KEPT_AT_TRUNCATION
  windowEmpty = 1; windowFirst = 0; windowLast = 0; window = 0
#endif
}

inline onEpoch()
{
  if :: !fresh -> gapAhead = 1 :: else fi;
  epoch = epochOfStream;
  tailLast = NONE;
#ifndef PLANT_WINDOW_KEPT_AT_NEW_EPOCH
  windowEmpty = 1; windowFirst = 0; windowLast = 0; window = 0;
#endif
  /* The signal of the epoch ends a scan: JournalReplaced. */
  if
  :: where == SCANNING || where == SCANNED -> leaveBatch(); resume()
  :: else
  fi
}

active proctype system()
{
  atomic {
    stored[0] = 1;
    stored[1] = 1;
    /* The client holds a cursor of something that was stored before it connects. */
    do
    :: published < MESSAGES && nextOffset < OFFSETS ->
      if
      :: holes < HOLES && nextOffset + 1 < OFFSETS -> holes++; nextOffset++
      :: skip
      fi;
      stored[0] = stored[0] | (1 << nextOffset);
      nextOffset++;
      published++
    :: break
    od;
    do
    :: positionOffset + 1 < nextOffset -> positionOffset++
    :: STORED(0, positionOffset) -> break
    od;
    clientNext = positionOffset + 1;
    upAfter = 0
  }

end:
  do
  /* ------------------------------------------------------------ RabbitMQ */
  :: atomic { published < (epochOfStream == 0 -> MESSAGES : MESSAGES_AFTER) && nextOffset < OFFSETS ->
      if
      :: holes < HOLES && nextOffset + 1 < OFFSETS -> holes++; nextOffset++
      :: skip
      fi;
      stored[epochOfStream] = stored[epochOfStream] | (1 << nextOffset);
      nextOffset++;
      published++ }

  /*
   * Retention deletes the oldest entry, never the newest. Assumption: a journal is not refilled
   * beyond its retention before this replica's tail notices that it replaced another.
   */
  :: atomic { (epoch == epochOfStream || !up) && firstKept + 1 < nextOffset &&
      (stored[epochOfStream] >> (firstKept + 1)) > 0 ->
      lossy = lossy || STORED(epochOfStream, firstKept);
      firstKept++ }

  :: atomic { replaced < REPLACED && epochOfStream == 0 ->
      replaced++; lossy = 1;
      epochOfStream = 1; nextOffset = 1; firstKept = 0; published = 0; holes = 0 }

  /* -------------------------------------- the tail: StreamJournal, JournalListener */
  :: atomic { connected && outages < OUTAGES && where != IN_WINDOW ->
      outages++; connected = 0; up = 0 }
  /* A window replay sees the outage in its next turn. */
  :: atomic { connected && outages < OUTAGES && where == IN_WINDOW ->
      outages++; connected = 0; up = 0; leaveBatch(); resume() }
  /* RabbitMQ cancels the consumer of a deleted stream, some time later. */
  :: atomic { connected && epoch != epochOfStream ->
      connected = 0; up = 0;
      if :: where == IN_WINDOW -> leaveBatch(); resume() :: else fi }

  :: atomic { !connected ->
      connected = 1;
      if
      :: epoch != epochOfStream -> onEpoch()
      :: else
      fi;
      if
      :: fresh ->
        /* A starting replica reads a part of the past, at any place. */
        tailLast = firstKept;
        do
        :: tailLast + 1 < nextOffset -> tailLast++
        :: STORED(epochOfStream, tailLast) -> break
        od;
        fresh = 0;
        onMessage(tailLast)
      :: else -> checkLast = 1
      fi;
      upAfter = nextOffset - 1 }

  :: atomic { connected && epoch == epochOfStream && HAS_ENTRY(AFTER(tailLast)) ->
      nextInStream(AFTER(tailLast));
      if
      :: tailLast != NONE && tailLast < firstKept && (checkLast || o > tailLast + 1) -> onTruncated()
      :: else
      fi;
      checkLast = 0;
      onMessage(o);
      o = 0 }
  /* The mark of this connection has come back. */
  :: atomic { connected && epoch == epochOfStream && !up && tailLast != NONE && tailLast >= upAfter ->
      up = 1; upAfter = 0 }

  :: atomic { !windowEmpty && windowFirst < windowLast ->
      windowFirst++;
      do
      :: !((window >> windowFirst) & 1) -> windowFirst++
      :: else -> break
      od }

  /* --------------------------------------------------- CatchUp.#servePending */
  :: atomic { where == PENDING && up && !windowEmpty ->
      if
#ifdef PLANT_JUDGED_WITHOUT_MARK
      :: positionEpoch != epoch || positionOffset > windowLast -> where = AWAITS_OLDEST
#else
      :: positionEpoch != epoch || positionOffset > windowLast ->
        where = UNKNOWN; markEpoch = epochOfStream; markAfter = nextOffset - 1
#endif
      :: positionEpoch == epoch && positionOffset < windowFirst ->
        /* The scan begins at the oldest position of those that share it. */
        where = SCANNING; scanEpoch = epoch; scanStream = epochOfStream; scanLast = NONE;
        isFirst = 1; inBatch = 0;
        scanBegin = positionOffset;
        do
        :: scanBegin > 0 && positionOffset - scanBegin < 1 -> scanBegin--
        :: break
        od;
        lastOffset = (scanBegin == 0 -> NONE : scanBegin - 1)
      :: positionEpoch == epoch && positionOffset >= windowFirst && positionOffset <= windowLast ->
        if
        :: positionTrue == epoch && ((window >> positionOffset) & 1) ->
          where = IN_WINDOW; inBatch = 1;
          start = (positionBefore -> positionOffset : positionOffset + 1);
          i = start;
          do
          :: i > windowFirst && start - i < 2 -> i--
          :: break
          od;
          lastOffset = (i == 0 -> NONE : i - 1);
          i = 0
        :: else -> where = AWAITS_OLDEST
        fi
      fi }

  /* ----------------------------------------------------- CatchUp.#awaitUnknown */
  :: atomic { where == UNKNOWN && !connected -> markEpoch = 0; markAfter = 0; resume() }
  :: atomic { where == UNKNOWN && tailLast != NONE &&
      (epoch > markEpoch || (epoch == markEpoch && tailLast >= markAfter)) ->
      markEpoch = 0; markAfter = 0;
      if
      :: up && (positionEpoch != epoch || windowEmpty || positionOffset > windowLast) -> where = AWAITS_OLDEST
      :: else -> resume()
      fi }

  /* -------------------------------------------------------- CatchUp.#deliverGap */
  :: atomic { where == AWAITS_OLDEST ->
      if
      :: !up || windowEmpty -> resume()
      :: else ->
        deliver(GAP, epoch, epoch, windowLast, 0);
        if :: where == AWAITS_OLDEST -> where = LIVE :: else fi
      fi }

  /* ------------------------------------- JournalReplay.begin, StreamReader.scan */
  :: atomic { where == SCANNING && (HAS_ENTRY(SCAN_NEXT) || (scanLast != NONE && scanStream != epochOfStream)) ->
#ifndef PLANT_LOOK_BACK_IGNORED
      /* The scan began before, and met an entry there: retention has not deleted the position. */
      if
      :: scanLast == NONE && scanBegin > firstKept -> isFirst = 0
      :: else
      fi;
#endif
      if
      :: HAS_ENTRY(SCAN_NEXT) -> nextInStream(SCAN_NEXT)
      :: else
      fi;
      if
      /* The stream is another one, and does not hold the last visited entry. */
      :: scanLast != NONE && scanStream != epochOfStream -> leaveBatch(); resume()
#ifndef PLANT_HOLE_UNCHECKED
      :: scanLast != NONE && scanStream == epochOfStream && o > scanLast + 1 && scanLast < firstKept ->
        leaveBatch(); resume()
      :: scanLast == NONE || (scanStream == epochOfStream && !(o > scanLast + 1 && scanLast < firstKept)) ->
#else
      :: scanLast == NONE || scanStream == epochOfStream ->
#endif
        scanStream = epochOfStream;
        scanLast = o;
        /* CatchUp.#join */
        if
        :: !inBatch && positionOffset <= o ->
          if
#ifdef PLANT_CLAMP_TRUSTED
          :: o >= positionOffset ->
#else
          :: o == positionOffset && entryMatches(epochOfStream, o) ->
#endif
            inBatch = 1; start = (positionBefore -> positionOffset : positionOffset + 1)
#ifndef PLANT_CLAMP_TRUSTED
          :: o > positionOffset && isFirst ->
            deliver(GAP, scanEpoch, epochOfStream, o, 1);
            if :: where == SCANNING -> inBatch = 1; start = o :: else fi
          :: !(o == positionOffset && entryMatches(epochOfStream, o)) && !(o > positionOffset && isFirst) ->
            leaveBatch(); where = AWAITS_OLDEST
#endif
          fi
        :: else
        fi;
        isFirst = 0;
        /* CatchUp.#deliverEntry, ReplayBatch.deliver */
        if
#ifdef PLANT_START_IGNORED
        :: where == SCANNING && inBatch && o > 0 -> deliver(MESSAGE, epoch, epochOfStream, o, 0)
#else
        :: where == SCANNING && inBatch && o > 0 && o >= start -> deliver(MESSAGE, epoch, epochOfStream, o, 0)
#endif
        :: else
        fi;
        if
        :: where == SCANNING ->
          lastOffset = o;
          if
          :: !windowEmpty && o >= windowFirst ->
            where = SCANNED; scanStream = 0; scanLast = 0; scanBegin = 0
          :: else
          fi
        :: else
        fi
      fi;
      o = 0 }

  :: atomic { where == SCANNED ->
      if
#ifdef PLANT_SCAN_EPOCH_UNCHECKED
      :: inBatch -> where = IN_WINDOW; scanEpoch = 0; isFirst = 0
#else
      :: inBatch && up && epoch == scanEpoch -> where = IN_WINDOW; scanEpoch = 0; isFirst = 0
#endif
      :: else -> leaveBatch(); resume()
      fi }

  /* ------------------------------------------------- WindowReplay.#replaySlice */
  :: atomic { where == IN_WINDOW ->
      if
      :: !up || windowEmpty || EVICTED || PAST_TAIL -> leaveBatch(); resume()
      :: else ->
        nextInWindow(AFTER(lastOffset));
        if
        :: found ->
          lastOffset = o;
          if
#ifdef PLANT_START_IGNORED
          :: o > 0 -> deliver(MESSAGE, epoch, epoch, o, 0)
#else
          :: o > 0 && o >= start -> deliver(MESSAGE, epoch, epoch, o, 0)
#endif
          :: else
          fi
        :: else ->
          /* onEndReached: in the same turn as the last visit. */
          leaveBatch();
#ifdef PLANT_LIVE_ONE_TURN_LATER
          where = AT_END
#else
          where = LIVE
#endif
        fi
      fi;
      o = 0 }
  :: atomic { where == AT_END -> where = LIVE }

  /* ------------------------------------------------------------- the client */
  :: atomic { len(queue) > 0 ->
            queue ? qKind, qLabel, qTruth, qOffset, qBefore;
#ifdef PLANT_POSITION_IS_TAKEN
      setPosition(qLabel, qTruth, qOffset, qBefore);
#endif
      if
      :: qKind == MESSAGE ->
        assert(qTruth == clientEpoch);          /* no message of another journal without a gap */
        assert(qOffset >= clientNext);            /* once, and in order */
        do
        :: clientNext < qOffset -> assert(clientNext == 0 || !STORED(qTruth, clientNext)); /* none is missing */
          clientNext++
        :: else -> break
        od;
        clientNext = qOffset + 1
      :: qKind == GAP ->
        assert(lossy);                           /* no gap when nothing is lost */
        i = (qBefore -> qOffset : qOffset + 1);
        assert(qTruth > clientEpoch || (qTruth == clientEpoch && i >= clientNext)); /* nothing again */
        clientEpoch = qTruth;
        clientNext = i;
        i = 0
      fi;
      if
      :: behind && len(queue) <= maxQueuedEvents / 2 -> behind = 0; resume()
      :: else
      fi;
      qKind = 0; qLabel = 0; qTruth = 0; qOffset = 0; qBefore = 0 }

  /* ------------------------------- nothing can happen any more: all has arrived */
  :: else ->
    assert(up && where == LIVE);
    assert(clientEpoch == epochOfStream && (stored[epochOfStream] >> MAX(1, clientNext)) == 0);
    break
  od
}
