/* Random packets to a machine with two NICs, in steps that it can take, and what comes back from it.
 *
 *   traffic ──fd0── eth0  machine  eth1 ──fd1── traffic
 *
 * Usage   traffic FD0 FD1 PACKETS SEED
 *         connected AF_UNIX datagram sockets, one Ethernet frame a datagram. The machine's MAC addresses are
 *         02:00:00:00:00:00 and :01, its addresses 192.0.2.1 and 10.0.0.1, and 10.0.10.1 in VLAN 10 of eth1.
 * Sends   valid packets of every protocol, TCP with any flags, ICMP errors that quote any flow, fragments, tags, ARP, and
 *         all of these with octets changed or cut off; a few to other MAC addresses.
 * Paces   after 64 frames it asks for both of the machine's addresses by ARP, and goes on when both were answered: nothing
 *         is lost on the way, and a machine that stands still is noticed (status 3).
 * Answers ARP for hosts whose last octet is below 128; others are never found.
 * Output  one line: sent0=N sent1=N foreign0=N foreign1=N seen0=N seen1=N ip=N arp=N pieces=N longest=SECONDS
 *         foreign: frames to another MAC address, which vmxnet3 does not hand up; pieces: fragments that came from the
 *         machine itself, but for the first of each datagram; longest: until a step was answered.
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

enum { kStep = 64, kLongest = 1522, kAnswers = 1024, kPatience = 30, kQuiet = 5 };

static uint64_t state;
static int wire[2];
static uint64_t sent[2], foreign[2], seen[2], seen_ip, seen_arp, pieces;
static int answered[2]; /* whether the question of this step was */

struct Frame {
  int nic;
  unsigned length;
  uint8_t octets[kLongest];
};
static struct Frame answers[kAnswers];
static unsigned first_answer, answer_count;

static uint32_t any(void) { /* SplitMix64 */
  uint64_t x = state += 0x9e3779b97f4a7c15;
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
  x = (x ^ x >> 27) * 0x94d049bb133111eb;
  return (uint32_t)(x >> 32);
}
static uint32_t below(uint32_t end) { return any() % end; }

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void put16(uint8_t* at, unsigned value) {
  at[0] = (uint8_t)(value >> 8);
  at[1] = (uint8_t)value;
}
static unsigned get16(const uint8_t* at) { return (unsigned)(at[0] << 8 | at[1]); }
static void put32(uint8_t* at, uint32_t value) {
  put16(at, value >> 16);
  put16(at + 2, value & 0xffff);
}

static unsigned check(const uint8_t* at, size_t length, uint32_t sum) {
  for (size_t i = 0; i < length; ++i) sum += i % 2 ? at[i] : (uint32_t)at[i] << 8;
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return ~sum & 0xffff;
}

/* ---- What comes back ---- */

static void answer_arp(int nic, const uint8_t* frame, unsigned length, unsigned at) {
  if (answer_count == kAnswers) return;
  struct Frame* answer = &answers[(first_answer + answer_count++) % kAnswers];
  answer->nic = nic;
  answer->length = length;
  memcpy(answer->octets, frame, length);
  uint8_t* arp = answer->octets + at;
  memcpy(answer->octets, frame + 6, 6);
  memcpy(answer->octets + 6, "\x02\xaa\0\0\0\x09", 6);
  arp[7] = 2;
  memcpy(arp + 18, frame + at + 8, 10);
  memcpy(arp + 8, "\x02\xaa\0\0\0\x09", 6);
  memcpy(arp + 14, frame + at + 24, 4);
}

static int is_own(const uint8_t* address) {
  static const uint8_t kOwn[3][4] = {{192, 0, 2, 1}, {10, 0, 0, 1}, {10, 0, 10, 1}};
  for (int i = 0; i < 3; ++i)
    if (memcmp(address, kOwn[i], 4) == 0) return 1;
  return 0;
}

static void look(int nic, const uint8_t* frame, unsigned length) {
  const unsigned tag = length > 18 && get16(frame + 12) == 0x8100 ? 4 : 0;
  const uint8_t* packet = frame + 14 + tag;
  ++seen[nic];
  if (length >= 42 + tag && get16(packet - 2) == 0x0806) {
    ++seen_arp;
    if (packet[7] == 2 && packet[27] == 250) answered[nic] = 1;
    if (packet[7] == 1 && packet[27] < 128 && !is_own(packet + 24)) answer_arp(nic, frame, length, 14 + tag);
  } else if (length >= 34 + tag && get16(packet - 2) == 0x0800) {
    ++seen_ip;
    if ((get16(packet + 6) & 0x1fff) != 0 && is_own(packet + 12)) ++pieces;
  } else {
    fprintf(stderr, "a frame of another type came from the machine\n");
    exit(1);
  }
}

static void drain(int nic) {
  uint8_t frame[2048];
  for (;;) {
    const ssize_t length = recv(wire[nic], frame, sizeof frame, MSG_DONTWAIT);
    if (length <= 0) return;
    look(nic, frame, (unsigned)length);
  }
}

