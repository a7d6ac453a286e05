#include "kernel/console.hpp"

#include <array>
#include <cstring>
#include <os.hpp>

#include "kernel/text.hpp"
#include "platform/platform.hpp"

namespace {

struct Command {
  const char* word;
  void (*run)(const char* rest);
};

std::array<Command, console::kCommands> commands;
std::size_t command_count = 0;

std::array<char, console::kLineLength + 1> line;
std::size_t line_length = 0;  // kLineLength + 1: the line is too long, its rest is being thrown away

constexpr std::size_t kOctetsPerPoll = 1024;

void print(const char* text) { os::print(text, std::strlen(text)); }

void run_line(char* text) {
  while (*text == ' ') ++text;
  if (*text == '\0') return;
  char* rest = text;
  while (*rest != ' ' && *rest != '\0') ++rest;
  while (*rest == ' ') *rest++ = '\0';
  for (std::size_t i = 0; i < command_count; ++i) {
    if (std::strcmp(commands[i].word, text) != 0) continue;
    commands[i].run(rest);
    return;
  }
  print("unknown command\n");
}

void end_line() {
  std::size_t length = line_length;
  line_length = 0;
  if (length > console::kLineLength) {
    print("line too long\n");
    return;
  }
  line[length] = '\0';
  run_line(line.data());
}

void take_octet(char octet) {
  if (octet == '\n' || octet == '\r') {
    end_line();
  } else if (line_length < console::kLineLength) {
    line[line_length++] = octet;
  } else {
    line_length = console::kLineLength + 1;
  }
}

}  // namespace

namespace console {

void on_command(const char* word, void (*f)(const char* rest)) {
  if (command_count == kCommands) os::panic("too many console commands");
  commands[command_count++] = {word, f};
}

bool poll() {
  bool typed = false;
  for (std::size_t i = 0; i < kOctetsPerPoll; ++i) {
    int octet = platform::console_read();
    if (octet < 0) break;
    typed = true;
    take_octet(static_cast<char>(octet));
  }
  return typed;
}

}  // namespace console
