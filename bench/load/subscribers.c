/* The subscribers: from a socket through the contestant's handshake to counting what arrives. */
#include "subscribers.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hold.h"
#include "websocket.h"

struct counts counts;
struct connection *connections;
static int epoll_fd, capacity, underway;
static int lowest; /* every connection below it is in use */
static unsigned char buffer[READ_BYTES];

void subscribers_open(int epoll, int most) {
  epoll_fd = epoll;
  capacity = most;
  connections = calloc((size_t)most, sizeof *connections);
  for (int i = 0; i < most; i++) connections[i].fd = -1;
}

/* Replaces `{i}` with the connection's number, `{c}` with its channel's, `{id}` with an operation
 * id of its own as clients make them (36 characters), `{token}` with one of the scenario's tokens,
 * and `{after}` with the cursor to continue after. */
static size_t fill(char *out, size_t room, const char *text, size_t length, int index) {
  index += scenario.number;
  size_t at = 0;
  for (size_t i = 0; i < length && at + 1024 < room;) {
    if (strncmp(text + i, "{i}", 3) == 0) {
      at += (size_t)sprintf(out + at, "%d", index);
      i += 3;
    } else if (strncmp(text + i, "{c}", 3) == 0) {
      at += (size_t)sprintf(out + at, "%d", index % scenario.channels);
      i += 3;
    } else if (strncmp(text + i, "{id}", 4) == 0) {
      at += (size_t)sprintf(out + at, "5f0c1d2e-7a3b-4c4d-8e5f-%012d", index);
      i += 4;
    } else if (scenario.token_count > 0 && strncmp(text + i, "{token}", 7) == 0) {
      at += (size_t)snprintf(out + at, 1000, "%s", scenario.tokens[index % scenario.token_count]);
      i += 7;
    } else if (strncmp(text + i, "{after}", 7) == 0) {
      at += (size_t)snprintf(out + at, 1000, "%s", hold_after());
      i += 7;
    } else {
      out[at++] = text[i++];
    }
  }
  return at;
}

static void end(int index, bool lost) {
  struct connection *one = &connections[index];
  if (one->state == UNUSED) return;
  if (one->state == LIVE) counts.live--;
  else if (one->state != CLOSING) underway--;
  if (lost) counts.lost++;
  close(one->fd);
  free(one->rest);
  *one = (struct connection){.fd = -1};
  if (index < lowest) lowest = index;
}

static void begin(int index) {
  struct connection *one = &connections[index];
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (fd < 0) fail("socket: %s (raise the limit of open files: ulimit -n)", strerror(errno));
  *one = (struct connection){.fd = fd, .state = CONNECTING, .last = -1, .stalled = index < scenario.stalled};
  int on = 1, small = 4096;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (one->stalled) setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)scenario.port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (scenario.source > 0) {
    /* The port is chosen at connect, so that each address has all of them. */
    struct sockaddr_in from = {.sin_family = AF_INET};
    from.sin_addr.s_addr = htonl(0x7f000000u + (uint32_t)scenario.source);
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&from, sizeof from) < 0) fail("bind: %s", strerror(errno));
  }
  if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0 && errno != EINPROGRESS)
    fail("connect: %s", strerror(errno));
  struct epoll_event event = {.events = EPOLLOUT, .data.u32 = (uint32_t)index};
  epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event);
  underway++;
  counts.begun++;
}

void subscribers_connect(int wanted) {
  while (underway < scenario.concurrency && counts.live + underway < wanted) {
    while (lowest < capacity && connections[lowest].state != UNUSED) lowest++;
    if (lowest == capacity) return;
    begin(lowest);
  }
}

static struct script *script_of(int index) { return &scenario.scripts[index % scenario.script_count]; }

/* Sends until the script expects a frame; after its end the subscriber is live. */
static void go_on(int index) {
  struct connection *one = &connections[index];
  struct script *script = script_of(index);
  static char text[1 << 16];
  while (one->step < script->count && script->steps[one->step].kind == 'S') {
    struct step *step = &script->steps[one->step++];
    send_frame(one->fd, 1, text, fill(text, sizeof text, step->text, step->length, index));
  }
  if (one->step < script->count) return;
  one->state = LIVE;
  underway--;
  counts.live++;
  counts.finished++;
  on_live(index);
}

static void take_messages(struct connection *one, const struct frame *frame) {
  const char *at = frame->payload;
  struct mark mark;
  while (next_mark(&at, frame->payload + frame->length, &mark)) {
    if (mark.sequence <= one->last) counts.misordered++;
    one->last = mark.sequence;
    if (one->received++ == 0) counts.reached++;
    counts.deliveries++;
    on_delivery((int)(one - connections), mark.sequence, mark.sent_ns);
  }
}

