/* What the parts of the load generator share: a scenario, its connections, and the counts. */
#ifndef LOAD_H
#define LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MAX_STEPS = 16, MAX_SCRIPTS = 16, MAX_PIDS = 32, MAX_TOKENS = 1000, RING = 1 << 16, READ_BYTES = 1 << 18 };

/* One line of a handshake: a text to send, or a text that the next frame must contain. */
struct step {
  char kind; /* 'S' or 'E' */
  char *text;
  size_t length;
};

/* The dialogue of one kind of subscriber from an open socket to a live subscription. Connection i
 * uses script i % scripts. */
struct script {
  struct step steps[MAX_STEPS];
  int count;
};

struct scenario {
  char mode[16]; /* closed, rate, tail, idle, connects, churn, hold */
  int port, control, broker /* 0: none */, connections, channels, bytes, concurrency;
  int window, burst, rate;
  int warm_ms, measure_ms, settle_ms, warm_connects, stalled;
  int source; /* the last byte of the address in 127.0.0.0/24 to connect from; 0: any */
  int number; /* of the first connection */
  bool returns; /* connects again what the server ends: mode hold */
  bool shake; /* whether a message proves each subscription before anything is measured */
  char upgrade[1024];
  char ping[8], pong[8]; /* an application's keep-alive: answer ping with pong */
  int ping_length;       /* -1: none */
  struct script scripts[MAX_SCRIPTS];
  int script_count;
  char *tokens[MAX_TOKENS];
  int token_count;
  int pids[MAX_PIDS];
  int pid_count;
};

enum state { UNUSED, CONNECTING, UPGRADING, SCRIPT, LIVE, CLOSING };

struct connection {
  int fd;
  enum state state;
  int step;
  bool stalled;
  uint32_t received; /* since the connection was live */
  int64_t last;      /* the highest sequence number so far */
  char *rest;        /* the beginning of an incomplete frame */
  size_t rest_length;
};

struct usage {
  double total, user; /* seconds of CPU */
};

extern struct scenario scenario;

void read_scenario(const char *path);
struct usage usage_of_server(void);
struct usage usage_of_self(void);
long rss_of_server(void); /* bytes */
int64_t now_ns(void);
_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* From publication to the subscriber; and the part of it in the server, if a tap sees both ends. */
enum latency { WHOLE, ADDED, LATENCIES };
void latency_clear(void);
void latency_add(enum latency which, int64_t ns);
double latency_at(enum latency which, double quantile); /* in microseconds; 0 if nothing was added */

/* Writes one masked client frame. */
void send_frame(int fd, int opcode, const char *text, size_t length);

#endif
