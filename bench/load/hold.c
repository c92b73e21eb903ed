/*
 * The mode `hold`, for many generators beside each other that one program controls: connects,
 * reports that, and then keeps its connections. One that the server ends connects again. Lines from
 * the control port:
 *   A <cursor>     later connections subscribe after this cursor: `{after}` in a script
 *   B <sequence>   from now on, counts the connections that have received this message or a later one
 *   R              asks for the counts
 * The reports, lines too:
 *   connected <connections>
 *   current <connections live> <of these current> <lost so far> <first ms> <median ms> <last ms>
 * The times are from the publication of the message that made a connection current. A connection
 * that is replaced is still current: the client behind it has the message.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hold.h"
#include "subscribers.h"

static uint32_t wanted;
static int current;
static bool *is_current;
static int64_t first_ns, last_ns;
static char after[256] = "null";

void hold_open(int most) { is_current = calloc((size_t)most, sizeof *is_current); }

const char *hold_after(void) { return after; }

void hold_delivery(int index, uint32_t sequence, int64_t sent_ns) {
  if (!is_current || sequence < wanted || is_current[index]) return;
  is_current[index] = true;
  int64_t took = now_ns() - sent_ns;
  if (current++ == 0 || took < first_ns) first_ns = took;
  if (took > last_ns) last_ns = took;
  latency_add(WHOLE, took);
}

/* Writes the answer to a line of the control port; returns its length, 0 if there is none. */
int hold_line(const char *line, char *answer, size_t room) {
  if (line[0] == 'A') {
    snprintf(after, sizeof after, "\"%s\"", line + 2);
  } else if (line[0] == 'B') {
    wanted = (uint32_t)strtoul(line + 2, NULL, 10);
    current = 0;
    last_ns = first_ns = 0;
    memset(is_current, 0, (size_t)scenario.connections * sizeof *is_current);
    latency_clear();
  } else if (line[0] == 'R') {
    return snprintf(answer, room, "current %d %d %d %.1f %.1f %.1f\n", counts.live, current, counts.lost,
                    (double)first_ns / 1e6, latency_at(WHOLE, 0.5) / 1e3, (double)last_ns / 1e6);
  }
  return 0;
}
