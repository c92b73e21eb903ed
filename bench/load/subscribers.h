#ifndef SUBSCRIBERS_H
#define SUBSCRIBERS_H

#include "load.h"

/* The counts of all subscribers. The sums grow while the program runs. */
struct counts {
  int live, begun;         /* live now; begun ever */
  int finished;            /* completed handshakes, ever */
  int lost;                /* connections that the server ended */
  uint64_t deliveries;     /* messages times subscribers */
  uint64_t misordered;     /* a number again, or a smaller one */
  int reached;               /* live ones that have received a message */
};
extern struct counts counts;
extern struct connection *connections;

void subscribers_open(int epoll, int most);
/* Begins handshakes until `wanted` are live or under way, at most `concurrency` of them at once. */
void subscribers_connect(int wanted);
/* Handles what epoll reported for connection `index`. */
void subscriber_ready(int index);
/* Sends a close frame; the server ends the connection. */
void subscriber_leave(int index);
void subscribers_drop(void);
/* Called for every message of a live subscriber. */
void on_delivery(int index, uint32_t sequence, int64_t sent_ns);
/* Called when a handshake is complete. */
void on_live(int index);

#endif
