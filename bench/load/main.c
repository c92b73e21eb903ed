/*
 * The load generator: opens the subscribers of one scenario, triggers publications at the source,
 * counts what arrives, and prints one line of JSON. One thread, epoll, one read a wake-up. It never
 * parses what it reads (see next_mark), so it uses far less than servers do.
 *
 * The source of messages (in the server's process, or a publisher to RabbitMQ) listens on the
 * control port and takes lines:
 *   S <channels> <bytes>   begins again at message 0; message n goes to channel n % channels
 *   P <count> <burst>      publishes this many, `burst` of them in each turn of its event loop
 *   G                      collects garbage, and answers `ok`
 * In the mode `hold` a program with many generators listens there: hold.c has its lines.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "hold.h"
#include "subscribers.h"
#include "tap.h"

enum { CONTROL = 1 << 30, TIMER, TAP, EVENTS = 512 };

static int epoll_fd, control_fd, timer_fd;
static uint32_t published;
static uint32_t first;     /* earlier messages proved subscriptions, and are not counted */
static uint64_t accounted; /* deliveries from `first` on */
static uint32_t taken;     /* in tail mode: messages from `first` on that the server has taken */
static uint16_t left[RING]; /* by number: how many have not received it */
static int in_flight, audience;
static bool measuring, pumping, leaving, holding;
static int to_leave;
static uint64_t due; /* by the clock, in rate mode */

void fail(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  char text[1024];
  vsnprintf(text, sizeof text, format, arguments);
  for (char *at = text; *at; at++)
    if (*at == '"' || *at == '\\' || (unsigned char)*at < ' ') *at = ' ';
  printf("{\"error\":\"%s\"}\n", text);
  exit(1);
}

/* Most messages have no subscriber. */
static bool is_tail(void) { return strcmp(scenario.mode, "tail") == 0; }

void on_delivery(int index, uint32_t sequence, int64_t sent_ns) {
  if (holding) {
    hold_delivery(index, sequence, sent_ns);
    return;
  }
  if (sequence < first) return;
  accounted++;
  if (measuring) latency_add(WHOLE, now_ns() - sent_ns);
  if (is_tail()) {
    /* A stream is read in order, so everything up to this message has been taken. */
    if (sequence - first >= taken) taken = sequence - first + 1;
    in_flight = (int)(published - first - taken);
    return;
  }
  if (--left[sequence % RING] == 0) in_flight--;
}

void on_live(int index) {
  if (connections[index].stalled && !scenario.shake) epoll_ctl(epoll_fd, EPOLL_CTL_DEL, connections[index].fd, NULL);
  if (leaving && to_leave > 0) {
    to_leave--;
    subscriber_leave(index);
  }
}

static void tell(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void tell(const char *format, ...) {
  char line[64];
  va_list arguments;
  va_start(arguments, format);
  int length = vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  if (send(control_fd, line, (size_t)length, MSG_NOSIGNAL) != length) fail("the source is gone");
}

static void publish(int count) {
  for (int i = 0; i < count; i++) left[(published + (uint32_t)i) % RING] = (uint16_t)audience;
  published += (uint32_t)count;
  in_flight += count;
  tell("P %d %d\n", count, scenario.burst);
}

/* Returns false once the program at the control port is gone. */
static bool obey(void) {
  static char lines[4096];
  static size_t length;
  ssize_t got = recv(control_fd, lines + length, sizeof lines - length, MSG_DONTWAIT);
  if (got == 0) return false;
  if (got > 0) length += (size_t)got;
  for (char *end; (end = memchr(lines, '\n', length));) {
    *end = '\0';
    char answer[256];
    int size = hold_line(lines, answer, sizeof answer);
    if (size > 0 && send(control_fd, answer, (size_t)size, MSG_NOSIGNAL) != size) return false;
    length -= (size_t)(end + 1 - lines);
    memmove(lines, end + 1, length);
  }
  return true;
}

/* One turn: reads what is ready, then publishes what is due. */
static void turn(int timeout_ms) {
  struct epoll_event events[EVENTS];
  int ready = epoll_wait(epoll_fd, events, EVENTS, timeout_ms);
  for (int i = 0; i < ready; i++) {
    uint32_t what = events[i].data.u32;
    if (what == CONTROL && holding) {
      if (!obey()) exit(0);
    } else if (what == CONTROL) {
      char bytes[256];
      if (recv(control_fd, bytes, sizeof bytes, MSG_DONTWAIT) == 0) fail("the server died");
    } else if (what == TIMER) {
      uint64_t ticks = 0;
      if (read(timer_fd, &ticks, sizeof ticks) == sizeof ticks && pumping) due += ticks;
    } else if (what == TAP) {
      tap_ready(measuring);
    } else {
      subscriber_ready((int)what);
    }
  }
  if (!pumping) return;
  if (strcmp(scenario.mode, "rate") == 0) {
    if (due > 0) publish((int)due);
    due = 0;
    return;
  }
  int room = (scenario.window - in_flight) / scenario.burst * scenario.burst;
  if (room > 0) publish(room);
}

/* For the profiler of the server: the measured part begins, or has ended. */
static void say(const char *what) {
  fprintf(stderr, "%s\n", what);
  fflush(stderr);
}

static void turns_for(int ms) {
  for (int64_t until = now_ns() + ms * 1000000LL; now_ns() < until;) turn(1);
}

static void open_control(void) {
  control_fd = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)scenario.control)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(control_fd, (struct sockaddr *)&address, sizeof address) < 0) fail("the source does not listen");
  int on = 1;
  setsockopt(control_fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (!holding) tell("S %d %d\n", scenario.channels, scenario.bytes);
  struct epoll_event event = {.events = EPOLLIN, .data.u32 = CONTROL};
  epoll_ctl(epoll_fd, EPOLL_CTL_ADD, control_fd, &event);
}