static void wait_a_moment(int nic) {
  struct pollfd waits[2] = {{wire[0], POLLIN, 0}, {wire[1], POLLIN, 0}};
  if (nic >= 0) waits[nic].events |= POLLOUT;
  poll(waits, 2, 50);
  drain(0);
  drain(1);
}

/* ---- What is sent ---- */

static void send_frame(int nic, const uint8_t* frame, unsigned length) {
  while (send(wire[nic], frame, length, MSG_DONTWAIT) < 0) {
    if (errno != EAGAIN && errno != EWOULDBLOCK && errno != ENOBUFS) {
      perror("send");
      exit(1);
    }
    wait_a_moment(nic);
  }
  ++sent[nic];
}

static void send_answers(void) {
  while (answer_count != 0) {
    const struct Frame answer = answers[first_answer];
    first_answer = (first_answer + 1) % kAnswers;
    --answer_count;
    send_frame(answer.nic, answer.octets, answer.length);
  }
}

static unsigned make_arp(uint8_t* frame, int nic, unsigned operation, unsigned sender, unsigned target) {
  static const uint8_t kSubnet[2][3] = {{192, 0, 2}, {10, 0, 0}};
  memset(frame, 0, 60);
  memset(frame, 0xff, 6);
  memcpy(frame + 6, "\x02\xaa\0\0\0\x09", 6);
  put16(frame + 12, 0x0806);
  memcpy(frame + 14, "\0\1\x08\0\6\4\0", 7);
  frame[21] = (uint8_t)operation;
  memcpy(frame + 22, frame + 6, 6);
  memcpy(frame + 28, kSubnet[nic], 3);
  frame[31] = (uint8_t)sender;
  memcpy(frame + 38, kSubnet[nic], 3);
  frame[41] = (uint8_t)target;
  return 60;
}

/* Asks for both addresses and waits for the answers; asks again each second. */
static double step_over(void) {
  uint8_t frame[60];
  const double start = now();
  double next = 0;
  answered[0] = answered[1] = 0;
  while (!answered[0] || !answered[1] || answer_count != 0) {
    if (now() - start > kPatience) {
      fprintf(stderr, "the machine does not answer\n");
      exit(3);
    }
    send_answers();
    for (int nic = 0; nic < 2 && now() >= next; ++nic) {
      if (!answered[nic]) send_frame(nic, frame, make_arp(frame, nic, 1, 250, 1));
      if (nic == 1) next = now() + 1;
    }
    wait_a_moment(-1);
  }
  return now() - start;
}

static uint32_t some_address(void) {
  static const uint32_t kAddresses[] = {
      0xc0000201, 0xc0000204, 0xc0000205, 0xc00002fe, 0x08080808, 0x0a000001, 0x0a000004, 0x0a000005,
      0x0a000a01, 0x0a000a04, 0xc00002ff, 0xffffffff, 0x7f000001, 0xe0000001, 0x0a0000ff, 0};
  const uint32_t address = kAddresses[below(below(4) ? 10 : 16)];
  return below(16) ? address : (address & ~0xffU) | below(256);
}

static unsigned some_port(void) {
  static const unsigned kPorts[] = {53, 80, 443, 8080, 68, 67, 514, 49152, 0, 65535};
  return below(3) ? kPorts[below(10)] : below(4) ? 1024 + below(64) : below(65536);
}

/* A header of `protocol` for `length` octets of data, quoted or sent. */
static void make_header(uint8_t* ip, unsigned protocol, unsigned length) {
  memset(ip, 0, 20);
  ip[0] = 0x45;
  ip[1] = (uint8_t)(below(8) ? 0 : any());
  put16(ip + 2, 20 + length);
  put16(ip + 4, below(8)); /* so that fragments meet */
  if (below(5) == 0) put16(ip + 6, below(2) ? 0x2000 | below(4) * 3 : below(2) ? below(16) : any() & 0xffff);
  ip[8] = (uint8_t)(below(8) ? 64 : below(4));
  ip[9] = (uint8_t)protocol;
  put32(ip + 12, some_address());
  put32(ip + 16, some_address());
  put16(ip + 10, check(ip, 20, 0));
}

static unsigned some_size(void) { return below(4) ? below(64) : below(8) ? below(1400) : 1300 + below(189); }

static void finish(const uint8_t* ip, uint8_t* data, unsigned length, unsigned place, int pseudo) {
  put16(data + place, 0);
  uint32_t sum = 0;
  if (pseudo) {
    sum = ip[9] + length;
    for (unsigned i = 12; i < 20; i += 2) sum += get16(ip + i);
  }
  put16(data + place, check(data, length, sum));
}

