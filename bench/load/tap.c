/*
 * What the server adds: the time from when the broker's bytes of a message reach the server's
 * socket to when its first frame leaves it, by the kernel's stamps on the packets of the loopback.
 * The server is not involved, and no reader runs next to it.
 */
#include "tap.h"

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "websocket.h"

enum { RECEIVE_BYTES = 8 << 20 };

static int tap_fd = -1;
static struct {
  uint32_t sequence;
  int64_t at_ns; /* 0: it has left the server */
} arrived[RING];

int tap_open(void) {
  /* All protocols; otherwise sent packets are not shown. */
  int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK, htons(ETH_P_ALL));
  if (fd < 0) return -1;
  int on = 1, room = RECEIVE_BYTES;
  setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
  setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
  struct sockaddr_ll loopback = {
      .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = (int)if_nametoindex("lo")};
  if (bind(fd, (struct sockaddr *)&loopback, sizeof loopback) < 0) return -1;
  return tap_fd = fd;
}

static int64_t stamp_of(struct msghdr *message) {
  for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part; part = CMSG_NXTHDR(message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_TIMESTAMPNS) continue;
    struct timespec at;
    memcpy(&at, CMSG_DATA(part), sizeof at);
    return at.tv_sec * 1000000000LL + at.tv_nsec;
  }
  return 0;
}

/* The source port of a packet, and the beginning of its text; NULL if it has none. */
static const char *text_of(const char *packet, size_t length, int *from) {
  struct iphdr ip;
  struct tcphdr tcp;
  if (length < sizeof ip + sizeof tcp) return NULL;
  memcpy(&ip, packet, sizeof ip);
  size_t at = (size_t)ip.ihl * 4;
  if (ip.protocol != IPPROTO_TCP || length < at + sizeof tcp) return NULL;
  memcpy(&tcp, packet + at, sizeof tcp);
  at += (size_t)tcp.doff * 4;
  *from = ntohs(tcp.source);
  return at < length ? packet + at : NULL;
}

void tap_ready(bool measured) {
  static char packet[1 << 17];
  for (;;) {
    char control[256];
    struct sockaddr_ll link;
    struct iovec bytes = {.iov_base = packet, .iov_len = sizeof packet};
    struct msghdr message = {.msg_name = &link,
                             .msg_namelen = sizeof link,
                             .msg_iov = &bytes,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof control};
    ssize_t length = recvmsg(tap_fd, &message, 0);
    if (length < 0) return;
    int from = 0;
    const char *at = text_of(packet, (size_t)length, &from);
    if (!at) continue;
    /* The loopback shows each packet twice: when it is sent, and when it arrives. */
    bool sent = link.sll_pkttype == PACKET_OUTGOING;
    bool reaches = from == scenario.broker && !sent, leaves = from == scenario.port && sent;
    struct mark mark;
    while ((reaches || leaves) && next_mark(&at, packet + length, &mark)) {
      int64_t now = stamp_of(&message), *since = &arrived[mark.sequence % RING].at_ns;
      bool known = arrived[mark.sequence % RING].sequence == mark.sequence && *since > 0;
      if (reaches) {
        arrived[mark.sequence % RING].sequence = mark.sequence;
        *since = now;
      } else if (known) {
        if (measured) latency_add(ADDED, now - *since);
        *since = 0;
      }
    }
  }
}