/* Returns false if the connection has ended. */
static bool take_frame(int index, const struct frame *frame) {
  struct connection *one = &connections[index];
  if (frame->opcode == 8) {
    bool asked = one->state == CLOSING;
    if (!asked && !scenario.returns) fprintf(stderr, "the server closed connection %d: %d %.*s\n", index,
                        frame->length > 1 ? (unsigned char)frame->payload[0] << 8 | (unsigned char)frame->payload[1] : 0,
                        frame->length > 2 ? (int)frame->length - 2 : 0, frame->payload + 2);
    end(index, !asked);
    return false;
  }
  if (frame->opcode == 9) {
    send_frame(one->fd, 10, frame->payload, frame->length);
    return true;
  }
  if (frame->opcode > 8) return true;
  if ((int)frame->length == scenario.ping_length && memcmp(frame->payload, scenario.ping, frame->length) == 0) {
    send_frame(one->fd, 1, scenario.pong, strlen(scenario.pong));
    return true;
  }
  if (one->state == LIVE) {
    take_messages(one, frame);
    return true;
  }
  if (one->state != SCRIPT) return true;
  struct step *step = &script_of(index)->steps[one->step];
  if (memmem(frame->payload, frame->length, step->text, step->length)) {
    one->step++;
    go_on(index);
  } else if (memchr(frame->payload, '@', frame->length)) {
    /* What it missed while it was away. */
    if (scenario.returns) take_messages(one, frame);
  } else {
    fprintf(stderr, "expected %s, got %.*s\n", step->text, (int)frame->length, frame->payload);
  }
  return true;
}

/* Returns the length of the answer to the upgrade; 0 if it is incomplete. */
static size_t take_upgrade(int index, const unsigned char *bytes, size_t length) {
  const char *found = memmem(bytes, length, "\r\n\r\n", 4);
  if (!found) return 0;
  bool refused = length < 12 || memcmp(bytes + 9, "101", 3) != 0;
  if (refused && scenario.returns) {
    end(index, true);
    return length;
  }
  if (refused) fail("the upgrade was refused: %.*s", (int)length, bytes);
  connections[index].state = SCRIPT;
  go_on(index);
  return (size_t)((const unsigned char *)found + 4 - bytes);
}

static void take_bytes(int index, size_t length) {
  struct connection *one = &connections[index];
  size_t at = 0;
  if (one->state == UPGRADING) at = take_upgrade(index, buffer, length);
  struct frame frame;
  while (one->state != UPGRADING && next_frame(buffer + at, length - at, &frame)) {
    at += frame.whole;
    if (!take_frame(index, &frame)) return;
  }
  one->rest_length = length - at;
  if (one->rest_length == 0) return;
  if (one->rest_length == sizeof buffer) fail("a frame larger than %zu bytes", sizeof buffer);
  one->rest = realloc(one->rest, one->rest_length);
  memcpy(one->rest, buffer + at, one->rest_length);
}

void subscriber_ready(int index) {
  struct connection *one = &connections[index];
  if (one->state == UNUSED) return;
  if (one->state == CONNECTING) {
    static char request[2048];
    size_t length = fill(request, sizeof request, scenario.upgrade, strlen(scenario.upgrade), index);
    if (send(one->fd, request, length, MSG_NOSIGNAL) != (ssize_t)length) {
      end(index, true);
      return;
    }
    one->state = UPGRADING;
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = (uint32_t)index};
    epoll_ctl(epoll_fd, EPOLL_CTL_MOD, one->fd, &event);
    return;
  }
  size_t kept = one->rest_length;
  if (kept) memcpy(buffer, one->rest, kept);
  one->rest_length = 0;
  ssize_t got = recv(one->fd, buffer + kept, sizeof buffer - kept, 0);
  if (got > 0) {
    take_bytes(index, kept + (size_t)got);
  } else if (got == 0 || errno != EAGAIN) {
    end(index, one->state != CLOSING);
  } else {
    one->rest_length = kept;
  }
}

void subscriber_leave(int index) {
  struct connection *one = &connections[index];
  send_frame(one->fd, 8, "\x03\xe8", 2);
  one->state = CLOSING;
  counts.live--;
}

void subscribers_drop(void) {
  for (int i = 0; i < capacity; i++) end(i, false);
  counts.reached = 0;
}