static void collect_garbage(void) {
  turns_for(scenario.settle_ms);
  char answer[8];
  tell("G\n");
  if (recv(control_fd, answer, sizeof answer, 0) <= 0) fail("the server died");
}

static void connect_all(int wanted) {
  int64_t until = now_ns() + 120000000000LL;
  while (counts.live < wanted) {
    subscribers_connect(wanted);
    turn(100);
    if (counts.lost > 0) fail("the server ended a connection during its handshake");
    if (now_ns() > until) fail("only %d of %d were connected after 120 s", counts.live, wanted);
  }
}

/* Not every server reports when a subscription is in force: publishes until each subscriber has
 * received a message, then waits until nothing arrives. */
static void shake_hands(void) {
  int64_t until = now_ns() + 120000000000LL;
  while (counts.reached < counts.live) {
    for (int left_over = scenario.channels; left_over > 0; left_over -= 500) {
      publish(left_over < 500 ? left_over : 500);
      turns_for(5);
    }
    for (int64_t next = now_ns() + 300000000LL; counts.reached < counts.live && now_ns() < next;) turn(10);
    if (now_ns() > until) fail("only %d of %d have had a message after 120 s", counts.reached, counts.live);
  }
  for (uint64_t before = counts.deliveries + 1; before != counts.deliveries;) {
    before = counts.deliveries;
    turns_for(300);
  }
  for (int i = 0; i < scenario.stalled; i++) epoll_ctl(epoll_fd, EPOLL_CTL_DEL, connections[i].fd, NULL);
  in_flight = 0;
  accounted = 0;
  taken = 0;
  first = published;
}

/* Connects, closes and connects again until this many connections have ended. */
static void churn(int total) {
  leaving = true;
  to_leave = total;
  int before = counts.finished, lost = counts.lost;
  while (counts.finished - before < total) {
    int remaining = total - (counts.finished - before);
    subscribers_connect(remaining < scenario.concurrency ? remaining : scenario.concurrency);
    turn(100);
    if (counts.lost > lost) fail("the server ended a connection during its handshake");
  }
  turns_for(500);
  leaving = false;
}

static void set_rate(void) {
  timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
  long ns = 1000000000L / scenario.rate;
  struct itimerspec every = {.it_interval.tv_nsec = ns, .it_value.tv_nsec = ns};
  timerfd_settime(timer_fd, 0, &every, NULL);
  struct epoll_event event = {.events = EPOLLIN, .data.u32 = TIMER};
  epoll_ctl(epoll_fd, EPOLL_CTL_ADD, timer_fd, &event);
}

static void listen_in(void) {
  int fd = scenario.broker > 0 ? tap_open() : -1;
  if (fd < 0) return;
  struct epoll_event event = {.events = EPOLLIN, .data.u32 = TAP};
  epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event);
}

/* The deliveries of messages 0 to `end` - 1. */
static uint64_t deliveries_until(uint32_t end) {
  if (!is_tail()) return (uint64_t)end * (uint64_t)audience;
  uint32_t channels = (uint32_t)scenario.channels, subscribed = (uint32_t)scenario.connections;
  uint32_t rest = end % channels;
  return (uint64_t)(end / channels) * subscribed + (rest < subscribed ? rest : subscribed);
}

/* What the figures are a share of: deliveries, in tail mode messages. */
static uint64_t done(void) { return is_tail() ? taken : accounted; }

