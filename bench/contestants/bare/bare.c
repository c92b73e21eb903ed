/*
 * The least that a server can do: sockets, epoll, one frame made once a message, one send a socket.
 * What it reaches is the machine's limit, and shows that the load generator accepts more than any
 * other contestant delivers. It serves the control port too (see load/main.c).
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 20000, PAYLOAD = 1 << 16 };

struct subscriber {
  int fd, next; /* of its channel, -1 at the end */
};
static struct subscriber subscribers[MOST];
static int heads[MOST]; /* by channel */
static int count, epoll_fd, channels = 1, bytes = 200;
static uint32_t sequence;

static int listening(int *port) {
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof address;
  if (bind(fd, (struct sockaddr *)&address, length) || listen(fd, 1024)) exit(1);
  getsockname(fd, (struct sockaddr *)&address, &length);
  *port = ntohs(address.sin_port);
  return fd;
}

static void watch(int fd) {
  struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
  epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event);
}

static void greet(int fd, char *request) {
  static const char answer[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                               "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
  char *channel = strstr(request, "channel=c");
  int number = channel ? atoi(channel + 9) : 0;
  if (count == MOST || number < 0 || number >= MOST) exit(1);
  subscribers[count] = (struct subscriber){.fd = fd, .next = heads[number]};
  heads[number] = count++;
  (void)!send(fd, answer, sizeof answer - 1, MSG_NOSIGNAL);
}

/* One frame for a burst of messages: everything of one turn leaves in one write. */
static size_t add_message(char *frame, size_t at) {
  static char payload[PAYLOAD];
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  int filler = bytes > 48 ? bytes - 48 : 0;
  int length = snprintf(payload, sizeof payload,
                        "{\"id\":\"5f0c1d2e-7a3b-4c4d-8e5f-000000000000\",\"type\":\"next\",\"payload\":{\"data\":{\"channel\":"
                        "{\"data\":{\"mark\":\"@%016lld#%010u\",\"text\":\"%0*d\"}}}}}",
                        (long long)(now.tv_sec * 1000000000LL + now.tv_nsec), sequence, filler ? filler : 1, 0);
  frame[at++] = (char)0x81;
  frame[at++] = 126;
  frame[at++] = (char)(length >> 8);
  frame[at++] = (char)length;
  memcpy(frame + at, payload, (size_t)length);
  sequence++;
  return at + (size_t)length;
}

static void publish(int messages, int burst) {
  static char frame[1 << 20];
  while (messages > 0) {
    int channel = (int)(sequence % (uint32_t)channels);
    int together = channels > 1 ? 1 : burst < messages ? burst : messages;
    size_t length = 0;
    for (int i = 0; i < together; i++) length = add_message(frame, length);
    for (int i = heads[channel]; i >= 0; i = subscribers[i].next)
      (void)!send(subscribers[i].fd, frame, length, MSG_NOSIGNAL);
    messages -= together;
  }
}

static void obey(int fd, char *line) {
  int first = 0, second = 1;
  sscanf(line + 1, "%d %d", &first, &second);
  if (line[0] == 'S') {
    channels = first;
    bytes = second;
    sequence = 0;
  } else if (line[0] == 'P') {
    publish(first, second);
  } else if (line[0] == 'G') {
    (void)!send(fd, "ok\n", 3, MSG_NOSIGNAL);
  }
}

int main(void) {
  for (int i = 0; i < MOST; i++) heads[i] = -1;
  epoll_fd = epoll_create1(0);
  int port, control_port, control = -1;
  int server = listening(&port), control_server = listening(&control_port);
  watch(server);
  watch(control_server);
  printf("listening %d %d\n", port, control_port);
  fflush(stdout);
  for (;;) {
    struct epoll_event events[256];
    int ready = epoll_wait(epoll_fd, events, 256, -1);
    for (int i = 0; i < ready; i++) {
      int fd = events[i].data.fd;
      if (fd == server || fd == control_server) {
        int client = accept4(fd, NULL, NULL, SOCK_NONBLOCK), on = 1;
        setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        if (fd == control_server) control = client;
        watch(client);
        continue;
      }
      char text[8192];
      ssize_t got = recv(fd, text, sizeof text - 1, 0);
      if (got <= 0) {
        close(fd);
        /* The generator ends all connections at once, with its control connection. */
        if (fd == control) exit(0);
        continue;
      }
      text[got] = '\0';
      if (fd != control) {
        if (text[0] == 'G') greet(fd, text);
        continue;
      }
      for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) obey(fd, line);
    }
  }
}
