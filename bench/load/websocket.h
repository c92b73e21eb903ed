#ifndef WEBSOCKET_H
#define WEBSOCKET_H

#include "load.h"

struct frame {
  int opcode;
  const char *payload;
  size_t length, whole;
};

/* Each message carries `@`, its time of publication (nanoseconds of CLOCK_MONOTONIC, 16 digits),
 * `#` and its number (10 digits), in any surrounding text. */
enum { MARK_BYTES = 28 };
struct mark {
  int64_t sent_ns;
  uint32_t sequence;
};

/* Returns false if the frame is incomplete. */
bool next_frame(const unsigned char *bytes, size_t length, struct frame *frame);
bool next_mark(const char **at, const char *end, struct mark *mark);

#endif