static void pump(void) {
  connect_all(scenario.connections);
  audience = (scenario.connections - scenario.stalled) / scenario.channels;
  if (scenario.shake) shake_hands();
  if (strcmp(scenario.mode, "rate") == 0) {
    set_rate();
    listen_in();
  }
  pumping = true;
  turns_for(scenario.warm_ms);
  latency_clear();
  measuring = true;
  struct usage server = usage_of_server(), self = usage_of_self();
  uint64_t before = done();
  int64_t began = now_ns();
  say("begin");
  turns_for(scenario.measure_ms);
  double seconds = (double)(now_ns() - began) / 1e9;
  struct usage server_after = usage_of_server(), self_after = usage_of_self();
  uint64_t measured = done() - before;
  say("end");
  measuring = false;
  pumping = false;
  double p50 = latency_at(WHOLE, 0.5), p99 = latency_at(WHOLE, 0.99);
  uint64_t expected = deliveries_until(published) - deliveries_until(first);
  for (int64_t until = now_ns() + 10000000000LL; accounted < expected && now_ns() < until;) turn(10);
  char added[80] = "";
  if (latency_at(ADDED, 0.5) > 0)
    snprintf(added, sizeof added, "\"addedP50\":%.0f,\"addedP99\":%.0f,", latency_at(ADDED, 0.5), latency_at(ADDED, 0.99));
  double each = measured ? 1e6 / (double)measured : 0;
  printf("{\"deliveries\":%lu,\"seconds\":%.4f,\"perSecond\":%.0f,\"cpuMicros\":%.3f,\"userMicros\":%.3f,"
         "\"serverShare\":%.3f,\"generatorShare\":%.3f,\"p50\":%.0f,\"p99\":%.0f,%s\"missing\":%ld,\"misordered\":%lu,"
         "\"lost\":%d,\"rssMiB\":%.1f}\n",
         measured, seconds, (double)measured / seconds, (server_after.total - server.total) * each,
         (server_after.user - server.user) * each, (server_after.total - server.total) / seconds,
         (self_after.total - self.total) / seconds, p50, p99, added, (long)(expected - accounted),
         counts.misordered, counts.lost, (double)rss_of_server() / 1048576);
}

static void measure_idle(void) {
  long before = rss_of_server();
  connect_all(scenario.connections);
  audience = scenario.connections / scenario.channels;
  if (scenario.shake) shake_hands();
  collect_garbage();
  long after = rss_of_server();
  printf("{\"connections\":%d,\"rssBeforeMiB\":%.1f,\"rssAfterMiB\":%.1f,\"kibEach\":%.2f}\n", counts.live,
         (double)before / 1048576, (double)after / 1048576, (double)(after - before) / 1024 / counts.live);
}

static void measure_connects(void) {
  struct usage server = usage_of_server(), self = usage_of_self();
  int64_t began = now_ns();
  say("begin");
  connect_all(scenario.connections);
  say("end");
  double seconds = (double)(now_ns() - began) / 1e9;
  double used = usage_of_server().total - server.total;
  printf("{\"connections\":%d,\"perSecond\":%.0f,\"cpuMicros\":%.1f,\"serverShare\":%.3f,\"generatorShare\":%.3f}\n",
         counts.live, counts.live / seconds, used * 1e6 / counts.live, used / seconds,
         (usage_of_self().total - self.total) / seconds);
}

static void measure_churn(void) {
  long before = rss_of_server();
  int64_t began = now_ns();
  say("begin");
  churn(scenario.connections);
  say("end");
  double seconds = (double)(now_ns() - began) / 1e9;
  collect_garbage();
  long after = rss_of_server();
  printf("{\"connects\":%d,\"seconds\":%.1f,\"rssBeforeMiB\":%.1f,\"rssAfterMiB\":%.1f,\"ratio\":%.4f}\n",
         scenario.connections, seconds, (double)before / 1048576, (double)after / 1048576, (double)after / (double)before);
}

static void hold(void) {
  int live = 0;
  for (;;) {
    subscribers_connect(scenario.connections);
    turn(100);
    if (counts.live == scenario.connections && live != counts.live) tell("connected %d\n", counts.live);
    live = counts.live;
  }
}

int main(int argc, char **argv) {
  if (argc != 2) fail("usage: load <scenario>");
  read_scenario(argv[1]);
  if (scenario.script_count == 0) fail("a scenario needs a script");
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  holding = scenario.returns = strcmp(scenario.mode, "hold") == 0;
  bool churns = strcmp(scenario.mode, "churn") == 0;
  int most = churns ? scenario.concurrency * 4 : scenario.connections;
  if (most < 1024) most = 1024;
  if ((rlim_t)most + 32 > files.rlim_max)
    fail("%d connections need as many open files; the limit is %lu (ulimit -Hn)", most, (unsigned long)files.rlim_max);
  epoll_fd = epoll_create1(0);
  subscribers_open(epoll_fd, most);
  if (holding) hold_open(most);
  open_control();
  if (scenario.warm_connects > 0) {
    churn(scenario.warm_connects);
    collect_garbage();
  }
  if (holding) hold();
  else if (strcmp(scenario.mode, "idle") == 0) measure_idle();
  else if (strcmp(scenario.mode, "connects") == 0) measure_connects();
  else if (churns) measure_churn();
  else pump();
  subscribers_drop();
  return 0;
}
