/* Sends UDP frames into one datagram socket as fast as they are taken and counts what comes out of another.
 *
 *   generator ──tx_fd──▶ machine under test ──rx_fd──▶ generator
 *
 * Usage   generator TX_FD RX_FD SECONDS FRAME_BYTES FLOWS DST_MAC SRC_IP DST_IP
 *         fds are connected AF_UNIX datagram sockets, one Ethernet frame a datagram; MAC as aabbccddeeff, addresses as
 *         decimal numbers in host order; FRAME_BYTES 60..1514 without FCS. Flows differ in the UDP source port.
 * Output  one line: sent=N received=N seconds=S.
 * ARP requests on either side are answered with the MAC 02:00:00:00:fe:01, so that the machine finds its neighbours.
 * Only frames that carry this program's payload mark are counted.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { kBatch = 64, kFrameMax = 1514, kMarkOffset = 42 };
static const uint8_t kMark[4] = {0xbe, 0x9c, 0x4a, 0x11};
static const uint8_t kOurMac[6] = {2, 0, 0, 0, 0xfe, 1};

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void put16(uint8_t* at, unsigned value) {
  at[0] = (uint8_t)(value >> 8);
  at[1] = (uint8_t)value;
}

static void put32(uint8_t* at, uint32_t value) {
  put16(at, value >> 16);
  put16(at + 2, value & 0xffff);
}

/* RFC 1071 sum of `length` octets (even), added to `sum`; not folded. */
static uint32_t sum16(const uint8_t* at, size_t length, uint32_t sum) {
  for (size_t i = 0; i + 1 < length; i += 2) sum += (uint32_t)(at[i] << 8 | at[i + 1]);
  return sum;
}

static unsigned fold(uint32_t sum) {
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return ~sum & 0xffff;
}

static void make_frame(uint8_t* frame, unsigned size, const uint8_t* mac, uint32_t src, uint32_t dst, unsigned port) {
  memset(frame, 0, size);
  memcpy(frame, mac, 6);
  memcpy(frame + 6, kOurMac, 6);
  put16(frame + 12, 0x0800);
  uint8_t* ip = frame + 14;
  const unsigned ip_length = size - 14, udp_length = ip_length - 20;
  ip[0] = 0x45;
  put16(ip + 2, ip_length);
  ip[8] = 64;
  ip[9] = 17;
  put32(ip + 12, src);
  put32(ip + 16, dst);
  put16(ip + 10, fold(sum16(ip, 20, 0)));
  uint8_t* udp = ip + 20;
  put16(udp, port);
  put16(udp + 2, 9);
  put16(udp + 4, udp_length);
  memcpy(frame + kMarkOffset, kMark, 4);
  put16(udp + 6, fold(sum16(udp, udp_length, sum16(ip + 12, 8, 17 + udp_length))));
}

static void answer_arp(int fd, const uint8_t* frame, size_t length) {
  if (length < 42 || frame[12] != 8 || frame[13] != 6 || frame[21] != 1) return;
  uint8_t reply[60] = {0};
  memcpy(reply, frame + 6, 6);
  memcpy(reply + 6, kOurMac, 6);
  memcpy(reply + 12, frame + 12, 8);
  reply[21] = 2;
  memcpy(reply + 22, kOurMac, 6);
  memcpy(reply + 28, frame + 38, 4);
  memcpy(reply + 32, frame + 22, 10);
  (void)!send(fd, reply, sizeof reply, MSG_DONTWAIT);
}

struct Ring {
  struct mmsghdr messages[kBatch];
  struct iovec vectors[kBatch];
  uint8_t frames[kBatch][kFrameMax + 10];
};

static void ring_start(struct Ring* ring, size_t length) {
  memset(ring, 0, sizeof *ring);
  for (int i = 0; i < kBatch; ++i) {
    ring->vectors[i] = (struct iovec){ring->frames[i], length};
    ring->messages[i].msg_hdr.msg_iov = &ring->vectors[i];
    ring->messages[i].msg_hdr.msg_iovlen = 1;
  }
}

/* Take all that waits at `fd`; returns how many frames carried the mark. */
static uint64_t drain(int fd, struct Ring* ring) {
  uint64_t marked = 0;
  for (;;) {
    const int n = recvmmsg(fd, ring->messages, kBatch, MSG_DONTWAIT, NULL);
    if (n <= 0) return marked;
    for (int i = 0; i < n; ++i) {
      const uint8_t* frame = ring->frames[i];
      const size_t length = ring->messages[i].msg_len;
      if (length >= kMarkOffset + 4 && memcmp(frame + kMarkOffset, kMark, 4) == 0)
        ++marked;
      else
        answer_arp(fd, frame, length);
    }
  }
}

static struct Ring outgoing, incoming;

int main(int argc, char** argv) {
  if (argc != 9) {
    fprintf(stderr, "usage: generator TX_FD RX_FD SECONDS FRAME_BYTES FLOWS DST_MAC SRC_IP DST_IP\n");
    return 2;
  }
  const int tx = atoi(argv[1]), rx = atoi(argv[2]);
  const double seconds = atof(argv[3]);
  const unsigned size = (unsigned)atoi(argv[4]), flows = (unsigned)atoi(argv[5]);
  uint8_t mac[6];
  for (int i = 0; i < 6; ++i) {
    const char digits[3] = {argv[6][2 * i], argv[6][2 * i + 1], 0};
    mac[i] = (uint8_t)strtoul(digits, NULL, 16);
  }
  const uint32_t src = (uint32_t)strtoul(argv[7], NULL, 10), dst = (uint32_t)strtoul(argv[8], NULL, 10);
  if (size < 60 || size > kFrameMax || flows == 0 || flows > 50000) return 2;

  ring_start(&outgoing, size);
  ring_start(&incoming, kFrameMax + 10);
  uint64_t sent = 0, received = 0;
  unsigned flow = 0;
  const double start = now(), stop = start + seconds;
  int pending = 0, at = 0;
  while (now() < stop) {
    if (at == pending) {
      for (int i = 0; i < kBatch; ++i, flow = (flow + 1) % flows)
        make_frame(outgoing.frames[i], size, mac, src, dst, 10000 + flow);
      pending = kBatch;
      at = 0;
    }
    const int n = sendmmsg(tx, outgoing.messages + at, (unsigned)(pending - at), MSG_DONTWAIT);
    if (n > 0) {
      at += n;
      sent += (uint64_t)n;
    } else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != ENOBUFS) {
      perror("send");
      return 1;
    }
    struct pollfd waits[2] = {{rx, POLLIN, 0}, {tx, POLLIN | (n > 0 ? 0 : POLLOUT), 0}};
    poll(waits, 2, n > 0 ? 0 : 5);
    if (waits[0].revents & POLLIN) received += drain(rx, &incoming);
    if (waits[1].revents & POLLIN) (void)drain(tx, &incoming);
  }
  const double elapsed = now() - start;
  const double grace = now() + 0.3; /* what is still on its way */
  while (now() < grace) {
    struct pollfd wait = {rx, POLLIN, 0};
    if (poll(&wait, 1, 50) > 0) received += drain(rx, &incoming);
  }
  printf("sent=%llu received=%llu seconds=%.3f\n", (unsigned long long)sent, (unsigned long long)received, elapsed);
  return 0;
}