/* An IPv4 packet with right checksums, at least of 60 octets' room; its length. */
static unsigned make_packet(uint8_t* ip) {
  static const uint8_t kProtocols[] = {6, 6, 6, 17, 17, 17, 1, 1, 47, 2};
  const unsigned protocol = kProtocols[below(below(4) ? 8 : 10)];
  unsigned length = some_size();
  if (protocol == 6 && length < 20) length = 20;
  if (length < 8) length = 8;
  make_header(ip, protocol, length);
  uint8_t* data = ip + 20;
  for (unsigned i = 0; i < length; ++i) data[i] = (uint8_t)i;
  put16(data, some_port());
  put16(data + 2, some_port());
  if (protocol == 6) {
    data[12] = (uint8_t)(below(16) ? 0x50 : any());
    data[13] = (uint8_t)any(); /* every combination of flags */
    finish(ip, data, length, 16, 1);
  } else if (protocol == 17) {
    put16(data + 4, below(32) ? length : below(2000));
    finish(ip, data, length, 6, 1);
    if (below(4) == 0) put16(data + 6, 0);
  } else if (protocol == 1) {
    static const uint8_t kTypes[] = {8, 8, 8, 0, 3, 3, 11, 5, 12, 13};
    data[0] = kTypes[below(10)];
    data[1] = (uint8_t)(below(4) ? 0 : below(16));
    put16(data + 4, below(64));
    if (length >= 36) make_header(data + 8, below(2) ? 6 : 17, 8); /* what an error quotes */
    finish(ip, data, length, 2, 0);
  }
  return 20 + length;
}

static unsigned add_tag(uint8_t* frame, unsigned length) {
  static const uint16_t kTags[] = {10, 10, 10, 10, 0, 7, 0xfff, 0x600a};
  if (length + 4 > kLongest) return length;
  memmove(frame + 16, frame + 12, length - 12);
  put16(frame + 12, below(16) ? 0x8100 : 0x88a8);
  put16(frame + 14, kTags[below(8)]);
  return length + 4;
}

/* Behind the addresses of the frame: where it goes is known, so that it can be counted. */
static unsigned mutate(uint8_t* frame, unsigned length) {
  for (unsigned count = 1 + below(3); count > 0; --count) {
    if (below(4) == 0 && length > 60) {
      length = 60 + below(length - 60);
    } else {
      frame[12 + below(length - 12)] = (uint8_t)(below(2) ? any() : 1U << below(8));
    }
  }
  const unsigned header = (frame[14] & 15U) * 4;
  if (below(2) && header >= 20 && length >= 14 + header) {
    put16(frame + 24, 0);
    put16(frame + 24, check(frame + 14, header, 0));
  }
  return length;
}

/* Fragments from the machine's own addresses would be taken for its own when they come back. */
static void change_own_source(uint8_t* frame, unsigned length) {
  uint8_t* ip = frame + (get16(frame + 12) == 0x8100 ? 18 : 14);
  if (frame + length < ip + 20 || (get16(ip + 6) & 0x1fff) == 0 || !is_own(ip + 12)) return;
  ip[15] = 4;
  put16(ip + 10, 0);
  put16(ip + 10, check(ip, 20, 0));
}

static void send_something(void) {
  uint8_t frame[kLongest + 64];
  const int nic = (int)below(2);
  unsigned length;
  if (below(24) == 0) {
    length = make_arp(frame, nic, 1 + below(2), below(16) ? below(128) : 1, below(256));
  } else {
    length = 14 + make_packet(frame + 14);
    memcpy(frame + 6, "\x02\xaa\0\0\0\x09", 6);
    put16(frame + 12, below(64) ? 0x0800 : below(65536));
  }
  while (length < 60) frame[length++] = 0;
  memcpy(frame, "\x02\0\0\0\0", 5);
  frame[5] = (uint8_t)nic;
  if (below(16) == 0) memset(frame, 0xff, 6);
  if (below(64) == 0) {
    memcpy(frame, below(2) ? "\x02\0\0\0\x07\x07" : "\x01\0\x5e\0\0\1", 6);
    ++foreign[nic];
  }
  if (below(4) == 0) length = add_tag(frame, length);
  if (below(16) == 0) length = add_tag(frame, length);
  if (below(3) == 0) length = mutate(frame, length);
  change_own_source(frame, length);
  send_frame(nic, frame, length);
}

int main(int argc, char** argv) {
  if (argc != 5) {
    fprintf(stderr, "usage: traffic FD0 FD1 PACKETS SEED\n");
    return 2;
  }
  wire[0] = atoi(argv[1]);
  wire[1] = atoi(argv[2]);
  const uint64_t count = strtoull(argv[3], NULL, 10);
  state = strtoull(argv[4], NULL, 10);
  double longest = step_over();
  for (uint64_t i = 1; i <= count; ++i) {
    send_something();
    if (i % kStep != 0 && i != count) continue;
    const double took = step_over();
    if (took > longest) longest = took;
  }
  for (double end = now() + kQuiet; now() < end;) { /* neighbours that are not there are given up */
    wait_a_moment(-1);
    send_answers();
  }
  step_over();
  printf("sent0=%llu sent1=%llu foreign0=%llu foreign1=%llu seen0=%llu seen1=%llu ip=%llu arp=%llu pieces=%llu longest=%.3f\n",
         (unsigned long long)sent[0], (unsigned long long)sent[1], (unsigned long long)foreign[0],
         (unsigned long long)foreign[1], (unsigned long long)seen[0], (unsigned long long)seen[1],
         (unsigned long long)seen_ip, (unsigned long long)seen_arp, (unsigned long long)pieces, longest);
  return 0;
}
