#ifndef TAP_H
#define TAP_H

#include "load.h"

/* Begins to see the packets of the loopback: what to wait on, or -1 where that is not permitted (it takes CAP_NET_RAW). */
int tap_open(void);
/* Takes what has come; a message that the server has passed on is counted where it is `measured`. */
void tap_ready(bool measured);

#endif
