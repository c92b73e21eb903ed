/* The client's side of RFC 6455 that a load generator needs: writes small masked frames, and reads
 * frames without decoding them. */
#include "websocket.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void send_frame(int fd, int opcode, const char *text, size_t length) {
  static unsigned char frame[1 << 16];
  static const unsigned char mask[4] = {0x37, 0xfa, 0x21, 0x3d};
  if (length > sizeof frame - 8) fail("a client frame of %zu bytes", length);
  size_t at = 0;
  frame[at++] = (unsigned char)(0x80 | opcode);
  if (length < 126) {
    frame[at++] = (unsigned char)(0x80 | length);
  } else {
    frame[at++] = 0x80 | 126;
    frame[at++] = (unsigned char)(length >> 8);
    frame[at++] = (unsigned char)length;
  }
  memcpy(frame + at, mask, 4);
  at += 4;
  for (size_t i = 0; i < length; i++) frame[at + i] = (unsigned char)text[i] ^ mask[i & 3];
  /* Handshakes and pongs are far smaller than an empty socket buffer, so a short write means that
   * the connection is lost. */
  (void)!send(fd, frame, at + length, MSG_NOSIGNAL);
}

bool next_frame(const unsigned char *bytes, size_t length, struct frame *frame) {
  if (length < 2) return false;
  size_t head = 2;
  uint64_t size = bytes[1] & 0x7f;
  if (size == 126) {
    if (length < 4) return false;
    size = (uint64_t)bytes[2] << 8 | bytes[3];
    head = 4;
  } else if (size == 127) {
    if (length < 10) return false;
    size = 0;
    for (int i = 2; i < 10; i++) size = size << 8 | bytes[i];
    head = 10;
  }
  if (length < head + size) return false;
  *frame = (struct frame){
      .opcode = bytes[0] & 0x0f, .payload = (const char *)bytes + head, .length = size, .whole = head + size};
  return true;
}

bool next_mark(const char **at, const char *end, struct mark *mark) {
  while (*at < end) {
    const char *found = memchr(*at, '@', (size_t)(end - *at));
    if (!found || end - found < MARK_BYTES) return false;
    *at = found + 1;
    if (found[17] != '#') continue;
    mark->sent_ns = 0;
    for (int i = 1; i < 17; i++) mark->sent_ns = mark->sent_ns * 10 + (found[i] - '0');
    mark->sequence = 0;
    for (int i = 18; i < MARK_BYTES; i++) mark->sequence = mark->sequence * 10 + (uint32_t)(found[i] - '0');
    *at = found + MARK_BYTES;
    return true;
  }
  return false;
}
