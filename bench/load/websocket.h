#ifndef WEBSOCKET_H
#define WEBSOCKET_H

#include "load.h"

struct frame {
  int opcode;
  const char *payload;
  size_t length, whole;
};

/* Each message carries `@` when it was published (nanoseconds of CLOCK_MONOTONIC, 16 digits) `#` its number (10 digits), whatever is around it. */
enum { MARK_BYTES = 28 };
struct mark {
  int64_t sent_ns;
  uint32_t sequence;
};

/* False where the frame has not come wholly. */
bool next_frame(const unsigned char *bytes, size_t length, struct frame *frame);
bool next_mark(const char **at, const char *end, struct mark *mark);

#endif
