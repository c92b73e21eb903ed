/* See hold.c. */
#ifndef HOLD_H
#define HOLD_H

#include <stddef.h>
#include <stdint.h>

void hold_open(int most);
void hold_delivery(int index, uint32_t sequence, int64_t sent_ns);
int hold_line(const char *line, char *answer, size_t room);
/* What replaces `{after}` in a script: JSON. */
const char *hold_after(void);

#endif
