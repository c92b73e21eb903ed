#ifndef TAP_H
#define TAP_H

#include "load.h"

/* Opens a tap on the packets of the loopback. Returns the descriptor to wait on, or -1 if that is
 * not permitted (it needs CAP_NET_RAW). */
int tap_open(void);
/* Reads what has arrived; counts a message that the server has passed on, if it is `measured`. */
void tap_ready(bool measured);

#endif
